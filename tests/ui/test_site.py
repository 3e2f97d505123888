"""The pages of the lessons in a real browser, with the network off."""

import pytest

from cifviz.course.build import COPIES, lessons
from cifviz.course.site.build_site import render, write
from cifviz.course.site.places import INDEX, lesson_place
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
