"""The JSON Schema of alignments: what is written follows it, what does not is found by it."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import read_alignments, write_alignments, write_json
from cifviz.formats.json_alignments import SCHEMA_FILE, VERSION

SCHEMA = json.loads(SCHEMA_FILE.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TOKENS = [{"token": "one", "start": 0.25, "end": 0.5, "score": 0.5}, {"token": "uh"}]
GOOD = {"schema": VERSION, "duration": 1.0, "tiers": ["mine"], "mine": TOKENS, "model": "digits"}


def test_the_schema_is_one_and_names_the_version():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == VERSION
    VALIDATOR.validate(GOOD)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "cifviz-alignment-2"},
        {"duration": -1},
        {"duration": None},
        {"tiers": "mine"},
        {"tiers": ["mine", "mine"]},
        {"tiers": ["duration"]},
        {"mine": [{"token": 3}]},
        {"mine": [{"token": "a", "start": 1}]},
        {"mine": [{"token": "a", "start": None, "end": 1}]},
        {"mine": [{"token": "a", "start": "0", "end": "1"}]},
        {"mine": [{"token": "a", "score": 2}]},
        {"mine": [{"token": "a", "begin": 2}]},
        {"mine": [{"token": "a"}, "b"]},
        {"words": {"token": "a"}},
        {"fires": ["a"]},
    ],
)
def test_what_is_no_alignment_breaks_the_schema(change):
    assert not VALIDATOR.is_valid({**GOOD, **change})


@given(
    st.lists(
        st.tuples(st.text(max_size=5), st.booleans(), st.none() | st.floats(0, 1)), max_size=4
    ),
    st.text(max_size=5).filter(lambda name: name not in ("schema", "duration", "tiers", "model")),
)
def test_what_is_written_follows_the_schema(tmp_path_factory, rows, name):
    tokens = tuple(
        TimedToken(label, *((index / 3, (index + 1) / 3) if timed else (None, None)), score)
        for index, (label, timed, score) in enumerate(rows)
    )
    path = tmp_path_factory.getbasetemp() / "schema.json"
    tiers = {name: Alignment(tokens)}
    write_alignments(path, tiers, 0.0, details={"model": "digits"}, overwrite=True)
    VALIDATOR.validate(json.loads(path.read_text("utf-8")))
    assert read_alignments(path) == tiers


def test_a_later_version_is_refused_and_a_file_without_one_is_read(tmp_path):
    path = write_json(tmp_path / "a.json", {**GOOD, "schema": "cifviz-alignment-2"})
    with pytest.raises(DataError, match="expected the schema 'cifviz-alignment-1', .*-2'"):
        read_alignments(path)
    write_json(path, {"tiers": ["mine"], "mine": TOKENS}, overwrite=True)
    assert read_alignments(path)["mine"].text == "one uh"
