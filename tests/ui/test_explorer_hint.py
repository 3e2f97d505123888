"""The sentence that says what to try first, and goes away."""

import pytest

from cifviz.explorer import to_html
from tests.ui import browser

pytestmark = browser.needed

REFUSE = """Object.defineProperty(window, 'localStorage', {
    get() { throw new DOMException('refused', 'SecurityError'); } })"""


@pytest.fixture(scope="module")
def written(transcription, tmp_path_factory):
    return to_html(transcription, tmp_path_factory.mktemp("hint") / "hint.html")


def hint(opened):
    return opened.locator(".cifviz-hint")


def by_a_click(opened):
    opened.locator("canvas.cifviz-picture").click(position={"x": 300, "y": 200})


def by_a_key(opened):
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("ArrowRight")


def by_its_button(opened):
    opened.get_by_role("button", name="hide").focus()
    opened.keyboard.press("Enter")


def by_a_button_below(opened):
    opened.get_by_role("button", name="zoom in").click()


@pytest.mark.smoke
@pytest.mark.parametrize("gesture", [by_a_click, by_a_key, by_its_button, by_a_button_below])
def test_the_first_gesture_ends_it_for_good(opening, written, gesture):
    opened = opening(written)
    text = hint(opened).get_by_text("Try first: click a token, then move the threshold β.")
    text.wait_for(state="visible")
    gesture(opened)
    text.wait_for(state="hidden")
    opened.reload()
    opened.wait_for_function("() => window.cifvizExplorer")
    assert hint(opened).count() == 0


def test_a_button_does_not_move_from_under_the_mouse(opening, written):
    opened = opening(written)
    button = opened.get_by_role("button", name="zoom in")
    before = button.bounding_box()
    button.click()
    assert not hint(opened).is_visible() and button.bounding_box() == before
    opened.mouse.move(2, 2)
    hint(opened).wait_for(state="detached")


def test_tab_and_the_mouse_on_its_way_are_no_gestures(opening, written):
    opened = opening(written)
    opened.mouse.move(300, 200)
    opened.keyboard.press("Tab")
    opened.keyboard.press("Tab")
    assert hint(opened).is_visible()


def test_it_is_announced_once(opening, written):
    opened = opening(written)
    text = hint(opened).locator("[aria-live]")
    text.get_by_text("Try first").wait_for()
    opened.evaluate(
        """() => { window.changes = 0;
        new MutationObserver(() => { changes += 1; }).observe(
            document.querySelector('.cifviz-hint'), { childList: true, subtree: true }); }"""
    )
    opened.evaluate("() => cifvizExplorer.set({ threshold: 0.7 })")
    opened.evaluate("() => new Promise(done => setTimeout(done, 500))")
    assert opened.evaluate("() => changes") == 0


def test_a_browser_without_a_memory_does_no_harm(opening, written):
    opened = opening(written)
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.add_init_script(REFUSE)
    for _ in range(2):  # it comes again, and goes again
        opened.reload()
        hint(opened).wait_for()
        by_a_click(opened)
        hint(opened).wait_for(state="detached")
    assert errors == []


def test_it_covers_nothing_and_is_not_printed(opening, written):
    opened = opening(written, width=400)
    box, canvas = hint(opened).bounding_box(), opened.locator("canvas").first.bounding_box()
    assert box["y"] >= canvas["y"] + canvas["height"]
    opened.emulate_media(media="print")
    assert not hint(opened).is_visible()
