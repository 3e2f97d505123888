"""A run that takes too long is stopped, with all that it started."""

import math
import subprocess
import sys
import time

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cifviz.errors import CIFError
from cifviz.notebooks.execution import RunError, execute
from cifviz.notebooks.run_limits import Limits, cpu_seconds, end_processes

SPAWN = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize(
    ("source", "limits", "complaint"),
    [
        pytest.param(
            "while True: pass",
            Limits(cpu=4),
            "the run takes more than 4 s of CPU time",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "import time\nfor _ in range(600): time.sleep(1)",
            Limits(clock=8),
            "the run takes longer than 8 s",
            marks=pytest.mark.long,
        ),
        ("import time\ntime.sleep(600)", Limits(cell=1), "it takes longer than 1 s"),
    ],
)
@pytest.mark.slow
def test_a_run_beyond_a_limit_is_stopped(source, limits, complaint):
    with pytest.raises(RunError, match=f"was cut off: {complaint}"):
        execute(new_notebook(cells=[new_code_cell(source)]), limits=limits)


def test_what_a_process_started_ends_with_it():
    process = subprocess.Popen([sys.executable, "-c", SPAWN], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(process.stdout.readline()))
    assert cpu_seconds(process.pid) >= 0
    end_processes(process.pid)
    process.wait()
    process.stdout.close()
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    end_processes(process.pid)  # it is gone already


@pytest.mark.parametrize("seconds", [0, -1, math.nan, "1"])
@pytest.mark.parametrize("name", ["cell", "clock", "cpu"])
def test_a_limit_is_a_number_above_0(name, seconds):
    with pytest.raises(CIFError, match=f"{name} seconds must be a number above 0"):
        Limits(**{name: seconds})


def test_without_a_limit_none_is_exceeded():
    assert Limits(cell=math.inf).exceeded(cell=1e9, clock=0, cpu=0) == ""
    limits = Limits(cell=None)
    assert limits.exceeded(cell=1e9, clock=1e9, cpu=1e9) == ""
