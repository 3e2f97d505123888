"""How everything in a picture looks: `STYLE`, the one read-only table, and what derives from it.

A function that draws passes its artists ``styled(given, color=STYLE[…], …)``: its own look,
changed by the keywords that the caller gave. Colours are those of Okabe and Ito (2008), ordered so
that neighbouring tokens differ for colour-blind readers too. Colour is never the only cue: a
pattern goes with the colour of a token, a marker and a dash with that of a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Keywords = Mapping[str, Any] | None
"""Keyword arguments for one kind of artist, as a caller gives them."""

_ORANGE, _GREEN, _VERMILION, _PURPLE = "#E69F00", "#009E73", "#D55E00", "#CC79A7"
_YELLOW, _BLUE, _SKY = "#F0E442", "#0072B2", "#56B4E9"


class TokenStyle(NamedTuple):
    """Colour and pattern of a token."""

    colour: str
    hatch: str


def _line(colour: str, linestyle: Any, marker: str) -> Mapping[str, Any]:
    return MappingProxyType({"color": colour, "linestyle": linestyle, "marker": marker})


STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "token_colours": (_ORANGE, _GREEN, _VERMILION, _PURPLE, _YELLOW, _BLUE, _SKY),
        "token_hatches": ("", "////", "....", "\\\\\\\\", "xxxx"),
        # Colours and colormaps.
        "sound": "#4D4D4D",
        "log_mel": "Greys",
        "weight": "#7A7A7A",
        "scaled_weight": _BLUE,
        "level": "#1A1A1A",
        "threshold": _BLUE,
        "fire": "#000000",
        "neutral": "#D9D9D9",
        "contribution": "PuOr_r",
        "halo": "#FFFFFF",
        "complete": _SKY,
        "incomplete": _VERMILION,
        "increase": _BLUE,
        "decrease": _VERMILION,
        # Lines: colour, dash and marker.
        "onset": _line(_BLUE, "-", "o"),
        "offset": _line(_VERMILION, "--", "^"),
        "deletions": _line(_VERMILION, "--", "v"),
        "insertions": _line(_BLUE, "-.", "^"),
        "substitutions": _line(_YELLOW, ":", "o"),
        "fires": _line("#000000", "-", "v"),
        "valleys": _line(_GREEN, "-.", "o"),
        "lines": (
            _line(_BLUE, "-", "o"),
            _line(_VERMILION, "--", "s"),
            _line(_GREEN, "-.", "^"),
            _line(_PURPLE, ":", "D"),
            _line(_ORANGE, (0, (5, 1, 1, 1, 1, 1)), "v"),
            _line(_SKY, (0, (1, 3)), "P"),
        ),
        # Points of 1/72 inch.
        "text_size": 8.0,
    }
)
"""Colours, patterns, colormaps, looks of lines and the size of texts, by what they are for.

"neutral" is what belongs to no token: a residual, a reference, a grid. "lines" are those of lines
without a meaning of their own, in order.
"""


def token_style(index: int) -> TokenStyle:
    """Colour and pattern of token `index`, the same in every plot.

    Seven colours and five patterns run side by side: 35 tokens look different from one another.

    >>> token_style(0)
    TokenStyle(colour='#E69F00', hatch='')
    >>> token_style(7)
    TokenStyle(colour='#E69F00', hatch='....')
    """
    colours, hatches = STYLE["token_colours"], STYLE["token_hatches"]
    return TokenStyle(colours[index % len(colours)], hatches[index % len(hatches)])


def token_look(index: int | None) -> dict[str, Any]:
    """Keywords for the area of token `index`; for None, of what belongs to no token.

    >>> token_look(None)["facecolor"], token_look(1)["hatch"]
    ('#D9D9D9', '////')
    """
    colour, hatch = (STYLE["neutral"], "") if index is None else token_style(index)
    return {
        "facecolor": colour,
        "hatch": hatch,
        "edgecolor": STYLE["level"],
        "linewidth": 0.0,
        "alpha": 0.75,
    }


def styled(given: Keywords, **look: Any) -> dict[str, Any]:
    """The look of an artist, changed by the keywords that a caller gave.

    >>> styled({"color": "red"}, color="black", linewidth=1.0)
    {'color': 'red', 'linewidth': 1.0}
    """
    return {**look, **(given or {})}
