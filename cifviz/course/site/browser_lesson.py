"""A lesson whose cells run in a browser:  cifviz notebooks browser-lesson [--out build/browser].

A folder that opens from a disk, without a network and with nothing installed. Python is Pyodide,
which has the standard library and no PyTorch. The text and what the other cells show are those of
the notebook; the exercises are judged by the same checkers.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from nbformat import NotebookNode

from cifviz.course.build import NOTEBOOKS, product
from cifviz.course.site.build_site import write
from cifviz.course.site.cell_html import cells_html
from cifviz.course.site.clean import clean
from cifviz.course.site.curriculum import read_opening
from cifviz.course.site.markdown import highlighted
from cifviz.course.site.page_templates import STATIC, Link, fragment, page
from cifviz.course.site.places import INDEX
from cifviz.errors import DataError, require
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import code, read_notebook
from cifviz.notebooks.run_inputs import ROOT

LESSON = "01_integrate_and_fire"
PYODIDE = "0.29.5"
"""The version of the npm package. The last that is a classic script, which a page opened from a
disk can run; later ones are modules."""
INTEGRITY = (
    "sha512-TkYrUv9m8QmfImADKRmpwZulL48E0uUaBSO+dvRQKyAJ"
    "c0qh9gu7jn8btyHPh3NZm1r2IH2YrJhIr7Q2B9urAw=="
)
"""What npm publishes of this version."""
PARTS = ("pyodide.asm.js", "pyodide.js", "pyodide.asm.wasm", "python_stdlib.zip")
"""Files of the package that the page needs, besides the list of its packages."""
SECONDS = 300
"""For npm, and for the cells of a lesson."""

MODULES = (
    "cifviz/core/reference.py",
    "cifviz/course/exercises.py",
    f"cifviz/course/lessons/lesson_{LESSON[:2]}.py",
    "cifviz/course/tables.py",
    "cifviz/errors.py",
    "cifviz/notebooks/cell_output.py",
    "cifviz/text_tables.py",
)
"""Files of the library that run on the standard library alone."""
PACKAGES = {
    "cifviz": "",
    "cifviz/core": "",
    "cifviz/course": (
        "from cifviz.course.exercises import check\nfrom cifviz.course.tables import table\n"
    ),
    "cifviz/course/lessons": "",
    "cifviz/notebooks": "",
}
"""What their ``__init__.py`` is there: those of the library load more."""


@dataclass(frozen=True)
class Ran:
    """How a cell went in a Python without PyTorch."""

    ok: bool
    text: str
    """What it printed, the error included."""


def build_browser_lesson(out: Path, pyodide: Path | None = None) -> str:
    """Make the folder and say what is in it: ``cifviz notebooks browser-lesson``.

    Parameters
    ----------
    out : Path
        Folder for the page; made if needed. One that was made before is replaced.
    pyodide : Path, optional
        The archive ``pyodide-VERSION.tgz`` of npm; it is fetched with npm if none is given.

    Raises
    ------
    DataError
        If Pyodide cannot be had, is another version, or something else stands in `out`.
    """
    notebook = read_notebook(product(LESSON, "student", NOTEBOOKS))
    parts = read_pyodide(pyodide) if pyodide is not None else fetch_pyodide()
    files = render_browser_lesson(notebook, parts)
    write(files, out)
    megabytes = sum(len(text.encode()) for text in files.values()) / 1e6
    return f"{megabytes:.1f} MB; open {out / INDEX}"


# --- Pyodide -------------------------------------------------------------------------------------


def fetch_pyodide() -> dict[str, bytes]:
    """The files of Pyodide, from npm or what npm keeps of an earlier time.

    Raises
    ------
    DataError
        If there is no npm, or it cannot fetch the package.
    """
    name = f"pyodide-{PYODIDE}.tgz"
    otherwise = f"; without a network, give {name} with --pyodide"
    npm = shutil.which("npm")
    if npm is None:
        raise DataError(f"npm, which fetches Pyodide, is not installed: install Node.js{otherwise}")
    with tempfile.TemporaryDirectory(prefix="cifviz-pyodide-") as folder:
        command = [npm, "pack", f"pyodide@{PYODIDE}", "--prefer-offline", "--silent"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DataError(f"npm did not fetch Pyodide in {SECONDS} s{otherwise}") from error
        archive = Path(folder) / name
        require(
            done.returncode == 0 and archive.is_file(),
            f"npm could not fetch pyodide {PYODIDE}{otherwise}",
            DataError,
        )
        return read_pyodide(archive)


def read_pyodide(archive: Path) -> dict[str, bytes]:
    """The files of Pyodide in an archive of npm, which is the one that npm publishes.

    Raises
    ------
    DataError
        If it cannot be read, or is another.
    """
    try:
        content = archive.read_bytes()
    except OSError as error:
        raise DataError(f"{archive} cannot be read: {error.strerror}") from error
    found = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    require(
        found == INTEGRITY,
        f"{archive} is not pyodide-{PYODIDE}.tgz as npm has it: expected {INTEGRITY}, got {found}",
        DataError,
    )
    with tarfile.open(archive) as opened:
        members = {name: opened.extractfile(f"package/{name}") for name in (*PARTS, LOCK)}
        return {name: member.read() for name, member in members.items() if member is not None}


LOCK = "pyodide-lock.json"
"""Names packages that this Pyodide could load; the page loads none."""


# --- The folder ----------------------------------------------------------------------------------


def render_browser_lesson(notebook: NotebookNode, parts: dict[str, bytes]) -> dict[str, str]:
    """Every file of the folder, by its name.

    Parameters
    ----------
    notebook : NotebookNode
        The student's copy of the lesson, executed.
    parts : dict of str to bytes
        What `read_pyodide` returns.
    """
    imports = next(code(notebook)).source
    python = python_files(notebook)
    lock = {"info": json.loads(parts[LOCK])["info"], "packages": {}}
    runtime = {
        "packed": {name: _packed(parts[name]) for name in PARTS},
        "worker": (STATIC / "browser_worker.js").read_text(encoding="utf-8"),
        "lock": lock,
        "python": python,
        "imports": imports,
    }
    return {
        INDEX: lesson_page(notebook, run_cells(notebook, python)),
        "runtime.js": f"globalThis.cifvizRuntime = {json.dumps(runtime)};\n",
    }


def python_files(notebook: NotebookNode) -> dict[str, str]:
    """What Python finds there, by path: checkers, the reference, and the weights of a recording.

    Parameters
    ----------
    notebook : NotebookNode
        Names the recording in its parameters.
    """
    import cifviz

    found = {path: (ROOT / path).read_text(encoding="utf-8") for path in MODULES}
    found |= {f"{path}/__init__.py": text for path, text in PACKAGES.items()}
    session = Path(__file__).with_name("browser_session.py")
    found[session.name] = session.read_text(encoding="utf-8")
    recording = cifviz.load_recording(read_parameters(notebook)["recording"])
    about = f"{recording.attribution}, {recording.licence}"
    found["recorded.py"] = f"# {about}\nalpha = {recording.alpha.double().tolist()}\n"
    return found


def run_cells(notebook: NotebookNode, python: dict[str, str]) -> list[Ran]:
    """How each cell of code goes in a Python with the standard library and these files alone.

    Raises
    ------
    DataError
        If that Python does not come to an end, or stops.
    """
    given = {
        "imports": next(code(notebook)).source,
        "cells": [cell.source for cell in code(notebook)],
    }
    with tempfile.TemporaryDirectory(prefix="cifviz-cells-") as folder:
        for path, text in python.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text, encoding="utf-8")
        start = f"import sys; sys.path.insert(0, {folder!r}); import browser_session as b; b.main()"
        command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", start]
        try:
            done = subprocess.run(
                command, input=json.dumps(given).encode(), capture_output=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise DataError(f"the cells of {LESSON} did not end in {SECONDS} s") from error
    require(done.returncode == 0, f"the cells of {LESSON} stopped Python", DataError)
    return [Ran(ok, text) for ok, text in json.loads(done.stdout)]


def _packed(content: bytes) -> str:
    """Compressed and in letters, the same each time."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")


# --- The page ------------------------------------------------------------------------------------


def lesson_page(notebook: NotebookNode, ran: Sequence[Ran]) -> str:
    """The page: cells that went well are marked for the script, the others state that they do not.

    Parameters
    ----------
    notebook : NotebookNode
    ran : sequence of Ran
        One for each cell of code.
    """
    soup = clean(cells_html(notebook), follow=_follow, embed=_embed)
    elements = soup.select(".cell")
    cells = list(code(notebook))
    for number, (element, cell, one) in enumerate(zip(elements, cells, ran, strict=True)):
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if number == 0 or (one.ok and hidden and not one.text):
            continue  # imports, of which the session keeps what there is; helpers of other cells
        if one.ok:
            _mark(element, cell.id, _name(cell.source))
        elif element.select_one("pre.code") is not None:
            note = soup.new_tag("p", attrs={"class": "label"})
            note.string = NOTEBOOK_ALONE
            element.insert(0, note)
    own = BeautifulSoup(fragment("own_cell.html.j2", code=highlighted(OWN_CELL)), "html.parser")
    for own_cell in own.select(".cell"):
        _mark(own_cell, f"{LESSON}-own", "your own cell")
    soup.append(own)
    opening = read_opening(notebook, LESSON)
    title = f"{opening.number} {opening.title}"
    return page(
        title,
        soup,
        made_from=f"notebooks/{LESSON}.ipynb",
        contents=[Link(title, INDEX, "here")],
        note=NOTE,
        runner=(STATIC / "browser_lesson.js").read_text(encoding="utf-8").strip(),
    )


NOTE = (
    "Cells with a button run here, in Python in your browser, which needs no network and starts "
    "with the first of them. A cell runs those above it first. PyTorch is not there: cells that "
    f"need it show what they showed in the notebook. Python is Pyodide {PYODIDE} (licence MPL 2.0)."
)
NOTEBOOK_ALONE = "Runs in the notebook alone; what it shows was recorded there."
OWN_CELL = """\
import recorded  # the weights of section 8

tokens, positions, residual = reference.integrate_and_fire(recorded.alpha)
print(f"{len(recorded.alpha)} frames, {len(tokens)} tokens, residual {residual:.2f}")
print("fires at", [round(position, 2) for position in positions])
"""
"""In place of what needs PyTorch: integrate-and-fire in plain Python, on real weights."""


def _mark(element: Tag, cell_id: str, name: str) -> None:
    """Mark a cell for the script that runs it."""
    classes = [*filter(None, element.get_attribute_list("class")), "runs"]
    element["class"] = " ".join(classes)
    element["data-cell"], element["data-name"] = cell_id, name
    label = element.select_one("p.label")
    if label is not None:
        label.string = (
            label.get_text()
            .replace(", in the notebook:", ":")
            .replace(", to be changed in the notebook:", ":")
        )


def _name(source: str) -> str:
    r"""What a screen reader calls a cell.

    >>> _name('how_many = ...\ncheck("01.1", how_many)'), _name("# Table: a sum\nx = 1")
    ('exercise 01.1', 'Table: a sum')
    >>> _name("x = 1  # one\ny = 2")
    'the cell x = 1'
    """
    asked = re.search(r'check\("([\d.]+)"', source)
    first = source.strip().partition("\n")[0]
    if asked:
        return f"exercise {asked[1]}"
    return first[2:] if first.startswith("# ") else f"the cell {first.partition('  #')[0]}"


def _follow(target: str) -> str | None:
    """Links to the web and within the page stay; other files are not in the folder."""
    return target if re.match(r"https?:|#", target) else None


def _embed(source: str) -> str:
    raise DataError(f"{LESSON} shows the picture {source}, which is not in its notebook")
