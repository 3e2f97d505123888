"""The pages of the lessons in a real browser, with the network off."""

import pytest

from cifviz.course.build import COPIES, lessons
from cifviz.course.site.build_site import render, write
from cifviz.course.site.exercise_sheets import sheet_place
from cifviz.course.site.places import INDEX, LECTURER, lesson_place
from cifviz.notebooks.folding import TEXT_LABEL
from tests.repeats import others_long
from tests.ui import browser
from tests.ui.folds import NAME, labels, words

pytestmark = browser.needed

each_lesson = pytest.mark.parametrize("name", others_long(*lessons()))
each_copy = pytest.mark.parametrize("copy", others_long(*COPIES))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of this repository."""
    folder = tmp_path_factory.mktemp("site") / "site"
    write(render(), folder)
    return folder


@pytest.fixture(scope="module")
def reader(page):
    return browser.Reader(page)


LOOKS = {"student": [browser.SCREEN], "solved": [browser.PHONE]}
"""Colours and widths are those of one style sheet, and axe takes seconds: it sees each lesson once
on a screen by day and once on a phone by night."""


@pytest.mark.smoke
@each_copy
@each_lesson
def test_a_lesson_is_whole_without_a_network_and_open_to_everyone(reader, site, name, copy):
    assert reader.faults(site / lesson_place(name, copy), *LOOKS[copy]) == []


@pytest.mark.smoke
def test_so_is_the_index(reader, site):
    assert reader.faults(site / INDEX) == []


def test_so_are_the_pages_of_the_files_that_lessons_link_to(reader, site):
    files = sorted((site / "files").rglob("*.html"))
    assert files
    kinds = {path.name.split(".")[-2]: path for path in files}  # one of each: they are made alike
    assert [fault for path in kinds.values() for fault in reader.faults(path, browser.SCREEN)] == []


def test_the_way_from_the_index_through_the_course_needs_only_keys(page, site):
    first, second, *_ = lessons()
    page.goto((site / INDEX).as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url((site / lesson_place(first, "student")).as_uri())
    page.get_by_role("navigation", name="Course").get_by_text("Next:").press("Enter")
    page.wait_for_url((site / lesson_place(second, "student")).as_uri())
    assert page.get_by_role("heading", level=1).count() == 1


def test_what_is_searched_is_found_with_keys_and_opened(page, reader, site):
    lesson, heading = site / lesson_place("02_scaling", "student"), "7. Which way the sum moves"
    reader.events.clear()
    page.goto(lesson.as_uri())
    page.locator("body").press("/")
    page.keyboard.type("which way sum moves", delay=1)
    first = page.locator(".found a").first
    first.wait_for()
    assert first.inner_text() == heading
    assert page.locator("#count").inner_text().split()[1].startswith("section")
    assert browser.broken_rules(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{lesson.as_uri()}#*")
    place = page.get_by_role("heading", name=heading).bounding_box()
    assert 0 < place["y"] < 300, "below the bar that stays"
    page.fill("#wanted", "zzzz")
    page.get_by_text("Nothing found for “zzzz”.").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator(".found").is_visible()
    assert reader.events == []


def test_a_solved_copy_leads_to_solved_copies(page, site):
    page.goto((site / lesson_place("02_scaling", "solved")).as_uri())
    page.fill("#wanted", "mass axis")
    page.locator(".found a").first.wait_for()
    links = page.locator(".found a").evaluate_all("all => all.map(one => one.href)")
    assert links and all("/solutions/" in link for link in links)


def test_the_contents_stay_in_view_and_follow_the_text(page, site):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto((site / lesson_place("02_scaling", "student")).as_uri())
    contents = page.get_by_role("navigation", name="Contents")
    page.evaluate("document.querySelector('main h2:nth-of-type(1)').scrollIntoView()")
    for number in ("3.", "5."):
        head = page.locator("main h2").filter(has_text=number).first
        head.evaluate("one => one.scrollIntoView()")
        contents.locator('[aria-current="location"]').filter(has_text=number).wait_for()
        assert contents.bounding_box()["y"] == 0
    page.set_viewport_size({"width": 400, "height": 900})
    assert not contents.is_visible()
    page.get_by_role("button", name="Contents").click()
    contents.get_by_role("link", name="12. When the lengths differ").click()
    page.wait_for_url("**#12-*")
    assert not contents.is_visible()


def test_on_a_phone_a_picture_keeps_its_size_and_moves_in_a_box_of_its_own(page, site):
    page.goto((site / lesson_place("01_integrate_and_fire", "student")).as_uri())
    box = page.locator("main .picture").first
    hint = page.locator("main .sideways").first
    for width, is_narrow in ((400, True), (1280, False)):
        page.set_viewport_size({"width": width, "height": 900})
        image = box.locator("img")
        drawn = int(image.get_attribute("width"))  # a picture has two pixels for each of these
        shown = image.evaluate("one => one.clientWidth")
        assert shown >= drawn, "words in it are as large as they were drawn"
        assert hint.is_visible() == is_narrow
        assert box.evaluate("one => one.scrollWidth > one.clientWidth") == is_narrow
    page.set_viewport_size({"width": 400, "height": 900})
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('main .picture').scrollLeft > 0")


def test_colours_are_chosen_and_remembered(page, site):
    background = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    page.goto((site / INDEX).as_uri())
    light = page.evaluate(background)
    page.get_by_label("Colours").select_option("dark")
    dark = page.evaluate(background)
    assert dark != light
    page.goto((site / lesson_place("01_integrate_and_fire", "student")).as_uri())
    # A browser may still be keeping the choice when the next page asks for it.
    page.wait_for_function("() => document.querySelector('.theme select').value === 'dark'")
    assert page.evaluate(background) == dark
    page.emulate_media(media="print")
    assert page.evaluate(background) == light
    page.emulate_media(media="screen")
    page.get_by_label("Colours").select_option("")
    assert page.evaluate(background) == light


@pytest.mark.smoke
@pytest.mark.parametrize("name", others_long("00_start_here", "16_your_own_model"))
def test_the_live_explorer_is_loaded_when_it_is_asked_for(page, reader, site, name):
    reader.events.clear()
    page.goto((site / lesson_place(name, "student")).as_uri())
    fold = page.locator("details.live")
    assert fold.count() == 1 and len(page.frames) == 1
    fold.locator("summary").press("Enter")
    fold.scroll_into_view_if_needed()
    inside = page.frame_locator("details.live iframe")
    inside.get_by_role("button", name="play what is in view").wait_for()
    assert reader.events == []


def test_a_printed_lesson_has_its_answers_and_neither_contents_nor_code_that_draws(page, site):
    page.goto((site / lesson_place(NAME, "student")).as_uri())
    page.emulate_media(media="print")
    answer = page.locator(".text.answer p").first
    assert answer.evaluate("one => one.getBoundingClientRect().height") > 10
    for hidden in (".contents", ".bar", "details.source"):
        assert page.locator(hidden).first.evaluate("one => one.getClientRects().length") == 0
    page.emulate_media(media="screen")


def test_the_page_for_lecturers_and_sheets_are_whole(reader, site):
    for place in (LECTURER, sheet_place(NAME, "student"), sheet_place(NAME, "solved")):
        assert reader.faults(site / place) == []


@pytest.mark.smoke
@each_copy
def test_answers_are_folded_and_open_with_keys(page, site, copy):
    page.goto((site / lesson_place(NAME, copy)).as_uri())
    for selector in (".text.answer", ".cell.answer .output"):
        texts = page.locator(selector).all_inner_texts()
        assert len(texts) > 5
        live = "In the notebook this picture has controls to move."
        seen = {words(text) for text in texts if not text.strip().startswith(live)}
        assert seen <= labels(copy) | {""}
    answer = page.locator(".text.answer").first
    answer.locator("summary").press("Enter")
    assert len(answer.inner_text()) > len(TEXT_LABEL) + 20
    page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
    page.set_viewport_size({"width": browser.PHONE[0], "height": 900})
    assert browser.broken_rules(page) == page.evaluate(browser.SIDEWAYS) == []


def test_formulas_are_drawn(page, tmp_path):
    from cifviz.course.site.markdown import mathml

    (tmp_path / "a.html").write_text(f"<p>x</p>{mathml('x', block=True)}{mathml('x^{2^2}')}")
    page.goto((tmp_path / "a.html").as_uri())
    heights = page.evaluate("[...document.querySelectorAll('math')].map(one => one.offsetHeight)")
    plain, raised = page.evaluate(
        "[...document.querySelectorAll('math')].map(one => one.getBoundingClientRect().height)"
    )
    assert heights and raised > plain > 5


HEAD = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><main><h1>t</h1>'
PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
BAD = {
    "a picture without words": (f'<img src="{PNG}" alt="">', "a picture without words"),
    "a broken picture": ('<img src="data:image/png;base64,AAAA" alt="a line">', "a picture"),
    "a picture of the web": ('<img src="https://example.org/a.png" alt="a">', "asked for: https"),
    "a script of the web": ('<script src="http://example.org/a.js"></script>', "failed: http"),
    "a message": ("<script>console.error('lost')</script>", "console: lost"),
    "an error": ("<script>throw Error('lost')</script>", "error: lost"),
    "a broken sound": ('<audio controls aria-label="one" src="data:audio/wav,x">', "a sound"),
    "a dark page": ('<p style="background:#000;color:#222">dark</p>', "axe: color-contrast"),
    "a link without a name": ('<a href="#x"></a>', "axe: link-name"),
    "a wide page": ('<p style="width:900px">wide</p>', "wider than the window"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_wrong_is_found(reader, tmp_path, fault):
    bad, output = BAD[fault]
    path = tmp_path / "bad.html"
    path.write_text(HEAD + bad, encoding="utf-8")
    found = reader.faults(path)
    assert any(one.startswith(output) for one in found), found


def test_a_page_without_faults_has_none(reader, tmp_path):
    path = tmp_path / "good.html"
    path.write_text(f'{HEAD}<img src="{PNG}" alt="One dot, and nothing else.">', encoding="utf-8")
    assert reader.faults(path) == []
