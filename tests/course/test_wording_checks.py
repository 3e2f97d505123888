"""One word for one thing, and no term before its entry: planted faults are found."""

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from cifviz.course.glossary import TERMS
from cifviz.course.inspection import inspect, unexplained_terms
from cifviz.course.wording_checks import (
    OTHER_MEANINGS,
    one_word_for_one_thing,
    terms_before_entries,
)

FORM_2 = "# ---\n# jupyter:\n#   cifviz:\n#     form: 2\n# ---\n\n"


def lesson(*texts, optional=()):
    cells = [new_markdown_cell(text) for text in texts]
    for number in optional:
        cells[number].metadata["tags"] = ["optional"]
    return new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Divide by Σα.", "S, the sum of the weights"),
        ("What becomes of the rest is open.", "residual"),
        ("All boundaries move.", "border"),
        ("See the spectrogram.", "log-mel"),
        ("Take the cumulative sum.", "running sum"),
        ("Beside the ground truth.", "reference"),
        ("The hop size is 10 ms.", "frame shift"),
        ("A decoder behind a CIF.", "after"),
        ("It has so and so many words.", "a number"),
        ("More stands in [the page](page.md).", "is in"),
        ("It is too dear.", "expensive"),
    ],
)
def test_a_second_word_for_one_thing_is_found(text, instead):
    (complaint,) = one_word_for_one_thing(lesson(text))
    assert complaint.startswith("cell 0 has ") and instead in complaint


@pytest.mark.parametrize(
    "text",
    [
        "`Σα`",
        "```text\nΣα = 1\n```",
        "Σ_t α_t · h_t",
        "the rest of the list",
        "## Ground truth",
    ],
)
def test_code_formulas_and_other_things_are_left_alone(text):
    assert one_word_for_one_thing(lesson(text)) == []


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["## 1. A\n\nThe slack is small."], ["b, cell 0 uses slack before its entry"]),
        (["## 1. A\n\nThe *slack* is small.", "Slack again."], []),
        (["## 1. A\n\nA **slack\nof 0.01**."], []),
        (["## 1. A\n\nTwo tail\nrules."], ["b, cell 0 uses tail rule before its entry"]),
        (["## 1. A\n\n`slack` and\n```text\nslack\n```"], []),
        (["## Further reading\n\nOn slack."], []),
        (["# A title\n\nWith slack.", "## 1. A\n\nA *slack*."], []),
        (["## 1. A\n\nOn slackness."], []),
    ],
)
def test_terms_before_their_entry_are_found(texts, found):
    known = [one for one in terms_before_entries({"b": lesson(*texts)}) if "tail before" not in one]
    assert known == found


def test_an_entry_in_an_earlier_lesson_is_enough():
    lessons = {"a": lesson("## 1. A\n\nThe *slack*."), "b": lesson("## 1. B\n\nThe slack.")}
    assert terms_before_entries(lessons) == []
    assert terms_before_entries(dict(reversed(lessons.items()))) == [
        "b, cell 0 uses slack before its entry"
    ]


def test_an_entry_in_an_optional_section_is_none_for_the_core_path():
    texts = ("## 1. A\n\nThe *slack*.", "## 2. B\n\nThe slack.")
    assert terms_before_entries({"a": lesson(*texts)}) == []
    assert terms_before_entries({"a": lesson(*texts, optional=[0])}) == [
        "a, cell 1 uses slack before its entry on the core path"
    ]


def test_other_meanings_are_those_of_terms():
    assert OTHER_MEANINGS.keys() <= {term.name for term in TERMS}
    text = "## 1. A\n\nIn half precision, in a phone book."
    assert terms_before_entries({"a": lesson(text)}) == []
    assert len(terms_before_entries({"a": lesson(text + " Precision of phones.")})) == 2


def test_the_lessons_before_one_count(tmp_path):
    first, second = tmp_path / "00_first.py", tmp_path / "01_second.py"
    first.write_text(f"{FORM_2}# %% [markdown]\n# ## 1. A\n#\n# No term.\n", encoding="utf-8")
    second.write_text(f"{FORM_2}# %% [markdown]\n# ## 1. A\n#\n# A slack.\n", encoding="utf-8")
    assert unexplained_terms(second) == ["cell 0 uses slack before its entry"]
    first.write_text(f"{FORM_2}# %% [markdown]\n# ## 1. A\n#\n# A *slack*.\n", encoding="utf-8")
    assert unexplained_terms(first) == unexplained_terms(second) == []
    second.write_text("# %% [markdown]\n# ## 1. A\n#\n# A valley.\n", encoding="utf-8")
    assert unexplained_terms(second) == []  # of the first form


def test_a_notebook_is_asked_for_its_terms(good, folder):
    import nbformat

    path = folder / "00_line.ipynb"
    source = folder / "source" / "00_line.py"
    text = source.read_text(encoding="utf-8")
    nbformat.write(good, path)
    assert inspect(path) == []
    text = text.replace("# **Predict", "# ## 1. Line\n#\n# A valley.\n#\n# **Predict")
    source.write_text(FORM_2 + text, encoding="utf-8")
    assert any("uses valley before its entry" in one for one in inspect(path))
