"""The picture of the explorer: what it draws where, in a real browser."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.explorer import to_html
from tests.ui import browser
from tests.ui.explored import slide

pytestmark = browser.needed

TITLE = 96
"""Pixels left of the lanes: titles and, in the last 34 of them, ticks."""
NAMES = (
    "CTC of a much larger model, beam 10, with a language model",
    "محاذاة طويلة جدا باسم طويل 一个名字很长的对齐方法",
    "W" * 5000,
    "",
)
COUNTED = "() => { const { picture } = cifvizExplorer; const draw = picture.drawBackground;"
COUNTED += "window.backgrounds = 0; picture.drawBackground = function () {"
COUNTED += "backgrounds += 1; draw.call(this); }; }"


COARSE = """() => { const { seen, picture } = cifvizExplorer; seen.detail.close();
    seen.detail = null; picture.draw(); }"""
"""As long as samples are not there: nothing becomes finer later."""


@pytest.fixture(scope="module")
def written(transcription, tmp_path_factory):
    clip = cifviz.load_clip("digits_five")
    path = tmp_path_factory.mktemp("picture") / "five.html"
    return to_html(
        transcription, path, reference=clip.words, compare=dict.fromkeys(NAMES, clip.words)
    )


def pixels(opened):
    """The picture as it would be saved (height, width, 3)."""
    png = opened.evaluate(
        """async () => { const blob = await cifvizExplorer.picture.toBlob();
        const bytes = new Uint8Array(await blob.arrayBuffer());
        return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), '')); }"""
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))


def lane(picture, opened, name, ratio=1):
    """The rows of a lane, right of its title, and those left of it."""
    strip = opened.evaluate("name => cifvizExplorer.picture.strips[name]", name)
    top, bottom = ratio * strip["top"], ratio * (strip["top"] + strip["height"])
    return picture[top:bottom, ratio * TITLE :], picture[top:bottom, : ratio * TITLE]


SCREENS = [("light", 1.25), ("dark", 2)]
OTHER_SCREENS = [("light", 1), ("light", 2), ("dark", 1), ("dark", 1.25)]


@pytest.mark.parametrize(
    ("scheme", "ratio"),
    [*SCREENS, *(pytest.param(*one, marks=pytest.mark.long) for one in OTHER_SCREENS)],
)
def test_a_saved_picture_has_every_lane(opening, written, ratio, scheme):
    opened = opening(written, device_scale_factor=ratio, color_scheme=scheme)
    picture, whole = pixels(opened), int(np.ceil(ratio))
    names = opened.evaluate("Object.keys(cifvizExplorer.picture.strips)")
    assert len(names) == 7 + len(NAMES)
    for name in names:
        drawn, _ = lane(picture, opened, name, whole)
        assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 1, name


def test_no_title_overlaps_its_lane(opening, written):
    opened = opening(written)
    picture = pixels(opened)
    paper = picture[0, 0]
    for index, name in enumerate(NAMES):
        _, beside = lane(picture, opened, f"compare {index}")
        written_at = (beside != paper).any(axis=2).any(axis=0).nonzero()[0]
        assert len(written_at) == 0 if not name else written_at.max() < TITLE - 4


def test_labels_of_the_time_axis_are_not_cut(opening, written):
    opened = opening(written, width=800)
    for view in (1.0, 0.31, 0.05):
        opened.evaluate(
            "view => { cifvizExplorer.scale.look(0.5, view); cifvizExplorer.look(); }", view
        )
        axis = pixels(opened)[-14:]
        paper = axis[-1, 0]
        ink = (axis != paper).any(axis=2).any(axis=0)
        assert ink.any() and not ink[-1] and not ink[: TITLE - 1].any()


@pytest.mark.smoke
def test_a_slider_does_not_redraw_the_background(opening, written):
    opened = opening(written)
    opened.evaluate(COARSE)
    opened.evaluate(COUNTED)
    before = pixels(opened)
    slide(opened, "threshold β", 0.5)
    after = pixels(opened)
    assert opened.evaluate("backgrounds") == 0
    for name, moves in (("waveform", False), ("compare 0", False), ("tokens", True)):
        one, other = (lane(picture, opened, name)[0] for picture in (before, after))
        assert (one != other).any() == moves, name


@pytest.mark.parametrize(
    "change",
    [
        "cifvizExplorer.scale.zoom(0.5)",
        "cifvizExplorer.picture.restyle()",
        "cifvizExplorer.seen.stretches = [...cifvizExplorer.seen.stretches, "
        "{ ...cifvizExplorer.seen.stretches[0] }]",
        "cifvizExplorer.seen.compare = cifvizExplorer.seen.compare.slice(1)",
    ],
)
def test_the_background_is_redrawn_when_it_changes(opening, written, change):
    opened = opening(written)
    opened.evaluate(COARSE)
    opened.evaluate(COUNTED)
    opened.evaluate(f"() => {{ {change}; cifvizExplorer.picture.draw(); }}")
    assert opened.evaluate("backgrounds") == 1
    opened.evaluate("cifvizExplorer.picture.draw()")
    assert opened.evaluate("backgrounds") == 1


def test_a_finer_picture_is_drawn_where_it_covers_the_view(opening, written):
    opened = opening(written)
    opened.evaluate(COARSE)
    opened.evaluate(
        """() => { const { seen } = cifvizExplorer; const [whole] = seen.stretches;
        const loud = new Int8Array(40).fill(127);
        const peaks = { rate: 40, low: loud.map(value => -value), high: loud };
        seen.stretches = [whole, { ...whole, start: 0.5, end: 1.5, peaks }]; }"""
    )
    filled = []
    for begin, length in ((0.6, 0.8), (0.0, 1.0)):
        look = "([begin, length]) => { cifvizExplorer.scale.look(begin, length);"
        opened.evaluate(f"{look} cifvizExplorer.look(); }}", [begin, length])
        drawn, _ = lane(pixels(opened), opened, "waveform")
        filled.append((drawn < 128).all(axis=2).mean())
    assert filled[0] > 0.95 > filled[1]


def test_a_label_is_drawn_in_the_direction_of_its_script(opening, transcription, tmp_path):
    """The canvas of a page from left to right would put the digits of the first on the right."""
    spans = transcription.alignment.spans
    labels = ("(1) שלום", "two (1)", "ˈtʰɛ̃ː", "七八", "x" * 10_000)
    reference = Alignment(
        tuple(TimedToken(label, *span) for label, span in zip(labels, spans, strict=True))
    )
    path = to_html(
        replace(transcription, tokens=labels), tmp_path / "labels.html", reference=reference
    )
    opened = opening(path)
    asked = opened.evaluate(
        """() => { const found = []; const { fillText } = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            found.push([text, this.direction]);
            fillText.call(this, text, ...place);
        };
        cifvizExplorer.picture.draw();
        return found; }"""
    )
    *whole, (cut, _) = [one for one in asked if one[0] in labels or one[0].endswith("…")]
    assert whole == [
        ["(1) שלום", "rtl"], ["two (1)", "ltr"], ["ˈtʰɛ̃ː", "ltr"], ["七八", "ltr"]
    ]  # fmt: skip
    assert cut.startswith("xxx") and cut.endswith("x…") and len(cut) < 100
