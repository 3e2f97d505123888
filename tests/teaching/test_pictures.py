"""Pictures, tables, sounds and controls as notebooks keep them."""

import asyncio
import base64
import io
import re
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from cifviz import FrameGrid, Waveform, integrate_and_fire
from cifviz.errors import CIFError
from cifviz.plot import accumulation
from cifviz.plot.images import image_tag, picture_bundle, png
from cifviz.teaching import controls, figures, sound
from cifviz.teaching.controls import Explorer, Slider, explore
from cifviz.teaching.figures import canvas, count_frames, show


@pytest.fixture
def emitted(monkeypatch):
    """The mime bundles that would go into a cell."""
    bundles = []
    for module in (figures, sound):
        monkeypatch.setattr(module, "emit", bundles.append)
    return bundles


def line(ax, *, slope):
    ax.plot([0, 1], [0, slope])


def explorer(draw=line, **kwargs):
    settings = {"still": [{"slope": slope} for slope in (0, 1, 2)], "alt": "Lines.", **kwargs}
    return Explorer(draw, {"slope": Slider(0, 2, 1, 1)}, **settings)


def test_a_picture_says_in_words_what_it_shows(emitted):
    figure, (ax,) = canvas()
    line(ax, slope=1)
    show(figure, 'rises, "steeply" & far')
    (bundle,) = emitted
    assert bundle["text/plain"] == 'Figure: rises, "steeply" & far'
    assert 'alt="rises, &quot;steeply&quot; &amp; far"' in bundle["text/html"]
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.size == (800, 220)
    assert bundle["image/png"] in bundle["text/html"]


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
    for axes in (ax, one._axes, *one.still_figure().axes):
        lines = [axes.plot([0, 1])[0] for _ in range(6)] if axes is ax else axes.lines
        assert [line.get_color() for line in lines] == figures.LINES["color"]
        assert len({str(line._dash_pattern) for line in lines}) == 6


def test_tables_escape_their_bars(emitted):
    figures.table(["a|b"], [["c|d"], [1]])
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
    code = re.search(r'src="data:audio/wav;base64,([^"]+)"', emitted[0]["text/html"])[1]
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(code)), dtype="float32")
    assert rate == 16_000
    assert np.abs(heard - samples).max() < 1e-4


def test_no_tokens_no_players(emitted):
    sound.play_all([])
    assert emitted[0]["text/plain"] == "No token was heard."


def test_moving_a_control_redraws():
    one = explorer()
    before = one.picture.value
    one.controls["slope"].value = 2
    assert one.picture.value != before
    assert "slope = 2" in one.picture.value
    assert re.search('<img alt="Lines. Now: slope = 2."', one.picture.value)
    one.controls["slope"].value = 1
    assert one.picture.value == before


def test_a_caption_stands_behind_the_settings():
    def draw(ax, *, slope):
        line(ax, slope=slope)
        return f"{slope} fires"

    one = explorer(draw)
    assert "slope = 1: 1 fires" in one.picture.value
    titles = [ax.get_title(loc="left") for ax in one.still_figure().axes]
    assert titles == ["slope = 0: 0 fires", "slope = 1: 1 fires", "slope = 2: 2 fires"]


def test_nothing_of_the_last_picture_remains():
    one = explorer()
    for slope in (0, 2, 0, 1):
        one.controls["slope"].value = slope
        assert len(one._axes.lines) == 1


def test_movements_in_between_are_skipped():
    drawn = []

    def draw(ax, *, slope):
        drawn.append(slope)

    async def move():
        one = explorer(draw)
        drawn.clear()
        for slope in (2, 0, 2):
            one.controls["slope"].value = slope
        assert drawn == []
        await asyncio.sleep(controls.DELAY * 3)

    asyncio.run(move())
    assert drawn == [2]


def test_the_picture_follows_within_a_tenth_of_a_second():
    """10 s of speech with three tokens a second; kernel time, at its best if others work, too."""
    grid = FrameGrid(0.04)
    weights = torch.rand(1, 250, generator=torch.Generator().manual_seed(0)) * 0.24
    frames = torch.zeros(1, 250, 1)

    def draw(ax, *, threshold):
        accumulation(integrate_and_fire(weights, frames, threshold=threshold), grid, ax=ax)

    still = [{"threshold": threshold} for threshold in (1.0, 1.5, 2.0)]
    slider = Slider(0.9, 2.0, 0.01, 2.0)
    one = Explorer(draw, {"threshold": slider}, still=still, alt="Accumulated weight.")
    assert min(one.seconds() for _ in range(4)) < 0.1
    assert controls.DELAY < 0.05


def test_a_slow_picture_is_measured():
    one = explorer(lambda ax, slope: [ax.plot([0, slope]) for _ in range(150)])
    assert one.seconds() > 0.03
    assert len(one._axes.lines) == 150


def test_whole_numbers_floats_and_choices_have_their_own_controls():
    specs = {"whole": Slider(0, 3, 1, 1), "float": Slider(0, 1, 0.5, 0.5), "choice": ["a", "b"]}
    still = [{"whole": 1, "float": 0.5, "choice": choice} for choice in ("a", "b", "a")]
    one = Explorer(lambda ax, **settings: None, specs, still=still, alt="Nothing.")
    kinds = [type(control).__name__ for control in one.controls.values()]
    assert kinds == ["IntSlider", "FloatSlider", "SelectionSlider"]
    assert one.settings == {"whole": 1, "float": 0.5, "choice": "a"}


def test_explore_always_leaves_a_still(emitted):
    explore(line, slope=Slider(0, 2, 1, 1), still=[{"slope": s} for s in (0, 1, 2)], alt="Lines.")
    (bundle,) = emitted
    assert bundle["text/plain"] == "Figure: Lines."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"still": [{"slope": 1}] * 2}, "3 to 5 settings, got 2"),
        ({"still": [{"slop": 1}] * 3}, "must name \\['slope'\\], got \\['slop'\\]"),
        ({"slope": Slider(0, 2, 1, 5)}, "low <= start <= high"),
        ({"slope": Slider(0, 2, 0, 1)}, "step > 0"),
    ],
)
def test_a_wrong_control_is_refused(change, message):
    good = {"slope": Slider(0, 2, 1, 1), "still": [{"slope": 1}] * 3, "alt": "Lines."}
    with pytest.raises(CIFError, match=message):
        explore(line, **{**good, **change})
    with pytest.raises(CIFError, match="at least one control"):
        explore(line, still=[], alt="Lines.")


def test_an_image_carries_itself():
    assert "http" not in image_tag(b"png", "words")
