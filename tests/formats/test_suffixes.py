"""Formats are found by the suffix of a file's name."""

import json
import re

import pytest

from cifviz import formats
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from tests.formats import lab_format

TIERS = {
    "words": Alignment((TimedToken("one", 0.25, 0.5), TimedToken("two", 0.5, 1.0))),
    "phones": Alignment((TimedToken("w", 0.25, 0.38),)),
}


@pytest.fixture
def tables(monkeypatch):
    """Tables of formats that a test may change."""
    monkeypatch.setattr(formats, "WRITERS", dict(formats.WRITERS))
    monkeypatch.setattr(formats, "READERS", dict(formats.READERS))
    monkeypatch.setattr(formats, "ONE_TIER", set(formats.ONE_TIER))
    monkeypatch.setattr(formats, "RECORDINGS", set(formats.RECORDINGS))


@pytest.mark.parametrize(
    "suffix", [suffix for suffix in formats.WRITERS if suffix in formats.READERS]
)
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_every_format_reads_what_it_writes(tmp_path, suffix, change):
    path = tmp_path / f"a{change(suffix)}"
    tiers = {"words": TIERS["words"]} if suffix in formats.ONE_TIER else TIERS
    assert formats.write_alignments(path, tiers, 1.0, details={"model": "digits"}) == path
    assert formats.read_alignments(path) == tiers
    with pytest.raises(DataError, match="exists"):
        formats.write_alignments(path, tiers, 1.0)
    formats.write_alignments(path, TIERS["phones"], 1.0, overwrite=True)
    name = "a" if suffix in formats.RECORDINGS else "words"
    assert formats.read_alignments(path) == {name: TIERS["phones"]}


def test_a_new_format_is_one_file_and_one_line(tmp_path, tables):
    formats.register(".lab", write=lab_format.write, read=lab_format.read, one_tier=True)
    path = formats.write_alignments(tmp_path / "a.lab", TIERS["words"], 1.0)
    assert path.read_text("utf-8").splitlines()[0] == "2500000 5000000 one"
    assert formats.read_alignments(path) == {"words": TIERS["words"]}
    path.write_text("0 1", "utf-8")
    with pytest.raises(DataError, match="expected start, end and label, got '0 1'"):
        formats.read_alignments(path)
    with pytest.raises(DataError, match=r"\.lab holds one tier, got 2"):
        formats.write_alignments(path, TIERS, 1.0)


def test_the_longest_suffix_decides(tmp_path):
    long, short = (
        formats.write_alignments(tmp_path / name, TIERS, 1.0).read_text("utf-8")
        for name in ("a.TextGrid", "a.short.textgrid")
    )
    assert "xmin" in long and "xmin" not in short


def test_json_keeps_untimed_tokens_scores_and_details(tmp_path):
    tokens = Alignment((TimedToken("uh"), TimedToken("a", 0.1, 1 / 3, 0.5)))
    path = formats.write_alignments(
        tmp_path / "a.json", {"tokens": tokens}, 0.5, details={"model": "digits"}
    )
    content = json.loads(path.read_text("utf-8"))
    assert (content["duration"], content["tiers"], content["model"]) == (0.5, ["tokens"], "digits")
    assert formats.read_alignments(path) == {"tokens": tokens}


def test_a_list_of_tokens_is_the_tier_words(tmp_path):
    path = formats.write_json(tmp_path / "a.json", TIERS["words"])
    assert formats.read_alignments(path) == {"words": TIERS["words"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "an object with the names of its tiers in 'tiers', cannot read"),
        ("words", "expected a list of tokens, or an object"),
        ({"tiers": "words"}, "expected a list of tokens, or an object"),
        ({"tiers": ["words"]}, "cannot read .*a.json: expected a list of objects with token"),
    ],
)
def test_json_that_holds_no_tiers_is_refused(tmp_path, content, message):
    path = formats.write_json(tmp_path / "a.json", content)
    with pytest.raises(DataError, match=message):
        formats.read_alignments(path)


@pytest.mark.parametrize("name", ["duration", "tiers", "words"])
def test_two_entries_of_one_name_are_refused(tmp_path, name):
    with pytest.raises(DataError, match=f"'{name}' is the name of two entries"):
        formats.write_alignments(tmp_path / "a.json", TIERS, 1.0, details={name: 1})


@pytest.mark.parametrize("name", ["a.xyz", "TextGrid", "a.json.bak"])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    for known, call in (
        (formats.WRITERS, lambda path: formats.write_alignments(path, TIERS, 1.0)),
        (formats.READERS, formats.read_alignments),
    ):
        message = f"expected a file name that ends in {' or '.join(known)}, got "
        with pytest.raises(DataError, match=re.escape(message)):
            call(tmp_path / name)
