"""Intervals of edges: what is measured of them, by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora import datasets
from cifviz.systems.transcription import INTERVALS
from experiments import interval_learning
from experiments.english_words import TranscribedUtterance
from experiments.interval_learning import covered, reference_errors
from experiments.interval_tables import interval_table


def words(*spans):
    return Alignment(tuple(TimedToken("x", *span) for span in spans))


class Aligned:
    """Words with intervals that reach so far to each side of their edges."""

    def __init__(self, found, reach):
        self.words = found
        edges = torch.tensor(found.spans, dtype=torch.float64)
        reach = torch.tensor(reach, dtype=torch.float64)
        self.extras = {INTERVALS: torch.stack([edges - reach, edges + reach], dim=2)}


def test_what_is_covered_by_hand():
    found = Aligned(words((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), [[0.1, 0.1], [0.2, 0.1], [0.3, 0.1]])
    true = words((1.05, 2.0), (3.3, 4.2), (5.1, 6.0))
    measured = covered([(found, true)])
    onset, offset = measured["onset"], measured["offset"]
    assert (onset["edges"], onset["covered"]) == (3, pytest.approx(2 / 3))
    assert offset["covered"] == pytest.approx(2 / 3)
    assert (onset["width"], offset["width"]) == (pytest.approx(0.4), pytest.approx(0.2))
    assert onset["error"] == pytest.approx(0.15)
    assert onset["error_by_width"] == pytest.approx([0.05, 0.3, 0.1])


def test_errors_of_references_are_those_of_two_machines(monkeypatch):
    """Offsets 0.1 and 0.3 s late, about their median by 0.1 s each; the onset by nothing."""
    own = words((0.0, 1.0), (2.0, 3.0))
    sentence = datasets.GridSentence("one", "dev", "x x", own, Path("none.flac"))
    monkeypatch.setattr(datasets, "grid_sentences", lambda split: [sentence])
    late = words((0.9, 1.1), (2.0, 3.3))
    found = reference_errors([TranscribedUtterance("one", None, (), late)])
    assert len(found) == interval_learning.NOISE_VALUES
    assert np.median(found) == pytest.approx(0, abs=1e-3)
    assert (found[0], found[-1]) == pytest.approx((-0.1 / 2**0.5, 0.1 / 2**0.5), abs=5e-3)


def test_the_table_tells_onsets_from_offsets():
    side = {"edges": 10, "covered": 0.9, "width": 0.08, "error_by_width": [0.01, 0.02, 0.03]}
    other = {**side, "covered": 0.8, "width": 0.1}
    result = {"level": 0.9, "sets": {"hand labels": {"onset": side, "offset": other}}}
    table = interval_table(result)
    assert "Intervals of 90 %." in table
    assert "| hand labels | 20 | 90.0 % | 80 ms | 80.0 % | 100 ms | 10 / 20 / 30 ms |" in table
