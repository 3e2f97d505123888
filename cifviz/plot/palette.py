"""How everything in a picture looks: `STYLE`, the one read-only table, and what derives from it.

While something is drawn within ``looking("dark")`` the table has the values of that look.

A function that draws passes its artists ``styled(given, color=STYLE[…], …)``: its own look,
changed by the keywords that the caller gave. Colours are those of Okabe and Ito (2008), ordered so
that neighbouring tokens differ for colour-blind readers too. Colour is never the only cue: a
pattern goes with the colour of a token, a marker and a dash with that of a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple

from matplotlib.colors import LinearSegmentedColormap, to_rgba

from cifviz.errors import require_choice

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


_LIGHT: Mapping[str, Any] = MappingProxyType(
    {
        "token_colours": (_ORANGE, _GREEN, _VERMILION, _PURPLE, _YELLOW, _BLUE, _SKY),
        "token_hatches": ("", "////", "....", "\\\\\\\\", "xxxx"),
        # Colours and colormaps.
        "sound": "#4D4D4D",
        "log_mel": "Greys",
        "video": "gray",
        "weight": "#7A7A7A",
        "scaled_weight": _BLUE,
        "level": "#1A1A1A",
        "label": "#1A1A1A",
        "ground": "#FFFFFF",
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

_MID_BLUE = "#1D7ABD"  # contrast 4.57 with white and with black


def _clear(name: str, *colours: str) -> LinearSegmentedColormap:
    """From nothing to a colour or, of two, from the one by way of nothing to the other."""
    ends = [to_rgba(one) for one in colours]
    none = [(*end[:3], 0.0) for end in ends]
    stops = [none[0], ends[0]] if len(ends) == 1 else [ends[0], none[0], none[1], ends[1]]
    places = [0.0, 1.0] if len(ends) == 1 else [0.0, 0.5, 0.5, 1.0]
    return LinearSegmentedColormap.from_list(name, list(zip(places, stops, strict=True)))


_ON_DARK = LinearSegmentedColormap.from_list(
    "cifviz_on_dark", ["#C9B8F5", "#5B4B8A", "#16181D", "#A8651A", "#FFC26B"]
)
"""Like "PuOr_r", but nothing is as dark as the ground."""

LOOKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "light": _LIGHT,
        "dark": MappingProxyType(
            {
                **_LIGHT,
                "sound": "#B8BCC4",
                "log_mel": "Greys_r",
                "weight": "#9AA0AA",
                "scaled_weight": _SKY,
                "level": "#F2F2F2",
                "label": "#F2F2F2",
                "ground": "#16181D",
                "threshold": _SKY,
                "fire": "#FFFFFF",
                "neutral": "#5A606B",
                "contribution": _ON_DARK,
                "halo": "#16181D",
                "onset": _line(_SKY, "-", "o"),
            }
        ),
        # Greys that can be read on white and on black, and no ground.
        "transparent": MappingProxyType(
            {
                **_LIGHT,
                "sound": "#757575",
                "log_mel": _clear("cifviz_sound", "#757575"),
                "contribution": _clear("cifviz_give", "#5B4B8A", "#D08A3C"),
                "weight": "#757575",
                "scaled_weight": _MID_BLUE,
                "level": "#757575",
                "ground": "none",
                "threshold": _MID_BLUE,
                "fire": "#757575",
            }
        ),
    }
)
"""The tables by their names: on white, on a dark ground, and without any ground."""

_look: ContextVar[str] = ContextVar("look", default="light")


class _Style(Mapping[str, Any]):
    """The table of the present look."""

    def __getitem__(self, key: str) -> Any:
        return LOOKS[_look.get()][key]

    def __iter__(self) -> Iterator[str]:
        return iter(_LIGHT)

    def __len__(self) -> int:
        return len(_LIGHT)


STYLE: Mapping[str, Any] = _Style()
"""Colours, patterns, colormaps, looks of lines and the size of texts, by what they are for.

"neutral" is what belongs to no token: a residual, a reference, a grid. "label" is the name of a
token on its "halo". "lines" are those of lines without a meaning of their own, in order.
"""


@contextmanager
def looking(look: str) -> Iterator[None]:
    """Draw in one of `LOOKS`.

    >>> with looking("dark"):
    ...     STYLE["fire"]
    '#FFFFFF'
    >>> STYLE["fire"]
    '#000000'
    """
    require_choice("style", look, LOOKS)
    before = _look.set(look)
    try:
        yield
    finally:
        _look.reset(before)


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
