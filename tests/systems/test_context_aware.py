"""Two decoders: the first knows what was fired, the second all of that and the frames again."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.alignment_losses import ALIGNMENT_LOSSES
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.context_aware import ContextAwareConfig, ContextAwareRecognizer
from cifviz.systems.decoders import DECODERS, PARALLEL, DecoderConfig, ParallelDecoder, make_decoder
from cifviz.systems.forced_alignment import align_by_count
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, Schedule, fit
from tests.systems.invariances import (
    assert_losses_are_means_per_token,
    assert_padding_is_not_looked_at,
    batch_of,
)
from tests.systems.tiny import noise, tiny_config

CONTEXTUAL = DecoderConfig(dim=8, heads=2)
every_kind = pytest.mark.parametrize(
    "settings",
    [
        {"contextual_input": given, "decoder": first}
        for given in ("hidden", "tokens")
        for first in PARALLEL
    ],
    ids=lambda settings: " of ".join(settings.values()),
)


def tiny(*, contextual_input="hidden", seed=0, **settings) -> Any:
    torch.manual_seed(seed)
    parts = vars(tiny_config(**settings))
    config = ContextAwareConfig(**parts, contextual=CONTEXTUAL, contextual_input=contextual_input)
    model = ContextAwareRecognizer(config)
    torch.nn.init.normal_(model.project.weight, std=2.0)  # so that the tokens are not all alike
    torch.nn.init.normal_(model.output.weight)
    return model.eval()


def first_of(model):
    """The recogniser that it is but for its second decoder."""
    parts = vars(model.config)
    parts = {name: value for name, value in parts.items() if not name.startswith("contextual")}
    inner = CIFRecognizer(CIFRecognizer.Config(**parts)).eval()
    weights = model.state_dict()
    inner.load_state_dict({name: weights[name] for name in inner.state_dict()})
    return inner


def fired(model, encoded):
    batch = encoded.batch
    return model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )


def reached(model):
    return {name for name, one in model.named_parameters() if one.grad is not None}


def test_parallel_decoders_are_those_that_say_so():
    made = {
        kind
        for kind in DECODERS
        if isinstance(make_decoder(DecoderConfig(kind), 4, 3), ParallelDecoder)
    }
    assert made == set(PARALLEL)


# --- what the two decoders see -------------------------------------------------------------------


@every_kind
def test_by_hand_the_second_says_another_token_than_the_first(settings):
    """All parameters 0: half a token a frame. The first decoder is sure of "zero"; of the five
    tokens, "one" alone has a logit, ln 4: 4 parts of 8."""
    model = tiny(**settings)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        model.decoder.output.bias[0] = 50.0
        model.output.bias[1] = math.log(4)
    batch = batch_of([0, 1])
    encoded = model.encode(batch)
    ids, scores = model.decode(fired(model, encoded), encoded)
    assert ids.tolist() == [[1, 1]]
    torch.testing.assert_close(scores, torch.full((1, 2), 0.5))
    first, _ = model.decoder.decode(torch.zeros(1, 2, 16), torch.tensor([2]))
    assert first.tolist() == [[0, 0]]
    losses = model.losses(encoded, label_smoothing=0.0)
    # −ln of 1/8 and 4/8; of the first decoder 0 and 50, each with a tenth of the label smoothed.
    assert losses["cross_entropy"].item() == pytest.approx((3 + 1) * math.log(2) / 2)
    smooth = 0.1 * 4 / 5 * 50
    expected = (smooth + 0.9 * 50 + 0.1 * 4 / 5 * 50) / 2
    assert losses["first_cross_entropy"].item() == pytest.approx(expected)


@every_kind
def test_the_first_decoder_is_that_of_the_recogniser(settings):
    model, batch = tiny(**settings), batch_of([1, 2], [3])
    losses, plain = model(batch), first_of(model)(batch)
    assert model.loss_weights == {**CIFRecognizer.loss_weights, "first_cross_entropy": 0.5}
    assert losses.keys() == model.loss_weights.keys()
    torch.testing.assert_close(losses.pop("first_cross_entropy"), plain.pop("cross_entropy"))
    assert losses.pop("cross_entropy") > 0
    for name, loss in plain.items():
        torch.testing.assert_close(losses[name], loss)
    two, one = model.transcribe(noise(1.5)), first_of(model).transcribe(noise(1.5))
    assert torch.equal(two.firing.alpha, one.firing.alpha)
    assert two.tokens != one.tokens and len(two.tokens) == len(one.tokens)


@every_kind
def test_the_second_decoder_hears_the_frames_again(settings):
    """The same fires, other frames: the first decoder cannot tell, the second can."""
    model, batch = tiny(**settings), batch_of([1, 2, 3])
    encoded = model.encode(batch)
    firing = fired(model, encoded)
    other = replace(encoded, encoder_out=encoded.encoder_out.flip(1))
    adapted = model.adapt(firing.embeddings, firing, encoded)
    assert torch.equal(adapted, model.adapt(firing.embeddings, firing, other))
    one, two = (model.token_losses(firing, adapted, each) for each in (encoded, other))
    assert (one - two).abs().min() > 1e-4


@every_kind
def test_the_second_decoder_sees_all_tokens_and_their_places(settings):
    model, batch = tiny(**settings), batch_of([1, 2, 3])
    encoded = model.encode(batch)
    firing = fired(model, encoded)
    assert isinstance(firing.embeddings, torch.Tensor)

    def logits(embeddings):
        changed = replace(firing, embeddings=embeddings)
        return model._corrected(changed, model.adapt(embeddings, changed, encoded), encoded)

    plain = logits(firing.embeddings)
    louder = firing.embeddings.clone()
    louder[0, 2, :4] += 5
    assert ((logits(louder) - plain).abs().amax(dim=2) > 1e-4).all()
    # Tokens in another order are more than their logits in another order.
    assert (logits(firing.embeddings.flip(1)).flip(1) - plain).abs().max() > 1e-3


def test_what_the_second_is_given_decides_what_reaches_the_first():
    """By its hidden state the second decoder teaches the first; by its tokens it does not."""
    for given, taught in (("hidden", True), ("tokens", False)):
        model = tiny(contextual_input=given, dropout=0.0).train()
        model(batch_of([1, 2]))["cross_entropy"].backward()
        names = reached(model)
        assert any(name.startswith("decoder.") for name in names) is taught
        assert "decoder.output.weight" not in names
        assert {"encoder", "cif", "project", "contextual", "output"} <= {
            name.split(".")[0] for name in names
        }
        model.zero_grad()
        model(batch_of([1, 2]))["first_cross_entropy"].backward()
        assert not any(
            name.startswith(("contextual.", "output.", "project.", "embed."))
            for name in reached(model)
        )


def test_the_frames_that_the_second_attends_to_learn_from_it():
    model = tiny(dropout=0.0)
    encoded = model.encode(batch_of([1, 2]))
    frames = encoded.encoder_out.detach()
    firing = model.cif(frames, encoded.frame_lengths, target_lengths=torch.tensor([2]))
    looked_at = replace(encoded, encoder_out=frames.clone().requires_grad_())
    adapted = model.adapt(firing.embeddings, firing, looked_at)
    model.token_losses(firing, adapted, looked_at).sum().backward()
    assert looked_at.encoder_out.grad[0, : encoded.frame_lengths[0]].any(dim=1).all()


def test_a_token_of_the_first_that_changes_changes_what_the_second_reads():
    model, batch = tiny(contextual_input="tokens"), batch_of([1, 2, 3])
    encoded = model.encode(batch)
    with torch.no_grad():
        plain = model(batch)["cross_entropy"]
        model.decoder.output.weight.zero_()
        model.decoder.output.bias[:] = torch.tensor([0.0, 0, 0, 0, 9])
        fours = model(batch)["cross_entropy"]
        model.decoder.output.bias[:] = torch.tensor([0.0, 0, 0, 0, 90])
        surer_fours = model(batch)["cross_entropy"]
        model.embed.weight[4] = model.embed.weight[3]
        other = model.losses(encoded)["cross_entropy"]
    assert fours == surer_fours
    assert abs(float(other - fours)) > 1e-4 and abs(float(plain - fours)) > 1e-4


def test_gradients_of_both_losses_are_those_of_differences():
    """With respect to what was fired; the CIF itself has kinks where it fires."""
    model, batch = tiny(dropout=0.0).double(), batch_of([1, 2])
    batch = replace(batch, features=batch.features.double())
    encoded = model.encode(batch)
    firing = fired(model, encoded)

    def losses(embeddings):
        changed = replace(firing, embeddings=embeddings)
        adapted = model.adapt(embeddings, changed, encoded)
        first = model.own_losses(changed, adapted, encoded, wanted=())["first_cross_entropy"]
        return model.token_losses(changed, adapted, encoded), first

    assert torch.autograd.gradcheck(losses, firing.embeddings.detach().clone().requires_grad_())


# --- as every system -----------------------------------------------------------------------------


@every_kind
def test_alone_is_as_in_a_batch(settings):
    model = tiny(**settings)
    waveforms = [noise(s, seed) for seed, s in enumerate([2.0, 0.02, 1.013, 0.0])]
    together = model.transcribe_batch(waveforms)
    assert len(together[0].tokens) > len(together[1].tokens) == len(together[3].tokens) == 0
    assert max(together[0].scores) - min(together[0].scores) > 1e-3
    for waveform, one in zip(waveforms, together, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-4)


@every_kind
@pytest.mark.parametrize("apply_scaling", [True, False])
def test_loss_does_not_depend_on_padding(settings, apply_scaling):
    model, both = tiny(apply_scaling=apply_scaling, **settings), batch_of([1, 2, 3], [0, 1])
    assert_losses_are_means_per_token(model, both)
    assert_padding_is_not_looked_at(model, both)


@every_kind
@pytest.mark.parametrize(
    "targets",
    [[[1, 2, 3], [0]], [[1, 2, 3], []], [[], []], [[4] * 40, [1]]],
    ids=["words", "one empty", "all empty", "more tokens than frames"],
)
def test_losses_and_gradients_are_finite(settings, targets):
    model = tiny(**settings).train()
    losses = model(batch_of(*targets), wanted=ALIGNMENT_LOSSES)
    torch.stack(list(losses.values())).sum().backward()
    assert losses.keys() == {*model.loss_weights, *ALIGNMENT_LOSSES}
    assert all(loss.isfinite() and loss >= 0 for loss in losses.values())
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())


@every_kind
def test_where_nothing_fires_there_is_no_token(settings):
    model = tiny(**settings)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.cif.start_at(1e-6)
    for hypothesis in model.transcribe_batch([noise(0.0), noise(1.0)]):
        assert hypothesis.tokens == hypothesis.scores == hypothesis.alignment.tokens == ()
    assert model.transcribe(noise(0.0)).tokens == model.transcribe(noise(1.0)).tokens == ()


@every_kind
def test_under_autocast_it_trains_and_transcribes(settings):
    model, both = tiny(**settings), batch_of([1, 2, 3], [])
    torch.nn.init.normal_(model.output.weight, std=0.1)  # so that roundings stay small
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
    model = tiny(**settings)
    save_model(model, tmp_path / "model", "# A card\n")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is ContextAwareRecognizer and loaded.config == model.config
    one, two = loaded.transcribe(noise(1.0)), model.transcribe(noise(1.0))
    assert (one.tokens, one.scores) == (two.tokens, two.scores) != ((), ())


def test_forced_alignment_and_tail_rules_ask_the_second_decoder():
    model = tiny()
    model.cif.config = replace(model.cif.config, apply_tail_handling=False)
    log_mel = model.config.features(noise(1.0))
    _, found = decode_by_tail_rule(model, log_mel)
    assert found["drop"] == model.transcribe(noise(1.0)).tokens != ()
    scores = align_by_count(model, noise(1.0), ["zero", "one"]).scores
    with torch.no_grad():
        model.output.bias[0] += 2.0
    changed = align_by_count(model, noise(1.0), ["zero", "one"]).scores
    assert changed[0] > scores[0] and changed[1] < scores[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"decoder": DecoderConfig("ar", dim=16)},
            "first decoder must be one of 'nar', 'proj.*'ar'",
        ),
        ({"contextual_input": "logits"}, "must be one of 'hidden', 'tokens', got 'logits'"),
    ],
)
def test_what_cannot_be_configured_is_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        ContextAwareConfig(**{**vars(tiny_config()), **settings})


def pairs(rng: np.random.Generator) -> Example:
    """Two words, each a loud band; the second is heard as noise, but follows from the first."""
    token = int(rng.integers(2))
    features = -torch.ones(28, 6)
    features[4:12, token] = 1
    features[16:24, 2:4] = 1
    return Example(features, [token, 2 + token], torch.full((2, 2), -1.0))


def test_the_second_decoder_learns_what_the_first_cannot_see(tmp_path):
    """The first is a projection, which sees each fire alone: of every second word it is unsure."""
    settings = FitConfig(
        steps=80,
        batch_size=8,
        learning_rate=5e-3,
        warmup=5,
        averaging=0.5,
        loss_weights={"segments": Schedule(0.5, start=0.5)},
    )
    held_out = Batch.collate(
        *zip(*(pairs(np.random.default_rng(seed)) for seed in range(16)), strict=True)
    )
    config = tiny(
        n_mels=6, down_sampling=2, dropout=0.0, decoder="projection", conv_cif_dropout=0.0
    ).config
    config = replace(config, encoder=replace(config.encoder, dilations=()))
    torch.manual_seed(0)
    model, history = fit(
        ContextAwareRecognizer(config), pairs, settings, folder=tmp_path, progress=False
    )
    assert history[-1].keys() == {"step", "loss", *model.loss_weights, "segments"}
    with torch.no_grad():
        encoded = model.encode(held_out)
        firing = fired(model, encoded)
        second, _ = model.decode(firing, encoded)
        first, _ = model.decoder.decode(firing.embeddings, firing.num_fires)
    assert (second == held_out.targets).double().mean() > 0.9
    assert (first == held_out.targets)[:, 1].double().mean() < 0.9
