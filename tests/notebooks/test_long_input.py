"""Long texts take time in proportion to their length: in proportion to its square, they never end.

Each is made of many places where a match may begin, and of none where it ends.
"""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cifviz.course import lesson_checks
from cifviz.course.site.curriculum import read_opening
from cifviz.notebooks.links import relink, targets
from cifviz.notebooks.media_types import WIDGET_STATE, WIDGET_VIEW
from cifviz.notebooks.normalise import normalise
from cifviz.notebooks.output_checks import ALWAYS, ON_REQUEST


def long(piece):
    return piece * (1_500_000 // len(piece))


@pytest.mark.parametrize(
    "piece",
    ["[a\n", "[a", "](", "]( ", "[a]:", "[a]: \n", '<a href="', "[\n", "![", "<", '"', "\n"],
)
def test_links_of_a_long_text(piece):
    text = long(piece)
    assert relink(text, lambda target: target) == text
    assert isinstance(targets(text), list)


@pytest.mark.parametrize(
    "piece", ["<img ", "<img alt=", '<img alt="', "<img src='x' ", "0x", "0xabcdef", "/home", "C:"]
)
def test_outputs_of_long_texts(piece):
    text = long(piece)
    data = {"text/html": text, "text/plain": text, "image/png": ""}
    output = new_output("display_data", data=data)
    stream = new_output("stream", name="stderr", text=text)
    notebook = new_notebook(cells=[new_code_cell(text, outputs=[output, stream])])
    for check in (*ALWAYS, *ON_REQUEST.values()):
        assert all(len(one) < 500 for one in check(notebook))


def lesson(opening="", code="", reading="", plan=""):
    """What the checks of a lesson look at, with a long text in one of its parts."""
    first = "# Title\n**What you'll do:** a.\n\n**What you'll learn**\n- *a* b\n- *a* b\n- *a* b\n"
    texts = [
        first + "**What you need**\n**Time:** " + opening,
        *("## " + title for title in ("Words", *lesson_checks.CLOSING[:-1])),
        f"## {lesson_checks.CLOSING[-1]}\n- {reading}",
        f"## {lesson_checks.LECTURER}\n### 90 minutes\n{plan}\n### Likely questions\n- a"
        "\n### Usual misconceptions\n- a",
    ]
    cells = [new_markdown_cell(text) for text in texts]
    cells[-1].metadata["tags"] = ["lecturer"]
    cells.insert(1, new_code_cell(code))
    return new_notebook(cells=cells, metadata={"cifviz": {"copy": "solved"}})


@pytest.mark.parametrize(
    ("part", "text", "complaint"),
    [
        ("opening", long("1"), "does not give the minutes"),
        ("code", long("\n"), "lines, at most"),
        ("code", long(" "), "imports and nothing else"),
        ("reading", long("["), "does not describe"),
        ("reading", long("[a]("), "does not describe"),
        ("plan", f"- {'9' * 5000} min", "should sum to 90 min"),
        ("code", "a\0", "not plain Python, line 1"),
        ("code", long("-") + "1", "not plain Python, line 1"),
    ],
)
def test_a_lesson_of_a_long_text(part, text, complaint):
    notebook = lesson(**{part: text})
    found = [one for check in lesson_checks.LESSON_CHECKS for one in check(notebook)]
    assert any(complaint in one for one in found)


def test_the_task_of_a_lesson_without_a_blank_line():
    text = "# Title\n**Time:** 1 min\n" + long("**What you'll do:**")
    assert read_opening(new_notebook(cells=[new_markdown_cell(text)]), "00_line").task


def test_the_name_of_a_widget_is_replaced_as_a_word():
    """Not by trying all names at each letter."""
    view = {WIDGET_VIEW: {"model_id": "1"}}
    state = {"1": {"state": {"text": "11 pictures", "layout": "IPY_MODEL_2"}}, "2": {"state": {}}}
    notebook = new_notebook(
        cells=[new_code_cell(outputs=[new_output("display_data", data=view)])],
        metadata={"widgets": {WIDGET_STATE: {"state": state}}},
    )
    one, two = f"{1:032x}", f"{2:032x}"
    counted = normalise(notebook).metadata.widgets[WIDGET_STATE]["state"]
    assert counted == {
        one: {"state": {"text": "11 pictures", "layout": f"IPY_MODEL_{two}"}},
        two: {"state": {}},
    }


@pytest.mark.parametrize("view", ["x", {}, {"model_id": 3}, None])
def test_a_view_of_no_widget_is_left_alone(view):
    output = new_output("display_data", data={WIDGET_VIEW: view})
    notebook = normalise(new_notebook(cells=[new_code_cell(outputs=[output])]))
    assert notebook.cells[0].outputs[0].data[WIDGET_VIEW] == view
