"""`STYLE`, the one read-only mapping of colours and patterns, and the look of a token.

The token colours are those of Okabe and Ito (2008), ordered so that neighbours stay apart in the
eyes of colour-blind readers too; a pattern goes with each, since colour is never the only cue.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class TokenStyle(NamedTuple):
    """Colour and pattern of a token."""

    colour: str
    hatch: str


STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "token_colours": (
            "#E69F00",  # orange
            "#009E73",  # bluish green
            "#D55E00",  # vermilion
            "#CC79A7",  # reddish purple
            "#F0E442",  # yellow
            "#0072B2",  # blue
            "#56B4E9",  # sky blue
        ),
        "token_hatches": ("", "////", "....", "\\\\\\\\", "xxxx"),
        "sound": "#4D4D4D",
        "log_mel": "Greys",
        "weight": "#7A7A7A",
        "scaled_weight": "#0072B2",
        "level": "#1A1A1A",
        "threshold": "#0072B2",
        "fire": "#000000",
        "rest": "#D9D9D9",
        "contribution": "PuOr_r",
        "halo": "#FFFFFF",
    }
)
"""Colours, patterns and colormaps by what they are for. Pass others as arguments of a function."""


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
