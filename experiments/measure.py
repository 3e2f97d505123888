"""Measure a recogniser: tokens, counts and word edges, each by one definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifviz import metrics
from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.errors import require
from cifviz.metrics import (
    count_accuracy,
    drift,
    edge_errors,
    share_within,
    token_errors,
)
from cifviz.systems.base import Metric


@dataclass(frozen=True, eq=False)
class Spoken:
    """An utterance and what was said in it, when."""

    waveform: Waveform
    words: Alignment
    speaker: str = ""


def transcribe_all(model: Any, utterances: Sequence[Spoken], batch_size: int = 16) -> list[Any]:
    """Transcribe utterances in batches, in order."""
    return [
        transcription
        for start in range(0, len(utterances), batch_size)
        for transcription in model.transcribe_batch(
            [spoken.waveform for spoken in utterances[start : start + batch_size]]
        )
    ]


def evaluate(
    utterances: Sequence[Spoken],
    heard: Sequence[Any],
    alignments: Mapping[str, Sequence[Alignment]],
    own_metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Any]:
    """Measure what was heard of utterances with known words.

    Parameters
    ----------
    utterances : sequence of Spoken
        At least one.
    heard : sequence of Transcription
        Of each.
    alignments : mapping of str to sequence of Alignment
        What was heard with its times, of each utterance, by the name of how they were read.
    own_metrics : mapping of str to Metric, optional
        What else is measured: the system's own.

    Returns
    -------
    dict
        ``utterances``, ``tokens``, ``token_error_rate`` and the numbers of ``deletions``,
        ``insertions`` and ``substitutions``, ``count_accuracy``; `own_metrics` by their names.
        Under ``edges`` for each of `alignments` what `edge_scores` says.
    """
    require(len(utterances) > 0, "expected at least one utterance, got none")
    references = [spoken.words for spoken in utterances]
    said = [[token.token for token in words] for words in references]
    errors = token_errors(said, [list(one.tokens) for one in heard])
    counts = [len(tokens) for tokens in said]
    measured: dict[str, Any] = {
        "utterances": len(utterances),
        "tokens": errors.tokens,
        "token_error_rate": errors.rate,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "substitutions": errors.substitutions,
        "count_accuracy": count_accuracy(counts, [len(one.tokens) for one in heard]),
    }
    for name, metric in (own_metrics or {}).items():
        measured[name] = metric(heard, references)
    measured["edges"] = {
        name: edge_scores(metrics.evaluate(references, hypotheses))
        for name, hypotheses in alignments.items()
    }
    return measured


def edge_scores(report: metrics.Report) -> dict[str, dict[str, float | None]]:
    """What a report says about edges paired by label, and about boundaries within 20 ms.

    Returns
    -------
    dict
        For ``onset``, ``offset`` and ``both`` (pooled): ``count``, ``signed_mean``,
        ``mean_absolute`` and ``median_absolute`` in seconds, ``within_20ms`` … ``within_100ms`` as
        shares, ``drift`` in milliseconds per minute, and ``f_measure`` and ``r_value``. None where
        there was nothing to measure.
    """
    found: dict[str, dict[str, float | None]] = {}
    one_kind = {edge: report.errors(edge) for edge in ("onset", "offset")}
    both = (np.concatenate(part) for part in zip(*one_kind.values(), strict=True))
    for edge, (errors, times, utterances) in {**one_kind, "both": tuple(both)}.items():
        scores: dict[str, float] = {**edge_errors(errors)}
        for tolerance in (0.02, 0.05, 0.1):
            scores[f"within_{1000 * tolerance:.0f}ms"] = share_within(errors, tolerance)
        scores["drift"] = drift(errors, times, utterances)
        for name in ("f_measure", "r_value"):
            scores[name] = report.scores["boundaries", edge, name]
        found[edge] = {k: None if math.isnan(v) else v for k, v in scores.items()}
    return found
