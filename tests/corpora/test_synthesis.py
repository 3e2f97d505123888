import hashlib
import importlib.util
import sys

import numpy as np
import pytest

from cifviz.corpora.synthesis import VOICES, spoken_text, synthesize
from cifviz.errors import CIFError, DataError

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="speech synthesis needs espeakng-loader (pip install cifviz[train])",
)


def fingerprint(text, **how):
    return hashlib.sha256(synthesize(text, **how).waveform.samples.tobytes()).hexdigest()


@needs_espeak
@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_speaks_every_digit_with_all_sound_inside_the_words(voice):
    tokens = "zero one two three four five six seven eight nine".split()
    utterance = synthesize(" ".join(tokens), voice=voice)
    assert [word.token for word in utterance.words] == tokens
    samples, rate = utterance.waveform.samples, utterance.waveform.sample_rate
    assert rate == 16000
    outside = np.ones(len(samples), bool)
    for word in utterance.words:
        assert word.duration > 0.05
        outside[round(word.start * rate) : round(word.end * rate)] = False
    power = samples.astype(float) ** 2
    assert power[outside].sum() < 0.002 * power.sum()


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-gb", "en-gb-scotland+f1"])
@pytest.mark.parametrize("letter", list("abcdefghijklmnopqrstuvxyz"))
def test_every_letter_is_one_word_after_every_preposition(voice, letter):
    for preposition in ("at", "by", "in", "with"):
        tokens = ["lay", "red", preposition, letter, "two", "now"]
        utterance = synthesize(spoken_text(tokens), tokens=tokens, voice=voice)
        assert utterance.words.text == " ".join(tokens)


@needs_espeak
def test_the_letter_a_is_named_and_not_the_article():
    tokens = ["at", "a", "two"]
    assert "eɪ" in synthesize(spoken_text(tokens), tokens=tokens).phones.text


@needs_espeak
def test_words_begin_where_the_energy_rises():
    utterance = synthesize("three one four", voice="en-us")
    samples, rate = utterance.waveform.samples, utterance.waveform.sample_rate
    first = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())[0] / rate
    assert utterance.words.tokens[0].start == pytest.approx(first, abs=0.015)


@needs_espeak
def test_a_nasal_before_a_vowel_belongs_to_its_own_word():
    utterance = synthesize("green in o")
    green, within, _ = utterance.words
    assert green.end == within.start
    last_of_green = [phone for phone in utterance.phones if phone.end <= green.end][-1]
    assert last_of_green.token == "n"
    assert last_of_green.duration > 0.03


@needs_espeak
def test_phones_lie_inside_words_and_are_ipa():
    utterance = synthesize("two five")
    assert utterance.phones.text == "t ˈuː f ˈaɪ v"
    for phone in utterance.phones:
        assert any(w.start <= phone.start and phone.end <= w.end for w in utterance.words)


@needs_espeak
def test_a_pause_inside_a_sentence_belongs_to_no_word():
    before, after = synthesize("one, two").words
    assert after.start - before.end > 0.1


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-us+f2", "en-gb+m7", "en-us+klatt2", "cmn"])
def test_the_same_arguments_give_the_same_samples_whatever_was_said_before(voice):
    first = fingerprint("one two three", voice=voice)
    synthesize("zero eight seven six five", voice="en-us+f5")
    assert fingerprint("one two three", voice=voice) == first


@needs_espeak
def test_rate_pitch_and_voice_change_the_sound():
    assert len({fingerprint("one two", **how) for how in ({}, {"rate": 200}, {"pitch": 70})}) == 3
    assert len({fingerprint("one two", voice=voice) for voice in VOICES}) == len(VOICES)


@needs_espeak
def test_times_do_not_depend_on_the_sample_rate():
    low, high = (synthesize("two five", sample_rate=rate) for rate in (8000, 22050))
    assert low.words == high.words
    assert low.waveform.duration == pytest.approx(high.waveform.duration, abs=1e-3)


@needs_espeak
def test_mandarin_is_timed_character_by_character():
    tokens = list("我们今天去学校")
    utterance = synthesize("".join(tokens), voice="cmn", tokens=tokens)
    assert [word.token for word in utterance.words] == tokens


@needs_espeak
@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_to_say_gives_no_words(text):
    assert len(synthesize(text).words) == 0


@needs_espeak
@pytest.mark.parametrize(
    ("text", "how", "error", "message"),
    [
        ("they have been", {}, DataError, r"3 tokens, got 2 .*'been' 0"),
        ("they have been 25", {}, DataError, "'been' 0, '25' 2"),
        ("one two", {"tokens": ["one"]}, DataError, "each of 1 tokens, got 2"),
        ("one", {"voice": "klingon"}, CIFError, "no voice 'klingon'; it has af"),
        ("one", {"voice": "en-us+nobody"}, CIFError, "no variant 'nobody' of a voice; it has Alex"),
        ("one", {"rate": 79}, CIFError, "rate must be 80 to 450"),
        ("one", {"pitch": 100}, CIFError, "pitch must be 0 to 99"),
        ("one\0two", {}, CIFError, "NUL"),
    ],
)
def test_what_cannot_be_said_is_an_error_in_words(text, how, error, message):
    with pytest.raises(error, match=message):
        synthesize(text, **how)


def test_a_missing_synthesiser_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(CIFError, match=r"pip install cifviz\[train\]"):
        synthesize("one")
