"""Published results are read, and what lessons make of them is right."""

import json

import pytest

from cifviz.errors import CIFError, DataError
from cifviz.published import (
    FORMER_COMMANDS,
    current_command,
    read_results,
    read_robustness_comparison,
    read_tail_sweep,
    read_token_widths,
    study_path,
    verdict,
)
from cifviz.resources import resource
from experiments.command_line import app
from experiments.runs import run_name
from experiments.studies import STUDIES
from tests.compared_runs import counts, runs

# --- commands ------------------------------------------------------------------------------------


def test_every_published_command_is_one_that_there_is_now():
    programs = {command.name or command.callback.__name__ for command in app.registered_commands}
    for path in sorted(resource("results").glob("**/*.json")):
        command = json.loads(path.read_text("utf-8"))["command"]
        if path.parent.name == "benchmarks":
            continue
        program, name, *arguments = current_command(command).removeprefix("python -m ").split()
        assert program == "experiments" and name in programs, command
        if name == "study":
            assert arguments == [path.stem] and path.stem in STUDIES


@pytest.mark.parametrize("current", sorted(set(FORMER_COMMANDS.values())))
def test_a_current_command_stays_as_it_is(current):
    assert current_command(f"{current} digits") == f"{current} digits"


# --- reading -------------------------------------------------------------------------------------


def test_a_comparison_is_read_from_where_it_was_published(tmp_path):
    path = study_path(tmp_path, "robustness-comparison")
    path.parent.mkdir()
    path.write_text(json.dumps({"command": "cifviz compare", "runs": runs("cif")}), "utf-8")
    assert read_robustness_comparison(tmp_path) == runs("cif")


def test_a_comparison_that_nobody_made_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match="run `python -m experiments study robustness-comparison`"):
        read_robustness_comparison(tmp_path)


@pytest.mark.parametrize(
    ("read", "name"), [(read_tail_sweep, "tail-sweep"), (read_token_widths, "token-width")]
)
def test_what_was_not_measured_says_what_to_run(tmp_path, read, name):
    with pytest.raises(DataError, match=f"run `python -m experiments study {name}`"):
        read(tmp_path)


def test_runs_are_read_in_the_order_of_their_names():
    names = [
        run_name(one["recipe"], one["seed"], one["leave_out"], one["variant"])
        for one in read_results(resource("results"))
    ]
    assert names == [path.stem for path in sorted(resource("results").glob("*.json"))]


# --- the verdict ---------------------------------------------------------------------------------


def judged(attention, cif, **names):
    """The first word of each sentence."""
    return [sentence.split(":")[0] for sentence in verdict(attention + cif, **names)]


def test_a_label_synchronous_system_that_fails_as_expected_confirms_everything():
    worse = {"longer": 80, "repeated": (30, 0, 0), "noise_gap": 20, "truncated": 9}
    few = (0, 0.1, 0.2)
    assert (
        judged(runs("attention", few, seconds=0.05, **worse), runs("cif", few, seconds=0.01))
        == ["Confirmed"] * 6
    )


def test_the_opposite_contradicts_everything():
    worse = {"in_domain": 9, "longer": 80, "repeated": (30, 0, 0), "noise_gap": 40, "truncated": 30}
    few = (0, 0.1, 0.2)
    assert (
        judged(runs("attention", few, seconds=0.01), runs("cif", few, seconds=0.05, **worse))
        == ["Contradicted"] * 6
    )


def test_systems_are_apart_in_domain_whichever_is_the_worse():
    few = (0, 0.1, 0.2)
    good, bad = {"in_domain": 2}, {"in_domain": 7}
    assert judged(runs("attention", few, **good), runs("cif", few, **bad))[0] == "Contradicted"
    assert judged(runs("attention", few, **bad), runs("cif", few, **good))[0] == "Contradicted"
    almost = {"in_domain": 3}  # a point apart
    assert judged(runs("attention", few, **almost), runs("cif", few, **good))[0] == "Confirmed"


def test_differences_inside_the_spread_are_open():
    wild = (0, 8, 16)  # ± 8 points
    attention = runs("attention", wild, longer=15, noise_gap=3, truncated=1)
    assert judged(attention, runs("cif", wild))[:1] == ["Open"]
    sentences = verdict(attention + runs("cif", wild))
    assert sentences[0] == (
        "Open: in domain attention and cif are close "
        "(token error rate: attention 10.00 ± 8.00 %, cif 10.00 ± 8.00 %)."
    )


def test_a_rise_inside_the_spread_is_open_and_outside_is_not():
    def noisy(system, *rates):
        group = runs(system, (0, 0, 0))
        for one, rate in zip(group, rates, strict=True):
            one["conditions"]["noise gap"] = counts(0, 0, rate)
        return group

    cif = noisy("cif", 6, 7, 8)  # in domain 2: rises of 5 ± 1 points
    assert judged(noisy("attention", 7, 8, 9), cif)[3] == "Open"
    assert judged(noisy("attention", 8, 9, 10), cif)[3] == "Open"  # 7 ± 1: the ranges touch
    assert judged(noisy("attention", 9, 10, 11), cif)[3] == "Confirmed"
    assert judged(noisy("attention", 3, 4, 5), cif)[3] == "Contradicted"


def test_what_a_system_loses_in_domain_is_not_held_against_it_elsewhere():
    weak = runs("attention", in_domain=30, noise_gap=31, truncated=32)
    sentences = verdict(weak + runs("cif", noise_gap=12))
    assert sentences[3].startswith("Contradicted: noise between words")
    assert "attention 1.00 ± 0.00 points, cif 10.00 ± 0.00 points" in sentences[3]


def test_length_breaks_one_system_only_or_the_claim_is_wrong():
    fine, broken = {"longer": 5}, {"longer": 60}
    assert judged(runs("attention", **broken), runs("cif", **fine))[1] == "Confirmed"
    assert judged(runs("attention", **broken), runs("cif", **broken))[1] == "Contradicted"
    assert judged(runs("attention", **fine), runs("cif", **fine))[1] == "Contradicted"
    assert judged(runs("attention", longer=12), runs("cif", **fine))[1] == "Open"


def test_longer_sets_count_together():
    attention = runs("attention")
    for one in attention:
        one["conditions"]["5 times longer"] = counts(0, 0, 262, tokens=300)
    # (3 sets · about 2 of 100 + 262 of 300) / 600, less about 2 %
    (sentence,) = verdict(attention + runs("cif"))[1:2]
    assert sentence.startswith("Confirmed")
    assert "attention 42.17 ± 0.50 points" in sentence


def test_substituted_words_are_neither_skipped_nor_looped():
    attention = runs("attention", repeated=(0, 0, 50))
    assert judged(attention, runs("cif", repeated=(0, 0, 2)))[2] == "Open"
    assert judged(runs("attention", repeated=(0, 9, 0)), runs("cif"))[2] == "Confirmed"


def test_a_single_run_leaves_all_open():
    worse = {"longer": 80, "repeated": (30, 0, 0), "noise_gap": 20, "truncated": 9}
    assert judged(runs("attention", (0,), **worse), runs("cif", (0,))) == ["Open"] * 6


def test_times_with_other_numbers_of_threads_are_not_compared():
    attention, cif = runs("attention", seconds=0.05), runs("cif")
    assert verdict(attention + cif)[5].startswith("Confirmed: cif takes less time")
    for one in cif:
        one["conditions"]["in domain"]["threads"] = 2
    assert verdict(attention + cif)[5] == (
        "Open: cif takes less time for an utterance than attention (torch threads 1 and 2; "
        "in domain: attention 50.00 ± 0.00 ms, cif 10.00 ± 0.00 ms)."
    )


def test_any_pair_of_systems_can_be_judged():
    results = runs("las") + runs("ctc")
    assert "las and ctc are close" in verdict(results, label="las", frame="ctc")[0]
    with pytest.raises(CIFError, match="runs of the system 'attention', got none"):
        verdict(results)


def test_a_missing_condition_is_named():
    results = runs("attention") + runs("cif")
    del results[4]["conditions"]["noise gap"]
    with pytest.raises(CIFError, match="'cif' with seed 1 lacks the sets .'noise gap'."):
        verdict(results)
