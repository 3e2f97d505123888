"""Runs of the same seed, compared."""

import pytest

from cifviz.errors import DataError
from experiments.recipes import find_recipe
from experiments.studies.paired_seeds import folders_by_seed, judged, with_judgement
from tests.experiments.studies.nar_runs import finished_run


def test_runs_are_found_by_recipe_and_variant_alone(tmp_path):
    mine = {seed: finished_run(tmp_path, "markov-digits", "ar", seed) for seed in (0, 2)}
    finished_run(tmp_path, "markov-digits", "", 0)
    finished_run(tmp_path, "markov-digits", "ar-more", 1)
    finished_run(tmp_path, "markov-digits", "ar", 3, leave_out="ann")
    (tmp_path / "markov-digits-ar-seed1").mkdir()  # has not ended
    assert folders_by_seed(find_recipe("markov-digits", "ar"), tmp_path) == mine
    assert folders_by_seed(find_recipe("small-grid"), tmp_path) == {}


def test_a_damaged_result_is_an_error(tmp_path):
    folder = finished_run(tmp_path, "markov-digits", "", 0)
    (folder / "result.json").write_text("{}", "utf-8")
    with pytest.raises(DataError, match="is no result of"):
        folders_by_seed(find_recipe("markov-digits"), tmp_path)


def test_equal_differences_are_beyond_their_spread_unless_they_are_nothing():
    assert judged([0.5] * 3) == "more"
    assert judged([0.0] * 3) == "no difference"
    assert with_judgement([0.0] * 3) == "+0.00 ± 0.00, no difference"
