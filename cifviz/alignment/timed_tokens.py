"""`TimedToken` and `Alignment`: tokens in time, and how they are read off a `Firing`.

A fire is a poor estimate of a word's edge. It falls between words, where the weights are small and
the time of a mass has the condition number 1/α, and it inherits the errors of all tokens before it.
So the weights are cut anew, in their valleys. An edge is read at a quantile of the mass between two
cuts, inside the word, and moved by a constant (`Edges`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from cifviz.alignment.mass_times import times_at
from cifviz.core.firing import Firing
from cifviz.errors import (
    CIFError,
    is_number,
    require,
    require_choice,
    require_number,
    require_type,
    shown,
)
from cifviz.timing import FrameGrid


@dataclass(frozen=True)
class TimedToken:
    """A token with its time, or one that is explicitly untimed.

    Parameters
    ----------
    token : str
        A word, character or phone.
    start, end : float or None
        Seconds, ``start <= end``; both None for an untimed token.
    score : float in [0, 1], optional
        Confidence of the system that found it.

    Raises
    ------
    CIFError
        If the token is not a str, only one time is given, a time is not a finite number, the end
        lies before the start, or the score is not in [0, 1].

    Examples
    --------
    >>> TimedToken("two", 0.25, 0.5).duration
    0.25
    >>> TimedToken("uh").is_timed
    False
    """

    token: str
    start: float | None = None
    end: float | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        require_type("token", self.token, str)
        if self.score is not None:
            require_number(f"score of token {self.token!r}", self.score, at_least=0, at_most=1)
        if self.start is None and self.end is None:
            return
        if self.start is None or self.end is None:
            raise CIFError(
                f"token {self.token!r} needs both times or none, got {self.start} and {self.end}"
            )
        if not (is_number(self.start) and is_number(self.end) and self.start <= self.end):
            raise CIFError(
                f"token {self.token!r} needs finite start <= end in seconds, "
                f"got start={shown(self.start)}, end={shown(self.end)}"
            )

    @property
    def is_timed(self) -> bool:
        """True if the token has times."""
        return self.start is not None

    @property
    def duration(self) -> float:
        """Length in seconds; raises `CIFError` for an untimed token."""
        if self.start is None or self.end is None:
            raise CIFError(f"token {self.token!r} is untimed and has no duration")
        return self.end - self.start


@dataclass(frozen=True)
class Edges:
    """Where a token's edges are read: quantiles of its mass, then a constant shift.

    Examples
    --------
    The fires themselves, with no shift:

    >>> fires = Edges(onset_quantile=0.0, offset_quantile=1.0, cut="fires")
    >>> fires.offset_shift
    0.0
    """

    onset_quantile: float = 0.3
    """Share of the token's mass at which its onset is read, in [0, 1]."""
    offset_quantile: float = 0.7
    """Share of the token's mass at which its offset is read, in [0, 1]."""
    onset_shift: float = 0.0
    """Added to onsets, seconds."""
    offset_shift: float = 0.0
    """Added to offsets, seconds."""
    cut: str = "valleys"
    """Where one token's mass ends and the next one's begins: at the "fires", or in the "valleys" of
    the weights near them (`cifviz.core.valley_segmentation`)."""

    def __post_init__(self) -> None:
        require_choice("Edges.cut", self.cut, ("fires", "valleys"))
        for name in ("onset_quantile", "offset_quantile", "onset_shift", "offset_shift"):
            # As a float: PyTorch takes no integers beyond 64 bits.
            number = require_number(f"Edges.{name}", getattr(self, name))
            object.__setattr__(self, name, number)
        require(
            0 <= self.onset_quantile <= self.offset_quantile <= 1,
            "Edges needs 0 <= onset_quantile <= offset_quantile <= 1, "
            f"got {self.onset_quantile} and {self.offset_quantile}",
        )

    def read(self, firing: Firing, grid: FrameGrid) -> tuple[torch.Tensor, torch.Tensor]:
        """Onsets and offsets of the tokens of one utterance, in seconds, float64 (fires,).

        `times_at` both quantiles, shifted. Nothing is clipped.
        """
        both = times_at(firing, grid, (self.onset_quantile, self.offset_quantile), cut=self.cut)
        return both[:, 0] + self.onset_shift, both[:, 1] + self.offset_shift


@dataclass(frozen=True)
class Alignment:
    """Tokens in the order of an utterance, timed or not.

    Parameters
    ----------
    tokens : sequence of TimedToken
        The timed ones in order and without overlap.

    Raises
    ------
    CIFError
        If something else than a `TimedToken` is among them, or one begins before the previous timed
        one ends.

    Examples
    --------
    >>> alignment = Alignment((TimedToken("one", 0.1, 0.4), TimedToken("two", 0.4, 0.8)))
    >>> alignment.text, len(alignment)
    ('one two', 2)
    """

    tokens: tuple[TimedToken, ...] = ()

    def __post_init__(self) -> None:
        require_type("tokens", self.tokens, Iterable)
        object.__setattr__(self, "tokens", tuple(self.tokens))
        last_end = -math.inf
        for index, token in enumerate(self.tokens):
            require_type(f"token {index}", token, TimedToken)
            if token.start is None or token.end is None:
                continue
            require(
                token.start >= last_end,
                f"token {index} ({token.token!r}) starts at {token.start} s, "
                f"before the previous one ends at {last_end} s",
            )
            last_end = token.end

    @classmethod
    def from_firing(
        cls,
        firing: Firing,
        tokens: Sequence[str],
        grid: FrameGrid,
        *,
        edges: Edges | None = None,
        scores: Sequence[float | None] | None = None,
        duration: float | None = None,
    ) -> Alignment:
        """Read the times of the tokens of one utterance.

        Parameters
        ----------
        firing : Firing
            Of a single utterance.
        tokens : sequence of str (fires,)
            One token for each fire.
        grid : FrameGrid
            Clock of the frames.
        edges : Edges, optional
            Where edges are read; default 30 % and 70 % of a token's mass, unshifted.
        scores : sequence of float (fires,), optional
            Confidence of each token.
        duration : float, optional
            Length of the audio in seconds; times are clipped to ``[0, duration]``.

        Returns
        -------
        Alignment
            Where the offset of a token and the next onset overlap, both become their mean.

        Raises
        ------
        CIFError
            If there are not as many tokens, or scores, as fires, one of them is invalid, or
            `duration` is not a number >= 0.

        Examples
        --------
        Weights of 0.5 in frames of 0.1 s: a token each 0.2 s, read at 30 and 70 %.

        >>> from cifviz.core.firing import integrate_and_fire
        >>> firing = integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None])
        >>> for token in Alignment.from_firing(firing, ["a", "b"], FrameGrid(0.1)):
        ...     print(token.token, round(token.start, 3), round(token.end, 3))
        a 0.06 0.14
        b 0.26 0.34
        """
        require_type("firing", firing, Firing)
        require_type("tokens", tokens, Collection)
        fires = int(firing.num_fires.sum())
        require(len(tokens) == fires, f"expected {fires} tokens, one a fire, got {len(tokens)}")
        scores = list(scores) if scores is not None else [None] * fires
        require(len(scores) == fires, f"expected {fires} scores, one a fire, got {len(scores)}")
        onsets, offsets = (edges or Edges()).read(firing, grid)
        return cls.from_edges(tokens, onsets, offsets, scores=scores, duration=duration)

    @classmethod
    def from_edges(
        cls,
        tokens: Sequence[str],
        onsets: torch.Tensor,
        offsets: torch.Tensor,
        *,
        scores: Sequence[float | None] | None = None,
        duration: float | None = None,
    ) -> Alignment:
        """Put estimated edges in order.

        Parameters
        ----------
        tokens : sequence of str
        onsets, offsets : Tensor (tokens,)
            Seconds, of each token; they may overlap and lie outside of the audio.
        scores, duration
            As for `from_firing`.

        Returns
        -------
        Alignment
            Where the offset of a token and the next onset overlap, both become their mean.

        Raises
        ------
        CIFError
            If there are not as many onsets, offsets or scores as tokens, or one of them is invalid.

        Examples
        --------
        >>> onsets, offsets = torch.tensor([0.1, 0.3]), torch.tensor([0.5, 0.6])
        >>> [round(end, 2) for _, end in Alignment.from_edges("ab", onsets, offsets).spans]
        [0.4, 0.6]
        """
        # 1. As many of everything, within the audio, no offset before its onset.
        end = math.inf if duration is None else require_number("duration", duration, at_least=0)
        scores = [None] * len(tokens) if scores is None else scores
        counts = {"onsets": len(onsets), "offsets": len(offsets), "scores": len(scores)}
        require(
            set(counts.values()) == {len(tokens)},
            f"expected {len(tokens)} of each, one a token, got {counts}",
        )
        if not len(tokens):
            return cls()
        onsets, offsets = onsets.double().clamp(0, end), offsets.double().clamp(0, end)
        offsets = offsets.maximum(onsets)

        # 2. An offset and the next onset that overlap become their mean.
        overlaps = offsets[:-1] > onsets[1:]
        middle = (offsets[:-1] + onsets[1:]) / 2
        starts = torch.cat([onsets[:1], torch.where(overlaps, middle, onsets[1:])])
        stops = torch.cat([torch.where(overlaps, middle, offsets[:-1]), offsets[-1:]])

        # 3. Onset, offset, onset, offset …: never falling.
        edges_in_order = torch.stack([starts, stops], dim=1).flatten().cummax(dim=0).values
        spans = edges_in_order.reshape(-1, 2).tolist()
        return cls(
            tuple(
                TimedToken(token, start, stop, score)
                for token, (start, stop), score in zip(tokens, spans, scores, strict=True)
            )
        )

    @property
    def text(self) -> str:
        """The tokens, separated by spaces."""
        return " ".join(token.token for token in self.tokens)

    @property
    def timed(self) -> tuple[TimedToken, ...]:
        """The tokens that have times."""
        return tuple(token for token in self.tokens if token.is_timed)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each token in seconds; raises `CIFError` if one is untimed."""
        untimed = [token.token for token in self.tokens if not token.is_timed]
        require(not untimed, f"every token needs its times, these have none: {untimed}")
        return tuple((token.start or 0.0, token.end or 0.0) for token in self.tokens)

    def shifted(self, seconds: float) -> Alignment:
        """The same, later by `seconds`.

        >>> Alignment((TimedToken("a", 1.0, 2.0),)).shifted(0.5).tokens[0].start
        1.5
        """
        seconds = require_number("seconds", seconds)
        return Alignment(
            tuple(
                replace(token, start=token.start + seconds, end=token.end + seconds)
                if token.start is not None and token.end is not None
                else token
                for token in self.tokens
            )
        )

    def __len__(self) -> int:
        """Number of tokens, untimed ones included."""
        return len(self.tokens)

    def __iter__(self) -> Iterator[TimedToken]:
        """The tokens in order."""
        return iter(self.tokens)
