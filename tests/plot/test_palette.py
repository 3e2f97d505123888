from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from cifviz.plot import STYLE, token_style

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color
# vision deficiency", IEEE TVCG 15(6), severity 1.0; they act on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
XYZ = np.array(  # of linear sRGB, IEC 61966-2-1
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB, white being (1, 1, 1)."""
    ratio = (XYZ @ rgb) / XYZ.sum(axis=1)
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def seen(colour: str, vision: str) -> np.ndarray:
    """What somebody sees of a colour, in CIELAB."""
    return lab((VISION[vision] @ linear(colour)).clip(0, 1))


def distance(one: str, other: str, vision: str) -> float:
    """How different two colours look; a difference of 2.3 is just noticeable."""
    return float(np.linalg.norm(seen(one, vision) - seen(other, vision)))


each_vision = pytest.mark.parametrize("vision", VISION)


@each_vision
def test_neighbouring_tokens_stay_apart(vision):
    colours = STYLE["token_colours"]
    pairs = zip(colours, colours[1:] + colours[:1], strict=True)
    assert min(distance(*pair, vision) for pair in pairs) > 20


@each_vision
@pytest.mark.parametrize(
    "pair",
    [
        ("weight", "scaled_weight"),
        ("level", "threshold"),
        ("threshold", "fire"),
        ("neutral", "level"),
    ],
)
def test_what_lies_in_one_lane_stays_apart(vision, pair):
    assert distance(*(STYLE[name] for name in pair), vision) > 20


@each_vision
def test_colormaps_keep_their_order(vision):
    """Louder is darker; and what a token owes differs from what it got, at every strength."""
    greys = matplotlib.colormaps[STYLE["log_mel"]](np.linspace(0, 1, 9))
    lightness = [seen(to_hex(colour), vision)[0] for colour in greys]
    assert (np.diff(lightness) < -3).all()
    both = matplotlib.colormaps[STYLE["contribution"]](np.linspace(0, 1, 9))
    for low, high in zip(both[:4], both[:4:-1], strict=True):
        assert distance(to_hex(low), to_hex(high), vision) > 15


def test_colours_that_only_some_can_tell_apart_would_be_found():
    """A red and a green that look alike to one person in twenty."""
    assert distance("#B33A3A", "#6F7A2E", "normal") > 40
    assert distance("#B33A3A", "#6F7A2E", "deuteranopia") < 20


def test_matrices_keep_grey_grey():
    for matrix in VISION.values():
        assert matrix.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_thirty_five_tokens_look_different():
    assert len({token_style(index) for index in range(35)}) == 35
    assert token_style(35) == token_style(0)


def test_neighbours_differ_in_pattern_too():
    for index in range(35):
        assert token_style(index).hatch != token_style(index + 1).hatch


def test_style_is_read_only():
    with pytest.raises(TypeError, match="does not support item assignment"):
        STYLE["fire"] = "red"
