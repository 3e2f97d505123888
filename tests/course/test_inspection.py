"""Each check passes the good notebook and fails the one that is bad in its own way."""

import copy
import inspect

import nbformat
import pytest
from nbformat.v4 import new_output

from cifviz.course import lesson_checks
from cifviz.course.inspection import inspect as inspect_file
from cifviz.course.inspection import lesson_problems as problems
from cifviz.notebooks import checks, output_checks
from tests.notebooks.conftest import replace_in

CHECKS = {
    check.__name__: check
    for check in (
        *lesson_checks.LESSON_CHECKS,
        *output_checks.ON_REQUEST.values(),
        *output_checks.ALWAYS,
    )
}


def code(notebook, index):
    return [cell for cell in notebook.cells if cell.cell_type == "code"][index]


def stream(name, text):
    return new_output("stream", name=name, text=text)


def html_alone(notebook):
    code(notebook, 4).outputs[0].data = {"text/html": '<img src="data:image/png;base64,"/>'}


# name of the check, what spoils the notebook, what the complaint says
BAD = [
    ("execution_counts", lambda n: code(n, 2).update(execution_count=9), "execution counts"),
    ("execution_counts", lambda n: code(n, 2).update(execution_count=None), "execution counts"),
    ("in_order", lambda n: code(n, 2).update(execution_count=1), "was run before cell"),
    (
        "no_errors",
        lambda n: code(n, 2).outputs.append(
            new_output("error", ename="ValueError", evalue="no", traceback=[])
        ),
        "failed with ValueError: no",
    ),
    (
        "no_stderr",
        lambda n: code(n, 2).outputs.append(stream("stderr", "UserWarning: old")),
        "stderr: UserWarning: old",
    ),
    ("widgets_have_fallbacks", lambda n: code(n, 5).outputs.pop(), "1 live controls and 0 static"),
    (
        "pictures_have_alt",
        lambda n: code(n, 4).outputs[0].data.pop("text/html"),
        "without alt text",
    ),
    (
        "pictures_have_alt",
        lambda n: code(n, 4).outputs[0].data.update({"text/html": '<img alt=""/>'}),
        "without alt text",
    ),
    (
        "pictures_have_alt",
        lambda n: code(n, 4).outputs[0].data.update({"text/plain": "<Figure>"}),
        "plain text",
    ),
    ("pictures_have_alt", html_alone, "image without alt text"),
    ("opening", lambda n: n.cells[0].update(cell_type="raw"), "first cell is not text"),
    ("opening", lambda n: replace_in(n.cells[0], "# Draw", "Draw"), "title"),
    ("opening", lambda n: replace_in(n.cells[0], "**Time:**", "Time:"), "lacks **Time"),
    ("opening", lambda n: replace_in(n.cells[0], "- *move* it\n", ""), "3 to 5 things"),
    ("opening", lambda n: replace_in(n.cells[0], "1 minute", "short"), "minutes"),
    ("opening", lambda n: replace_in(n.cells[0], "Next:", "Then:"), "Next:"),
    (
        "opening",
        lambda n: replace_in(n.cells[0], "# Draw a line\n", "# Draw a line\n**Time:** 1 min"),
        "in this order",
    ),
    ("opening", lambda n: replace_in(n.cells[0], "draw.", "draw. And look."), "one sentence"),
    ("opening", lambda n: replace_in(n.cells[0], "- *move* it", "- it"), "what one can do then"),
    ("predicts_first", lambda n: n.cells.pop(3), "no question stands before"),
    (
        "pictures_are_png",
        lambda n: code(n, 4).outputs[0].data.update({"image/svg+xml": "<svg/>"}),
        "shows image/svg+xml",
    ),
    ("closing", lambda n: replace_in(n.cells[-1], "## In practice", "practice"), "last headings"),
    (
        "closing",
        lambda n: replace_in(
            n.cells[-1], ": says what a line is, and that it has no breadth.", ": old."
        ),
        "not describe",
    ),
    ("closing", lambda n: replace_in(n.cells[-1], "- [", "["), "lists nothing"),
    ("words", lambda n: replace_in(n.cells[-3], "## Words", "Words"), "should be Words"),
    ("words", lambda n: replace_in(n.cells[-1], "## On", "## More\n\n## On"), "should be Words"),
    ("words", lambda n: replace_in(n.cells[-1], "## On your own", "on"), "should be Words"),
    ("words", lambda n: replace_in(n.cells[-2], "glossary(", "print("), "calls no glossary"),
    (
        "lecturer",
        lambda n: n.cells[-1].metadata.update(tags=["lecturer"]),
        "in the solved copy alone",
    ),
    (
        "lecturer",
        lambda n: replace_in(n.cells[-1], "## Further", "## For the lecturer\n\n## Further"),
        "in the solved copy alone",
    ),
    ("parameters", lambda n: code(n, 1).metadata.pop("tags"), "found 0"),
    ("parameters", lambda n: code(n, 2).metadata.update(tags=["parameters"]), "found 2"),
    ("parameters", lambda n: replace_in(code(n, 1), "seed = 0", ""), "lack seed"),
    ("parameters", lambda n: replace_in(code(n, 1), "= 1.0", "= [1.0][0]"), "name = constant"),
    ("parameters", lambda n: replace_in(code(n, 1), "fast =", "fast = slow ="), "name = constant"),
    ("imports_first", lambda n: n.cells.pop(1), "imports and nothing else"),
    ("imports_first", lambda n: n.cells.insert(2, copy.deepcopy(n.cells[4])), "parameters"),
    ("cell_length", lambda n: code(n, 2).update(source="1\n" * 26), "26 lines"),
    ("nothing_banned", lambda n: code(n, 2).update(source="%%time\n1"), "timing magic"),
    (
        "nothing_banned",
        lambda n: code(n, 2).update(source="from tqdm import trange"),
        "progress bar",
    ),
    ("nothing_banned", lambda n: code(n, 2).update(source="%pip install x"), "installation"),
    ("nothing_banned", lambda n: code(n, 2).update(source="import requests"), "network"),
    (
        "nothing_banned",
        lambda n: code(n, 2).update(source="warnings.filterwarnings('ignore')"),
        "hidden warnings",
    ),
    ("plain_python", lambda n: code(n, 2).update(source="x = 1\n!ls"), "not plain Python, line 2"),
    ("plain_python", lambda n: code(n, 0).update(source="%matplotlib inline"), "line 1"),
    (
        "palette_colours",
        lambda n: code(n, 2).update(source="ax.plot([1], color='red')"),
        "names the colour red",
    ),
    (
        "no_absolute_paths",
        lambda n: code(n, 2).outputs.append(stream("stdout", "in /home/me/x")),
        "/home/me/x",
    ),
    (
        "no_absolute_paths",
        lambda n: code(n, 2).update(source=r"open('C:\\x')"),
        "absolute path",
    ),
    (
        "no_addresses",
        lambda n: code(n, 2).outputs.append(stream("stdout", "at 0x7f02a06e3490")),
        "0x7f02a06e3490",
    ),
    ("clean_metadata", lambda n: n.metadata.update(papermill={}), "hold papermill"),
    ("clean_metadata", lambda n: code(n, 2).metadata.update(execution={}), "hold execution"),
    ("clean_metadata", lambda n: code(n, 2).update(id=n.cells[0].id), "not unique"),
    (
        "clean_metadata",
        lambda n: code(n, 2).metadata.update(tags=["injected-parameters"]),
        "injected",
    ),
    ("records", lambda n: code(n, 6).outputs.pop(), "no cell records"),
    (
        "records",
        lambda n: code(n, 6).outputs.append(copy.deepcopy(code(n, 6).outputs[0])),
        "'height' twice",
    ),
    ("exercises", lambda n: code(n, 3).outputs.pop(), "3 exercises or more"),
    ("exercises", lambda n: n.metadata.cifviz.update(copy="solved"), "01.1 is open"),
    ("exercises", lambda n: n.metadata.pop("cifviz"), "student or solved"),
]


def test_a_control_may_carry_its_own_static_fallback(good):
    control, static = code(good, 5).outputs
    control.data.update(static.data)
    code(good, 5).outputs.remove(static)
    assert output_checks.widgets_have_fallbacks(good) == []
    assert output_checks.pictures_have_alt(good) == []


def test_the_good_notebook_passes(good, source, folder):
    assert problems(good, size=1000, source=source, place=folder / "00_line.ipynb") == []


@pytest.mark.parametrize(("check", "spoil", "complaint"), BAD)
def test_the_bad_notebook_fails(good, check, spoil, complaint):
    assert CHECKS[check](good) == []
    spoil(good)
    found = CHECKS[check](good)
    assert any(complaint in one for one in found), found
    assert set(found) <= set(problems(good))


# what spoils the solved notebook, what the complaint says
BAD_FOR_LECTURERS = [
    (lambda n: n.cells.pop(), "should end with a cell tagged lecturer"),
    (lambda n: n.cells[-1].metadata.pop("tags"), "should end with a cell tagged lecturer"),
    (lambda n: n.cells.append(copy.deepcopy(n.cells[-2])), "should end with a cell"),
    (lambda n: n.cells[-2].metadata.update(tags=["lecturer"]), "should end with a cell"),
    (
        lambda n: replace_in(n.cells[-1], "## For the lecturer", "## Notes"),
        "should end with a cell",
    ),
    (lambda n: replace_in(n.cells[-1], "### 90 minutes", "### 45 minutes"), "should hold 90 min"),
    (lambda n: replace_in(n.cells[-1], "- A line", "A line"), "misconceptions lists nothing"),
    (lambda n: replace_in(n.cells[-1], "| 60 min", "| 50 min"), "sum to 90 min, got 80"),
]


@pytest.mark.parametrize(("spoil", "complaint"), BAD_FOR_LECTURERS)
def test_the_bad_appendix_for_the_lecturer_fails(solved, spoil, complaint):
    assert problems(solved) == []
    spoil(solved)
    found = lesson_checks.lecturer(solved)
    assert any(complaint in one for one in found), found
    assert set(found) <= set(problems(solved))


def test_every_check_is_seen_to_fail():
    assert CHECKS.keys() == {check for check, _, _ in BAD}


def test_every_check_says_what_it_asks_for():
    assert all(inspect.getdoc(check) for check in CHECKS.values())


def test_an_empty_notebook_is_told_so(good):
    good.cells = []
    assert "the first cell is not text" in problems(good)


def test_a_large_notebook_fails(good):
    assert checks.is_small(1_000_001) == ["1.00 MB, at most 1 MB"]
    assert problems(good, size=1_000_001) == ["1.00 MB, at most 1 MB"]


@pytest.mark.parametrize("lies", ["notebooks/solutions", "notebooks"])
def test_a_notebook_in_the_place_of_another_is_found(good, folder, lies):
    """The student's copy where the solved one belongs; a copy under another name."""
    place = folder.parent / lies / ("00_line.ipynb" if "sol" in lies else "01_other.ipynb")
    place.parent.mkdir(exist_ok=True)
    (folder / "source" / "01_other.py").write_text(
        (folder / "source" / "00_line.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    nbformat.write(good, place)
    assert any("here, got another" in one for one in inspect_file(place))
    home = folder / "00_line.ipynb"
    nbformat.write(good, home)
    assert inspect_file(home) == []
