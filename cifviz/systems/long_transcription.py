"""Like `Transcription`, but of a sound of any length: words and phones alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid


@dataclass(frozen=True, eq=False)
class LongTranscription:
    """Like `Transcription`, but without what grows with the square of the length, or is large.

    It has no firing, no rows and no features: an hour has a hundred thousand frames and forty
    thousand phones. A piece of the sound, such as one of `windows`, is looked at by aligning it
    alone.
    """

    words: Alignment
    """The words with their times; one that has no place in the sound is untimed."""
    alignment: Alignment
    """The phones with their times and scores."""
    grid: FrameGrid
    """Clock of the encoder's frames, which is the same for all windows."""
    duration: float
    """Length of the sound, seconds."""
    config: Any
    """The `SystemConfig` of the system that transcribed, of its own class."""
    windows: tuple[tuple[float, float], ...] = ()
    """Start and end of what was aligned at once, seconds, in order; the sound between is of no
    word."""
    first: Transcription | None = None
    """That of the first window with its sound, for pictures; its time 0 is the window's start.
    Where nobody speaks it is that of the beginning, without words."""
    waveform: Waveform | None = None
    """The sound."""
    model: str = ""
    """Name of the model; empty for one that was not loaded by a name or from a folder."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further results, by the names that they have in a `Transcription`; one value a word."""
    firing: None = None
    domain_distance: None = None
    is_out_of_domain: bool = False
    warning: str = ""

    def require_first(self) -> Transcription:
        """The first window; raises `CIFError` if it was not kept."""
        if self.first is None:
            raise CIFError("expected the transcription of a first window, there is none")
        return self.first

    @property
    def first_start(self) -> float:
        """When the first window begins, seconds."""
        return self.windows[0][0] if self.windows else 0.0

    def require_firing(self) -> NoReturn:
        """None of so long a sound: raises `CIFError`, for whoever draws it."""
        raise CIFError(
            f"expected the transcription of one window, got that of {self.duration:.0f} s of "
            "sound, which has no firing, rows or features: draw its first window (result.first)"
        )

    @property
    def rows(self) -> NoReturn:
        """Like `require_firing`: raises `CIFError`."""
        self.require_firing()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The phones."""
        return tuple(phone.token for phone in self.alignment)

    @property
    def scores(self) -> tuple[float, ...]:
        """Probability of each phone, in [0, 1]; 0 where it has none."""
        return tuple(phone.score or 0.0 for phone in self.alignment)

    @property
    def mean_score(self) -> float | None:
        """Mean of the phones' scores, in [0, 1]; None without phones."""
        return sum(self.scores) / len(self.alignment) if len(self.alignment) else None

    @property
    def tiers(self) -> dict[str, Alignment]:
        """Words and phones, as writers of files take them."""
        return {"words": self.words, "phones": self.alignment}

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return self.words.text

    @property
    def summary(self) -> str:
        """Model, number of words and length, in one line."""
        name = f"model {self.model}" if self.model else "model"
        timed = len(self.words.timed)
        return f"{name}, {timed} of {len(self.words)} words in {self.duration / 60:.1f} min"


def require_one_window(transcription: object) -> None:
    """Raise `CIFError` if this is a `LongTranscription`, which cannot be drawn."""
    if isinstance(transcription, LongTranscription):
        transcription.require_firing()
