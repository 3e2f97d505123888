"""Intervals of the edges of aligned words: learned for a model, and read for a transcription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from cifviz.alignment.edge_intervals import EdgeIntervals, edge_features, learn_intervals
from cifviz.alignment.timed_tokens import Alignment
from cifviz.systems.phone_alignment import COUNTS, FREE_WEIGHTS, aligned_pairs
from cifviz.systems.transcription import INTERVALS, Transcription


def with_intervals(found: Transcription, intervals: EdgeIntervals | None) -> Transcription:
    """A transcription with an interval for each edge of its words.

    Parameters
    ----------
    found : Transcription
        What `cifviz.systems.phone_alignment.aligned` gave.
    intervals : EdgeIntervals or None
        What the model has learned; with None nothing is added.

    Returns
    -------
    Transcription
        With ``extras["intervals"]``, a tensor (words, 2, 2) of float64: earliest and latest time of
        onset and offset in seconds, NaN of an untimed word.
    """
    if intervals is None:
        return found
    read = intervals.read(found.words or Alignment(), _features(found)).clip(max=found.duration)
    return replace(found, extras={**found.extras, INTERVALS: torch.from_numpy(read)})


def learn_word_intervals(
    pairs: Sequence[tuple[Transcription, Alignment]],
    *,
    reference_errors: Sequence[float] = (0.0,),
) -> EdgeIntervals:
    """Learn intervals from aligned development utterances and the true times of their words.

    Parameters
    ----------
    pairs : sequence of (Transcription, Alignment)
        What `align` gave, with the edges that are read later, and references.
    reference_errors : sequence of float
        See `learn_intervals`.

    Raises
    ------
    CIFError
        If one was not aligned, there are not as many words in both, or too few of them.
    """
    pairs = aligned_pairs(pairs)
    return learn_intervals(
        [found.words or Alignment() for found, _ in pairs],
        [_features(found) for found, _ in pairs],
        [words for _, words in pairs],
        reference_errors=reference_errors,
    )


def _features(found: Transcription) -> np.ndarray:
    """What is known of the edges of a transcription's words."""
    return edge_features(
        found.alignment,
        found.extras[COUNTS],
        found.extras[FREE_WEIGHTS].numpy(),
        found.grid,
        found.duration,
    )
