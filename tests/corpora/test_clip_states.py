"""Clips with recorded states and pronunciations: complete, true, and refused where damaged."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from cifviz.audio.moonshine import load_moonshine
from cifviz.corpora import clip_states
from cifviz.corpora.clip_states import (
    ENTRIES,
    NUMBERS,
    list_clip_states,
    load_clip_states,
)
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import pronounce
from cifviz.errors import CheckpointError, CIFError, DataError
from cifviz.resources import resource

NAMES = list_clip_states()
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A folder with copies of both files, from which everything is read."""
    for name in (ENTRIES, NUMBERS):
        shutil.copy(resource("recordings") / name, tmp_path / name)
    monkeypatch.setattr(clip_states, "resource", lambda _: tmp_path)
    return tmp_path


@each
def test_the_first_transcript_is_what_was_spoken_and_the_others_are_not(name):
    recorded = load_clip_states(name)
    spoken, other, longer, shorter = recorded.transcripts.values()
    assert next(iter(recorded.transcripts)) == recorded.clip.text
    assert [word.text.lower() for word in spoken] == list(recorded.clip.tokens)
    words = len(spoken)
    assert (len(other), len(longer), len(shorter)) == (words, words + 1, words - 1)
    assert sum(a.phones != b.phones for a, b in zip(spoken, other, strict=True)) == 1


@each
def test_words_know_their_places_and_phones_are_of_the_inventory(name):
    for text, words in load_clip_states(name).transcripts.items():
        assert all(text[word.start : word.end] == word.text for word in words)
        assert all(word.phones and set(word.phones) <= set(PHONES) for word in words)


@each
def test_pronunciations_are_those_of_espeak(name):
    pytest.importorskip("espeakng_loader")
    recorded = load_clip_states(name)
    for text, words in recorded.transcripts.items():
        assert pronounce(text) == words
    assert recorded.words("A lake.") == pronounce("A lake.")


@each
def test_states_are_those_of_the_encoder(name):
    try:
        encoder = load_moonshine()
    except CheckpointError:
        pytest.skip("cifviz[english] is not installed")
    recorded = load_clip_states(name)
    states = encoder.states(recorded.clip.waveform)
    assert states.shape == recorded.states.shape and recorded.states.dtype == torch.float32
    # Its weights are integers of eight bits: another processor rounds otherwise.
    assert (states - recorded.states).norm() < 0.1 * states.norm()


def test_there_is_no_other_clip():
    with pytest.raises(CIFError, match="clip must be one of"):
        load_clip_states("natural_sea")


def test_states_of_another_length_are_refused(copied):
    numbers = load_file(copied / NUMBERS)
    save_file({**numbers, NAMES[0]: numbers[NAMES[0]][:-1].clone()}, copied / NUMBERS)
    with pytest.raises(DataError, match=r"states of clip 'natural_river'.*expected \(129, 288\)"):
        load_clip_states(NAMES[0])


@pytest.mark.parametrize("damage", [{"transcripts": [{"words": []}]}, {}])
def test_damaged_lists_are_refused(copied, damage):
    (copied / ENTRIES).write_text(json.dumps([{"name": NAMES[0], **damage}]), "utf-8")
    with pytest.raises(DataError, match="cannot read the states of clip 'natural_river'"):
        load_clip_states(NAMES[0])


def test_missing_numbers_are_refused(copied):
    (copied / NUMBERS).unlink()
    with pytest.raises(DataError, match="cannot read the states of clip 'natural_lake'"):
        load_clip_states("natural_lake")
