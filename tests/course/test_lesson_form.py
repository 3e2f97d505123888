"""A source of the second form is laid out: folds, hidden code, marked paths, measured minutes."""

import copy

import jupytext
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from cifviz.course.figures import canvas
from cifviz.course.inspection import lesson_problems
from cifviz.course.lesson_form import form_of, lay_out
from cifviz.course.lesson_sources import derive
from cifviz.course.prediction_checks import FORM_CHECKS
from cifviz.course.study_minutes import measured_sections
from cifviz.errors import DataError
from cifviz.notebooks.normalise import normalise
from cifviz.plot.images import picture_bundle, png
from tests.notebooks.conftest import replace_in

HEADER = """\
# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

"""
LESSON = """\
# %% [markdown]
# # A line
#
# **Time:** {core} min of {all} min

# %% tags=["hide-input"]
# Imports
import cifviz

# %% [markdown]
# ## 1. Draw
#
# **Predict first:** what comes out?

# %%
a = 1

# %% tags=["answer"]
print("a rising line")

# %% tags=["answer", "hide-input"]
# Figure: a line
show(figure, "A line that rises from 0 to the height.")

# %% [markdown] tags=["answer"]
# A rising line.
#
# - It rises.

# %% [markdown]
# That was a line.

# %% [markdown] tags=["optional"]
# ## 2. More
#
# Nothing.

# %% tags=["exercise"]
answer = ...

# %% tags=["solution"]
answer = 3

# %% [markdown] tags=["hints"]
# One.
#
# Two.
#
# Three.
"""


def written(text=LESSON):
    return jupytext.reads(HEADER + text, fmt="py:percent")


def laid_out(text=LESSON):
    source = written(text)
    lay_out(source, "00_line.py")
    return source


def printing(text):
    return new_code_cell("print(text)", outputs=[new_output("stream", name="stdout", text=text)])


FOLD = '<details class="data"><summary>The figure as a table</summary><p>A line.</p></details>'


def captioned(number):
    bundle = picture_bundle(png(canvas()[0]), "A line that rises from 0 to the height.")
    words = f"<figcaption><strong>Figure {number}.</strong> A line.</figcaption>"
    bundle["text/html"] = f'<figure style="margin:0">{bundle["text/html"]}{words}</figure>{FOLD}'
    return new_output("display_data", data=bundle)


@pytest.fixture
def built():
    """A notebook of the second form, as it is after a run."""
    notebook = derive(laid_out(), "00_line", "student")
    notebook.cells[4].outputs = [new_output("stream", name="stdout", text="a rising line\n")]
    notebook.cells[5].outputs = [captioned(1)]
    return normalise(notebook)


def test_a_source_without_the_header_is_left_as_it_is():
    source = jupytext.reads(LESSON, fmt="py:percent")
    before = copy.deepcopy(source)
    lay_out(source, "00_line.py")
    assert source == before and form_of(source) == 1


def test_text_of_answers_is_folded_and_plotting_is_hidden():
    cells = laid_out().cells
    assert cells[6].source == (
        "<details><summary>Answer</summary>\n\nA rising line.\n\n- It rises.\n\n</details>"
    )
    assert [cell.metadata.get("jupyter") for cell in (cells[3], cells[5])] == [
        None,
        {"source_hidden": True},
    ]


def test_hints_are_folds_of_their_own_for_students_alone():
    source = laid_out()
    student = derive(source, "00_line", "student")
    assert student.cells[-1].source == "\n\n".join(
        f"<details><summary>Hint {number}</summary>\n\n{text}\n\n</details>"
        for number, text in enumerate(("One.", "Two.", "Three."), start=1)
    )
    solved = derive(source, "00_line", "solved")
    assert not any("Hint" in cell.source for cell in solved.cells)
    assert measured_sections(written())[-1].minutes == 3  # hints take no minutes


NOTES = """
# %% [markdown]
# ## Words
#
# Some.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 90 min: all of it.
#
# ### Likely questions
#
# - *Why a line?* Because it is
#   short.
#
# ### Usual misconceptions
#
# - A line is < thick. It is not.
"""


def test_students_get_the_questions_and_misconceptions_of_the_notes_for_the_lecturer():
    source = laid_out(LESSON + NOTES)
    student, solved = (derive(source, "00_line", copy).cells for copy in ("student", "solved"))
    place = next(n for n, cell in enumerate(student) if cell.source.startswith("## Words"))
    asked = student[place - 1].source
    assert asked.startswith("**Likely questions.** Answer each before you open it:\n\n<details>")
    assert "<summary>Why a line?</summary>\n\nBecause it is short.\n\n</details>" in asked
    assert "<summary>A line is &lt; thick.</summary>\n\nIt is not.\n\n</details>" in asked
    assert "90 min" not in asked
    assert not any("Answer each before" in cell.source for cell in solved)


def test_without_notes_or_words_there_are_no_questions():
    for text in (NOTES.replace("### Likely", "### Other").replace("### Usual", "### More"),
                 NOTES.replace("## Words", "## Nothing")):  # fmt: skip
        assert not any("Answer each" in cell.source for cell in laid_out(LESSON + text).cells)


def test_sections_say_their_path_and_minutes():
    cells = laid_out().cells
    assert cells[2].source.startswith("## 1. Draw\n\n*Core path · 1 min*\n\n**Predict first")
    assert cells[8].source.startswith("## 2. More\n\n*Optional · 3 min*\n\nNothing.")
    assert cells[0].source.endswith("**Time:** 1 min of 4 min")


def test_the_minutes_of_the_opening_are_the_sum_of_those_of_the_sections():
    """At 1.48 minutes, where the words of the mark itself would round to 2."""
    almost = "# %% [markdown]\n# # A\n#\n# {core}\n\n# %% [markdown]\n# ## 1. B\n#\n# "
    cells = laid_out(almost + "word " * 234).cells
    assert cells[0].source.endswith("\n1") and "Core path · 1 min" in cells[1].source


@pytest.mark.parametrize(
    ("more", "minutes"),
    [
        ("# %% [markdown]\n# " + "word " * 1600, 10),
        ("# %%\n" + "a = 1\n" * 40, 2),
        ('# %% tags=["hide-input"]\n' + "a = 1\n" * 400, 0),
        ('# %% tags=["exercise"]\na = ...\n\n# %% tags=["solution"]\n' + "a = 1\n" * 5, 6),
        ("# %% [markdown]\n# ```text\n" + "# a = b\n" * 8 + "# ```", 4),
        ("# %%\n" + "model = train(seed=0)\n" * 8, 2),
    ],
)
def test_minutes_are_measured_on_what_is_read_and_done(more, minutes):
    (before,) = measured_sections(written("# %% [markdown]\n# ## 1. Line\n" + "#\n# x\n" * 80))
    (after,) = measured_sections(
        written("# %% [markdown]\n# ## 1. Line\n" + "#\n# x\n" * 80 + f"\n{more}")
    )
    assert after.minutes - before.minutes in (minutes, minutes + 1)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("form: 2", "form: 3", "expected form 1 or 2, got 3"),
        ("# ## 2. More", "# ### More", "cell 8: a cell tagged optional opens a section"),
        ("# Two.\n#\n# Three.", "# Two.", "cell 11: 3 hints, a paragraph each, stand right after"),
        ("answer = 3\n", "answer = 3\n\n# %%\nb = 1\n", "cell 12: 3 hints, a paragraph each"),
    ],
)
def test_what_is_no_form_is_refused(old, new, complaint):
    source = jupytext.reads((HEADER + LESSON).replace(old, new), fmt="py:percent")
    with pytest.raises(DataError, match=complaint):
        lay_out(source, "00_line.py")


def test_the_good_notebook_passes(built):
    assert [one for check in FORM_CHECKS for one in check(built)] == []


# name of the check, what spoils the notebook, what the complaint says
BAD = [
    (
        "answers_are_folded",
        lambda n: n.cells[4].update(outputs=[new_output("stream", name="stdout", text="a line")]),
        "cell 4 shows in view the answer to the prediction of cell 2",
    ),
    (
        "answers_are_folded",
        lambda n: n.cells[3].update(outputs=[captioned(1)]),
        "cell 3 shows in view the answer to the prediction of cell 2",
    ),
    (
        "answers_are_folded",
        lambda n: replace_in(n.cells[6], "<details>", "<details open>"),
        "cell 6 shows in view the answer to the prediction of cell 2",
    ),
    (
        "answers_are_folded",
        lambda n: n.cells[6].metadata.pop("tags"),
        "cell 6 is text in view behind the prediction of cell 2",
    ),
    (
        "answers_are_folded",
        lambda n: replace_in(n.cells[2], "out?", "out?\n\nA rising line."),
        "cell 2 goes on behind its prediction",
    ),
    (
        "answers_are_folded",
        lambda n: [n.cells.pop(place) for place in (6, 6, 6, -1)],
        "the prediction of cell 2 has no answer",
    ),
    (
        "answers_are_folded",
        lambda n: n.cells.append(NotebookNode(n.cells[6], source="A line.")),
        "is not folded",
    ),
    (
        "code_asserts_no_answer",
        lambda n: replace_in(n.cells[3], "a = 1", "assert_close(a, torch.tensor([0.5, 2 - 1.5]))"),
        "cell 3 asserts in view the answer to the prediction of 2",
    ),
    (
        "code_asserts_no_answer",
        lambda n: replace_in(n.cells[4], "print", "assert not a.any()\nprint"),
        "cell 4 asserts in view the answer to the prediction of 2",
    ),
    (
        "exercises_are_not_answered",
        lambda n: n.cells.insert(10, printing("3")),
        "cell 10 may answer in view the exercise of cell 9",
    ),
    (
        "code_in_view_is_short",
        lambda n: n.cells[3].update(source="a = 1\n\n" * 16),
        "cell 3 has 16 lines in view, at most 15",
    ),
    (
        "minutes_are_measured",
        lambda n: replace_in(n.cells[0], "1 min", "20 min"),
        "the opening gives ['20', '4'] minutes, the sections have ['1', '4']",
    ),
    (
        "minutes_are_measured",
        lambda n: replace_in(n.cells[8], "3 min", "30 min"),
        "the opening gives ['1', '4'] minutes, the sections have ['1', '31']",
    ),
    (
        "figures_have_captions",
        lambda n: n.cells[3].update(
            outputs=[new_output("display_data", data=picture_bundle(b"", "A line that rises."))]
        ),
        "cell 3 shows a figure without a caption",
    ),
    (
        "figures_have_captions",
        lambda n: n.cells[3].update(outputs=[captioned(3)]),
        "numbered from 1 in their order, got [3, 1]",
    ),
    (
        "figures_have_tables",
        lambda n: (
            n.cells[5]
            .outputs[0]
            .data.update({"text/html": captioned(1).data["text/html"].replace(FOLD, "")})
        ),
        "cell 5 shows a figure without its data",
    ),
    (
        "core_path",
        lambda n: replace_in(n.cells[2], "*Core path · 1 min*\n", ""),
        "cell 2 opens a section without its path and minutes",
    ),
    (
        "core_path",
        lambda n: replace_in(n.cells[2], "Core path · 1 min", "Core path · 51 min"),
        "the core path takes 51 min, at most 50",
    ),
    (
        "core_path",
        lambda n: replace_in(n.cells[2], "Core path", "Optional"),
        "no section is on the core path",
    ),
    (
        "bookkeeping_is_hidden",
        lambda n: n.cells[5].metadata.pop("jupyter"),
        "cell 5 imports, draws or records in view",
    ),
    (
        "bookkeeping_is_hidden",
        lambda n: n.cells[1].metadata.pop("tags"),
        "cell 1 imports, draws or records in view",
    ),
    (
        "hidden_code_is_named",
        lambda n: replace_in(n.cells[5], "# Figure: a line\n", ""),
        "cell 5 is hidden: begin it with a comment",
    ),
    (
        "hidden_code_is_named",
        lambda n: replace_in(n.cells[1], "# Imports\n", ""),
        "cell 1 is hidden: begin it with a comment",
    ),
]
CHECKS = {check.__name__: check for check in FORM_CHECKS}


@pytest.mark.parametrize(("check", "spoil", "complaint"), BAD)
def test_the_bad_notebook_fails(built, check, spoil, complaint):
    spoil(built)
    found = CHECKS[check](built)
    assert any(complaint in one for one in found), found
    assert set(found) <= set(lesson_problems(built))


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (3, "assert_close(library(a), by_hand, rtol=0)"),  # two ways agree, and on what is open
        (5, "# Figure\nassert a == 1"),  # hidden
        (9, "assert answer == 3"),  # nothing was asked
        (3, "assert a == ="),  # another check complains
    ],
)
def test_other_assertions_may_stand(built, cell, code):
    built.cells[cell].source = code
    assert CHECKS["code_asserts_no_answer"](built) == []


def test_a_table_of_its_own_is_the_data_of_a_figure(built):
    (bundle,) = (output.data for output in built.cells[5].outputs)
    table = "<table><caption>2 tokens</caption></table>"
    bundle["text/html"] = bundle["text/html"].replace(FOLD, table)
    assert CHECKS["figures_have_tables"](built) == []


def test_every_check_is_seen_to_fail():
    assert CHECKS.keys() == {check for check, _, _ in BAD}


def test_lessons_of_the_first_form_are_not_asked(built):
    built.cells[4].outputs = [new_output("stream", name="stdout", text="a rising line\n")]
    (complaint,) = CHECKS["answers_are_folded"](built)
    assert complaint in lesson_problems(built)
    built.metadata.cifviz.form = 1
    assert complaint not in lesson_problems(built)
