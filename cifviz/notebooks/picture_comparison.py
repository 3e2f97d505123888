"""Compares two pictures by what they show, not by their bytes."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np

LARGEST = 50_000_000
"""Pixels up to which a picture is decoded."""
REACH = 5
"""Pixels of the square in which a colour must be found again: other versions of a library move
lines and letters by one or two."""
COLOUR = 0.2
"""By how much a channel of a colour, from 0 to 1, may differ."""
SIZES = (5, 0.02)
"""Pixels, and share of its width or height, by which the size of a picture may differ."""


def picture_difference(before: str, now: str, pixels: float) -> str:
    """What two pictures differ in, in words.

    Parameters
    ----------
    before, now : str
        PNG, JPEG or another format that Pillow reads, in base64.
    pixels : float
        Share of the pixels, from 0 to 1, that may differ. A pixel differs if no pixel of its
        neighbourhood (`REACH`) in the other picture has its colour, up to `COLOUR`.

    Returns
    -------
    str
        Empty if they show the same.
    """
    if "".join(before.split()) == "".join(now.split()):
        return ""
    first, second = _decoded(before), _decoded(now)
    if first is None or second is None:
        which = "the stored one" if first is None else "the new one"
        return f"expected the same picture, but {which} cannot be read"
    slack = [max(SIZES[0], SIZES[1] * length) for length in first.size]
    pairs = zip(first.size, second.size, slack, strict=True)
    if any(abs(old - new) > most for old, new, most in pairs):
        return f"expected {_size(first)} pixels, got {_size(second)}"
    second = second.resize(first.size)
    share = float(np.mean(_strange(first, second) | _strange(second, first)))
    if share <= pixels:
        return ""
    return f"expected the same picture, {share:.2%} of its pixels differ (at most {pixels:.2%})"


def _decoded(picture: str) -> Any:
    """An RGB image on white; None if it cannot be read."""
    from PIL import Image

    try:
        opened = Image.open(io.BytesIO(base64.b64decode(picture)))
        if opened.width * opened.height > LARGEST:
            return None
        image = opened.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        return ground.convert("RGB")
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError):
        return None


def _strange(image: Any, other: Any) -> np.ndarray:
    """Pixels whose colour is not found in their neighbourhood in the other image: height, width."""
    from PIL import ImageFilter

    low, high = (
        np.asarray(other.filter(extreme(REACH)), dtype=np.int16)
        for extreme in (ImageFilter.MinFilter, ImageFilter.MaxFilter)
    )
    here = np.asarray(image, dtype=np.int16)
    return np.maximum(low - here, here - high).max(axis=-1) > 255 * COLOUR


def _size(image: Any) -> str:
    return f"{image.width} × {image.height}"
