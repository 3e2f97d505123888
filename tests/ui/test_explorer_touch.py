"""The explorer on a phone: fingers on the picture, and a layout for a narrow page."""

import pytest

from cifviz.explorer import to_html
from tests.repeats import others_long
from tests.ui import browser
from tests.ui.explored import tokens_of, wait_for_sound

pytestmark = browser.needed

VIEW = "[cifvizExplorer.scale.begin, cifvizExplorer.scale.end]"
AT = """([lane, seconds]) => {
    const { picture, scale } = cifvizExplorer;
    const box = picture.canvas.getBoundingClientRect();
    const strip = lane === 'map' ? { top: 0, height: 18 } : picture.strips[lane];
    return [box.left + picture.gutter + scale.x(seconds), box.top + strip.top + strip.height / 2];
}"""
HAND_CLOCK = """() => {
    const { setTimeout: start, clearTimeout: end } = window;
    window.resting = null;
    window.setTimeout = (act, wait) => wait === 500 ? (window.resting = act, -1) : start(act, wait);
    window.clearTimeout = one => { if (one === -1) window.resting = null; else end(one); };
}"""
"""A finger rests when a test says so, however slow the machine is: by `resting()`."""
SMALL = """() => [...document.querySelectorAll('main :is(button, select, summary, input)')]
    .filter(one => one.checkVisibility() && !one.disabled)
    .map(one => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.height < 40 || box.width < 40)
    .map(([one, box]) => `${one.outerHTML.slice(0, 60)} ${box.width} x ${box.height}`)"""


@pytest.fixture(scope="module")
def written(transcription, clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("phone") / "phone.html"
    return to_html(transcription, path, reference=clip.words)


@pytest.fixture
def opened(opening, written):
    """A page on a phone, with the top of its picture in view."""
    page = opening(written, width=400, has_touch=True, is_mobile=True)
    page.evaluate(HAND_CLOCK)
    page.evaluate("cifvizExplorer.stage.scrollIntoView()")
    return page


class Fingers:
    """Fingers on the glass, each a point of the page."""

    def __init__(self, page):
        self.page = page
        self.session = page.context.new_cdp_session(page)

    def on(self, lane, seconds):
        return self.page.evaluate(AT, [lane, seconds])

    def touch(self, kind, *points):
        """Of "touchStart", "touchMove", "touchEnd" and "touchCancel", those that still touch."""
        given = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    def drag(self, start, *, by, steps=10):
        """Move a finger, and lift it."""
        self.touch("touchStart", start)
        for step in range(1, steps + 1):
            moved = [start[0] + by[0] * step / steps, start[1] + by[1] * step / steps]
            self.touch("touchMove", moved)
        self.touch("touchEnd")

    def pinch(self, *ends):
        """Move two fingers, each from a point to another one, and lift them."""
        self.touch("touchStart", ends[0][0])
        self.touch("touchStart", *(start for start, _ in ends))
        for step in range(1, 11):
            self.touch(
                "touchMove",
                *(
                    [a + (b - a) * step / 10 for a, b in zip(start, end, strict=True)]
                    for start, end in ends
                ),
            )
        self.touch("touchEnd")


@pytest.fixture
def fingers(opened):
    return Fingers(opened)


def scrolled(opened):
    return opened.evaluate("scrollY")


@pytest.mark.smoke
def test_a_tap_selects_and_plays_a_token(opened, fingers, transcription):
    start, end = transcription.alignment.spans[2]
    at = fingers.on("tokens", (start + end) / 2)
    fingers.touch("touchStart", at)
    fingers.touch("touchEnd")
    wait_for_sound(opened)
    assert opened.evaluate("cifvizExplorer.selected") == 2
    assert opened.evaluate("started.length") == 1
    assert opened.evaluate(VIEW) == [0, transcription.duration]


def test_a_tap_beside_a_small_token_finds_it(opened, fingers):
    opened.evaluate("""() => cifvizExplorer.place([{ label: 'short', start: 1, end: 1.01 }])""")
    x, y = fingers.on("tokens", 1.005)
    for beside, selected in ((40, None), (10, 0)):
        fingers.touch("touchStart", [x + beside, y])
        fingers.touch("touchEnd")
        assert opened.evaluate("cifvizExplorer.selected") == selected


def test_one_finger_moves_the_view_and_plays_nothing(opened, fingers, transcription):
    opened.evaluate("cifvizExplorer.zoom(0.25)")
    begin, end = opened.evaluate(VIEW)
    width = opened.evaluate("cifvizExplorer.scale.width")
    before = scrolled(opened)
    fingers.drag(fingers.on("weights", end - 0.01), by=(-100, 0))
    moved = opened.evaluate(VIEW)
    assert moved[0] - begin == pytest.approx((end - begin) * 100 / width, rel=0.15)
    assert moved[1] - moved[0] == pytest.approx(end - begin)
    assert opened.evaluate("cifvizExplorer.selected") is None
    assert opened.evaluate("started.length") == 0 and scrolled(opened) == before


def test_up_and_down_the_page_scrolls_and_nothing_else(opened, fingers, transcription):
    before = scrolled(opened)
    fingers.drag(fingers.on("tokens", 1.0), by=(0, -200))
    assert opened.wait_for_function("before => scrollY > before + 100", arg=before)
    assert opened.evaluate(VIEW) == [0, transcription.duration]
    assert opened.evaluate("[cifvizExplorer.selected, started.length]") == [None, 0]


def test_two_fingers_zoom_around_their_middle(opened, fingers, transcription):
    middle = transcription.duration / 3
    x, y = fingers.on("weights", middle)
    before = scrolled(opened)
    fingers.pinch(([x - 20, y], [x - 60, y + 20]), ([x + 20, y + 20], [x + 60, y - 20]))
    begin, end = opened.evaluate(VIEW)
    factor = (60**2 + 20**2) ** 0.5 / (20**2 + 10**2) ** 0.5
    assert end - begin == pytest.approx(transcription.duration / factor, rel=0.02)
    assert fingers.on("weights", middle)[0] == pytest.approx(x, abs=1)
    assert scrolled(opened) == before and opened.evaluate("started.length") == 0
    # Together again, everything is in view.
    fingers.pinch(([x - 100, y], [x - 2, y]), ([x + 100, y], [x + 2, y]))
    assert opened.evaluate(VIEW) == pytest.approx([0, transcription.duration])


def test_a_finger_that_rests_shows_the_values_under_it(opened, fingers, transcription):
    values = opened.locator(".cifviz-under")
    at = fingers.on("weights", 1.0)
    before = scrolled(opened)
    fingers.touch("touchStart", at)
    opened.wait_for_function("() => resting")
    opened.evaluate("() => resting()")
    assert opened.evaluate("() => cifvizExplorer.picture.overlay.hovered") == pytest.approx(
        1.0, abs=0.02
    )
    assert "time 1.0" in values.inner_text().replace("\n", " ")
    fingers.touch("touchMove", [at[0] + 5, at[1] - 120])  # it reads on, and nothing scrolls
    fingers.touch("touchEnd")
    assert scrolled(opened) == before
    assert opened.evaluate("cifvizExplorer.picture.overlay.hovered") > 1.0  # they stay, to be read
    assert opened.evaluate("[cifvizExplorer.selected, started.length]") == [None, 0]
    assert opened.evaluate(VIEW) == [0, transcription.duration]
    # Above the picture, while the page is scrolled, they are in view and cover no lane of it.
    box, canvas = values.bounding_box(), opened.locator("canvas.cifviz-picture").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= canvas["y"]


def test_a_gesture_that_the_browser_takes_ends_without_a_trace(opened, fingers, transcription):
    at = fingers.on("tokens", 1.0)
    fingers.touch("touchStart", at)
    fingers.touch("touchCancel")
    assert opened.evaluate("() => [resting, cifvizExplorer.picture.overlay.hovered]") == [
        None,
        None,
    ]
    assert opened.evaluate("[cifvizExplorer.selected, started.length]") == [None, 0]
    assert opened.evaluate(VIEW) == [0, transcription.duration]
    fingers.touch("touchStart", at)
    fingers.touch("touchEnd")
    assert opened.evaluate("cifvizExplorer.selected") is not None


def test_the_map_moves_the_view(opened, fingers, transcription):
    opened.evaluate("cifvizExplorer.zoom(0.25)")
    opened.evaluate("cifvizExplorer.centre(0)")
    box = opened.locator("canvas.cifviz-picture").bounding_box()
    gutter = opened.evaluate("cifvizExplorer.picture.gutter")
    x = box["x"] + gutter + (box["width"] - gutter) / 2
    fingers.touch("touchStart", [x, box["y"] + 9])
    fingers.touch("touchEnd")
    begin, end = opened.evaluate(VIEW)
    assert (begin + end) / 2 == pytest.approx(transcription.duration / 2, rel=0.01)


def test_weights_are_drawn_by_a_finger_and_the_page_stays(opened, fingers):
    opened.get_by_role("button", name="drag weights").click()
    opened.evaluate("cifvizExplorer.stage.scrollIntoView()")
    before = scrolled(opened)
    fingers.drag(fingers.on("weights", 1.0), by=(60, -10))
    assert len(opened.evaluate("cifvizExplorer.settings.weights")) >= 8
    fingers.drag(fingers.on("weights", 1.0), by=(0, -60))
    assert scrolled(opened) == before


@pytest.mark.smoke
@pytest.mark.parametrize("width", others_long(320, 400))
def test_a_narrow_page_has_large_targets_and_its_settings_in_a_drawer(opening, written, width):
    opened = opening(written, width=width)
    drawer = opened.get_by_text("settings", exact=True)
    threshold = opened.get_by_label("threshold β")
    assert not threshold.is_visible()
    drawer.click()
    assert opened.evaluate(SMALL) == []
    # Sliders are as wide as the page, and the picture is seen above them.
    assert threshold.bounding_box()["width"] > 0.85 * opened.evaluate(
        "cifvizExplorer.root.clientWidth"
    )
    opened.evaluate("cifvizExplorer.stage.scrollIntoView()")
    box = opened.locator(".cifviz-drawer").bounding_box()
    assert box["y"] >= 440 and box["y"] + box["height"] <= 901
    for lane in opened.evaluate("Object.values(cifvizExplorer.picture.strips)"):
        assert lane["height"] >= 30
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_that_becomes_wide_opens_its_settings(opening, written):
    opened = opening(written, width=1280)
    threshold = opened.get_by_label("threshold β")
    assert threshold.is_visible()
    opened.set_viewport_size({"width": 400, "height": 900})
    threshold.wait_for(state="hidden")
    opened.set_viewport_size({"width": 1280, "height": 900})
    threshold.wait_for(state="visible")
    assert opened.evaluate("cifvizExplorer.root.className") == "cifviz-explorer"
    assert len(tokens_of(opened)) == 5


def test_a_finger_moves_an_edge_of_the_selected_token_alone(opened, fingers):
    tokens = "cifvizExplorer.seen.shown.tokens"
    before = opened.evaluate(tokens)
    at = fingers.on("tokens", before[2]["end"])
    fingers.drag(at, by=(-20, 0))
    assert opened.evaluate("cifvizExplorer.state.corrected") is None  # it moves the view, if any
    opened.evaluate("() => { cifvizExplorer.zoom(Infinity); cifvizExplorer.select(2); }")
    fingers.drag(fingers.on("tokens", before[2]["end"]), by=(-20, 0))
    after = opened.evaluate(tokens)
    moved = 20 / opened.evaluate("cifvizExplorer.scale.density")
    assert after[2]["end"] == pytest.approx(before[2]["end"] - moved, abs=0.3 * moved)
    assert opened.evaluate("cifvizExplorer.editing.edge") == "end"
    opened.evaluate("cifvizExplorer.editing.undo()")
    assert opened.evaluate("cifvizExplorer.state.corrected") is None
