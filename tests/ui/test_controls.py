"""The controls of a lesson in a real JupyterLab: a picture is always the one that its words say."""

import random
import re

import pytest

from cifviz.course.live_figures import LiveFigure, Slider
from tests.ui import browser, jupyter
from tests.ui.explored import window

pytestmark = [browser.needed, pytest.mark.long]

ROUNDS, MOVES = 40, 5
"""Two hundred movements: a few of each pair of controls. Jupyter handles the first messages of a
control in another thread than the later ones."""

DRAW = """
import math
import time


def draw(ax, *, recording, threshold):
    level = 1 + "abcd".index(recording)
    ax.plot([math.sin(level * x / 20) for x in range(100)])
    time.sleep(0.02)  # here a lesson computes, and another thread may draw
    ax.axhline(threshold)
    for x in range(level):
        ax.text(10 * x, 0, recording)
    return f"{level} of 4"


controls = {"recording": tuple("abcd"), "threshold": (0, 40, 1, 20)}
static = [{"recording": one, "threshold": 1} for one in "abc"]
alt = "A curve and a line."
"""
SHOW = f"""
from IPython.display import display
from cifviz.course.live_figures import LiveFigure, Slider

controls["threshold"] = Slider(*controls["threshold"])
shown = [LiveFigure(draw, controls, static=static, alt=alt) for _ in range({ROUNDS})]
display(*[one.widget for one in shown])
"""

WATCH = """() => {
    window.shown = [];
    window.boxes = [...document.querySelectorAll('.widget-vbox')];
    const look = box => {
        const image = box.querySelector('img');
        if (image) shown.push([image.alt, image.src]);
    };
    const all = { childList: true, subtree: true, attributes: true };
    for (const box of boxes) {
        look(box);
        new MutationObserver(() => look(box)).observe(box, all);
    }
}"""
"""Keeps every picture that is shown, with its words."""

MOVE = """async ([box, moves]) => {
    const handles = boxes[box].querySelectorAll('.noUi-handle');
    for (const [slider, key, pause] of moves) {
        handles[slider].dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        await new Promise(done => setTimeout(done, pause));
    }
}"""
"""Presses arrow keys on sliders, with a pause of some milliseconds after each."""

KEYS = {1: "ArrowRight", -1: "ArrowLeft"}


def moved(stand, rng):
    """A few movements, both sliders in turn, and where the sliders are then."""
    moves, stand = [], list(stand)
    for move in range(MOVES):
        slider = move % 2
        end = (3, 40)[slider]
        step = rng.choice([-1, 1])
        if not 0 <= stand[slider] + step <= end:
            step = -step
        stand[slider] += step
        moves.append((slider, KEYS[step], rng.choice([0, 15, 30, 60, 90])))
    return moves, tuple(stand)


def alone(alts):
    """The pictures of these words, each drawn where nobody else draws."""
    given = {}
    exec(DRAW, given)
    controls = {**given["controls"], "threshold": Slider(*given["controls"]["threshold"])}
    one = LiveFigure(given["draw"], controls, static=given["static"], alt=given["alt"])
    found = {}
    for alt in alts:
        recording, threshold = re.search(r"recording = (\w), threshold = (\d+)", alt).groups()
        one.controls["recording"].value = recording
        one.controls["threshold"].value = int(threshold)
        one.redraw()  # the loop of playwright, which runs here, would not
        written, found[alt] = re.search('alt="(.*?)" src="(.*?)"', one.picture.value).groups()
        assert written == alt
    return found


@pytest.fixture(scope="module")
def page(jupyter_server, chromium):
    """A notebook that shows many pairs of controls."""
    folder, address = jupyter_server("lab")
    jupyter.write_notebook(folder / "controls.ipynb", DRAW, SHOW)
    with window(chromium) as opened:
        notebook = jupyter.OpenNotebook(opened, address("controls.ipynb"))
        for cell in (0, 1):
            notebook.run(cell)
        opened.wait_for_function(
            f"document.querySelectorAll('.widget-vbox img').length == {ROUNDS}"
        )
        yield opened


def test_two_hundred_quick_movements_show_no_wrong_picture(page):
    rng = random.Random(0)
    page.evaluate(WATCH)
    for box in range(ROUNDS):
        moves, stand = moved((0, 20), rng)
        page.evaluate(MOVE, [box, moves])
        words = f"A curve and a line. Now: recording = {'abcd'[stand[0]]}, threshold = {stand[1]}:"
        page.wait_for_function(
            "([box, words]) => boxes[box].querySelector('img').alt.startsWith(words)",
            arg=[box, words],
        )
    shown = page.evaluate("shown")
    assert len(shown) > 2 * ROUNDS
    expected = alone({alt for alt, _ in shown})
    assert [alt for alt, picture in shown if picture != expected[alt]] == []


STEP = """
from IPython.display import display
from cifviz.course.live_figures import LiveFigure, Steps


def draw(ax, *, position):
    ax.axvline(position)


steps = Steps([0.0, 0.5, 1.0, 1.5], interval=200)
static = [{"position": one} for one in (0.0, 1.0, 1.5)]
display(LiveFigure(draw, {"position": steps}, static=static, alt="A line.").widget)
"""


def test_an_animation_plays_to_its_last_value(jupyter_server, chromium):
    folder, address = jupyter_server("lab")
    jupyter.write_notebook(folder / "steps.ipynb", STEP)
    with window(chromium) as opened:
        jupyter.OpenNotebook(opened, address("steps.ipynb")).run(0)
        picture = opened.locator(".widget-vbox img")
        assert picture.get_attribute("alt") == "A line. Now: position = 0."
        opened.locator(".widget-play button").first.click()
        opened.wait_for_function(
            "document.querySelector('.widget-vbox img').alt == 'A line. Now: position = 1.5.'"
        )
        assert opened.locator(".widget-readout").first.inner_text() == "1.5"
