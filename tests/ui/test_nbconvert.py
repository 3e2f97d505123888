"""A notebook with an explorer in it, as a page that nbconvert made, with the network off."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

import cifviz
from cifviz.explorer.static_fallback import static_fallback
from cifviz.notebooks.media_types import WIDGET_STATE, WIDGET_VIEW
from tests.repeats import others_long
from tests.ui import browser

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "docs" / "nbconvert_static.py"
MODEL = "0123456789abcdef0123456789abcdef"
STATE = {"model_name": "AnyModel", "model_module": "anywidget", "state": {}}


def shown(data):
    view = {"version_major": 2, "version_minor": 0, "model_id": MODEL}
    return v4.new_output("display_data", {WIDGET_VIEW: view, **data})


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Two widgets: an explorer with its static fallback, and one that has none."""
    clip = cifviz.load_clip("digits_five")
    transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    outputs = [
        shown(static_fallback(transcription, reference=clip.words)),
        shown({"text/plain": "a slider"}),
    ]
    made = v4.new_notebook(
        cells=[
            v4.new_code_cell("cifviz.explore(transcription)", outputs=outputs, execution_count=1)
        ],
        metadata={
            "widgets": {
                WIDGET_STATE: {"version_major": 2, "version_minor": 0, "state": {MODEL: STATE}}
            }
        },
    )
    path = tmp_path_factory.mktemp("nbconvert") / "notebook.ipynb"
    nbformat.write(made, path)
    return path


def converted(notebook, kind, *options):
    """What the command of the documentation makes."""
    target = notebook.with_name(f"{kind}{len(options)}")
    command = [sys.executable, "-m", "nbconvert", "--to", kind, *options]
    command += ["--output", target.name, str(notebook)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    suffix = {"html": ".html", "latex": ".tex", "slides": ".slides.html"}[kind]
    return target.with_suffix(suffix)


def test_where_no_state_was_saved_it_is_there_all_the_same(notebook, tmp_path):
    stateless = nbformat.read(notebook, as_version=4)
    del stateless.metadata["widgets"]
    nbformat.write(stateless, tmp_path / "stateless.ipynb")
    text = converted(tmp_path / "stateless.ipynb", "html").read_text("utf-8")
    assert "<caption>5 tokens</caption>" in text


@pytest.mark.smoke
@browser.needed
def test_with_the_configuration_a_page_shows_picture_and_table(notebook, page):
    made = converted(notebook, "html", "--config", str(CONFIG))
    page.goto(made.as_uri(), wait_until="domcontentloaded")
    picture = page.get_by_role("img", name="Continuous integrate-and-fire on 1.86 s of sound")
    assert picture.evaluate("one => one.complete && one.naturalWidth") == 800
    table = page.get_by_role("table", name="5 tokens")
    assert table.get_by_role("rowheader").all_inner_texts() == "two seven one eight two".split()
    assert table.get_by_role("columnheader").count() == 5
    # What brings no picture is the widget that it was.
    assert page.locator(f'script[type="{WIDGET_VIEW}"]').count() == 1


@browser.needed
def test_without_it_nothing_is_there(notebook, page):
    """If this fails, nbconvert has become better, and the configuration may go."""
    page.goto(converted(notebook, "html").as_uri(), wait_until="domcontentloaded")
    assert page.locator(f'script[type="{WIDGET_VIEW}"]').count() == 2
    assert page.get_by_role("img").count() == page.get_by_role("table").count() == 0


def test_slides_are_pages_too(notebook):
    text = converted(notebook, "slides", "--config", str(CONFIG)).read_text("utf-8")
    assert "<caption>5 tokens</caption>" in text


@pytest.mark.parametrize("options", others_long(["--config", str(CONFIG)], []))
def test_a_pdf_gets_the_picture_with_and_without_it(notebook, options):
    text = converted(notebook, "latex", *options).read_text("utf-8")
    assert text.count("\\adjustimage{") == 1
