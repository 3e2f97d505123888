"""The controls of a lesson in a real JupyterLab: a picture is always the one that its words say."""

import random
import re

import pytest

from cifviz.teaching.controls import Explorer, Slider
from tests.ui import browser, jupyter

pytestmark = [browser.needed, pytest.mark.slow]

DRAW = """
import math


def draw(ax, *, recording, threshold):
    level = 1 + "abcd".index(recording)
    ax.plot([math.sin(level * x / 20) for x in range(100)])
    ax.axhline(threshold)
    for x in range(level):
        ax.text(10 * x, 0, recording)
    return f"{level} of 4"


controls = {"recording": tuple("abcd"), "threshold": (0, 40, 1, 20)}
still = [{"recording": one, "threshold": 1} for one in "abc"]
alt = "A curve and a line."
"""
SHOW = """
from cifviz.teaching import Slider, explore

controls["threshold"] = Slider(*controls["threshold"])
explore(draw, **controls, still=still, alt=alt)
"""

WATCH = """() => {
    window.shown = [];
    const box = document.querySelector('.widget-vbox');
    const look = () => {
        const image = box.querySelector('img');
        if (image) shown.push([image.alt, image.src]);
    };
    look();
    new MutationObserver(look).observe(box, { childList: true, subtree: true, attributes: true });
}"""
"""Keeps every picture that is shown, with its words."""

MOVE = """moves => {
    const handles = document.querySelectorAll('.widget-vbox .noUi-handle');
    for (const [slider, key] of moves) {
        handles[slider].dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    }
}"""
"""Presses arrow keys on sliders, one right after the other."""

KEYS = {1: "ArrowRight", -1: "ArrowLeft"}
ROUNDS, MOVES = 40, 5


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
        moves.append((slider, KEYS[step]))
    return moves, tuple(stand)


def alone(alts):
    """The pictures of these words, each drawn where nobody else draws."""
    given = {}
    exec(DRAW, given)
    controls = {**given["controls"], "threshold": Slider(*given["controls"]["threshold"])}
    one = Explorer(given["draw"], controls, still=given["still"], alt=given["alt"])
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
def page(tmp_path_factory):
    """A notebook that shows two controls."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("controls")
    jupyter.write_notebook(folder / "controls.ipynb", DRAW, SHOW)
    with jupyter.server("lab", folder) as place, sync_playwright() as play:
        running = play.chromium.launch(executable_path=browser.executable(), args=browser.QUIET)
        opened = jupyter.OpenNotebook(running.new_page(), place("controls.ipynb"))
        for cell in (0, 1):
            opened.run(cell)
        opened.page.wait_for_selector(".widget-vbox img")
        yield opened.page
        running.close()


def test_two_hundred_quick_movements_show_no_wrong_picture(page):
    rng, stand = random.Random(0), (0, 20)
    page.evaluate(WATCH)
    for _ in range(ROUNDS):
        moves, stand = moved(stand, rng)
        page.evaluate(MOVE, moves)
        words = f"A curve and a line. Now: recording = {'abcd'[stand[0]]}, threshold = {stand[1]}:"
        page.wait_for_function("words => shown.at(-1)[0].startsWith(words)", arg=words)
    shown = page.evaluate("shown")
    assert len(shown) > ROUNDS
    expected = alone({alt for alt, _ in shown})
    assert [alt for alt, picture in shown if picture != expected[alt]] == []
