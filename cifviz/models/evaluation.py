"""Measure a recogniser: tokens, counts and word edges, each by one definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cifviz.errors import require
from cifviz.models.recognizer import Recognizer, Transcription
from cifviz.speech.alignment import Alignment, Edges
from cifviz.speech.audio import Waveform
from cifviz.speech.metrics import best_shift, count_accuracy, edge_errors, token_errors

FIRES = Edges(onset_quantile=0.0, offset_quantile=1.0)
"""A token from fire to fire, unshifted: the raw reading."""


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
        ``Σα − N``; under ``edges`` for each rule the errors of onsets and offsets (seconds), over
        the utterances whose number of tokens is right (``edge_utterances``).
    """
    require(len(utterances) > 0, "expected at least one utterance, got none")
    transcriptions = transcribe_all(model, utterances)
    references = [[token.token for token in spoken.words] for spoken in utterances]
    errors = token_errors(references, [list(one.tokens) for one in transcriptions])
    surplus = np.array(
        [
            float(one.firing.weight_sum) - len(reference)
            for one, reference in zip(transcriptions, references, strict=True)
        ]
    )
    measured: dict[str, Any] = {
        "utterances": len(utterances),
        "tokens": errors.tokens,
        "token_error_rate": errors.rate,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "substitutions": errors.substitutions,
        "count_accuracy": count_accuracy(
            [len(reference) for reference in references],
            [len(one.tokens) for one in transcriptions],
        ),
        "weight_sum_error": {
            "mean": float(surplus.mean()),
            "mean_absolute": float(np.abs(surplus).mean()),
        },
    }
    measured["edges"] = {}
    for name, rule in (rules or {"fire": FIRES, "calibrated": model.config.edges}).items():
        onsets, offsets, used = _edge_errors(transcriptions, utterances, rule)
        measured["edge_utterances"] = used
        if used:
            measured["edges"][name] = {"onset": edge_errors(onsets), "offset": edge_errors(offsets)}
    return measured


def learn_shifts(model: Recognizer, utterances: Sequence[Spoken], edges: Edges) -> Edges:
    """Edges with the constant shifts that fit the utterances best.

    Parameters
    ----------
    model : Recognizer
        Whose edges are judged.
    utterances : sequence of Spoken
        A development set, never the one that is reported.
    edges : Edges
        Its quantiles are kept.

    Returns
    -------
    Edges
        Shifts are minus the median errors; zero where no utterance has the right count.
    """
    plain = replace(edges, onset_shift=0.0, offset_shift=0.0)
    transcriptions = transcribe_all(model, utterances)
    onsets, offsets, used = _edge_errors(transcriptions, utterances, plain)
    if not used:
        return plain
    return replace(plain, onset_shift=best_shift(onsets), offset_shift=best_shift(offsets))


def _edge_errors(
    transcriptions: Sequence[Transcription], utterances: Sequence[Spoken], edges: Edges
) -> tuple[list[float], list[float], int]:
    """Errors of onsets and offsets, where the count is right, and the number of such utterances."""
    onset_errors: list[float] = []
    offset_errors: list[float] = []
    used = 0
    for one, spoken in zip(transcriptions, utterances, strict=True):
        if len(one.tokens) != len(spoken.words) or not one.tokens:
            continue
        used += 1
        onsets, offsets = edges.read(one.firing, one.grid)
        for onset, offset, word in zip(
            onsets.tolist(), offsets.tolist(), spoken.words, strict=True
        ):
            if word.start is not None and word.end is not None:
                onset_errors.append(onset - word.start)
                offset_errors.append(offset - word.end)
    return onset_errors, offset_errors, used
