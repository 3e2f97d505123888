"""The same seeds give the training that they gave when each weight of a loss was a setting."""

import json
from pathlib import Path

import pytest
import torch

from cifviz.systems.attention import AttentionRecognizer, AttentionRecognizerConfig
from cifviz.systems.blank_weighted import BlankWeightedRecognizer
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.systems.upsampled import UpsampledRecognizer
from cifviz.training.fit import FitConfig, Schedule, fit
from tests.systems.tiny import tiny_config
from tests.training.test_fit import SMALL, example

RECORDED = json.loads(Path(__file__).with_name("recorded_losses.json").read_text("utf-8"))
"""Mean losses of twenty steps, and two sums over all weights after them."""


def ctc(config, prior_weight=0.0):
    parts = config.vocabulary, config.features, config.encoder, prior_weight
    return CTCRecognizer(CTCRecognizerConfig(*parts))


def attention(config):
    parts = config.vocabulary, config.features, config.encoder, config.decoder
    return AttentionRecognizer(AttentionRecognizerConfig(*parts))


CASES = {
    "cif": (CIFRecognizer, {}),
    "cif, ar": (lambda config: CIFRecognizer(tiny_config(decoder="ar", **SMALL)), {}),
    "cif, even": (CIFRecognizer, {"even": 1.0}),
    "cif, segments from the middle": (CIFRecognizer, {"segments": Schedule(2.0, start=0.5)}),
    "cif, no quantity": (CIFRecognizer, {"quantity": 0.0}),
    "cif, phones": (
        lambda config: PhoneticLearner(
            CIFRecognizer(config), [(0, 1), (2,), (1, 0, 3), (3, 3), (4,)]
        ),
        {},
    ),
    "ctc": (ctc, {}),
    "ctc, priors": (lambda config: ctc(config, 0.3), {}),
    "attention": (attention, {}),
    "upsampled": (UpsampledRecognizer, {}),
    "blank-weighted": (BlankWeightedRecognizer, {}),
}


@pytest.mark.parametrize("name", RECORDED)
def test_twenty_steps_lose_what_they_lost(name, tmp_path):
    make, weights = CASES[name]
    torch.manual_seed(0)
    settings = FitConfig(
        steps=20,
        batch_size=4,
        learning_rate=5e-3,
        warmup=5,
        averaging=0.5,
        save_every=20,
        loss_weights=weights,
    )
    model, (losses,) = fit(
        make(tiny_config(**SMALL)), example, settings, folder=tmp_path, progress=False
    )
    assert losses == pytest.approx({"step": 20, **RECORDED[name]["losses"]}, rel=1e-3, abs=1e-4)
    trained = torch.cat([one.detach().flatten().double() for one in model.parameters()])
    sums = [trained.abs().sum(), (trained * torch.arange(len(trained)).cos()).sum()]
    assert [float(one) for one in sums] == pytest.approx(
        RECORDED[name]["weights"], rel=1e-3, abs=0.02
    )
