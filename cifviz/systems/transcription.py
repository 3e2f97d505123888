"""`Transcription`: what every system returns for an utterance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from torch import Tensor

from cifviz import display
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.tail import TailRule
from cifviz.errors import CIFError, require, require_choice
from cifviz.systems.domain import one_line
from cifviz.systems.given_cif import (
    Reference,
    Sound,
    captured_utterance,
    described_rule,
    given_fields,
    weights_of,
)
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


def audible_features(sample_rate: int) -> LogMel:
    """Log-mel features over all audible frequencies, for pictures.

    >>> audible_features(8000).f_max
    4000.0
    """
    return LogMel(
        sample_rate=sample_rate,
        hop_length=max(1, round(0.01 * sample_rate)),
        win_length=max(400, round(0.025 * sample_rate)),  # some samples for each band
        f_min=0.0,
        f_max=min(LogMel().f_max, sample_rate / 2),
    )


@dataclass(frozen=True, eq=False)
class Transcription:
    """The recognised tokens of an utterance, their scores and times, and what each is made of."""

    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    """Probability of each token, in [0, 1]; empty where nobody gives any."""
    alignment: Alignment
    """The tokens with their times; those of a system that gives none are untimed."""
    firing: Firing | None
    """Of this utterance alone (a batch of one); None of a system without a CIF."""
    grid: FrameGrid
    """Clock of the frames of `firing` and `rows`."""
    duration: float
    """Length of the sound, seconds."""
    log_mel: Tensor | None = None
    """The features (feature_frames, n_mels): the logarithm of mel power, before normalisation; None
    where no system of cifviz transcribed."""
    config: Any = None
    """The `SystemConfig` of the system that transcribed, of its own class, or None."""
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
    reference: Alignment | None = None
    """True times of the tokens, shown beside them; None where they are unknown."""
    given_labels: tuple[str, ...] | None = None
    """A name for each fire, where fires and tokens are not equally many."""
    given_rule: FiringRule | None = None
    """By what rule a firing that was given came about; None where that is not known, and of a
    system, whose `config` says it."""
    given_edges: Edges | None = None
    """Where token edges of a given firing are read; None for its fires."""

    def __post_init__(self) -> None:
        require_choice("row_kind", self.row_kind, ROW_KINDS)
        require(
            self.firing is not None or self.given_rows is not None,
            "a transcription needs a firing, or rows that say what each token is made of",
        )

    @classmethod
    def of_system(
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
        """A system's transcription, its times read from a firing; see `Alignment.from_firing`.

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

    @classmethod
    def from_alpha(
        cls,
        alpha: Any,
        tokens: Sequence[str] | None = None,
        *,
        frame_shift: float,
        waveform: Sound | None = None,
        threshold: float = 1.0,
        tail: TailRule | str = "drop",
        reference: Reference | None = None,
        slack: float = 0.0,
        dialect: str = "",
        **more: Any,
    ) -> Self:
        """What a CIF makes of these weights, whatever model they are from.

        Parameters
        ----------
        alpha : array or tensor (frames,) or (1, frames), >= 0
            Weight of each real frame, as the CIF integrates it: NumPy or torch, any device.
        tokens : sequence of str, optional
            What the model recognised. Default: the fires are numbered.
        frame_shift : float > 0
            Seconds from one frame to the next, after all subsampling.
        waveform : Waveform or path, optional
            The sound.
        threshold : float > 0
            β, at which a token fires, and which it takes.
        tail : TailRule or str
            What happens to the residual: "drop", "above 0.5", "appended 0.45", "rounded" …; see
            `cifviz.core.tail`.
        reference : Alignment or path, optional
            True times of the tokens; of a file the first tier.
        slack : float, 0 <= slack < threshold
            δ, how far below full a token may fire.
        dialect : str, optional
            Fire as another code base does, by its key in `cifviz.core.dialects.DIALECTS`, such as
            "cif_pytorch". A threshold of 1 and the tail "drop" then stand for its own numbers; of
            another tail the value is its tail threshold.
        **more
            ``start``, ``edges`` and ``model`` of `from_firing`.

        Returns
        -------
        Transcription
            With the tokens and fires as they are: where they are not equally many, `warning` says
            so.

        Raises
        ------
        CIFError
            If `alpha` is no array of finite weights >= 0, a setting is out of its range, or the
            frames do not fit the sound.

        Examples
        --------
        >>> one = Transcription.from_alpha([0.5, 0.5, 0.75, 0.5], ["你", "好"], frame_shift=0.04)
        >>> [(token.token, token.start, round(token.end, 3)) for token in one.alignment]
        [('你', 0.0, 0.08), ('好', 0.08, 0.14)]
        >>> one.summary
        'a CIF: 2 fires in 4 frames; threshold 1, tail drop'
        """
        weights = weights_of(alpha)
        made = FiringRule.from_settings(threshold, tail, dialect, slack=slack)
        return cls.from_firing(
            made.fire(weights),
            tokens,
            frame_shift=frame_shift,
            waveform=waveform,
            reference=reference,
            rule=made,
            **more,
        )

    @classmethod
    def from_firing(
        cls,
        firing: Firing,
        tokens: Sequence[str] | None = None,
        *,
        frame_shift: float,
        start: float = 0.0,
        waveform: Sound | None = None,
        reference: Reference | None = None,
        edges: Edges | None = None,
        rule: FiringRule | None = None,
        model: str = "",
    ) -> Self:
        """What a firing says: of `integrate_and_fire`, of a CIF, or of a model that was captured.

        Parameters
        ----------
        firing : Firing
            Of one utterance; of a batch take ``firing.utterance(i)``.
        tokens : sequence of str, optional
            What the model recognised. Default: the fires are numbered.
        frame_shift : float > 0
            Seconds from one frame to the next, after all subsampling.
        start : float
            Time at which frame 0 begins, seconds.
        waveform : Waveform or path, optional
            The sound.
        reference : Alignment or path, optional
            True times of the tokens; of a file the first tier.
        edges : Edges, optional
            Where token edges are read. Default: each token from the fire before to its own.
        rule : FiringRule, optional
            By what rule it fired. Default: the first known rule that repeats the firing.
        model : str
            Name of the model, for the title.

        Returns
        -------
        Transcription
            The tokens keep the order and number in which they came. A fire that no token is left
            for has its number as a name; a token that no fire is left for is untimed.

        Raises
        ------
        CIFError
            If the firing is a batch, a token is no str, or the frames do not fit the sound.

        Examples
        --------
        >>> import torch
        >>> from cifviz.core.firing import integrate_and_fire
        >>> firing = integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None])
        >>> Transcription.from_firing(firing, ["one"], frame_shift=0.1).warning
        '2 fires, but 1 token: names go by their order; fire 2 has no token'
        """
        return cls(
            **given_fields(
                firing,
                tokens,
                frame_shift=frame_shift,
                start=start,
                waveform=waveform,
                reference=reference,
                edges=edges,
                rule=rule,
                model=model,
            )
        )

    @classmethod
    def from_capture(
        cls,
        firings: Sequence[Firing] | Firing,
        tokens: Sequence[str] | None = None,
        *,
        frame_shift: float,
        utterance: int | None = None,
        **more: Any,
    ) -> Self:
        """What `cifviz.capture` recorded of one utterance.

        Parameters
        ----------
        firings : list of Firing, or one of them
            What ``with capture(model) as firings`` gave.
        tokens, frame_shift
            As for `from_firing`.
        utterance : int, optional
            Index into the batch; may be left out where it has one alone.
        **more
            The other arguments of `from_firing`.

        Raises
        ------
        CIFError
            If nothing or several calls were captured, or several utterances and it is not said
            which.

        Examples
        --------
        >>> import torch
        >>> from cifviz.core.firing import integrate_and_fire
        >>> both = integrate_and_fire(torch.full((2, 4), 0.5), torch.eye(4).expand(2, 4, 4))
        >>> Transcription.from_capture([both], "ab", frame_shift=0.1)
        Traceback (most recent call last):
        ...
        cifviz.errors.CIFError: a batch of 2 utterances was captured: pass utterance=0 to 1
        """
        return cls.from_firing(
            captured_utterance(firings, utterance), tokens, frame_shift=frame_shift, **more
        )

    def require_firing(self) -> Firing:
        """The firing; raises `CIFError` if the system has no CIF."""
        if self.firing is None:
            name = f"model {one_line(self.model, LONGEST_NAME)}" if self.model else "the model"
            raise CIFError(
                "expected the transcription of a CIF, got one without a firing: "
                f"{name} has no CIF; cifviz.plot.panel draws what there is"
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
        """Mean of the scores, in [0, 1]; None without any."""
        return math.fsum(self.scores) / len(self.scores) if self.scores else None

    @property
    def is_out_of_domain(self) -> bool:
        """Whether the sound is probably outside what the model was made for.

        True where ``domain_distance > config.domain.bound``; never where one of them is unknown.
        """
        domain, distance = getattr(self.config, "domain", None), self.domain_distance
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
        if self.config is None:
            return self._given_summary
        name = f"model {one_line(self.model, LONGEST_NAME)}" if self.model else "model"
        mean = self.mean_score
        found = "no token fired" if mean is None else f"mean score {mean:.2f}"
        return f"{name} ({self.config.vocabulary_text}), {found}"

    @property
    def _given_summary(self) -> str:
        """The summary where no system of cifviz transcribed."""
        name = one_line(self.model, LONGEST_NAME) if self.model else "a CIF"
        if self.firing is None:
            return name
        fires, frames = int(self.firing.num_fires), self.firing.alpha.shape[1]
        counts = f"{fires} fire{'s' * (fires != 1)} in {frames} frame{'s' * (frames != 1)}"
        return f"{name}: {counts}; {described_rule(self.firing, self.given_rule)}"

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each fire: the tokens, unless fires and tokens are not equally many."""
        return self.tokens if self.given_labels is None else self.given_labels

    @property
    def edges(self) -> Edges | None:
        """Where token edges are read; None for the fires."""
        return self.given_edges if self.config is None else self.config.edges

    @cached_property
    def spectrogram(self) -> tuple[Tensor, FrameGrid] | None:
        """Log-mel features of the sound and their clock; None where there is nothing to show.

        Those that the model was given; where there are none, those of the waveform.
        """
        if self.log_mel is not None and self.config is not None:
            return self.log_mel, self.config.features.grid
        if self.waveform is None:
            return None
        features = audible_features(self.waveform.sample_rate)
        return features(self.waveform), features.grid

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
