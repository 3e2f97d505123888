"""The sums behind `integrate_and_fire`: ``c_i = Σ_t W[i, t] · h_t``, reading each frame once.

W has a row for each token and a column for each frame, but hardly anything in it: on the mass
axis the frames' ends and the tokens' ends cut an utterance into at most ``frames + fires``
*pieces*, each of one frame and one token. Forward is a sum of the pieces of each token, backward a
sum of the pieces of each frame and, for the weights, one reversed running sum: no tensor (batch,
fires, frames), no running sum over vectors. Where W is small, though, it is made and multiplied by,
which is faster there.

Notes
-----
With ``n_t`` the tokens that ended by the end of frame t, the last piece of that frame belongs to
token ``n_t``, and so does the first piece of the next frame. Moving the frame's end ``S_{t+1}``
gives mass to the one and takes it from the other: ``∂L/∂S_{t+1} = ⟨h_t − h_{t+1}, ∂L/∂c_{n_t}⟩``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from cifviz.core.masks import valid_mask
from cifviz.core.mass_axis import MassAxis

SMALL = 3_000_000
"""Multiplications of W @ encoder_out up to which it is no slower than finding pieces, about."""
WEIGHT_COST = 100
"""What making an entry of W costs, in such multiplications, about."""
BLOCK = 1 << 16
"""Numbers of the encoder output that the backward pass takes at a time: they stay in the cache."""
PARTS = len(fields(MassAxis))


def token_sums(
    alpha: Tensor, encoder_out: Tensor, axis: MassAxis, *, padded: bool = True
) -> Tensor:
    """Sum the encoder output over the pieces of each token.

    Parameters
    ----------
    alpha : Tensor (batch, frames)
        The weights that the mass axis was made of, to pass their gradient on.
    encoder_out : Tensor (batch, frames, dim)
        Encoder output. Padded frames may hold anything.
    axis : MassAxis
        Where frames and tokens end.
    padded : bool
        Whether an utterance may be shorter than the batch.

    Returns
    -------
    Tensor (batch, fires, dim)
        ``Σ_t W[b, i, t] · encoder_out[b, t]``, zero behind the last token. Its gradient has no
        gradient of its own.
    """
    batch, frames, dim = encoder_out.shape
    small = batch * frames * axis.fill.shape[1] * (dim + WEIGHT_COST) <= SMALL
    if small and padded:  # 0 · NaN would be NaN
        behind = ~valid_mask(axis.frame_lengths, alpha.shape[1])
        encoder_out = encoder_out.masked_fill(behind.unsqueeze(2), 0)
    # Autocast would lower one way of adding up and not the other.
    with torch.autocast(encoder_out.device.type, enabled=False):
        sums: Tensor = (_DenseSums if small else _PieceSums).apply(alpha, encoder_out, *axis.parts)
    return sums


class _DenseSums(torch.autograd.Function):
    """The sums as a product with W, of encoder output that is zero at padded frames."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, encoder_out: Tensor, *parts: Any) -> Tensor:
        axis = MassAxis(*parts)
        weights = axis.contributions.to(encoder_out.dtype)
        sums = weights @ encoder_out
        _save(ctx, alpha, axis, sums, encoder_out, weights)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        axis, sums, (encoder_out, weights) = _saved(ctx)
        exact = torch.promote_types(grad.dtype, torch.float32)  # float16 may not hold a product
        with torch.autocast(grad.device.type, enabled=False):
            grad_out = weights.transpose(1, 2) @ grad
            products = grad.to(exact) @ encoder_out.to(exact).transpose(1, 2)
        products = products * axis.fill.unsqueeze(2)
        products = F.pad(products, (0, 1, 0, 1))  # no frame behind the last one, nor a token
        grad_ends = -products.diff(dim=2).gather(1, axis.fired.unsqueeze(1)).squeeze(1)
        return _alpha_gradient(ctx, axis, grad_ends, sums, grad), grad_out, *[None] * PARTS


class _PieceSums(torch.autograd.Function):
    """Like `_DenseSums`, but nothing is multiplied that is no piece."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, encoder_out: Tensor, *parts: Any) -> Tensor:
        axis = MassAxis(*parts)
        batch, fires = axis.fill.shape
        pieces = _Pieces.of(axis)
        weight = pieces.weight.to(encoder_out.dtype)
        # Behind the last token the runs are empty, but for one that takes what belongs to none; all
        # of them are where there is no frame to read.
        is_token = (axis.fill != 0) & (axis.frame_lengths > 0).unsqueeze(1)
        num_fires = is_token.sum(dim=1, keepdim=True)
        starts = pieces.token_starts.minimum(pieces.token_starts.gather(1, num_fires))
        sums = _sums_of_runs(encoder_out, pieces.frame, starts, weight)
        sums = sums.view(batch, fires + 1, -1)[:, :fires]
        _save(ctx, alpha, axis, sums, encoder_out, pieces.token, weight)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        axis, sums, (encoder_out, token, weight) = _saved(ctx)
        grad = grad.contiguous()
        fired = axis.fired
        starts = F.pad(fired[:, :-1], (1, 0)) + _steps(fired)
        grad_out = _sums_of_runs(grad, token, starts, weight).view_as(encoder_out)
        here, behind = _products(encoder_out, grad, fired)
        frame, lengths = _steps(fired), axis.frame_lengths.unsqueeze(1)
        factor = F.pad(axis.fill, (0, 1)).gather(1, fired)
        grad_ends = (here - torch.where(frame + 1 < lengths, behind, 0.0)) * factor
        grad_ends = torch.where((frame < lengths) & (factor != 0), grad_ends, 0.0)
        return _alpha_gradient(ctx, axis, grad_ends, sums, grad), grad_out, *[None] * PARTS


def _save(ctx: Any, alpha: Tensor, axis: MassAxis, sums: Tensor, *tensors: Tensor) -> None:
    ctx.alpha_dtype = alpha.dtype
    ctx.save_for_backward(*axis.parts, None if axis.tail_residual is None else sums, *tensors)


def _saved(ctx: Any) -> tuple[MassAxis, Tensor | None, list[Tensor]]:
    saved = ctx.saved_tensors
    return MassAxis(*saved[:PARTS]), saved[PARTS], saved[PARTS + 1 :]


def _alpha_gradient(
    ctx: Any, axis: MassAxis, grad_ends: Tensor, sums: Tensor | None, grad: Tensor
) -> Tensor:
    """Gradient of the weights from that of the frames' ends, of which each moves all behind it."""
    if sums is not None and axis.tail_residual is not None and grad_ends.numel() and sums.numel():
        # The more a tail holds, the less it is filled up.
        tail = (axis.reach.isfinite().sum(dim=1) - 1).clamp(max=sums.shape[1] - 1)
        tail = tail.view(-1, 1, 1).expand(-1, 1, sums.shape[2])
        product = (sums.gather(1, tail).double() * grad.gather(1, tail)).sum(dim=(1, 2))
        grad_ends = grad_ends.double()
        grad_ends[:, -1] -= product / axis.tail_residual
    return grad_ends.flip(1).cumsum(1, dtype=torch.float64).flip(1).to(ctx.alpha_dtype)


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The pieces of each utterance from left to right, each (batch, frames + fires).

    A piece of frame t and token i stands at place t + i. Behind the utterance stand some without
    weight, one for each token that never fills up.
    """

    frame: Tensor
    """Frame of each piece; a real one even where the piece stands behind the utterance."""
    token: Tensor
    """Token of each piece; any where it belongs to none."""
    weight: Tensor
    """Its length on the mass axis times the token's factor, 0 where it belongs to none."""
    token_starts: Tensor
    """Place where the pieces of each token begin, and those behind them all (batch, 1 + fires)."""

    @classmethod
    def of(cls, axis: MassAxis) -> _Pieces:
        """Cut an utterance into its pieces."""
        (batch, frames), fires = axis.running.shape, axis.fill.shape[1]
        starts = torch.searchsorted(axis.running, axis.reach) + _steps(axis.reach)
        place = torch.arange(frames + fires, device=starts.device).repeat(batch, 1)
        token = torch.searchsorted(starts, place, right=True) - 1
        last = (axis.frame_lengths - 1).clamp(min=0).unsqueeze(1)
        frame = (place - token).minimum(last)
        # A piece ends with its token where the next one has another, else with its frame.
        with_token = token.diff(dim=1, append=token[:, -1:]) != 0
        end = axis.ends.gather(1, (token + 1).clamp(max=fires))
        end = torch.where(with_token, end, axis.running.gather(1, frame))
        fill = F.pad(axis.fill, (0, 1)).gather(1, token)
        weight = end.diff(dim=1, prepend=end.new_zeros(batch, 1)) * fill
        return cls(frame, token.clamp(max=fires - 1), weight, starts)


def _steps(rows: Tensor) -> Tensor:
    """0, 1, … along the second axis."""
    return torch.arange(rows.shape[1], device=rows.device)


def _sums_of_runs(vectors: Tensor, index: Tensor, starts: Tensor, weight: Tensor) -> Tensor:
    """Weighted sums (batch · runs, dim) of vectors (batch, rows, dim), run by run.

    Taken are the rows of `index` (batch, pieces) with their `weight`; a run begins where `starts`
    (batch, runs) says and ends where the next one begins.
    """
    batch, rows, dim = vectors.shape
    if not dim:  # embedding_bag fails on many vectors without channels
        return vectors.new_zeros(starts.numel(), 0)
    utterance = torch.arange(batch, device=index.device).unsqueeze(1)
    return F.embedding_bag(
        (index + utterance * rows).flatten(),
        vectors.reshape(batch * rows, dim),
        (starts + utterance * index.shape[1]).flatten(),
        mode="sum",
        per_sample_weights=weight.flatten(),
    )


def _products(encoder_out: Tensor, grad: Tensor, fired: Tensor) -> tuple[Tensor, Tensor]:
    """⟨h_t, g_n⟩ and ⟨h_{t+1}, g_n⟩ for the token n = n_t of each frame, each (batch, frames).

    They say nothing where there is no such token, nor the second one in the last frame.
    """
    batch, fires, dim = grad.shape
    frames, tokens = encoder_out.reshape(-1, dim), grad.view(-1, dim)
    utterance = torch.arange(batch, device=fired.device).unsqueeze(1)
    index = (fired.clamp(max=fires - 1) + utterance * fires).flatten()
    dtype = torch.promote_types(grad.dtype, torch.float32)
    here = torch.zeros(len(frames), dtype=dtype, device=grad.device)
    behind = torch.zeros_like(here)
    # A compiler fuses all of it, so that it needs no blocks.
    block = len(frames) if torch.compiler.is_compiling() else max(1, BLOCK // dim)
    for start in range(0, len(frames), block):
        stop = min(start + block, len(frames))
        token = tokens.index_select(0, index[start:stop]).to(dtype)
        here[start:stop] = (token * frames[start:stop]).sum(dim=1)
        following = frames[start + 1 : stop + 1]
        behind[start : start + len(following)] = (token[: len(following)] * following).sum(dim=1)
    return here.view_as(fired), behind.view_as(fired)
