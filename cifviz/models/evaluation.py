"""Measure a recogniser: tokens, counts and word edges, each by one definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifviz.errors import require
from cifviz.models.recognizer import Recognizer, Transcription
from cifviz.speech.alignment import Alignment, Edges
from cifviz.speech.audio import Waveform
from cifviz.speech.metrics import (
    best_shift,
    count_accuracy,
    edge_errors,
    token_errors,
    weight_sum_error,
)

FIRES = Edges(onset_quantile=0.0, offset_quantile=1.0)
"""A token from fire to fire, unshifted: the raw reading."""
ONSET_QUANTILES = tuple(share / 20 for share in range(1, 11))
OFFSET_QUANTILES = tuple(share / 20 for share in range(10, 20))
"""Shares of a token's mass at which its edges may be read: 5 % … 50 % and 50 % … 95 %."""


@dataclass(frozen=True, eq=False)
class Spoken:
    """An utterance and what was said in it, when."""

    waveform: Waveform
    words: Alignment
    speaker: str = ""


def transcribe_all(
    model: Recognizer, utterances: Sequence[Spoken], batch_size: int = 16
) -> list[Transcription]:
    """Transcribe utterances in batches, in order."""
    return [
        transcription
        for start in range(0, len(utterances), batch_size)
        for transcription in model.transcribe_batch(
            [spoken.waveform for spoken in utterances[start : start + batch_size]]
        )
    ]


def evaluate(
    model: Recognizer, utterances: Sequence[Spoken], rules: Mapping[str, Edges] | None = None
) -> dict[str, Any]:
    """Measure a recogniser on utterances with known words.

    Parameters
    ----------
    model : Recognizer
        In evaluation mode.
    utterances : sequence of Spoken
        At least one.
    rules : mapping of str to Edges, optional
        Ways to read edges, by name; default the fires ("fire") and the model's own ("calibrated").

    Returns
    -------
    dict
        ``token_error_rate`` and its parts, ``count_accuracy``, the mean and mean absolute value of
        ``Σα − N``; under ``edges`` for each rule the errors of onsets and offsets (seconds) that a
        transcription with these edges carries, over the utterances whose number of tokens is right
        (``edge_utterances``).
    """
    require(len(utterances) > 0, "expected at least one utterance, got none")
    transcriptions = transcribe_all(model, utterances)
    references = [[token.token for token in spoken.words] for spoken in utterances]
    errors = token_errors(references, [list(one.tokens) for one in transcriptions])
    counts = [len(reference) for reference in references]
    measured: dict[str, Any] = {
        "utterances": len(utterances),
        "tokens": errors.tokens,
        "token_error_rate": errors.rate,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "substitutions": errors.substitutions,
        "count_accuracy": count_accuracy(counts, [len(one.tokens) for one in transcriptions]),
        "weight_sum_error": weight_sum_error(
            [float(one.firing.weight_sum) / one.firing.threshold for one in transcriptions], counts
        ),
    }
    measured["edges"] = {}
    for name, rule in (rules or {"fire": FIRES, "calibrated": model.config.edges}).items():
        errors_of_rule = [
            np.array(_aligned(one, rule).spans) - np.array(spoken.words.spans)
            for one, spoken in _comparable(transcriptions, utterances)
        ]
        measured["edge_utterances"] = len(errors_of_rule)
        if errors_of_rule:
            onsets, offsets = np.concatenate(errors_of_rule).T
            measured["edges"][name] = {"onset": edge_errors(onsets), "offset": edge_errors(offsets)}
    return measured


def learn_edges(
    model: Recognizer,
    utterances: Sequence[Spoken],
    *,
    onset_quantiles: Sequence[float] = ONSET_QUANTILES,
    offset_quantiles: Sequence[float] = OFFSET_QUANTILES,
) -> Edges:
    """Edges that fit the utterances best: where in a token's mass to read, and how far to shift.

    Parameters
    ----------
    model : Recognizer
        Whose edges are judged.
    utterances : sequence of Spoken
        Development utterances, never the ones that are reported.
    onset_quantiles, offset_quantiles : sequence of float in [0, 1]
        To choose from.

    Returns
    -------
    Edges
        On either side the quantile with the least mean absolute error after its best shift, which
        is minus the median error of the plain readings, before neighbours are kept from
        overlapping. The middle ones, unshifted, where no utterance has the right count.
    """
    pairs = _comparable(transcribe_all(model, utterances), utterances)
    sides = []
    for side, quantiles in enumerate((onset_quantiles, offset_quantiles)):
        found = (math.inf, quantiles[len(quantiles) // 2], 0.0)
        for quantile in quantiles if pairs else ():
            plain = Edges(onset_quantile=quantile, offset_quantile=quantile)
            errors = np.concatenate(
                [
                    plain.read(one.firing, one.grid)[side].numpy()
                    - np.array(spoken.words.spans)[:, side]
                    for one, spoken in pairs
                ]
            )
            shift = best_shift(errors)
            found = min(found, (float(np.abs(errors + shift).mean()), quantile, shift))
        sides.append(found)
    (_, onset, onset_shift), (_, offset, offset_shift) = sides
    return Edges(onset, offset, onset_shift, offset_shift)


def _comparable(
    transcriptions: Sequence[Transcription], utterances: Sequence[Spoken]
) -> list[tuple[Transcription, Spoken]]:
    """The utterances with words whose number of tokens is right."""
    pairs = zip(transcriptions, utterances, strict=True)
    return [(one, spoken) for one, spoken in pairs if len(one.tokens) == len(spoken.words) > 0]


def _aligned(one: Transcription, edges: Edges) -> Alignment:
    """The alignment that a transcription would carry with other edges."""
    duration = one.waveform.duration
    return Alignment.from_firing(one.firing, one.tokens, one.grid, edges=edges, duration=duration)
