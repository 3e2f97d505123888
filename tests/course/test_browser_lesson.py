"""The lesson that runs in a browser: which of its cells do, and what it brings along."""

import ast
import base64
import gzip
import io
import json
import re
import tarfile

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.course.build import product
from cifviz.course.exercises import exercises
from cifviz.course.lesson_sources import derive, read_source
from cifviz.course.site import browser_lesson as making
from cifviz.course.site.browser_lesson import LESSON, PARTS
from cifviz.course.site.browser_session import MOST_SHOWN, Session
from cifviz.errors import DataError
from cifviz.notebooks.reader import code, read_notebook
from cifviz.notebooks.run_inputs import ROOT

PYODIDE = {
    **{name: f"the file {name}".encode() for name in PARTS},
    making.LOCK: b'{"info": {"version": "1"}, "packages": {"numpy": {}}}',
}


@pytest.fixture(scope="module")
def notebook():
    return read_notebook(product(LESSON, "student"))


@pytest.fixture(scope="module")
def files(notebook):
    return making.render_browser_lesson(notebook, PYODIDE)


def runtime(files):
    begin, end = "globalThis.cifvizRuntime = ", ";\n"
    text = files["runtime.js"]
    assert text.startswith(begin) and text.endswith(end)
    return json.loads(text.removeprefix(begin).removesuffix(end))


# --- a session -----------------------------------------------------------------------------------


def test_cells_share_their_names_and_show_their_last_expression():
    session = Session("from math import pi, tau_of_a_browser\nimport json as j")
    assert session.missing == ["tau_of_a_browser"]
    assert session.run("x = round(pi)\nprint('three')") == (True, "three\n")
    assert session.run("j.dumps([x])") == (True, "'[3]'\n")
    assert session.run("None") == session.run("") == session.run("# nothing") == (True, "")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("x = 1\ny = x +", "Line 2: y = x +\nSyntaxError: invalid syntax"),
        ("def f():\n    return 1 / 0\nf()", "Line 2: return 1 / 0\nZeroDivisionError: division"),
        ("import sys\nsys.exit(3)", "Line 2: sys.exit(3)\nSystemExit: 3"),
        ("import numpy_of_a_browser", "A browser has no numpy_of_a_browser: this line works in"),
        ("import math\nmath.relu", "A browser has no math.relu: this line works in"),
        ("tensor", "Line 1: tensor\nNameError: name 'tensor' is not defined\nA browser has no"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "Line 3: raise E\n"),
        ("a\0b", "null bytes"),
    ],
)
def test_an_error_is_told_with_its_line_and_ends_nothing(cell, text):
    session = Session("from of_a_browser import tensor")
    ok, shown = session.run(cell)
    assert not ok and text in shown
    assert session.run("1 + 1") == (True, "2\n")


def test_a_name_that_was_never_imported_is_no_lack_of_the_browser():
    _, shown = Session("").run("tensr")
    assert "NameError" in shown and "browser" not in shown


def test_what_a_cell_prints_without_end_is_cut():
    ok, shown = Session("").run(f"for _ in range(10): print('x' * {MOST_SHOWN // 2})")
    assert ok and len(shown) < MOST_SHOWN + 100
    assert shown.endswith(f"… and {4 * MOST_SHOWN + 10} more characters\n")


# --- which cells run -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(notebook):
    return making.run_cells(notebook, making.python_files(notebook))


def test_every_exercise_runs_and_is_open(notebook, ran):
    found = {}
    for cell, one in zip(code(notebook), ran, strict=True):
        for number in re.findall(r'check\("([\d.]+)"', cell.source):
            found[number] = one
    assert found.keys() == exercises(LESSON[:2]).keys()
    for number, one in found.items():
        assert (one.ok, one.text) == (True, f"{number} ○ Not answered yet.\n")


def test_solutions_in_plain_python_are_right_without_pytorch(notebook):
    """The solved copy: only the optional last exercise is solved with tensors."""
    solved = derive(read_source(ROOT / "notebooks" / "source" / f"{LESSON}.py"), LESSON, "solved")
    answers = [
        (cell.source, one.text)
        for cell, one in zip(
            code(solved), making.run_cells(solved, making.python_files(solved)), strict=True
        )
        if "check(" in cell.source
    ]
    right = [text for _, text in answers if "✓ Right." in text]
    assert len(right) == len(answers) - 1
    assert "torch" in answers[-1][0] and "✗ Not yet." in answers[-1][1]


def test_a_wrong_answer_gets_the_same_hint_as_in_the_notebook(notebook):
    for cell in code(notebook):
        if '"01.1"' in cell.source:
            cell = cell.copy()
            cell.source = 'check("01.1", 2)'
            first = next(code(notebook))
            small = notebook.copy()
            small.cells = [first, cell]
            _, answer = making.run_cells(small, making.python_files(notebook))
            assert exercises("01")["01.1"].mistakes[0][1] in answer.text
            return
    pytest.fail("no exercise 01.1")


def test_cells_fail_only_for_want_of_what_is_imported_or_was_made_with_it(notebook, ran):
    cells = list(code(notebook))
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for statement in ast.parse(cells[0].source).body
        for alias in statement.names
    }
    lacking = imported - {"check", "reference", "table"}
    failed = [cell.source for cell, one in zip(cells, ran, strict=True) if not one.ok]
    assert len(failed) > 5
    for source in failed:
        words = set(re.findall(r"\w+", source))
        assert words & lacking, source
        lacking |= set(re.findall(r"^(?:def )?(\w+)(?:\(.*:| = )", source, re.MULTILINE))


def test_what_runs_prints_what_the_notebook_printed(notebook, ran):
    compared = 0
    for cell, one in zip(code(notebook), ran, strict=True):
        kept = "".join(output.get("text", "") for output in cell.outputs)
        if one.ok and kept:
            compared += 1
            assert one.text == kept
    tables = [
        (one.text, output.data["text/plain"])
        for cell, one in zip(code(notebook), ran, strict=True)
        for output in cell.outputs
        if one.ok and "text/plain" in output.get("data", {}) and one.text
    ]
    assert tables and all(text.rstrip("\n") == plain for text, plain in tables)


# --- the folder ----------------------------------------------------------------------------------


def test_the_page_marks_what_runs_and_names_what_does_not(files, ran):
    soup = BeautifulSoup(files["index.html"], "html.parser")
    names = [cell["data-name"] for cell in soup.select(".cell.runs")]
    assert names[-1] == "your own cell" and len(set(names)) == len(names)
    assert {f"exercise {number}" for number in exercises("01")} <= set(names)
    others = soup.select(".cell:not(.runs)")
    assert len([one for one in others if making.NOTEBOOK_ALONE in one.get_text()]) == sum(
        not one.ok for one in ran[1:]
    )
    assert len(soup.select("main img")) >= 6, "what cannot run shows what was recorded"
    assert "in the notebook:" not in soup.main.get_text()


def test_the_text_is_that_of_the_notebook(notebook, files):
    soup = BeautifulSoup(files["index.html"], "html.parser")
    headings = [head.get_text() for head in soup.main.find_all("h2")]
    written = [
        line.removeprefix("## ")
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    assert headings == [*written, "A cell of your own"]
    targets = [link["href"] for link in soup.main.find_all("a")]
    assert targets and all(re.match("https?:|#", target) for target in targets)


def test_the_page_loads_nothing_from_elsewhere(files):
    soup = BeautifulSoup(files["index.html"], "html.parser")
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy and "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert not soup.find_all(["link", "iframe", "search"])
    assert all(one["src"].startswith("data:") for one in soup.find_all(src=True))


def test_the_runtime_has_pyodide_the_checkers_and_no_list_of_packages(files):
    kept = runtime(files)
    unpacked = {
        name: gzip.decompress(base64.b64decode(one)) for name, one in kept["packed"].items()
    }
    assert unpacked == {name: PYODIDE[name] for name in PARTS}
    assert kept["lock"] == {"info": {"version": "1"}, "packages": {}}
    for place in ("cifviz/core/reference.py", "cifviz/course/lessons/lesson_01.py"):
        assert kept["python"][place] == (ROOT / place).read_text(encoding="utf-8")


def test_your_own_cell_runs_on_the_weights_of_the_recording(notebook):
    own = notebook.copy()
    cells = list(code(notebook))
    cell = cells[1].copy()
    cell.source = making.OWN_CELL
    own.cells = [cells[0], cell]
    _, one = making.run_cells(own, making.python_files(notebook))
    assert one.ok, one.text
    tokens = int(re.search(r"(\d+) tokens", one.text)[1])
    (recorded,) = re.findall(r"(\d+) tokens, residual [\d.]+, loop = library", printed(notebook))
    assert tokens == int(recorded)


def printed(notebook):
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for cell in code(notebook)
        for output in cell.outputs
    )


def test_two_folders_are_the_same(notebook, files):
    assert making.render_browser_lesson(notebook, PYODIDE) == files


# --- Pyodide -------------------------------------------------------------------------------------


def test_another_archive_is_refused(tmp_path):
    archive = tmp_path / "pyodide.tgz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.addfile(tarfile.TarInfo("package/pyodide.js"), io.BytesIO())
    with pytest.raises(DataError, match="is not pyodide-[0-9.]+tgz as npm has it: expected sha512"):
        making.read_pyodide(archive)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        making.read_pyodide(tmp_path / "none.tgz")


def test_without_npm_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(making.shutil, "which", lambda name: None)
    out = tmp_path / "lesson"
    done = CliRunner().invoke(app, ["notebooks", "browser-lesson", "--out", str(out)])
    assert done.exit_code != 0
    assert "npm, which fetches Pyodide, is not installed" in done.stderr
    assert "--pyodide" in done.stderr and not out.exists()


def test_what_npm_cannot_fetch_is_one_sentence(monkeypatch):
    failed = making.subprocess.CompletedProcess([], 1, b"", b"npm error network")
    monkeypatch.setattr(making.shutil, "which", lambda name: "/bin/npm")
    monkeypatch.setattr(making.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(DataError, match=r"npm could not fetch pyodide [0-9.]+; without a network"):
        making.fetch_pyodide()
