"""Each of twelve planted faults is found, and nothing in three healthy models."""

import importlib.util

import pytest

from cifviz.audio.moonshine import has_moonshine
from cifviz.corpora.clips import load_clip
from cifviz.corpora.datasets import digit_string_waveform, digit_strings, grid_sentences
from cifviz.diagnosis import CHECKS, diagnose, examine
from cifviz.diagnosis.faults import FAULTS, plant
from cifviz.diagnosis.model_runs import observe_model
from cifviz.diagnosis.observed_inputs import with_what_is_known
from cifviz.errors import CIFError
from cifviz.systems.checkpoints import load_model
from tests.diagnosis.healthy import clip_utterances, run_as


def severities(diagnosis):
    return {finding.check: finding.severity for finding in diagnosis.findings}


@pytest.mark.parametrize("model", ["digits", "grid"])
def test_a_healthy_model_has_no_finding(model):
    found = examine(clip_utterances(model))
    assert severities(found) == {}
    assert found.is_healthy and not found.fails("note")
    assert set(found.looked_at.values()) == {len(clip_utterances(model))}  # nothing left out


@pytest.mark.skipif(
    not has_moonshine() or importlib.util.find_spec("espeakng_loader") is None,
    reason="the English encoder is not installed (pip install cifviz[english])",
)
def test_the_healthy_model_of_english_has_no_finding():
    names = ["natural_lake", "natural_river", "silence"]
    sounds = {name: load_clip(name).waveform for name in names}
    assert severities(diagnose("english", waveforms=sounds)) == {}


@pytest.mark.slow
def test_healthy_models_are_healthy_on_real_speech(cifviz_data):
    digits = [(one.id, *digit_string_waveform(one)) for one in digit_strings("test")[:60]]
    grid = [(one.id, one.waveform(), one.words) for one in grid_sentences("dev")[:40]]
    for model, utterances in (("digits", digits), ("grid", grid)):
        sounds = {name: sound for name, sound, _ in utterances}
        found = observe_model(load_model(model), sounds)
        known = with_what_is_known(found, reference={name: words for name, _, words in utterances})
        assert examine(known).is_healthy, examine(known).table()
        for name in FAULTS:
            assert severities(examine(plant(name, known)))[name] == "fault"


def test_there_is_a_fault_for_each_check():
    assert set(FAULTS) == set(CHECKS)
    assert len(FAULTS) == 12


@pytest.mark.parametrize("model", ["digits", "grid"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(model, name):
    found = examine(plant(name, clip_utterances(model)))
    assert severities(found)[name] == "fault"
    assert found.fails()
    finding = next(one for one in found.findings if one.check == name)
    known = {one.name for one in clip_utterances(model)}
    assert finding.utterances and set(finding.utterances) <= known
    assert finding.found and finding.advice and finding.numbers and finding.picture.alt


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"token_count"}))
def test_a_fault_is_listed_before_the_counts_that_it_changes(name):
    found = examine(plant(name, clip_utterances("grid")))
    checks = [finding.check for finding in found.findings if finding.severity == "fault"]
    assert name in checks
    assert "token_count" not in checks[: checks.index(name)]


@pytest.mark.parametrize("dialect", ["torch_cif", "paraformer_v1", "paraformer_v2", "w2v_cif_bert"])
def test_rules_of_other_code_bases_that_keep_the_tail_are_healthy(dialect):
    utterances = [run_as(dialect, one) for one in clip_utterances("grid")]
    assert examine(utterances).is_healthy, examine(utterances).table()


@pytest.mark.parametrize("dialect", ["funasr_cif", "funasr_cif_v1", "cif_pytorch"])
def test_rules_that_drop_the_tail_are_found(dialect):
    """CIF-PyTorch fires the tail in a padded frame alone; of FunASR's this is the bare function."""
    utterances = [run_as(dialect, one) for one in clip_utterances("grid")]
    assert severities(examine(utterances))["lost_tail"] == "fault"


def test_a_fault_that_does_not_exist_cannot_be_planted():
    with pytest.raises(CIFError, match=r"^fault must be one of"):
        plant("bad luck", [])
