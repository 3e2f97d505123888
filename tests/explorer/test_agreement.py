"""What the explorer says of how far lanes agree is what `cifviz.metrics.agreement` says."""

import json
from dataclasses import asdict

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.explorer.compared import spans_of
from cifviz.metrics import agreement, pair_by_label
from tests.explorer.test_javascript import needs_node, run

NAMED = {
    "nothing": ([], []),
    "one side is empty": ([("a", 0.0, 0.1)], []),
    "the same": ([("a", 0.0, 0.1), ("b", 0.1, 0.3)],) * 2,
    "twice the same word, once recognised": ([("a", 0.0, 0.4), ("a", 0.5, 0.9)], [("a", 0.6, 0.9)]),
    "as many, of other names": ([("a", 0.0, 0.1)], [("b", 0.0, 0.1)]),
    "exactly 20 and 50 ms": ([("a", 1.0, 2.0)], [("a", 1.02, 2.05)]),
    "no length, no distance": ([("a", 1.0, 1.0)] * 3, [("a", 1.0, 1.0)] * 2),
    "hostile names": ([("<b>", 0.0, 0.1), ("", 0.1, 0.2)], [("__proto__", 0, 1), ("<b>", 1, 2)]),
}


def case(name, reference, hypothesis):
    """Two alignments, and what Python finds."""
    first, second = (
        Alignment(tuple(TimedToken(*t) for t in side)) for side in (reference, hypothesis)
    )
    return {
        "name": name,
        "reference": spans_of(first),
        "hypothesis": spans_of(second),
        "pairs": pair_by_label(first, second),
        "agreement": {
            key: None if value != value else value
            for key, value in asdict(agreement(first, second)).items()
        },
    }


def random_side(rng):
    """Few names in steps of 8 ms, so that there are ties in label and in time."""
    count = int(rng.integers(0, 14))
    edges = np.sort(rng.integers(0, 120, 2 * count)) / 125
    return [
        (str(rng.choice(["a", "b", "c"])), float(edges[2 * n]), float(edges[2 * n + 1]))
        for n in range(count)
    ]


def cases():
    rng = np.random.default_rng(0)
    made = [case(name, *sides) for name, sides in NAMED.items()]
    return made + [case(f"random {n}", random_side(rng), random_side(rng)) for n in range(400)]


@needs_node
def test_pairs_and_numbers_are_those_of_python(tmp_path):
    path, made = tmp_path / "cases.json", cases()
    path.write_text(json.dumps(made), "utf-8")
    code, output = run(path, "agreement.test.mjs")
    assert code == 0, output
    made[-1]["pairs"] = [*made[-1]["pairs"], [99, 99]]
    path.write_text(json.dumps(made[-1:]), "utf-8")
    code, output = run(path, "agreement.test.mjs")
    assert code != 0 and "pairs" in output
