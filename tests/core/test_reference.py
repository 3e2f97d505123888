"""The oracle is held to sums done by hand, and must stay plain Python."""

import ast
from pathlib import Path

import pytest

from cifviz.core import reference


def test_it_imports_nothing():
    tree = ast.parse(Path(reference.__file__).read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_no_frames_give_no_tokens():
    assert reference.integrate_and_fire([]) == ([], [], 0.0)


def test_several_fires_in_one_frame():
    contributions, positions, residual = reference.integrate_and_fire([0.5, 2.0])
    assert contributions == [[0.5, 0.5], [0.0, 1.0]]
    assert positions == [1.25, 1.75]
    assert residual == 0.5


def test_threshold_below_one_charges_the_threshold():
    contributions, positions, residual = reference.integrate_and_fire([0.75], threshold=0.5)
    assert (contributions, residual) == ([[0.5]], 0.25)
    assert positions == pytest.approx([2 / 3])


def test_slack_fires_early_and_borrows():
    contributions, positions, residual = reference.integrate_and_fire([0.75, 0.75], slack=0.25)
    assert contributions == [[1.0, 0.0]]
    assert positions == [1.0]
    assert residual == 0.5
    contributions, _, _ = reference.integrate_and_fire([0.75, 1.0], slack=0.25)
    assert contributions == [[1.0, 0.0], [-0.25, 1.25]]
