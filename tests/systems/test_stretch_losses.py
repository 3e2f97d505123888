"""Losses that judge tokens from known stretches: by hand, gradients, padding, unknown times."""

import math

import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.systems.base import Batch
from cifviz.systems.stretch_losses import frame_cross_entropy, overlaps, stretch_cross_entropy


def batch_of(spans, tokens, frames):
    spans = [torch.tensor(one, dtype=torch.float64).reshape(-1, 2) for one in spans]
    return Batch.collate([torch.zeros(length, 1) for length in frames], tokens, spans)


def judge(embeddings, counts):
    """Embeddings are logits."""
    return embeddings


def stretches(alpha, frames, batch):
    firing = integrate_and_fire(alpha, frames.to(alpha), frame_lengths=batch.lengths)
    return stretch_cross_entropy(firing, frames, batch, judge, label_smoothing=0.0)


def test_a_stretch_is_the_weighted_mean_of_its_frames():
    frames = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [9.0, 9.0]]])
    batch = batch_of([[[0.0, 2.0]]], [[0]], [3])
    # Weights of 1 and 3 quarters of that token, plus 0.001 each: logits of 3 · 3.001 / 4.002.
    logit = 3 * 3.001 / 4.002
    expected = math.log(1 + math.exp(-logit))
    assert stretches(torch.tensor([[1.0, 3.0, 1.0]]), frames, batch) == pytest.approx(expected)


def test_a_frame_counts_by_its_share_of_the_token():
    frames = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]]])
    batch = batch_of([[[0.5, 2.0]]], [[0]], [3])
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    found = frame_cross_entropy(frames, batch, judge, batch.lengths)
    assert found == pytest.approx((0.5 * right + wrong) / 1.5)


def test_a_stretch_without_weight_has_a_mean_too():
    frames = torch.randn(1, 2, 3)
    batch = batch_of([[[0.0, 2.0]]], [[1]], [2])
    expected = -frames.mean(dim=1).log_softmax(dim=1)[0, 1]
    assert stretches(torch.zeros(1, 2), frames, batch) == pytest.approx(float(expected), abs=1e-6)


def test_utterances_of_unknown_times_and_without_tokens_are_left_out():
    torch.manual_seed(0)
    known = batch_of([[[0.0, 2.0], [2.0, 3.0]]], [[0, 1]], [3])
    frames = torch.randn(1, 3, 2)
    more = Batch.collate(
        [torch.zeros(3, 1)] * 3,
        [[0, 1], [1], []],
        [known.spans[0], torch.full((1, 2), -1.0), torch.zeros(0, 2)],
    )
    alpha, three = torch.full((1, 3), 0.5), torch.cat([frames, torch.randn(2, 3, 2)])
    # Losses are per token of the batch, of which it has three instead of two.
    alone, together = stretches(alpha, frames, known), stretches(alpha.expand(3, -1), three, more)
    assert 3 * together == pytest.approx(2 * float(alone), rel=1e-5)
    alone = frame_cross_entropy(frames, known, judge, known.lengths)
    together = frame_cross_entropy(three, more, judge, more.lengths)
    assert 3 * together == pytest.approx(2 * float(alone), rel=1e-5)


def test_frames_behind_the_end_count_for_nothing():
    torch.manual_seed(1)
    batch = batch_of([[[0.0, 2.0]]], [[1]], [2])
    frames = torch.randn(1, 4, 2)
    alpha = torch.full((1, 4), 0.4)
    short = stretches(alpha[:, :2], frames[:, :2], batch)
    assert stretches(alpha, frames, batch) == pytest.approx(float(short))
    short = frame_cross_entropy(frames[:, :2], batch, judge, batch.lengths)
    assert frame_cross_entropy(frames, batch, judge, batch.lengths) == pytest.approx(float(short))


def test_nothing_at_all_gives_nothing():
    batch = batch_of([[]], [[]], [0])
    frames = torch.zeros(1, 0, 2)
    assert overlaps(batch, 0)[0].shape == (1, 0, 0)
    assert frame_cross_entropy(frames, batch, judge, batch.lengths) == 0


def test_weights_learn_nothing_from_it_and_frames_do():
    batch = batch_of([[[0.0, 1.5]]], [[1]], [2])
    alpha = torch.full((1, 2), 0.5, dtype=torch.float64, requires_grad=True)
    frames = torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True)
    stretches(alpha, frames, batch).backward()
    assert alpha.grad is None
    assert bool((frames.grad != 0).any())
    torch.autograd.gradcheck(lambda one: stretches(alpha, one, batch), frames)
    torch.autograd.gradcheck(
        lambda one: frame_cross_entropy(one, batch, judge, batch.lengths), frames
    )
