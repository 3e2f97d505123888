"""Two runs of a notebook are compared cell by cell, as its owner asked."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cifviz.errors import DataError
from cifviz.notebooks.media_types import RECORD
from cifviz.notebooks.output_comparison import data_difference, output_differences
from cifviz.notebooks.tolerances import Tolerances


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shows(**data):
    return new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})


def notebook(*outputs, metadata=None, source="1", of_notebook=None):
    cell = new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata or {})
    return new_notebook(cells=[cell], metadata=of_notebook or {})


def differences(before, now, **how):
    return output_differences(notebook(*before, **how), notebook(*now), Tolerances())


ERROR = new_output("error", ename="KeyError", evalue="'a'", traceback=["1"])


@pytest.mark.parametrize(
    ("before", "now", "complaint"),
    [
        ([stream("3")], [stream("4")], "cell 0, stdout: expected '3', got '4'"),
        ([stream("3")], [], "cell 0 shows nothing, expected stdout"),
        (
            [stream("3")],
            [stream("3"), stream("a.py:1: UserWarning: odd\n", "stderr")],
            "cell 0 shows stdout, stderr, expected stdout; it says: a.py:1: UserWarning: odd",
        ),
        (
            [ERROR],
            [new_output("error", ename="ValueError", evalue="no", traceback=[])],
            "cell 0, error: expected 'KeyError: 'a'', got 'ValueError: no'",
        ),
        (
            [ERROR],
            [stream("3")],
            "cell 0 shows stdout, expected error; the stored one says: KeyError: 'a'",
        ),
        (
            [shows(text_plain="1", text_html="<b>1</b>")],
            [shows(text_plain="1", text_html="<b>2</b>")],
            "cell 0, text/html: expected '1', got '2'",
        ),
        (
            [shows(text_plain="1")],
            [shows(text_plain="1", text_html="1")],
            "cell 0 shows text/html+text/plain, expected text/plain",
        ),
        (
            [shows(text_plain="1"), shows(text_plain="2")],
            [shows(text_plain="1")],
            "cell 0 shows text/plain, expected text/plain, text/plain",
        ),
    ],
)
def test_a_difference_is_named_with_cell_and_kind(before, now, complaint):
    assert differences(before, now) == [complaint]
    assert differences(before, before) == differences(now, now) == []


def test_of_contents_only_the_kinds_may_be_asked():
    first, second, none = notebook(stream("3")), notebook(stream("4")), notebook()
    assert output_differences(first, second, Tolerances(), contents=False) == []
    assert output_differences(first, none, Tolerances(), contents=False)


def test_where_a_stream_is_cut_and_mixed_is_chance():
    before = [stream("a"), stream("w", "stderr"), stream("b\n")]
    assert differences(before, [stream("w", "stderr"), stream("ab\n")]) == []


def test_a_traceback_is_not_compared():
    other = new_output("error", ename="KeyError", evalue="'a'", traceback=["2"])
    assert differences([ERROR], [other]) == []


def test_numbers_that_were_recorded_have_a_tolerance_of_their_own():
    before, now = (
        new_output("display_data", data={RECORD: {"numbers": {"x": x}}, "text/plain": f"x = {x}"})
        for x in (1.0, 2.0)
    )
    assert differences([before], [now]) == []


@pytest.mark.parametrize(
    "how",
    [
        {"metadata": {"tags": ["nbval-ignore-output"]}},
        {"metadata": {"tags": ["nbval-skip"]}},
        {"metadata": {"tags": ["skip-execution"]}},
        {"source": "  # NBVAL_IGNORE_OUTPUT\n1"},
        {"metadata": {"cifviz": {"check": {"rtol": 0.5}}}},
        {"of_notebook": {"cifviz": {"check": {"atol": 1}}}},
    ],
)
def test_the_owner_says_what_is_compared(how):
    assert differences([stream("3.0")], [stream("4.0")], **how) == []


def test_the_tolerance_of_a_cell_goes_before_that_of_its_notebook():
    own = {"metadata": {"cifviz": {"check": {"rtol": 0}}}}
    loose = {"of_notebook": {"cifviz": {"check": {"rtol": 0.5}}}}
    assert differences([stream("3.0")], [stream("4.0")], **loose, **own)


@pytest.mark.parametrize("wrong", [3, {"rtoll": 1}, {"rtol": -1}, {"rtol": "1"}, {"rtol": True}])
def test_a_wrong_tolerance_is_refused(wrong):
    with pytest.raises(DataError, match=r"check may name|must be a number >= 0"):
        differences([], [], of_notebook={"cifviz": {"check": wrong}})


def test_a_cell_without_any_sign_of_a_run_is_not_compared():
    before = notebook()
    before.cells[0].execution_count = None
    assert output_differences(before, notebook(stream("3")), Tolerances()) == []


@pytest.mark.parametrize("kind", ["audio/wav", "application/pdf", "application/javascript"])
def test_what_cannot_be_compared_never_differs(kind):
    assert data_difference(kind, "a", "b", Tolerances()) == ""
