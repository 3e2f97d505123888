"""The bootstrap: the same for a seed, as wide as theory says, paired where utterances are."""

import math

import numpy as np
import pytest

from cifviz.errors import CIFError
from cifviz.metrics import bootstrap


def mean(drawn):
    return [np.mean(drawn)]


def test_a_seed_draws_the_same_sets():
    values = np.random.default_rng(1).normal(size=20).tolist()
    assert bootstrap(values, mean, seed=3) == bootstrap(values, mean, seed=3)
    assert bootstrap(values, mean, seed=3) != bootstrap(values, mean, seed=4)


@pytest.mark.parametrize(("confidence", "deviations"), [(0.95, 1.96), (0.68, 0.994)])
def test_an_interval_of_means_is_as_wide_as_theory_says(confidence, deviations):
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap(values.tolist(), mean, draws=2000, confidence=confidence)
    error = values.std() / math.sqrt(len(values))
    assert low[0] == pytest.approx(values.mean() - deviations * error, abs=0.15 * error)
    assert high[0] == pytest.approx(values.mean() + deviations * error, abs=0.15 * error)


def test_errors_that_go_together_in_an_utterance_widen_the_interval():
    offsets = np.random.default_rng(0).normal(size=30)
    by_utterance = [[offset] * 10 for offset in offsets]
    low, high = bootstrap(by_utterance, lambda drawn: [np.mean(drawn)])
    lone_low, lone_high = bootstrap([e for u in by_utterance for e in u], mean)
    assert high[0] - low[0] > 2 * (lone_high[0] - lone_low[0])


def test_the_difference_of_two_systems_is_surer_than_either():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=50)
    pairs = list(zip(hard, hard + 0.1 + 0.01 * rng.normal(size=50), strict=True))
    low, high = bootstrap(pairs, lambda drawn: [np.mean([b - a for a, b in drawn])])
    one_low, one_high = bootstrap(hard.tolist(), mean)
    assert one_low[0] < 0 < one_high[0]
    assert 0.09 < low[0] < 0.1 < high[0] < 0.11


def test_each_number_of_a_statistic_has_its_interval():
    low, high = bootstrap([1.0, 3.0], lambda drawn: [min(drawn), 7.0, max(drawn)], draws=50)
    assert low.tolist() == [1.0, 7.0, 1.0]
    assert high.tolist() == [3.0, 7.0, 3.0]


def test_draws_in_which_nothing_is_measured_do_not_count():
    low, high = bootstrap([1.0, math.nan], lambda drawn: [drawn[0], math.nan], draws=50)
    assert (low[0], high[0]) == (1.0, 1.0)
    assert math.isnan(low[1]) and math.isnan(high[1])


def test_of_no_utterance_nothing_is_sure():
    low, high = bootstrap([], lambda drawn: [float(len(drawn)), 1.0])
    assert np.isnan([low, high]).all() and low.shape == (2,)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"draws": 0}, "draws must be an integer > 0, got 0"),
        ({"confidence": 1}, "confidence must be a number > 0 and < 1, got 1"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(CIFError, match=message):
        bootstrap([1.0], mean, **setting)
