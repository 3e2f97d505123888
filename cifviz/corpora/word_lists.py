"""The words of the data sets "digits" and "grid"."""

from __future__ import annotations

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""In the order of the output classes of the recognisers of digits."""

GRID = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    DIGITS,
    ("again", "now", "please", "soon"),
)
"""The grammar of a sentence of the GRID corpus: one word of each group, in this order."""
