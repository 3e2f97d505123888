"""The sets that recognisers are tried on beside strings like those they were trained on."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.datasets import digit_takes, take_waveform
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import CIFError
from experiments import robustness_sets
from experiments.robustness_sets import (
    interrupted,
    joined,
    joined_strings,
    longer,
    repeated,
    truncated,
    with_gap,
)
from experiments.training_data import labelled_strings
from tests.systems.synthetic import RATE, hummed


def inside(utterance):
    """Which samples lie in a word."""
    rate = utterance.waveform.sample_rate
    mask = np.zeros(len(utterance.waveform.samples), bool)
    for start, end in utterance.words.spans:
        mask[round(start * rate) : round(end * rate)] = True
    return mask


def assert_words_are_where_it_hums(utterance):
    assert np.array_equal(utterance.waveform.samples != 0, inside(utterance))


def rng(seed=0):
    return np.random.default_rng(seed)


def same(one, other):
    return (
        np.array_equal(one.waveform.samples, other.waveform.samples)
        and one.words == other.words
        and one.speaker == other.speaker
    )


# On synthetic words


@given(st.lists(st.integers(0, 300), min_size=2, max_size=6), st.integers(0, 40))
def test_joined_words_lie_where_they_are_heard(pauses, lead):
    piece = hummed("one", "two", lead=lead)
    whole = joined([piece] * (len(pauses) - 1), pauses)
    assert_words_are_where_it_hums(whole)
    assert whole.words.text == " ".join(["one two"] * (len(pauses) - 1))
    pieces = (len(pauses) - 1) * len(piece.waveform.samples)
    assert len(whole.waveform.samples) == pieces + sum(pauses)


@given(st.lists(st.integers(1, 50_000), min_size=2, max_size=20))
def test_words_that_touch_still_touch_when_joined(lengths):
    # Seconds added to seconds would let some of them overlap, which an alignment refuses.
    pieces = [
        LabelledUtterance(
            Waveform(np.ones(n, np.float32)), Alignment((TimedToken("a", 0, n / SAMPLE_RATE),))
        )
        for n in lengths
    ]
    spans = joined(pieces, [0] * (len(pieces) + 1)).words.spans
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("pieces", "pauses", "message"),
    [
        (
            [hummed("a"), hummed("a", speaker="bob")],
            [0, 0, 0],
            "one speaker at one rate, got .*bob",
        ),
        ([], [0], "one speaker at one rate"),
        ([hummed("a")], [0], "expected 2 pauses around 1 pieces, got 1"),
        (
            [replace(hummed("a"), extras={"hints": 1})] * 2,
            [0, 0, 0],
            "with extras cannot be joined",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused(pieces, pauses, message):
    with pytest.raises(CIFError, match=message):
        joined(pieces, pauses)


def test_strings_are_joined_over_and_over_until_so_long(monkeypatch):
    """Of 0.33 and 0.48 s: after four of them it is 1.62 s, after three 1.14."""
    ann = [hummed("a", "b"), hummed("c", "d", "e")]
    bob = [hummed("f", speaker="bob")]
    monkeypatch.setattr(robustness_sets, "labelled_strings", {"test": [ann[0], *bob, ann[1]]}.get)
    made = {one.speaker: one for one in joined_strings(1.2)}
    assert made["ann"].words.text == "a b c d e a b c d e"
    assert made["ann"].waveform.duration == pytest.approx(1.62)
    assert made["bob"].words.text == " ".join("f" * 7)  # of 0.18 s: 1.26
    for one in made.values():
        assert_words_are_where_it_hums(one)


def test_strings_that_are_just_long_enough_are_not_joined_once_more(monkeypatch):
    monkeypatch.setattr(robustness_sets, "labelled_strings", {"test": [hummed("a", lead=100)]}.get)
    for seconds, words in ((0.0, 1), (0.25, 1), (0.5, 2), (0.501, 3)):  # of 0.25 s each
        (one,) = joined_strings(seconds)
        assert len(one.words) == words


def long_strings(speaker, count=6):
    return [
        hummed(*f"{letter} b c d e f g".split(), speaker=speaker) for letter in "uvwxyz"[:count]
    ]


def test_longer_utterances_are_different_long_strings_of_one_speaker():
    short = [hummed("no", "no", speaker="ann")] * 10
    made = longer(short + long_strings("ann") + long_strings("bob"), 3, rng())
    assert Counter(one.speaker for one in made) == {"ann": 5, "bob": 5}
    for one in made:
        assert len(one.words) == 3 * 7
        firsts = [word.token for word in one.words][::7]
        assert len(set(firsts)) == 3
        assert "no" not in one.words.text
        assert_words_are_where_it_hums(one)


def test_too_few_strings_to_join_are_named():
    with pytest.raises(CIFError, match="at least 3 strings of 7 words by 'ann', got 2"):
        longer(long_strings("ann", 2), 3, rng())


def test_a_repeated_word_never_repeats_a_take_before_all_were_heard():
    takes = [hummed("five", hum=level) for level in (0.1, 0.2, 0.3, 0.4, 0.5)]
    made = repeated(takes, [0, 20], [30], rng())
    assert [len(one.words) for one in made] == [4, 5, 6, 7, 8]
    for one in made:
        assert {word.token for word in one.words} == {"five"}
        assert_words_are_where_it_hums(one)
        starts = [round(start * RATE) for start, _ in one.words.spans]
        levels = one.waveform.samples[starts].tolist()
        assert len(set(levels[:5])) == min(5, len(levels))
        assert all(one != other for one, other in itertools.pairwise(levels))


def test_pauses_of_repeated_words_are_the_given_ones():
    takes = [hummed("five", lead=0, gap=0, hum=level) for level in (0.1, 0.2)]
    for one in repeated(takes, [20, 70], [30, 110], rng()):
        edges = np.array(one.words.spans)
        between = np.rint((edges[1:, 0] - edges[:-1, 1]) * 1000)
        around = [edges[0, 0] * 1000, (one.waveform.duration - edges[-1, 1]) * 1000]
        assert set(between) <= {20, 70}
        assert set(np.rint(around)) <= {30, 110}


def test_each_word_of_each_speaker_is_repeated_apart():
    takes = [hummed(word, speaker=name) for word in ("a", "b") for name in ("x", "y")] * 2
    made = repeated(takes, [0], [0], rng())
    counted = Counter((one.speaker, one.words.tokens[0].token) for one in made)
    assert counted == {(name, word): 5 for word in ("a", "b") for name in ("x", "y")}


def test_a_single_take_cannot_be_repeated():
    with pytest.raises(CIFError, match="two takes of 'five' by 'ann', got one"):
        repeated([hummed("five")], [0], [0], rng())


@given(st.integers(1, 3), st.integers(0, 500), st.integers(0, 60))
def test_a_gap_moves_only_what_comes_after_it(after, length, gap):
    utterance = hummed("a", "b", "c", "d", gap=gap)
    parted = with_gap(utterance, after, np.zeros(length))
    assert_words_are_where_it_hums(parted)
    moved = np.rint((np.array(parted.words.spans) - np.array(utterance.words.spans)) * RATE)
    assert moved[:after].max() == 0
    assert (moved[after:] == length).all()


def test_extras_of_a_single_utterance_are_kept():
    one = replace(hummed("a", "b"), extras={"hints": 1})
    for changed in (joined([one], [0, 0]), with_gap(one, 1, np.zeros(3)), truncated(one)):
        assert changed.extras == {"hints": 1}


@pytest.mark.parametrize("after", [0, 2])
def test_a_gap_lies_between_two_words(after):
    with pytest.raises(CIFError, match="after must be an integer >= 1 and <= 1"):
        with_gap(hummed("a", "b"), after, np.zeros(3))


def test_noise_is_as_loud_as_stated_and_in_one_gap_alone():
    strings = [hummed("a", "b", "c", hum=hum) for hum in (0.05, 0.5)] * 10
    for utterance, noisy in zip(strings, interrupted(strings, -10.0, rng()), strict=True):
        voiced = inside(noisy)
        noise = noisy.waveform.samples[~voiced & (noisy.waveform.samples != 0)]
        added = len(noisy.waveform.samples) - len(utterance.waveform.samples)
        assert 1.0 <= added / RATE <= 2.0
        assert len(noise) == pytest.approx(added, abs=3)  # a sample of noise may be zero
        speech = np.sqrt(np.mean(noisy.waveform.samples[voiced] ** 2))
        level = 20 * np.log10(np.sqrt(np.mean(noise**2)) / speech)
        assert level == pytest.approx(-10, abs=0.01)
        gaps = np.diff(np.array(noisy.words.spans).flatten())[1::2]
        assert sorted(np.rint(gaps * RATE)) == [50, 50 + added]


def test_silence_lies_in_the_places_of_the_noise():
    strings = [hummed("a", "b", "c", "d")] * 20
    noisy, silent = interrupted(strings, -10.0, rng(3)), interrupted(strings, -np.inf, rng(3))
    for loud, quiet in zip(noisy, silent, strict=True):
        assert loud.words == quiet.words
        assert_words_are_where_it_hums(quiet)
    places = {tuple(np.diff(np.array(one.words.spans).flatten())[1::2] > 1) for one in noisy}
    assert len(places) == 3  # after the first, the second and the third word


def test_a_single_word_has_no_place_for_a_gap():
    with pytest.raises(CIFError, match="two words or more, got 'a'"):
        interrupted([hummed("a")], -10.0, rng())


def test_an_utterance_is_cut_inside_its_last_word_alone():
    utterance = hummed("one", "two", "three")
    cut = truncated(utterance, 0.3)
    start, _ = utterance.words.spans[-1]
    assert cut.words.tokens == utterance.words.tokens[:-1]
    assert len(cut.waveform.samples) == round(start * RATE) + 30
    kept = len(cut.waveform.samples)
    assert np.array_equal(cut.waveform.samples, utterance.waveform.samples[:kept])


@pytest.mark.parametrize(
    ("utterance", "share", "message"),
    [
        (hummed("a"), 1, "share must be a number > 0 and < 1"),
        (hummed(), 0.5, "expected a word to cut"),
    ],
)
def test_what_cannot_be_cut_is_refused(utterance, share, message):
    with pytest.raises(CIFError, match=message):
        truncated(utterance, share)


# On real digits


@pytest.fixture(scope="module")
def sets(cifviz_data):
    return robustness_sets.robustness_sets()


def test_real_sets_have_the_stated_sizes(sets):
    counted = {
        name: (len(set_), sum(len(one.words) for one in set_)) for name, set_ in sets.items()
    }
    assert counted == {
        "in domain": (200, 924),
        "2 times longer": (20, 305),
        "3 times longer": (20, 452),
        "4 times longer": (20, 615),
        "5 times longer": (20, 762),
        "repeated": (200, 1200),
        "noise gap": (182, 906),
        "silence gap": (182, 906),
        "truncated": (182, 724),
    }


def test_real_sets_are_the_same_in_every_call(sets):
    again = robustness_sets.robustness_sets()
    assert sets.keys() == again.keys()
    for name, utterances in sets.items():
        assert all(same(*pair) for pair in zip(utterances, again[name], strict=True)), name


def test_every_real_word_is_one_test_take_of_the_speaker_and_complete(sets):
    """So no utterance has two speakers, a training take, a wrong time, or a touched whole word."""
    known = {}
    for take in digit_takes():
        waveform, words = take_waveform(take)
        sound = waveform.cut(*words.spans[0]).samples
        known.setdefault(sound.tobytes(), set()).add((take.speaker, take.word, take.split))
    for name, utterances in sets.items():
        for utterance in utterances:
            for word in utterance.words:
                sound = utterance.waveform.cut(word.start, word.end).samples.tobytes()
                assert known[sound] == {(utterance.speaker, word.token, "test")}, name


def test_real_speech_is_in_the_words_and_little_or_nothing_outside(sets):
    for name in sets.keys() - {"noise gap", "truncated"}:
        for utterance in sets[name]:
            power, voiced = utterance.waveform.samples.astype(float) ** 2, inside(utterance)
            # Beside its voiced part a take goes on, 30 dB below its peak.
            assert power[~voiced].sum() < 0.01 * power[voiced].sum(), name


def test_real_longer_utterances_are_longer_than_any_that_is_trained_on(sets):
    for factor, name in robustness_sets.LONGER.items():
        assert {7 * factor <= len(one.words) <= 8 * factor for one in sets[name]} == {True}
        assert Counter(one.speaker for one in sets[name]) == dict.fromkeys(
            ("george", "jackson", "nicolas", "yweweler"), 5
        )


def test_real_strings_are_joined_to_whole_strings_of_each_speaker(cifviz_data):
    made = joined_strings(30.0)
    assert sorted(one.speaker for one in made) == ["george", "jackson", "nicolas", "yweweler"]
    longest = max(one.waveform.duration for one in labelled_strings("test"))
    for one in made:
        assert 30 <= one.waveform.duration < 30 + longest
        assert len(one.words) > 20
