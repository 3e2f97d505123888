import json

import pytest
from praatio import textgrid

from cifviz.errors import DataError
from cifviz.resources import resource
from cifviz.speech.alignment import Alignment, TimedToken
from cifviz.speech.formats import (
    UNTIMED_SUFFIX,
    alignment_from_json,
    read_json,
    read_textgrid,
    write_json,
    write_textgrid,
)


def one(token, start=0.25, end=0.5):
    return Alignment((TimedToken(token, start, end),))


QUOTES_AND_SYNTAX = ['he said "hi"', '"', "\\", "xmin = 1", "a\nb", "two words"]
SCRIPTS = ["你好", "ˈaɪ", "שלום", "مرحبا", "🙂"]


@pytest.mark.parametrize("label", QUOTES_AND_SYNTAX + SCRIPTS)
def test_any_label_comes_back_from_a_textgrid(tmp_path, label):
    path = write_textgrid(tmp_path / "a.TextGrid", one(label), 1.0)
    assert read_textgrid(path) == {"words": one(label)}


@pytest.mark.parametrize("label", ["", "  ", " x", "a\r\nb", "intervals [2]:", "item [3]:"])
def test_a_label_that_would_not_come_back_is_refused(tmp_path, label):
    with pytest.raises(DataError, match=r"cannot read|would not be read back"):
        write_textgrid(tmp_path / "a.TextGrid", one(label), 1.0)
    assert list(tmp_path.iterdir()) == []


def test_tiers_keep_their_names_and_blank_spaces_are_written(tmp_path):
    tiers = {"words": one("two"), "phones": one("t"), "empty": Alignment()}
    path = write_textgrid(tmp_path / "a.TextGrid", tiers, 1.0)
    assert read_textgrid(path) == tiers
    whole = textgrid.openTextgrid(str(path), includeEmptyIntervals=True).getTier("words")
    assert [(start, end) for start, end, _ in whole.entries] == [(0, 0.25), (0.25, 0.5), (0.5, 1)]


def test_neighbours_whose_floats_nearly_agree_do_not_overlap(tmp_path):
    edge = 0.1 + 0.2
    words = Alignment((TimedToken("a", 0.0, 0.3), TimedToken("b", edge, 1 / 3 + edge)))
    path = write_textgrid(tmp_path / "a.TextGrid", words, 1 / 3 + edge)
    first, second = read_textgrid(path)["words"]
    assert first.end == second.start == 0.3


def test_tokens_without_length_or_time_stand_in_a_point_tier(tmp_path):
    words = Alignment(
        (
            TimedToken("uh"),
            TimedToken("one", 0.2, 0.4),
            TimedToken("l", 0.4, 0.4),
            TimedToken("er"),
            TimedToken("two", 0.5, 0.8),
        )
    )
    tiers = read_textgrid(write_textgrid(tmp_path / "a.TextGrid", words, 1.0))
    assert tiers["words"].text == "one two"
    points = tiers["words" + UNTIMED_SUFFIX]
    assert [(point.token, point.start) for point in points] == [("uh", 0.0), ("l er", 0.4)]


def test_an_alignment_longer_than_the_audio_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"tier 'words' ends at 0.5 s, the audio at 0.4 s"):
        write_textgrid(tmp_path / "a.TextGrid", one("a"), 0.4)
    with pytest.raises(DataError, match="duration must be > 0"):
        write_textgrid(tmp_path / "a.TextGrid", Alignment(), 0.0)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe\x00", b'File type = "ooTextFile"\n'])
def test_what_is_no_textgrid_is_refused(tmp_path, content):
    path = tmp_path / "a.TextGrid"
    path.write_bytes(content)
    with pytest.raises(DataError, match="expected a Praat TextGrid"):
        read_textgrid(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no such TextGrid: .*b.TextGrid"):
        read_textgrid(tmp_path / "b.TextGrid")
    with pytest.raises(DataError, match="no such JSON file: .*b.json"):
        read_json(tmp_path / "b.json")


def test_json_keeps_everything_and_equal_values_make_equal_files(tmp_path):
    words = Alignment((TimedToken("ˈaɪ\n", 0.1, 1 / 3, 0.5), TimedToken("你")))
    path = write_json(tmp_path / "a.json", {"b": words, "a": 1})
    assert alignment_from_json(read_json(path)["b"]) == words
    assert list(json.loads(path.read_text("utf-8"))) == ["a", "b"]
    assert path.read_bytes() == write_json(tmp_path / "b.json", {"a": 1, "b": words}).read_bytes()


@pytest.mark.parametrize("value", [float("nan"), {"a": object()}, {1, 2}])
def test_what_json_cannot_hold_is_refused(tmp_path, value):
    with pytest.raises(DataError, match="cannot be written as JSON"):
        write_json(tmp_path / "a.json", value)
    assert list(tmp_path.iterdir()) == []


def test_damaged_json_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": ')
    with pytest.raises(DataError, match="expected JSON in UTF-8"):
        read_json(path)
    with pytest.raises(DataError, match="expected a list of objects"):
        alignment_from_json([{"token": "a", "begin": 1}])


@pytest.mark.parametrize("write", [write_json, lambda *a, **k: write_textgrid(*a, 1.0, **k)])
def test_a_file_that_is_there_is_replaced_only_if_that_is_asked_for(tmp_path, write):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(DataError, match="a exists; --overwrite"):
        write(path, one("a"))
    assert path.read_text() == "old"
    write(path, one("a"), overwrite=True)
    assert path.read_text() != "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_lone_surrogate_is_no_label(tmp_path):
    with pytest.raises(DataError, match=r"a.TextGrid: a TextGrid is UTF-8, .* hold '\\ud800'"):
        write_textgrid(tmp_path / "a.TextGrid", one("a\ud800"), 1.0)
    assert list(tmp_path.iterdir()) == []


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
