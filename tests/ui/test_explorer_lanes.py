"""The lanes of the explorer can be read: axes, ticks, names, the values under the cursor.

What stands where is measured in pixels, see ``layout_facts.py``; no picture is compared.
"""

import json
from dataclasses import replace

import pytest

from cifviz.explorer import to_html
from tests.ui import browser, layout_facts
from tests.ui.explored import quiet, slide, tokens_of

pytestmark = [browser.needed, pytest.mark.slow]

LINE = """() => {
    const { picture } = cifvizExplorer;
    const strip = picture.strips.integrator;
    const unit = picture.canvas.width / picture.width;
    const probe = new OffscreenCanvas(1, 1).getContext('2d');
    probe.fillStyle = picture.look.accent;
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
    const drawing = picture.canvas.getContext('2d');
    const rows = [];
    for (let y = strip.top + 10; y <= strip.top + strip.height; y += 1) {
        const wide = picture.scale.width * unit;
        const row = drawing.getImageData(picture.gutter * unit, y * unit, wide, 1);
        let count = 0;
        for (let at = 0; at < row.data.length; at += 4) {
            const near = Math.abs(row.data[at] - red) + Math.abs(row.data[at + 1] - green)
                + Math.abs(row.data[at + 2] - blue);
            if (near < 12) count += 1;
        }
        if (count > 0.4 * row.width) rows.push(strip.top + strip.height - y);
    }
    return rows;
}"""
"""Pixels from the foot of the sum's lane to its dashed line."""

TICKS = """() => { const { picture, seen } = cifvizExplorer;
    return Object.fromEntries(picture.lanes.filter(([, lane]) => lane.ticks).map(([name, lane]) =>
        [name, lane.ticks(picture.strips[name], seen).map(one => [one.y, one.label])])); }"""

MARK = """() => { const { picture, seen } = cifvizExplorer;
    const [name, lane] = picture.lanes.find(([, one]) => one.mark);
    return lane.mark(picture.strips[name], seen).label; }"""

PLACE = """([lane, seconds, share]) => {
    const { picture, scale } = cifvizExplorer;
    const box = picture.canvas.getBoundingClientRect();
    const { top, height } = picture.strips[lane];
    return [box.x + picture.gutter + scale.x(seconds), box.y + top + (1 - share) * height];
}"""
"""Where in the window a moment of a lane is."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lanes")


@pytest.fixture(scope="module")
def plain(transcription, clip, folder):
    return to_html(transcription, folder / "plain.html", reference=clip.words)


QUICK = [("11 s", 1280, "light"), ("24 s", 400, "dark")]
LAYOUTS = [
    *QUICK,
    *(
        pytest.param(*one, marks=pytest.mark.long)
        for one in layout_facts.LAYOUTS
        if one not in QUICK
    ),
]


@pytest.mark.smoke
@pytest.mark.parametrize(("name", "width", "scheme"), LAYOUTS)
def test_every_name_has_a_place_and_nothing_overlaps(opening, folder, name, width, scheme):
    path = folder / f"{name}.html"
    if not path.exists():
        layout_facts.write_case(name, folder)
    opened = opening(path, width=width, color_scheme=scheme)
    places = layout_facts.places_of(opened)
    for state, act in layout_facts.STATES.items():
        act(opened)
        facts = layout_facts.facts_of(opened)
        assert facts.faults == [], state
        # Where there is room for all of them; a lower threshold has twice as many tokens.
        if (
            name in ("1 s", "11 s", "24 s")[: 3 if width > 1000 else 2]
            and state != "lower threshold"
        ):
            assert facts.hidden == 0, state
    # Lanes and ticks are where they were.
    kept = json.loads(layout_facts.KEPT.read_text("utf-8"))[f"{name} {width}"]
    if places["letters"] != kept["letters"]:
        pytest.skip("another font: lanes are as high as their names need")
    assert layout_facts.moved(places, kept) == [], "python -m tests.ui.layout_facts --keep"


@pytest.mark.parametrize("width", [768, 320])
def test_closer_every_name_is_there(opening, folder, width):
    opened = opening(layout_facts.write_case("24 s", folder), width=width)
    facts = layout_facts.facts_of(opened)
    assert facts.hidden > 0
    hints = opened.evaluate(layout_facts.WRITTEN)["texts"]
    assert any("zoom in" in one["text"] for one in hints)
    opened.evaluate("() => { cifvizExplorer.scale.look(8, 4); cifvizExplorer.look(); }")
    closer = layout_facts.facts_of(opened)
    assert closer.hidden == 0 and closer.nameless == []
    assert closer.overlapping == [] and closer.clipped == []


def test_a_picture_that_cannot_be_read_would_be_found(opening, folder):
    opened = opening(layout_facts.write_case("11 s", folder))
    opened.evaluate(
        """() => { const { fillText } = CanvasRenderingContext2D.prototype;
        const draw = cifvizExplorer.picture.draw;
        cifvizExplorer.picture.draw = function () {
            draw.call(this);
            const canvas = this.canvas.getContext('2d');
            canvas.fillText('outside of the picture', this.width - 10, 50);
            canvas.fillText('upon', 0, this.strips.weights.top + 9);
            canvas.globalAlpha = 0.5;
            canvas.fillText('pale', 2, 12);
            canvas.globalAlpha = 1;
        };
        document.querySelector('summary').style.color = '#999999'; }"""
    )
    found = layout_facts.facts_of(opened)
    assert "outside of the picture" in found.clipped
    assert any("upon" in pair for pair in found.overlapping)
    assert {one.split(":")[0] for one in found.pale} >= {"pale", "settings"}
    places = layout_facts.places_of(opened)
    kept = json.loads(layout_facts.KEPT.read_text("utf-8"))["11 s 1280"]
    kept["lanes"]["weights"][0] += 9
    kept["ticks"][0][2] -= 9
    kept["letters"] = places["letters"]
    assert len(layout_facts.moved(places, kept)) >= 2
    opened.evaluate("() => { cifvizExplorer.picture.lanes.at(-1)[1].background = () => {}; }")
    assert len(layout_facts.facts_of(opened).nameless) == 21


@pytest.mark.smoke
def test_the_line_of_the_threshold_moves_in_proportion(opening, plain):
    opened = opening(plain)
    before, heights = opened.evaluate(TICKS), {}
    for threshold in (0.5, 1, 1.6):
        slide(opened, "threshold β", threshold)
        (heights[threshold],) = opened.evaluate(LINE)
        assert opened.evaluate(MARK) == f"β {threshold:g}"
        assert opened.evaluate(TICKS) == before
    for threshold in (0.5, 1.6):
        assert heights[threshold] / heights[1] == pytest.approx(threshold, abs=0.06)


def test_gain_and_drawing_leave_the_axes_until_they_are_asked(opening, plain):
    opened = opening(plain)
    before = opened.evaluate(TICKS)
    slide(opened, "gain on α", 2)
    assert opened.evaluate(TICKS) == before
    texts = [one["text"] for one in opened.evaluate(layout_facts.WRITTEN)["texts"]]
    assert "above axis:" in texts
    assert layout_facts.facts_of(opened).overlapping == []
    opened.get_by_role("button", name="fit axes").click()
    after = opened.evaluate(TICKS)
    assert after["weights"] != before["weights"] and after["waveform"] == before["waveform"]
    texts = [one["text"] for one in opened.evaluate(layout_facts.WRITTEN)["texts"]]
    assert "above axis:" not in texts
    opened.get_by_role("button", name="reset").click()
    assert opened.evaluate(TICKS) == before


@pytest.mark.smoke
@pytest.mark.parametrize("back", [False, True])
def test_a_quick_mouse_draws_every_frame(opening, plain, back):
    """A thousand pixels in two events of the mouse."""
    opened = opening(plain)
    opened.get_by_role("button", name="drag weights").click()
    before = opened.evaluate(TICKS)
    ends = [opened.evaluate(PLACE, ["weights", seconds, 0.5]) for seconds in (0.05, 1.8)]
    (left, y), (right, _) = reversed(ends) if back else ends
    opened.mouse.move(left, y)
    opened.mouse.down()
    opened.mouse.move((left + right) / 2, y - 300)  # above the lane, which is its top
    opened.mouse.move(right, y)
    opened.mouse.up()
    drawn = sorted(map(int, opened.evaluate("cifvizExplorer.settings.weights")))
    assert drawn == list(range(1, 46))
    weights = opened.evaluate("Object.values(cifvizExplorer.settings.weights)")
    most = opened.evaluate("cifvizExplorer.seen.axes.weight")
    assert max(weights) == pytest.approx(most, rel=0.05)
    assert min(weights) == pytest.approx(most / 2, rel=0.05)
    assert opened.evaluate(TICKS) == before


def test_names_survive_a_token_more_and_the_selection_stays_at_its_word(opening, plain):
    opened = opening(plain)
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("End")
    word = tokens_of(opened)[4]
    opened.evaluate("cifvizExplorer.set({ weights: { 1: 1 } })")
    shown = tokens_of(opened)
    assert len(shown) == 6
    labels = [one["label"] for one in shown]
    assert [one for one in labels if not one.isdigit()] == ["two", "seven", "one", "eight", "two"]
    selected = shown[opened.evaluate("cifvizExplorer.selected")]
    assert selected["label"] == word["label"] and selected["start"] == pytest.approx(
        word["start"], abs=0.1
    )
    opened.get_by_role("button", name="reset").click()
    assert opened.evaluate("cifvizExplorer.selected") is None


def test_values_under_the_cursor(opening, plain):
    opened = opening(plain)
    token = tokens_of(opened)[1]
    seconds = (token["start"] + token["end"]) / 2
    values = opened.locator(".cifviz-under")
    opened.mouse.move(*opened.evaluate(PLACE, ["tokens", seconds, 0.5]))
    text = values.inner_text()
    assert "seven" in text and "fires at" in text and "of β 1" in text
    time = float(values.locator("dd").first.inner_text().removesuffix(" s"))
    assert time == pytest.approx(seconds, abs=0.003)  # the pointer stands on whole pixels
    opened.mouse.move(*opened.evaluate(PLACE, ["logMel", seconds, 0.9]))
    high = int(values.locator("dd").nth(4).inner_text().removesuffix(" Hz"))
    opened.mouse.move(*opened.evaluate(PLACE, ["logMel", seconds, 0.1]))
    assert high > 4 * int(values.locator("dd").nth(4).inner_text().removesuffix(" Hz")) > 0
    box = values.bounding_box()
    opened.mouse.move(5, 5)
    assert set(values.locator("dd").all_inner_texts()) == {"–"}
    assert values.bounding_box()["height"] == box["height"]  # nothing below moves


def test_the_help_names_every_lane_and_says_why_boxes_and_fires_differ(opening, plain):
    opened = opening(plain)
    opened.get_by_text("what the lanes show").click()
    terms = opened.locator(".cifviz-help dt").all_inner_texts()
    for title in ("sound", "log-mel", "weight α", "sum of α", "shares", "tokens", "reference"):
        assert title in terms
    assert "A fire is where the sum reaches β" in opened.locator(".cifviz-help").inner_text()
    assert browser.broken_rules(opened) == []


def test_empty_and_long_names_do_no_harm(opening, transcription, tmp_path):
    labels = ("", " ", "W" * 5000, "محاذاة", "七")
    path = to_html(replace(transcription, tokens=labels), tmp_path / "odd.html")
    opened = opening(path, width=320)
    facts = layout_facts.facts_of(opened)
    assert facts.overlapping == [] and facts.clipped == [] and facts.nameless == []
    assert facts.shortened == 1
    quiet(opened)
