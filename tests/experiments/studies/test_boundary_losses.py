"""What losses on where weights lie change: by hand."""

import pytest

from cifviz.errors import DataError
from cifviz.published import read_study
from experiments.recipes import find_recipe
from experiments.studies import run_study
from experiments.studies.boundary_losses import BOUNDARY_LOSSES, scores_of, steps_to, table
from experiments.studies.paired_seeds import TASKS
from tests.experiments.studies.nar_runs import finished_run, published_run, published_study

MODERATE, STRONG = BOUNDARY_LOSSES["spikes-0.3"], BOUNDARY_LOSSES["spikes-1"]
EDGE = {"signed_mean": 0.0, "mean_absolute": 0.05, "count": 3}


def measured(rate=0.25, edge=0.05):
    both = {name: {**EDGE, "mean_absolute": edge} for name in ("onset", "offset")}
    return {
        "tokens": 4,
        "token_error_rate": rate,
        **{"deletions": 1, "insertions": 0, "substitutions": 0, "count_accuracy": 0.5},
        **{"share_in_silence": 0.1, "utterances": 2},
        "edges": {"fire": both, "valleys, quantiles": both, "centroid": both},
    }


def falling(*losses):
    return [{"step": 50 * i, "cross_entropy": loss} for i, loss in enumerate(losses, start=1)]


def result(variant="", rate=0.25, losses=(1.4, 1.0), edge=0.05):
    return {"variant": variant, "history": falling(*losses), "test": measured(rate, edge)}


def study(tmp_path, *results):
    """The table of runs on "markov-digits"; each variant has its own seeds from 0 on."""
    seeds = dict.fromkeys(BOUNDARY_LOSSES, -1)
    for one in results:
        one, variant = dict(one), one["variant"]
        seeds[variant] += 1
        finished_run(tmp_path / "runs", "markov-digits", one.pop("variant"), seeds[variant], **one)
    return run_study("boundary-losses", runs=tmp_path / "runs", data=tmp_path / "data")


def test_every_loss_is_a_variant():
    for variant in BOUNDARY_LOSSES:
        fit = find_recipe("markov-digits", variant).fit
        assert len(fit.loss_weights) == bool(variant)


def test_steps_are_read_between_entries():
    history = [{"step": 50, "a": 3.0}, {"step": 100, "a": 2.0}, {"step": 150, "a": 0.0}]
    assert steps_to(history, "a", 3.5) == 50
    assert steps_to(history, "a", 1.5) == 112.5
    assert steps_to(history, "a", -1.0) is None


def test_what_is_kept_of_a_run_is_shown(tmp_path):
    text = study(tmp_path, result())
    found = read_study(tmp_path / "data" / "results", "boundary-losses")
    (one,) = found["runs"]
    assert one["cross_entropy"] == [1.4, 1.0]
    assert set(one["edges"]) == {"fire", "valleys, quantiles"}
    assert one["edges"]["fire"]["onset"] == {"signed_mean": 0.0, "mean_absolute": 0.05}
    assert scores_of(one)["steps to 1.2"] == pytest.approx(75)  # half way from 1.4 to 1
    assert text == table(found)
    row = "| markov-digits | none | 1 | 75 | 25.00 | 50.0 | 10.0 | 50 | 50 | 50 | 50 |"
    assert row in text
    assert "Differences" not in text


def test_other_runs_are_left_out(tmp_path):
    other = {name: value for name, value in result().items() if name != "variant"}
    finished_run(tmp_path / "runs", "markov-digits", "ar", 0, **other)
    with pytest.raises(DataError, match="no finished run of markov-digits or small-grid in"):
        study(tmp_path)


def test_losses_are_compared_seed_by_seed(tmp_path):
    """Seeds differ by more than the loss changes."""
    rates = (0.2, 0.4, 0.6)
    text = study(
        tmp_path,
        *(result(rate=rate, losses=(1.4, 1.0)) for rate in rates),
        *(result("spikes-0.3", rate - 0.05, (1.4, 1.2)) for rate in rates),
    )
    assert f"| {MODERATE} | +25 ± 0, more | -5.00 ± 0.00, less |" in text
    assert (
        f"- Converges sooner, markov-digits: not reproduced (the contrary with {MODERATE})." in text
    )
    assert f"- Makes fewer errors, markov-digits: reproduced (yes with {MODERATE})." in text


def test_most_weights_have_to_agree(tmp_path):
    text = study(
        tmp_path,
        *(result(rate=0.5) for _ in range(3)),
        *(result("spikes-0.1", 0.4) for _ in range(3)),
        *(result("spikes-0.3", 0.5) for _ in range(3)),
    )
    assert "- Makes fewer errors, markov-digits: not reproduced (yes with" in text


def test_of_few_seeds_nothing_is_claimed(tmp_path):
    text = study(tmp_path, result(), result(), result("spikes-0.3", 0.1), result("spikes-0.3", 0.1))
    assert "-15.00 ± 0.00, open" in text
    assert "Makes fewer errors, markov-digits: open (fewer than 3 seeds with" in text


def test_a_loss_that_stays_high_is_said(tmp_path):
    text = study(
        tmp_path,
        *(result() for _ in range(3)),
        *(result("spikes-0.3", losses=(1.4, low)) for low in (1.0, 1.0, 1.3)),
        *(result("spikes-1", losses=(1.4, 1.3)) for _ in range(3)),
    )
    assert f"| {MODERATE} | 3 | 75 ± 0 (2 of 3) |" in text
    assert f"| {STRONG} | 3 | never |" in text
    assert f"| {STRONG} | – |" in text


# What is published


@pytest.mark.parametrize("one", published_study("boundary-losses"))
def test_the_study_holds_what_the_published_runs_hold(one):
    run = published_run(one["recipe"], one["variant"], one["seed"])
    scores = run[TASKS[one["recipe"]]]
    assert one["token_error_rate"] == scores["token_error_rate"]
    assert one["cross_entropy"] == [entry["cross_entropy"] for entry in run["history"]]
    onset = scores["edges"]["fire"]["onset"]["mean_absolute"]
    assert one["edges"]["fire"]["onset"]["mean_absolute"] == pytest.approx(onset, abs=5e-5)
