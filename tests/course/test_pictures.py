"""Pictures, tables, sounds and controls as notebooks keep them."""

import asyncio
import base64
import io
import re
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import cifviz
from cifviz import Waveform
from cifviz.course import figures, live_figures, sound, tables
from cifviz.course.figures import canvas, count_frames, show
from cifviz.course.live_figures import LiveFigure, Slider, Steps, live_explorer, live_figure
from cifviz.errors import CIFError
from cifviz.plot import panel
from cifviz.plot.images import image_tag, picture_bundle, png
from tests.threads import LONG, watched


@pytest.fixture
def emitted(monkeypatch):
    """The mime bundles that would go into a cell."""
    bundles = []
    for module in (figures, sound, tables):
        monkeypatch.setattr(module, "emit", bundles.append)
    return bundles


@pytest.fixture(scope="module")
def hypothesis():
    return cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_two").waveform)


def line(ax, *, slope):
    ax.plot([0, 1], [0, slope])


def explorer(draw=line, **kwargs):
    settings = {"static": [{"slope": slope} for slope in (0, 1, 2)], "alt": "Lines.", **kwargs}
    return LiveFigure(draw, {"slope": Slider(0, 2, 1, 1)}, **settings)


def test_a_picture_says_in_words_what_it_shows(emitted):
    figure, (ax,) = canvas()
    line(ax, slope=1)
    show(figure, 'rises, "steeply" & far')
    (bundle,) = emitted
    assert bundle["text/plain"] == 'Figure: rises, "steeply" & far'
    assert 'alt="rises, &quot;steeply&quot; &amp; far"' in bundle["text/html"]
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.size == (800, 220)
    code = re.search(r'width="800" src="data:image/webp;base64,([^"]+)"', bundle["text/html"])[1]
    sharp = Image.open(io.BytesIO(base64.b64decode(code)))
    assert sharp.size == (1600, 440), "twice the pixels for the same size"
    small, same = (
        np.asarray(one.convert("L"), float) for one in (picture, sharp.resize((800, 220)))
    )
    assert np.abs(small - same).mean() < 5, "of one picture"


def test_a_picture_without_words_is_refused():
    with pytest.raises(CIFError, match="alt must say"):
        picture_bundle(b"", " ")


def test_the_same_figure_gives_the_same_bytes():
    pictures = []
    for _ in range(2):
        figure, axes = canvas(2)
        line(axes[0], slope=1)
        pictures.append(png(figure))
    assert pictures[0] == pictures[1]
    assert png(figure, colours=None) == png(figure, colours=None)


def test_showing_touches_no_other_figure(emitted):
    plt = pytest.importorskip("matplotlib.pyplot")
    mine, other = plt.figure(), plt.figure()
    show(mine, "An empty figure of pyplot.")
    assert plt.get_fignums() == [other.number]
    plt.close(other)


def test_a_canvas_is_unknown_to_pyplot():
    plt = sys.modules["matplotlib.pyplot"]
    canvas()
    assert plt.get_fignums() == []
    with pytest.raises(CIFError, match="rows must be > 0"):
        canvas(0)


def test_frames_are_counted_at_their_edges():
    _, (ax,) = canvas()
    count_frames(ax, 3)
    assert ax.get_xticks().tolist() == [0, 1, 2, 3]


def test_lines_differ_in_colour_and_in_dash():
    _, (ax,) = canvas()
    one = explorer(lambda ax, slope: [ax.plot([0, slope]) for _ in range(6)])
    one.controls["slope"].value = 2
    for axes in (ax, one._axes, *one.static_figure().axes):
        lines = [axes.plot([0, 1])[0] for _ in range(6)] if axes is ax else axes.lines
        assert [line.get_color() for line in lines] == figures.LINES["color"]
        assert len({str(line._dash_pattern) for line in lines}) == 6


def test_tables_escape_their_bars(emitted):
    tables.table(["a|b"], [["c|d"], [1]])
    (bundle,) = emitted
    assert bundle["text/markdown"].splitlines() == ["| a\\|b |", "|---|", "| c\\|d |", "| 1 |"]
    assert bundle["text/plain"].splitlines() == ["a|b", "c|d", "1"]


def test_players_carry_their_names(emitted):
    loud = Waveform(np.zeros(160, dtype=np.float32))
    sound.play_all([("<one>", loud), ("two", Waveform(np.zeros(0, dtype=np.float32)))])
    (bundle,) = emitted
    assert bundle["text/html"].count("<audio") == 1
    assert 'aria-label="&lt;one&gt;"' in bundle["text/html"]
    assert "(no sound)" in bundle["text/html"]
    assert bundle["text/plain"] == "Sound: <one>, 0.01 s; two, 0.00 s"


def test_a_player_plays_the_samples(emitted):
    import soundfile

    samples = np.linspace(-0.5, 0.5, 800, dtype=np.float32)
    sound.play(Waveform(samples), "a ramp")
    code = re.search(r'src="data:audio/flac;base64,([^"]+)"', emitted[0]["text/html"])[1]
    hypothesis, rate = soundfile.read(io.BytesIO(base64.b64decode(code)), dtype="float32")
    assert rate == 16_000
    assert np.abs(hypothesis - samples).max() < 1e-4


def test_no_tokens_no_players(emitted):
    sound.play_all([])
    assert emitted[0]["text/plain"] == "No token fired."


def test_moving_a_control_redraws():
    one = explorer()
    before = one.picture.value
    one.controls["slope"].value = 2
    assert one.picture.value != before
    assert "slope = 2" in one.picture.value
    assert re.search('<img alt="Lines. Now: slope = 2."', one.picture.value)
    one.controls["slope"].value = 1
    assert one.picture.value == before


def test_a_movement_is_one_drawing_and_going_back_is_none(monkeypatch):
    """Seconds are those of a machine: `python -m benchmarks explorer` measures them."""
    one, made = explorer(), []
    monkeypatch.setattr(live_figures, "png", lambda *args, **kwargs: made.append(1) or b"")
    for slope, drawings in ((2, 1), (0, 2), (2, 2), (1, 2), (0, 2)):
        one.controls["slope"].value = slope
        assert len(made) == drawings
    assert one.redraw_effort() > 0
    assert len(made) == 2 + 2 * len(one.static)


def test_a_caption_stands_behind_the_settings():
    def draw(ax, *, slope):
        line(ax, slope=slope)
        return f"{slope} fires"

    one = explorer(draw)
    assert "slope = 1: 1 fires" in one.picture.value
    titles = [ax.get_title(loc="left") for ax in one.static_figure().axes]
    assert titles == ["slope = 0: 0 fires", "slope = 1: 1 fires", "slope = 2: 2 fires"]


def test_nothing_of_the_last_picture_remains():
    one = explorer()
    for slope in (0, 2, 0, 1):
        one.controls["slope"].value = slope
        assert len(one._axes.lines) == 1


def test_movements_in_between_are_skipped():
    called = []

    async def move():
        done = asyncio.Event()
        follow = live_figures._Debounced(lambda: (called.append(1), done.set()), 0.0)
        for _ in range(3):
            follow()
        assert called == []
        await done.wait()
        for _ in range(10):  # those that were skipped would have come by now
            await asyncio.sleep(0)

    asyncio.run(move())
    assert called == [1]


# Two threads


class Drawing:
    """Draws a line for a recording and a level; the first time it waits halfway."""

    def __init__(self):
        self.drawn, self.at_once = [], 0
        self.waits, self.halfway, self.go_on = False, threading.Event(), threading.Event()

    def __call__(self, ax, *, recording, level):
        self.at_once += 1
        self.drawn.append((recording, level))
        assert self.at_once == 1 or not self.waits
        ax.plot([0, 1], [0, "abc".index(recording)])
        if self.waits:
            self.waits = False
            self.halfway.set()
            assert self.go_on.wait(LONG)
        ax.axhline(level)
        self.at_once -= 1
        return recording


def two_controls(draw):
    static = [{"recording": one, "level": 1} for one in "abc"]
    specs = {"recording": "abc", "level": Slider(0, 9, 1, 0)}
    return LiveFigure(draw, specs, static=static, alt="A line.")


def alone(recording, level):
    """The picture of these settings, drawn by somebody who draws nothing else."""
    one = two_controls(Drawing())
    one.controls["recording"].value = recording
    one.controls["level"].value = level
    return one.picture.value


def move(one, recording, level):
    one.controls["recording"].value = recording
    one.controls["level"].value = level
    return one.picture.value


def test_controls_that_two_threads_move_show_what_they_say():
    """One moves while the picture of the other is half drawn; then both go back."""
    draw = Drawing()
    one = two_controls(draw)
    draw.drawn.clear()
    draw.waits = True
    other = threading.Thread(target=lambda: setattr(one.controls["recording"], "value", "b"))
    other.start()
    assert draw.halfway.wait(LONG)
    for level in (3, 5, 7):
        one.controls["level"].value = level
    draw.go_on.set()
    other.join()
    assert one.picture.value == alone("b", 7)
    assert draw.drawn == [("b", 0), ("b", 7)]  # what was asked for in between is dropped
    assert move(one, "b", 0) == alone("b", 0)
    assert move(one, "a", 0) == alone("a", 0)
    assert move(one, "b", 7) == alone("b", 7)


def test_a_drawing_that_moves_a_control_is_drawn_to_its_end_first():
    draw, moved = Drawing(), []

    def moving(ax, *, recording, level):
        if recording == "b" and not moved:
            moved.append(one.controls["level"])
            ax.plot([0, 1], [1, 1])
            one.controls["level"].value = 4
        return draw(ax, recording=recording, level=level)

    one = two_controls(moving)
    one.controls["recording"].value = "b"
    assert one.picture.value == alone("b", 4)


def test_a_drawing_that_fails_is_told_and_the_next_is_drawn():
    def failing(ax, *, slope):
        if slope == 2:
            raise ValueError("no such slope")
        line(ax, slope=slope)

    one = explorer(failing)
    before = one.picture.value
    with pytest.raises(ValueError, match="no such slope"):
        one.controls["slope"].value = 2
    assert one.picture.value == before
    one.controls["slope"].value = 0
    assert "slope = 0" in one.picture.value


def test_a_drawing_that_fails_does_not_keep_the_next_one_waiting():
    """Another thread moves on while it fails: nobody misses the picture that failed."""
    one = two_controls(Drawing())
    draw, inside, go_on = one.draw, threading.Event(), threading.Event()

    def failing(ax, **settings):
        if settings == {"recording": "b", "level": 0}:
            inside.set()
            assert go_on.wait(LONG)
            raise ValueError("no such picture")
        return draw(ax, **settings)

    one.draw = failing
    other = threading.Thread(target=lambda: setattr(one.controls["recording"], "value", "b"))
    other.start()
    assert inside.wait(LONG)
    one.controls["level"].value = 4
    go_on.set()
    other.join()
    assert one.picture.value == alone("b", 4)


@pytest.mark.parametrize("what", ["png", "panel", "panel.png", "canvas", "show", "static_figure"])
def test_what_a_cell_draws_waits_for_the_picture_of_a_control(
    what, emitted, monkeypatch, hypothesis
):
    lock = watched(monkeypatch)
    draw = Drawing()
    one, (figure, _), pictured = two_controls(draw), canvas(), panel(hypothesis)
    cell = {
        "png": lambda: png(figure),
        "panel": lambda: panel(hypothesis),
        "panel.png": pictured._repr_png_,
        "canvas": canvas,
        "show": lambda: show(figure, "Nothing."),
        "static_figure": explorer().static_figure,
    }[what]
    order, draw.waits = [], True
    moving = threading.Thread(target=lambda: (move(one, "b", 0), order.append("control")))
    drawing = threading.Thread(target=lambda: (cell(), order.append("cell")))
    moving.start()
    assert draw.halfway.wait(LONG)
    drawing.start()
    assert lock.awaited.wait(LONG)
    assert order == []
    draw.go_on.set()
    moving.join()
    drawing.join()
    assert sorted(order) == ["cell", "control"]
    assert one.picture.value == alone("b", 0)


def test_whole_numbers_floats_and_choices_have_their_own_controls():
    specs = {"whole": Slider(0, 3, 1, 1), "float": Slider(0, 1, 0.5, 0.5), "choice": ["a", "b"]}
    static = [{"whole": 1, "float": 0.5, "choice": choice} for choice in ("a", "b", "a")]
    one = LiveFigure(lambda ax, **settings: None, specs, static=static, alt="Nothing.")
    kinds = [type(control).__name__ for control in one.controls.values()]
    assert kinds == ["IntSlider", "FloatSlider", "SelectionSlider"]
    assert one.settings == {"whole": 1, "float": 0.5, "choice": "a"}


def test_steps_are_a_slider_with_buttons_that_a_browser_links_to_it():
    static = [{"slope": slope} for slope in (0.0, 0.5, 1.0)]
    steps = Steps([0.0, 0.5, 1.0], interval=300)
    one = LiveFigure(line, {"slope": steps}, static=static, alt="Lines.")
    buttons, slider = one.widget.children[0].children
    assert slider is one.controls["slope"] and slider.options == (0.0, 0.5, 1.0)
    assert (buttons.min, buttons.max, buttons.interval, buttons.playing) == (0, 2, 300, False)
    slider.index = 1  # as the link does
    assert one.settings == {"slope": 0.5}


def test_a_live_figure_always_leaves_a_static_fallback(emitted):
    live_figure(
        line, slope=Slider(0, 2, 1, 1), static=[{"slope": s} for s in (0, 1, 2)], alt="Lines."
    )
    (bundle,) = emitted
    assert bundle["text/plain"] == "Figure: Lines."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"static": [{"slope": 1}] * 2}, "3 to 5 settings, got 2"),
        ({"static": [{"slop": 1}] * 3}, "must name \\['slope'\\], got \\['slop'\\]"),
        ({"slope": Slider(0, 2, 1, 5)}, "low <= start <= high"),
        ({"slope": Slider(0, 2, 0, 1)}, "step > 0"),
        ({"slope": Steps([])}, "slope needs at least one value"),
    ],
)
def test_a_wrong_control_is_refused(change, message):
    good = {"slope": Slider(0, 2, 1, 1), "static": [{"slope": 1}] * 3, "alt": "Lines."}
    with pytest.raises(CIFError, match=message):
        live_figure(line, **{**good, **change})
    with pytest.raises(CIFError, match="at least one control"):
        live_figure(line, static=[], alt="Lines.")


def test_an_image_carries_itself():
    assert "http" not in image_tag(b"png", "words")


def test_an_explorer_has_a_numbered_caption(capsys):
    result = cifviz.Transcription.from_alpha([0.6, 0.6, 0.8], ["a", "b"], frame_shift=0.1)
    for caption in ("Two boxes.", "The same boxes."):
        live_explorer(cifviz.explore(result), caption=caption)
    lines = [one for one in capsys.readouterr().out.splitlines() if one.endswith("boxes.")]
    first, second = (int(re.match(r"Figure (\d+)\. ", one)[1]) for one in lines)
    assert second == first + 1
