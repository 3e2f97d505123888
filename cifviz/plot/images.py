"""Figures as small images with words, as notebooks and pages keep them."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import Any

from matplotlib.figure import Figure

from cifviz.errors import require
from cifviz.locks import one_at_a_time

DPI = 100
"""Pixels per inch of every panel, and of every picture in a notebook."""


@one_at_a_time
def png(figure: Figure, *, colours: int | None = 256, dpi: float = DPI) -> bytes:
    """The figure as a PNG at a fixed resolution, the same bytes each time.

    Parameters
    ----------
    figure : Figure
        What to draw.
    colours : int in [2, 256], optional
        Keep only so many: a third of the size. None keeps all and is faster.
    dpi : float > 0
        Pixels per inch.
    """
    from PIL import Image

    buffer = io.BytesIO()
    quick = {"compress_level": 1}
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs=quick)
    if colours is None:
        return buffer.getvalue()
    # Few colours are chosen with more care, or grey would become brown.
    care = int(colours < 128)
    whole = Image.open(buffer).convert("RGB")
    picture = whole.quantize(colours, kmeans=care, dither=Image.Dither.NONE)
    smaller = io.BytesIO()
    picture.save(smaller, format="png", optimize=True)
    return smaller.getvalue()


def image_tag(picture: bytes, alt: str) -> str:
    """An HTML image that carries its picture and its description inside it.

    >>> image_tag(b"", 'weights > 1 "fire"')
    '<img alt="weights &gt; 1 &quot;fire&quot;" src="data:image/png;base64,"/>'
    """
    code = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{code}"/>'


def picture_bundle(picture: bytes, alt: str) -> dict[str, Any]:
    """What a notebook keeps of a picture: PNG, an image with alt text, and words alone.

    Raises
    ------
    CIFError
        If `alt` says nothing.
    """
    require(bool(alt.strip()), "alt must say what there is to see in the picture, got no text")
    return {
        "image/png": base64.b64encode(picture).decode("ascii"),
        "text/html": image_tag(picture, alt),
        "text/plain": f"Figure: {alt}",
    }


def light_circles(svg: bytes) -> bytes:
    r"""The same SVG with the circles of its hatches as arcs: a tenth of the size.

    matplotlib writes each dot of a dotted hatch as eight curves, for each colour again.

    Parameters
    ----------
    svg : bytes
        A file of matplotlib.

    Returns
    -------
    bytes

    Examples
    --------
    >>> curves = "C 1 1 1 1 1 1 \n" * 7
    >>> dot = f"<pattern><path d='M 3 2.5 \n{curves}C 1 1 1 1 3 1.5 \nz'/></pattern>"
    >>> light_circles(dot.encode())
    b"<pattern><path d='M3 2.5a0.75 0.75 0 1 0 0-1.5a0.75 0.75 0 1 0 0 1.5z'/></pattern>"
    """
    return _PATTERN.sub(lambda found: _CIRCLE.sub(_as_arcs, found[0]), svg)


_PATTERN = re.compile(rb"<pattern.*?</pattern>", re.DOTALL)
_CIRCLE = re.compile(rb"M (\S+) (\S+) \n((?:C [^CMz]*){8})z")


def _as_arcs(circle: re.Match[bytes]) -> bytes:
    """A circle from its highest point, down and up again."""
    left, top = float(circle[1]), float(circle[2])
    heights = [float(number) for number in circle[3].replace(b"C", b"").split()[1::2]]
    across = top - min(heights)
    arc = f"a{_short(across / 2)} {_short(across / 2)} 0 1 0 0"
    return f"M{_short(left)} {_short(top)}{arc}-{_short(across)}{arc} {_short(across)}z".encode()


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
