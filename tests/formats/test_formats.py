import json
import os

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import alignment_from_json, read_json, write_json, write_textgrid
from cifviz.resources import resource

ONE = Alignment((TimedToken("a", 0.25, 0.5),))


def test_json_keeps_everything_and_equal_values_make_equal_files(tmp_path):
    words = Alignment((TimedToken("ˈaɪ\n", 0.1, 1 / 3, 0.5), TimedToken("你")))
    path = write_json(tmp_path / "a.json", {"b": words, "a": 1})
    assert alignment_from_json(read_json(path)["b"]) == words
    assert list(json.loads(path.read_text("utf-8"))) == ["a", "b"]
    assert path.read_bytes() == write_json(tmp_path / "b.json", {"a": 1, "b": words}).read_bytes()


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "expected finite numbers"),
        ({1: 2, "a": 3}, "objects with texts as keys"),
        (nested(100_000), "nested too deep"),
        ([10**5000], "expected finite numbers"),
        ({"a": object()}, "object is not a JSON type"),
        ({1, 2}, "set is not a JSON type"),
    ],
)
def test_what_json_cannot_hold_is_refused(tmp_path, value, message):
    with pytest.raises(DataError, match=f"a.json: cannot be written as JSON: .*{message}"):
        write_json(tmp_path / "a.json", value)
    assert list(tmp_path.iterdir()) == []


def test_half_of_a_surrogate_pair_is_escaped_and_read_back(tmp_path):
    value = {"\ud800": ["x\udcff", "ˈaɪ 🙂"]}
    path = write_json(tmp_path / "a.json", value)
    assert read_json(path) == value
    text = path.read_bytes().decode("utf-8")
    assert '"\\ud800"' in text and '"x\\udcff"' in text and "ˈaɪ 🙂" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": ', "line 1, column 7 is not JSON"),
        (b"", "line 1, column 1 is not JSON"),
        (b'["\xff"]', "byte 2 is not UTF-8"),
        ("[]".encode("utf-16"), "byte 0 is not UTF-8"),
        (b"[" * 100_000, "it is nested too deep"),
        (b'{"a":' * 100_000, "it is nested too deep"),
        (b"[NaN]", "NaN is not a number of JSON"),
        (b"[-Infinity]", "-Infinity is not a number of JSON"),
        (b"[1e999]", "the number '1e999' is too large"),
        (b"[" + b"9" * 5000 + b"]", "the number '999.* is too large"),
        (b'[{"a": 1, "a": 2}]', "the key 'a' occurs twice in an object"),
    ],
    ids=lambda one: "" if isinstance(one, bytes) else None,
)
def test_damaged_json_is_refused(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"expected JSON in UTF-8, cannot read .*json: {message}"):
        read_json(path)


def test_json_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": [1, 2.5, true, null, "\xc3\xa9"]}')
    assert read_json(tmp_path / "a.json") == {"a": [1, 2.5, True, None, "é"]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "expected a list of objects with token, .* got None"),
        ("one", "expected a list of objects with token, .* got 'one'"),
        ({"token": "a"}, "expected a list of objects with token, .* got {'token': 'a'}"),
        ([{"token": "a"}, "b"], "expected a list of objects .* got 'b' as number 1"),
        ([{"token": "a", "begin": 1}], "expected a list of objects with token, start, end"),
        ([{"start": 1, "end": 2}], "expected a list of objects with token, start, end"),
        ([{"token": 3}], "token must be a str, got 3"),
        ([{"token": "a", "start": "0", "end": 1}], "needs finite start <= end"),
        ([{"token": "a", "start": 10**400, "end": 1}], "needs finite start <= end"),
        ([{"token": "a", "start": 1}], "needs both times or none"),
        ([{"token": "a", "score": [2]}], "score of token 'a' must be a number"),
        ([{"token": "a", "start": 0, "end": 2}, {"token": "b", "start": 1, "end": 3}], "starts at"),
    ],
)
def test_what_is_no_alignment_is_refused(value, message):
    with pytest.raises(DataError, match=message):
        alignment_from_json(value)


@pytest.mark.parametrize("place", ["nowhere.json", "folder", "pipe", "loop", "a" * 300, "large"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_text('"' + "a" * 100 + '"')
    if place == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
    if place == "loop":
        (tmp_path / "loop").symlink_to("loop")
    problem = {
        "folder": "expected a JSON file, .*folder is not a file",
        "pipe": "pipe is not a file|no such JSON file: ",
        "large": "the JSON file .*large is larger than 100 bytes",
        "a" * 300: "(cannot read the|no such) JSON file",
    }
    with pytest.raises(DataError, match=problem.get(place, "no such JSON file: ")):
        read_json(tmp_path / place, at_most=100)
    assert read_json(tmp_path / "large", at_most=102) == "a" * 100


@pytest.mark.parametrize("write", [write_json, lambda *a, **k: write_textgrid(*a, 1.0, **k)])
def test_a_file_that_is_there_is_replaced_only_if_that_is_asked_for(tmp_path, write):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(DataError, match="a exists; --overwrite"):
        write(path, ONE)
    assert path.read_text() == "old"
    write(path, ONE, overwrite=True)
    assert path.read_text() != "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_json_keeps_a_lone_surrogate(tmp_path):
    path = write_json(tmp_path / "a.json", {"token": "a\ud800", "path": "b\\"})
    assert read_json(path) == {"token": "a\ud800", "path": "b\\"}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="no such folder to write in: .*nowhere"):
        write_json(tmp_path / "nowhere" / "a.json", 1)


def test_a_resource_is_found_in_a_wheel_first_and_then_in_the_clone(tmp_path, monkeypatch):
    monkeypatch.setattr("cifviz.resources._PACKAGE", tmp_path / "cifviz")
    with pytest.raises(DataError, match="the folder 'clips' that ships with cifviz, found neither"):
        resource("clips")
    beside = tmp_path / "data" / "clips"
    beside.mkdir(parents=True)
    assert resource("clips") == beside
    inside = tmp_path / "cifviz" / "_data" / "clips"
    inside.mkdir(parents=True)
    assert resource("clips") == inside
