"""Numbers go into a notebook and come back out."""

import json

import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cifviz.errors import CIFError
from cifviz.notebooks import records
from cifviz.notebooks.media_types import RECORD
from cifviz.notebooks.records import Recorded, compare_records, comparison_table, read_records


@pytest.fixture
def recorded(monkeypatch):
    """What `record` puts into a cell, as a notebook."""

    def run(*calls):
        cells = []
        for tolerance, numbers in calls:
            bundles = []
            monkeypatch.setattr(records, "emit", bundles.append)
            records.record(tolerance=tolerance, **numbers)
            (bundle,) = bundles
            output = new_output("display_data", data=json.loads(json.dumps(bundle)))
            cells.append(new_code_cell(outputs=[output]))
        return new_notebook(cells=cells)

    return run


def test_numbers_come_back(recorded):
    notebook = recorded(
        (1e-3, {"fires": np.int64(3), "sum": torch.tensor([3.25]), "text": "one two"}),
        (0.1, {"ok": True, "far": 2.5}),
    )
    assert read_records(notebook) == {
        "fires": Recorded(3, 1e-3),
        "sum": Recorded(3.25, 1e-3),
        "text": Recorded("one two", 1e-3),
        "ok": Recorded(True, 0.1),
        "far": Recorded(2.5, 0.1),
    }


@pytest.mark.parametrize(
    "kept",
    [
        "text",
        {},
        {"numbers": {"a": 1}},
        {"numbers": [1], "tolerance": 0.1},
        {"numbers": {"a": None}, "tolerance": 0.1},
        {"numbers": {"a": [1]}, "tolerance": 0.1},
        {"numbers": {"a": 1}, "tolerance": -1},
        {"numbers": {"a": 1}, "tolerance": float("nan")},
        {"numbers": {"a": 1}, "tolerance": "0.1"},
    ],
)
def test_a_damaged_record_is_refused(kept):
    output = new_output("display_data", data={RECORD: kept})
    with pytest.raises(CIFError, match="cell 0 holds a damaged record: expected numbers and a tol"):
        read_records(new_notebook(cells=[new_code_cell(outputs=[output])]))


def test_a_long_text_is_short_in_the_table():
    (one,) = compare_records({"a": Recorded("x\n" * 1000, 0.0)}, {"a": Recorded("y", 0.0)})
    _, row = comparison_table([one]).splitlines()
    assert len(row) < 100


def test_a_name_is_recorded_once(recorded):
    with pytest.raises(CIFError, match="'fires' twice"):
        read_records(recorded((0, {"fires": 1}), (0, {"fires": 1})))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "must be finite"),
        (None, "a number or a text"),
        (torch.ones(2), "an array of several"),
        ([1], "a number or a text"),
    ],
)
def test_what_is_no_number_is_refused(value, message):
    with pytest.raises(CIFError, match=message):
        records.record(x=value)


def test_nothing_is_refused():
    with pytest.raises(CIFError, match="at least one"):
        records.record()
    with pytest.raises(CIFError, match="tolerance"):
        records.record(tolerance=-1, x=1)


@pytest.mark.parametrize(
    ("committed", "now", "agrees"),
    [
        (1.0, 1.0009, True),
        (1.0, 1.0011, False),
        (3, 3, True),
        (3, 4, False),
        (3, 3.0, False),
        (True, 1, False),
        ("one", "one", True),
        ("one", "two", False),
    ],
)
def test_floats_may_differ_by_the_tolerance_and_nothing_else_at_all(committed, now, agrees):
    (one,) = compare_records({"x": Recorded(committed, 1e-3)}, {"x": Recorded(now, 9.0)})
    assert one.agrees is agrees


def test_missing_and_new_names_differ():
    one, other = compare_records({"a": Recorded(1, 0.0)}, {"b": Recorded(1.5, 0.5)})
    assert not one.agrees and not other.agrees
    assert (one.name, one.now) == ("a", None)
    assert (other.name, other.committed) == ("b", None)


def test_the_table_shows_all_and_marks_what_differs():
    committed = {"fires": Recorded(3, 0.1), "sum": Recorded(3.0, 0.1), "text": Recorded("x", 0.1)}
    now = {"fires": Recorded(3, 0.1), "sum": Recorded(3.5, 0.1)}
    lines = comparison_table(compare_records(committed, now)).splitlines()
    assert lines[0].split() == ["name", "committed", "now", "tolerance"]
    assert lines[1].split() == ["fires", "3", "3", "exact"]
    assert lines[2].split() == ["sum", "3", "3.5", "±", "0.1", "differs"]
    assert lines[3].split() == ["text", "x", "(missing)", "exact", "differs"]
