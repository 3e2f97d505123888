"""The benchmark itself, on small shapes and without the packages of others."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks import report, suite
from benchmarks.contestants import cif_pytorch, cifviz
from benchmarks.measure import medians, peak_memory

# Dynamo's own, about an autograd.Function and about what crosses a broken graph.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a:UserWarning"),
]


@pytest.fixture(scope="module")
def result():
    return suite.run(
        {"cifviz": cifviz, "twin": cifviz, "CIF-PyTorch": cif_pytorch},
        seconds=0.01,
        shapes=[(2, 40, 8), (1, 2001, 2)],
        growth=[500, 1000, 2000],
    )


def test_everybody_who_runs_is_timed_and_weighed(result):
    short, long = result["shapes"]
    assert list(short["contestants"]) == ["cifviz", "twin", "CIF-PyTorch"]
    assert list(long["contestants"]) == ["cifviz", "twin"]  # no loop over so many frames
    for measured in short["contestants"].values():
        assert measured["forward_ms"] > 0 and measured["both_ms"] > 0
    assert short["contestants"]["cifviz"]["forward_peak_bytes"] >= short["output_bytes"]


def test_the_result_is_plain_json(result):
    assert json.loads(json.dumps(result)) == result


def test_somebody_who_computes_something_else_is_not_timed():
    alpha, encoder_out = suite.inputs(2, 40, 8)
    expected = cifviz(alpha, encoder_out).detach()
    suite.check_agreement("same", expected[:, :-1], expected)
    with pytest.raises(AssertionError, match="other computes something else"):
        suite.check_agreement("other", 2 * expected, expected)
    with pytest.raises(AssertionError, match="other fires another number"):
        suite.check_agreement("other", expected[:, :-2], expected)


def test_peak_memory_is_what_was_held_at_once():
    def call() -> torch.Tensor:
        for _ in range(3):
            passing = torch.empty(1000)  # 4 000 bytes, gone before the next
            del passing
        return torch.empty(500)

    peak, kept = peak_memory(call)
    assert (peak, kept.shape) == (4000, (500,))


@pytest.mark.parametrize("shape", [(16, 1000, 512), (1, 20_000, 512)])
def test_both_passes_hold_less_than_a_copy_of_the_encoder_output(shape):
    alpha, encoder_out = suite.inputs(*shape)
    asked = torch.ones_like(cifviz(alpha, encoder_out))
    held = suite.peaks(cifviz, alpha, encoder_out, asked)
    assert 0 < held["both_peak_bytes"] < encoder_out.nbytes


@pytest.mark.long
def test_graphs_are_counted():
    assert all(1 <= made <= 3 for made in suite.graphs([11, 16, 21]).values())


def test_times_are_in_seconds():
    import time

    took = medians({"sleep": lambda: time.sleep(0.005)}, seconds=0.03)
    assert took["sleep"] >= 0.005  # a busy machine may take any time longer


def made_up(own: float, peer: float) -> dict:
    """One large shape in which cifviz and a peer take so many milliseconds."""
    memory = {"forward_peak_bytes": 100, "backward_peak_bytes": 100}
    return {
        "shapes": [
            {
                "shape": [16, 1000, 512],
                "copy_ms": 1.0,
                "output_bytes": 100,
                "alpha_bytes": 1,
                "contestants": {
                    "cifviz": {"forward_ms": own, "both_ms": own, **memory},
                    "peer": {"forward_ms": peer, "both_ms": peer, **memory},
                },
            }
        ],
        "growth": [],
        "streaming": [],
    }


def test_the_table_has_a_row_for_each_shape(result):
    lines = report.table(made_up(2.0, 8.0)).splitlines()
    assert lines[0].endswith("| cifviz | peer | best peer / cifviz |")
    assert lines[2] == "| 16 × 1000 × 512 | 1.00 | 2 / 2 | 8 / 8 | 4.0 / 4.0 |"
    assert "| – |" in report.table(result).splitlines()[3]


def test_goals_hold_or_are_missed():
    assert "MISSED" not in report.goals(made_up(2.0, 8.0))
    slow = report.goals(made_up(4.0, 8.0)).splitlines()
    assert slow[0].startswith("MISSED  times faster") and slow[0].endswith("2.00 (>= 3)")
    assert slow[1].startswith("holds") and slow[2].endswith("takes: 4.00 (<= 3)")


def test_the_figure_is_drawn(result, tmp_path):
    report.draw(result, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
