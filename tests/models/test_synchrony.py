"""What label- and frame-synchronous systems are tried on, how it is measured, and the verdict."""

import itertools
import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.errors import CIFError
from cifviz.models import synchrony
from cifviz.models.evaluation import Spoken
from cifviz.models.synchrony import (
    comparison_table,
    interrupted,
    joined,
    longer,
    measure_conditions,
    pink_noise,
    repeated,
    truncated,
    verdict,
    with_gap,
)
from cifviz.speech.alignment import Alignment, TimedToken
from cifviz.speech.audio import SAMPLE_RATE, Waveform
from cifviz.speech.datasets import digit_takes, take_waveform

RATE = 1000
HUM = 0.5
"""Amplitude inside every synthetic word; around it lies digital silence."""


def said(*texts, speaker="ann", word_length=100, gap=50, lead=30, hum=HUM):
    """Words of so many samples at 1 kHz, with silence around them."""
    sound, words = [np.zeros(lead)], []
    for text in texts:
        start = sum(map(len, sound))
        words.append(TimedToken(text, start / RATE, (start + word_length) / RATE))
        sound += [np.full(word_length, hum), np.zeros(gap)]
    return Spoken(Waveform(np.concatenate(sound), RATE), Alignment(tuple(words)), speaker)


def inside(spoken):
    """Which samples lie in a word."""
    rate = spoken.waveform.sample_rate
    mask = np.zeros(len(spoken.waveform.samples), bool)
    for start, end in spoken.words.spans:
        mask[round(start * rate) : round(end * rate)] = True
    return mask


def assert_words_are_where_it_hums(spoken):
    assert np.array_equal(spoken.waveform.samples != 0, inside(spoken))


def rng(seed=0):
    return np.random.default_rng(seed)


def same(one, other):
    return (
        np.array_equal(one.waveform.samples, other.waveform.samples)
        and one.words == other.words
        and one.speaker == other.speaker
    )


# Test sets, on synthetic words


@given(st.lists(st.integers(0, 300), min_size=2, max_size=6), st.integers(0, 40))
def test_joined_words_lie_where_they_are_heard(pauses, lead):
    piece = said("one", "two", lead=lead)
    whole = joined([piece] * (len(pauses) - 1), pauses)
    assert_words_are_where_it_hums(whole)
    assert whole.words.text == " ".join(["one two"] * (len(pauses) - 1))
    pieces = (len(pauses) - 1) * len(piece.waveform.samples)
    assert len(whole.waveform.samples) == pieces + sum(pauses)


@given(st.lists(st.integers(1, 50_000), min_size=2, max_size=20))
def test_words_that_touch_still_touch_when_joined(lengths):
    # Seconds added to seconds would let some of them overlap, which an alignment refuses.
    pieces = [
        Spoken(Waveform(np.ones(n, np.float32)), Alignment((TimedToken("a", 0, n / SAMPLE_RATE),)))
        for n in lengths
    ]
    spans = joined(pieces, [0] * (len(pieces) + 1)).words.spans
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.parametrize(
    ("pieces", "pauses", "message"),
    [
        ([said("a"), said("a", speaker="bob")], [0, 0, 0], "one speaker at one rate, got .*bob"),
        ([], [0], "one speaker at one rate"),
        ([said("a")], [0], "expected 2 pauses around 1 pieces, got 1"),
    ],
)
def test_what_cannot_be_joined_is_refused(pieces, pauses, message):
    with pytest.raises(CIFError, match=message):
        joined(pieces, pauses)


def long_strings(speaker, count=6):
    return [said(*f"{letter} b c d e f g".split(), speaker=speaker) for letter in "uvwxyz"[:count]]


def test_longer_utterances_are_different_long_strings_of_one_speaker():
    short = [said("no", "no", speaker="ann")] * 10
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
    takes = [said("five", hum=level) for level in (0.1, 0.2, 0.3, 0.4, 0.5)]
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
    takes = [said("five", lead=0, gap=0, hum=level) for level in (0.1, 0.2)]
    for one in repeated(takes, [20, 70], [30, 110], rng()):
        edges = np.array(one.words.spans)
        between = np.rint((edges[1:, 0] - edges[:-1, 1]) * 1000)
        around = [edges[0, 0] * 1000, (one.waveform.duration - edges[-1, 1]) * 1000]
        assert set(between) <= {20, 70}
        assert set(np.rint(around)) <= {30, 110}


def test_each_word_of_each_speaker_is_repeated_apart():
    takes = [said(word, speaker=name) for word in ("a", "b") for name in ("x", "y")] * 2
    made = repeated(takes, [0], [0], rng())
    counted = Counter((one.speaker, one.words.tokens[0].token) for one in made)
    assert counted == {(name, word): 5 for word in ("a", "b") for name in ("x", "y")}


def test_a_single_take_cannot_be_repeated():
    with pytest.raises(CIFError, match="two takes of 'five' by 'ann', got one"):
        repeated([said("five")], [0], [0], rng())


@given(st.integers(1, 3), st.integers(0, 500), st.integers(0, 60))
def test_a_gap_moves_only_what_comes_after_it(after, length, gap):
    spoken = said("a", "b", "c", "d", gap=gap)
    parted = with_gap(spoken, after, np.zeros(length))
    assert_words_are_where_it_hums(parted)
    moved = np.rint((np.array(parted.words.spans) - np.array(spoken.words.spans)) * RATE)
    assert moved[:after].max() == 0
    assert (moved[after:] == length).all()


@pytest.mark.parametrize("after", [0, 2])
def test_a_gap_lies_between_two_words(after):
    with pytest.raises(CIFError, match="after must be an integer >= 1 and <= 1"):
        with_gap(said("a", "b"), after, np.zeros(3))


def test_noise_is_as_loud_as_stated_and_in_one_gap_alone():
    strings = [said("a", "b", "c", hum=hum) for hum in (0.05, 0.5)] * 10
    for spoken, noisy in zip(strings, interrupted(strings, -10.0, rng()), strict=True):
        voiced = inside(noisy)
        noise = noisy.waveform.samples[~voiced & (noisy.waveform.samples != 0)]
        added = len(noisy.waveform.samples) - len(spoken.waveform.samples)
        assert 1.0 <= added / RATE <= 2.0
        assert len(noise) == pytest.approx(added, abs=3)  # a sample of noise may be zero
        speech = np.sqrt(np.mean(noisy.waveform.samples[voiced] ** 2))
        level = 20 * np.log10(np.sqrt(np.mean(noise**2)) / speech)
        assert level == pytest.approx(-10, abs=0.01)
        gaps = np.diff(np.array(noisy.words.spans).flatten())[1::2]
        assert sorted(np.rint(gaps * RATE)) == [50, 50 + added]


def test_silence_lies_in_the_places_of_the_noise():
    strings = [said("a", "b", "c", "d")] * 20
    noisy, silent = interrupted(strings, -10.0, rng(3)), interrupted(strings, -np.inf, rng(3))
    for loud, quiet in zip(noisy, silent, strict=True):
        assert loud.words == quiet.words
        assert_words_are_where_it_hums(quiet)
    places = {tuple(np.diff(np.array(one.words.spans).flatten())[1::2] > 1) for one in noisy}
    assert len(places) == 3  # after the first, the second and the third word


def test_a_single_word_has_no_place_for_a_gap():
    with pytest.raises(CIFError, match="two words or more, got 'a'"):
        interrupted([said("a")], -10.0, rng())


def test_pink_noise_has_the_same_power_in_each_octave():
    noise = pink_noise(2**17, SAMPLE_RATE, rng())
    assert np.mean(noise**2) == pytest.approx(1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE)
    octaves = [
        power[(frequencies >= low) & (frequencies < 2 * low)].sum()
        for low in (60, 120, 240, 480, 960, 1920, 3840)
    ]
    assert octaves == pytest.approx([np.mean(octaves)] * 7, rel=0.1)
    assert power[frequencies < 60].sum() < 1e-9 * power.sum()


@pytest.mark.parametrize(
    ("count", "rate", "message"),
    [(0, 16_000, "count must be an integer > 0"), (5, 100, "5 samples at 100 Hz hold nothing")],
)
def test_noise_needs_room_for_its_lowest_frequency(count, rate, message):
    with pytest.raises(CIFError, match=message):
        pink_noise(count, rate, rng())


def test_an_utterance_is_cut_inside_its_last_word_alone():
    spoken = said("one", "two", "three")
    cut = truncated(spoken, 0.3)
    start, _ = spoken.words.spans[-1]
    assert cut.words.tokens == spoken.words.tokens[:-1]
    assert len(cut.waveform.samples) == round(start * RATE) + 30
    kept = len(cut.waveform.samples)
    assert np.array_equal(cut.waveform.samples, spoken.waveform.samples[:kept])


@pytest.mark.parametrize(
    ("spoken", "share", "message"),
    [(said("a"), 1, "share must be a number > 0 and < 1"), (said(), 0.5, "expected a word to cut")],
)
def test_what_cannot_be_cut_is_refused(spoken, share, message):
    with pytest.raises(CIFError, match=message):
        truncated(spoken, share)


# Test sets, on real digits


@pytest.fixture(scope="module")
def sets(cifviz_data):
    return synchrony.conditions()


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
    again = synchrony.conditions()
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
        for spoken in utterances:
            for word in spoken.words:
                sound = spoken.waveform.cut(word.start, word.end).samples.tobytes()
                assert known[sound] == {(spoken.speaker, word.token, "test")}, name


def test_real_speech_is_in_the_words_and_little_or_nothing_outside(sets):
    for name in sets.keys() - {"noise gap", "truncated"}:
        for spoken in sets[name]:
            power, voiced = spoken.waveform.samples.astype(float) ** 2, inside(spoken)
            # Beside its voiced part a take goes on, 30 dB below its peak.
            assert power[~voiced].sum() < 0.01 * power[voiced].sum(), name


def test_real_longer_utterances_are_longer_than_any_that_is_trained_on(sets):
    for factor, name in synchrony.LONGER.items():
        assert {7 * factor <= len(one.words) <= 8 * factor for one in sets[name]} == {True}
        assert Counter(one.speaker for one in sets[name]) == dict.fromkeys(
            ("george", "jackson", "nicolas", "yweweler"), 5
        )


# Measuring


class Parrot:
    """Hears what it was told, one utterance after the other, and takes as long as it was told."""

    def __init__(self, monkeypatch, heard, seconds):
        self.heard, self.seconds, self.now, self.asked = list(heard), list(seconds), 0.0, []
        monkeypatch.setattr(synchrony.time, "perf_counter", lambda: self.now)

    def transcribe_batch(self, waveforms):
        self.asked.append(waveforms)
        self.now += self.seconds.pop(0)
        return [SimpleNamespace(tokens=tuple(self.heard.pop(0).split())) for _ in waveforms]


def test_errors_lengths_and_times_are_those_worked_out_by_hand(monkeypatch):
    # 230, 380 and 530 samples: 0.23, 0.38 and 0.53 s.
    utterances = [said("a", word_length=150), said("a", "b"), said("a", "b", "c")]
    utterances[1:] = [said("a", "b", lead=80), said("a", "b", "c", lead=80)]
    heard = ["warm up", "a a", "b", "a b x"]  # an insertion, a deletion, a substitution
    model = Parrot(monkeypatch, heard, [100.0, 0.023, 0.076, 0.265])
    measured = measure_conditions(model, {"set": utterances})
    assert json.loads(json.dumps(measured)) == measured
    (counts,) = measured.values()
    assert counts["utterances"] == 3
    assert counts["tokens"] == 6
    assert (counts["deletions"], counts["insertions"], counts["substitutions"]) == (1, 1, 1)
    assert counts["token_error_rate"] == 0.5
    assert counts["length_ratio"] == 1.0
    assert counts["seconds_per_utterance"] == pytest.approx(0.076)
    assert counts["real_time_factor"] == pytest.approx(0.2)  # of 0.1, 0.2 and 0.5
    assert counts["threads"] == 1


def test_utterances_are_heard_one_at_a_time_and_the_first_once_before(monkeypatch):
    one, two = said("a"), said("b")
    model = Parrot(monkeypatch, "abbaab", [0.0] * 6)
    measure_conditions(model, {"x": [one, two], "y": [two, one]})
    order = [one, one, two, two, two, one]
    assert model.asked == [[spoken.waveform] for spoken in order]


def test_a_loop_shows_in_the_length_ratio(monkeypatch):
    model = Parrot(monkeypatch, ["", "a " * 12], [0.0] * 2)
    counts = measure_conditions(model, {"set": [said(*"aaaa")]})["set"]
    assert (counts["length_ratio"], counts["insertions"], counts["token_error_rate"]) == (3, 8, 2)


@pytest.mark.parametrize(
    ("utterances", "message"),
    [
        ([], "at least one word in 'set'"),
        ([said()], "at least one word in 'set'"),
        (
            [said("a"), Spoken(Waveform(np.zeros(0), RATE), Alignment())],
            "sound in each utterance of 'set'",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(monkeypatch, utterances, message):
    with pytest.raises(CIFError, match=message):
        measure_conditions(Parrot(monkeypatch, [], []), {"set": utterances})


# Table and verdict, on made-up numbers


def counts(deleted=0, inserted=0, substituted=0, *, seconds=0.01, threads=1, tokens=100):
    return {
        "tokens": tokens,
        "token_error_rate": (deleted + inserted + substituted) / tokens,
        "deletions": deleted,
        "insertions": inserted,
        "substitutions": substituted,
        "length_ratio": 1 + (inserted - deleted) / tokens,
        "seconds_per_utterance": seconds,
        "threads": threads,
    }


def runs(system, jitter=(0, 1, 2), **errors):
    """Runs of a system with so many substitutions, in % of the tokens, in each condition."""
    kinds = {"in_domain": 2, "longer": 2, "repeated": 2, "noise_gap": 2, "truncated": 2, **errors}
    longer_, seconds = kinds.pop("longer"), kinds.pop("seconds", 0.01)
    return [
        {
            "system": system,
            "seed": seed,
            "conditions": {
                **{
                    name.replace("_", " "): counts(
                        *(errors if isinstance(errors, tuple) else (0, 0, errors + more)),
                        seconds=seconds,
                    )
                    for name, errors in kinds.items()
                },
                **{name: counts(0, 0, longer_ + more) for name in synchrony.LONGER.values()},
            },
        }
        for seed, more in enumerate(jitter)
    ]


def judged(attention, cif, **names):
    """The first word of each sentence."""
    return [sentence.split(":")[0] for sentence in verdict(attention + cif, **names)]


def test_the_table_has_a_row_for_each_condition_and_system():
    results = [
        {"system": "cif", "seed": 0, "conditions": {"in domain": counts(1, 2, 3)}},
        {"system": "cif", "seed": 1, "conditions": {"in domain": counts(3, 2, 3, seconds=0.03)}},
        {"system": "ctc", "seed": 0, "conditions": {"loud": counts(5)}},
    ]
    _, rule, *rows = comparison_table(results).split("\n\n")[0].splitlines()
    assert rule.count("|") == rows[0].count("|") == 10
    assert rows == [
        "| in domain | cif | 2 | 7.00 ± 1.41 | 2.00 ± 1.41 | 2.00 ± 0.00 | 3.00 ± 0.00 "
        "| 1.00 ± 0.01 | 20.00 ± 14.14 |",
        "| loud | ctc | 1 | 5.00 | 5.00 | 0.00 | 0.00 | 0.95 | 10.00 |",
    ]


def test_the_table_says_what_is_the_papers_and_what_is_not():
    assert comparison_table(runs("cif")).endswith("\n\n" + synchrony.SOURCE)


def test_a_label_synchronous_system_that_fails_as_expected_confirms_everything():
    worse = {"longer": 80, "repeated": (30, 0, 0), "noise_gap": 20, "truncated": 9}
    few = (0, 0.1, 0.2)
    assert (
        judged(runs("attention", few, seconds=0.05, **worse), runs("cif", few, seconds=0.01))
        == ["Confirmed"] * 6
    )


def test_the_opposite_contradicts_everything():
    worse = {"in_domain": 9, "longer": 80, "repeated": (30, 0, 0), "noise_gap": 40, "truncated": 30}
    few = (0, 0.1, 0.2)
    assert (
        judged(runs("attention", few, seconds=0.01), runs("cif", few, seconds=0.05, **worse))
        == ["Contradicted"] * 6
    )


def test_systems_are_apart_in_domain_whichever_is_the_worse():
    few = (0, 0.1, 0.2)
    good, bad = {"in_domain": 2}, {"in_domain": 7}
    assert judged(runs("attention", few, **good), runs("cif", few, **bad))[0] == "Contradicted"
    assert judged(runs("attention", few, **bad), runs("cif", few, **good))[0] == "Contradicted"
    almost = {"in_domain": 3}  # a point apart
    assert judged(runs("attention", few, **almost), runs("cif", few, **good))[0] == "Confirmed"


def test_differences_inside_the_spread_are_open():
    wild = (0, 8, 16)  # ± 8 points
    attention = runs("attention", wild, longer=15, noise_gap=3, truncated=1)
    assert judged(attention, runs("cif", wild))[:1] == ["Open"]
    sentences = verdict(attention + runs("cif", wild))
    assert sentences[0] == (
        "Open: in domain attention and cif are close "
        "(token error rate: attention 10.00 ± 8.00 %, cif 10.00 ± 8.00 %)."
    )


def test_a_rise_inside_the_spread_is_open_and_outside_is_not():
    def noisy(system, *rates):
        group = runs(system, (0, 0, 0))
        for one, rate in zip(group, rates, strict=True):
            one["conditions"]["noise gap"] = counts(0, 0, rate)
        return group

    cif = noisy("cif", 6, 7, 8)  # in domain 2: rises of 5 ± 1 points
    assert judged(noisy("attention", 7, 8, 9), cif)[3] == "Open"
    assert judged(noisy("attention", 8, 9, 10), cif)[3] == "Open"  # 7 ± 1: the ranges touch
    assert judged(noisy("attention", 9, 10, 11), cif)[3] == "Confirmed"
    assert judged(noisy("attention", 3, 4, 5), cif)[3] == "Contradicted"


def test_what_a_system_loses_in_domain_is_not_held_against_it_elsewhere():
    weak = runs("attention", in_domain=30, noise_gap=31, truncated=32)
    sentences = verdict(weak + runs("cif", noise_gap=12))
    assert sentences[3].startswith("Contradicted: noise between words")
    assert "attention 1.00 ± 0.00 points, cif 10.00 ± 0.00 points" in sentences[3]


def test_length_breaks_one_system_only_or_the_claim_is_wrong():
    fine, broken = {"longer": 5}, {"longer": 60}
    assert judged(runs("attention", **broken), runs("cif", **fine))[1] == "Confirmed"
    assert judged(runs("attention", **broken), runs("cif", **broken))[1] == "Contradicted"
    assert judged(runs("attention", **fine), runs("cif", **fine))[1] == "Contradicted"
    assert judged(runs("attention", longer=12), runs("cif", **fine))[1] == "Open"


def test_longer_sets_count_together():
    attention = runs("attention")
    for one in attention:
        one["conditions"]["5 times longer"] = counts(0, 0, 262, tokens=300)
    # (3 sets · about 2 of 100 + 262 of 300) / 600, less about 2 %
    (sentence,) = verdict(attention + runs("cif"))[1:2]
    assert sentence.startswith("Confirmed")
    assert "attention 42.17 ± 0.50 points" in sentence


def test_substituted_words_are_neither_skipped_nor_looped():
    attention = runs("attention", repeated=(0, 0, 50))
    assert judged(attention, runs("cif", repeated=(0, 0, 2)))[2] == "Open"
    assert judged(runs("attention", repeated=(0, 9, 0)), runs("cif"))[2] == "Confirmed"


def test_a_single_run_leaves_all_open():
    worse = {"longer": 80, "repeated": (30, 0, 0), "noise_gap": 20, "truncated": 9}
    assert judged(runs("attention", (0,), **worse), runs("cif", (0,))) == ["Open"] * 6


def test_times_with_other_numbers_of_threads_are_not_compared():
    attention, cif = runs("attention", seconds=0.05), runs("cif")
    assert verdict(attention + cif)[5].startswith("Confirmed: cif takes less time")
    for one in cif:
        one["conditions"]["in domain"]["threads"] = 2
    assert verdict(attention + cif)[5] == (
        "Open: cif takes less time for an utterance than attention (torch threads 1 and 2; "
        "in domain: attention 50.00 ± 0.00 ms, cif 10.00 ± 0.00 ms)."
    )


def test_any_pair_of_systems_can_be_judged():
    results = runs("las") + runs("ctc")
    assert "las and ctc are close" in verdict(results, label="las", frame="ctc")[0]
    with pytest.raises(CIFError, match="runs of the system 'attention', got none"):
        verdict(results)


def test_a_missing_condition_is_named():
    results = runs("attention") + runs("cif")
    del results[4]["conditions"]["noise gap"]
    with pytest.raises(CIFError, match="'cif' with seed 1 lacks the conditions .'noise gap'."):
        verdict(results)
