"""The recorded outputs are what the packages put out today."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "golden" / "make_goldens.py"
PACKAGES = ("torch_cif", "funasr")


@pytest.fixture(scope="module")
def compared():
    """Exit code and lines of the script, without the checkouts of those that are no packages."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", SCRIPT], capture_output=True, text=True, check=False
    )
    return done.returncode, [line for line in done.stdout.splitlines() if ".npz: " in line]


def test_nothing_differs(compared):
    code, lines = compared
    assert code == 0, lines


def test_what_the_packages_made_is_compared(compared):
    _, lines = compared
    for line in lines:
        assert line.startswith(PACKAGES) == ("differs by" in line), line
        assert line.startswith(PACKAGES) != ("not compared, no package has it" in line), line
    assert sum("differs by" in line for line in lines) == 12
