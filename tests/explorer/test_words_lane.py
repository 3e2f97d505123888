"""The explorer of a model whose tokens are phones: its words are a lane of their own."""

import json
from dataclasses import replace

import pytest
import torch

import cifviz
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.explorer.compared import spans_of
from cifviz.explorer.data import view_data
from cifviz.explorer.settings import model_settings, realign
from cifviz.explorer.static_fallback import static_fallback
from cifviz.explorer.truncate import truncate
from cifviz.explorer.upload import Upload
from tests.explorer.test_widget import flac
from tests.systems.test_phone_cif import tiny
from tests.systems.tiny import noise

SPOKEN = (SpokenWord("Bee", 0, 3, ("b", "iː")), SpokenWord("eat", 4, 7, ("iː", "t")))


@pytest.fixture(scope="module")
def found():
    states = torch.randn(40, 288, generator=torch.manual_seed(0))
    model = tiny()
    log_mel = model.config.features(noise(1.0))
    return replace(model.align_states(states, log_mel, SPOKEN, duration=1.0), waveform=noise(1.0))


def test_words_are_the_first_compared_lane(found):
    other = found.alignment
    widget = cifviz.explore(found, compare={"mine": other})
    words, mine = json.loads(widget.data)["compare"]
    assert (words["name"], words["tokens"]) == ("words", spans_of(found.words))
    assert words["tokens"]["labels"] == ["Bee", "eat"] and mine["name"] == "mine"
    assert widget.alignment.text == "b iː iː t"


@pytest.mark.parametrize("pause_frames", [0, 2])
def test_weights_scaled_phone_by_phone_fire_alike_in_the_explorer(found, pause_frames):
    """They are whole already: nothing is to be rounded between pauses."""
    cif = replace(found.config.cif, pause_frames=pause_frames, pause_weight=0.05)
    found = replace(found, config=replace(found.config, cif=cif))
    assert model_settings(found)["scaling"] == "as given"
    firing, alignment = realign(found)
    assert alignment.text == found.alignment.text and int(firing.num_fires) == 4
    for own, shown in zip(found.alignment.spans, alignment.spans, strict=True):
        assert shown == pytest.approx(own, abs=1e-4)


def test_words_stand_above_phones_in_what_is_saved(found):
    data = view_data(found)
    assert (data["tier"], data["compare"][0]["name"]) == ("phones", "words")


def test_the_picture_has_both_lanes(found):
    alt = static_fallback(found)["text/plain"]
    assert "2 words of 4 phones: “Bee”" in alt and alt.endswith("words, phones.")


def test_a_part_has_the_words_that_begin_in_it(found):
    start = found.words.spans[1][0]
    assert truncate(found, start - 0.05).words.text == "Bee"
    assert truncate(found, 2.0) is found


def test_new_sound_is_given_to_a_model_that_hears_words(found):
    class Hearing:
        config = found.config

        def align(self, waveform, text, **options):
            raise AssertionError("nobody gave a text")

        def hear(self, waveform, **options):
            return replace(found, waveform=waveform)

    upload = Upload("me.flac")
    upload.add(0, flac(noise(0.5).samples))
    shown = upload.transcribed_by(Hearing())
    assert shown.words is found.words and shown.waveform.duration == 0.5
