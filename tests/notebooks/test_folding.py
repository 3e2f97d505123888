"""Outputs of cells tagged "answer" become one closed fold in HTML; nothing of them is lost."""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cifviz.notebooks.folding import ABOVE, fold_outputs, folded_text, is_folded
from cifviz.notebooks.media_types import RECORD, WIDGET_VIEW
from cifviz.notebooks.normalise import normalise
from cifviz.plot.images import picture_bundle


def shown(**data):
    return new_output("display_data", data={name.replace("_", "/"): x for name, x in data.items()})


PRINTED = new_output("stream", name="stdout", text="3 < 4\n")
TABLE = shown(text_markdown="| a |\n|---|\n| 1 |", text_plain="a\n1")
PICTURE = new_output("display_data", data=picture_bundle(b"png", "A line that rises slowly."))
WIDGET = new_output("display_data", data={WIDGET_VIEW: {"model_id": "1"}, "text/plain": "control"})


def folded(*outputs):
    cell = new_code_cell(outputs=list(outputs), metadata={"tags": ["answer"]})
    fold_outputs(cell)
    return cell


def test_all_outputs_are_in_one_closed_fold():
    (output,) = folded(PRINTED, TABLE, PICTURE).outputs
    page = output.data["text/html"]
    assert is_folded(output) and "<details open" not in page
    assert page.count("<summary>") == 1
    for part in (
        '<pre tabindex="0">3 &lt; 4</pre>',
        "<td>1</td>",
        'alt="A line that rises slowly."',
    ):
        assert part in page
    assert output.data["text/plain"] == "3 < 4\na\n1\nFigure: A line that rises slowly."
    assert output.data["image/png"] == PICTURE.data["image/png"], "for a PDF"


def test_records_stay_for_machines_and_their_words_are_folded():
    def kept(fires):
        data = {RECORD: {"numbers": {"fires": fires}}, "text/plain": f"Recorded: fires = {fires}"}
        return new_output("display_data", data=data)

    for outputs in ([kept(3), kept(4)], [PRINTED, kept(3), kept(4)]):
        shown = folded(*copy.deepcopy(outputs)).outputs
        assert [output.data[RECORD]["numbers"]["fires"] for output in shown[-2:]] == [3, 4]
        assert all(map(is_folded, shown))
        pages = [output.data["text/html"] for output in shown]
        assert "fires = 3" in pages[0] and "fires = 4" in pages[0] and pages[-1] == ABOVE


@pytest.mark.parametrize(
    "output",
    [
        new_output("error", ename="ValueError", evalue="no", traceback=[]),
        new_output("stream", name="stderr", text="a warning"),
    ],
)
def test_errors_and_warnings_stay_in_view(output):
    assert folded(output).outputs == [output]


def test_a_live_control_is_collapsed_by_its_cell():
    """HTML cannot hold it: its static picture is folded, the cell is collapsed."""
    cell = folded(WIDGET, PICTURE)
    assert cell.metadata.jupyter == {"outputs_hidden": True} and cell.metadata.collapsed
    assert WIDGET_VIEW in cell.outputs[0].data and is_folded(cell.outputs[1])


def test_a_fold_is_named_by_the_comment_that_its_code_begins_with():
    def label(code, *outputs):
        cell = new_code_cell(code, outputs=list(outputs), metadata={"tags": ["answer"]})
        fold_outputs(cell)
        return cell.outputs[0].data["text/html"].partition("</summary>")[0]

    kept = shown(**{RECORD: {"numbers": {"fires": 3}}, "text_plain": "Recorded: fires = 3"})
    assert label("# Table: 3 < 4\nprint()", PRINTED) == "<details><summary>Table: 3 &lt; 4"
    assert label("# Numbers kept\nrecord()", kept) == "<details><summary>Numbers kept"
    assert label("print()  # more", PRINTED) == "<details><summary>Show the result"


def test_folding_twice_is_folding_once():
    cell = folded(PRINTED, PICTURE)
    before = list(cell.outputs)
    fold_outputs(cell)
    assert cell.outputs == before


def test_normalising_folds_the_tagged_cells_alone():
    cells = [new_code_cell(outputs=[PRINTED], metadata={"tags": tags}) for tags in (["answer"], [])]
    first, second = normalise(new_notebook(cells=cells)).cells
    assert is_folded(first.outputs[0]) and second.outputs == [PRINTED]


def test_a_text_is_markdown_inside_its_fold():
    from nbconvert.filters import markdown2html

    page = markdown2html(folded_text("*Two* tokens."))
    assert page.startswith("<details><summary>Answer</summary>") and "<em>Two</em>" in page
