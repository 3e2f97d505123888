"""Decoding by tail rule, against what a recogniser does by itself."""

from dataclasses import replace

import pytest
import torch

from cifviz.core.dialects import tail_rules
from cifviz.errors import CIFError
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from tests.systems.tiny import VOCABULARY, noise, tiny_recognizer

SOUNDS = [noise(0.7, seed) for seed in range(4)]


def features(model, waveform):
    return model.config.features(waveform)


@pytest.mark.parametrize("decoder", ["nar", "ar"])
@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("drop", {"apply_tail_handling": False}),
        ("above 0.2", {"tail_handling_firing_threshold": 0.2}),
        ("above 0.8", {"tail_handling_firing_threshold": 0.8}),
    ],
)
def test_two_rules_are_what_a_recogniser_can_do_by_itself(decoder, rule, settings):
    model = tiny_recognizer(decoder=decoder)
    rules = tail_rules(0.8, slack=model.cif.config.slack) | tail_rules(
        0.2, slack=model.cif.config.slack
    )
    found = [decode_by_tail_rule(model, features(model, one), rules)[1][rule] for one in SOUNDS]
    model.cif.config = replace(model.cif.config, **settings)
    assert found == [model.transcribe(one).tokens for one in SOUNDS]


@pytest.mark.parametrize(
    "settings",
    [{"add_cif_ctxt_layers": True, "cif_ctxt_attention_heads": 2}, {"cif_embedding_dim": 8}],
    ids=["context", "another size"],
)
def test_embeddings_pass_the_layers_behind_the_integration(settings):
    model = tiny_recognizer(seed=3, **settings)
    for sound in SOUNDS:
        _, tokens = decode_by_tail_rule(model, features(model, sound))
        assert tokens["above 0.5"] == model.transcribe(sound).tokens != ()


def test_another_system_is_refused():
    model = CTCRecognizer(CTCRecognizerConfig(VOCABULARY)).eval()
    with pytest.raises(CIFError, match="model must be a CIFRecognizer, got CTCRecognizer"):
        decode_by_tail_rule(model, features(model, SOUNDS[0]))


def test_the_firing_has_the_residual_before_any_rule():
    model = tiny_recognizer()
    for sound in SOUNDS:
        firing, found = decode_by_tail_rule(model, features(model, sound))
        assert not firing.tail_fired.any()
        assert len(found["drop"]) == int(firing.num_fires)
        assert list(found) == list(tail_rules())


def test_there_is_no_pause_rounding_whatever_the_model_does():
    plain, phrased = tiny_recognizer(), tiny_recognizer(pause_frames=1, pause_weight=0.5)
    for sound in SOUNDS:
        log_mel = features(plain, sound)
        rounded = phrased.transcribe(sound).firing
        assert not torch.equal(rounded.alpha, rounded.scaled_alpha)
        found = [decode_by_tail_rule(model, log_mel) for model in (plain, phrased)]
        assert found[0][1] == found[1][1]
        assert torch.equal(found[0][0].scaled_alpha, found[1][0].scaled_alpha)


def test_where_nothing_fires_only_rounding_up_gives_a_token():
    model = tiny_recognizer()
    torch.nn.init.constant_(model.cif.weights.weight_proj.bias, -50.0)
    _, found = decode_by_tail_rule(model, features(model, SOUNDS[0]))
    assert found["dynamic"]
    assert not any(found[name] for name in ("drop", "above 0.5", "at least 0.5", "rounded"))
