"""A time for answers, so that one that never ends costs its own point alone.

Tests of graders call `require_right`; `LimitedCells` is a plugin of Otter-Grader, which has no
limit of its own. Where the system has no SIGALRM, as on Windows, nothing is limited.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from cifviz.course.exercises import judge

SECONDS = 10
"""For which a test waits for an answer."""
CELL_SECONDS = 30
"""For which a cell of a submission may run; that of nbgrader."""


class OutOfTime(BaseException):
    """No `Exception`, so that an answer that goes on after exceptions ends as well."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in the block when it has run for some seconds.

    Inside another limit, the time of this block is not counted for the outer one.

    >>> with time_limit(60):
    ...     print("in time")
    in time
    """
    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _raise)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    raise OutOfTime("the time for this is over")


def require_right(number: str, answer: Any, seconds: float = SECONDS) -> None:
    """Pass if an answer is right and comes in time: the test of a grader.

    Parameters
    ----------
    number : str
        The exercise, such as "01.2".
    answer : object
        As `judge` takes it.
    seconds : float
        For which the answer, if it is a function, may run.

    Raises
    ------
    AssertionError
        If the answer is wrong, open or late, with the hint for it.
    CIFError
        If there is no such exercise.

    Examples
    --------
    >>> require_right("01.1", 3)
    >>> require_right("01.1", ...)
    Traceback (most recent call last):
    AssertionError: 01.1 ○ Not answered yet.
    """
    try:
        with time_limit(seconds):
            verdict = judge(number, answer)
    except OutOfTime:
        raise AssertionError(f"{number}: no answer in {seconds:g} s") from None
    if verdict.state != "right":
        raise AssertionError(str(verdict))


def limit_cells(seconds: float = CELL_SECONDS) -> None:
    """Limit the time of each later cell of the notebook that calls this."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(signal, "SIGALRM"):
        return
    events = shell.events
    signal.signal(signal.SIGALRM, _raise)
    events.register("pre_run_cell", lambda _: signal.setitimer(signal.ITIMER_REAL, seconds))
    events.register("post_run_cell", lambda _: signal.setitimer(signal.ITIMER_REAL, 0))


class LimitedCells:
    """A plugin of Otter-Grader by which no cell of a submission runs longer than `CELL_SECONDS`.

    Its own documentation lists the events of plugins; those without a method are left out.
    """

    def __init__(self, path: str, metadata: dict[str, Any], settings: dict[str, Any]) -> None:
        self.path = path

    def before_execution(self, submission: NotebookNode) -> NotebookNode:
        """The submission with a first cell that limits the others."""
        first = new_code_cell(f"from {__name__} import limit_cells\nlimit_cells()")
        submission.cells.insert(0, first)
        return submission
