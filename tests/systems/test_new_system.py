"""A new system is one file and one line in the registry: `tests.systems.hinted` is found by all."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from cifviz.alignment.boundary_readout import comparable, learn
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CheckpointError, CIFError
from cifviz.systems import registry
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.forced_alignment import align_by_count, align_by_ctc
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, Schedule, fit
from tests.systems.hinted import HintedConfig, HintedRecognizer
from tests.systems.tiny import VOCABULARY, noise, tiny_config

SMALL = {"n_mels": 6, "down_sampling": 2}


@pytest.fixture
def registered(monkeypatch):
    """The one line."""
    monkeypatch.setitem(registry.SYSTEMS, "hinted", HintedRecognizer)


def tiny(**settings):
    torch.manual_seed(0)
    return HintedRecognizer(HintedConfig(**vars(tiny_config(**settings)))).eval()


def hints_at(*tokens):
    return torch.bincount(torch.tensor(tokens, dtype=torch.long), minlength=len(VOCABULARY))


def example(rng: np.random.Generator):
    """Words that nothing but the hint tells apart: loud bands, all alike."""
    token = int(rng.integers(len(VOCABULARY)))
    count = int(rng.integers(1, 4))
    features = -torch.ones(12 * count + 4, 6)
    for place in range(count):
        features[12 * place + 4 : 12 * place + 12] = 1
    spans = torch.tensor([(12 * place + 4, 12 * place + 12) for place in range(count)])
    hints = {"hints": hints_at(token)}
    return Example(features, [token] * count, spans.double(), hints)


def batch_of(model, size, seed=99):
    rng = np.random.default_rng(seed)
    return Batch.collate(*zip(*(example(rng) for _ in range(size)), strict=True), by=model.extras)


@pytest.mark.usefixtures("registered")
def test_it_is_trained_saved_loaded_and_transcribes(tmp_path):
    """Fifty steps, by the same loop, with its own losses; then hints decide what is recognised."""
    settings = FitConfig(
        steps=50,
        batch_size=8,
        learning_rate=1e-2,
        warmup=5,
        averaging=0.8,
        save_every=50,
        loss_weights={"even": 1.0, "unhinted": Schedule(1e-3, start=0.5)},
    )
    start = tiny(**SMALL)
    held_out = batch_of(start, 16)
    model, history = fit(tiny(**SMALL), example, settings, folder=tmp_path / "run", progress=False)
    assert history[-1].keys() == {"step", "loss", *start.loss_weights, "even", "unhinted"}
    with torch.no_grad():
        before, after = start(held_out), model(held_out)
    for name in ("cross_entropy", "ctc", "quantity"):
        assert after[name] < before[name], name

    save_model(model, tmp_path / "mine", "# hinted\n")
    assert json.loads((tmp_path / "mine/config.json").read_text("utf-8"))["system"] == "hinted"
    loaded = load_model(tmp_path / "mine")
    assert type(loaded) is HintedRecognizer and loaded.config == model.config
    firing = loaded.cif(*loaded.encoder(held_out.features, held_out.lengths))
    ids, _ = loaded.decode(firing, loaded.encode(held_out))
    right = ids[:, :1] == held_out.targets[:, :1]
    assert right.double().mean() > 0.8


@pytest.mark.usefixtures("registered")
def test_without_the_line_it_is_not_kept(tmp_path, monkeypatch):
    save_model(tiny(), tmp_path / "mine", "# hinted\n")
    monkeypatch.delitem(registry.SYSTEMS, "hinted")
    with pytest.raises(CheckpointError, match="system must be one of 'cif', .* got 'hinted'"):
        load_model(tmp_path / "mine")
    with pytest.raises(CIFError, match="HintedRecognizer is no registered system"):
        save_model(tiny(), tmp_path / "other", "")


def test_a_request_is_heeded_and_alone_is_as_in_a_batch():
    model = tiny()
    torch.nn.init.normal_(model.hint.weight, std=5.0)
    waveforms = [noise(1.0), noise(0.4, 1)]
    hints = [hints_at(0, 0), hints_at(3)]
    together = model.transcribe_batch(waveforms, hints=hints)
    for waveform, hint, one in zip(waveforms, hints, together, strict=True):
        alone = model.transcribe(waveform, hints=hint)
        assert one.tokens == alone.tokens != ()
        assert one.scores == pytest.approx(alone.scores, abs=1e-4)
    other = model.transcribe(waveforms[0], hints=hints_at(4, 4))
    assert other.tokens != together[0].tokens
    assert torch.equal(other.firing.alpha, model.transcribe(waveforms[0]).firing.alpha)


def test_alignment_and_decoding_by_tail_rule_heed_a_request():
    model, waveform, hints = tiny(), noise(1.0), hints_at(3)
    torch.nn.init.normal_(model.hint.weight, std=5.0)
    model.cif.config = replace(model.cif.config, apply_tail_handling=False)
    log_mel = model.config.features(waveform)
    _, found = decode_by_tail_rule(model, log_mel, hints=hints)
    assert found["drop"] == model.transcribe(waveform, hints=hints).tokens
    assert found["drop"] != decode_by_tail_rule(model, log_mel)[1]["drop"]
    plain, hinted = (
        align_by_count(model, waveform, ["zero", "one"], **request).scores
        for request in ({}, {"hints": hints})
    )
    assert plain != hinted
    align_by_ctc(model, waveform, ["zero"], hints=hints)
    for refused in (align_by_count, align_by_ctc):
        with pytest.raises(CIFError, match="extra input must be one of 'hints', got 'video'"):
            refused(model, waveform, ["zero"], video=hints)


def test_a_request_that_cannot_be_is_refused():
    model = tiny()
    with pytest.raises(CIFError, match="extra input must be one of 'hints', got 'video'"):
        model.transcribe(noise(0.4), video=hints_at(0))
    with pytest.raises(CIFError, match="expected 2 values of hints, one for each utter.*, got 1"):
        model.transcribe_batch([noise(0.4)] * 2, hints=[hints_at(0)])


def test_padding_changes_none_of_its_losses():
    """Two utterances together lose, per token, the mean of what they lose alone."""
    model, rng = tiny(**SMALL), np.random.default_rng(3)
    examples = [example(rng) for _ in range(3)]
    together = model(Batch.collate(*zip(*examples, strict=True), by=model.extras))
    counts = [len(one.tokens) for one in examples]
    alone = [model(Batch.collate(*zip(one, strict=True), by=model.extras)) for one in examples]
    for name, loss in together.items():
        parts = [count * one[name] for count, one in zip(counts, alone, strict=True)]
        torch.testing.assert_close(loss, sum(parts) / sum(counts), rtol=1e-4, atol=1e-5)


def test_its_own_readout_and_metric_are_declared():
    model = tiny()
    one = model.transcribe(noise(1.0))
    middles = one.grid.seconds(one.rows @ (torch.arange(one.rows.shape[1]).double() + 0.5))
    words = [TimedToken("zero", t, t) for t in middles.clamp(0, 1).tolist()]
    reference = Alignment(tuple(words))
    learned = learn(model.readouts["centroid, unshifted"], comparable([one], [reference]))
    for found, expected in zip(learned.align(one).spans, reference.spans, strict=True):
        assert found == pytest.approx(expected, abs=1e-9)
    measured = {name: metric([one], [reference]) for name, metric in model.metrics.items()}
    assert measured["counts"] == {"recognised": len(words), "spoken": len(words)}
    assert measured.keys() == {"weight_sum_error", "share_in_silence", "counts"}


def test_its_configuration_is_its_own():
    config = replace(tiny().config, hint_weight=2.0)
    assert HintedConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    without = {k: v for k, v in asdict(config).items() if k != "hint_weight"}
    assert HintedConfig.from_dict(without).hint_weight == 1.0
