"""Slides of the lessons, for a lecture:  cifviz notebooks slides [--out build/slides].

They are made of the solved notebooks: headings, questions, figures with their captions, answers on
the slide after their question. Other text becomes notes for the speaker, and so does the timed plan
of the lecturer's cell. reveal.js shows them, from the same folder, without a network.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

import cifviz
from cifviz.course.build import lessons, product
from cifviz.course.site.build_site import cleaned, write
from cifviz.course.site.cell_html import cells_html
from cifviz.course.site.curriculum import Opening, read_opening
from cifviz.course.site.live_explorers import (
    TAG,
    explorer_content,
    explorer_page,
    explorer_place,
    mark_explorer,
)
from cifviz.course.site.markdown import Markdown
from cifviz.course.site.page_templates import STATIC, fragment
from cifviz.course.site.places import FOLDER, INDEX, Places, lesson_path
from cifviz.errors import DataError, require
from cifviz.notebooks.reader import read_notebook
from cifviz.notebooks.run_inputs import ROOT

LONGEST_TABLE = 9
"""Rows of a table that is readable on a slide."""
LONGEST_PRINT = 12
"""Lines of printed text, or of code, that are."""
RECORDED = "Recorded: "
"""What `cifviz.course.record` prints, for tests."""
LONGEST_ANSWER = 420
"""Letters of an answer; what follows is for the speaker."""


@dataclass
class Slide:
    """One slide: HTML to see, HTML for the speaker."""

    body: str
    kind: str = ""
    """"title", "section", "question", "answer", "figure" or "live"."""
    notes: list[str] = field(default_factory=list)


def slides_of(soup: BeautifulSoup, opening: Opening, plan: str, explorer: str) -> list[Slide]:
    """The slides of a lesson.

    Parameters
    ----------
    soup : BeautifulSoup
        The cleaned cells of the solved copy.
    opening : Opening
        Of the lesson.
    plan : str
        HTML of the lecturer's plan; it becomes the notes of the first slide, and each of its items
        those of the sections that it names.
    explorer : str
        The way to the live explorer, for the cell that shows one.
    """
    title = html.escape(f"{opening.number} {opening.title}")
    first = f"<h1>{title}</h1><p>{html.escape(opening.question)}</p>"
    found = [Slide(first, "title", [plan] if plan else [])]
    items = [str(item) for item in BeautifulSoup(plan, "html.parser").find_all("li")]
    section, numbered = "", None
    for block in soup.find_all("div", recursive=False):
        classes = block.get_attribute_list("class")
        pieces = _text_slides(block) if "text" in classes else _cell_slides(block, explorer)
        for slide in pieces:
            if slide.kind == "section":
                section = slide.body
                numbered = re.match(r"<h2[^>]*>(\d+)\.", slide.body)
                slide.notes += [item for item in items if numbered and _names(item, numbered[1])]
            if section and not numbered:  # words, further reading, the plan
                continue
            if slide.kind == "notes":
                found[-1].notes += slide.notes
                continue
            elif slide.kind == "answer" and found[-1].kind == "answer" and _fits(found[-1], slide):
                found[-1].body += slide.body
                found[-1].notes += slide.notes
                continue
            elif section and slide.kind != "section":
                heading = BeautifulSoup(section, "html.parser").get_text()
                slide.body = f'<p class="where">{html.escape(heading)}</p>{slide.body}'
            found.append(slide)
    return found


def _fits(before: Slide, after: Slide) -> bool:
    """Whether two answers have room on one slide: what was printed, and what it says."""
    printed = BeautifulSoup(before.body, "html.parser")
    lines = len(printed.get_text().splitlines())
    return "<pre" in before.body and not printed.img and "<p" in after.body and lines < 6


def _names(item: str, number: str) -> bool:
    """Whether an item of a plan names a section.

    >>> _names("5 min: sections 1 and 2.", "2"), _names("5 min: section 12", "2")
    (True, False)
    >>> _names("10 min: sections 9 to 11", "10")
    True
    """
    spans = re.findall(r"sections? (\d+)(?:(?: to | ?– ?)(\d+)|(?:, (\d+))* and (\d+))?", item)
    for low, high, _, last in spans:
        if number in (low, last) or (high and int(low) <= int(number) <= int(high)):
            return True
    return False


def _text_slides(block: Tag) -> Iterator[Slide]:
    """Headings, questions and answers of a cell of text; the rest is notes."""
    children = [child for child in block.children if isinstance(child, Tag)]
    while children:
        child = children.pop(0)
        opens = child.strong.get_text() if child.name == "p" and child.strong else ""
        if child.name == "h2":
            yield Slide(f"<h2>{child.decode_contents()}</h2>", "section")
        elif child.name == "h1":
            continue
        elif opens.startswith("Predict first"):
            yield Slide(str(child), "question")
        elif opens.startswith("Exercise"):
            asked, children = [child, *children], []
            yield Slide("".join(map(str, asked)), "question")
        elif child.name == "details":
            yield from _answer(child)
        else:
            yield Slide("", "notes", [str(child)])


def _answer(fold: Tag) -> Iterator[Slide]:
    """The beginning of a folded answer; what is too long for a slide is for the speaker."""
    parts = [part for part in fold.find_all(True, recursive=False) if part.name != "summary"]
    shown: list[str] = []
    length = 0
    while parts and (not shown or length + len(parts[0].get_text()) <= LONGEST_ANSWER):
        length += len(parts[0].get_text())
        shown.append(str(parts.pop(0)))
    if shown:
        yield Slide("".join(shown), "answer", [str(part) for part in parts])


def _cell_slides(block: Tag, explorer: str) -> Iterator[Slide]:
    """Figures, short tables, short prints and solutions of a cell of code."""
    classes = block.get_attribute_list("class")
    if TAG in classes:
        frame = f'<iframe data-src="{explorer}" title="The explorer, live"></iframe>'
        yield Slide(frame, "live")
        return
    if "solution" in classes:
        code = block.find("pre", class_="code")
        if isinstance(code, Tag) and len(code.get_text().splitlines()) <= LONGEST_PRINT:
            for line in code.find_all("span", class_="line"):
                if line.get_text().startswith("check("):
                    line.decompose()
            yield Slide(f"<p>A solution:</p>{code}", "answer")
        return
    kind = "answer" if "answer" in classes else "figure"
    for picture in block.select(".output img"):
        caption = picture.find_parent("figure")
        words = caption.find("figcaption") if isinstance(caption, Tag) else None
        yield Slide(f"{picture}{words or ''}", kind)
    for table in block.select(".output .wide"):
        if len(table.find_all("tr")) <= LONGEST_TABLE and not block.select(".output img"):
            yield Slide(str(table), kind)
    for printed in block.select(".output pre") if kind == "answer" else ():
        text = printed.get_text()
        if len(text.splitlines()) <= LONGEST_PRINT and not text.startswith(RECORDED):
            yield Slide(str(printed), kind)


def render_slides(root: Path = ROOT) -> dict[str, str]:
    """Every file of the slides, by its place: a page for each lesson, an index, explorers.

    Parameters
    ----------
    root : Path
        Of the repository.

    Raises
    ------
    DataError
        If there are no lessons, one is not built, or has what a page of the site could not show.
    """
    names = lessons(root / FOLDER)
    require(bool(names), f"no lessons in {root / FOLDER / 'source'}: build in a clone", DataError)
    files = {
        name: (STATIC / name).read_text(encoding="utf-8") for name in ("slides.js", "slides.css")
    }
    lines = []
    for name in names:
        notebook = read_notebook(product(name, "solved", root / FOLDER))
        opening = read_opening(notebook, name)
        slides = _deck(notebook, name, opening, root)
        files[f"{name}.html"] = fragment(
            "slides.html.j2",
            title=f"{opening.number} {opening.title}",
            slides=slides,
            version=cifviz.__version__,
        )
        content = explorer_content(notebook, name)
        if content is not None:
            files[explorer_place(name)] = explorer_page(content, name)
        lines.append({"opening": opening, "href": f"{name}.html", "count": len(slides)})
    files[INDEX] = fragment("slides_index.html.j2", lessons=lines, version=cifviz.__version__)
    return files


def _deck(notebook: NotebookNode, name: str, opening: Opening, root: Path) -> list[Slide]:
    """The slides of one lesson; a link leads nowhere outside of the web, so it is only text."""
    mark_explorer(notebook)
    path = lesson_path(name, "solved")
    soup = cleaned(lambda: cells_html(notebook), path, path, Places(root, {}), add=True)
    for link in soup.find_all("a"):
        if not str(link.get("href", "")).startswith("https:"):
            link.unwrap()
    source = notebook.cells[-1].source
    plan = source.partition("### 90 minutes")[2].partition("\n### ")[0]
    return slides_of(soup, opening, Markdown()(plan) if plan else "", explorer_place(name))


def build_slides(out: Path, root: Path = ROOT) -> str:
    """Make the slides and say how many there are: ``cifviz notebooks slides``.

    Parameters
    ----------
    out : Path
        Folder for the slides; made if needed. What this command made there before is replaced.
    root : Path
        Of the repository.

    Raises
    ------
    DataError
        As `render_slides` does; also if something else stands in the folder.
    """
    files = render_slides(root)
    write(files, out)
    pages = [place for place in files if place.endswith(".html") and "/" not in place]
    total = sum(len(text.encode()) for text in files.values()) / 1e6
    return f"{len(pages) - 1} lessons, {total:.1f} MB; open {out / INDEX}"
