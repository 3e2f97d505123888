"""Lanes that some systems alone have, in the browser: pictures, spikes, a membrane, a staircase."""

import pytest

from tests.ui import browser, layout_facts, system_pages
from tests.ui.test_explorer_lanes import PLACE

pytestmark = [browser.needed, pytest.mark.slow]

LANES = {
    "pictures": ["pictures"],
    "neuron": ["spikes", "membrane"],
    "written": ["written"],
}
INK = """lane => {
    const { picture } = cifvizExplorer;
    const { top, height } = picture.strips[lane];
    const unit = picture.canvas.width / picture.width;
    const { data } = picture.canvas.getContext('2d').getImageData(
        picture.gutter * unit, top * unit, picture.scale.width * unit, height * unit);
    const colours = new Uint32Array(data.buffer);
    return new Set(colours).size;
}"""
"""Number of colours that are drawn in a lane."""
DECODED = "() => !cifvizExplorer.data.lanes.pictures || cifvizExplorer.data.lanes.pictures.sheet"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages by kind and seconds, each made once."""
    folder, made = tmp_path_factory.mktemp("systems"), {}

    def page(kind, seconds):
        if (kind, seconds) not in made:
            made[kind, seconds] = system_pages.write(kind, seconds, folder)
        return made[kind, seconds]

    return page


def values(opened):
    """What stands below the cursor, by name."""
    rows = opened.locator(".cifviz-under > div").all()
    return {one.locator("dt").inner_text(): one.locator("dd").inner_text() for one in rows}


def at(opened, lane, seconds, share=0.5):
    """What the readout shows of a moment with the mouse in a lane."""
    opened.mouse.move(*opened.evaluate(PLACE, [lane, seconds, share]))
    return values(opened)


@pytest.mark.parametrize("seconds", [3, 60])
@pytest.mark.parametrize("kind", LANES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_they_can_be_read(opening, pages, kind, seconds, width, scheme):
    opened = opening(pages(kind, seconds), width=width, color_scheme=scheme)
    opened.wait_for_function(DECODED)
    lanes = opened.evaluate("() => cifvizExplorer.picture.lanes.map(([name]) => name)")
    assert set(LANES[kind]) <= set(lanes)
    for lane in LANES[kind]:
        assert opened.evaluate(INK, lane) > 2
    for act in (lambda: None, lambda: opened.evaluate("cifvizExplorer.zoom(0.1)")):
        act()
        assert layout_facts.facts_of(opened).faults == []


@pytest.mark.smoke
def test_the_picture_under_the_cursor(opening, pages):
    opened = opening(pages("pictures", 3))
    opened.wait_for_function(DECODED)
    assert at(opened, "pictures", 1.0)["picture"] in ("24", "25")
    assert at(opened, "weights", 2.5)["picture"] in ("62", "63")


@pytest.mark.smoke
def test_spikes_and_potential_under_the_cursor(opening, pages):
    one = system_pages.made("neuron", 3)
    opened = opening(pages("neuron", 3))
    frame = 20
    found = at(opened, "spikes", (frame + 0.5) * system_pages.SHIFT)
    count = int(one.extras["raster"][frame].sum())
    assert found["spikes"] == f"{count} of {system_pages.NEURONS} neurons"
    trace, _, _ = one.config.neuron.run(one.firing.scaled_alpha)
    potential, of = found["potential"].split(" of ")
    assert float(potential) == pytest.approx(float(trace.peak[0, frame]), abs=0.006)
    assert of.startswith("θ 1")
    # What a CIF would sum up is not shown: the neuron has forgotten some of it.
    assert "sum" not in found
    labels = [token["label"] for token in opened.evaluate("cifvizExplorer.state.alignment")]
    assert labels == list(one.tokens)


@pytest.mark.smoke
def test_what_was_written_under_the_cursor(opening, pages):
    one = system_pages.made("written", 3)
    opened = opening(pages("written", 3))
    delays = one.extras["delays"].tolist()
    before = at(opened, "written", delays[0] / 2)["written"]
    assert before == f"0 of {len(delays)}"
    found = at(opened, "written", (delays[1] + delays[2]) / 2)["written"]
    lag = delays[1] - 3 / len(delays)
    assert found == f"2 of {len(delays)}, {one.tokens[1]} after {delays[1]:.2f} s, lag {lag:+.2f} s"


def test_keys_reach_the_values(opening, pages):
    one = system_pages.made("written", 3)
    opened = opening(pages("written", 3))
    opened.get_by_role("listbox").focus()
    opened.evaluate("cifvizExplorer.marking.placeCursor(1.5)")
    opened.keyboard.press("Shift+ArrowRight")
    count = sum(delay <= 1.51 for delay in one.extras["delays"].tolist())
    assert values(opened)["time"] == "1.510 s"
    assert values(opened)["written"].startswith(f"{count} of {len(one.tokens)}, ")
    announced = opened.get_by_role("status").inner_text()
    assert announced.startswith(f"cursor at 1.510 s, written {count} of ")
    opened.keyboard.press("Escape")
    assert set(values(opened).values()) == {"–"}


@pytest.mark.parametrize("kind", LANES)
def test_help_explains_them_and_nothing_is_asked_of_the_network(chromium, page, pages, kind):
    reader = browser.Reader(page)
    assert reader.faults(pages(kind, 3)) == []
    page.get_by_text("what the lanes show").click()
    terms = page.locator(".cifviz-help dt").all_inner_texts()
    for title in {"neuron": ["spikes", "potential"]}.get(kind, [kind]):
        assert title in terms


def test_a_picture_that_is_none_is_said(opening, pages, tmp_path):
    text = pages("pictures", 3).read_text("utf-8")
    begin = text.index('"sheet": "') + len('"sheet": "')
    broken = tmp_path / "broken.html"
    broken.write_text(text[:begin] + "AAAA" + text[text.index('"', begin) :], "utf-8")
    opened = opening(broken)
    opened.get_by_text("No pictures:").wait_for()
    assert opened.evaluate("cifvizExplorer.state.alignment").__len__() == 8
