"""Planted errors, and what is counted of them."""

import numpy as np
import pytest

from cifviz.corpora.pronunciation import SpokenWord
from experiments.studies.english_presence import (
    ADDED,
    DROPPED,
    KINDS,
    SWAPPED,
    area,
    fitted,
    planted,
    summary,
    table,
)

WORDS = [SpokenWord(text, 0, len(text), (text,)) for text in ("one", "two", "one", "six")]
POOL = [*WORDS, SpokenWord("ten", 0, 3, ("ten",))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_one_error_is_planted(kind, seed):
    made = planted(WORDS, POOL, kind, np.random.default_rng(seed))
    texts, place = [word.text for word in made.words], made.place
    right = [word.text for word in WORDS]
    if kind == SWAPPED:
        assert texts[place] != right[place]
        texts[place] = right[place]
    elif kind == ADDED:
        del texts[place]
    else:
        texts.insert(place, right[place])
    assert made.kind == kind and texts == right


def test_a_transcript_of_one_word_is_not_left_without_any():
    made = planted(WORDS[:1], POOL, DROPPED, np.random.default_rng(0))
    assert made.kind == ADDED and len(made.words) == 2


def test_area_against_all_pairs():
    rng = np.random.default_rng(0)
    values, positive = rng.integers(4, size=30).astype(float), rng.random(30) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in values[positive] for b in values[~positive]]
    assert area(values, positive) == pytest.approx(np.mean(pairs))


def test_fitted_odds_are_those_that_were_planted():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 5, 20_000)
    spoken = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * odds + 1)))
    found = fitted(odds, spoken)
    assert found["odds"] == pytest.approx(0.5, abs=0.05)
    assert found["constant"] == pytest.approx(1, abs=0.1)


def test_summary_by_hand():
    rows = {
        "odds": np.array([20.0, -20, 20, 20, -20, 20, 20]),
        "spoken": np.array([True, False, True, False, True, True, True]),
        "kind": np.array([0, 0, 1, 1, 1, 2, 2]),
        "free": np.array([2.0, 0, 0, 3]),
        "stretches": np.array([1, 0, 0, 1]),
        "dropped": np.array([True, False, True, False]),
    }
    found = summary(rows)
    assert found["false"] == pytest.approx(1 / 5)
    assert found[SWAPPED] == {"errors": 1, "area": 1.0, "found": 1.0}
    assert found[ADDED] == {"errors": 1, "area": 0.25, "found": 0.0}
    assert found[DROPPED] == {"errors": 2, "area": 0.375, "found": 0.5, "false": 0.5}
    shown = table({"sets": {"prompts": found}})
    assert "| prompts | dropped | 2 | 0.375 | 50 |" in shown
