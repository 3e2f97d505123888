"""The cases of lesson 16: each has its fault, and the exercises ask for it."""

import pytest

from cifviz.course import planted_cases as cases_of_lesson
from cifviz.course.exercises import exercises
from cifviz.course.figures import canvas
from cifviz.course.planted_cases import contributions_to_unknown, draw_case, planted_cases
from cifviz.diagnosis import CHECKS, examine
from cifviz.errors import CIFError


@pytest.fixture(scope="module")
def cases():
    return planted_cases()


def test_the_exercises_ask_for_the_faults_that_were_planted():
    numbers = {name: number for number, name in enumerate(CHECKS, 1)}
    faults = [numbers[fault] for fault, _ in cases_of_lesson._FAULT_OF.values()]
    asked = exercises("16")
    assert (*asked["16.3"].answer, *asked["16.4"].answer) == tuple(faults)
    assert len(set(faults)) == len(faults)


def test_each_fault_is_found_as_a_fault(cases):
    for name, (fault, _) in cases_of_lesson._FAULT_OF.items():
        found = {one.check: one.severity for one in examine(cases[name].utterances).findings}
        assert found.get(fault) == "fault", name


def test_words_of_a_case_give_the_counts_and_the_times(cases):
    assert cases["D"].in_words.startswith("Σα = 7.7 · fires: 7 · words: 8; weights up to 0.26;")
    assert "fires: not recorded" in cases["C"].in_words
    assert "fires at" not in cases["A"].in_words  # 28 of them


def test_a_lane_shows_weights_alone_only_where_they_differ(cases):
    for name, case in cases.items():
        _, (ax,) = canvas()
        draw_case(case, ax)
        assert len(ax.patches) == (2 if name == "E" else 1), name  # steps, and dashed ones
        assert [text.get_text() for text in ax.texts] == [word.token for word in case.words]


def test_the_unknown_cifs_are_told_apart_by_two_utterances():
    """By hand: X completes the residual, Y gives 1.5 of two frames to one token."""
    assert contributions_to_unknown("X", [0.5, 0.75, 0.75]) == [
        [0.5, 0.5, 0.0],
        [0.0, 0.25, 0.75],
    ]
    assert contributions_to_unknown("Y", [0.5, 1.75, 0.5, 0.25])[0] == [0.5, 1.5, 0.0, 0.0]
    with pytest.raises(CIFError, match="unknown CIF"):
        contributions_to_unknown("Z", [0.5])
