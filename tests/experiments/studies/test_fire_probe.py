"""What a linear layer tells from fires, on fires that were made for it."""

import pytest
import torch

from cifviz.errors import DataError
from experiments.studies import fire_probe
from experiments.studies.fire_probe import share_told, table

EYE = torch.eye(10)


def utterances(number, dim=20):
    """Fires that say the digit before in ten dimensions, and nothing of their own."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(number):
        digits = torch.randint(0, 10, (8,), generator=generator)
        before = torch.cat([torch.zeros(1, 10), EYE[digits[:-1]]])
        noise = torch.randn(8, dim - 10, generator=generator)
        made.append((torch.cat([before, noise], dim=1), digits.tolist()))
    return made


def test_what_fires_hold_is_told_and_nothing_else():
    known = utterances(200)
    assert share_told(known, -1) == 1.0
    assert share_told(known, 0) == pytest.approx(0.1, abs=0.05)
    assert share_told(known, 1) == pytest.approx(0.1, abs=0.05)


def test_a_table_has_the_mean_over_seeds():
    told = {"its own digit": 0.9, "the digit before": 0.1, "the digit behind": 0.2}
    runs = [{"told": told, "wrong_counts": share} for share in (0.25, 0.75)]
    assert "| code-digits, 2 seeds | 90.0 ± 0.0 | 10.0 ± 0.0 | 20.0 ± 0.0 | 50.0 ± 35.4 |" in table(
        {"runs": runs}
    )


def test_without_a_finished_run_nothing_is_probed(tmp_path):
    with pytest.raises(DataError, match="no finished run of code-digits, coldec-tokens"):
        fire_probe.run(runs=tmp_path, data=tmp_path)
