"""Figures as small images with words, as notebooks and pages keep them."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from cifviz.errors import require
from cifviz.locks import one_at_a_time

if TYPE_CHECKING:
    from PIL.Image import Image

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
    drawn = _drawn(figure, dpi)
    if colours is None:
        return drawn
    return _encoded(_with_few_colours(drawn, colours), format="png", optimize=True)


@one_at_a_time
def sharp_webp(figure: Figure, *, colours: int = 128, dpi: float = DPI) -> bytes:
    """The figure as a WebP with twice the pixels of `png`, in a size not much larger.

    Parameters
    ----------
    figure : Figure
        What to draw.
    colours : int in [2, 256]
        Keep only so many; these are kept exactly.
    dpi : float > 0
        Pixels per inch of a PNG of the same figure.
    """
    picture = _with_few_colours(_drawn(figure, 2 * dpi), colours)
    return _encoded(picture, format="webp", lossless=True, quality=100)


def _drawn(figure: Figure, dpi: float) -> bytes:
    """A PNG with all colours, which is quickly made."""
    quick = {"compress_level": 1}
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs=quick)
    return buffer.getvalue()


def _with_few_colours(picture: bytes, colours: int) -> Image:
    """Few colours are chosen with more care, or grey would become brown."""
    from PIL import Image

    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    return whole.quantize(colours, kmeans=int(colours < 128), dither=Image.Dither.NONE)


def _encoded(picture: Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return buffer.getvalue()


def image_tag(picture: bytes, alt: str, *, width: int | None = None) -> str:
    """An HTML image that carries its picture and its description inside it.

    Parameters
    ----------
    picture : bytes
        A PNG or a WebP.
    alt : str
        What there is to see.
    width : int, optional
        Pixels of a page that it takes; as many as the picture has, if not given.

    Examples
    --------
    >>> image_tag(b"", 'weights > 1 "fire"')
    '<img alt="weights &gt; 1 &quot;fire&quot;" src="data:image/png;base64,"/>'
    """
    kind = "webp" if picture.startswith(b"RIFF") else "png"
    size = f' width="{width}"' if width else ""
    code = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{html.escape(alt)}"{size} src="data:image/{kind};base64,{code}"/>'


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


def figure_bundle(figure: Figure, alt: str) -> dict[str, Any]:
    """`picture_bundle` of a figure, whose image in HTML has twice the pixels at the same size.

    Raises
    ------
    CIFError
        If `alt` says nothing.
    """
    width = round(figure.get_figwidth() * DPI)
    sharp = sharp_webp(figure)
    bundle = picture_bundle(png(figure, colours=64), alt)
    return {**bundle, "text/html": image_tag(sharp, alt, width=width)}


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
