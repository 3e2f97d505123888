"""What was found, for machines."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cifviz.notebooks.check_report import Checked, json_report, junit_report

BAD = Checked(Path("a <b>.ipynb"), ("cell 3 shows nothing", "cell 3, stdout: x", "1.2 MB"), 2.0)
GOOD = Checked(Path("good.ipynb"), (), 1.0)
NOT_RUN = Checked(Path("r.ipynb"), (), 0.5, note="not run: R")


def test_json_names_the_cell_of_each_complaint():
    found = json.loads(json_report([BAD, GOOD]))
    assert found["good"] is False
    bad, good = found["notebooks"]
    assert [one["cell"] for one in bad["complaints"]] == [3, 3, None]
    assert (good["good"], good["complaints"]) == (True, [])
    assert json.loads(json_report([GOOD]))["good"] is True


def test_junit_has_a_suite_for_each_notebook_and_a_case_for_each_bad_cell():
    suites = ElementTree.fromstring(junit_report([BAD, GOOD, NOT_RUN]).encode())
    bad, good, not_run = suites
    assert (bad.get("name"), bad.get("tests"), bad.get("failures")) == ("a <b>.ipynb", "2", "2")
    notebook, cell = bad
    assert (cell.get("name"), cell[0].text) == ("cell 3", "cell 3 shows nothing\ncell 3, stdout: x")
    assert notebook[0].get("message") == "1.2 MB"
    assert (good.get("tests"), good.get("failures"), list(good[0])) == ("1", "0", [])
    assert (not_run.get("skipped"), not_run[0][0].tag) == ("1", "skipped")


@given(st.text(st.characters(codec="utf-8")))
def test_any_complaint_makes_reports_that_can_be_read(text):
    report = [Checked(Path("a.ipynb"), (text,), 0.0)]
    assert ElementTree.fromstring(junit_report(report).encode("utf-8"))[0].get("failures") == "1"
    assert json.loads(json_report(report))["notebooks"][0]["complaints"][0]["message"] == text
