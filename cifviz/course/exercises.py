"""Exercises with automatic feedback: offline, with a hint for each usual mistake."""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cifviz.errors import CIFError, require_choice
from cifviz.notebooks.cell_output import emit

EXERCISE = "application/vnd.cifviz.exercise+json"
"""Type of the output that says how an exercise stands."""

MARKS = {"right": "✓ Right.", "wrong": "✗ Not yet.", "open": "○ Not answered yet."}

State = Literal["right", "wrong", "open"]


@dataclass(frozen=True)
class Verdict:
    """What `judge` has to say about an answer."""

    exercise: str
    state: State
    message: str
    """Why it is right, or a hint; empty where nothing was answered."""

    def __str__(self) -> str:
        """One line, or a few."""
        return f"{self.exercise} {MARKS[self.state]} {self.message}".rstrip()


@dataclass(frozen=True)
class Exercise(ABC):
    """A question of a lesson. Its number is the lesson's, a dot, and a count from 1: "01.2"."""

    number: str
    praise: str
    """Feedback on a right answer: what it shows."""

    def judge(self, answer: Any) -> Verdict:
        """Judge an answer; whatever it is, there is a verdict and never an exception."""
        if answer is None or answer is ...:
            return Verdict(self.number, "open", "")
        state, message = self._judge(answer)
        return Verdict(self.number, state, message)

    @abstractmethod
    def _judge(self, answer: Any) -> tuple[State, str]: ...


@dataclass(frozen=True)
class Numbers(Exercise):
    """Asks for a number, or for a list of them."""

    answer: float | Sequence[float]
    mistakes: Sequence[tuple[float | Sequence[float], str]]
    """Usual wrong answers, each with its hint."""
    otherwise: str
    """The hint for any other."""
    tolerance: float = 0.006
    """Two decimals are enough."""

    def _judge(self, answer: Any) -> tuple[State, str]:
        right = _read_numbers(self.answer)
        if isinstance(answer, list | tuple) and any(part is ... for part in answer):
            return "open", ""
        try:
            given = _read_numbers(answer)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            return "wrong", f"Expected {_kind(right)}, got {answer!r}."
        for wrong, hint in self.mistakes:
            if self._same(given, _read_numbers(wrong)):
                return "wrong", hint
        if given.shape != right.shape:
            return "wrong", f"Expected {_kind(right)}, got {_kind(given)}."
        if self._same(given, right):
            return "right", self.praise
        return "wrong", self.otherwise

    def _same(self, one: _Numbers, other: _Numbers) -> bool:
        return one.shape == other.shape and all(
            math.isclose(given, wanted, rel_tol=0, abs_tol=self.tolerance)
            for given, wanted in zip(one.values, other.values, strict=True)
        )


@dataclass(frozen=True)
class Program(Exercise):
    """Asks for a function, and tries it out.

    It is right if it gives what `solution` gives in every case. A usual mistake is written down as
    the function that makes it.
    """

    solution: Callable[..., Any]
    cases: Sequence[tuple[Any, ...]]
    """Arguments to try, the plainest first."""
    mistakes: Sequence[tuple[Callable[..., Any], str]]
    tolerance: float = 1e-6

    def _judge(self, answer: Any) -> tuple[State, str]:
        if not callable(answer):
            return "wrong", f"Expected a function, got {answer!r}."
        given = []
        for case in self.cases:
            try:
                given.append(answer(*_copy(case)))
            except Exception as error:
                return "wrong", f"{_call(answer, case)} raises {type(error).__name__}: {error}."
        if all(one is None or one is ... for one in given):
            return "open", ""
        right = [self.solution(*_copy(case)) for case in self.cases]
        if self._all_same(given, right):
            return "right", self.praise
        for wrong, hint in self.mistakes:
            if self._all_same(given, [wrong(*_copy(case)) for case in self.cases]):
                return "wrong", hint
        for case, one, other in zip(self.cases, given, right, strict=True):
            if not self._all_same([one], [other]):
                expected, got = _shown(other), _shown(one)
                return "wrong", f"{_call(answer, case)} should give {expected}, it gives {got}."
        raise CIFError(f"exercise {self.number} contradicts itself")

    def _all_same(self, ones: Sequence[Any], others: Sequence[Any]) -> bool:
        return all(
            _close(one, other, self.tolerance) for one, other in zip(ones, others, strict=True)
        )


def judge(number: str, answer: Any) -> Verdict:
    """Judge the answer to an exercise, without showing anything.

    Parameters
    ----------
    number : str
        The exercise, such as "01.2".
    answer : object
        ``...`` or None is no answer yet.

    Raises
    ------
    CIFError
        If there is no such exercise; a wrong answer raises nothing.

    Examples
    --------
    >>> judge("01.1", ...).state, judge("01.1", 3).state
    ('open', 'right')
    """
    known = exercises(number.partition(".")[0])
    require_choice("exercise", number, known)
    return known[number].judge(answer)


def check(number: str, answer: Any) -> None:
    """Say whether the answer to an exercise is right, and if not, what may have gone wrong.

    Parameters
    ----------
    number : str
        The exercise, such as "01.2".
    answer : object
        A number, a list or a function, as the exercise asks for; ``...`` is no answer yet.

    Raises
    ------
    CIFError
        If there is no such exercise.

    Examples
    --------
    >>> check("01.1", ...)
    01.1 ○ Not answered yet.
    """
    verdict = judge(number, answer)
    emit(
        {
            "text/plain": str(verdict),
            EXERCISE: {"exercise": verdict.exercise, "state": verdict.state},
        }
    )


def exercises(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson, by number.

    >>> list(exercises("01"))[:2]
    ['01.1', '01.2']
    """
    name = f"cifviz.course.lessons.lesson_{lesson}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise CIFError(f"there is no lesson {lesson!r} with exercises") from error
    return {exercise.number: exercise for exercise in module.EXERCISES}


def read_verdicts(notebook: Any) -> dict[str, State]:
    """How the exercises of an executed notebook stand, by number; the last check counts."""
    found: dict[str, State] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            match output.get("data", {}).get(EXERCISE):
                case {"exercise": str(number), "state": "right" | "wrong" | "open" as state}:
                    found[number] = state
    return found


@dataclass(frozen=True)
class _Numbers:
    """A number, or nested lists of numbers, row by row."""

    shape: tuple[int, ...]
    values: list[float]


def _read_numbers(answer: Any) -> _Numbers:
    """The numbers of an answer: of a list, an array or a tensor; all rows are of one length.

    Without NumPy, which a browser does not have; see `cifviz.course.site.browser_lesson`.
    """
    plain = answer.tolist() if hasattr(answer, "tolist") else answer
    if isinstance(plain, str | bytes) or not isinstance(plain, Sequence):
        return _Numbers((), [float(plain)])
    parts = [_read_numbers(part) for part in plain]
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise ValueError("rows of several lengths")
    inner = shapes.pop() if shapes else ()
    return _Numbers((len(parts), *inner), [value for part in parts for value in part.values])


def _kind(numbers: _Numbers) -> str:
    if not numbers.shape:
        return "one number"
    if len(numbers.shape) == 1:
        return f"a list of {len(numbers.values)} numbers"
    return f"numbers of shape {numbers.shape}"


def _close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two nested lists of numbers are the same, in shape too."""
    if isinstance(other, list | tuple):
        try:
            parts = list(one)
        except TypeError:
            return False
        return len(parts) == len(other) and all(
            _close(part, wanted, tolerance) for part, wanted in zip(parts, other, strict=True)
        )
    try:
        return abs(float(one) - float(other)) <= tolerance
    except (TypeError, ValueError, RuntimeError):
        return False


def _copy(case: tuple[Any, ...]) -> tuple[Any, ...]:
    """Fresh lists, so that an answer that changes them spoils nothing."""
    return tuple(list(part) if isinstance(part, list) else part for part in case)


def _call(function: Any, case: tuple[Any, ...]) -> str:
    name = getattr(function, "__name__", "your function")
    return f"{name}({', '.join(_shown(part) for part in case)})"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(part) for part in value) + "]"
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError, RuntimeError):
        return repr(value)
