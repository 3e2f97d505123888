"""A corpus in a folder of results: every row once, whatever breaks, and nothing done twice."""

import json
import os
import subprocess
import sys

import pytest

import cifviz
from cifviz.corpus_alignment import align_whole_corpus, corpus_run, row_files
from cifviz.corpus_alignment.align_whole_corpus import align_corpus
from cifviz.corpus_alignment.aligned_corpus import AlignedCorpus
from cifviz.corpus_alignment.row_alignment import RowResult
from cifviz.errors import CheckpointError, CIFError, DataError
from tests.corpus_alignment.conftest import copy_clips, files_in


def run(source, out, client, **options):
    return align_corpus(source, out, model="digits", client=client, rows_per_part=3, **options)


def test_every_row_of_the_source_is_one_row_of_the_results(source, tmp_path, client):
    aligned = run(source, tmp_path / "out", client)
    rows = list(aligned.rows())
    assert [(row["row"], row["id"], row["status"]) for row in rows] == [
        (0, "damaged", "failed"),
        (1, "empty", "failed"),
        (2, "three", "transcribed"),
        (3, "two", "transcribed"),
    ]
    three = rows[2]
    assert (three["text"], three["errors"], three["reference_tokens"]) == ("three one four", 0, 3)
    assert [token["token"] for token in three["tokens"]] == ["three", "one", "four"]
    assert {len(row["model_hash"]) for row in rows} == {64}
    assert {row["code"] for row in rows} == {aligned.description["code"]}
    assert json.loads(three["settings"])["rows_per_part"] == 3
    assert len(aligned) == 4 and aligned.statuses["failed"] == 2
    assert aligned.table().column("id").to_pylist() == [row["id"] for row in rows]
    assert "2 transcribed, 2 failed" in str(aligned)
    for row in rows:
        written = json.loads((aligned.folder / row["file"]).read_text())
        assert written["status"] == row["status"] and written["reason"] == row["reason"]
    assert (aligned.folder / three["file"]).with_suffix(".TextGrid").is_file()


def test_the_same_again_touches_no_result(source, tmp_path, client, monkeypatch):
    first = run(source, tmp_path / "out", client)
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*-*.*")}
    monkeypatch.setattr(row_files, "align_row", None)  # would be called
    run(source, tmp_path / "out", client)
    assert before == {path: path.stat().st_mtime_ns for path in first.folder.rglob("*-*.*")}


def test_two_runs_make_the_same_files(source, tmp_path, client):
    first, second = (run(source, tmp_path / name, client) for name in ("one", "two"))
    assert files_in(first.folder) == files_in(second.folder)


def test_a_part_or_a_row_that_is_lost_or_half_written_is_made_again(source, tmp_path, client):
    aligned = run(source, tmp_path / "out", client)
    whole = files_in(aligned.folder)
    part, rows = aligned.parts[0], list(aligned.rows())
    part.write_bytes(part.read_bytes()[:100])
    half = aligned.folder / rows[2]["file"]
    half.write_bytes(half.read_bytes()[:-5])
    (aligned.folder / rows[0]["file"]).unlink()
    (aligned.folder / "parts/.cifviz-abc").mkdir()
    (aligned.folder / "parts/.cifviz-abc/part.parquet").write_bytes(b"half")
    (half.parent / ".trying-0123-abc").write_bytes(b"...")
    run(source, tmp_path / "out", client)
    assert files_in(aligned.folder) == whole


def test_rows_with_equal_names_are_all_there(tmp_path, client):
    copy_clips(tmp_path / "sounds", ["two"])
    table = tmp_path / "corpus.csv"
    table.write_text("id,sound,text\n" + "same,sounds/two.flac,\n" * 3 + "same,sounds/no.flac,\n")
    aligned = run(table, tmp_path / "out", client)
    rows = list(aligned.rows())
    assert [row["same_id"] for row in rows] == [4] * 4
    assert [row["status"] for row in rows] == ["transcribed"] * 3 + ["failed"]
    assert len({row["file"] for row in rows}) == 4


def test_what_the_source_no_longer_has_is_removed_and_what_is_new_is_added(
    source, tmp_path, client, monkeypatch
):
    run(source, tmp_path / "out", client)
    (source / "damaged.flac").unlink()
    copy_clips(source, ["four"])
    done = []
    align_row = row_files.align_row

    def counted(row, model, **request):
        done.append(row.id)
        return align_row(row, model, **request)

    monkeypatch.setattr(row_files, "align_row", counted)
    aligned = run(source, tmp_path / "out", client)
    assert done == ["four"]
    assert files_in(aligned.folder) == files_in(run(source, tmp_path / "new", client).folder)


def test_failed_rows_are_tried_again_if_asked(source, tmp_path, client, monkeypatch):
    """As after a network that was away for a moment: the files are the same as before."""
    align_row, done = row_files.align_row, []

    def fails(row, model, **request):
        return RowResult("failed", "no route to host")

    def counted(row, model, **request):
        done.append(row.id)
        return align_row(row, model, **request)

    monkeypatch.setattr(row_files, "align_row", fails)
    assert run(source, tmp_path / "out", client).statuses["failed"] == 4
    monkeypatch.setattr(row_files, "align_row", counted)
    assert run(source, tmp_path / "out", client).statuses["failed"] == 4 and not done
    again = run(source, tmp_path / "out", client, retry_failed=True)
    assert again.statuses["failed"] == 2 and len(done) == 4
    assert files_in(again.folder) == files_in(run(source, tmp_path / "new", client).folder)


def test_a_sound_that_ends_its_process_again_and_again_is_given_up(source, tmp_path, client):
    """Traces of three processes that ended in this call, as a part meets them."""
    aligned = run(source, tmp_path / "out", client)
    row = list(aligned.rows())[3]
    stem = aligned.folder / row["file"].removesuffix(".json")
    with row_files._attempt(stem, "call") as attempts:
        assert attempts == 1
    trace = stem.with_name(f".trying-{stem.name[-16:]}-call")
    assert not trace.exists()
    trace.write_bytes(b"...")
    with row_files._attempt(stem, "call") as attempts:
        assert attempts == row_files.MOST_ATTEMPTS + 1
    with row_files._attempt(stem, "another call") as attempts:
        assert attempts == 1


def test_other_results_are_replaced_only_if_asked(source, tmp_path, client, monkeypatch):
    run(source, tmp_path / "out", client)
    with pytest.raises(DataError, match="another run .settings differ"):
        run(source, tmp_path / "out", client, cuts=True)
    for module in (align_whole_corpus, corpus_run):
        monkeypatch.setattr(module, "code_version", lambda: "cifviz later")
    with pytest.raises(DataError, match="code differ"):
        run(source, tmp_path / "out", client)
    run(source, tmp_path / "out", client, overwrite=True)
    assert files_in(tmp_path / "out") == files_in(run(source, tmp_path / "new", client).folder)


def test_a_folder_of_something_else_is_left_alone(source, tmp_path, client):
    out = tmp_path / "out"
    (out / "parts").mkdir(parents=True)
    with pytest.raises(DataError, match="holds parts, and no corpus.json"):
        run(source, out, client, overwrite=True)
    with pytest.raises(CIFError, match="a folder of their own"):
        run(source, source, client)
    (out / "corpus.json").write_text('{"code": 1}')
    with pytest.raises(DataError, match="not of an aligned corpus"):
        run(source, out, client, overwrite=True)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DataError, match="no folder"):
        run(source, file, client)


HOLD = """
import sys, time, filelock
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_process_writes_to_a_folder(source, tmp_path, client):
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", HOLD, out / align_whole_corpus.LOCK]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(DataError, match="another process writes to .*out: wait until it ends"):
            run(source, out, client)
        assert [path.name for path in out.iterdir()] == [align_whole_corpus.LOCK]
        other.kill()
    assert len(run(source, out, client)) == 4  # the lock of a process that was killed is gone


def test_a_corpus_without_rows(tmp_path, client):
    (tmp_path / "none").mkdir()
    aligned = run(tmp_path / "none", tmp_path / "out", client)
    assert len(aligned) == 0 and list(aligned.rows()) == []
    assert aligned.index.is_file()


def test_cuts_are_the_sound_of_each_row(tmp_path, client):
    copy_clips(tmp_path, ["three"])
    table = tmp_path / "corpus.csv"
    table.write_text("sound,offset,duration\nthree.flac,0.5,0.75\n")
    aligned = run(table, tmp_path / "out", client, cuts=True)
    (row,) = aligned.rows()
    cut = cifviz.load_waveform((aligned.folder / row["file"]).with_suffix(".flac"))
    whole = cifviz.load_waveform(tmp_path / "three.flac")
    assert abs(cut.samples - whole.cut(0.5, 1.25).samples).max() < 1e-4


def test_wrong_arguments_say_so(source, tmp_path, client):
    out = tmp_path / "out"
    for match, options in {
        "rows_per_part must be an integer > 0": {"rows_per_part": 0},
        "formats must be a collection": {"formats": ".TextGrid"},
        "format must be one of": {"formats": [".doc"]},
        "workers are those of a cluster made here": {"workers": 2},
        "a language needs a model that aligns": {"language": "en-gb"},
    }.items():
        with pytest.raises(CIFError, match=match):
            align_corpus(source, out, model="digits", client=client, **options)
    with pytest.raises(CheckpointError, match="no model"):
        align_corpus(source, out, model="nothing", client=client)
    with pytest.raises(CIFError, match="model must be a path, got 3"):
        align_corpus(source, out, model=3, client=client)
    with pytest.raises(CIFError, match="out must be a path, got None"):
        align_corpus(source, None, model="digits", client=client)
    with pytest.raises(CIFError, match="expected a Dask cluster with a worker at 5"):
        align_corpus(source, out, model="digits", client=5)


def test_a_script_without_its_last_line_is_told_so(source, tmp_path, monkeypatch):
    def start(**_):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr("distributed.LocalCluster", start)
    with pytest.raises(CIFError, match='below if __name__ == "__main__":'):
        align_corpus(source, tmp_path / "out", model="digits", workers=1)


def test_results_that_are_not_all_there_are_not_read(source, tmp_path, client):
    aligned = run(source, tmp_path / "out", client)
    aligned.parts[1].unlink()
    with pytest.raises(DataError, match="1 of 2 parts"):
        AlignedCorpus.read(tmp_path / "out")
    with pytest.raises(DataError, match="has no corpus.json"):
        AlignedCorpus.read(tmp_path)


def test_names_that_no_file_could_have(tmp_path, client):
    copy_clips(tmp_path / "sounds", ["two"])
    lines = [
        json.dumps({"id": name, "audio_filepath": "sounds/two.flac", "text": name})
        for name in ("../../up", "a/b", "CON", "", ".", "x" * 999, "数字 \ud800 \x00", "<script>")
    ]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("\n".join(lines))
    aligned = run(manifest, tmp_path / "out", client)
    assert aligned.statuses["transcribed"] == len(lines)
    assert '<script>"' not in aligned.index.read_text()
    assert all(os.path.isfile(aligned.folder / row["file"]) for row in aligned.rows())


def test_a_worker_with_other_code_ends_the_run(source, tmp_path, client, monkeypatch):
    monkeypatch.setattr(align_whole_corpus, "code_version", lambda: "cifviz of another day")
    with pytest.raises(CIFError, match="a worker has cifviz .* started with cifviz of another day"):
        run(source, tmp_path / "out", client)


def test_other_formats_and_those_that_cannot_hold_a_name(tmp_path, client):
    copy_clips(tmp_path, ["three"])
    table = tmp_path / "corpus.csv"
    table.write_text("id,sound\nspaces in it,three.flac\n")
    formats = (".short.TextGrid", ".srt", ".ctm", ".json")
    aligned = run(table, tmp_path / "out", client, formats=formats)
    (row,) = aligned.rows()
    stem = aligned.folder / row["file"].removesuffix(".json")
    for suffix in formats:
        path = stem.with_name(stem.name + suffix)
        assert path.is_file() or f"no {suffix} file: {suffix[1:].upper()} " in row["reason"]
    assert str(tmp_path) not in row["reason"]
    again = run(table, tmp_path / "out", client, formats=formats)
    assert files_in(again.folder) == files_in(aligned.folder)
    assert stem.with_name(f"{stem.name}.short.TextGrid").is_file()
