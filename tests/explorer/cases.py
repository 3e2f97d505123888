"""Cases that JavaScript and Python must agree on: inputs, and the results of Python.

Run as a script it prints them as JSON: `python -m tests.explorer.cases` for the named ones that
both test suites run (tests/explorer/cases.json), with a number for so many random ones.
"""

import json
import sys

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.core import tail as tails
from cifviz.core.firing import integrate_and_fire
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.tail import TailRule, drop, rounded
from cifviz.timing import FrameGrid

FIRES = {"onset_quantile": 0.0, "offset_quantile": 1.0, "cut": "fires"}

NAMED = {
    "the example of the paper": {"weights": [0.2, 0.9, 0.6, 0.6]},
    "several fires in a frame": {
        "weights": [0.25, 3.5, 0.5],
        "tail": {"rule": "at_least", "value": 0.25},
    },
    "no frame": {"weights": []},
    "one frame": {"weights": [0.75], "tail": {"rule": "above", "value": 0.5}},
    "silence": {"weights": [0.0, 0.0, 0.0], "tail": {"rule": "above", "value": 0.5}},
    "silence asked for two tokens": {"weights": [0.0, 0.0], "count": 2},
    "frames without weight between": {"weights": [0.5, 0.0, 0.5, 0.0, 0.0, 0.75, 0.25]},
    "exactly at the threshold": {"weights": [0.5, 0.5, 0.25, 0.75]},
    "exactly at the tail threshold, above": {
        "weights": [0.5, 1.0],
        "tail": {"rule": "above", "value": 0.5},
    },
    "exactly at the tail threshold, at least": {
        "weights": [0.5, 1.0],
        "tail": {"rule": "at_least", "value": 0.5},
    },
    "no residual, at least nothing": {
        "weights": [0.5, 0.5],
        "tail": {"rule": "at_least", "value": 0.0},
    },
    "a tail of next to nothing": {
        "weights": [0.5, 0.5, 0.125],
        "tail": {"rule": "above", "value": 0.0},
    },
    "an appended weight that completes a token": {
        "weights": [0.5, 1.0, 0.125],
        "tail": {"rule": "appended", "value": 0.375},
    },
    "an appended weight that does not": {
        "weights": [0.5, 1.0],
        "tail": {"rule": "appended", "value": 0.45},
    },
    "rounded down": {
        "weights": [0.5, 0.75, 0.75, 0.25],
        "tail": {"rule": "rounded", "value": None},
    },
    "a half rounded to even": {
        "weights": [0.5, 1.0, 1.0],
        "tail": {"rule": "rounded", "value": None},
    },
    "rounded to nothing": {"weights": [0.25, 0.125], "tail": {"rule": "rounded", "value": None}},
    "equal parts": {
        "weights": [0.5, 0.5, 0.5, 0.5, 0.5],
        "tail": {"rule": "dynamic", "value": None},
    },
    "one small part": {"weights": [0.0, 0.125, 0.0], "tail": {"rule": "dynamic", "value": None}},
    "a slack that borrows": {"weights": [0.5, 0.45, 0.25, 0.75, 0.5], "slack": 0.125},
    "half the threshold": {
        "weights": [0.3, 0.6, 0.2],
        "threshold": 0.5,
        "tail": {"rule": "above", "value": 0.25},
    },
    "scaled to three": {"weights": [0.25, 0.5, 0.75, 0.25], "count": 3},
    "scaled to none": {"weights": [0.25, 0.5], "count": 0},
    "more tokens than frames": {"weights": [0.5, 0.25], "count": 5, "slack": 0.01},
    "weights too small to be scaled": {"weights": [1e-12, 2e-12], "count": 2},
    "two phrases": {
        "weights": [0.5, 0.4, 0.0, 0.0, 1.1, 1.1, 0.0],
        "phrases": {"pause_frames": 2, "pause_weight": 0.01},
        "tail": {"rule": "above", "value": 0.5},
    },
    "a phrase too light for a token": {
        "weights": [0.25, 0.0, 0.0, 0.9, 0.9],
        "phrases": {"pause_frames": 2, "pause_weight": 0.01},
        "tail": {"rule": "above", "value": 0.5},
    },
    "a cut in a valley": {"weights": [0.5, 0.5, 0.25, 0.0, 0.5, 0.25]},
    "a frame that jumps over the band": {"weights": [1.0, 9.0, 1.0]},
    "edges that overlap": {
        "weights": [0.5, 0.5, 0.5, 0.5],
        "edges": {"onset_shift": -0.05, "offset_shift": 0.05},
    },
    "a clock that starts late": {"weights": [0.6, 0.6, 0.6, 0.6], "start": 0.02, "duration": 0.1},
    "a gain and a noise": {"weights": [0.3, 0.005, 0.4, 0.6], "gain": 1.5, "noise": 0.01},
}


def python_result(case):
    """The results of the library for a case, as JSON."""
    alpha = torch.tensor([case["weights"]], dtype=torch.float32)
    lengths = torch.tensor([alpha.shape[1]])
    threshold = case.get("threshold", 1.0)
    alpha = (alpha * case.get("gain", 1.0) - case.get("noise", 0.0)).clamp(min=0)
    tail = TailRule.from_dict(case["tail"]) if "tail" in case else drop
    if "phrases" in case:
        alpha = round_at_pauses(alpha, lengths, threshold=threshold, tail=tail, **case["phrases"])
        tail = rounded if tail.scales else tail
    count = case.get("count")
    firing = integrate_and_fire(
        alpha,
        torch.eye(alpha.shape[1])[None],
        threshold=threshold,
        slack=case.get("slack", 0.0),
        tail=tail,
        target_lengths=None if count is None else torch.tensor([count]),
    )
    grid = FrameGrid(case.get("shift", 0.04), case.get("start", 0.0))
    tokens = [str(index) for index in range(int(firing.num_fires))]
    spans = {
        cut: Alignment.from_firing(
            firing,
            tokens,
            grid,
            edges=Edges(**{"cut": cut, **case.get("edges", {})}),
            duration=case.get("duration"),
        ).spans
        for cut in ("fires", "valleys")
    }
    return {
        "fires": len(tokens),
        "tailFired": bool(firing.tail_fired),
        "residual": float(firing.residual),
        "positions": firing.fire_positions[0].tolist(),
        "contributions": firing.contributions[0].tolist(),
        "spans": spans,
    }


def random_case(rng, tails=tuple(tails.RULES)):
    """Weights of several shapes, in steps that give many ties or none, under random settings."""
    frames = int(rng.integers(0, 60))
    size = rng.choice([0.2, 0.5, 1.5])
    weights = rng.gamma(0.7, size, frames)
    weights[rng.random(frames) < 0.3] = 0.0
    if rng.random() < 0.5:
        weights = np.round(weights * 16) / 16
    threshold = float(rng.choice([0.5, 1.0, 1.0, 1.0, 2.0]))
    case = {
        "weights": [float(weight) for weight in weights.astype(np.float32)],
        "threshold": threshold,
        "slack": float(rng.choice([0.0, 0.0, 0.01, 0.125])),
        "tail": random_tail(rng, threshold, tails),
        "shift": float(rng.choice([0.02, 0.04, 0.08])),
        "start": float(rng.choice([0.0, 0.01])),
        "edges": {
            "onset_quantile": float(rng.choice([0.0, 0.1, 0.3])),
            "offset_quantile": float(rng.choice([0.7, 0.9, 1.0])),
            "onset_shift": float(rng.choice([0.0, -0.02])),
            "offset_shift": float(rng.choice([0.0, 0.03])),
        },
        "duration": frames * 0.04,
    }
    kind = rng.random()
    if kind < 0.3:
        case["count"] = int(rng.integers(0, 12))
    elif kind < 0.5:
        case["phrases"] = {"pause_frames": int(rng.integers(1, 4)), "pause_weight": 0.01}
    return case


def random_tail(rng, threshold, names=tuple(tails.RULES)):
    """Any of these rules; its value in steps that meet residuals exactly, or not."""
    name = str(rng.choice(names))
    value, limits = float(rng.choice([0.0, 0.25, 0.45, 0.5])) * threshold, tails.RULES[name].limits
    return TailRule(name, limits and min(max(value, limits[0]), limits[1])).to_dict()


def with_expectations(cases):
    """Each case with the results of Python."""
    return [{**case, "expected": python_result(case)} for case in cases]


def named_cases():
    return with_expectations({"name": name, **case} for name, case in NAMED.items())


def random_cases(count, seed=0, **options):
    rng = np.random.default_rng(seed)
    return with_expectations(
        {"name": f"random {index}", **random_case(rng, **options)} for index in range(count)
    )


if __name__ == "__main__":
    chosen = random_cases(int(sys.argv[1])) if len(sys.argv) > 1 else named_cases()
    print(json.dumps(chosen, indent=None if len(sys.argv) > 1 else 1))
