"""Each check passes the good notebook and fails the one that is bad in its own way."""

import copy
import inspect

import pytest
from nbformat.v4 import new_output

from cifviz.teaching import checks
from cifviz.teaching.checks import problems


def code(notebook, index):
    return [cell for cell in notebook.cells if cell.cell_type == "code"][index]


def stream(name, text):
    return new_output("stream", name=name, text=text)


def replace_in(cell, old, new):
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def html_alone(notebook):
    code(notebook, 4).outputs[0].data = {"text/html": '<img src="data:image/png;base64,"/>'}


# name of the check, what spoils the notebook, what the complaint says
BAD = [
    ("execution_counts", lambda n: code(n, 2).update(execution_count=9), "execution counts"),
    ("execution_counts", lambda n: code(n, 2).update(execution_count=None), "execution counts"),
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
    ("widgets_have_stills", lambda n: code(n, 5).outputs.pop(), "1 live controls and 0 still"),
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
    ("closing", lambda n: replace_in(n.cells[-1], "## In practice", "practice"), "last headings"),
    (
        "closing",
        lambda n: replace_in(
            n.cells[-1], ": says what a line is, and that it has no breadth.", ": old."
        ),
        "not describe",
    ),
    ("closing", lambda n: replace_in(n.cells[-1], "- [", "["), "lists nothing"),
    ("parameters", lambda n: code(n, 1).metadata.pop("tags"), "found 0"),
    ("parameters", lambda n: code(n, 2).metadata.update(tags=["parameters"]), "found 2"),
    ("parameters", lambda n: replace_in(code(n, 1), "seed = 0", ""), "lack seed"),
    ("parameters", lambda n: replace_in(code(n, 1), "= 1.0", "= [1.0][0]"), "name = constant"),
    ("parameters", lambda n: replace_in(code(n, 1), "fast =", "fast = slow ="), "name = constant"),
    ("imports_first", lambda n: n.cells.pop(1), "imports and nothing else"),
    ("imports_first", lambda n: n.cells.insert(2, copy.deepcopy(n.cells[3])), "parameters"),
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


def test_the_good_notebook_passes(good, source, folder):
    assert problems(good, size=1000, source=source, place=folder / "00_line.ipynb") == []


@pytest.mark.parametrize(("check", "spoil", "complaint"), BAD)
def test_the_bad_notebook_fails(good, check, spoil, complaint):
    assert getattr(checks, check)(good) == []
    spoil(good)
    found = getattr(checks, check)(good)
    assert any(complaint in one for one in found), found
    assert set(found) <= set(problems(good))


def test_every_check_is_seen_to_fail():
    assert {check.__name__ for check in checks.CHECKS} == {check for check, _, _ in BAD}


def test_every_check_says_what_it_asks_for():
    assert all(inspect.getdoc(check) for check in checks.CHECKS)


def test_an_empty_notebook_is_told_so(good):
    good.cells = []
    assert "the first cell is not text" in problems(good)


def test_a_large_notebook_fails(good):
    assert checks.is_small(1_000_001) == ["1.00 MB, at most 1 MB"]
    assert problems(good, size=1_000_001) == ["1.00 MB, at most 1 MB"]


@pytest.mark.parametrize("changed", ["source", "tags", "library", "parameters", "unbuilt"])
def test_stale_outputs_are_found(good, source, changed):
    assert checks.is_fresh(good, source) == []
    if changed == "source":
        source.cells[3].source += "\n"
    elif changed == "tags":
        source.cells[3].metadata["tags"] = ["hide"]
    elif changed == "library":
        good.metadata.cifviz.library = "0.0.1"
    elif changed == "parameters":
        good.metadata.cifviz.parameters.height = 2.0
    else:
        del good.metadata["cifviz"]
    (complaint,) = problems_of_freshness(good, source)
    assert "source changed, outputs stale" in complaint


def problems_of_freshness(notebook, source):
    return [one for one in problems(notebook, source=source) if "stale" in one]


@pytest.mark.parametrize("target", ["02_missing.ipynb", "/notebooks/00_line.ipynb"])
def test_dead_links_are_found(good, folder, target):
    place = folder / "00_line.ipynb"
    assert checks.links_resolve(good, place) == []
    good.cells[0].source += f" and [more]({target}#there)"
    (complaint,) = checks.links_resolve(good, place)
    assert target in complaint
