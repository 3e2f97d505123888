"""The panel by choice: a part, some lanes, other sizes and looks; and of any length."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError
from cifviz.plot import images, palette, panels, signals
from cifviz.systems.transcription import Transcription
from tests.repeats import others_long

WORDS = "the quick brown fox jumps over extraordinarily patient philosophers".split()


def of_length(make, seconds, per_second=3.0, *, sound=True):
    """With pauses; frames of 40 ms."""
    frames = round(seconds / 0.04)
    alpha = np.random.default_rng(0).gamma(0.6, 1.0, frames)
    alpha *= np.sin(2 * np.pi * np.arange(frames) * 0.04 / 13) > -0.8
    alpha = np.minimum(alpha * per_second * seconds / alpha.sum(), 0.95)
    fires = int(make.firing(alpha).num_fires)
    one = make.transcription(alpha, [WORDS[i % len(WORDS)] for i in range(fires)])
    return one if sound else replace(one, waveform=None)


def long_one(frames):
    """With numbers for tokens, three in a second."""
    alpha = np.random.default_rng(0).uniform(0.0, 0.24, frames)
    wave = Waveform(0.1 * np.sin(np.arange(frames * 80)), 2000)
    return Transcription.from_alpha(alpha, frame_shift=0.04, waveform=wave)


def texts_of(fig):
    """Boxes of the texts that are seen, in pixels."""
    fig.png()
    renderer = fig.canvas.get_renderer()
    found = list(fig.texts)
    for ax in fig.axes:
        found += [*ax.texts, ax.xaxis.label, ax.yaxis.label]
        shown = [(ax.yaxis, ax.get_ylim())]
        if any(label.get_visible() for label in ax.get_xticklabels()):
            shown.append((ax.xaxis, ax.get_xlim()))
        for axis, limits in shown:
            low, high = sorted(limits)
            ticks = [one for one in axis.get_major_ticks() if low <= one.get_loc() <= high]
            found += [tick.label1 for tick in ticks if tick.label1.get_visible()]
    return [
        (text.get_text().strip(), text.get_window_extent(renderer))
        for text in found
        if text.get_text().strip()
    ]


def faults(fig):
    """Texts that are clipped by the picture's edge, and pairs that overlap."""
    boxes = texts_of(fig)
    clipped = [
        name
        for name, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > fig.bbox.x1 + 1 or box.y1 > fig.bbox.y1 + 1
    ]
    touching = [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1.0 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2.0
    ]
    return clipped, touching


@pytest.mark.parametrize("width", others_long(10.0, 4.0, 13.33))
@pytest.mark.parametrize(("seconds", "rate"), [(1.0, 3.0), (11.0, 2.0), (24.0, 4.2), (90.0, 3.0)])
def test_no_text_is_clipped_or_covered(make, seconds, rate, width):
    one = of_length(make, seconds, rate)
    assert faults(plot.panel(one, width=width, title="A title").fig) == ([], [])


def test_what_is_clipped_or_covered_is_found(make):
    fig = plot.panel(make.transcription()).fig
    fig.texts[0].set_position((-0.1, 0.5))
    fig.text(0.5, 0.99, "one")
    fig.text(0.5, 0.99, "two")
    clipped, touching = faults(fig)
    assert len(clipped) == 1 and ("one", "two") in touching


def test_a_part_is_shown_below_an_overview(make):
    one = of_length(make, 30.0, 1.5)
    fig, axes = plot.panel(one, start=10.0, end=15.0)
    assert next(iter(axes)) == "overview"
    assert axes["overview"].get_xlim() == pytest.approx((0.0, 30.0))
    for name, ax in axes.items():
        if name != "overview":
            assert ax.get_xlim() == pytest.approx((10.0, 15.0))
    inside = [
        (index, token)
        for index, token in enumerate(one.alignment)
        if token.start < 15.0 and token.end > 10.0
    ]
    boxes = axes["tokens"].patches
    assert len(boxes) == len(inside)
    first = plot.token_style(inside[0][0])
    assert to_rgb(boxes[0].get_facecolor()) == pytest.approx(to_rgb(first.colour))
    assert boxes[0].get_x() >= 10.0 and boxes[-1].get_x() + boxes[-1].get_width() <= 15.0
    samples = axes["waveform"].lines[0].get_xdata()
    assert 9.9 < samples[0] < 10.1 and 14.9 < samples[-1] < 15.1
    top, bottom = sorted(axes["contributions"].get_ylim())
    assert bottom - top < 12
    begin, end, *_ = axes["log_mel"].images[0].get_extent()
    assert (begin, end) == pytest.approx((10.0, 15.0), abs=0.02)
    where, token = f"{len(inside)} tokens from 10.00 to 15.00 s", inside[0][1]
    assert f"{where}: “{token.token}” {token.start:.2f}–{token.end:.2f} s" in fig.alt
    assert "Lanes over the whole: overview" in fig.alt
    assert faults(fig) == ([], [])


def test_a_part_without_sound_and_one_without_any_token(make):
    one = of_length(make, 30.0, 1.5, sound=False)
    assert "overview" in plot.panel(one, end=5.0).axes
    quiet = make.transcription([0.9, 0.9, *[0.0] * 200])
    fig, axes = plot.panel(quiet, start=4.0)
    assert "no token" in fig.alt or "1 token" in fig.alt
    assert axes["waveform"].get_xlim() == pytest.approx((4.0, 202 * 0.04))


def test_the_whole_asked_for_is_the_whole(make):
    one = make.transcription()
    whole = plot.panel(one, start=0.0, end=99.0)
    assert list(whole.axes) == list(plot.panel(one).axes)
    assert whole.fig.png() == plot.panel_png(one)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 1.0}, "start must be a number < 0.16"),
        ({"start": -1.0}, "start must be a number >= 0"),
        ({"start": "1"}, "start must be a number"),
        ({"start": 0.1, "end": 0.05}, "end must be a number > 0.1"),
        ({"end": float("nan")}, "end must be a number"),
        ({"width": 1}, "width must be a number >= 3"),
        ({"width": float("inf")}, "width must be a number"),
        ({"lanes": ["weights", "wave"]}, "a lane must be one of .*'weights'.*, got 'wave'"),
        ({"lanes": []}, "lanes must name one lane at least"),
        ({"lanes": 3}, "lanes must be"),
        ({"style": "night"}, "style must be one of 'light', 'dark', 'transparent'"),
        ({"title": 3}, "title must be"),
    ],
)
def test_options_out_of_range(make, options, message):
    with pytest.raises(CIFError, match=message):
        plot.panel(make.transcription(), **options)


def test_lanes_by_name_in_their_order(make):
    other = Alignment((TimedToken("one", 0.0, 0.1),))
    names = ["tokens", "compared: x", "weights"]
    fig, axes = plot.panel(make.transcription(), compare={"x": other}, lanes=names)
    assert list(axes) == names
    assert fig.alt.endswith("Lanes on one time axis: tokens, “x”, weight per frame.")
    assert list(plot.panel(make.transcription(), lanes="tokens").axes) == ["tokens"]


def test_a_title_and_none(make):
    one = make.transcription()
    assert plot.panel(one, title="$x$ is mine").fig.texts[0].get_text() == "$x$ is mine"
    assert plot.panel(one, title="").fig.texts[0].get_text() == ""


def test_width_in_pixels(make):
    image = Image.open(BytesIO(plot.panel_png(make.transcription(), width=4)))
    assert image.width == 400


@pytest.mark.parametrize("style", palette.LOOKS)
def test_texts_can_be_read_on_their_ground(make, style):
    before = dict(mpl.rcParams)
    fig, axes = plot.panel(of_length(make, 8.0), style=style, title="A title")
    assert dict(mpl.rcParams) == before
    assert plot.STYLE["fire"] == "#000000"  # as before
    grounds = {"light": ["#FFFFFF"], "dark": ["#16181D"], "transparent": ["#FFFFFF", "#000000"]}
    inks = {text.get_color() for text in fig.texts}
    for ax in axes.values():
        inks |= {ax.yaxis.label.get_color(), *(one.get_color() for one in ax.get_yticklabels())}
        inks |= {text.get_color() for text in ax.texts if text.get_bbox_patch() is None}
    for ground in grounds[style]:
        for ink in inks:
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    pixels = np.asarray(Image.open(BytesIO(fig.png())).convert("RGBA"))
    expected = (0,) if style == "transparent" else (255,)
    assert pixels[0, 0, 3:] == expected


def contrast(one, other):
    def light(colour):
        value = np.array(to_rgb(colour))
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_names_in_boxes_can_be_read_in_every_look():
    for look in palette.LOOKS.values():
        assert contrast(look["label"], look["halo"]) >= 4.5


def test_many_fires_run_through_the_weights_alone_and_a_line_says_so(make):
    fig, axes = plot.panel(of_length(make, 24.0, 4.2))
    fires = int(of_length(make, 24.0, 4.2).firing.num_fires)
    assert 60 < fires < 140
    note = fig.texts[0].get_text().replace("\n", " ")
    assert f"lines of {fires} fires but through the weights" in note
    assert f"lines of {fires} fires but through the weights" in fig.alt
    with_fires = [
        name
        for name, ax in axes.items()
        if any(len(c.get_offsets()) == fires for c in ax.collections)
    ]
    assert with_fires == ["weights", "accumulation"]


def test_names_without_space_are_counted(make):
    fig, axes = plot.panel(of_length(make, 24.0, 4.2))
    named = len(axes["tokens"].texts)
    fires = len(axes["tokens"].patches)
    assert named < fires
    assert f"{fires - named} of {fires} names (▲) of “tokens”" in fig.alt


def test_rows_without_a_name_are_told_of_few_tokens_too(make):
    fig = plot.panel(of_length(make, 11.0, 2.0)).fig
    note, _ = fig.texts
    assert "names of rows but every 2nd of “shares”" in note.get_text()
    assert "every 2nd" not in fig.alt  # which names all of so few
    assert len(plot.panel(of_length(make, 3.0)).fig.texts) == 1


def test_dots_of_hatches_are_small_in_an_svg_and_stand_where_they_stood(make):
    fig = plot.panel(of_length(make, 11.0, 2.0)).fig
    light = fig.image("svg").decode()
    whole = BytesIO()
    fig.savefig(whole, format="svg", metadata={"Date": None})
    patterns = [
        re.findall("<pattern.*?</pattern>", one, re.DOTALL)
        for one in (light, whole.getvalue().decode())
    ]
    assert len(patterns[0]) == len(patterns[1]) > 3
    sizes = [sum(map(len, one)) for one in patterns]
    assert sizes[0] < sizes[1] / 5
    dots = [max(one, key=len) for one in patterns]
    starts = [re.findall(r"M ?(\S+) (\S+?)(?: \n|a)", one) for one in dots]
    assert len(starts[0]) > 100
    near = [np.array(one, dtype=float) for one in starts]
    assert np.abs(near[0] - near[1]).max() < 0.006
    assert "Not shown" not in plot.panel(of_length(make, 11.0, 2.0)).fig.alt


@pytest.fixture(scope="module")
def lengths():
    """Two minutes, and twenty."""
    return [long_one(3_000), long_one(30_000)]


def test_a_crowded_whole_is_rates_and_its_first_tokens_are_in_detail(lengths):
    one = lengths[0]
    fig, axes = plot.panel(one)
    assert list(axes) == [
        "waveform", "log_mel", "weights", "accumulation", "contributions", "tokens",
        "detail: weights", "detail: accumulation", "detail: contributions", "detail: tokens",
    ]  # fmt: skip
    assert axes["accumulation"].get_ylabel() == "fires per s"
    assert axes["tokens"].get_ylabel() == "tokens per s"
    assert axes["detail: tokens"].get_ylabel() == "tokens"
    steps = axes["accumulation"].patches[0].get_data()
    assert (steps.values * np.diff(steps.edges)).sum() == pytest.approx(int(one.firing.num_fires))
    begin, end = axes["detail: tokens"].get_xlim()
    assert 0.0 <= begin < end <= 30.0
    assert faults(fig) == ([], [])
    assert f"lines of {len(one.tokens)} fires" in fig.alt
    assert "Below it, from" in fig.alt


@pytest.mark.slow
def test_what_is_drawn_does_not_grow_with_the_length(lengths):
    counts = [len(plot.panel(one).fig.findobj()) for one in lengths]
    assert max(counts) < 1500
    assert abs(counts[0] - counts[1]) < 100
    axes = plot.panel(lengths[1]).axes
    for ax in axes.values():
        assert all(image.get_array().shape[1] <= signals.MEANS for image in ax.images)
        assert all(len(line.get_xdata()) <= 4001 for line in ax.lines)
    whole = plot.panel(lengths[1], start=0.0)  # asked for: no detail
    assert "detail: tokens" not in whole.axes


def test_a_part_of_a_long_sound_draws_that_part_alone(lengths, monkeypatch):
    lengths_drawn = []
    log_mel = signals.log_mel

    def listening(values, *given, **named):
        lengths_drawn.append(len(values))
        return log_mel(values, *given, **named)

    monkeypatch.setattr(signals, "log_mel", listening)
    fig, _ = plot.panel(lengths[1], start=1000.0, end=1010.0)
    assert lengths_drawn[0] <= 1002
    assert len(fig.findobj()) < 2500


@pytest.mark.parametrize("kind", ["svg", "pdf"])
@pytest.mark.parametrize("style", others_long(*palette.LOOKS))
def test_vector_pictures_of_every_look(make, kind, style):
    image = plot.panel(of_length(make, 3.0), style=style).fig.image(kind)
    assert image.startswith(b"<?xml" if kind == "svg" else b"%PDF")


def test_dpi_and_default_width_stay(make):
    fig = plot.panel(make.transcription()).fig
    assert (fig.get_figwidth(), fig.dpi) == (panels.WIDTH, images.DPI)
