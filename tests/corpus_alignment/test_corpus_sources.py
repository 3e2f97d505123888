"""Whatever a folder, a table or a manifest holds: one row for each utterance, and no exception."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.corpus_alignment.corpus_row import CorpusRow, numbered
from cifviz.corpus_alignment.corpus_sources import corpus_rows
from cifviz.errors import DataError


def rows_of(path):
    return corpus_rows(path, leave_out=path.parent / "out")


def test_a_folder_gives_its_sounds_by_name_with_the_texts_beside_them(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("b/two.FLAC", "a.wav", "c.wav", "notes.txt", ".hidden.wav"):
        (tmp_path / name).touch()
    (tmp_path / "a.txt").write_text(" one \n")
    (tmp_path / "a.lab").write_text("not this")
    (tmp_path / "b/two.lab").write_text("two")
    (tmp_path / "c.txt").write_bytes(b"\xff\xfe\x00")
    rows = rows_of(tmp_path)
    assert [(row.id, row.sound, row.text) for row in rows] == [
        ("a", "a.wav", "one"),
        ("c", "c.wav", None),
        ("b/two", "b/two.FLAC", "two"),
    ]
    assert "UTF-8" in rows[1].problem and str(tmp_path) not in rows[1].problem
    assert Path(rows[2].path) == tmp_path / "b/two.FLAC"


def test_the_results_in_a_folder_are_no_part_of_it(tmp_path):
    for name in ("a.wav", "out/utterances/a.flac"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    rows = corpus_rows(tmp_path, leave_out=tmp_path / "out")
    assert [row.id for row in rows] == ["a"]


def test_results_of_another_run_in_the_folder_are_no_part_of_it(tmp_path):
    for name in ("a.wav", "grid/utterances/a.flac", "grid/parts/p", "grid/corpus.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [row.id for row in rows_of(tmp_path)] == ["a"]


def test_a_table_names_sounds_relative_to_itself(tmp_path):
    table = tmp_path / "corpus.csv"
    table.write_text(
        "id,Audio_Filepath,text,offset,duration,more\n"
        'x,a/b.wav,"one, two",1.5,2,?\n'
        ",c.wav,,,,\n"
        ",c.wav,,3,,\n"
    )
    first, second, third = rows_of(table)
    assert first == CorpusRow("x", "a/b.wav", str(tmp_path / "a/b.wav"), "one, two", 1.5, 2.0)
    assert second == CorpusRow("c", "c.wav", str(tmp_path / "c.wav"))
    assert (third.id, third.offset) == ("c-3", 3.0)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a.wav", "line 2 has 1"),
        ("a.wav,1,2", "line 2 has 3"),
        (",1", "names no sound"),
        ("a.wav,soon", "offset must be"),
        ("a.wav,-1", "offset must be"),
        ("a.wav,nan", "offset must be"),
    ],
)
def test_a_bad_line_of_a_table_is_a_row_with_a_problem(tmp_path, line, problem):
    table = tmp_path / "corpus.csv"
    table.write_text(f"sound,offset\n{line}\nb.wav,0\n")
    bad, good = rows_of(table)
    assert problem in bad.problem
    assert (good.sound, good.problem) == ("b.wav", "")


def test_a_field_beyond_the_limit_of_csv_does_not_end_the_table(tmp_path):
    table = tmp_path / "corpus.csv"
    table.write_text(f"sound,text\na.wav,{'x' * 200_000}\nb.wav,one\n")
    rows = rows_of(table)
    assert rows[0].problem and rows[-1].sound == "b.wav"


def test_a_table_with_tabs(tmp_path):
    table = tmp_path / "corpus.tsv"
    table.write_text("path\tsentence\nclip.mp3\tone, two\n")
    assert [(row.sound, row.text) for row in rows_of(table)] == [("clip.mp3", "one, two")]


def test_a_manifest_of_nemo(tmp_path):
    manifest = tmp_path / "train.jsonl"
    lines = [
        '{"audio_filepath": "/data/a.wav", "text": "one", "duration": 1.25, "offset": 2}',
        '{"audio_filepath": "b.wav", "id": 7}',
        "{broken",
        '{"text": "no sound"}',
        '{"audio_filepath": "c.wav", "text": 3, "duration": null}',
        "[" * 100_000,
    ]
    manifest.write_text("\n".join(lines) + "\n\n")
    rows = rows_of(manifest)
    assert rows[0] == CorpusRow("/data/a-2", "/data/a.wav", "/data/a.wav", "one", 2.0, 1.25)
    assert (rows[1].id, rows[1].path) == ("7", str(tmp_path / "b.wav"))
    assert [bool(row.problem) for row in rows] == [False, False, True, True, True, True]


@pytest.mark.parametrize("packed", [False, True])
def test_a_manifest_of_lhotse(tmp_path, packed):
    lhotse = pytest.importorskip("lhotse")
    source = lhotse.audio.AudioSource("file", [0], "a.wav")
    recording = lhotse.Recording("rec", [source], 16000, 160000, 10.0)
    stereo = lhotse.Recording(
        "two", [lhotse.audio.AudioSource("file", [0, 1], "b.wav")], 16000, 16000, 1.0
    )
    segment = lhotse.SupervisionSegment("s", "rec", 0, 2, text="one two")
    cuts = [
        lhotse.MonoCut("cut", 1.5, 2.0, 0, supervisions=[segment], recording=recording),
        lhotse.MonoCut("whole", 0.0, 10.0, 0, recording=recording),
        lhotse.MonoCut("left", 0.0, 1.0, 0, recording=stereo),
    ]
    text = "".join(json.dumps(cut.to_dict()) + "\n" for cut in cuts)
    path = tmp_path / ("cuts.jsonl.gz" if packed else "cuts.jsonl")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    first, whole, left = rows_of(path)
    assert first == CorpusRow("cut", "a.wav", str(tmp_path / "a.wav"), "one two", 1.5, 2.0)
    assert (whole.text, whole.offset, whole.duration, whole.problem) == (None, 0.0, None, "")
    assert "split the channels" in left.problem


def test_what_is_no_corpus_is_refused(tmp_path):
    for name, match in {"none.csv": "no such corpus", "a.wav": "expected a folder"}.items():
        if name == "a.wav":
            (tmp_path / name).touch()
        with pytest.raises(DataError, match=match):
            rows_of(tmp_path / name)
    (tmp_path / "b.csv").write_text("speaker,words\n")
    with pytest.raises(DataError, match="column for the sound"):
        rows_of(tmp_path / "b.csv")
    with pytest.raises(DataError, match="the path of a corpus"):
        corpus_rows(3, leave_out=tmp_path)


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", '{"recording": {}}\n'), ("b.jsonl.gz", "no gzip")]
)
def test_what_is_no_manifest_of_lhotse_is_one_error(tmp_path, name, content):
    pytest.importorskip("lhotse")
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=f"expected a manifest of lhotse, cannot read .*{name}"):
        rows_of(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_nobody_waits_for_a_pipe(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="expected a folder or a file, .* is neither"):
        rows_of(tmp_path / name)


@given(st.text(max_size=300))
def test_any_text_is_a_table_with_a_row_for_each_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("tables") / "corpus.csv"
    path.write_bytes(b"sound,text\n" + text.replace("\0", "").encode("utf-8", "replace"))
    rows = rows_of(path)
    assert all(row.id for row in rows)
    assert all(row.sound or row.problem for row in rows)


@given(st.lists(st.recursive(st.none() | st.floats() | st.text(), st.lists, max_leaves=4)))
def test_any_json_is_a_manifest_with_a_row_for_each_line(tmp_path_factory, values):
    keys = ("audio_filepath", "text", "offset", "duration", "id")
    lines = [json.dumps(dict.fromkeys(keys, value)) for value in values]
    path = tmp_path_factory.mktemp("manifests") / "corpus.json"
    path.write_text("\n".join(lines))
    assert len(rows_of(path)) == len(values)


def test_equal_rows_have_keys_of_their_own():
    row = CorpusRow("a", "a.wav", "nowhere/a.wav")
    keys = [one.key("run") for one in numbered([row, row, row])]
    assert len(set(keys)) == 3
    assert keys == [one.key("run") for one in numbered([row, row, row])]
    assert row.key("another run") not in keys


def test_a_sound_that_was_replaced_has_another_key(tmp_path):
    row = CorpusRow("a", "a.wav", str(tmp_path / "a.wav"))
    missing = row.key("run")
    (tmp_path / "a.wav").write_bytes(b"1")
    first = row.key("run")
    (tmp_path / "a.wav").write_bytes(b"22")
    assert len({missing, first, row.key("run")}) == 3
