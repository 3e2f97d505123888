"""The study of neurons that spike: by hand, and on networks without training."""

import numpy as np
import pytest

from cifviz.errors import DataError
from cifviz.published import ERROR_KINDS
from experiments.recipes import find_recipe
from experiments.studies import spiking_neurons
from experiments.studies.paired_seeds import gathered
from experiments.studies.spiking_neurons import (
    CONDITIONS,
    TITLES,
    energy_table,
    error_table,
    in_condition,
    run,
    scores_of,
    table,
)
from tests.experiments.studies.nar_runs import finished_run, noisy_string
from tests.experiments.studies.untrained import untrained

STRINGS = [noisy_string("one", "two", seed=n, seconds=0.8) for n in range(2)]


def power(samples):
    return float(np.mean(np.square(samples)))


def test_noise_is_as_loud_as_its_name_says_and_the_same_for_all():
    assert in_condition(STRINGS, np.inf) == STRINGS
    made = {level: in_condition(STRINGS, level)[0].waveform.samples for level in (20.0, 10.0, 0.0)}
    clean = STRINGS[0].waveform.samples
    for level, samples in made.items():
        share = power(samples - clean) / power(clean)
        assert 10 * np.log10(share) == pytest.approx(-level, abs=1.0)
    np.testing.assert_array_equal(in_condition(STRINGS, 10.0)[0].waveform.samples, made[10.0])


@pytest.mark.parametrize(("variant", "spikes"), [("", True), ("gru", False)])
def test_a_network_is_measured_with_what_it_did(variant, spikes):
    found = scores_of(untrained(find_recipe("spiking-digits", variant), None), STRINGS)
    assert found["tokens"] == 4
    assert found["token_error_rate"] * 4 == sum(found[kind] for kind in ERROR_KINDS)
    assert (found["spikes_per_second"] > 0) == spikes
    assert found["scaled_count_accuracy"] == 1  # the rule of a CIF
    assert found["operations_per_second"] > 0


@pytest.mark.slow
def test_every_run_hears_every_condition(tmp_path, monkeypatch):
    finished_run(tmp_path, "spiking-digits", "gru", 1)
    finished_run(tmp_path, "spiking-phones", "leaky", 0)
    monkeypatch.setattr(spiking_neurons, "loaded", untrained)
    monkeypatch.setattr(spiking_neurons, "grammar_utterances", lambda *_, **__: STRINGS)
    found = run(runs=tmp_path, data=tmp_path)["runs"]
    names = [(one["recipe"], one["variant"], one["seed"], one["condition"]) for one in found]
    assert names == [
        *(("spiking-digits", "gru", 1, condition) for condition in CONDITIONS),
        *(("spiking-phones", "leaky", 0, condition) for condition in CONDITIONS),
    ]
    assert {one["tokens"] for one in found[:4]} == {4}
    assert {one["tokens"] for one in found[4:]} == {10}  # w ʌ n, t uː
    assert "| GRU, integrate (CIF) | 0 dB | 1 of 3 |" in table({"runs": found})


def test_without_a_run_there_is_nothing_to_hear(tmp_path):
    with pytest.raises(DataError, match="no finished run of spiking-digits or spiking-phones"):
        run(runs=tmp_path, data=tmp_path)


# --- tables --------------------------------------------------------------------------------------


def scored(variant, seed, condition, *, rate=0.5, operations=2e6, spikes=100.0):
    return {
        "recipe": "spiking-digits",
        "variant": variant,
        "seed": seed,
        "condition": condition,
        "tokens": 10,
        "token_error_rate": rate,
        **dict.fromkeys(ERROR_KINDS, 0),
        "count_accuracy": 0.5,
        "scaled_count_accuracy": 0.75,
        "spikes_per_second": spikes,
        "operations_per_second": operations,
    }


def test_energy_is_that_of_the_convention():
    """Two million additions of 0.9 pJ are 1.8 µJ; of a GRU one million pairs of 4.6 pJ."""
    runs = [scored("", 0, "clean"), scored("gru", 0, "clean", spikes=0.0), scored("", 0, "0 dB")]
    rows = energy_table(runs).splitlines()[2:4]
    assert rows[0] == "| spiking, integrate (CIF) | words | 1 of 3 | 100 | 2.00 | 1.80 |"
    assert rows[1] == "| GRU, integrate (CIF) | words | 1 of 3 | 0 | 2.00 | 4.60 |"
    assert energy_table([]) == ""


def test_robustness_is_judged_by_how_many_errors_noise_adds():
    """Noise adds 10 points to the spiking network and 30 to the GRU, in each of three seeds."""
    runs = [
        scored(variant, seed, condition, rate=0.1 * seed + 0.1 + more * (condition == "0 dB"))
        for variant, more in {"": 0.1, "gru": 0.3}.items()
        for seed in range(3)
        for condition in CONDITIONS
    ]
    runs.append(scored("leaky", 0, "clean"))
    assert [one["variant"] for one in gathered(runs, "condition", [*CONDITIONS])] == [
        "",
        "",
        "",
        "gru",
        "gru",
        "gru",
    ]
    text = table({"runs": runs})
    at_10, at_0 = [line for line in text.splitlines() if "more robust" in line]
    assert "at 0 dB" in at_0 and "10.0 ± 0.0 against 30.0 ± 0.0" in at_0
    assert at_0.endswith("| reproduced |")
    assert "at 10 dB" in at_10 and at_10.endswith("| not reproduced: no difference |")
    assert "| claim | source | score | spiking-digits | verdict |" in text
    assert text.endswith("\n\nNot trained: spiking-phones (phones).")
    lines = error_table(runs, "spiking-digits").splitlines()[2:]
    assert len(lines) == 2 * len(CONDITIONS) + 1
    assert all(" | 50.0" in line and " | 75.0" in line for line in lines)
    assert {one["variant"] for one in runs} <= TITLES.keys()
    assert error_table(runs, "spiking-phones") == ""
