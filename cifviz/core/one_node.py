"""Where weights end on the mass axis, and sums of frames, as one node of autograd.

`in_one_node` gives what ordinary operations give and computes it by them, but their gradient at
once: for short utterances a graph of many small operations takes more time than they do.

The gradient of an end follows from what lies at either side of it. Let ``Y[i, t] = ⟨g_i, h_t⟩`` be
how much the loss grows with what frame t gives to token i. If the end of frame t moves to the
right within token n, then n gets more of frame t and less of the next: ``Y[n, t] − Y[n, t + 1]``.
If the end of token i moves within frame f, token i gets more of it and the next token less:
``Y[i, f] − Y[i + 1, f]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from cifviz.core.float64 import gradient_of
from cifviz.core.mass_axis import MassAxis


class LaidOut(NamedTuple):
    """Weights laid on the mass axis, and which tokens fire."""

    axis: MassAxis
    residual: Tensor
    """Weight behind the last full token; carries the gradient of the weights (batch,)."""
    num_fires: Tensor
    tail_fired: Tensor
    stays: Tensor
    """Which of the axis' ends stay where they are; the others are the end of all weights
    (batch, 1 + fires)."""
    tail: Tensor | None
    """Which tokens are a residual, filled up; None where the rule does not fill (batch, fires)."""
    ends_move: bool
    """Whether tokens may end with the weights that would be full before."""


Layout = Callable[[Tensor], LaidOut]
Sums = Callable[[Tensor, MassAxis], tuple[Tensor, Tensor, Tensor | None] | None]


def in_one_node(
    alpha: Tensor, encoder_out: Tensor, lay_out: Layout, sums: Sums
) -> tuple[LaidOut, Tensor | None]:
    """Lay weights out, and sum frames where `sums` does, with one node for their gradients, if any.

    Parameters
    ----------
    alpha : Tensor (batch, frames)
        The weights as used.
    encoder_out : Tensor (batch, frames, dim)
        Encoder output.
    lay_out : callable
        From weights to what they come to, in ordinary operations.
    sums : callable
        From encoder output and axis to the embeddings, the contributions that they are made with
        and which frames are padding (None if none is), in ordinary operations; or to None.

    Returns
    -------
    LaidOut
        What `lay_out` gives.
    Tensor or None
        The embeddings.
    """
    if not (torch.is_grad_enabled() and (alpha.requires_grad or encoder_out.requires_grad)):
        laid = lay_out(alpha)
        summed = sums(encoder_out, laid.axis)
        return laid, summed and summed[0]
    running, ends, fill, residual, embeddings, laid = _OneNode.apply(
        alpha, encoder_out, lay_out, sums
    )
    axis = MassAxis(running, laid.axis.frame_lengths, ends, laid.axis.reach, fill)
    return LaidOut(axis, residual, *laid[2:]), embeddings


class _OneNode(Function):
    @staticmethod
    def forward(
        ctx: Any, alpha: Tensor, encoder_out: Tensor, lay_out: Layout, sums: Sums
    ) -> tuple[Any, ...]:
        laid = lay_out(alpha)
        axis = laid.axis
        embeddings, contributions, padded = sums(encoder_out, axis) or (None, None, None)
        kept = (alpha, encoder_out, axis.running, axis.reach, axis.fill, laid.residual)
        ctx.save_for_backward(*kept, laid.stays, laid.tail, contributions, padded)
        ctx.lay_out, ctx.sums, ctx.ends_move = lay_out, sums, laid.ends_move
        ctx.set_materialize_grads(False)
        if not ctx.needs_input_grad[0]:
            ctx.mark_non_differentiable(axis.running, axis.ends, axis.fill, laid.residual)
        elif laid.tail is None:
            ctx.mark_non_differentiable(axis.fill)
        return axis.running, axis.ends, axis.fill, laid.residual, embeddings, laid

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # to be differentiated again
            return *_by_ordinary_operations(ctx, grads[:-1]), None, None
        alpha, encoder_out, running, reach, fill, residual, *others = ctx.saved_tensors
        stays, tail, given, padded = others
        running_grad, ends_grad, fill_grad, total_grad, embeddings_grad, _ = grads
        tail_grad = encoder_grad = None
        # 1. What the embeddings ask for.
        if embeddings_grad is not None:
            asked = embeddings_grad.double()
            if ctx.needs_input_grad[1]:
                encoder_grad = torch.bmm(given.transpose(1, 2), asked).to(encoder_out.dtype)
            if ctx.needs_input_grad[0]:
                products = torch.bmm(asked, encoder_out.double().transpose(1, 2))
                if padded is not None:
                    products = products.masked_fill(padded.unsqueeze(1), 0)
                if tail is not None:
                    tail_grad = (products * given).sum(dim=2)
                of_frames, of_tokens = _at_ends(products, fill, running, reach, ctx.ends_move)
                running_grad = _plus(running_grad, of_frames)
                ends_grad = _plus(ends_grad, of_tokens)
        if not ctx.needs_input_grad[0]:
            return None, encoder_grad, None, None
        # 2. What the sum of all weights changes: the ends that are its end, a tail's factor.
        if ends_grad is not None:
            total_grad = _plus(total_grad, torch.where(stays, 0.0, ends_grad).sum(dim=1))
        if fill_grad is not None:
            tail_grad = _plus(tail_grad, fill_grad * fill)
        if tail_grad is not None:
            slope = -tail_grad / torch.where(tail, residual.unsqueeze(1), torch.inf)
            total_grad = _plus(total_grad, slope.sum(dim=1))
        # 3. A weight moves all ends from its own frame on.
        alpha_grad = None
        if running_grad is not None:
            alpha_grad = running_grad.flip(1).cumsum(dim=1).flip(1)
        if total_grad is not None:
            alpha_grad = _plus(alpha_grad, total_grad.unsqueeze(1).expand(alpha.shape))
        if alpha_grad is not None:
            alpha_grad = gradient_of(alpha_grad, alpha.dtype)
        return alpha_grad, encoder_grad, None, None


def _at_ends(
    products: Tensor, fill: Tensor, running: Tensor, reach: Tensor, ends_move: bool
) -> tuple[Tensor, Tensor | None]:
    """Gradients of the ends of frames (batch, frames) and of tokens (batch, 1 + fires)."""
    # Behind the last frame and the last token there is nothing to get.
    products = F.pad(products * fill.unsqueeze(2), (0, 1, 0, 1))
    token = torch.searchsorted(reach, running, right=True) - 1
    of_frames = (products[:, :, :-1] - products[:, :, 1:]).gather(1, token.unsqueeze(1)).squeeze(1)
    if not ends_move:
        return of_frames, None
    frame = torch.searchsorted(running, reach[:, 1:].contiguous())
    of_tokens = (products[:, :-1] - products[:, 1:]).gather(2, frame.unsqueeze(2)).squeeze(2)
    return of_frames, F.pad(of_tokens, (1, 0))


def _by_ordinary_operations(ctx: Any, grads: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    """Gradients that have gradients themselves."""
    # The weights may have come of the encoder output: a gradient shall stop at these.
    inputs = [each.view_as(each) for each in ctx.saved_tensors[:2]]
    laid = ctx.lay_out(inputs[0])
    summed = ctx.sums(inputs[1], laid.axis)
    axis = laid.axis
    outputs = (axis.running, axis.ends, axis.fill, laid.residual, summed and summed[0])
    asked = [
        (output, grad)
        for output, grad in zip(outputs, grads, strict=True)
        if grad is not None and output.requires_grad
    ]
    wanted = [each for each, needed in zip(inputs, ctx.needs_input_grad, strict=False) if needed]
    found = iter(
        torch.autograd.grad(
            [output for output, _ in asked],
            wanted,
            [grad for _, grad in asked],
            create_graph=True,
            allow_unused=True,
        )
        if asked
        else [None] * len(wanted)
    )
    return [next(found) if needed else None for needed in ctx.needs_input_grad[:2]]


def _plus(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """The sum of what is there."""
    if one is None or other is None:
        return other if one is None else one
    return one + other
