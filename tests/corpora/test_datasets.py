import csv
import io
import random
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
import soundfile

from cifviz.corpora import corpus_registry, datasets
from cifviz.corpora.corpus_registry import unpack
from cifviz.errors import CIFError, DataError
from cifviz.resources import resource


def write_table(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def tiny_data(tmp_path, monkeypatch):
    """Two takes of 100 and 200 samples, one string of both, one GRID sentence."""
    digits, grid = tmp_path / "digits", tmp_path / "grid"
    for folder in (digits, grid):
        (folder / "audio").mkdir(parents=True)
    sound = np.linspace(-0.5, 0.5, 300)
    soundfile.write(digits / "audio" / "ann.flac", sound, 16000)
    take = {"path": "audio/ann.flac", "speaker": "ann", "split": "dev"}
    write_table(
        digits / "manifest.csv",
        [
            {"id": "1_ann_0", "start_sample": 0, "end_sample": 100, "word": "one",
             "voiced_start_sample": 10, "voiced_end_sample": 90, **take},
            {"id": "2_ann_0", "start_sample": 100, "end_sample": 300, "word": "two",
             "voiced_start_sample": 120, "voiced_end_sample": 300, **take},
        ],
    )  # fmt: skip
    string = {
        "id": "x0", "speaker": "ann", "text": "two one", "item_ids": "2_ann_0 1_ann_0",
        "gaps_ms": "10", "lead_ms": "20", "tail_ms": "5", "total_samples": "860",
    }  # fmt: skip
    for split in ("train", "dev", "test"):
        write_table(digits / f"strings_{split}.csv", [string])
    soundfile.write(grid / "audio" / "g.flac", sound, 16000)
    sentence = {"id": "g", "path": "audio/g.flac", "split": "dev", "text": "bin blue"}
    write_table(grid / "manifest.csv", [sentence])
    write_table(
        grid / "words.csv",
        [
            {"id": "g", "start_s": "0.001", "end_s": "0.002", "word": "bin"},
            {"id": "g", "start_s": "0.002", "end_s": "0.015", "word": "blue"},
        ],
    )
    monkeypatch.setenv("CIFVIZ_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    """Neither CIFVIZ_DATA nor anything downloaded; the empty cache."""
    monkeypatch.delenv("CIFVIZ_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "cifviz"


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_string_is_takes_with_silence_and_its_times_are_of_what_is_voiced(tiny_data):
    (string,) = datasets.digit_strings("dev")
    assert (string.words, string.takes, string.gaps_ms) == (
        ("two", "one"), ("2_ann_0", "1_ann_0"), (10,),
    )  # fmt: skip
    waveform, words = datasets.digit_string_waveform(string)
    spoken = np.flatnonzero(waveform.samples)
    assert (len(waveform.samples), spoken[0], spoken[-1]) == (860, 320, 779)
    # lead 320, two at 320..520, gap 160, one at 680..780, tail 80
    assert [(word.token, word.start * 16000, word.end * 16000) for word in words] == [
        ("two", 340, 520),
        ("one", 690, 770),
    ]


def test_a_take_is_a_stretch_of_its_file(tiny_data):
    one, two = datasets.digit_takes()
    waveform, words = datasets.take_waveform(two)
    assert (one.word, one.speaker, one.split) == ("one", "ann", "dev")
    assert len(waveform.samples) == 200
    assert words.tokens[0].start == 20 / 16000


def test_a_grid_sentence_has_words_and_sound(tiny_data):
    (sentence,) = datasets.grid_sentences("dev")
    assert sentence.words.text == sentence.text == "bin blue"
    assert len(sentence.waveform().samples) == 300
    assert datasets.grid_sentences("train") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("strings_dev.csv", "2_ann_0", "2_bob_0", "x0 names unknown takes .'2_bob_0'."),
        ("strings_dev.csv", "two one", "two two", "x0 expects the words .*its takes have"),
        ("strings_dev.csv", ",10,", ",10 10,", "gaps .10, 10."),
        ("strings_dev.csv", ",20,", ",many,", "line 2, column 'lead_ms': cannot be 'many'"),
        ("strings_dev.csv", "tail_ms", "tail", r"missing \['tail_ms'\]"),
        ("strings_dev.csv", ",5,860", "", "column 'tail_ms': the line ends before it"),
    ],
)
def test_a_damaged_table_is_named_with_its_place(tiny_data, file, old, new, message):
    edit(tiny_data / "digits" / file, old, new)
    with pytest.raises(DataError, match=message):
        datasets.digit_strings("dev")


def test_a_string_of_the_wrong_length_is_refused(tiny_data):
    edit(tiny_data / "digits" / "strings_dev.csv", ",860", ",861")
    (string,) = datasets.digit_strings("dev")
    with pytest.raises(DataError, match="x0 should be 861 samples long, .* make 860"):
        datasets.digit_string_waveform(string)


def test_grid_tables_that_disagree_are_refused(tiny_data):
    edit(tiny_data / "grid" / "manifest.csv", "bin blue", "bin red")
    with pytest.raises(DataError, match="'bin red' in manifest.csv, but 'bin blue' in words.csv"):
        datasets.grid_sentences("dev")


def test_unknown_splits_and_sets_are_answered_with_the_known_ones(tiny_data):
    with pytest.raises(CIFError, match="split must be one of 'train', 'dev', 'test', got 'all'"):
        datasets.digit_strings("all")
    with pytest.raises(CIFError, match="split must be one of 'train', 'dev', got 'test'"):
        datasets.grid_sentences("test")
    with pytest.raises(CIFError, match="data set must be one of 'clips', 'digits', 'grid'"):
        corpus_registry.fetch("librispeech")


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_missing_data_says_what_to_set_and_what_to_call(no_data, name):
    message = f"data set '{name}' not found: .*Set CIFVIZ_DATA .*fetch.'{name}'. downloads"
    with pytest.raises(DataError, match=message):
        corpus_registry.corpus_folder(name)


def test_the_cache_is_read_where_the_variable_leads_nowhere(tiny_data, no_data, monkeypatch):
    monkeypatch.setenv("CIFVIZ_DATA", str(tiny_data / "nowhere"))
    no_data.mkdir(parents=True)
    (tiny_data / "grid").rename(no_data / "grid")
    assert corpus_registry.corpus_folder("grid") == no_data / "grid"


def test_clips_ship_with_the_library_and_need_no_download():
    assert (
        corpus_registry.fetch("clips")
        == corpus_registry.corpus_folder("clips")
        == resource("clips")
    )


def test_fetch_unpacks_what_it_downloads_once_and_the_reader_says_what_is_missing(
    no_data, tmp_path, monkeypatch
):
    asked = []

    def retrieve(url, known_hash, path, fname):
        asked.append((url, known_hash))
        archive = tmp_path / fname
        with tarfile.open(archive, "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("recordings/0_ann_0.wav"), io.BytesIO())
        return str(archive)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    not_verified = "digit-dataset.* is not verified: .* SHA-256 .* [0-9a-f]{64}$"
    with pytest.warns(UserWarning, match=not_verified):
        folder = corpus_registry.fetch("digits")
    assert (folder / "recordings" / "0_ann_0.wav").is_file()
    assert corpus_registry.fetch("digits") == folder
    assert asked == [(corpus_registry.REGISTRY["digits"].archives[0].url, None)]
    with pytest.raises(DataError, match="whose layout differs, and data/README.md tells how"):
        datasets.digit_takes()


def test_a_failed_download_is_named_and_leaves_nothing(no_data, monkeypatch):
    def retrieve(url, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(DataError, match="cannot download https://zenodo.org/.*no route to host"):
        corpus_registry.fetch("grid")
    assert list((no_data / "grid").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_cannot_write_outside_its_folder(tmp_path, name, kind):
    archive, folder = tmp_path / f"a.{kind}", tmp_path / "deep" / "folder"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr(name, "boo")
        with pytest.raises(DataError, match="leads out of its folder: .*evil"):
            unpack(archive, folder)
    else:
        with tarfile.open(archive, "w") as opened:
            opened.addfile(tarfile.TarInfo(name), io.BytesIO())
        with pytest.raises(DataError, match="leads out of its folder: .*evil"):
            unpack(archive, folder)
    outside = [path for path in tmp_path.rglob("*evil*") if not path.is_relative_to(folder)]
    assert outside == []
    assert not Path("/evil.txt").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
@pytest.mark.parametrize("target", ["../../secret", "/etc/passwd", "inside"])
def test_links_and_devices_in_an_archive_are_refused(tmp_path, kind, target):
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as opened:
        opened.addfile(tarfile.TarInfo("inside"), io.BytesIO())
        link = tarfile.TarInfo("link")
        link.type, link.linkname = kind, target
        opened.addfile(link)
    with pytest.raises(DataError, match="holds 'link', which is neither a plain file nor a folder"):
        unpack(archive, tmp_path / "folder")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["inside"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz"])
def test_plain_files_and_folders_are_unpacked(tmp_path, monkeypatch, kind):
    """As well by Python 3.11.0, whose tarfile has no filters."""

    def extractall(self, path=".", members=None, *, numeric_owner=False):
        raise AssertionError("this version guards against nothing")

    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)
    archive = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr("empty/", b"")
            opened.writestr("a/b/ö.txt", b"content")
    else:
        with tarfile.open(archive, f"w:{kind[4:]}") as opened:
            folder = tarfile.TarInfo("empty")
            folder.type = tarfile.DIRTYPE
            opened.addfile(folder)
            file = tarfile.TarInfo("a/b/ö.txt")
            file.size, file.mode = 7, 0o4777
            opened.addfile(file, io.BytesIO(b"content"))
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "empty").is_dir()
    unpacked = tmp_path / "out" / "a" / "b" / "ö.txt"
    assert unpacked.read_bytes() == b"content"
    assert unpacked.stat().st_mode & 0o7111 == 0


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_registry, "LARGEST_UNPACKED", 1 << 20)
    monkeypatch.setattr(corpus_registry, "MOST_FILES", 2)
    for name, sizes, message in [
        ("large.zip", [1 << 21], "unpacks to more than"),
        ("sum.zip", [700_000, 700_000], "unpacks to more than"),
        ("many.zip", [1, 1, 1], "holds more than 2 files"),
    ]:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as opened:
            for index, size in enumerate(sizes):
                opened.writestr(str(index), bytes(size))
        with pytest.raises(DataError, match=f"{name} {message}"):
            unpack(tmp_path / name, tmp_path / "folder")


def test_a_damaged_archive_is_refused(tmp_path):
    whole = tmp_path / "a.tar.gz"
    with tarfile.open(whole, "w:gz") as opened:
        file = tarfile.TarInfo("a")
        file.size = 100_000
        opened.addfile(file, io.BytesIO(random.Random(0).randbytes(file.size)))
    (tmp_path / "cut.tar.gz").write_bytes(whole.read_bytes()[:50_000])
    with zipfile.ZipFile(tmp_path / "crc.zip", "w") as zipped:
        zipped.writestr("a", b"content")
    crc = (tmp_path / "crc.zip").read_bytes()
    (tmp_path / "crc.zip").write_bytes(crc.replace(b"content", b"CONTENT"))
    (tmp_path / "page.zip").write_text("<html>not found</html>")
    (tmp_path / "none.zip").touch()
    for name in ("cut.tar.gz", "crc.zip", "page.zip", "none.zip"):
        with pytest.raises(DataError, match=f"cannot unpack .*{name}: expected a whole zip or tar"):
            unpack(tmp_path / name, tmp_path / "folder")


def test_a_download_that_is_no_archive_is_not_kept(no_data, tmp_path, monkeypatch):
    def retrieve(url, known_hash, path, fname):
        page = Path(path) / fname
        page.write_text("<html>not found</html>")
        return str(page)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with (
        pytest.warns(UserWarning, match="is not verified"),
        pytest.raises(DataError, match="cannot unpack"),
    ):
        corpus_registry.fetch("digits")
    assert list((no_data / "digits").iterdir()) == []


def test_a_download_whose_checksum_is_known_is_verified_in_silence(no_data, tmp_path, monkeypatch):
    known = "0" * 64
    data_set = corpus_registry.REGISTRY["digits"]
    archive = replace(data_set.archives[0], sha256=known)
    monkeypatch.setitem(corpus_registry.REGISTRY, "digits", replace(data_set, archives=(archive,)))

    def retrieve(url, known_hash, path, fname):
        assert known_hash == known
        raise ValueError("SHA256 hash of downloaded file does not match the known hash")

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(DataError, match="cannot download .*does not match"):
        corpus_registry.fetch("digits")


def test_every_set_states_its_terms_and_real_ones_an_official_address():
    for name, data_set in corpus_registry.REGISTRY.items():
        assert name == data_set.name
        assert data_set.licence and data_set.attribution and data_set.source
        assert all(archive.url.startswith("https://") for archive in data_set.archives)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_real_strings_have_exactly_the_stated_samples(cifviz_data, split):
    with (cifviz_data / "digits" / f"strings_{split}.csv").open(encoding="utf-8") as file:
        table = {row["id"]: row for row in csv.DictReader(file)}
    takes = {take.id: take for take in datasets.digit_takes()}
    strings = datasets.digit_strings(split)
    assert len(strings) == len(table) == 200
    for string in strings:
        waveform, words = datasets.digit_string_waveform(string)
        row = table[string.id]
        assert len(waveform.samples) == int(row["total_samples"])
        spans = [span.split("-") for span in row["word_start_end_samples"].split()]
        for word, name, (start, end) in zip(words, string.takes, spans, strict=True):
            take = takes[name]
            assert int(end) - int(start) == take.end_sample - take.start_sample
            begin = int(start) + take.voiced_start_sample - take.start_sample
            assert word.start == begin / 16000
            assert begin >= int(start)
            assert round(word.end * 16000) <= int(end)


def test_real_takes_and_sentences_are_all_there(cifviz_data):
    takes = datasets.digit_takes()
    assert len(takes) == 2000
    assert {take.speaker for take in takes} == {"george", "jackson", "nicolas", "yweweler"}
    for take in takes:
        assert take.start_sample <= take.voiced_start_sample
        assert take.voiced_start_sample < take.voiced_end_sample <= take.end_sample
    assert len(datasets.grid_sentences("train")) == 750
    sentences = datasets.grid_sentences("dev")
    assert len(sentences) == 100
    for sentence in sentences:
        assert len(sentence.words) == 6
        assert sentence.waveform().duration == pytest.approx(2.978)


def test_words_aligned_by_hand_are_all_there(cifviz_data):
    utterances = datasets.human_aligned()
    assert len(utterances) == 14
    for waveform, words in utterances.values():
        assert waveform.duration >= words.spans[-1][1]
    # "considered" and "beautiful" share a sound from 2.0337 to 2.1503 s.
    assert utterances["ae_msajc003"][1].spans[-1][0] == pytest.approx(2.092)
