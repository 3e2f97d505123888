"""Builds the site from the committed notebooks:  cifviz notebooks site [--out build/site].

An index, a page for each lesson with open exercises and one solved, sheets of its exercises, a page
for each file that a lesson links to, and what these load from the folder of the site: explorers and
the search. No lesson is executed, nothing is asked of a network; two builds give the same bytes on
one machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from cifviz.course.build import COPIES, lessons, product
from cifviz.course.exercises import exercises
from cifviz.course.lesson_sources import Copy
from cifviz.course.site.cell_html import cells_html
from cifviz.course.site.clean import clean
from cifviz.course.site.curriculum import Opening, read_opening
from cifviz.course.site.exercise_sheets import sheet_place, tasks
from cifviz.course.site.live_explorers import (
    explorer_content,
    explorer_page,
    explorer_place,
    mark_explorer,
    put_explorer,
)
from cifviz.course.site.markdown import Markdown, highlighted
from cifviz.course.site.page_templates import STATIC, Link, fragment, page
from cifviz.course.site.places import (
    FOLDER,
    INDEX,
    LECTURER,
    Places,
    dead_links,
    lesson_path,
    lesson_place,
    relative,
)
from cifviz.course.site.site_search import Section, sections, sections_script
from cifviz.errors import DataError, require
from cifviz.notebooks.reader import read_notebook, tags
from cifviz.notebooks.run_inputs import ROOT

MANIFEST = "site.json"
"""Lists the pages of a site with their SHA-256, so that no other file is taken for one."""
LARGEST_FILE = 200_000
"""Bytes of a file that becomes a page."""


def render(root: Path = ROOT) -> dict[str, str]:
    """Every file of the site, by its place: HTML, and the scripts that the search loads.

    Parameters
    ----------
    root : Path
        Of the repository: its lessons are in ``notebooks``.

    Raises
    ------
    DataError
        If there are no lessons, one is not built, or a page would show something that is missing,
        without alt text, from the web, or a dead link; one line for each fault of that page.
    """
    names = lessons(root / FOLDER)
    require(bool(names), f"no lessons in {root / FOLDER / 'source'}: build in a clone", DataError)
    notebooks = {
        (name, copy): read_notebook(product(name, copy, root / FOLDER))
        for name in names
        for copy in COPIES
    }
    course = {name: read_opening(notebooks[name, "student"], name) for name in names}
    known = {lesson_path(name, copy): lesson_place(name, copy) for name, copy in notebooks}
    places = Places(root, {**known, FOLDER: INDEX, f"{FOLDER}/solutions": INDEX})
    searched: dict[str, list[Section]] = {}
    pages = {
        lesson_place(name, copy): _lesson(notebook, name, copy, course, places, searched)
        for (name, copy), notebook in notebooks.items()
    }
    pages |= {
        sheet_place(name, copy): _sheet(notebook, name, copy, course, places)
        for (name, copy), notebook in notebooks.items()
    }
    pages[LECTURER] = _lecturer(notebooks, course, places)
    pages |= {places.known[path]: _file(path, course, places) for path in places.files}
    pages[INDEX] = _index(course, places)
    for name in course:
        content = explorer_content(notebooks[name, "student"], name)
        if content is not None:
            pages[explorer_place(name)] = explorer_page(content, name)
    found = dead_links(pages)
    require(not found, "\n".join(found), DataError)
    pages["search.js"] = (STATIC / "search.js").read_text(encoding="utf-8")
    pages["sections.js"] = sections_script(searched)
    return pages


def write(pages: dict[str, str], out: Path) -> None:
    """Put a site into a folder; a site that stood there is replaced.

    Raises
    ------
    DataError
        If something else stands there, also if it is but one file, or a page that was edited.
    """
    _require_replaceable(out)
    files = {place: text.encode() for place, text in pages.items()}
    digests = {place: hashlib.sha256(content).hexdigest() for place, content in files.items()}
    files[MANIFEST] = (json.dumps(digests, indent=1, sort_keys=True) + "\n").encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=out.parent) as folder:
        made, old = Path(folder) / "new", Path(folder) / "old"
        for place, content in sorted(files.items()):
            (made / place).parent.mkdir(parents=True, exist_ok=True)
            (made / place).write_bytes(content)
        _require_replaceable(out)
        if out.exists():
            out.rename(old)
        try:
            made.rename(out)
        except BaseException:
            if old.exists():
                old.rename(out)
            raise


def _require_replaceable(out: Path) -> None:
    """Raise unless nothing stands at `out`, an empty folder, or a site as it was made."""
    if not os.path.lexists(out):
        return
    there = f"{out} holds something else than a site"
    require(out.is_dir() and not out.is_symlink(), f"{out} is no folder: name another", DataError)
    found = {
        path.relative_to(out).as_posix(): path for path in out.rglob("*") if not _is_folder(path)
    }
    if not found and not any(out.iterdir()):
        return
    try:
        listed = json.loads(found.pop(MANIFEST).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError) as error:
        raise DataError(f"{there}: name another, or remove it yourself") from error
    for place, path in found.items():
        own = path.is_file() and not path.is_symlink() and isinstance(listed, dict)
        own = own and hashlib.sha256(path.read_bytes()).hexdigest() == listed.get(place)
        require(own, f"{there}, {place}: name another", DataError)


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder itself, not a link to one."""
    return path.is_dir() and not path.is_symlink()


def build_site(out: Path, root: Path = ROOT) -> str:
    """Build the site and say how large its pages are: ``cifviz notebooks site``.

    Parameters
    ----------
    out : Path
        Folder for the pages; made if needed.
    root : Path
        Of the repository.

    Raises
    ------
    DataError
        As `render` and `write` do; a site that stood there is then still there.
    """
    pages = render(root)
    write(pages, out)
    sizes = {place: len(text.encode()) for place, text in sorted(pages.items())}
    lines = [f"{out / place}: {size / 1000:.0f} kB" for place, size in sizes.items()]
    total = sum(sizes.values()) / 1e6
    pages_alone = sum(place.endswith(".html") for place in sizes)
    return "\n".join([*lines, f"{pages_alone} pages, {total:.1f} MB; open {out / INDEX}"])


def _lesson(
    notebook: NotebookNode,
    name: str,
    copy: Copy,
    course: dict[str, Opening],
    places: Places,
    searched: dict[str, list[Section]],
) -> str:
    """The page of a lesson, with ways to the lessons around it and to its other copy."""
    # 1. Its text, and what a search finds in it.
    place, path = lesson_place(name, copy), lesson_path(name, copy)
    mark_explorer(notebook)
    soup = cleaned(lambda: cells_html(notebook), path, place, places, add=True)
    title = f"{course[name].number} {course[name].title}"
    if copy == "student":
        searched[name] = sections(soup, place, title)
    put_explorer(soup, relative(explorer_place(name), place))
    # 2. Ways to other pages.
    ways = [Link("Curriculum", relative(INDEX, place))]
    names = list(course)
    here = names.index(name)
    if here > 0:
        before = names[here - 1]
        label = f"Previous: {course[before].number} {course[before].title}"
        ways.append(Link(label, relative(lesson_place(before, copy), place), "prev"))
    if here + 1 < len(names):
        after = names[here + 1]
        label = f"Next: {course[after].number} {course[after].title}"
        ways.append(Link(label, relative(lesson_place(after, copy), place), "next"))
    other: Copy = "solved" if copy == "student" else "student"
    label = "Solved copy" if copy == "student" else "Copy with open exercises"
    ways.append(Link(label, relative(lesson_place(name, other), place)))
    return page(
        title + (", solved" if copy == "solved" else ""),
        soup,
        made_from=path,
        contents=_contents(course, place, copy),
        ways=ways,
        note=NOTES[copy],
        root=_root(place),
        copy=copy if copy == "solved" else "",
    )


def _contents(course: dict[str, Opening], place: str, copy: Copy = "student") -> list[Link]:
    """The lessons, as the side of a page lists them."""
    links = [Link("The course", relative(INDEX, place), "here" if place == INDEX else "")]
    for name, opening in course.items():
        target = lesson_place(name, copy)
        kind = "here" if place == target else ""
        links.append(Link(f"{opening.number} {opening.title}", relative(target, place), kind))
    return links


def _root(place: str) -> str:
    """The way from a page to the folder of the site.

    >>> _root("index.html"), _root("files/docs/a.html")
    ('', '../../')
    """
    return "../" * place.count("/")


NOTES = {
    "student": "A page to read. To work on the lesson, open its notebook in Jupyter.",
    "solved": "The solved copy: every exercise has an answer.",
}
"""The note above each lesson."""


def _file(path: str, course: dict[str, Opening], places: Places) -> str:
    """The page of a file that a lesson links to; what it links to itself need not be there."""
    place = places.known[path]
    soup = cleaned(lambda: _content(places.root / path), path, place, places, add=False)
    ways = [Link("Curriculum", relative(INDEX, place))]
    contents = _contents(course, place)
    return page(path, soup, made_from=path, contents=contents, ways=ways, root=_root(place))


def _content(file: Path) -> str:
    """A file as HTML; of a folder, the names of what is in it."""
    if file.is_dir():
        names = sorted(one.name for one in file.iterdir() if one.name[0] not in "._")
        return fragment("folder.html.j2", names=names)
    require(file.is_file(), "no file, so a lesson cannot link to it", DataError)
    raw = file.read_bytes()
    require(len(raw) <= LARGEST_FILE, "too large for a page", DataError)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError("no text, so a lesson cannot link to it") from error
    if file.suffix == ".md":
        return Markdown()(text)
    return highlighted(text, {".py": "python", ".json": "json"}.get(file.suffix, "text"))


def _sheet(
    notebook: NotebookNode, name: str, copy: Copy, course: dict[str, Opening], places: Places
) -> str:
    """The exercises of a lesson, to print."""
    place, path = sheet_place(name, copy), lesson_path(name, copy)
    solved, opening = copy == "solved", course[name]
    title = f"Exercises: {opening.number} {opening.title}{', solved' if solved else ''}"
    markdown = Markdown()

    def made() -> str:
        known = exercises(opening.number) if solved else {}
        lines = [
            {
                **vars(task),
                "text": markdown(task.text),
                "code": highlighted(task.code) if task.code else "",
            }
            for task in tasks(notebook, copy, known)
        ]
        return fragment("sheet.html.j2", title=title, tasks=lines, solved=solved)

    soup = cleaned(made, path, place, places, add=True)
    ways = [
        Link("Curriculum", relative(INDEX, place)),
        Link("The lesson", relative(lesson_place(name, copy), place)),
    ]
    contents = _contents(course, place)
    return page(title, soup, made_from=path, contents=contents, ways=ways, root=_root(place))


SCHEDULE = "docs/teaching.md"
"""What lecturers read first, if the repository has it."""


def _lecturer(
    notebooks: dict[tuple[str, Copy], NotebookNode], course: dict[str, Opening], places: Places
) -> str:
    """Plans, sheets and solutions of all lessons."""

    def line(name: str, opening: Opening) -> dict[str, object]:
        solved = relative(lesson_place(name, "solved"), LECTURER)
        planned = any("lecturer" in tags(cell) for cell in notebooks[name, "solved"].cells)
        return {
            "opening": opening,
            "plan": f"{solved}#for-the-lecturer" if planned else "",
            "sheet": relative(sheet_place(name, "student"), LECTURER),
            "answers": relative(sheet_place(name, "solved"), LECTURER),
            "solved": solved,
        }

    there = (places.root / SCHEDULE).is_file()
    schedule = places.follow(SCHEDULE, path="", page=LECTURER, add=True) if there else None
    lines = [line(name, opening) for name, opening in course.items()]
    html = fragment("lecturer.html.j2", lessons=lines, schedule=schedule)
    soup = BeautifulSoup(html, "html.parser")
    ways = [Link("Curriculum", INDEX)]
    contents = _contents(course, LECTURER)
    return page("For lecturers", soup, made_from="", contents=contents, ways=ways)


def _index(course: dict[str, Opening], places: Places) -> str:
    """The curriculum, and the files that lessons link to."""
    lines = [
        {
            "opening": opening,
            "task": Markdown()(opening.task),
            "student": relative(lesson_place(name, "student"), INDEX),
            "solved": relative(lesson_place(name, "solved"), INDEX),
        }
        for name, opening in course.items()
    ]
    files = [Link(path, relative(places.known[path], INDEX)) for path in sorted(places.files)]
    html = fragment("curriculum.html.j2", lessons=lines, files=files, lecturer=LECTURER)
    soup = BeautifulSoup(html, "html.parser")
    return page("The course", soup, made_from="", contents=_contents(course, INDEX))


def cleaned(
    make: Callable[[], str], path: str, place: str, places: Places, *, add: bool
) -> BeautifulSoup:
    """What `clean` makes of a page; its complaints name the file."""
    try:
        return clean(
            make(),
            follow=lambda target: places.follow(target, path=path, page=place, add=add),
            embed=lambda source: places.embed(source, path=path),
        )
    except DataError as error:
        lines = str(error).splitlines()
        raise DataError("\n".join(f"{path}: {line}" for line in lines)) from error
