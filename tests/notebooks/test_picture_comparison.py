"""Pictures are compared by what they show."""

import base64
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cifviz.notebooks.picture_comparison import picture_difference

MOST = 1e-3


def encoded(figure, kind="png", **how):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=72, **how)
    return base64.encodebytes(buffer.getvalue()).decode()


def drawn(values, *, title="A curve", colour="C0", antialiased=True, shift=0.0):
    figure = Figure(layout="none")
    ax = figure.add_axes([0.1, 0.1 + shift, 0.8, 0.8])
    ax.plot(values, color=colour, antialiased=antialiased)
    ax.set_title(title, antialiased=antialiased)
    ax.set_ylim(-1.2, 1.2)
    return figure


TIME = np.linspace(0, 6, 200)
SINE = encoded(drawn(np.sin(TIME)))


@pytest.mark.parametrize(
    "other",
    [
        encoded(drawn(np.sin(TIME), antialiased=False)),
        encoded(drawn(np.sin(TIME), shift=1 / 400)),  # one pixel higher
        encoded(drawn(np.sin(TIME)), "jpeg"),
        encoded(drawn(np.sin(TIME)), metadata={"Software": "another version"}),
        encoded(drawn(np.sin(TIME) + 1e-4)),
    ],
)
def test_another_way_to_draw_the_same_is_no_difference(other):
    assert picture_difference(SINE, other, MOST) == ""
    assert picture_difference(other, SINE, MOST) == ""


@pytest.mark.parametrize(
    "other",
    [
        encoded(drawn(np.cos(TIME))),
        encoded(drawn(np.sin(1.05 * TIME))),
        encoded(drawn(np.sin(TIME) ** 3)),
        encoded(drawn(np.sin(TIME), colour="C3")),
        encoded(drawn(np.full(200, np.nan))),
    ],
)
def test_another_picture_is_a_difference(other):
    assert "of its pixels differ" in picture_difference(SINE, other, MOST)
    assert picture_difference(other, SINE, MOST)


def test_a_picture_may_grow_by_a_little():
    """As where the space around it follows its letters."""

    def plain(width):
        buffer = io.BytesIO()
        Image.new("RGB", (width, 300), "red").save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue()).decode()

    assert picture_difference(plain(400), plain(404), MOST) == ""
    assert picture_difference(plain(400), plain(440), MOST) == (
        "expected 400 × 300 pixels, got 440 × 300"
    )


@pytest.mark.parametrize("broken", ["", "no picture", base64.b64encode(b"\x89PNG\r\n").decode()])
def test_what_is_no_picture_differs(broken):
    assert "the new one cannot be read" in picture_difference(SINE, broken, MOST)
    assert "the stored one cannot be read" in picture_difference(broken, SINE, MOST)
    assert picture_difference(broken, broken, MOST) == ""
