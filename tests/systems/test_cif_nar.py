"""CIF-NAR: the system "cif" with a decoder that gives all tokens at once, with context or without.

What holds for every decoder is in test_cif.py; here are those two with context layers, and what
context changes.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.decoders import NARDecoder, ProjectionDecoder
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, fit
from tests.systems.invariances import (
    assert_losses_are_means_per_token,
    assert_padding_is_not_looked_at,
    batch_of,
)
from tests.systems.tiny import noise, tiny_config, tiny_recognizer

CONTEXT = {"add_cif_ctxt_layers": True, "cif_ctxt_layers": 2, "cif_ctxt_ffn_embed_dim": 32}
every_kind = pytest.mark.parametrize(
    "settings",
    [
        {"decoder": decoder, **context}
        for decoder in ("projection", "nar")
        for context in ({}, CONTEXT)
    ],
    ids=["projection", "projection with context", "nar", "nar with context"],
)


def never_firing(model):
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.cif.start_at(1e-6)
    return model


@every_kind
def test_the_parts_are_those_of_the_configuration(settings):
    model = tiny_recognizer(**settings)
    kind = ProjectionDecoder if settings["decoder"] == "projection" else NARDecoder
    assert type(model.decoder) is kind
    assert (model.cif.context is not None) is ("add_cif_ctxt_layers" in settings)
    weights = [name for name, value in model.named_parameters() if value.ndim > 1]
    assert model.config.num_layers <= len(weights)


@every_kind
def test_batch_equals_one_by_one(settings):
    model = tiny_recognizer(**settings)
    waveforms = [noise(s, seed) for seed, s in enumerate([3.0, 0.02, 1.013, 0.0, 2.0])]
    together = model.transcribe_batch(waveforms)
    assert len(together[0].tokens) > len(together[1].tokens) == len(together[3].tokens) == 0
    for waveform, one in zip(waveforms, together, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-4)
        torch.testing.assert_close(
            one.firing.embeddings, alone.firing.embeddings, rtol=0, atol=1e-4
        )


@every_kind
def test_loss_does_not_depend_on_padding(settings):
    model, both = tiny_recognizer(**settings), batch_of([1, 2, 3], [0, 1])
    assert_losses_are_means_per_token(model, both)
    assert_padding_is_not_looked_at(model, both)


@every_kind
@pytest.mark.parametrize(
    "targets",
    [[[1, 2, 3], [0]], [[1, 2, 3], []], [[], []], [[4] * 40, [1]]],
    ids=["words", "one empty", "all empty", "more tokens than frames"],
)
@pytest.mark.parametrize("apply_scaling", [True, False])
def test_losses_and_gradients_are_finite(settings, targets, apply_scaling):
    model = tiny_recognizer(apply_scaling=apply_scaling, **settings).train()
    losses = model(batch_of(*targets))
    torch.stack(list(losses.values())).sum().backward()
    assert all(loss.isfinite() and loss >= 0 for loss in losses.values())
    for name, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


@every_kind
def test_where_nothing_fires_there_is_no_token(settings):
    model = never_firing(tiny_recognizer(**settings))
    for hypothesis in (
        *model.transcribe_batch([noise(0.0), noise(1.0)]),
        model.transcribe(noise(1)),
    ):
        assert hypothesis.tokens == hypothesis.scores == hypothesis.alignment.tokens == ()
        assert hypothesis.firing.embeddings.shape[1] == 0


@every_kind
def test_without_scaling_what_never_fires_is_trained_on_all_the_same(settings):
    """Its cross-entropy is 0, since no token came out; the quantity loss says how many lack."""
    model = never_firing(tiny_recognizer(apply_scaling=False, **settings)).train()
    losses = model(batch_of([1, 2], [3]))
    torch.stack(list(losses.values())).sum().backward()
    assert losses["cross_entropy"] == 0
    assert losses["quantity"].item() == pytest.approx(1, abs=1e-3)
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())


@every_kind
def test_under_autocast_it_trains_and_transcribes(settings):
    model, both = tiny_recognizer(**settings), batch_of([1, 2, 3], [])
    plain = model(both)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = model(both)
        hypothesis = model.transcribe(noise(1.0))
        assert model.transcribe(noise(0.0)).tokens == ()
    torch.stack(list(losses.values())).sum().backward()
    for name, loss in losses.items():
        torch.testing.assert_close(loss.float(), plain[name], rtol=0.1, atol=0.1, msg=name)
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())
    assert len(hypothesis.tokens) == int(hypothesis.firing.num_fires) > 0


@every_kind
def test_what_is_saved_is_what_is_loaded(settings, tmp_path):
    model = tiny_recognizer(**settings)
    save_model(model, tmp_path / "model", "# A card\n")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is CIFRecognizer
    assert loaded.config == model.config
    one, two = loaded.transcribe(noise(1.0)), model.transcribe(noise(1.0))
    assert (one.tokens, one.scores) == (two.tokens, two.scores) != ((), ())


@every_kind
def test_tokens_see_each_other_by_context_or_attention_alone(settings):
    """One embedding is changed before any layer that lies behind the integration."""
    model, num_fires = tiny_recognizer(**settings), torch.tensor([5])
    embeddings = torch.randn(1, 5, 16, generator=torch.manual_seed(0))

    def logits(embeddings):
        if model.cif.context is not None:
            embeddings = model.cif.context(embeddings, num_fires)
        return model.decoder(embeddings, num_fires, torch.zeros(1, 5).long())

    changed = embeddings.clone()
    changed[0, 2, 0] += 1
    change = (logits(changed) - logits(embeddings))[0].abs().amax(dim=1)
    assert change[2] > 1e-3
    others = change[[0, 1, 3, 4]]
    alone = settings == {"decoder": "projection"}
    assert not others.any() if alone else (others > 1e-6).all()


def pairs(rng: np.random.Generator) -> Example:
    """Two words, each a loud band; the second is heard as noise, but is always the same."""
    token = int(rng.integers(2))
    features = -torch.ones(28, 6)
    features[4:12, token] = 1
    features[16:24, 2:4] = 1
    return Example(features, [token, 2 + token], torch.full((2, 2), -1.0))


def test_only_what_sees_the_other_token_learns_a_token_by_its_context(tmp_path):
    """The second word follows from the first alone: of those a projection stays at ln 2 or above.

    The encoder sees no further than a word, so that its frames do not tell.
    """
    settings = FitConfig(steps=80, batch_size=8, learning_rate=5e-3, warmup=5, averaging=0.5)
    held_out = Batch.collate(
        *zip(*(pairs(np.random.default_rng(seed)) for seed in range(16)), strict=True)
    )
    found: dict[str, float] = {}
    for name, context, decoder in (
        ("alone", {}, "projection"),
        ("context", CONTEXT, "projection"),
        ("attention", {}, "nar"),
    ):
        config: Any = tiny_config(
            n_mels=6, down_sampling=2, dropout=0.0, decoder=decoder, conv_cif_dropout=0.0, **context
        )
        config = replace(config, encoder=replace(config.encoder, dilations=()))
        torch.manual_seed(0)
        model, _ = fit(
            CIFRecognizer(config), pairs, settings, folder=tmp_path / name, progress=False
        )
        with torch.no_grad():
            smooth = model.losses(model.encode(held_out), label_smoothing=0.0)
        found[name] = smooth["cross_entropy"].item()
    assert found["alone"] > 0.3  # ln 2 of every other token
    assert max(found["context"], found["attention"]) < 0.2


@every_kind
def test_fires_beyond_the_targets_are_seen_alone_as_in_a_batch(settings):
    """Without scaling the first utterance fires more often than it has tokens; its neighbour has
    so many tokens that all of its fires are among them."""
    model = tiny_recognizer(apply_scaling=False, **settings)
    model.cif.start_at(0.6)
    long = torch.randn(60, 40, generator=torch.manual_seed(0))
    alone = Batch.collate([long], [[1, 2]])
    together = Batch.collate([long, long], [[1, 2], [3] * 30])
    each = []
    for batch in (alone, together):
        encoded = model.encode(batch)
        firing = model.cif(
            encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
        )
        assert firing.num_fires[0] > 4
        adapted = model.adapt(firing.embeddings, firing, encoded)
        each.append(model.token_losses(firing, adapted, encoded)[0])
    torch.testing.assert_close(each[0], each[1][:2], rtol=0, atol=1e-5)
    assert not each[1][2:].any()
