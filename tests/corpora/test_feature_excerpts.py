import hashlib
import importlib.util
import json
import struct
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import cifviz
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.corpus_registry import REGISTRY
from cifviz.corpora.feature_excerpts import (
    ENTRIES,
    NUMBERS,
    corpus_utterance,
    list_recordings,
    load_recording,
    sound_hash,
)
from cifviz.errors import CIFError, DataError
from cifviz.formats import read_json, write_json
from cifviz.resources import resource
from cifviz.systems.checkpoints import load_model

MAKE_RECORDINGS = Path(__file__).parents[2] / "data" / "make_recordings.py"
AGAIN = (
    "the recordings hold the weights of another model than the one that ships: "
    "run python data/make_recordings.py again (it needs CIFVIZ_DATA)"
)
NAMES = list_recordings()


@pytest.fixture(scope="module")
def models():
    return {name: load_model(name) for name in ("digits", "grid")}


def transcription_of(models, recording):
    model = models[recording.model]
    return model.transcribe_features(recording.log_mel, duration=recording.duration)


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_of_the_model_that_ships(models, name):
    recording = load_recording(name)
    alpha = transcription_of(models, recording).firing.alpha[0]
    assert alpha.shape == recording.alpha.shape, AGAIN
    assert torch.allclose(alpha, recording.alpha, rtol=0, atol=1e-4), AGAIN


@pytest.mark.parametrize("name", NAMES)
def test_clocks_and_shapes_are_those_of_the_model(models, name):
    recording, model = load_recording(name), models[load_recording(name).model]
    assert recording.grid == model.grid
    assert recording.feature_grid == model.config.features.grid
    assert recording.log_mel.shape[1] == model.config.features.n_mels
    assert recording.log_mel.dtype == recording.alpha.dtype == torch.float32
    assert recording.alpha.min() >= 0


@pytest.mark.parametrize("name", NAMES)
def test_the_terms_are_those_of_the_data_set(name):
    recording = load_recording(name)
    data_set = REGISTRY[recording.corpus]
    for term in ("licence", "attribution", "source"):
        assert getattr(recording, term) == getattr(data_set, term)
    assert data_set.licence.startswith("CC BY")
    notice = (resource("recordings") / "LICENSE.txt").read_text("utf-8")
    prefix = name.split("_")[0]
    assert f"{prefix}_*: {data_set.licence}" in notice


def test_the_collection_has_what_the_lessons_need():
    recordings = [load_recording(name) for name in NAMES]
    digits = [one for one in recordings if one.corpus == "digits"]
    assert (len(digits), len(recordings)) == (8, 12)
    assert {one.speaker for one in digits} == {"george", "jackson", "nicolas", "yweweler"}
    assert {len(one.words) for one in digits} >= {5, 8}
    twice = [one.name for one in digits if _repeats(one.words.text.split())]
    assert "digits_nicolas_repeated" in twice
    assert sum(path.stat().st_size for path in resource("recordings").iterdir()) < 600_000


def _repeats(words):
    return any(a == b for a, b in pairwise(words))


def test_no_recording_holds_audio():
    numbers = load_file(resource("recordings") / NUMBERS)
    assert set(numbers) == {f"{name}/{one}" for name in NAMES for one in ("log_mel", "alpha")}
    for name, tensor in numbers.items():
        seconds = load_recording(name.split("/")[0]).duration
        assert len(tensor) <= 100 * seconds + 1
        assert tensor.dtype == (torch.float16 if name.endswith("log_mel") else torch.float32)


def test_recordings_are_public_names():
    assert cifviz.list_recordings() == NAMES
    assert isinstance(cifviz.load_recording(NAMES[0]), cifviz.RecordedUtterance)


def test_an_unknown_recording_is_answered_with_the_known_ones():
    with pytest.raises(CIFError, match="recording must be one of 'digits_george', .*got 'ann'"):
        load_recording("ann")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the shipped files that may be damaged."""
    folder = tmp_path / "data" / "recordings"
    folder.mkdir(parents=True)
    for name in (NUMBERS, ENTRIES):
        (folder / name).write_bytes((resource("recordings") / name).read_bytes())
    monkeypatch.setattr("cifviz.resources._PACKAGE", tmp_path / "cifviz")
    load_recording("digits_george")
    return folder


def edit(folder, **changes):
    """Change the entry of the first recording; None takes it away."""
    entries = read_json(folder / ENTRIES)
    for name, value in changes.items():
        entries[0].pop(name)
        if value is not None:
            entries[0][name] = value
    write_json(folder / ENTRIES, entries, overwrite=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration": None}, "missing.*'duration'"),
        ({"words": None}, "'words'"),
        ({"words": [{"word": "one"}]}, "objects with token"),
        ({"duration": "long"}, "duration must be a number"),
        ({"duration": 3.5}, "3.5 s are 350 frames of log_mel, got 338"),
        ({"shift": 0}, "FrameGrid.shift must be a positive number"),
        (
            {"words": [{"token": "one", "start": 3.0, "end": 3.6, "score": None}]},
            "the last word ends at 3.6 s, after all 3.37",
        ),
    ],
)
def test_a_damaged_entry_is_named(copied, changes, message):
    edit(copied, **changes)
    with pytest.raises(DataError, match=f"'digits_george' in .*recordings.json: .*{message}"):
        load_recording("digits_george")


def test_a_list_of_something_else_is_refused(copied):
    (copied / ENTRIES).write_text('["digits_george"]', "utf-8")
    with pytest.raises(DataError, match="expected a list of objects, each with a name"):
        list_recordings()


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "header", "pickle"])
def test_damaged_numbers_are_refused(copied, damage):
    path = copied / NUMBERS
    if damage == "missing":
        path.unlink()
    elif damage == "pickle":
        torch.save({"digits_george/log_mel": torch.zeros(338, 40)}, path)
    else:
        whole = path.read_bytes()
        (size,) = struct.unpack("<Q", whole[:8])
        header = json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})
        path.write_bytes(
            {
                "cut": whole[: len(whole) // 2],
                "text": b"<html>not found</html>",
                "header": whole[:8] + header.encode().ljust(size) + whole[8 + size :],
            }[damage]
        )
    with pytest.raises(DataError, match="cannot read recording 'digits_george' from .*safetensors"):
        load_recording("digits_george")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("log_mel", torch.full((338, 40), torch.nan).half(), "log_mel must be finite"),
        ("log_mel", torch.zeros(338 * 40), "log_mel must be finite numbers with 2 axes"),
        ("alpha", torch.zeros(85, dtype=torch.int32), "alpha must be finite numbers with 1 axes"),
    ],
)
def test_numbers_that_cannot_be_are_refused(copied, name, value, message):
    numbers = load_file(copied / NUMBERS)
    numbers[f"digits_george/{name}"] = value
    save_file(numbers, copied / NUMBERS)
    with pytest.raises(DataError, match=message):
        load_recording("digits_george")


def test_a_recording_without_its_numbers_is_refused(copied):
    numbers = load_file(copied / NUMBERS)
    del numbers["digits_george/alpha"]
    save_file(numbers, copied / NUMBERS)
    with pytest.raises(DataError, match="cannot read recording 'digits_george'"):
        load_recording("digits_george")


def test_without_the_data_set_the_sound_is_not_there_and_the_message_says_how_to_get_it(
    tmp_path, monkeypatch
):
    import pooch

    monkeypatch.delenv("CIFVIZ_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    with pytest.raises(DataError, match="'digits' not found: .*Set CIFVIZ_DATA to the folder"):
        load_recording("digits_george").waveform()


def test_an_utterance_of_no_corpus_is_refused():
    with pytest.raises(CIFError, match="corpus must be one of 'digits', 'grid', got 'an4'"):
        corpus_utterance("an4", "x")


def test_the_hash_is_of_the_samples_as_16_bit_integers():
    # 0, 1 and −32768: the bytes 00 00, 01 00 and 00 80.
    sound = Waveform(np.array([0.0, 1 / 32768, -1.0]))
    assert sound_hash(sound) == hashlib.sha256(b"\x00\x00\x01\x00\x00\x80").hexdigest()


@pytest.mark.usefixtures("cifviz_data")
@pytest.mark.parametrize("name", NAMES)
def test_the_sound_is_heard_as_its_numbers_are(models, name):
    """Half precision is harmless: the same tokens, weights to 0.0001, edges to 0.1 ms."""
    recording = load_recording(name)
    waveform = recording.waveform()
    assert waveform.sample_rate == SAMPLE_RATE
    assert waveform.duration == recording.duration
    sound = models[recording.model].transcribe(waveform)
    numbers = transcription_of(models, recording)
    assert sound.tokens == numbers.tokens
    torch.testing.assert_close(sound.log_mel, numbers.log_mel, rtol=0, atol=2**-7)
    torch.testing.assert_close(sound.firing.alpha, numbers.firing.alpha, rtol=0, atol=1e-4)
    np.testing.assert_allclose(sound.alignment.spans, numbers.alignment.spans, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("cifviz_data")
def test_another_sound_under_the_same_name_is_refused(copied):
    edit(copied, sha256="0" * 64)
    with pytest.raises(DataError, match="the sound of te0001 in data set 'digits' is another one"):
        load_recording("digits_george").waveform()


@pytest.mark.usefixtures("cifviz_data")
def test_an_utterance_that_the_data_set_lacks_is_refused():
    with pytest.raises(DataError, match="data set 'grid' has no utterance 'te0001'"):
        corpus_utterance("grid", "te0001")


@pytest.mark.usefixtures("cifviz_data")
def test_the_recipe_makes_the_recordings_that_ship(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make_recordings", MAKE_RECORDINGS)
    recipe = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "make_recordings", recipe)
    spec.loader.exec_module(recipe)
    recipe.make(tmp_path)
    shipped = resource("recordings")
    assert (tmp_path / ENTRIES).read_bytes() == (shipped / ENTRIES).read_bytes()
    made, kept = load_file(tmp_path / NUMBERS), load_file(shipped / NUMBERS)
    assert list(made) == list(kept)
    for name, tensor in made.items():
        # Another version of a library may round the last bit of a half to the other side.
        atol = 2**-6 if name.endswith("log_mel") else 1e-4
        torch.testing.assert_close(tensor, kept[name], rtol=0, atol=atol, msg=AGAIN)
