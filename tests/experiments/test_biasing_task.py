"""The lists that stand beside an utterance's own phrase."""

import pytest

from experiments.biasing_task import BiasingTask, holds

CODES = [("one",), ("two",), ("three",), ("four",)]
TASK = BiasingTask("tones", list, lambda: CODES, (2,))


@pytest.mark.parametrize(
    ("phrase", "others"),
    [
        (("nine",), [("one",), ("two",)]),
        (("one",), [("two",), ("three",)]),
        (("four",), [("one",), ("two",)]),
    ],
)
def test_distractors_are_the_same_for_all_but_for_the_phrase_itself(phrase, others):
    assert TASK.distractors(phrase, 2) == others


def test_there_are_no_more_distractors_than_others():
    assert TASK.distractors(("one",), 10) == CODES[1:]
    assert TASK.distractors(("one",), 0) == []


def test_a_phrase_stands_in_a_row():
    assert holds(["a", "b", "c"], ("b", "c"))
    assert not holds(["a", "b", "c"], ("a", "c"))
    assert not holds(["a"], ("a", "b"))
