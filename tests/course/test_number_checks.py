"""Numbers in prose are computed, recorded or cited: others are found."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cifviz.course.number_checks import unexplained_numbers


def notebook(text, code="x = 1", **output):
    outputs = [new_output("display_data", data=output)] if output else []
    opening = new_markdown_cell("# A lesson of 90 minutes")
    cells = [opening, new_markdown_cell("## 1. A"), new_code_cell(code, outputs=outputs)]
    return new_notebook(cells=[*cells, new_markdown_cell(text)])


@pytest.mark.parametrize(
    "text", ["It is 37 %.", "About 0.37 of them.", "It takes −0.37.", "1,400 steps.", "37 ms, 37"]
)
def test_a_number_from_nowhere_is_found(text):
    assert unexplained_numbers(notebook(text))


@pytest.mark.parametrize(
    "text",
    [
        "It has 12 words.",
        "In section 37, exercise 03.7 and lesson 07.",
        "As 0.3 + 0.07 = 0.37 says.",
        "Half of it: 74 / 2 = 37.",
        "It is 0.37 ([the page](page.md)).",
        "It is 0.37 (Dong and Xu 2020).",
        "CIF-PyTorch takes 0.37.",
        "```text\n0.37\n```",
        "`tau = 0.37`",
        "The weights (0.37, 0.63) are given.",
        "**Exercise 01.1.** The weights sum to 0.37. What else?",
    ],
)
def test_numbers_that_are_given_computed_or_cited_are_not(text):
    assert unexplained_numbers(notebook(text)) == []


@pytest.mark.parametrize(
    "given",
    [
        {"code": "tau = 0.3712"},
        {"text/plain": "rate 0.3712"},
        {"text/plain": "rate 37.12 %"},
        {"application/vnd.cifviz.record+json": {"numbers": {"rate": 0.3712}}},
    ],
)
def test_code_outputs_and_records_account_for_a_number(given):
    assert unexplained_numbers(notebook("A rate of 0.37.", **given)) == []
    assert unexplained_numbers(notebook("A rate of 0.38.", **given))


def test_another_section_accounts_for_records_alone():
    shown = notebook("## 2. B\n\nA rate of 0.37.", **{"text/plain": "0.37"})
    (complaint,) = unexplained_numbers(shown)
    assert complaint.startswith("cell 3: nothing computes, records or cites 0.37 in: A rate of")
    record = {"application/vnd.cifviz.record+json": {"numbers": {"rate": 0.37}}}
    assert unexplained_numbers(notebook("## 2. B\n\nA rate of 0.37.", **record)) == []


def test_tasks_and_notes_for_lecturers_are_left_out():
    assert unexplained_numbers(notebook("## On your own\n\n- Set it to 0.37.")) == []
    noted = notebook("## For the lecturer\n\nTell them 0.37.")
    assert unexplained_numbers(noted)
    noted.cells[-1].metadata["tags"] = ["lecturer"]
    assert unexplained_numbers(noted) == []
