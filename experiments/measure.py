"""Measure a recogniser: tokens, counts and word edges, each by one definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import require
from cifviz.metrics import (
    Report,
    count_accuracy,
    drift,
    edge_errors,
    evaluate,
    share_within,
    token_errors,
)
from cifviz.published import ERROR_KINDS
from cifviz.systems.base import Metric


def transcribe_all(
    model: Any, utterances: Sequence[LabelledUtterance], batch_size: int = 16
) -> list[Any]:
    """Transcribe utterances in batches, in order; their extras are the request.

    Raises
    ------
    CIFError
        If the model does not take one of the extras, or an utterance lacks one that another has.
    """
    names = list(dict.fromkeys(name for one in utterances for name in one.extras))
    for name in names:
        lacking = sum(name not in one.extras for one in utterances)
        require(not lacking, f"{lacking} of {len(utterances)} utterances lack the extra {name!r}")
    parts = [
        utterances[start : start + batch_size] for start in range(0, len(utterances), batch_size)
    ]
    return [
        transcription
        for part in parts
        for transcription in model.transcribe_batch(
            [one.waveform for one in part],
            **{name: [one.extras[name] for one in part] for name in names},
        )
    ]


def error_scores(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Token errors as results hold them.

    >>> error_scores([["one", "two"]], [["one"]])
    {'tokens': 2, 'token_error_rate': 0.5, 'deletions': 1, 'insertions': 0, 'substitutions': 0}
    """
    errors = token_errors(references, hypotheses)
    counts = {kind: getattr(errors, kind) for kind in ERROR_KINDS}
    return {"tokens": errors.tokens, "token_error_rate": errors.rate, **counts}


def token_scores(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """What `error_scores` gives, and the share of utterances with the right number of tokens.

    >>> token_scores([["one", "two"], ["two"]], [["one"], ["two"]])["count_accuracy"]
    0.5
    """
    counts = [[len(one) for one in side] for side in (references, hypotheses)]
    return {**error_scores(references, hypotheses), "count_accuracy": count_accuracy(*counts)}


def measure_transcriptions(
    utterances: Sequence[LabelledUtterance],
    transcriptions: Sequence[Any],
    alignments: Mapping[str, Sequence[Alignment]],
    own_metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Any]:
    """Measure the transcriptions of utterances with known words.

    Parameters
    ----------
    utterances : sequence of LabelledUtterance
        At least one.
    transcriptions : sequence of Transcription
        One for each utterance, of any system.
    alignments : mapping of str to sequence of Alignment
        The same transcriptions with their times, by the name of the boundary read-out.
    own_metrics : mapping of str to Metric, optional
        The system's own.

    Returns
    -------
    dict
        ``utterances``, ``tokens``, ``token_error_rate`` and the numbers of ``deletions``,
        ``insertions`` and ``substitutions``, ``count_accuracy``; `own_metrics` by their names.
        Under ``edges`` for each of `alignments` what `edge_scores` gives.
    """
    require(len(utterances) > 0, "expected at least one utterance, got none")
    references = [utterance.words for utterance in utterances]
    tokens = [[token.token for token in words] for words in references]
    measured: dict[str, Any] = {
        "utterances": len(utterances),
        **token_scores(tokens, [one.tokens for one in transcriptions]),
    }
    for name, metric in (own_metrics or {}).items():
        measured[name] = metric(transcriptions, references)
    measured["edges"] = {
        name: edge_scores(evaluate(references, hypotheses))
        for name, hypotheses in alignments.items()
    }
    return measured


def edge_scores(report: Report) -> dict[str, dict[str, float | None]]:
    """Scores of edges paired by label, and of boundaries within 20 ms, from a report.

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
