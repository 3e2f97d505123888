"""No answer is in view before it is asked for: in JupyterLab and in exports."""

import shutil
import subprocess
import sys

import nbformat
import pytest

from cifviz.course.build import COPIES, NOTEBOOKS, product
from cifviz.course.lesson_form import FORM, form_of
from cifviz.course.lesson_sources import read_source
from cifviz.notebooks.folding import TEXT_LABEL
from cifviz.notebooks.reader import read_notebook
from tests.repeats import others_long
from tests.ui import browser, jupyter
from tests.ui.explored import window
from tests.ui.folds import NAME, answers, labels, words

pytestmark = browser.needed

IN_VIEW = """async index => {
    const { content } = window.jupyterapp.shell.currentWidget;
    await content.scrollToItem(index);
    const cell = content.widgets[index];
    await cell.ready;
    const shown = cell.model.type === 'markdown' ? '.jp-RenderedMarkdown' : '.jp-Cell-outputArea';
    for (let wait = 0; wait < 100 && !cell.node.querySelector(shown); wait += 1)
        await new Promise(done => setTimeout(done, 50));
    return cell.node.querySelector(shown)?.innerText ?? '';
}"""
"""Scrolls to a cell, and gives the text that a reader sees of its output, or of its Markdown."""


in_each_copy = pytest.mark.parametrize("copy", others_long(*COPIES))


@pytest.mark.smoke
def test_the_lesson_has_the_form_that_is_asked_for():
    assert form_of(read_source(NOTEBOOKS / "source" / f"{NAME}.py")) == FORM
    assert all(len(answers(copy)) > 20 for copy in COPIES)


@in_each_copy
def test_in_jupyterlab_answers_are_folded_until_they_are_opened(jupyter_server, chromium, copy):
    folder, address = jupyter_server("lab")
    shutil.copy(product(NAME, copy), folder / f"{copy}.ipynb")
    with window(chromium, viewport={"width": 1300, "height": 1200}) as page:
        notebook = jupyter.OpenNotebook(page, address(f"{copy}.ipynb"))
        numbers = answers(copy)
        shown = {number: words(page.evaluate(IN_VIEW, number)) for number in numbers}
        # Three dots stand for a collapsed output.
        seen = {text for text in shown.values() if text.strip("…")}
        assert TEXT_LABEL in seen and len(seen) > 10 and seen <= labels(copy)
        first = next(number for number in numbers if shown[number] in labels(copy, "code"))
        page.evaluate(IN_VIEW, first)
        cell = page.locator(f'[data-windowed-list-index="{first}"]')
        cell.locator("summary").click()
        opened = words(page.evaluate(IN_VIEW, first))
        assert len(opened) > len(shown[first]) + 20
        assert notebook.dialogs == []


@pytest.mark.smoke
@pytest.mark.slow
def test_in_an_export_answers_are_folded(page, tmp_path):
    """Whatever the exporter knows of tags and metadata: plain nbconvert knows neither."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(product(NAME, "student"))], check=True, capture_output=True)
    page.goto((tmp_path / f"{NAME}.html").as_uri(), wait_until="domcontentloaded")
    cells = page.locator(".jp-Cell.celltag_answer .jp-Cell-outputWrapper")
    texts = [words(text) for text in cells.all_inner_texts()]
    assert len(texts) > 20 and {text for text in texts if text} <= labels("student", "code")
    text = page.locator(".jp-MarkdownOutput.celltag_answer")
    assert {words(one) for one in text.all_inner_texts()} == {TEXT_LABEL}


def test_running_a_collapsed_cell_opens_it(jupyter_server, chromium):
    """A live figure that is an answer is collapsed by its cell; whoever runs it sees it."""
    folder, address = jupyter_server("lab")
    jupyter.write_notebook(folder / "collapsed.ipynb", "print('shown')")
    written = read_notebook(folder / "collapsed.ipynb")
    written.cells[0].metadata = {"jupyter": {"outputs_hidden": True}, "collapsed": True}
    nbformat.write(written, folder / "collapsed.ipynb")
    with window(chromium, viewport={"width": 1300, "height": 900}) as page:
        notebook = jupyter.OpenNotebook(page, address("collapsed.ipynb"))
        assert "shown" not in page.evaluate(IN_VIEW, 0)
        notebook.run(0)
        browser.wait_until(lambda: "shown" in page.evaluate(IN_VIEW, 0))
