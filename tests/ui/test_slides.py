"""The slides in a real browser, with the network off."""

import pytest

from cifviz.course.build import lessons
from cifviz.course.site.slides import build_slides
from tests.repeats import others_long
from tests.ui import browser

pytestmark = browser.needed

OVERFLOWS = """() => {
    const slide = document.querySelector('.slides > section.present');
    const wide = slide.scrollWidth > slide.clientWidth + 2;
    return wide || slide.scrollHeight > slide.clientHeight + 2;
}"""


def explorer(page):
    """A button of the explorer on the slide in view."""
    inside = page.frame_locator("section.present iframe")
    return inside.get_by_role("button", name="play what is in view")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The slides of this repository."""
    folder = tmp_path_factory.mktemp("slides") / "slides"
    build_slides(folder)
    return folder


@pytest.fixture(scope="module")
def reader(page):
    return browser.Reader(page)


@pytest.mark.smoke
@pytest.mark.parametrize("name", others_long(*lessons()))
def test_every_slide_fits_and_nothing_is_asked_of_a_network(page, reader, folder, name):
    reader.events.clear()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_selector(".reveal.ready")
    count = page.locator(".slides > section").count()
    over = []
    for number in range(1, count + 1):
        page.locator(f".slide-number-a >> text='{number}'").wait_for()
        if page.locator("section.present iframe").count():
            explorer(page).wait_for()  # to leave a slide stops what its page is loading
        if page.evaluate(OVERFLOWS):
            over.append(number)
        page.keyboard.press("ArrowRight")
    assert over == [] and reader.events == []


def test_the_index_and_a_first_slide_are_open_to_everyone(page, folder):
    for place in ("index.html", "02_scaling.html"):
        page.goto((folder / place).as_uri())
        assert browser.broken_rules(page) == []


@pytest.mark.parametrize("name", ["00_start_here", "16_your_own_model"])
def test_the_live_explorer_stands_on_its_slide(page, folder, name):
    page.goto((folder / f"{name}.html").as_uri())
    number = page.evaluate(
        "[...document.querySelectorAll('.slides > section')]"
        ".findIndex(one => one.querySelector('iframe'))"
    )
    page.goto(f"{(folder / f'{name}.html').as_uri()}#/{number}")
    explorer(page).wait_for()


def test_the_speaker_sees_notes(page, folder):
    page.goto(f"{(folder / '02_scaling.html').as_uri()}#/1")
    page.reload()
    page.wait_for_selector(".reveal.ready")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("multiplies all weights of an").wait_for()
    opened.value.close()
