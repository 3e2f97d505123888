"""Cases of the dialects that JavaScript knows: weights, and what Python makes of them."""

import json
import sys

import numpy as np
import torch

from cifviz.core.dialects import DIALECTS
from cifviz.core.interop.firing_rule import TAILS, FiringRule
from cifviz.errors import CIFError
from cifviz.explorer.data import shares_of
from cifviz.explorer.settings import RANGES

NAMED = {
    "nothing": [],
    "silence": [0.0, 0.0, 0.0],
    "the example of the paper": [0.2, 0.9, 0.6, 0.6],
    "exactly full": [0.5, 0.5, 0.25, 0.75],
    "a residual": [0.75, 0.75, 0.25, 0.875],
    "one heavy frame": [0.25, 2.5, 0.5, 0.25],
    "full within the slack": [0.5, 0.495, 0.5, 0.25],
}


def case(name, dialect, weights, *, threshold=None, tail=None, real=None, padding=0, cuts=True):
    """Weights and the firing that Python makes of them; None where the source fails."""
    rule = FiringRule.of_dialect(dialect, threshold, tail)
    numbers = {"real_frames": real, "padding": padding, "cuts": cuts}
    rule = FiringRule(rule.threshold, tail=rule.tail, dialect=dialect, **numbers)
    alpha = torch.tensor([weights], dtype=torch.float32).reshape(1, len(weights))
    one = {
        "name": f"{dialect}: {name}",
        "weights": alpha[0].tolist(),
        "dialect": {"name": dialect, "realFrames": real, "padding": padding, "cuts": cuts},
        "threshold": rule.threshold,
        "tail": rule.tail.value or 0,
    }
    try:
        firing = rule.fire(alpha)
    except CIFError as error:
        return {**one, "fails": str(error)}
    axis, weights = firing.axis, firing.contributions[0]
    token, frame = (weights.abs() > 1e-5).nonzero(as_tuple=True)
    expected = {
        "fires": int(firing.num_fires),
        "alpha": firing.scaled_alpha[0].tolist(),
        "threshold": firing.threshold,
        "tailFired": bool(firing.tail_fired),
        "residual": float(firing.residual),
        "ends": axis.ends[0].tolist(),
        "positions": firing.fire_positions[0].tolist(),
        "shares": sorted(
            [int(t), int(i), float(weights[i, t])] for i, t in zip(token, frame, strict=True)
        ),
    }
    assert shares_of(firing)
    return {**one, "expected": expected}


def named_cases():
    for dialect in RANGES["dialects"]:
        for name, weights in NAMED.items():
            yield case(name, dialect, weights)


def random_cases(count, seed=0):
    """Dialects with random thresholds, padding and cuts, on weights far from any tie."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        dialect = str(rng.choice(RANGES["dialects"]))
        free = DIALECTS[dialect].adjustable
        weights = rng.gamma(0.7, float(rng.choice([0.2, 0.4, 1.2])), int(rng.integers(0, 60)))
        padding = int(rng.integers(0, 2))
        frames = len(weights)
        yield case(
            f"random {index}",
            dialect,
            [float(weight) for weight in weights.astype(np.float32)],
            threshold=float(rng.choice([0.4, 0.71, 0.9, 0.99, 1.0]))
            if "threshold" in free
            else None,
            tail=float(rng.choice([0.0, 0.3, 0.45, 0.5])) if dialect in TAILS else None,
            real=None if rng.random() < 0.7 or not frames else frames - 1,
            padding=padding,
            cuts=bool(rng.random() < 0.7),
        )


if __name__ == "__main__":
    print(json.dumps([*named_cases(), *random_cases(int((sys.argv[1:] or [0])[0]))]))
