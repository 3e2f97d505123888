"""The lesson that runs in a browser, opened from a disk in one that has no network."""

import shutil

import pytest

from cifviz.course.exercises import exercises
from cifviz.course.site.browser_lesson import build_browser_lesson
from cifviz.errors import DataError
from tests.ui import browser

pytestmark = [
    browser.needed,
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed: it fetches Pyodide"),
]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser") / "lesson"
    try:
        build_browser_lesson(folder)
    except DataError as error:
        if "npm could not fetch" not in str(error):
            raise
        pytest.skip(str(error))
    return folder / "index.html"


@pytest.fixture(scope="module")
def reader(page):
    return browser.Reader(page)


@pytest.fixture
def opened(page, reader, lesson):
    """The page as a reader finds it first."""
    reader.events.clear()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(lesson.as_uri())
    page.evaluate("localStorage.clear()")
    page.reload()
    return page


def cell(page, name):
    return page.locator(f'.runs[data-name="{name}"]')


def run(page, name, code=None):
    """What a cell shows once it has run."""
    one = cell(page, name)
    if code is not None:
        one.locator("textarea").fill(code)
    one.get_by_role("button", name="Run").click()
    one.get_by_role("button", name="Run").wait_for(timeout=1000 * browser.PATIENCE)
    return one.locator(".ran").inner_text()


def strange(reader):
    """What a page asked for, said or lacked; a worker is made of what the page holds itself."""
    return [event for event in reader.events if not event.startswith("asked for: blob:null/")]


def test_it_is_whole_without_a_network_and_open_to_everyone(reader, lesson):
    assert reader.faults(lesson) == []


def test_exercises_are_checked_by_the_checkers_of_the_notebook(opened, reader):
    known = exercises("01")
    shown = run(opened, "exercise 01.1", 'check("01.1", 2)')
    assert shown == f"01.1 ✗ Not yet. {known['01.1'].mistakes[0][1]}"
    shown = run(opened, "exercise 01.1", 'check("01.1", 3)')
    assert shown == f"01.1 ✓ Right. {known['01.1'].praise}"
    code = (
        "def fire(alpha, threshold=1.0):\n"
        "    return reference.integrate_and_fire(alpha, threshold)[0]\n"
        'check("01.4", fire)'
    )
    assert run(opened, "exercise 01.4", code) == f"01.4 ✓ Right. {known['01.4'].praise}"
    opened.set_viewport_size({"width": 400, "height": 900})
    assert opened.evaluate(browser.SIDEWAYS) == [] and browser.broken_rules(opened) == []
    assert strange(reader) == []


def test_a_cell_runs_those_above_it_but_shows_no_answer_that_was_not_asked_for(opened):
    shown = run(opened, "the cell tokens, residual = fire_by_loop(alpha)")
    assert shown.split()[:7] == ["frame", "0", "frame", "1", "frame", "2", "frame"]
    above = cell(opened, "Table: the sum, frame by frame")
    assert above.locator(".ran").inner_text() == ""
    assert not above.locator("table").is_visible()
    assert "sum before" in run(opened, "Table: the sum, frame by frame")


def test_what_does_not_end_is_stopped_and_python_starts_again(opened, reader):
    name = "your own cell"
    assert "fires at" in run(opened, name)
    one = cell(opened, name)
    one.locator("textarea").fill("while True: pass")
    one.get_by_role("button", name="Run").click()
    one.get_by_role("button", name="Stop").click()
    one.get_by_text("Stopped.").wait_for()
    assert run(opened, name, "1 + 1") == "2"
    assert "A browser has no torch" in run(opened, name, "torch.zeros(1)")
    assert "ModuleNotFoundError" in run(opened, name, "import numpy")
    assert strange(reader) == []


def test_answers_are_kept_and_the_cell_as_it_was_comes_back(opened):
    one = cell(opened, "exercise 01.2")
    field = one.locator("textarea")
    before = field.input_value()
    field.fill("token_1 = [0.5]")
    opened.reload()
    assert field.input_value() == "token_1 = [0.5]"
    one.get_by_role("button", name="As it was").click()
    assert field.input_value() == before
    opened.reload()
    assert field.input_value() == before


def test_a_cell_is_written_and_run_with_keys_alone(opened):
    field = cell(opened, "your own cell").locator("textarea")
    field.fill("")
    field.press_sequentially("for i in range(2):\nprint(i)")
    assert field.input_value() == "for i in range(2):\n    print(i)"
    field.press("Control+Enter")
    shown = cell(opened, "your own cell").locator(".ran pre")
    shown.wait_for(timeout=1000 * browser.PATIENCE)
    assert shown.inner_text() == "0\n1"
