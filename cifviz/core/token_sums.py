"""The sums behind `integrate_and_fire`: ``c_i = Σ_t W[i, t] · h_t``, reading each frame once.

W has a row for each token and a column for each frame, but hardly anything in it: on the mass
axis the frames' ends and the tokens' ends cut an utterance into at most ``frames + fires``
*pieces*, each of one frame and one token. The embeddings are sums over the pieces of each token;
their gradients are sums over the pieces of each frame and, for the length of a piece, the product
of its frame and the gradient of its token: no tensor (batch, fires, frames), no running sum over
vectors. Where W is small, though, it is made and multiplied by, which is faster there.

Notes
-----
Everything is differentiable as often as wanted, in reverse and in forward mode. Lengths of pieces
are ordinary operations on the mass axis. The two operations on vectors that are not, the sums
(`_Sums`) and the products (`_Products`), are linear in each argument, and each one's derivative is
made of the other: ``d/dh`` of a sum over tokens is a sum over frames and the reverse, ``d/dw`` is a
product, and the derivatives of a product are sums. In forward mode ordinary operations do instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from cifviz.core.forward_mode import in_forward_mode
from cifviz.core.mass_axis import MassAxis
from cifviz.core.validation import valid_mask

SMALL = 3_000_000
"""Multiplications of W @ encoder_out up to which it is no slower than finding pieces, about."""
WEIGHT_COST = 100
"""What making an entry of W costs, in such multiplications, about."""
BLOCK = 1 << 16
"""Numbers of the encoder output that products are taken of at a time: they stay in the cache."""


def token_sums(encoder_out: Tensor, axis: MassAxis, *, padded: bool = True) -> Tensor:
    """Sum the encoder output over the pieces of each token.

    Parameters
    ----------
    encoder_out : Tensor (batch, frames, dim)
        Encoder output. Padded frames may hold anything.
    axis : MassAxis
        Where frames and tokens end. The gradient of the weights goes through it.
    padded : bool
        Whether an utterance may be shorter than the batch.

    Returns
    -------
    Tensor (batch, fires, dim)
        ``Σ_t W[b, i, t] · encoder_out[b, t]``, zero behind the last token, in the dtype of the
        encoder output. They are made in float32 at least.
    """
    # A trace serves all sizes: nothing in it may depend on them.
    traced = torch.compiler.is_compiling()
    if not traced and (summed := small_sums(encoder_out, axis, padded=padded)):
        return summed[0]
    ordinary = traced or in_forward_mode()
    if padded and ordinary:  # 0 · NaN would be NaN
        behind = ~valid_mask(axis.frame_lengths, encoder_out.shape[1])
        encoder_out = encoder_out.masked_fill(behind.unsqueeze(2), 0)
    # Autocast would lower one way of adding up and not the other.
    with torch.autocast(encoder_out.device.type, enabled=False):
        pieces = _Pieces.of(axis)
        return pieces.ordinary_sums(encoder_out) if ordinary else pieces.sums(encoder_out)


def small_sums(
    encoder_out: Tensor, axis: MassAxis, *, padded: bool
) -> tuple[Tensor, Tensor, Tensor | None] | None:
    """Like `token_sums` where W is small, else None.

    Returns
    -------
    Tensor (batch, fires, dim)
        The sums.
    Tensor (batch, fires, frames)
        W.
    Tensor (batch, frames) or None
        Padded frames, None if none can be.
    """
    batch, frames, dim = encoder_out.shape
    if batch * frames * axis.fill.shape[1] * (dim + WEIGHT_COST) > SMALL:
        return None
    behind = ~valid_mask(axis.frame_lengths, frames) if padded else None
    if behind is not None:  # 0 · NaN would be NaN
        encoder_out = encoder_out.masked_fill(behind.unsqueeze(2), 0)
    contributions = axis.contributions
    # In float64, which autocast leaves alone in backward too.
    sums = torch.bmm(contributions, encoder_out.double()).to(encoder_out.dtype)
    return sums, contributions, behind


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The pieces of each utterance from left to right, each (batch, frames + fires).

    A piece of frame t and token i stands at place t + i. Behind the utterance stand some without
    weight, one for each token that never fills up.
    """

    frame: Tensor
    """Frame of each piece; a real one even where the piece stands behind the utterance."""
    token: Tensor
    """Token of each piece, the number of fires where it belongs to none."""
    weight: Tensor
    """Its length on the mass axis times the token's factor, 0 where it belongs to none."""
    frame_starts: Tensor
    """Place where the pieces of each frame begin (batch, frames)."""
    token_starts: Tensor
    """Place where the pieces of each token begin, and those of none (batch, fires + 1)."""

    @classmethod
    def of(cls, axis: MassAxis) -> _Pieces:
        """Cut an utterance into its pieces."""
        frames, fires = axis.running.shape[1], axis.fill.shape[1]
        # 1. Where the pieces of each token and of each frame begin: discrete, without gradient.
        running, reach = axis.running.detach(), axis.reach.detach()
        fired_in = torch.searchsorted(running, reach)
        starts = fired_in + _steps(reach)
        fired = F.pad(_so_far(fired_in, frames) - 1, (1, 0))[:, :-1]  # before each frame
        frame_starts = fired + _steps(fired)
        # 2. Frame and token of each piece.
        place = torch.arange(frames + fires, device=starts.device)
        token = _so_far(starts, frames + fires) - 1
        lengths = axis.frame_lengths.unsqueeze(1)
        frame = place - token
        is_token = (axis.fill.detach() != 0) & (lengths > 0)
        num_fires = is_token.sum(dim=1, keepdim=True)
        belongs = (frame < lengths) & (token < num_fires)
        frame = frame.minimum((lengths - 1).clamp(min=0))
        # 3. A piece ends with its token where the next one has another, else with its frame.
        with_token = F.pad(token[:, 1:] != token[:, :-1], (0, 1))
        end = axis.ends.gather(1, (token + 1).clamp(max=fires))
        end = torch.where(with_token, end, axis.running.gather(1, frame))
        length = end - F.pad(end, (1, 0))[:, :-1]
        fill = F.pad(axis.fill, (0, 1)).gather(1, token)
        weight = torch.where(belongs, length * fill, 0.0)
        # 4. Behind the last token the runs are empty, but for the one that takes what is of none.
        token = torch.where(belongs, token, fires)
        token_starts = starts.minimum(starts.gather(1, num_fires))
        return cls(frame, token, weight, frame_starts, token_starts)

    def sums(self, encoder_out: Tensor) -> Tensor:
        """Sums over the pieces of each token."""
        places = (self.frame, self.token_starts, self.token, self.frame_starts)
        sums: Tensor = _Sums.apply(
            encoder_out, self.weight, *places, self.token_starts.shape[1] - 1
        )
        return sums

    def ordinary_sums(self, encoder_out: Tensor) -> Tensor:
        """Like `sums`, in operations that PyTorch can compile, export and take forward through."""
        batch, _, dim = encoder_out.shape
        rows = self.token_starts.shape[1]
        exact = torch.promote_types(encoder_out.dtype, torch.float32)
        frame, token = (at.unsqueeze(2).expand(-1, -1, dim) for at in (self.frame, self.token))
        pieces = encoder_out.gather(1, frame).to(exact) * self.weight.to(exact).unsqueeze(2)
        sums = pieces.new_zeros(batch, rows, dim).scatter_add(1, token, pieces)
        return sums[:, :-1].to(encoder_out.dtype)


class _Sums(Function):
    """Weighted sums of vectors (batch, rows, dim), run by run: (batch, kept, dim).

    Taken are the rows of `index` (batch, pieces) with their `weight`; a run begins where `starts`
    (batch, runs) says and ends where the next one begins. `run` (batch, pieces) is the run of each
    piece, and `row_starts` (batch, rows) says where the pieces of each row begin: with these two in
    the place of the others the sums are those of the gradient. The run behind those that are
    `kept` takes the pieces that belong to no token: they have no weight, so that it does not
    matter which row they take where there is none for them.
    """

    @staticmethod
    def forward(
        vectors: Tensor,
        weight: Tensor,
        index: Tensor,
        starts: Tensor,
        run: Tensor,
        row_starts: Tensor,
        kept: int,
    ) -> Tensor:
        batch, rows, dim = vectors.shape
        if not (dim and rows):  # embedding_bag fails on many vectors without channels
            return vectors.new_zeros(batch, kept, dim)
        utterance = torch.arange(batch, device=index.device).unsqueeze(1)
        sums = F.embedding_bag(
            (index.clamp(max=rows - 1) + utterance * rows).flatten(),
            vectors.reshape(batch * rows, dim).contiguous(),
            (starts + utterance * index.shape[1]).flatten(),
            mode="sum",
            per_sample_weights=weight.to(vectors.dtype).reshape(-1),
        )
        sums = sums.view(batch, starts.shape[1], dim)
        return sums if kept == starts.shape[1] else sums[:, :kept]

    setup_context: Any = staticmethod(lambda ctx, inputs, output: _save(ctx, inputs[:-1]))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        vectors, weight, index, starts, run, row_starts = ctx.saved_tensors
        there, back = (index, starts), (run, row_starts)
        grad_vectors = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_vectors = _Sums.apply(grad, weight, *back, *there, vectors.shape[1])
        if ctx.needs_input_grad[1]:
            grad_weight = _Products.apply(vectors, grad, *there, *back).to(weight.dtype)
        return grad_vectors, grad_weight, None, None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        return _in_one_batch(_Sums, info, in_dims, inputs)


class _Products(Function):
    """Products ⟨row, run⟩ of each piece: (batch, pieces), in float32 at least.

    Of vectors (batch, rows, dim) that `index` (batch, pieces) takes with the runs (batch, runs,
    dim) that `run` takes; `starts` and `row_starts` are as for `_Sums`.
    """

    @staticmethod
    def forward(
        vectors: Tensor,
        runs: Tensor,
        index: Tensor,
        starts: Tensor,
        run: Tensor,
        row_starts: Tensor,
    ) -> Tensor:
        batch, pieces = index.shape
        (rows, dim), many = vectors.shape[1:], runs.shape[1]
        exact = torch.promote_types(vectors.dtype, torch.float32)  # float16 may not hold a product
        if not (batch * pieces and rows and many):
            return vectors.new_zeros(batch, pieces, dtype=exact)
        utterance = torch.arange(batch, device=index.device).unsqueeze(1)
        left = (index.clamp(max=rows - 1) + utterance * rows).flatten()
        right = (run.clamp(max=many - 1) + utterance * many).flatten()
        vectors, runs = (each.reshape(-1, dim).contiguous() for each in (vectors, runs))
        if vectors.dtype == runs.dtype == exact:  # one pass, nothing kept in between
            offsets = right[:0]  # only asked for where `right` is not given
            products = torch.ops.aten._embedding_bag_per_sample_weights_backward(
                runs, vectors, left, offsets, right, 0
            )
            return products.view(batch, pieces)
        block = max(1, BLOCK // max(1, dim))
        blocks = [
            (vectors.index_select(0, one).to(exact) * runs.index_select(0, other)).sum(dim=1)
            for one, other in zip(left.split(block), right.split(block), strict=True)
        ]
        return torch.cat(blocks).view(batch, pieces)

    setup_context: Any = staticmethod(lambda ctx, inputs, output: _save(ctx, inputs))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        vectors, runs, index, starts, run, row_starts = ctx.saved_tensors
        there, back = (index, starts), (run, row_starts)
        grad_vectors = grad_runs = None
        if ctx.needs_input_grad[0]:
            grad_vectors = _Sums.apply(runs, grad, *back, *there, vectors.shape[1])
        if ctx.needs_input_grad[1]:
            grad_runs = _Sums.apply(vectors, grad, *there, *back, runs.shape[1])
        return grad_vectors, grad_runs, None, None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        return _in_one_batch(_Products, info, in_dims, inputs)


def _save(ctx: Any, inputs: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs)


def _in_one_batch(
    function: type[Function], info: Any, in_dims: tuple[int | None, ...], inputs: tuple[Tensor, ...]
) -> tuple[Tensor, int]:
    """Batches of batches are one large batch."""
    flat: list[Any] = []
    for tensor, dim in zip(inputs, in_dims, strict=True):
        if not isinstance(tensor, Tensor):
            flat.append(tensor)
            continue
        first = tensor.unsqueeze(0) if dim is None else tensor.movedim(dim, 0)
        flat.append(first.expand(info.batch_size, *first.shape[1:]).flatten(0, 1))
    output = function.apply(*flat)
    return output.unflatten(0, (info.batch_size, -1)), 0


def _so_far(places: Tensor, size: int) -> Tensor:
    """How many places come at or before each of `size` (batch, size); those behind are not counted.

    >>> _so_far(torch.tensor([[0, 2, 2, 4]]), 4)
    tensor([[1, 1, 3, 3]])
    """
    counts = places.new_zeros(places.shape[0], size + 1)
    places = places.clamp(max=size)
    return counts.scatter_add(1, places, torch.ones_like(places))[:, :size].cumsum(dim=1)


def _steps(rows: Tensor) -> Tensor:
    """0, 1, … along the second axis."""
    return torch.arange(rows.shape[1], device=rows.device)
