"""`Transcription`: what every system returns for an utterance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from torch import Tensor

from cifviz import display
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing
from cifviz.errors import CIFError, require, require_choice
from cifviz.systems.domain import one_line
from cifviz.timing import FrameGrid

INTERVALS = "intervals"
"""The key of `Transcription.extras` for where the edges of each word may be, an array or a tensor
(words, 2, 2): the earliest and the latest time of its onset and of its offset, in seconds; NaN of
an untimed word."""

LONGEST_NAME = 40
"""Letters of a model's name in `Transcription.summary`."""

CONTRIBUTIONS, CTC_PATH, ATTENTION = "contributions", "CTC path", "attention"
ROW_KINDS = (CONTRIBUTIONS, CTC_PATH, ATTENTION)
"""What a token's row can be: the frames' contributions to its fire; the frames of the token on the
best CTC path, all alike; the weights of the attention to the frames."""


@dataclass(frozen=True, eq=False)
class Transcription:
    """The recognised tokens of an utterance, their scores and times, and what each is made of."""

    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    """Probability of each token, in [0, 1]."""
    alignment: Alignment
    """The tokens with their times; those of a system that gives none are untimed."""
    firing: Firing | None
    """Of this utterance alone (a batch of one); None of a system without a CIF."""
    grid: FrameGrid
    """Clock of the frames of `firing` and `rows`."""
    duration: float
    """Length of the sound, seconds."""
    log_mel: Tensor
    """The features (feature_frames, n_mels): the logarithm of mel power, before normalisation."""
    config: Any
    """The `SystemConfig` of the system that transcribed, of its own class."""
    waveform: Waveform | None = None
    """The sound; None where only its features were given."""
    model: str = ""
    """Name of the model; empty for one that was not loaded by a name or from a folder."""
    domain_distance: float | None = None
    """Mean Mahalanobis distance of the embeddings to the nearest class of the training data; None
    where nothing fired, and of a model that does not know its classes."""
    row_kind: str = CONTRIBUTIONS
    """What `rows` are, of `ROW_KINDS`."""
    given_rows: Tensor | None = None
    """The `rows` of a system whose rows are not those of its firing."""
    words: Alignment | None = None
    """The words, where the tokens are their phones; None where the tokens are all there is."""
    misfit: str = ""
    """One sentence about a transcript that does not fit the sound, or of which nobody knows; empty
    for any other."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further results of a system, by names that it declares."""

    def __post_init__(self) -> None:
        require_choice("row_kind", self.row_kind, ROW_KINDS)
        require(
            self.firing is not None or self.given_rows is not None,
            "a transcription needs a firing, or rows that say what each token is made of",
        )

    @classmethod
    def from_firing(
        cls,
        firing: Firing,
        tokens: Sequence[str],
        *,
        scores: Sequence[float],
        grid: FrameGrid,
        duration: float,
        edges: Edges | None = None,
        **fields: Any,
    ) -> Self:
        """A transcription whose times are read from a firing, see `Alignment.from_firing`.

        Parameters
        ----------
        firing : Firing
            Of a single utterance.
        tokens : sequence of str (fires,)
            One for each fire.
        scores : sequence of float (fires,)
            Probability of each.
        grid : FrameGrid
            Clock of the firing's frames.
        duration : float >= 0
            Length of the sound, seconds.
        edges : Edges, optional
            Where token edges are read.
        **fields
            The other fields.

        Raises
        ------
        CIFError
            If there are not as many tokens or scores as fires.
        """
        alignment = Alignment.from_firing(
            firing, tokens, grid, edges=edges, scores=scores, duration=duration
        )
        return cls(
            tokens=tuple(tokens),
            scores=tuple(scores),
            alignment=alignment,
            firing=firing,
            grid=grid,
            duration=duration,
            **fields,
        )

    def require_firing(self) -> Firing:
        """The firing; raises `CIFError` if the system has no CIF."""
        if self.firing is None:
            name = f"model {one_line(self.model, LONGEST_NAME)}" if self.model else "the model"
            raise CIFError(
                f"expected the transcription of a CIF, got one without a firing: {name} has no CIF"
            )
        return self.firing

    @property
    def rows(self) -> Tensor:
        """How each token is spread over the frames (tokens, frames), float64; rows sum to 1."""
        if self.given_rows is not None:
            return self.given_rows
        weights = self.require_firing().contributions[0].clamp(min=0)
        return weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-12)

    @property
    def mean_score(self) -> float | None:
        """Mean of the scores, in [0, 1]; None without tokens."""
        return math.fsum(self.scores) / len(self.scores) if self.scores else None

    @property
    def is_out_of_domain(self) -> bool:
        """Whether the sound is probably outside what the model was made for.

        True where ``domain_distance > config.domain.bound``; never where one of them is unknown.
        """
        domain, distance = self.config.domain, self.domain_distance
        return domain is not None and distance is not None and distance > domain.bound

    @property
    def warning(self) -> str:
        """One sentence about a sound that is out of domain, or does not fit its transcript.

        Empty for any other.
        """
        if not self.is_out_of_domain:
            return self.misfit
        return (
            "this sound is probably outside what the model knows "
            f"({self.config.vocabulary_text}); mean score {self.mean_score or 0.0:.2f}"
        )

    @property
    def summary(self) -> str:
        """Model, vocabulary and mean score, in one line of printable characters."""
        name = f"model {one_line(self.model, LONGEST_NAME)}" if self.model else "model"
        mean = self.mean_score
        found = "no token fired" if mean is None else f"mean score {mean:.2f}"
        return f"{name} ({self.config.vocabulary_text}), {found}"

    @property
    def tiers(self) -> dict[str, Alignment]:
        """All that is aligned, by name: "words" and "phones", or "tokens" alone."""
        if self.words is None:
            return {"tokens": self.alignment}
        return {"words": self.words, "phones": self.alignment}

    @property
    def text(self) -> str:
        """The words, separated by spaces; where there are none, the tokens."""
        return " ".join(self.tokens) if self.words is None else self.words.text

    def cut(self, index: int) -> Waveform:
        """The sound of one token, from its start to its end; raises `CIFError` without sound."""
        if self.waveform is None:
            raise CIFError(
                f"there is no sound to cut token {index} from: the features alone were "
                "transcribed, without a waveform"
            )
        token = self.alignment.tokens[index]
        require(token.is_timed, f"token {index} ({token.token!r}) is untimed and cannot be cut")
        return self.waveform.cut(token.start or 0.0, token.end or 0.0)

    def _repr_png_(self) -> display.Png:
        """`cifviz.plot.panel`, for notebooks; with its alternative text."""
        return display.png(self)
