"""Slides: what a lesson has, a question before its answer, the rest for the speaker."""

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.course.build import lessons, product
from cifviz.course.site import slides as making
from cifviz.course.site.build_site import MANIFEST
from cifviz.course.site.slides import build_slides, render_slides
from cifviz.errors import DataError
from cifviz.notebooks.folding import folded_text
from cifviz.notebooks.reader import read_notebook
from tests.course.test_site import ALT, NAMES, PICTURE, image_tag, root, save, shown

__all__ = ["root"]

TALK = """\
## 2. The curve

A long explanation.

**Predict first:** does it rise?"""
PLAN = """\
## For the lecturer

### 90 minutes

- 80 min: sections 1 to 3, at the board.
- 10 min: section 12.

### Likely questions

- *Why?*"""


def cell(kind, source, *tags, outputs=()):
    made = new_code_cell(source, outputs=list(outputs)) if kind == "code" else None
    made = made or new_markdown_cell(source)
    made.metadata["tags"] = list(tags)
    return made


@pytest.fixture
def talk(root):
    """The repository with a lesson that has every kind of slide."""
    notebook = read_notebook(root / "notebooks" / "solutions" / "00_line.ipynb")
    figure = f"<figure>{image_tag(PICTURE, ALT)}<figcaption>It rises.</figcaption></figure>"
    printed = shown(text_html="<pre>rises: 1</pre>", text_plain="rises: 1")
    kept = shown(text_html="<pre>Recorded: x = 1</pre>", text_plain="Recorded: x = 1")
    long = f"{'Far too long for a slide. ' * 30}"
    notebook.cells = [
        notebook.cells[0],
        cell("text", TALK),
        cell("code", "draw()", "answer", outputs=[shown(text_html=figure, text_plain=ALT)]),
        cell("code", "say()", "answer", outputs=[printed, kept]),
        cell("text", folded_text(f"It rises. [Code](../../code.py)\n\n{long}"), "answer"),
        cell("text", "**Exercise 00.1.** How much is x?"),
        cell("code", 'x = 1\ncheck("00.1", x)', "solution"),
        cell("text", "## Words\n\nNo slide."),
        cell("text", PLAN, "lecturer"),
    ]
    save(root, "00_line", "solutions", notebook)
    return root


def slides(files, name="00_line"):
    soup = BeautifulSoup(files[f"{name}.html"], "html.parser")
    return soup.select(".slides > section")


def test_a_lesson_becomes_questions_figures_and_answers_in_its_order(talk):
    found = slides(render_slides(talk))
    kinds = [one["class"][0] for one in found]
    assert kinds == ["title", "section", "question", "answer", "answer", "question", "answer"]
    title, section, question, figure, answer, exercise, solution = (
        "".join(text for text in one.strings if not text.find_parent("aside")) for one in found
    )
    assert "00 Lesson 0" in title and section.split() == ["2.", "The", "curve"]
    assert "does it rise?" in question and "long explanation" not in question
    assert "It rises." in figure and found[3].img["alt"] == ALT
    assert "rises: 1" in answer and "It rises. Code" in answer and "too long" not in answer
    assert "How much is x?" in exercise and "x = 1" in solution and "check" not in solution
    assert not [one for one in found if "Recorded" in one.get_text() or "No slide" in str(one)]


def test_other_text_and_the_timed_plan_are_notes_for_the_speaker(talk):
    title, section, _question, _figure, answer, *_ = slides(render_slides(talk))
    assert "80 min" in title.aside.get_text() and "Likely" not in title.aside.get_text()
    assert "80 min" in section.aside.get_text() and "10 min" not in section.aside.get_text()
    assert "A long explanation." in section.aside.get_text()
    assert "Far too long" in answer.aside.get_text()


def test_slides_ask_nothing_of_a_network_and_link_to_nothing_that_is_not_there(talk):
    files = render_slides(talk)
    assert files.keys() == {*(f"{n}.html" for n in NAMES), "index.html", "slides.js", "slides.css"}
    for name in NAMES:
        soup = BeautifulSoup(files[f"{name}.html"], "html.parser")
        sources = {tag["src"] for tag in soup.find_all(src=True) if tag.name != "img"}
        assert sources - {s for s in sources if s.startswith("data:")} == {"slides.js"}
        assert [link["href"] for link in soup.find_all("link")] == ["slides.css"]
        assert all(a["href"].startswith("https:") for a in soup.find_all("a"))
        policy = soup.find("meta", attrs={"http-equiv": True})["content"]
        assert policy.startswith("default-src 'none'") and "http" not in policy
    index = BeautifulSoup(files["index.html"], "html.parser")
    assert [a["href"] for a in index.find_all("a")] == [f"{name}.html" for name in NAMES]


def test_slides_are_written_where_nothing_else_stands(talk, tmp_path):
    out = tmp_path / "slides"
    assert build_slides(out, talk).startswith("2 lessons, ")
    assert (out / MANIFEST).is_file()
    build_slides(out, talk)
    (out / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="something else than a site"):
        build_slides(out, talk)
    with pytest.raises(DataError, match="no lessons in"):
        render_slides(tmp_path)


def test_the_command_prints_what_was_made_and_fails_with_words(monkeypatch):
    monkeypatch.setattr(making, "build_slides", lambda out: f"made {out.name}")
    result = CliRunner().invoke(app, ["notebooks", "slides", "--out", "there"])
    assert (result.exit_code, result.stdout) == (0, "made there\n")

    def fail(out):
        raise DataError("no lessons")

    monkeypatch.setattr(making, "build_slides", fail)
    result = CliRunner().invoke(app, ["notebooks", "slides"])
    assert (result.exit_code, result.stderr) == (1, "cifviz notebooks slides: no lessons\n")


@pytest.mark.slow
def test_every_lesson_has_a_deck_that_is_no_wall_of_text():
    files = render_slides()
    for name in lessons():
        found = slides(files, name)
        sections = [one for one in found if "section" in one["class"]]
        numbered = [
            line
            for one in read_notebook(product(name, "solved")).cells
            for line in one.source.splitlines()
            if one.cell_type == "markdown" and line.startswith("## ") and line[3:4].isdigit()
        ]
        assert len(sections) >= len(numbered) > 2
        assert sum(bool(one.img) for one in found) > 2
        for one in found:
            if one.aside:
                one.aside.decompose()
            assert len(one.get_text()) < 1500, one.get_text()[:100]
    assert "explorers/00_start_here.html" in files and "explorers/" in files["00_start_here.html"]
