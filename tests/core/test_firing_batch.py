"""Padding and neighbours change nothing: a batch is the same as one by one."""

import math

import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.tail import above

OPTIONS = {
    "eval": {},
    "tail": {"tail": above(0.5)},
    "slack": {"slack": 0.01, "tail": above(0.5)},
    "threshold": {"threshold": 0.6, "tail": above(0.3)},
    "exact": {"target_lengths": torch.randint(0, 30, (16,), generator=torch.manual_seed(1))},
}


def batch_of(size=16, frames=60, dim=5):
    torch.manual_seed(0)
    lengths = torch.randint(0, frames + 1, (size,))
    lengths[:4] = torch.tensor([0, 1, frames, frames - 1])
    return 1.5 * torch.rand(size, frames), torch.randn(size, frames, dim), lengths


@pytest.mark.parametrize("mode", OPTIONS)
def test_batch_equals_one_by_one(mode):
    alpha, encoder_out, lengths = batch_of()
    options = OPTIONS[mode]
    together = integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **options)
    for row, length in enumerate(lengths.tolist()):
        own = {k: v[row : row + 1] if torch.is_tensor(v) else v for k, v in options.items()}
        alone = integrate_and_fire(
            alpha[row : row + 1, :length], encoder_out[row : row + 1, :length], **own
        )
        one = together.utterance(row)
        for name in ("num_fires", "tail_fired", "frame_lengths", "residual", "fire_positions"):
            assert torch.equal(getattr(one, name), getattr(alone, name)), (row, name)
        for name in ("token_masses", "accumulated", "contributions", "scaled_alpha"):
            assert torch.equal(getattr(one, name), getattr(alone, name)), (row, name)
        torch.testing.assert_close(one.embeddings, alone.embeddings, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", OPTIONS)
@pytest.mark.parametrize("garbage", [math.nan, math.inf, -1.0, 1e30])
def test_garbage_behind_an_utterance_is_not_read(mode, garbage):
    alpha, encoder_out, lengths = batch_of()
    padded = torch.arange(alpha.shape[1]) >= lengths[:, None]
    options = {"frame_lengths": lengths, **OPTIONS[mode]}
    clean = integrate_and_fire(alpha, encoder_out, **options)
    dirty = integrate_and_fire(
        alpha.masked_fill(padded, garbage),
        encoder_out.masked_fill(padded[..., None], garbage),
        **options,
    )
    for name in ("embeddings", "fire_positions", "num_fires", "residual", "weight_sum"):
        assert torch.equal(getattr(clean, name), getattr(dirty, name)), name


def test_nan_behind_an_utterance_stays_out_of_the_gradients():
    alpha = torch.tensor([[0.9, 0.9, math.nan]], requires_grad=True)
    encoder_out = torch.tensor([[[1.0], [2.0], [math.nan]]], requires_grad=True)
    firing = integrate_and_fire(alpha, encoder_out, frame_lengths=torch.tensor([2]))
    firing.embeddings.sum().backward()
    assert alpha.grad.tolist() == [[-1.0, 0.0, 0.0]]  # c = 0.9·1 + (1 − 0.9)·2
    assert encoder_out.grad.flatten().tolist() == pytest.approx([0.9, 0.1, 0.0])


def test_entries_beyond_an_utterance_are_zero():
    alpha, encoder_out, lengths = batch_of()
    firing = integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, tail=above(0.5))
    no_token = torch.arange(firing.embeddings.shape[1]) >= firing.num_fires[:, None]
    no_frame = torch.arange(alpha.shape[1]) >= lengths[:, None]
    assert no_token.any()
    assert no_frame.any()
    for beyond in (
        firing.embeddings,
        firing.fire_positions,
        firing.token_masses,
        firing.contributions,
    ):
        assert (beyond[no_token] == 0).all()
    for beyond in (firing.alpha, firing.accumulated, firing.contributions.transpose(1, 2)):
        assert (beyond[no_frame] == 0).all()


@pytest.mark.parametrize("context", [False, True], ids=["bare", "context"])
@pytest.mark.parametrize("kind", ["conv", "dense", "linear", "depthwise"])
def test_a_whole_cif_is_the_same_alone_and_batched(kind, context):
    torch.manual_seed(0)
    cif = CIF(
        CIFConfig(
            encoder_embed_dim=8,
            produce_weight_type=kind,
            conv_cif_width=5,
            conv_cif_layer_num=2,
            conv_cif_output_channels_num=8,
            add_cif_ctxt_layers=context,
            cif_ctxt_ffn_embed_dim=16,
            cif_ctxt_attention_heads=2,
        )
    ).eval()
    lengths = torch.tensor([40, 3, 1, 17, 39])
    encoder_out = torch.randn(5, 40, 8)
    encoder_out[torch.arange(40) >= lengths[:, None]] = math.nan
    with torch.no_grad():
        together = cif(encoder_out, lengths)
        assert together.embeddings.isfinite().all()
        for row, length in enumerate(lengths.tolist()):
            alone = cif(encoder_out[row : row + 1, :length])
            one = together.utterance(row)
            assert one.num_fires.tolist() == alone.num_fires.tolist()
            torch.testing.assert_close(one.alpha, alone.alpha, rtol=0, atol=1e-6)
            torch.testing.assert_close(one.fire_positions, alone.fire_positions, rtol=0, atol=1e-4)
            torch.testing.assert_close(one.embeddings, alone.embeddings, rtol=0, atol=1e-5)
