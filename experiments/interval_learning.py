"""Teach the model `english` how far off its edges of words may be, and measure how many hold.

It learns from speech that nothing was trained on: the prompts and sentences of GRID kept out of
training, of which the speakers are known, and recordings of other speakers. Their times are
pocketsphinx's, which taught the model, so the model agrees with them better than with the truth.
How far such times may be off is estimated where there are others: the differences to GRID's own
times of words, about their median, divided by √2, since both are machines. These are added
to the errors. Utterances with boundaries set by hand take no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.corpora import datasets
from cifviz.metrics.statistics import mean, median
from cifviz.systems.transcription import INTERVALS, Transcription
from experiments.english_speech import judged
from experiments.english_words import (
    TranscribedUtterance,
    aligned,
    english_samples,
    kept_out_words,
)

SAMPLES = "samples"
NOISE_VALUES = 40
"""Equally likely errors of the references."""

Pairs = list[tuple[Transcription, Alignment]]


def learned_intervals(model: Any) -> dict[str, Any]:
    """Let a model learn its intervals, and measure each half with what the other taught.

    Parameters
    ----------
    model : PhoneCIFRecognizer
        Its edges are learned; what it learns stays in its configuration.

    Returns
    -------
    dict
        "level", nominal; "reference_errors", seconds; "medians" of the errors that are expected of
        onsets and offsets; "sets", by name what `covered` gives.

    Raises
    ------
    CheckpointError
        If the extra ``cifviz[english]`` is not installed.
    DataError
        If recordings or pocketsphinx are missing.
    """
    sets = {**kept_out_words(), SAMPLES: samples()}
    noise = reference_errors(sets["grid"])
    pairs = {name: aligned_pairs_of(model, group) for name, group in sets.items()}
    everything = [pair for group in pairs.values() for pair in group]

    # 1. What was not seen of the development set itself.
    halves: dict[str, Pairs] = {name: [] for name in pairs}
    for half in range(2):
        model.learn_intervals(everything[1 - half :: 2], reference_errors=noise)
        kept = {id(words) for _, words in everything[half::2]}
        for name, group in sets.items():
            own = [one for one in group if id(one.times) in kept]
            halves[name] += aligned_pairs_of(model, own)

    # 2. Of all of it, the model's own.
    intervals = model.learn_intervals(everything, reference_errors=noise)
    return {
        "level": intervals.level,
        "reference_errors": noise,
        "medians": list(intervals.medians),
        "sets": {name: covered(group) for name, group in halves.items()},
    }


def samples() -> list[TranscribedUtterance]:
    """English recordings of other speakers, where pocketsphinx aligns them."""
    found = []
    for one in english_samples():
        words = judged(" ".join(word.text for word in one.words), one.waveform)
        if words is not None:
            found.append(TranscribedUtterance(one.id, one.waveform, *words))
    return found


def reference_errors(utterances: Sequence[TranscribedUtterance]) -> list[float]:
    """How far off the times of sentences of GRID may be, in seconds: equally likely values.

    The onset of the first word is left out: GRID's own is known to be early.
    """
    own = {one.id: one.words for one in datasets.grid_sentences("dev")}
    sides: list[list[float]] = [[], []]
    for one in utterances:
        late = np.array(one.times.spans) - np.array(own[one.id].spans)
        sides[0] += late[1:, 0].tolist()
        sides[1] += late[:, 1].tolist()
    both = np.concatenate([np.array(side) - np.median(side) for side in sides]) / np.sqrt(2)
    places = (np.arange(NOISE_VALUES) + 0.5) / NOISE_VALUES
    return [round(float(value), 4) for value in np.quantile(both, places)]


def covered(pairs: Pairs) -> dict[str, Any]:
    """How many true edges lie in their intervals, and how wide these are.

    Returns
    -------
    dict
        Of onsets and offsets: "edges", "covered" (share), "width" (median, seconds), "error" (mean
        absolute, seconds), and "error_by_width": the mean error of the third of the edges with the
        narrowest intervals, of the second and of the last.
    """
    bounds = np.concatenate([one.extras[INTERVALS].numpy() for one, _ in pairs])
    own, true = (
        np.concatenate([np.array(words.spans) for words in group])
        for group in ([one.words or Alignment() for one, _ in pairs], [words for _, words in pairs])
    )
    found: dict[str, Any] = {}
    for side, name in enumerate(("onset", "offset")):
        low, high = bounds[:, side].T
        errors, order = np.abs(own - true)[:, side], np.argsort(high - low, kind="stable")
        found[name] = {
            "edges": len(true),
            "covered": mean((low <= true[:, side]) & (true[:, side] <= high)),
            "width": median(high - low),
            "error": mean(errors),
            "error_by_width": [mean(errors[part]) for part in np.array_split(order, 3)],
        }
    return found


def aligned_pairs_of(model: Any, utterances: Sequence[TranscribedUtterance]) -> Pairs:
    """What the model gives for the transcripts, with the times of the words."""
    return [(aligned(model, one), one.times) for one in utterances]
