"""What lesson 16 lets its readers find out: faults in cases A to H, and the unknown CIFs X and Y.

The answers stand here, in `_FAULT_OF` and `_DIALECT_OF`: solve the exercises before reading on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.dialects import DIALECTS
from cifviz.corpora.clips import load_clip
from cifviz.course.figures import name_words
from cifviz.diagnosis import ObservedUtterance
from cifviz.diagnosis.faults import plant
from cifviz.diagnosis.model_runs import observe_model
from cifviz.diagnosis.observed_inputs import with_what_is_known
from cifviz.errors import require_choice
from cifviz.plot import STYLE
from cifviz.systems.checkpoints import load_model

CLIPS = (
    "digits_two",
    "digits_three",
    "digits_four",
    "digits_five",
    "digits_repeated",
    "digits_fast",
    "digits_slow",
    "digits_quiet",
)
"""The utterances of each case."""
_FAULT_OF = {
    "A": ("saturated_weights", "digits_three"),
    "B": ("constant_shift", "digits_four"),
    "C": ("swapped_integrator", "digits_five"),
    "D": ("lost_tail", "digits_fast"),
    "E": ("batch_dependence", "digits_quiet"),
    "F": ("several_fires", "digits_fast"),
    "G": ("drift", "digits_repeated"),
    "H": ("fires_in_silence", "digits_three"),
}
"""The fault of each case, and the utterance of it that is drawn."""
_DIALECT_OF = {"X": "torch_cif", "Y": "paraformer_v2"}
"""The code base that each unknown CIF is from."""
MOST_FIRES = 12
"""Times of more are not listed in words."""
DIFFERENT = 1e-3
"""Weights alone are drawn where they differ so much from those in a batch."""


@dataclass(frozen=True)
class PlantedCase:
    """Utterances with the same fault."""

    name: str
    """A letter."""
    utterances: tuple[ObservedUtterance, ...]
    """All that is known of them, for `cifviz.diagnosis.examine`."""
    drawn: ObservedUtterance
    """The one that is shown."""
    words: Alignment
    """What is spoken in it, and when."""

    @property
    def counts(self) -> str:
        """The numbers to know besides the picture."""
        fires = "not recorded" if self.drawn.fires is None else len(self.drawn.fires)
        return f"Σα = {self.drawn.mass:.1f} · fires: {fires} · words: {len(self.words)}"

    @property
    def in_words(self) -> str:
        """What there is to see, for alt text: counts, fires and words with their times."""
        one = self.drawn
        words = ", ".join(f"{word.token} to {word.end:.2f} s" for word in self.words)
        fires = ""
        if one.fires is not None and len(one.fires) <= MOST_FIRES:
            fires = "; fires at " + ", ".join(f"{time:.2f}" for time in one.seconds(one.fires))
        highest = f"weights up to {one.used.max():.2f}"
        return f"{self.counts}; {highest}{fires}; {words}."


def planted_cases() -> dict[str, PlantedCase]:
    """The cases, by letter.

    >>> list(planted_cases())
    ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
    """
    clips = {name: load_clip(name) for name in CLIPS}
    sounds = {name: clip.waveform for name, clip in clips.items()}
    words = {name: clip.words for name, clip in clips.items()}
    healthy = with_what_is_known(observe_model(load_model("digits"), sounds), reference=words)
    return {
        name: _case(name, plant(fault, healthy), words[drawn], CLIPS.index(drawn))
        for name, (fault, drawn) in _FAULT_OF.items()
    }


def _case(
    name: str, utterances: Sequence[ObservedUtterance], words: Alignment, drawn: int
) -> PlantedCase:
    return PlantedCase(name, tuple(utterances), utterances[drawn], words)


def draw_case(case: PlantedCase, ax: Axes) -> None:
    """Draw the weights of a case with its fires, the words above their sound, and the counts.

    Parameters
    ----------
    case : PlantedCase
        Of `planted_cases`.
    ax : Axes
        With a time axis of its own.
    """
    one = case.drawn
    edges = one.seconds(np.arange(len(one.used) + 1, dtype=np.float64))
    ax.stairs(one.used, edges, color=STYLE["weight"], fill=True, alpha=0.6)
    if one.alone is not None and np.abs(one.alone - one.alpha).max() > DIFFERENT:
        ax.stairs(one.alone, edges, color=STYLE["level"], linestyle="--", linewidth=1.2)
    if one.fires is not None:
        top = one.used.max()
        ax.vlines(one.seconds(one.fires), 0, top, color=STYLE["fire"], linewidth=1.4)
    ax.set_xlim(min(0.0, edges[0]), max(edges[-1], case.words.spans[-1][1]))
    ax.set_ylim(0, 1.05 * one.used.max())
    name_words(ax, case.words)
    ax.set_title(f"{case.name}:  {case.counts}", loc="left", fontsize=STYLE["text_size"])
    ax.set_ylabel("weight")


def contributions_to_unknown(name: str, alpha: Sequence[float]) -> list[list[float]]:
    """What frames give to tokens in an unknown CIF, as exercise 16.6 finds it out.

    Parameters
    ----------
    name : str
        "X" or "Y".
    alpha : sequence of float (frames,), >= 0
        Weights.

    Returns
    -------
    list of rows (tokens, frames)
        W, without frames that the CIF appends.

    Raises
    ------
    CIFError
        If there is no such CIF.

    Examples
    --------
    >>> contributions_to_unknown("X", [0.5, 0.5])
    [[0.5, 0.5]]
    """
    require_choice("unknown CIF", name, _DIALECT_OF)
    given = DIALECTS[_DIALECT_OF[name]].contributions(torch.tensor([list(alpha)]))
    rows = given.weights[0, : int(given.num_fires[0]), : len(alpha)]
    return [[float(one) for one in row] for row in rows]
