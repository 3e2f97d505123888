"""Intervals of edges: coverage of planted errors, and what each feature is by hand."""

from dataclasses import asdict

import numpy as np
import pytest

from cifviz.alignment.edge_intervals import (
    FEATURES,
    EdgeIntervals,
    edge_features,
    learn_intervals,
)
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.1)
SLOPE = FEATURES.index("log 1/α")


def by_hand(**changes):
    settings = {
        "onset_weights": (np.log(0.1), *[0.0] * (len(FEATURES) - 1)),
        "offset_weights": (np.log(0.2), *[0.0] * (len(FEATURES) - 1)),
        "onset_quantiles": (-1.0, 2.0),
        "offset_quantiles": (-0.5, 0.5),
        "medians": (0.1, 0.2),
    }
    return EdgeIntervals(**{**settings, **changes})


def planted(utterances, seed=0, spread=(0.02, 0.1)):
    """Utterances of three words, whose edges are off by five times as much where α is small."""
    rng = np.random.default_rng(seed)
    words, features, true = [], [], []
    for _ in range(utterances):
        times = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        known = np.zeros((3, 2, len(FEATURES)))
        known[..., 0] = 1
        known[..., SLOPE] = rng.integers(2, size=(3, 2))
        size = np.where(known[..., SLOPE] > 0, spread[1], spread[0])
        late = times + size * rng.normal(size=(3, 2))
        features.append(known)
        true.append(Alignment(tuple(TimedToken("x", *one) for one in times)))
        words.append(Alignment(tuple(TimedToken("x", *one) for one in late)))
    return words, features, true


def test_an_interval_by_hand():
    words = Alignment((TimedToken("a", 0.05, 0.5), TimedToken("b")))
    features = np.zeros((2, 2, len(FEATURES)))
    features[..., 0] = 1
    found = by_hand().read(words, features)
    assert found[0].tolist() == [[0.0, pytest.approx(0.25)], pytest.approx([0.4, 0.6])]
    assert np.isnan(found[1]).all()


def test_an_edge_is_in_its_interval_though_all_errors_were_late():
    words = Alignment((TimedToken("a", 1.0, 2.0),))
    features = np.zeros((1, 2, len(FEATURES)))
    features[..., 0] = 1
    late = by_hand(onset_quantiles=(0.5, 1.0), offset_quantiles=(-2.0, -1.0))
    assert late.read(words, features)[0].tolist() == [
        pytest.approx([1.0, 1.1]),
        pytest.approx([1.6, 2.0]),
    ]


def test_what_was_never_seen_widens_it_to_a_limit():
    words = Alignment((TimedToken("a", 5.0, 6.0),))
    features = np.zeros((1, 2, len(FEATURES)))
    features[..., 0], features[..., SLOPE] = 1, 1000
    steep = by_hand(onset_weights=(0.0, 1.0, *[0.0] * (len(FEATURES) - 2)))
    low, high = steep.read(words, features)[0, 0]
    assert (low, high) == (pytest.approx(5 - 4 * 0.1), pytest.approx(5 + 4 * 0.2))


def test_nine_of_ten_edges_are_covered_and_sure_ones_have_narrow_intervals():
    learned = learn_intervals(*planted(300))
    words, features, true = planted(300, seed=1)
    read = np.concatenate([learned.read(*one) for one in zip(words, features, strict=True)])
    times = np.concatenate([np.array(one.spans) for one in true])
    inside = (read[..., 0] <= times) & (times <= read[..., 1])
    assert inside.mean() == pytest.approx(0.9, abs=0.03)
    unsure = np.concatenate(features)[..., SLOPE] > 0
    width = read[..., 1] - read[..., 0]
    assert np.median(width[unsure]) > 3 * np.median(width[~unsure])
    for kind in (unsure, ~unsure):
        assert inside[kind].mean() == pytest.approx(0.9, abs=0.05)


def test_a_bias_moves_the_interval():
    words, features, true = planted(100)
    early = [one.shifted(-0.2) for one in words]
    learned = learn_intervals(early, features, true)
    read = np.concatenate([learned.read(*one) for one in zip(early, features, strict=True)])
    times = np.concatenate([np.array(one.spans) for one in true])
    assert ((read[..., 0] <= times) & (times <= read[..., 1])).mean() > 0.85


def test_errors_of_the_references_widen_all_intervals():
    example = planted(100)
    narrow = learn_intervals(*example)
    wide = learn_intervals(*example, reference_errors=(-0.05, 0.0, 0.05))
    assert wide.onset_weights == narrow.onset_weights
    assert wide.onset_quantiles[1] > narrow.onset_quantiles[1]
    assert wide.offset_quantiles[0] < narrow.offset_quantiles[0]


def test_untimed_words_do_not_count():
    words, features, true = planted(30)
    some = [Alignment((*one.tokens[:2], TimedToken("x"))) for one in true]
    learned = learn_intervals(words, features, some)
    cut = [Alignment(one.tokens[:2]) for one in words]
    two = [Alignment(one.tokens[:2]) for one in true]
    assert learned == learn_intervals(cut, [one[:2] for one in features], two)


def test_features_by_hand():
    """Two words that touch, then one behind a pause."""
    phones = Alignment(
        (
            TimedToken("s", 0.1, 0.2, 1.0),
            TimedToken("iː", 0.2, 0.4, np.exp(-2)),
            TimedToken("n", 0.4, 0.5, 1.0),
            TimedToken("t", 0.7, 0.9, 1.0),
        )
    )
    weights = np.array([1, 0.5, 1, 1, 0.001, 1, 1, 1, 1, 1])
    found = edge_features(phones, [2, 1, 1], weights, GRID, duration=1.0)
    assert found.shape == (3, 2, len(FEATURES))

    def named(word, side):
        return {
            name: pytest.approx(value)
            for name, value in zip(FEATURES, found[word, side], strict=True)
            if abs(value) > 1e-9
        }

    assert named(0, 1) == {
        "constant": 1,
        "log 1/α": -np.log(0.02),
        "−log p of the phone": 2,
        "−log p of the word": 1,
        "log length of the phone": np.log(2),
        "log phones of the word": np.log(2),
        "inside: vowel": 1,
        "outside: nasal": 1,
    }
    assert named(1, 1) == {
        "constant": 1,
        "log pause": np.log1p(0.2 / 0.03),
        "inside: nasal": 1,
        "outside: pause": 1,
    }
    last = named(2, 1)
    assert last["end of the sound"] == 1 and last["inside: stop"] == 1


def test_untimed_words_have_no_features_and_are_no_neighbours():
    phones = Alignment((TimedToken("s", 0.1, 0.2), TimedToken("p"), TimedToken("t", 0.2, 0.3)))
    found = edge_features(phones, [1, 1, 1], np.ones(10), GRID, duration=1.0)
    assert not found[1].any()
    assert found[0, 1, FEATURES.index("outside: stop")] == 1
    assert edge_features(Alignment(), [], np.zeros(0), GRID, 0.0).shape == (0, 2, len(FEATURES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"onset_weights": (1.0,)}, r"onset_weights must be \d+ numbers, got \("),
        ({"medians": (0.1,)}, r"medians must be 2 numbers, got \("),
        ({"level": 1.0}, "level must be a number > 0 and < 1"),
        ({"onset_quantiles": (0.0, float("nan"))}, "onset_quantiles must be"),
        ({"offset_quantiles": (3.0, -3.0)}, "offset_quantiles must be in order"),
    ],
)
def test_settings_are_checked(changes, message):
    with pytest.raises(CIFError, match=message):
        by_hand(**changes)


def test_settings_survive_json():
    settings = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(by_hand()).items()
    }
    assert EdgeIntervals(**settings) == by_hand()


def test_what_does_not_fit_together_is_refused():
    words, features, true = planted(30)
    with pytest.raises(CIFError, match="expected at least 20 words with times, got 3"):
        learn_intervals(words[:1], features[:1], true[:1])
    with pytest.raises(CIFError, match="expected 3 words in reference 0, got 2"):
        learn_intervals(words, features, [Alignment(one.tokens[:2]) for one in true])
    with pytest.raises(CIFError, match=r"features must be \(3, 2, \d+\)"):
        by_hand().read(words[0], features[0][:2])
    with pytest.raises(CIFError, match="counts > 0 that add up to 3 phones"):
        edge_features(words[0], [1, 1], np.ones(3), GRID, 1.0)


WEIGHTS = (0.0,) * len(FEATURES)


@pytest.mark.parametrize("name", ["onset_weights", "offset_weights"])
@pytest.mark.parametrize(
    "value",
    [None, 5, True, (), (0.0,), "1" * len(FEATURES), ("a", *WEIGHTS[1:]), (np.nan, *WEIGHTS[1:])],
)
def test_weights_that_are_none_are_refused(name, value):
    with pytest.raises(CIFError, match=rf"EdgeIntervals\.{name} must be a?"):
        by_hand(**{name: value})


@pytest.mark.parametrize("name", ["onset_quantiles", "offset_quantiles", "medians"])
@pytest.mark.parametrize("value", [None, 5, (), (1.0,), "12", ("a", "b"), [[1], [2]], (1, np.inf)])
def test_pairs_that_are_none_are_refused(name, value):
    with pytest.raises(CIFError, match=rf"EdgeIntervals\.{name} must be a?"):
        by_hand(**{name: value})


@pytest.mark.parametrize("medians", [(-1.0, 0.2), (0.1, 0.0)])
def test_a_median_is_positive(medians):
    with pytest.raises(CIFError, match="medians must be a number > 0"):
        by_hand(medians=medians)
