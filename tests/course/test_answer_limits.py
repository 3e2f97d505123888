"""An answer that never ends costs its own point alone."""

import signal
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_notebook

from cifviz.course.answer_limits import (
    LimitedCells,
    OutOfTime,
    limit_cells,
    require_right,
    time_limit,
)
from cifviz.errors import CIFError

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGALRM"), reason="time is limited where SIGALRM is"
)


@pytest.fixture
def nothing_is_left():
    """A test leaves no timer and no handler of its own."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


def limits(test):
    """A test of limits, which has none by pytest, as it is the same alarm."""
    return pytest.mark.usefixtures("nothing_is_left")(pytest.mark.timeout(0)(test))


@limits
def test_a_block_that_takes_too_long_is_ended():
    with pytest.raises(OutOfTime, match="is over"), time_limit(0.05):
        while True:
            pass


@limits
def test_an_answer_that_goes_on_after_exceptions_is_ended():
    with pytest.raises(OutOfTime, match="is over"), time_limit(0.05):
        while True:
            try:
                time.sleep(60)
            except Exception:
                continue


@limits
def test_an_outer_limit_holds_after_an_inner_one():
    with pytest.raises(OutOfTime, match="is over"), time_limit(0.3):
        with time_limit(60):
            pass
        time.sleep(60)


@limits
def test_right_answers_pass_and_others_say_why():
    require_right("02.4", 100)
    with pytest.raises(AssertionError, match=r"02\.4 ✗ Not yet\. ."):
        require_right("02.4", 10)
    with pytest.raises(AssertionError, match=r"02\.4 ○ Not answered yet"):
        require_right("02.4", ...)
    with pytest.raises(CIFError, match=r"exercise must be one of .*02\.99"):
        require_right("02.99", 100)


@limits
def test_a_function_that_hangs_is_late():
    def hangs(alpha, tokens):
        while True:
            pass

    with pytest.raises(AssertionError, match=r"02\.5: no answer in 0\.05 s"):
        require_right("02.5", hangs, seconds=0.05)


@limits
def test_a_cell_that_hangs_is_ended_and_the_next_one_runs(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    before = signal.getsignal(signal.SIGALRM)
    limit_cells(0.2)
    try:
        with capture_output():
            hangs = shell.run_cell("while True:\n    pass")
            runs = shell.run_cell("found = 1")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert isinstance(hangs.error_in_exec, OutOfTime)
    assert runs.success and shell.user_ns["found"] == 1


def test_the_plugin_limits_all_cells_of_a_submission():
    submission = new_notebook(cells=[new_code_cell("x = 1")])
    cells = LimitedCells("path", {}, {}).before_execution(submission).cells
    assert cells[0].source == ("from cifviz.course.answer_limits import limit_cells\nlimit_cells()")
    assert [cell.source for cell in cells[1:]] == ["x = 1"]
