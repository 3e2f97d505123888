"""English speech with times: what is kept apart, synthesised times, and variations of a sound."""

import importlib.util
import random

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.clips import load_clip
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import pronounce
from experiments import english_speech, pocketsphinx_times
from experiments.english_speech import (
    PhonedUtterance,
    english_prompts,
    labelled,
    prompt_part,
    read_by_espeak,
    settled,
    varied,
    versions,
)

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="eSpeak NG is not installed"
)
needs_pocketsphinx = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None, reason="pocketsphinx is not installed"
)


def tone(seconds=1.0, speaker="ann"):
    """A tone between 0.2 and 0.8 s, which is a word of two phones."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sounds = (time >= 0.2) & (time < 0.8)
    samples = 0.5 * np.sin(2 * np.pi * 300 * time) * sounds
    phones = (TimedToken("p", 0.2, 0.5), TimedToken("b", 0.5, 0.8))
    return PhonedUtterance(
        Waveform(samples.astype(np.float32), SAMPLE_RATE),
        Alignment((TimedToken("word", 0.2, 0.8),)),
        Alignment(phones),
        speaker,
    )


def test_no_prompt_is_in_two_parts(cifviz_data):
    parts = {
        part: {text.lower() for _, text, _ in english_prompts(part)} for part in ("train", "dev")
    }
    assert not parts["train"] & parts["dev"]
    assert len(parts["dev"]) > 30


def test_the_part_of_a_prompt_does_not_depend_on_how_it_is_written():
    texts = ["Please hold the line.", "please hold, the line", "PLEASE HOLD THE LINE!"]
    assert len({prompt_part(text) for text in texts}) == 1
    assert {prompt_part(str(number)) for number in range(100)} == {"train", "dev"}


def test_a_variation_keeps_words_and_moves_their_times_with_the_sound():
    rng = np.random.default_rng(3)
    for _ in range(12):
        one = varied([tone(), tone()], 0, rng)
        assert len(one.phones) == 2 * len(one.words)
        power = np.convolve(one.waveform.samples**2, np.ones(160) / 160, "same")
        for word in one.words:
            inside = slice(
                *(round(SAMPLE_RATE * at) for at in (word.start + 0.05, word.end - 0.05))
            )
            around = max(0, round(SAMPLE_RATE * (word.start - 0.08)))
            assert power[inside].mean() > 3 * power[around : around + 320].mean()
        assert one.phones.spans[-1][1] <= one.waveform.duration
        assert np.abs(one.waveform.samples).max() <= 1


def test_versions_are_of_all_speakers_and_leave_out_what_has_no_times():
    made = versions([tone(), None, tone(speaker="bob")], 2, seed=0)
    assert sorted(one.speaker for one in made) == ["ann", "ann", "bob", "bob"]
    assert all(one.words.tokens[0].token == "p" for one in made)
    assert [one.speaker for one in labelled([None, tone()])] == ["ann"]


def test_settled_phones_are_of_the_inventory_in_order_and_last():
    spoken = [("ˈaɪɚ", 0.0, 0.2), ("t", 0.25, 0.3), ("l", 0.3, 0.3), ("k", 0.6, 0.62)]
    found = settled(Alignment(tuple(TimedToken(*one) for one in spoken)), 0.61)
    assert [one.token for one in found] == ["aɪ", "ɚ", "t", "l", "k"]
    assert found.tokens[2].start == pytest.approx(0.2)  # with its closure
    assert found.tokens[4].start == pytest.approx(0.6)  # a pause is no closure
    assert all(one.duration >= 0.0075 for one in found)
    assert found.spans[-1][1] == pytest.approx(0.61)


@needs_espeak
def test_espeak_reads_with_phones_inside_their_words():
    (one,) = read_by_espeak([["people", "read", "on"]], 0)
    assert {phone.token for phone in one.phones} <= set(PHONES)
    (first, last) = one.words.spans[0][0], one.words.spans[-1][1]
    assert one.phones.spans[0][0] == pytest.approx(first, abs=0.02)
    assert one.phones.spans[-1][1] == pytest.approx(last, abs=0.02)


def test_every_phone_has_one_of_pocketsphinx():
    assert list(pocketsphinx_times.ARPABET) == list(PHONES)


@needs_pocketsphinx
@needs_espeak
def test_pocketsphinx_times_a_clip_as_its_synthesiser_says():
    clip = load_clip("natural_lake")
    words = pronounce(clip.words.text)
    judged = pocketsphinx_times.word_times(clip.waveform, words)
    taught, phones = pocketsphinx_times.phone_times(clip.waveform, words)
    assert len(phones) == sum(len(word.phones) for word in words)
    for found in (judged, taught):
        errors = np.array(found.spans) - np.array(clip.words.spans)
        assert np.median(np.abs(errors)) < 0.08


@needs_pocketsphinx
def test_made_up_sentences_follow_their_seed():
    one, other = english_speech.SentenceMaker(), english_speech.SentenceMaker()
    words = one(random.Random(4))
    assert words == other(random.Random(4)) != one(random.Random(5))
    assert 2 <= len(words) <= 15
