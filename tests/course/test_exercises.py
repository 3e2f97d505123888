"""Exercises say what is right, and which mistake it is."""

import pkgutil
import re

import numpy as np
import pytest
import torch

from cifviz.core.reference import integrate_and_fire
from cifviz.course import lessons
from cifviz.course.exercises import Numbers, Program, check, exercises, judge
from cifviz.course.lessons import lesson_01
from cifviz.errors import CIFError

LESSONS = sorted(
    module.name.removeprefix("lesson_")
    for module in pkgutil.iter_modules(lessons.__path__)
    if module.name.startswith("lesson_")
)
ALL = [exercise for lesson in LESSONS for exercise in exercises(lesson).values()]
NAMES = [exercise.number for exercise in ALL]


def wrong_answers(exercise):
    return [wrong for wrong, _ in exercise.mistakes]


def right_answer(exercise):
    return exercise.answer if isinstance(exercise, Numbers) else exercise.solution


@pytest.mark.parametrize("lesson", LESSONS)
def test_numbers_count_from_one(lesson):
    found = list(exercises(lesson))
    assert found == [f"{lesson}.{count}" for count in range(1, len(found) + 1)]
    assert len(found) >= 3


@pytest.mark.parametrize("lesson", LESSONS)
def test_there_is_something_to_compute_and_some_code_to_change(lesson):
    assert {type(exercise) for exercise in exercises(lesson).values()} >= {Numbers, Program}


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
@pytest.mark.parametrize("answer", [..., None], ids=["stub", "None"])
def test_a_stub_is_not_answered_yet(exercise, answer):
    verdict = judge(exercise.number, answer)
    assert verdict.state == "open"
    assert str(verdict) == f"{exercise.number} ○ Not answered yet."


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
def test_a_stub_with_something_around_it_is_not_answered_yet(exercise):
    """A function without a body; a list with a gap."""
    if isinstance(exercise, Program):
        for nothing in (None, ...):
            assert judge(exercise.number, lambda *_, nothing=nothing, **__: nothing).state == "open"
    elif np.ndim(exercise.answer):
        gaps = [..., *exercise.answer[1:]]
        assert judge(exercise.number, gaps).state == "open"


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
def test_the_right_answer_is_praised(exercise):
    verdict = judge(exercise.number, right_answer(exercise))
    assert verdict.state == "right"
    assert verdict.message == exercise.praise


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
def test_usual_mistakes_get_their_own_hints(exercise):
    verdicts = [judge(exercise.number, wrong) for wrong in wrong_answers(exercise)]
    assert {verdict.state for verdict in verdicts} == {"wrong"}
    hints = [verdict.message for verdict in verdicts]
    assert hints == [hint for _, hint in exercise.mistakes]
    assert len(set(hints)) == len(hints) >= 3
    assert exercise.praise not in hints
    assert getattr(exercise, "otherwise", "") not in hints


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
def test_no_hint_gives_the_answer_away(exercise):
    if isinstance(exercise, Numbers) and np.ndim(exercise.answer) == 0:
        shown = re.escape(f"{exercise.answer:.4g}")
        for _, hint in exercise.mistakes:
            assert not re.search(rf"(= |is |gives ){shown}(\D|$)(?!\d)", hint), hint


@pytest.mark.parametrize("exercise", ALL, ids=NAMES)
@pytest.mark.parametrize("answer", ["four", object(), [[1], [2, 3]], {}, float("nan"), lambda x: x])
def test_nonsense_is_wrong_and_raises_nothing(exercise, answer):
    verdict = judge(exercise.number, answer)
    assert verdict.state == "wrong"
    assert verdict.message


def test_numbers_come_in_many_kinds():
    right = [0.0, 0.0, 0.2, 0.7, 0.1]
    for answer in (right, tuple(right), np.array(right), torch.tensor(right)):
        assert judge("01.2", answer).state == "right"
    for answer in (3, 3.0, np.int64(3), np.array(3.0), torch.tensor(3), "3"):
        assert judge("01.1", answer).state == "right"
    assert judge("01.2", np.array([right])).message.endswith("got numbers of shape (1, 5).")
    assert judge("01.1", []).message.endswith("got a list of 0 numbers.")
    for far in (float("inf"), 10**400):
        assert judge("01.1", far).state == "wrong"


def test_a_list_with_gaps_is_not_answered_yet():
    assert judge("01.2", [0.0, ..., ..., ..., ...]).state == "open"


def test_the_wrong_number_of_numbers_is_named():
    assert "a list of 5 numbers, got a list of 2 numbers" in judge("01.2", [0.5, 0.5]).message
    assert "one number, got a list of 2 numbers" in judge("01.1", [1, 2]).message


def test_two_decimals_are_enough():
    assert judge("01.3", 2.33).state == "right"
    assert judge("01.3", 2.3).state == "wrong"


def test_a_program_that_fails_is_told_where():
    def fire(alpha, threshold):
        return alpha[7]

    message = judge("01.4", fire).message
    assert message.startswith("fire([0.2, 0.9, 0.6, 0.6], 1) raises IndexError")


def test_another_mistake_is_shown_by_example():
    message = judge("01.4", lambda alpha, threshold: [[9.0] * len(alpha)]).message
    assert "should give [[0.2, 0.8, 0, 0], [0, 0.1, 0.6, 0.3]]" in message
    assert "it gives [[9, 9, 9, 9]]" in message


def test_a_program_may_return_tensors_and_spoil_its_input():
    def fire(alpha, threshold):
        rows = [torch.tensor(row) for row in integrate_and_fire(list(alpha), threshold)[0]]
        alpha.clear()
        return rows

    assert judge("01.4", fire).state == "right"


def test_the_mistakes_are_those_that_the_loop_can_make():
    """Without a mistake the loop behind them is right, so each hint names the one thing wrong."""
    exercise = exercises("01")["01.4"]
    assert isinstance(exercise, Program)
    assert exercise.judge(lesson_01._loop).state == "right"


def test_check_speaks(capsys):
    check("01.1", 3)
    assert capsys.readouterr().out.startswith("01.1 ✓ Right. 3.5 in all")
    check("01.1", 4)
    assert capsys.readouterr().out.startswith("01.1 ✗ Not yet. The last 0.5")


@pytest.mark.parametrize("number", ["01.9", "99.1", "one"])
def test_an_unknown_exercise_is_refused(number):
    with pytest.raises(CIFError, match="exercise"):
        judge(number, 1)
