"""Notebooks of other people: run in a copy of their folder, as their owners asked for it."""

import json
import os

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.notebooks import execution
from cifviz.notebooks.execution import RunError, execute, keep_run
from cifviz.notebooks.media_types import RECORD as MIME
from cifviz.notebooks.normalise import RUN
from cifviz.notebooks.output_checks import execution_counts, no_errors
from cifviz.notebooks.verification import verify

RECORD = f"""
from IPython.display import display
display({{{MIME!r}: {{"numbers": {{"fires": 3}}, "tolerance": 0.1}}}}, raw=True)
"""
"""What `record(fires=3)` does, without the seconds that its import takes."""
FAILING = {"tags": ["raises-exception"]}
SKIPPED = {"tags": ["skip-execution"]}

CELLS = {
    "record": (RECORD, {}),
    "read": ("print(open('text.txt').read())", {}),
    "import": ("import helper; print(helper.N)", {}),
    "above": ("print(open('../data/x.csv').read())", {}),
    "write": ("open('out.txt', 'w').write('mine')", {}),
    "remove": ("import os; os.remove('old.txt')", {}),
    "write above": ("open('../data/x.csv', 'w')", FAILING),
    "shell": ("!echo new > made.txt; cat made.txt", {}),
    "fail": ("1 / 0", FAILING),
    "skip": ("raise SystemError('needs a GPU')", SKIPPED),
    "own host": (
        "import socket; print(socket.gethostbyname(socket.gethostname()).count('.'))",
        {},
    ),
    "other host": ("socket.gethostbyname('example.org')", FAILING),
    "left open": ("import gc; open('text.txt'); gc.collect(); None", {}),
    "pending": (
        "import warnings; warnings.warn_explicit('x', DeprecationWarning, 'lib.py', 1)",
        {},
    ),
    "deprecated": ("warnings.warn('old', DeprecationWarning)", FAILING),
    "home": ("print(os.path.exists(os.path.expanduser('~/.ipython')))", {}),
    "busy": ("while sum(os.times()[:2]) < 2: pass", {}),
    "empty": ("  ", {}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with a notebook, with data beside and above it."""
    root = tmp_path_factory.mktemp("theirs")
    place = root / "notebooks"
    place.mkdir()
    (root / "data").mkdir()
    (root / "data" / "x.csv").write_text("above")
    for name, text in {
        "text.txt": "beside",
        "helper.py": "N = 7",
        "out.txt": "theirs",
        "old.txt": "stays",
    }.items():
        (place / name).write_text(text)
        (place / name).chmod(0o444)
    return root


def tree(root):
    """Everything in a folder, with what is in it and when it was changed."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture(scope="module")
def run(project, tmp_path_factory):
    """One run of all `CELLS` in a read-only folder; what they show, by name."""
    cells = [new_code_cell(source, metadata=more) for source, more in CELLS.values()]
    home = tmp_path_factory.mktemp("home")
    before = tree(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("PYTHONWARNINGS", "ignore")
        (project / "notebooks").chmod(0o555)
        result = execute(new_notebook(cells=cells), beside=project / "notebooks")
        (project / "notebooks").chmod(0o755)
    assert tree(project) == before, "nothing of the user's is changed"
    assert not list(home.iterdir()), "nothing is left in the home folder"
    return result


def shown(run, name):
    """Text that a cell printed, or the error that it failed with."""
    cell = run.cells[list(CELLS).index(name)]
    pieces = [one.get("text") or one.get("ename") or "" for one in cell.outputs]
    return "".join(pieces).strip()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("read", "beside"),
        ("import", "7"),
        ("above", "above"),
        ("write", ""),
        ("remove", ""),
        ("write above", "PermissionError"),
        ("shell", "new"),
        ("fail", "ZeroDivisionError"),
        ("skip", ""),
        ("own host", "3"),
        ("other host", "NetworkBlocked"),
        ("left open", ""),
        ("pending", ""),
        ("deprecated", "DeprecationWarning"),
        ("home", "False"),
        ("empty", ""),
    ],
)
def test_a_cell_finds_what_it_would_find_in_jupyter(run, name, text):
    assert shown(run, name) == text


def test_a_run_tells_what_it_took_of_the_processors(run):
    assert run.metadata[RUN]["cpu_seconds"] > 1


def test_the_owner_is_asked_for_no_more_than_was_meant(run):
    assert execution_counts(run) == []
    assert no_errors(run) == []


def test_a_cell_that_fails_unasked_is_a_fault(run):
    error = new_output("error", ename="E", evalue="why" * 1000, traceback=[])
    notebook = new_notebook(cells=[new_code_cell("1 / 0", outputs=[error], execution_count=1)])
    (complaint,) = no_errors(notebook)
    assert complaint.startswith("cell 0 failed with E: why") and len(complaint) <= 200


@pytest.mark.parametrize(
    ("cells", "counts", "good"),
    [
        (["1", ""], [1, None], True),
        (["1", "2"], [1, None], False),
        (["1", "2"], [2, 1], False),
        (["1", ("2", SKIPPED), "3"], [1, None, 2], True),
        (["1", ("2", SKIPPED), "3"], [1, 2, 3], True),
        (["1", ("2", SKIPPED), "3"], [1, None, 3], False),
        (["1"] * 1000, [None] * 1000, False),
    ],
)
def test_what_is_not_run_needs_no_count(cells, counts, good):
    pairs = [(cell, {}) if isinstance(cell, str) else cell for cell in cells]
    notebook = new_notebook(
        cells=[
            new_code_cell(source, metadata=more, execution_count=count)
            for (source, more), count in zip(pairs, counts, strict=True)
        ]
    )
    found = execution_counts(notebook)
    assert (found == []) is good
    assert all(len(one) < 120 for one in found)


REACH = """
import socket
socket.create_connection(("192.0.2.1", 9), timeout=0.01)
"""


def test_a_run_is_as_open_as_is_asked_and_the_marks_of_nbval_are_known():
    cells = [
        new_code_cell("import warnings; warnings.warn('odd')"),
        new_code_cell(REACH, metadata=FAILING),
        new_code_cell("raise SystemError", metadata={"tags": ["nbval-skip"]}),
        new_code_cell("# NBVAL_RAISES_EXCEPTION\n1 / 0"),
    ]
    result = execute(new_notebook(cells=cells), strict=False, network=True)
    warned, reached, skipped, failed = result.cells
    assert "UserWarning: odd" in warned.outputs[0].text
    assert reached.outputs[0].ename != "NetworkBlocked"
    assert skipped.outputs == []
    assert failed.outputs[0].ename == "ZeroDivisionError"


def executed(*sources, **metadata):
    """A notebook whose record says what `RECORD` records, never run."""
    record = new_output(
        "display_data", data={MIME: {"numbers": {"fires": 3}, "tolerance": 0.1}}, metadata={}
    )
    cells = [new_code_cell(RECORD, outputs=[record], execution_count=1)]
    cells += [new_code_cell(source, execution_count=n) for n, source in enumerate(sources, 2)]
    return new_notebook(cells=cells, metadata=metadata)


def test_another_kernel_is_not_run_and_its_outputs_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "SealedKernel", lambda **_: pytest.fail("it was run"))
    path = tmp_path / "r.ipynb"
    spec = {"name": "ir", "display_name": "R", "language": "R"}
    notebook = executed("x <- 3", kernelspec=spec)
    notebook.cells[1].execution_count = 5
    path.write_text(json.dumps(notebook))
    result = CliRunner().invoke(app, ["notebooks", "check", str(path)])
    note = "not run: it is for a kernel of 'R', only Python is run here"
    assert (result.exit_code, result.stdout) == (0, f"{path}: good; {note}\n")
    counts = CliRunner().invoke(app, ["notebooks", "check", "--ask", "counts", str(path)])
    assert (counts.exit_code, counts.stdout) == (
        1,
        f"{path}: execution counts are [1, 5], expected 1 to 2\n",
    )


# --- runs that do not end well -------------------------------------------------------------------

DEEP = """
from IPython.display import display
deep = []
for _ in range(400): deep = [deep]
display({"application/json": deep}, raw=True)
"""


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import os; os._exit(3)", "cell 0 was cut off: the kernel died"),
        (DEEP, "cell 0 shows data nested more than 100 levels deep"),
        ("'\ud800'", "cell 0 holds text that is not Unicode"),
        ("raise ValueError('a\\nb' + 'c' * 1000)", "cell 0 fails with ValueError: a"),
    ],
)
def test_a_run_that_ends_early_says_why(source, complaint):
    with pytest.raises(RunError) as caught:  # noqa: PT011
        execute(new_notebook(cells=[new_code_cell(source)]))
    assert str(caught.value) == complaint


def test_a_kernel_that_does_not_start_says_why(monkeypatch, tmp_path):
    script = tmp_path / "kernel.py"
    script.write_text("raise SystemExit('no kernel here')")
    monkeypatch.setattr(execution, "SCRIPT", script)
    with pytest.raises(RunError, match="^the kernel did not start: no kernel here$"):
        execute(new_notebook(cells=[new_code_cell("1")]))


def pretend(monkeypatch, error):
    def fail(notebook, *_, **__):
        raise RunError(error)

    monkeypatch.setattr(execution, "_run", fail)


def test_a_failed_run_replaces_an_earlier_run_and_nothing_else(tmp_path, monkeypatch):
    pretend(monkeypatch, "no")
    keep = tmp_path / "kept" / "a.ipynb"
    keep.parent.mkdir()
    keep.write_text("by hand")
    for _ in range(2):
        with pytest.raises(RunError, match=r"^no; the run is in .*a-2\.ipynb$"):
            execute(executed(), keep=keep)
    assert keep.read_text() == "by hand"
    assert sorted(path.name for path in keep.parent.iterdir()) == ["a-2.ipynb", "a.ipynb"]


def test_the_notebook_itself_is_never_replaced_by_its_run(tmp_path, monkeypatch):
    pretend(monkeypatch, "no")
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(executed()))
    before = path.read_bytes()
    assert verify(path, keep=path) == [f"no; the run is in {tmp_path / 'a-run.ipynb'}"]
    assert path.read_bytes() == before


def test_where_a_run_cannot_be_kept_that_is_said(tmp_path, monkeypatch):
    pretend(monkeypatch, "no")
    (tmp_path / "build").write_text("a file in the way")
    keep = tmp_path / "build" / "a.ipynb"
    with pytest.raises(RunError, match="^no; the run cannot be kept in .*build$"):
        execute(executed(), keep=keep)
    assert keep_run(executed(), keep) is None


def test_a_run_is_kept_in_the_folder_for_runs(tmp_path, monkeypatch):
    """Though the notebook is named by a path that leads up."""
    pretend(monkeypatch, "no")
    (tmp_path / "here").mkdir()
    (tmp_path / "a.ipynb").write_text(json.dumps(executed()))
    monkeypatch.chdir(tmp_path / "here")
    CliRunner().invoke(app, ["notebooks", "check", "../a.ipynb"])
    assert (tmp_path / "here/build/notebooks" / tmp_path.name / "a.ipynb").is_file()


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_no_notebook_stops_no_other(tmp_path):
    (tmp_path / "a.ipynb").write_text("[" * 100_000)
    (tmp_path / "b.ipynb").symlink_to("nowhere")
    os.mkfifo(tmp_path / "c.ipynb")
    (tmp_path / "d.ipynb").write_text(json.dumps(executed()))
    result = CliRunner().invoke(app, ["notebooks", "check", "--no-execute", str(tmp_path)])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        str(tmp_path / f"{name}.ipynb") for name in "abcd"
    ]
    assert lines[-1] == f"{tmp_path / 'd.ipynb'}: good"


def test_a_complaint_steers_no_terminal(tmp_path):
    path = tmp_path / "a.ipynb"
    notebook = executed("1")
    error = new_output("error", ename="\x1b[2J\ud800", evalue="", traceback=[])
    notebook.cells[1].outputs = [error]
    path.write_text(json.dumps(notebook))
    result = CliRunner().invoke(app, ["notebooks", "check", "--no-execute", str(path)])
    assert result.stdout == f"{path}: cell 1 failed with \\x1b[2J\\ud800: \n"


def test_a_damaged_record_is_named_and_the_rest_is_looked_at(tmp_path, monkeypatch):
    notebook = executed("1")
    notebook.cells[0].outputs[0].data[MIME] = {"numbers": [1]}
    notebook.cells[1].execution_count = 1
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook))
    monkeypatch.setattr(execution, "_run", lambda *_, **__: None)
    result = CliRunner().invoke(app, ["notebooks", "check", str(path)])
    assert result.exit_code == 1
    counts, record = result.stdout.splitlines()
    assert "cell 1 was run before cell 0: execution counts 1 and 1" in counts
    assert "cell 0 holds a damaged record: expected numbers and a tolerance >= 0" in record


def test_metadata_that_are_no_lesson_are_no_lesson(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(executed(cifviz="x", widgets=[])))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text("# %%\n1\n")
    result = CliRunner().invoke(app, ["notebooks", "check", "--no-execute", str(path)])
    assert f"{path}: expected the student copy of a here, got another" in result.stdout
