"""`LabelledUtterance`: a sound with its reference words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform


@dataclass(frozen=True, eq=False)
class LabelledUtterance:
    """A sound and its reference: which words, and when.

    Examples
    --------
    >>> from cifviz.alignment.timed_tokens import TimedToken
    >>> words = Alignment((TimedToken("one", 0.1, 0.3),))
    >>> LabelledUtterance(Waveform([0.0] * 16_000), words, "ann").words.text
    'one'
    """

    waveform: Waveform
    words: Alignment
    """The reference."""
    speaker: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further inputs of a system, by name: of each what its `Collate` takes for one utterance."""
