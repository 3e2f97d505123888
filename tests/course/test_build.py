"""From source to notebooks: derived, executed in a sealed kernel, normalised, put in place."""

import json
import re
import socket
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from typer.testing import CliRunner

from cifviz.cli import app
from cifviz.course import build as building
from cifviz.course.build import build, lessons, product
from cifviz.course.inspection import lesson_problems
from cifviz.course.lesson_sources import derive, read_source
from cifviz.errors import CIFError, DataError
from cifviz.notebooks.execution import RunError, execute
from cifviz.notebooks.media_types import WIDGET_STATE, WIDGET_VIEW
from cifviz.notebooks.normalise import normalise
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import tags
from cifviz.notebooks.records import read_records
from cifviz.notebooks.run_inputs import KEY, run_inputs
from cifviz.notebooks.sealed_kernel import NetworkBlocked, refuse_network


def notebook(*sources):
    cells = [new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    return new_notebook(cells=cells)


def text_of(executed, cell):
    return "".join(output.get("text", "") for output in executed.cells[cell].outputs)


# --- source to notebooks -------------------------------------------------------------------------


def test_the_student_gets_stubs_and_the_solved_copy_answers(source):
    student, solved = (derive(source, "00_line", copy) for copy in ("student", "solved"))
    assert len(student.cells) == len(solved.cells) - 1 == len(source.cells) - 2
    different = [
        (one.source, other.source)
        for one, other in zip(student.cells, solved.cells[:-1], strict=True)
        if one.cell_type == "code" and one.source != other.source
    ]
    ((stub, answer),) = different
    assert stub.startswith("answer = ...") and answer.startswith("answer = 3")
    assert not any("solution" in tags(cell) for cell in student.cells)
    assert not any("exercise" in tags(cell) for cell in solved.cells)


def test_the_appendix_for_the_lecturer_is_in_the_solved_copy_alone(source):
    student, solved = (derive(source, "00_line", copy) for copy in ("student", "solved"))
    assert tags(solved.cells[-1]) == {"lecturer"}
    assert "(../../README.md)" in solved.cells[-1].source
    assert "lecturer" not in json.dumps(student)


def test_links_out_of_the_folder_fit_the_place_of_each_copy(source):
    student, solved = (derive(source, "00_line", copy) for copy in ("student", "solved"))
    assert "(../README.md)" in student.cells[0].source
    assert "(../../README.md)" in solved.cells[0].source


def test_ids_stay_with_their_cells(source):
    before = {cell.source: cell.id for cell in derive(source, "00_line", "student").cells}
    extra = new_code_cell("new = 1")
    source.cells.insert(3, extra)
    after = {cell.source: cell.id for cell in derive(source, "00_line", "student").cells}
    assert before.items() <= after.items()
    source.cells.insert(3, extra)
    ids = [cell.id for cell in derive(source, "00_line", "student").cells]
    assert len(set(ids)) == len(ids)


ALONE = "followed by its solution"
MISPLACED = "tagged lecturer is text, and the last one"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('# %% tags=["solution"]', "# %%", ALONE),
        ('# %% tags=["exercise"]', "# %%", ALONE),
        ('# %% tags=["solution"]', '# %% [markdown]\n# between\n\n# %% tags=["solution"]', ALONE),
        ('# %% [markdown] tags=["lecturer"]', '# %% tags=["lecturer"]', MISPLACED),
        ('# %%\nglossary("weight")', '# %% [markdown] tags=["lecturer"]\n# too early', MISPLACED),
    ],
)
def test_a_cell_out_of_place_is_refused(folder, old, new, complaint):
    path = folder / "source" / "00_line.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        read_source(path)


def test_a_missing_lesson_is_refused(folder):
    with pytest.raises(DataError, match="no such lesson"):
        read_source(folder / "source" / "07_none.py")


def test_parameters_are_read(source):
    assert read_parameters(source) == {"seed": 0, "fast": True, "height": 1.0}


@pytest.mark.parametrize("line", ["x = f()", "x += 1", "x, y = 1, 2", "x = y = 1", "print(1)"])
def test_parameters_are_plain_assignments(line):
    with pytest.raises(DataError, match="name = constant"):
        read_parameters(notebook(line))


def test_parameters_that_are_no_python_are_refused():
    with pytest.raises(DataError, match="not Python, line 2"):
        read_parameters(notebook("x = 1\n%time y = 2"))


# --- execution -----------------------------------------------------------------------------------


def test_a_lesson_runs_in_this_interpreter_with_its_parameters():
    asked = notebook(
        "name = 'here'",
        "import sys, os, warnings, pathlib",
        "print(sys.executable, name, list(pathlib.Path().iterdir()))",
        "import cifviz.errors; print(cifviz.errors.__file__)",
    )
    executed = execute(asked, parameters={"name": "there"})
    assert text_of(executed, 3).split() == [sys.executable, "there", "[]"]
    assert text_of(executed, 4).strip() == sys.modules["cifviz.errors"].__file__
    assert [cell.execution_count for cell in asked.cells] == [None] * 4


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("import warnings; warnings.warn('old')", "UserWarning"),
        ("import socket; socket.create_connection(('example.org', 80))", "NetworkBlocked"),
    ],
)
def test_warnings_and_the_network_stop_a_lesson(tmp_path, line, error):
    keep = tmp_path / "kept" / "failed.ipynb"
    with pytest.raises(RunError, match=error):
        execute(notebook("x = 1", line), keep=keep)
    kept = nbformat.read(keep, as_version=4)
    assert any(error in json.dumps(cell) for cell in kept.cells), "the failing notebook is kept"


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(CIFError, match="unknown parameter 'treshold', known: threshold"):
        execute(notebook("threshold = 1.0"), parameters={"treshold": 0.5})


@pytest.mark.parametrize(
    ("event", "arguments", "blocked"),
    [
        ("socket.connect", (None, ("93.184.216.34", 80)), True),
        ("socket.connect", (None, ("::2", 80, 0, 0)), True),
        ("socket.sendto", (None, ("8.8.8.8", 53)), True),
        ("socket.getaddrinfo", ("example.org", 80, 0, 0, 0), True),
        ("socket.getaddrinfo", (b"example.org", 80, 0, 0, 0), True),
        ("socket.gethostbyname", ("example.org",), True),
        ("socket.connect", (None, ("127.0.0.1", 80)), False),
        ("socket.connect", (None, ("::1", 80, 0, 0)), False),
        ("socket.connect", (None, "/tmp/socket"), False),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0), False),
        ("socket.gethostbyname", (socket.gethostname(),), False),
        ("socket.getaddrinfo", (socket.gethostname().upper().encode(), 80, 0, 0, 0), False),
        ("socket.connect", (None, ("127.0.1.1", 80)), False),
        ("socket.connect", (None, ("0.0.0.0", 80)), False),
        ("socket.getaddrinfo", ("", 80, 0, 0, 0), False),
        ("socket.gethostbyname", ("localhost.example.org",), True),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), False),
        ("open", ("file", "r", 0), False),
    ],
)
def test_only_this_machine_may_be_spoken_to(event, arguments, blocked):
    if blocked:
        with pytest.raises(NetworkBlocked, match="without a network"):
            refuse_network(event, arguments)
    else:
        refuse_network(event, arguments)


# --- normalising ---------------------------------------------------------------------------------


def test_pieces_of_a_stream_are_joined_and_addresses_masked():
    cell = new_code_cell(metadata={"execution": {"iopub": "1"}, "papermill": {}, "tags": ["x"]})
    cell.outputs = [
        new_output("stream", name="stdout", text="a "),
        new_output("stream", name="stdout", text="<f at 0x7f02a06e3490>\n"),
        new_output(
            "display_data", data={"text/plain": "0x7f02a06e3490", "text/html": "0xabcdef12"}
        ),
        new_output("stream", name="stdout", text="0xff"),
    ]
    raw = new_notebook(cells=[cell], metadata={"papermill": {"duration": 1.0}})
    (result,) = normalise(raw).cells
    assert [output.get("text") for output in result.outputs] == ["a <f at 0x…>\n", None, "0xff"]
    assert result.outputs[1].data == {"text/plain": "0x…", "text/html": "0xabcdef12"}
    assert result.metadata == {"tags": ["x"]}
    assert "papermill" not in normalise(raw).metadata
    assert len(cell.outputs) == 4, "the notebook that was given is not changed"


def test_widgets_are_counted():
    def made(first, second):
        view = {WIDGET_VIEW: {"model_id": second}, "text/plain": f"VBox({first})"}
        cell = new_code_cell(outputs=[new_output("display_data", data=view)], id="cell")
        state = {first: {"state": {}}, second: {"state": {"children": [f"IPY_MODEL_{first}"]}}}
        widgets = {WIDGET_STATE: {"state": state}}
        return normalise(new_notebook(cells=[cell], metadata={"widgets": widgets}))

    one, other = made("aa11", "bb22"), made("cc33", "dd44")
    assert one == other
    (output,) = one.cells[0].outputs
    assert one.metadata.widgets[WIDGET_STATE]["state"].keys() == {f"{1:032x}", f"{2:032x}"}
    assert output.data[WIDGET_VIEW]["model_id"] == f"{2:032x}"
    assert f"IPY_MODEL_{1:032x}" in json.dumps(one.metadata)


def test_a_widget_with_a_picture_leaves_the_picture_alone():
    def shown(model, **more):
        return new_output("display_data", data={WIDGET_VIEW: {"model_id": model}, **more})

    outputs = [shown("aa11", **{"image/png": "AAAA", "text/plain": "Figure: a line"})]
    state = {"aa11": {"state": {"layout": "IPY_MODEL_bb22"}}, "bb22": {"state": {}}}

    def made(*more):
        cell = new_code_cell(outputs=[*outputs, *more], id="cell")
        widgets = {WIDGET_STATE: {"state": {**state, "cc33": {"state": {}}}}}
        return normalise(new_notebook(cells=[cell], metadata={"widgets": widgets}))

    alone = made()
    assert alone.cells[0].outputs[0].data == {"image/png": "AAAA", "text/plain": "Figure: a line"}
    assert "widgets" not in alone.metadata
    beside = made(shown("cc33"))
    assert list(beside.metadata.widgets[WIDGET_STATE]["state"]) == [f"{1:032x}"]


# --- the build -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_builds_give_the_same_bytes(folder):
    first = build("00_line", "student", folder)
    before = first.read_bytes()
    assert build("00_line", "student", folder) == first == folder / "00_line.ipynb"
    assert first.read_bytes() == before
    built = nbformat.read(first, as_version=4)
    source = read_source(folder / "source" / "00_line.py")
    assert lesson_problems(built, size=len(before), source=source, place=first) == []
    assert {name: one.value for name, one in read_records(built).items()} == {
        "height": 1.0,
        "text": "line",
    }
    assert re.search(r"<object at 0x…>", before.decode())
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["00_line.ipynb"]


def test_the_solved_copy_is_right_and_lies_one_folder_deeper(folder):
    path = build("00_line", "solved", folder)
    assert path == product("00_line", "solved", folder) == folder / "solutions" / "00_line.ipynb"
    solved = nbformat.read(path, as_version=4)
    assert lesson_problems(solved, place=path) == []


def test_what_is_no_lesson_is_not_put_in_place(folder, monkeypatch):
    """The old notebook stays, the rejected one is kept aside."""
    old = product("00_line", "student", folder)
    source = read_source(folder / "source" / "00_line.py")
    nbformat.write(derive(source, "00_line", "student"), old)
    before = old.read_bytes()
    monkeypatch.setattr(building, "execute", lambda notebook, keep: notebook)
    with pytest.raises(DataError, match="execution counts"):
        build("00_line", "student", folder)
    assert old.read_bytes() == before
    assert (folder.parent / "build/notebooks/00_line-student.ipynb").is_file()


@pytest.mark.parametrize("work", ["an answer", "a new cell", "another notebook", "no notebook"])
@pytest.mark.parametrize("copy", ["student", "solved"])
def test_a_notebook_in_which_somebody_worked_is_left_alone(folder, monkeypatch, copy, work):
    place = product("00_line", copy, folder)
    place.parent.mkdir(exist_ok=True)
    notebook = derive(read_source(folder / "source" / "00_line.py"), "00_line", copy)
    if work == "an answer":
        next(cell for cell in notebook.cells if cell.cell_type == "code").source += "\nmine = 1"
    elif work == "a new cell":
        notebook.cells.append(nbformat.v4.new_code_cell("mine = 1"))
    elif work == "another notebook":
        notebook = nbformat.v4.new_notebook()
    nbformat.write(notebook, place)
    if work == "no notebook":
        place.write_text("mine")
    before = place.read_bytes()
    monkeypatch.setattr(building, "execute", lambda *_, **__: pytest.fail("it was run"))
    with pytest.raises(DataError, match="has been changed since it was built|is not a notebook"):
        build("00_line", copy, folder)
    assert place.read_bytes() == before


def test_lessons_come_in_their_order(folder):
    (folder / "source" / "10_later.py").touch()
    (folder / "source" / "notes.py").touch()
    assert lessons(folder) == ["00_line", "10_later"]


def test_the_lessons_are_listed_with_how_they_stand(folder):
    def listed():
        result = CliRunner().invoke(app, ["notebooks", "list", str(folder)])
        assert result.exit_code == 0
        table, _, notes = result.stdout.partition("\n\n")
        header, *rows = [re.split(r" {2,}", line) for line in table.splitlines()]
        assert header == ["lesson", "title", "minutes", "student", "solved"]
        return rows, notes.strip()

    assert listed() == ([["00_line", "Draw a line", "1", "not built", "not built"]], "")
    source = read_source(folder / "source" / "00_line.py")
    built = derive(source, "00_line", "student")
    built.metadata.cifviz[KEY] = run_inputs(["cifviz/errors.py"])
    place = product("00_line", "student", folder)
    nbformat.write(built, place)
    ((_, _, _, student, solved),), notes = listed()
    assert re.fullmatch(r"fresh, \d kB", student) and solved == "not built" and notes == ""
    built.metadata.cifviz[KEY]["library"]["cifviz/errors.py"] = "00000000"
    nbformat.write(built, place)
    ((_, _, _, student, _),), notes = listed()
    assert re.fullmatch(r"stale, \d kB", student)
    assert notes == "00_line: library code changed: cifviz/errors.py; run make notebooks"
    path = folder / "source" / "00_line.py"
    path.write_text(path.read_text(encoding="utf-8").replace("height = 1.0", "height = 1.5"))
    _, notes = listed()
    assert "00_line: stale outputs: source and parameters changed; run make notebooks" in notes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff# %%", "is not a lesson: no text in UTF-8"),
        (b"# %% tags=5\n1", "is not a lesson: a header in it cannot be read"),
        (b"# ---\n# jupyter:\n#   kernelspec: 3\n# ---\n", "a header in it cannot be read"),
        (b"# %% tags=" + b"[" * 100_000, "is not a lesson: a header in it cannot be read"),
        (b'# %% tags=["parameters"]\nx = f()', "a parameter as name = constant"),
        (b'# %% tags=["parameters"]\nx = ' + b"-" * 1_000_000 + b"1", "are not Python"),
    ],
)
def test_a_lesson_that_cannot_be_read_hides_no_other(folder, content, reason):
    (folder / "source" / "01_odd.py").write_bytes(content)
    for name in ("00_line", "01_odd"):
        product(name, "student", folder).write_text("damaged")
    result = CliRunner().invoke(app, ["notebooks", "list", str(folder)])
    assert result.exit_code == 1
    _, row = result.stdout.splitlines()
    assert re.split(r" {2,}", row) == ["00_line", "Draw a line", "1", "damaged", "not built"]
    (line,) = result.stderr.splitlines()
    assert line.startswith("cifviz notebooks list: ") and reason in line
    product("01_odd", "student", folder).unlink()
    with pytest.raises(DataError, match=re.escape(reason)):
        build("01_odd", "student", folder)


def test_a_byte_order_mark_is_no_part_of_a_lesson(folder):
    path = folder / "source" / "00_line.py"
    before = read_source(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    after = read_source(path)
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]


def test_where_there_are_no_lessons_none_are_listed(tmp_path):
    result = CliRunner().invoke(app, ["notebooks", "list", str(tmp_path)])
    assert result.exit_code == 1
    assert "no lessons in" in result.stderr


def test_the_command_builds_what_is_named(monkeypatch, capsys):
    built = []

    def pretend(name, copy):
        built.append((name, copy))
        if copy == "solved":
            raise DataError("not this one")
        return building.NOTEBOOKS / "source" / f"{name}.py"

    monkeypatch.setattr(building, "build", pretend)
    assert building.main(["01"]) == 1
    assert built == [("01_integrate_and_fire", "student"), ("01_integrate_and_fire", "solved")]
    printed = capsys.readouterr()
    assert "01_integrate_and_fire.py: 0 s" in printed.out
    assert "01_integrate_and_fire (solved) FAILED: not this one" in printed.err
    assert building.main(["77"]) == 2
    assert "no lesson '77', there are: 00_start_here" in capsys.readouterr().err


def test_the_command_builds_all_lessons_of_a_clone(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(
        building,
        "build",
        lambda name, copy: built.append(name) or building.NOTEBOOKS / "source" / f"{name}.py",
    )
    assert building.main() == 0
    assert sorted(set(built)) == lessons()
    monkeypatch.setattr(building, "lessons", lambda: [])
    assert building.main() == 2
    assert "build in a clone" in capsys.readouterr().err
