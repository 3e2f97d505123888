"""The latencies are those of SimulEval itself."""

from types import SimpleNamespace

import numpy as np
import pytest
from simuleval.evaluator.scorers import latency_scorer

from cifviz.metrics import (
    average_lagging,
    average_proportion,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
)
from tests.metrics.test_latency import RECORDED


def drawn(rng):
    """Delays, length of the source and number of reference tokens; some wait for the end."""
    source = rng.uniform(0.1, 20)
    delays = np.sort(rng.uniform(0, 1.3 * source, rng.integers(1, 12))).clip(max=source)
    return delays.tolist(), source, int(rng.integers(1, 15))


def test_random_delays_lag_as_simuleval_says():
    scorers = [getattr(latency_scorer, f"{name}Scorer")() for name in ("AL", "LAAL", "DAL", "AP")]
    rng = np.random.default_rng(0)
    cases = [one[:3] for one in RECORDED] + [drawn(rng) for _ in range(500)]
    for delays, source, reference in cases:
        one = SimpleNamespace(
            delays=delays, reference="", reference_length=reference, source_length=source
        )
        assert [
            average_lagging(delays, source, reference),
            length_adaptive_average_lagging(delays, source, reference),
            differentiable_average_lagging(delays, source),
            average_proportion(delays, source, reference),
        ] == pytest.approx([scorer.compute(one) for scorer in scorers])
