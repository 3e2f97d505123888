"""How far a hypothesis is from its reference: tokens, their times, and the weights behind them.

`evaluate` computes all metrics from references and hypotheses and returns a `Report`. It prints
itself with its definitions and gives its numbers as records (rows of plain values, as
`pandas.DataFrame` takes them); `cifviz.plot.error_panel` draws it. The metrics behind it are plain
functions, in one module for each family: its conventions, its ``validate`` and its references are
there.

Conventions
-----------
*Sides.* Reference first, hypothesis second. An error is *hypothesis − reference*: positive is late.

*Units.* Seconds, shares in [0, 1], drift in milliseconds per minute, weight in units of α or, where
a docstring says so, in tokens. Only the printed table and the figure show ms and %.

*Sets.* `reference` and `hypothesis` are one utterance, `references` and `hypotheses` sequences of
utterances in the same order. A set is pooled: every token counts the same, in whatever utterance.

*Untimed tokens* are tokens like any other where tokens are compared. They have no edges: none is
dropped without being counted, and none gets an error of 0.

================================ ================================================================
token errors, counts             counted like any other
edges, paired by label; AAS;     takes part in the pairing; a pair with one has no error and is
latency                          reported as ``untimed``
edges, paired by time;           no event. In the hypothesis: a miss. In the reference: no miss, but
boundaries                       a hypothesis event there is a false alarm or left out
weight in silence                an utterance with one in the reference is left out, and counted
================================ ================================================================

*Nothing to measure* gives nan, without a warning; records hold None for it. The one exception is
the token error rate, which is 0 where neither reference nor hypothesis has a token.

Metrics
-------
* `token_scores`: `token_errors`, `count_accuracy`, `weight_sum_error`.
* `phrase_scores`: `detect_phrases`, `biased_errors`.
* `pairing`: `pair_by_label`, `pair_by_time`.
* `edge_scores`: `edge_errors`, `share_within`, `drift`, `best_shift`, `aas_sum`, `aas_mean`,
  `aas_start`.
* `agreement`: `agreement` of two alignments of one utterance, in a few numbers.
* `boundaries`: `detect`, `over_segmentation`, `r_value`.
* `weight_scores`: `mass_in_silence`, `row_entropies`, `fires_per_second`, `batch_difference`,
  `emission_times`.
* `quantile_errors`: `errors_by_quantile`.
* `latency`: `average_lagging`, `length_adaptive_average_lagging`, `differentiable_average_lagging`,
  `average_proportion`, of simultaneous systems.
* `confidence`: `bootstrap`. `statistics`: `spread`, mean ± standard deviation.
"""

from __future__ import annotations

from cifviz.metrics.agreement import Agreement, agreement
from cifviz.metrics.boundaries import Detection, detect, over_segmentation, r_value
from cifviz.metrics.confidence import Intervals, bootstrap
from cifviz.metrics.edge_scores import (
    TOLERANCES,
    aas_mean,
    aas_start,
    aas_sum,
    best_shift,
    drift,
    edge_errors,
    share_within,
)
from cifviz.metrics.latency import (
    average_lagging,
    average_proportion,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
)
from cifviz.metrics.pairing import pair_by_label, pair_by_time
from cifviz.metrics.phrase_scores import (
    BiasedErrors,
    PhraseScores,
    biased_errors,
    detect_phrases,
)
from cifviz.metrics.quantile_errors import QuantileErrors, errors_by_quantile
from cifviz.metrics.report import EdgeErrors, Report, evaluate
from cifviz.metrics.statistics import spread
from cifviz.metrics.token_scores import (
    TokenErrors,
    count_accuracy,
    token_errors,
    weight_sum_error,
)
from cifviz.metrics.weight_scores import (
    batch_difference,
    emission_times,
    fires_per_second,
    mass_in_silence,
    row_entropies,
)

__all__ = [
    "TOLERANCES",
    "Agreement",
    "BiasedErrors",
    "Detection",
    "EdgeErrors",
    "Intervals",
    "PhraseScores",
    "QuantileErrors",
    "Report",
    "TokenErrors",
    "aas_mean",
    "aas_start",
    "aas_sum",
    "agreement",
    "average_lagging",
    "average_proportion",
    "batch_difference",
    "best_shift",
    "biased_errors",
    "bootstrap",
    "count_accuracy",
    "detect",
    "detect_phrases",
    "differentiable_average_lagging",
    "drift",
    "edge_errors",
    "emission_times",
    "errors_by_quantile",
    "evaluate",
    "fires_per_second",
    "length_adaptive_average_lagging",
    "mass_in_silence",
    "over_segmentation",
    "pair_by_label",
    "pair_by_time",
    "r_value",
    "row_entropies",
    "share_within",
    "spread",
    "token_errors",
    "weight_sum_error",
]
