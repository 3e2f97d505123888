"""Assignments for nbgrader and Otter-Grader; the graders themselves grade submissions."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.course.assignments import GRADERS, assignment, write_assignment
from cifviz.course.build import NOTEBOOKS, lessons
from cifviz.course.exercises import exercises
from cifviz.course.lesson_sources import read_source
from cifviz.errors import CIFError, DataError

LESSON = "02_scaling"


def source(name):
    return read_source(NOTEBOOKS / "source" / f"{name}.py")


def cell(code, *tags):
    return new_code_cell(code, metadata={"tags": list(tags)})


def made(*cells):
    return new_notebook(cells=[cell("import math"), *cells])


@pytest.mark.parametrize("grader", GRADERS)
@pytest.mark.parametrize("name", lessons())
def test_every_lesson_becomes_a_valid_assignment_with_a_point_for_an_exercise(name, grader):
    notebook = assignment(source(name), name, grader)
    nbformat.validate(notebook)
    tests = [one.source for one in notebook.cells if "require_right(" in one.source]
    asked = [re.search(r'require_right\("([\d.]+)"', test)[1] for test in tests]
    assert len(set(asked)) == len(asked) > 2
    assert set(asked) <= exercises(name[:2]).keys()
    for number in asked:
        assert [one for one in notebook.cells if one.source.startswith(f"**Exercise {number}")]


def test_an_exercise_that_needs_other_cells_of_the_lesson_is_left_out():
    text, check = new_markdown_cell("**Exercise 02.1.** How much?"), 'check("02.1", x)'
    alone = made(text, cell(f"x = ...\n{check}", "exercise"), cell("x = math.pi", "solution"))
    assert len(assignment(alone, "A", "nbgrader").cells) == 5
    other = made(text, cell(f"x = ...\n{check}", "exercise"), cell("x = earlier", "solution"))
    with pytest.raises(DataError, match="A has no exercise that stands alone"):
        assignment(other, "A", "nbgrader")
    unchecked = made(text, cell("x = ...", "exercise"), cell("x = 1", "solution"))
    with pytest.raises(DataError, match="an exercise that checks no name"):
        assignment(unchecked, "A", "otter")


def test_an_assignment_that_is_there_is_left_alone(tmp_path):
    path = write_assignment(LESSON, "nbgrader", tmp_path)
    before = path.read_bytes()
    with pytest.raises(CIFError, match="exists"):
        write_assignment(LESSON, "otter", tmp_path)
    assert path.read_bytes() == before
    with pytest.raises(CIFError, match="grader must be one of"):
        write_assignment(LESSON, "moss", tmp_path / "other")


def test_the_command_says_where_the_assignment_is(tmp_path):
    result = CliRunner().invoke(app, ["notebooks", "assignment", "02", "--out", str(tmp_path)])
    assert (result.exit_code, result.stdout.strip()) == (0, str(tmp_path / f"{LESSON}.ipynb"))
    result = CliRunner().invoke(app, ["notebooks", "assignment", "77", "--out", str(tmp_path)])
    assert result.exit_code == 1 and "no lesson '77'" in result.stderr


# --- graded end to end ---------------------------------------------------------------------------

ANSWERS = {
    "02.1": "scaled_weights = [2.5 * weight for weight in (0.2, 0.6, 0.1, 0.3, 0.4)]",
    "02.2": "training_and_use = [5, 10]",
    "02.3": "slope_at_frame_2 = -2.25",
    "02.4": "slope_factor = 100",
    "02.5": """\
def scale_flat(alpha, tokens):
    scaled = [weight * tokens / sum(alpha) for weight in alpha]
    while max(scaled) > 1:
        mean = sum(scaled) / len(scaled)
        scaled = [(weight + mean) / 2 for weight in scaled]
    return scaled
""",
}
"""Right answers to lesson 02, written independently of its solutions."""
HANGS = "def scale_flat(alpha, tokens):\n    while True:\n        pass\n"
SUBMISSIONS = {
    "all_right": ({}, 5),
    "all_open": (dict.fromkeys(ANSWERS, ""), 0),
    "two_wrong": ({"02.2": "training_and_use = [5, 5]", "02.3": "slope_at_frame_2 = 1"}, 3),
    "one_raises": ({"02.1": "raise ValueError('lost')"}, 4),
    "one_hangs": ({"02.5": HANGS}, 4),
    "one_cell_hangs": ({"02.1": "while True:\n    pass"}, 4),
}
"""What differs from the right answers, and the points."""


def names():
    """The name that the answer to each exercise has."""
    tests = "".join(one.source for one in assignment(source(LESSON), LESSON, "nbgrader").cells)
    return dict(re.findall(r'require_right\("([\d.]+)", globals\(\)\.get\("(\w+)"', tests))


def submitted(student, changes):
    """A student's notebook with answers in the places of the stubs."""
    notebook = nbformat.from_dict(json.loads(json.dumps(student)))
    for number, name in names().items():
        right = ANSWERS[number]
        right = re.sub(
            r"^(def )?\w+(?= =|\()", rf"\g<1>{name}" if right.startswith("def") else name, right
        )
        code = changes.get(number, right)
        if code == HANGS:
            code = code.replace("scale_flat", name)
        answer = re.compile(rf"(?m)^(def )?{name}\b")
        place = next(
            one
            for one in notebook.cells
            if one.cell_type == "code"
            and answer.search(one.source)
            and "require_right(" not in one.source
        )
        if code:
            place.source = code
    return notebook


def run(*words, cwd):
    # nbgrader runs alembic by its name, which is beside the Python that has both.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd, capture_output=True, text=True, timeout=900,
        env={**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "PATH": path},
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("nbgrader"), reason="nbgrader is not installed")
@pytest.mark.timeout(1800)
def test_nbgrader_gives_submissions_their_points(tmp_path):
    write_assignment(LESSON, "nbgrader", tmp_path / "source" / "cif")
    settings = {"CourseDirectory.course_id": "cif", "ExecutePreprocessor.timeout": 60}
    lines = [f"c.{name} = {value!r}\n" for name, value in settings.items()]
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n" + "".join(lines))
    run("nbgrader", "generate_assignment", "cif", cwd=tmp_path)
    student = nbformat.read(tmp_path / "release" / "cif" / f"{LESSON}.ipynb", as_version=4)
    assert "BEGIN SOLUTION" not in str(student)
    for who, (changes, _) in SUBMISSIONS.items():
        place = tmp_path / "submitted" / who / "cif"
        place.mkdir(parents=True)
        nbformat.write(submitted(student, changes), place / f"{LESSON}.ipynb")
    run("nbgrader", "autograde", "cif", cwd=tmp_path)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        found = {who: book.find_submission("cif", who).score for who in SUBMISSIONS}
    assert found == {who: points for who, (_, points) in SUBMISSIONS.items()}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("otter"), reason="otter-grader is not installed")
@pytest.mark.timeout(1800)
def test_otter_gives_submissions_their_points(tmp_path):
    path = write_assignment(LESSON, "otter", tmp_path)
    run("otter", "assign", path.name, "dist", cwd=tmp_path)  # which runs the tests on the solutions
    student = nbformat.read(tmp_path / "dist" / "student" / path.name, as_version=4)
    assert "SOLUTION" not in str(student)
    (archive,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    found = {}
    for who, (changes, _) in SUBMISSIONS.items():
        place = tmp_path / who
        place.mkdir()
        nbformat.write(submitted(student, changes), place / path.name)
        files = ["-a", str(archive), "-o", str(place), str(Path(who) / path.name)]
        run("otter", "run", *files, cwd=tmp_path)
        results = json.loads((place / "results.json").read_text(encoding="utf-8"))
        found[who] = sum(one.get("score", 0) for one in results["tests"])
    assert found == {who: points for who, (_, points) in SUBMISSIONS.items()}
