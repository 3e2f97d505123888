"""The measurements of one utterance, and the scores of any set of measured utterances.

An utterance is measured once. Scores of a set are computed from these measurements, so that sets
can be drawn again and again (`cifviz.metrics.confidence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.firing import Firing
from cifviz.metrics import edge_scores
from cifviz.metrics.boundaries import Detection, detect
from cifviz.metrics.pairing import pair_by_label, pair_by_time
from cifviz.metrics.statistics import mean, median, ratio
from cifviz.metrics.token_scores import (
    TokenErrors,
    count_accuracy,
    token_errors,
    weight_sum_error,
)
from cifviz.metrics.weight_scores import emission_times, mass_in_silence, row_entropies
from cifviz.timing import FrameGrid

EDGES = ("onset", "offset")
PAIRINGS = ("label", "time")
PAIRING_WINDOW = 0.2
"""Seconds: edges further apart are not paired by time. It bounds what an error by time can be."""

Key = tuple[str, str, str]
"""Section, edge ("" where there is none) and metric of a score."""


class PairedEdges(NamedTuple):
    """One kind of edge of one utterance, paired in one way."""

    reference: np.ndarray
    """Seconds (pairs,)."""
    hypothesis: np.ndarray
    """Seconds (pairs,)."""
    missed: int
    """In the reference, without a partner."""
    extra: int
    """In the hypothesis, without a partner."""
    untimed: int
    """By label: pairs with an untimed token. By time: untimed tokens, of both sides."""


@dataclass(frozen=True, eq=False)
class MeasuredWeights:
    """Measurements of the firing of one utterance; weights in tokens (divided by β)."""

    weight_sum: float
    mass_in_silence: float
    """nan where a word is untimed."""
    residual: float
    entropies: np.ndarray
    """Bits (fires,)."""
    latencies: np.ndarray
    """Seconds (pairs by label with a timed reference,)."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Measurements of one utterance."""

    tokens: TokenErrors
    hypothesis_tokens: int
    pairs: dict[tuple[str, str], PairedEdges]
    """By pairing and edge."""
    detections: dict[str, Detection]
    """By edge."""
    weights: MeasuredWeights | None
    """None without a firing."""


def measure(
    reference: Alignment,
    hypothesis: Alignment,
    firing: Firing | None = None,
    grid: FrameGrid | None = None,
) -> Measured:
    """Compare the tokens of one utterance, their edges and, where it is given, the firing."""
    # 1. Pairs of tokens.
    labels = pair_by_label(reference, hypothesis)
    partners = [(reference.tokens[i], hypothesis.tokens[j]) for i, j in labels]
    both_timed = [(r, h) for r, h in partners if r.is_timed and h.is_timed]
    untimed = sum(not token.is_timed for side in (reference, hypothesis) for token in side)

    # 2. Their edges, paired in both ways, and edges as events.
    pairs, detections = {}, {}
    for edge in EDGES:
        pairs["label", edge] = PairedEdges(
            _times([r for r, _ in both_timed], edge),
            _times([h for _, h in both_timed], edge),
            missed=len(reference) - len(labels),
            extra=len(hypothesis) - len(labels),
            untimed=len(partners) - len(both_timed),
        )
        ref, hyp = _times(reference.timed, edge), _times(hypothesis.timed, edge)
        near = np.array(pair_by_time(ref, hyp, window=PAIRING_WINDOW), int).reshape(-1, 2)
        pairs["time", edge] = PairedEdges(
            ref[near[:, 0]],
            hyp[near[:, 1]],
            missed=len(ref) - len(near),
            extra=len(hyp) - len(near),
            untimed=untimed,
        )
        detections[edge] = detect(ref, hyp)

    # 3. Tokens and weights.
    return Measured(
        token_errors([[t.token for t in reference]], [[t.token for t in hypothesis]]),
        len(hypothesis),
        pairs,
        detections,
        None if firing is None or grid is None else _weights(reference, labels, firing, grid),
    )


def scores(measured: Sequence[Measured]) -> dict[Key, float]:
    """All scores of a set, in the order in which they are shown."""
    return {**_recognition(measured), **_edges(measured), **_boundaries(measured), **_cif(measured)}


def pooled(measured: Sequence[Measured], pairing: str, edge: str) -> tuple[np.ndarray, ...]:
    """Errors, times in the reference and index of the utterance, each (pairs,)."""
    found = [one.pairs[pairing, edge] for one in measured]
    sizes = [len(pairs.reference) for pairs in found]
    times = np.concatenate([np.zeros(0), *(pairs.reference for pairs in found)])
    hypotheses = np.concatenate([np.zeros(0), *(pairs.hypothesis for pairs in found)])
    return hypotheses - times, times, np.repeat(np.arange(len(found)), sizes)


def _recognition(measured: Sequence[Measured]) -> dict[Key, float]:
    kinds = ("deletions", "insertions", "substitutions", "tokens")
    total = TokenErrors(*(sum(getattr(one.tokens, kind) for one in measured) for kind in kinds))
    accuracy = count_accuracy(
        [one.tokens.tokens for one in measured], [o.hypothesis_tokens for o in measured]
    )
    return {
        ("tokens", "", "token_error_rate"): total.rate,
        **{("tokens", "", kind): ratio(getattr(total, kind), total.tokens) for kind in kinds[:3]},
        ("tokens", "", "count_accuracy"): accuracy,
    }


def _edges(measured: Sequence[Measured]) -> dict[Key, float]:
    found: dict[Key, float] = {}
    for pairing in PAIRINGS:
        by_edge = {edge: pooled(measured, pairing, edge) for edge in EDGES}
        for edge, (errors, times, utterances) in by_edge.items():
            summary = edge_scores.edge_errors(errors)
            for metric in ("signed_mean", "mean_absolute", "median_absolute"):
                found[pairing, edge, metric] = summary[metric]
            for tolerance in edge_scores.TOLERANCES:
                name = f"within_{1000 * tolerance:.0f}ms"
                found[pairing, edge, name] = edge_scores.share_within(errors, tolerance)
            found[pairing, edge, "drift"] = edge_scores.drift(errors, times, utterances)
        if pairing == "label":  # an AAS is one of whole tokens
            onset, offset = (by_edge[edge][0] for edge in EDGES)
            found["label", "both", "aas_sum"] = edge_scores.aas_sum(onset, offset)
            found["label", "both", "aas_mean"] = edge_scores.aas_mean(onset, offset)
            found["label", "both", "aas_start"] = edge_scores.aas_start(onset)
    return found


def _boundaries(measured: Sequence[Measured]) -> dict[Key, float]:
    by_edge = {
        edge: sum((one.detections[edge] for one in measured), Detection(0, 0, 0)) for edge in EDGES
    }
    by_edge["both"] = by_edge["onset"] + by_edge["offset"]
    metrics = ("precision", "recall", "f_measure", "over_segmentation", "r_value")
    return {
        ("boundaries", edge, metric): getattr(total, metric)
        for edge, total in by_edge.items()
        for metric in metrics
    }


def _cif(measured: Sequence[Measured]) -> dict[Key, float]:
    fired = [(one, one.weights) for one in measured if one.weights is not None]
    if not fired:
        return {}
    known = [weights for _, weights in fired if not np.isnan(weights.mass_in_silence)]
    silent = sum(weights.mass_in_silence for weights in known)
    sums = weight_sum_error([w.weight_sum for _, w in fired], [o.tokens.tokens for o, _ in fired])
    latencies = np.concatenate([weights.latencies for _, weights in fired])
    values = {
        "weight_sum_error": sums["mean"],
        "weight_sum_error_absolute": sums["mean_absolute"],
        "share_in_silence": ratio(silent, sum(weights.weight_sum for weights in known)),
        "row_entropy": mean(np.concatenate([weights.entropies for _, weights in fired])),
        "residual": mean(np.array([weights.residual for _, weights in fired])),
        "latency_mean": mean(latencies),
        "latency_median": median(latencies),
    }
    return {("weights", "", metric): value for metric, value in values.items()}


def _weights(
    words: Alignment, labels: list[tuple[int, int]], firing: Firing, grid: FrameGrid
) -> MeasuredWeights:
    emitted = emission_times(firing, grid)
    late = [
        emitted[j] - word.end
        for word, j in ((words.tokens[i], j) for i, j in labels)
        if word.end is not None
    ]
    is_known = all(word.is_timed for word in words)
    return MeasuredWeights(
        float(firing.weight_sum[0]) / firing.threshold,
        mass_in_silence(firing, grid, words) / firing.threshold if is_known else float("nan"),
        float(firing.residual[0]) / firing.threshold,
        row_entropies(firing),
        np.array(late),
    )


def _times(tokens: Sequence[TimedToken], edge: str) -> np.ndarray:
    """Onsets or offsets of timed tokens."""
    return np.array([t.start if edge == "onset" else t.end for t in tokens], dtype=np.float64)
