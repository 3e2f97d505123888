"""What hypothesis draws: weights, what else decides where a CIF fires, and alignments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hypothesis import strategies as st

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.streaming import CIFState, Fired
from cifviz.core.tail import TailRule, above, at_least, drop


@dataclass(frozen=True)
class Case:
    """Weights of one utterance and the settings to fire them with."""

    alpha: tuple[float, ...]
    threshold: float = 1.0
    slack: float = 0.0
    tail: TailRule = drop

    def fire(self, encoder_out: torch.Tensor | None = None, **changes) -> Firing:
        """Fire in float64, by default on the identity, so that the embeddings are W."""
        alpha = torch.tensor([self.alpha], dtype=torch.float64)
        if encoder_out is None:
            encoder_out = torch.eye(alpha.shape[1], dtype=torch.float64)[None]
        options = {
            "threshold": self.threshold,
            "slack": self.slack,
            "tail": self.tail,
        }
        return integrate_and_fire(alpha, encoder_out, **{**options, **changes})


TAILS = (drop, above(0.1), above(0.5), at_least(0.5))


def weights(largest: float = 3.0, max_frames: int = 20) -> st.SearchStrategy[tuple[float, ...]]:
    """Weights of an utterance: silence, anything up to `largest`, and tenths, which round badly."""
    one = st.one_of(
        st.just(0.0),
        st.floats(0, largest, allow_subnormal=False),
        st.integers(0, int(10 * largest)).map(lambda tenths: tenths / 10),
    )
    return st.lists(one, max_size=max_frames).map(tuple)


def exact_weights(max_frames: int = 20) -> st.SearchStrategy[tuple[float, ...]]:
    """Multiples of 1/16 up to 3: their sums are exact, so ties are ties and equal means equal."""
    return st.lists(st.integers(0, 48).map(lambda n: n / 16), max_size=max_frames).map(tuple)


@st.composite
def cases(draw, alpha=None, with_slack: bool = True, with_tail: bool = True) -> Case:
    """Weights with a threshold, a slack below it and a tail threshold."""
    threshold = draw(st.sampled_from([0.25, 0.5, 0.7, 1.0, 1.3, 2.0]))
    slack = draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9])) * threshold if with_slack else 0.0
    tail = draw(st.sampled_from(TAILS)) if with_tail else drop
    return Case(draw(weights() if alpha is None else alpha), threshold, slack, tail)


@st.composite
def exact_cases(draw, with_slack: bool = True) -> Case:
    """Like `cases`, but every number is a small multiple of a power of two."""
    threshold = draw(st.sampled_from([0.5, 1.0, 1.5, 2.0]))
    slack = draw(st.sampled_from([0.0, 0.0625, 0.25])) if with_slack else 0.0
    tail = draw(st.sampled_from([drop, above(0.125), above(0.5), at_least(0.5)]))
    return Case(draw(exact_weights()), threshold, slack, tail)


def chunkings(frames: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Sizes of chunks of so many frames in all: one by one, all at once, empty ones among them."""
    cuts = st.lists(st.integers(0, frames), max_size=6).map(
        lambda places: tuple(
            end - begin
            for begin, end in zip([0, *sorted(places)], [*sorted(places), frames], strict=True)
        )
    )
    return st.one_of(st.just((1,) * frames), cuts)


def fire_in_chunks(
    alpha: torch.Tensor,
    encoder_out: torch.Tensor,
    chunks: Sequence[int],
    *,
    frame_lengths: torch.Tensor | None = None,
    tail: TailRule = drop,
    **options: float,
) -> Fired:
    """Like `integrate_and_fire`, fed in chunks of these sizes."""
    batch, frames, dim = encoder_out.shape
    assert sum(chunks) == frames
    state = CIFState.start(batch, dim, dtype=encoder_out.dtype, **options)
    parts, begin = [], 0
    for size in chunks:
        lengths = None if frame_lengths is None else (frame_lengths - begin).clamp(0, size)
        chunk = slice(begin, begin + size)
        fired, state = state.feed(alpha[:, chunk], encoder_out[:, chunk], frame_lengths=lengths)
        parts.append(fired)
        begin += size
    last, _ = state.flush(tail)
    return Fired.join([*parts, last])


@st.composite
def alignments(draw, max_tokens: int = 6, with_untimed: bool = True) -> Alignment:
    """Tokens of a small vocabulary, at exact times (64ths of a second), some of them untimed."""
    tokens, now = [], draw(st.integers(0, 32))
    for token in draw(st.lists(st.sampled_from("abc"), max_size=max_tokens)):
        gap, length = draw(st.integers(0, 32)), draw(st.integers(0, 32))
        if with_untimed and draw(st.integers(0, 4)) == 0:
            tokens.append(TimedToken(token))
            continue
        tokens.append(TimedToken(token, (now + gap) / 64, (now + gap + length) / 64))
        now += gap + length
    return Alignment(tuple(tokens))
