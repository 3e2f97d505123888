"""Like `integrate_and_fire`, but chunk by chunk: `CIFState` holds what a chunk leaves to the next.

The same tokens fire at the same positions, however a stream is cut. The state needs only the
running sum of the weights and the vector of the token being filled. A chunk continues the sum of
the one before it, in the same order, and so rounds as the whole does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.firing import MOST_TOKENS
from cifviz.core.tail import TailRule, drop
from cifviz.core.validation import (
    check_lengths,
    described,
    require_all,
    require_tensor,
    require_weights,
    valid_mask,
)
from cifviz.errors import require, require_integer, require_number, require_type, shown


@dataclass(frozen=True, eq=False)
class Fired:
    """The tokens that came out of one chunk, or of several. Entries behind the last are zero."""

    embeddings: Tensor
    """Integrated embeddings (batch, fires, dim), in the dtype of the state."""
    num_fires: Tensor
    """Tokens of each stream (batch,)."""
    fire_positions: Tensor
    """Ends of the tokens in fractional frames of the whole stream, float64 (batch, fires)."""

    @classmethod
    def join(cls, parts: Sequence[Fired]) -> Fired:
        """Put the tokens of successive chunks one behind the other, in each stream of the batch.

        >>> state = CIFState.start(batch=2, dim=1)
        >>> alpha = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> first, state = state.feed(alpha, torch.ones(2, 2, 1))
        >>> second, state = state.feed(alpha, torch.ones(2, 2, 1))
        >>> Fired.join([first, second]).fire_positions
        tensor([[1., 3.],
                [2., 4.]], dtype=torch.float64)
        """
        require(len(parts) > 0, "join takes the tokens of at least one chunk, got none")
        shapes = sorted({(len(part.embeddings), part.embeddings.shape[2]) for part in parts})
        require(
            len(shapes) == 1,
            "join takes the tokens of the same streams, all (batch, fires, dim) with one batch and "
            f"dim, got (batch, dim) = {', '.join(map(str, shapes))}",
        )
        real = [valid_mask(part.num_fires, part.embeddings.shape[1]) for part in parts]
        num_fires = torch.stack([part.num_fires for part in parts]).sum(dim=0)
        most = int(num_fires.max()) if len(num_fires) else 0
        order = (~torch.cat(real, dim=1)).long().argsort(dim=1, stable=True)[:, :most]
        embeddings = torch.cat([part.embeddings for part in parts], dim=1)
        positions = torch.cat([part.fire_positions for part in parts], dim=1)
        return cls(
            embeddings.take_along_dim(order.unsqueeze(2), dim=1),
            num_fires,
            positions.gather(1, order),
        )


@dataclass(frozen=True, eq=False)
class CIFState:
    """What a CIF remembers of a batch of streams; `feed` gives the next one and changes nothing.

    Its size does not depend on how much was fed. Nothing is differentiated, or every chunk would
    keep all those before it alive.

    Examples
    --------
    Three weights of 0.6, the last one in a chunk of its own: frame 1 completes the first token with
    0.4; its other 0.2 wait in the state.

    >>> from cifviz.core.tail import above
    >>> alpha, frames = torch.tensor([[0.6, 0.6, 0.6]]), torch.eye(3)[None]
    >>> state = CIFState.start(batch=1, dim=3)
    >>> fired, state = state.feed(alpha[:, :2], frames[:, :2])
    >>> fired.embeddings, fired.fire_positions
    (tensor([[[0.6000, 0.4000, 0.0000]]]), tensor([[1.6667]], dtype=torch.float64))
    >>> state.residual, state.vector
    (tensor([0.2000], dtype=torch.float64), tensor([[0.0000, 0.2000, 0.0000]]))
    >>> fired, state = state.feed(alpha[:, 2:], frames[:, 2:])
    >>> fired.num_fires
    tensor([0])
    >>> tail, state = state.flush(above(0.5))
    >>> tail.embeddings
    tensor([[[0.0000, 0.2500, 0.7500]]])

    See Also
    --------
    cifviz.core.firing.integrate_and_fire : the whole at once.

    Notes
    -----
    The weights must be those of the whole. A predictor that looks around itself needs the frames
    beside a chunk, and so does an encoder; the caller provides them.

    On the CPU, PyTorch's running sum adds one number of a row after the other, whatever the shape
    and the number of threads. A state's sum is the first number of the next chunk's row, so the
    same additions are done in the same order, and `num_fires` and `fire_positions` are those of the
    whole to the last bit. CUDA adds in blocks: there, and in the embeddings everywhere, the two
    agree up to rounding. After 10^7 tokens at β = 1 the sum still resolves 2·10^-9 of a token.
    Weights of float32 and below fit into it without rounding up to
    there, unless they are below 1/64; float64 weights are rounded as the whole rounds them.
    """

    threshold: float
    """β, the mass that a token takes."""
    slack: float
    """δ, how far below full a token may fire."""
    dtype: torch.dtype
    """Of the encoder output and of the embeddings."""
    mass: Tensor
    """Sum of the weights so far, float64 (batch,): since the start or the last flush."""
    num_fires: Tensor
    """Full tokens so far, likewise (batch,)."""
    vector: Tensor
    """What the token being filled holds, float32 or better (batch, dim)."""
    frames_seen: Tensor
    """Real frames so far (batch,)."""
    weights_end: Tensor
    """Where the sum reached `mass`, in fractional frames, float64 (batch,): the end of a tail."""

    @classmethod
    def start(
        cls,
        batch: int,
        dim: int,
        *,
        threshold: float = 1.0,
        slack: float = 0.0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> CIFState:
        """The state before the first frame.

        Parameters
        ----------
        batch : int >= 0
            Streams that are fed together.
        dim : int >= 0
            Size of a frame of encoder output.
        threshold : float > 0
            β, the mass that a token takes, in units of alpha.
        slack : float, 0 <= slack < threshold
            δ: a token fires already within δ of full and borrows what it lacks from the next.
        dtype : torch.dtype
            Of the encoder output. Sums over frames are float32 at least.
        device : torch.device or str, optional
            Where the streams are.

        Raises
        ------
        CIFError
            If a number is out of its range or `dtype` is not a floating point type.

        Examples
        --------
        >>> CIFState.start(batch=2, dim=4, dtype=torch.float16).vector.dtype
        torch.float32
        """
        batch = require_integer("batch", batch, at_least=0)
        dim = require_integer("dim", dim, at_least=0)
        threshold = require_number("threshold", threshold, above=0)
        require(
            isinstance(dtype, torch.dtype) and dtype.is_floating_point,
            f"dtype must be a floating point type of torch, got {shown(dtype)}",
        )
        count = torch.zeros(batch, dtype=torch.long, device=device)
        return cls(
            threshold=threshold,
            slack=require_number("slack (below the threshold)", slack, at_least=0, below=threshold),
            dtype=dtype,
            mass=count.double(),
            num_fires=count,
            vector=torch.zeros(
                batch, dim, dtype=torch.promote_types(dtype, torch.float32), device=device
            ),
            frames_seen=count,
            weights_end=count.double(),
        )

    @property
    def residual(self) -> Tensor:
        """Weight left after the last full token, negative if it borrowed, float64 (batch,)."""
        return self.mass - self.num_fires.double() * self.threshold

    def feed(
        self, alpha: Tensor, encoder_out: Tensor, *, frame_lengths: Tensor | None = None
    ) -> tuple[Fired, CIFState]:
        """Integrate the next frames of each stream.

        Parameters
        ----------
        alpha : Tensor (batch, frames), >= 0
            Weight of each frame of the chunk; there may be none.
        encoder_out : Tensor (batch, frames, dim)
            Encoder output in the dtype of the state.
        frame_lengths : Tensor (batch,), integers, optional
            Real frames of each stream in this chunk; what stands behind them is ignored. A stream
            that has ended has 0 from there on. Default: all frames.

        Returns
        -------
        fired : Fired
            The tokens completed in this chunk; their positions count from the first frame of the
            stream.
        state : CIFState
            What to feed the next chunk to.

        Raises
        ------
        CIFError
            If batch, dim or dtype are not those of the state, shapes disagree, a weight is negative
            or not finite, or the chunk comes to more than a million tokens in a stream.

        Examples
        --------
        >>> state = CIFState.start(batch=1, dim=1)
        >>> for weight in (0.5, 0.75, 0.75):
        ...     fired, state = state.feed(torch.tensor([[weight]]), torch.ones(1, 1, 1))
        ...     print(fired.fire_positions.tolist(), state.residual.item())
        [[]] 0.5
        [[1.6666666666666665]] 0.25
        [[3.0]] 0.0
        """
        weight, encoder_out, frame_lengths = self._check_chunk(alpha, encoder_out, frame_lengths)
        # Entry t is how things stand before frame t of the chunk, entry t + 1 after it.
        laid = torch.cat([self.mass.unsqueeze(1), weight], dim=1)
        mass = laid.cumsum(dim=1)
        total = mass[:, -1:].clone()  # a view in the state would keep the whole chunk alive
        self._check_token_count(total)
        count = self._count_full(mass)
        num_fires = (count[:, -1] - count[:, 0]).long()
        most = int(num_fires.max()) if len(num_fires) else 0
        token = count[:, :1] + torch.arange(1, most + 1, device=mass.device)  # ends at token · β
        fired_at = torch.searchsorted(count, token).clamp(max=weight.shape[1])
        reached_at = torch.searchsorted(mass, total)

        sums = self._sum_by_token(mass, count, token, fired_at, encoder_out)
        at = torch.cat([fired_at, reached_at], dim=1)
        level = torch.cat([token * self.threshold, total], dim=1)
        positions = self._positions(laid, mass, at, level)
        no_fire = token > count[:, -1:]
        fired = Fired(
            sums[:, :-1].masked_fill(no_fire.unsqueeze(2), 0).to(self.dtype),
            num_fires,
            positions[:, :-1].masked_fill(no_fire, 0),
        )
        state = replace(
            self,
            mass=total.squeeze(1),
            num_fires=self.num_fires + num_fires,
            vector=sums.take_along_dim(num_fires[:, None, None], dim=1).squeeze(1),
            frames_seen=self.frames_seen + frame_lengths,
            weights_end=torch.where(reached_at[:, 0] > 0, positions[:, -1], self.weights_end),
        )
        return fired, state

    def flush(self, tail: TailRule = drop) -> tuple[Fired, CIFState]:
        """End the utterances: a tail rule decides whether the residual fires once more.

        Parameters
        ----------
        tail : TailRule
            Such as ``above(0.5)``; see `cifviz.core.tail`. Default: the residual is dropped.

        Returns
        -------
        fired : Fired
            One token where the rule fires the residual, at the end of the weights.
        state : CIFState
            Nothing left in it, for utterances that may follow in the same streams: their positions
            go on counting from the streams' first frames.

        Raises
        ------
        CIFError
            If `tail` is no tail rule, or one that scales all the weights: their tokens have fired.

        Examples
        --------
        >>> from cifviz.core.tail import above
        >>> state = CIFState.start(batch=1, dim=1)
        >>> fired, state = state.feed(torch.tensor([[0.5, 0.25, 0.0]]), torch.ones(1, 3, 1))
        >>> tail, state = state.flush(above(0.5))
        >>> tail.embeddings.item(), tail.fire_positions.item(), state.residual.item()
        (1.0, 2.0, 0.0)
        """
        require_type("tail", tail, TailRule)
        require(
            not tail.scales,
            f"tail must be a rule that leaves full tokens as they are, got {tail}, which needs the "
            "whole utterance: its tokens have fired",
        )
        fires = tail.fires(self.residual, self.threshold)
        full = self.threshold / self.residual if tail.fills else torch.ones_like(self.residual)
        factor = torch.where(fires, full, 0.0).unsqueeze(1)
        most = int(fires.any())
        fired = Fired(
            (self.vector * factor).to(self.dtype).unsqueeze(1)[:, :most],
            fires.long(),
            torch.where(fires, self.weights_end, 0.0).unsqueeze(1)[:, :most],
        )
        state = replace(
            self,
            mass=torch.zeros_like(self.mass),
            num_fires=torch.zeros_like(self.num_fires),
            vector=torch.zeros_like(self.vector),
            weights_end=self.frames_seen.double(),
        )
        return fired, state

    def _count_full(self, mass: Tensor) -> Tensor:
        """Full tokens at each mass, a whole float64: the last i with ``mass >= iβ − δ``."""
        # The quotient is rounded and may miss by one; the comparison is the rule.
        low = ((mass + self.slack) / self.threshold).floor() - 1
        reached = [mass >= (low + more) * self.threshold - self.slack for more in (1, 2)]
        return low + reached[0] + reached[1]

    def _sum_by_token(
        self, mass: Tensor, count: Tensor, token: Tensor, fired_at: Tensor, encoder_out: Tensor
    ) -> Tensor:
        """Sum what the frames give to each token (batch, fires + 1, dim); the last one stays open.

        A frame gives one piece to the token that is open when it comes. Where that fires, what is
        left goes to the next token, up to that one's end, and so on.
        """
        batch, frames, dim = encoder_out.shape
        opened = count[:, :-1] + 1
        pieces = self._given(mass[:, 1:], count[:, 1:], opened) - mass[:, :-1]
        row = torch.arange(batch, device=mass.device).unsqueeze(1) * frames
        sums = F.embedding_bag(
            torch.arange(batch * frames, device=mass.device),
            encoder_out.reshape(batch * frames, dim),
            torch.cat([row, row + fired_at], dim=1).flatten(),
            per_sample_weights=pieces.flatten().to(encoder_out.dtype),
            mode="sum",
        ).view(batch, fired_at.shape[1] + 1, dim)
        sums[:, 0] += self.vector
        residual = self._given(mass.gather(1, fired_at), count.gather(1, fired_at), token + 1)
        residual = (residual - token * self.threshold).to(encoder_out.dtype)
        sums[:, 1:] += residual.unsqueeze(2) * encoder_out.take_along_dim(
            (fired_at - 1).unsqueeze(2), dim=1
        )
        return sums

    def _given(self, mass: Tensor, count: Tensor, token: Tensor) -> Tensor:
        """Mass that the tokens up to this one hold: full once it fired, until then all there is."""
        return torch.where(count >= token, token * self.threshold, mass)

    def _positions(self, laid: Tensor, mass: Tensor, at: Tensor, level: Tensor) -> Tensor:
        """Fractional frames of the stream where `level` is reached, in the frame before entry `at`.

        The same operations as for the whole, in the same order, so that not a bit differs.
        """
        frame = at - 1
        weight, before = laid.gather(1, at), mass.gather(1, frame.clamp(min=0))
        within = ((level - before) / weight).clamp(0, 1)
        return self.frames_seen.unsqueeze(1) + frame + within

    def _check_chunk(
        self, alpha: Tensor, encoder_out: Tensor, frame_lengths: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Check a chunk; return float64 weights and frames to sum, both zero where padded."""
        alpha = require_tensor("alpha", alpha, "batch", "frames").detach()
        encoder_out = require_tensor("encoder_out", encoder_out, "batch", "frames", "dim").detach()
        batch, dim = self.vector.shape
        frames = alpha.shape[1]
        require(
            len(alpha) == batch,
            f"alpha must be (batch, frames) with the state's batch = {batch}, "
            f"got {tuple(alpha.shape)}",
        )
        require(
            encoder_out.shape == (batch, frames, dim) and encoder_out.dtype == self.dtype,
            f"encoder_out must be {self.dtype} (batch, frames, dim) = {(batch, frames, dim)} to "
            f"match the state and alpha, got {described(encoder_out)}",
        )
        if frame_lengths is None:
            frame_lengths = torch.full((batch,), frames, device=alpha.device)
        else:
            frame_lengths = check_lengths("frame_lengths", frame_lengths, alpha, maximum=frames)
            padded = ~valid_mask(frame_lengths, frames)
            alpha = alpha.masked_fill(padded, 0)
            encoder_out = encoder_out.masked_fill(padded.unsqueeze(2), 0)
        return require_weights(alpha).double(), encoder_out.to(self.vector.dtype), frame_lengths

    def _check_token_count(self, total: Tensor) -> None:
        """Refuse a chunk that comes to more tokens than any utterance has."""
        come = total.squeeze(1) - self.mass
        rule = f"alpha must come to at most {MOST_TOKENS} tokens in a chunk"
        require_all(
            come / self.threshold < MOST_TOKENS + 1,
            rule,
            lambda row: (
                f"{rule}, got a sum of {float(come[row]):g} "
                f"at a threshold of {self.threshold:g} in row {row}"
            ),
        )
