"""`make test-machines` gives each run the environment that its name promises."""

import os
import sys

import pytest

import tasks
from tests import machines


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """What was run instead of the tests: the environment of each call."""
    seen = []

    def call(command, *, cwd, env, stdout, stderr):
        seen.append(env)
        stdout.write("1 passed\n")
        return 0

    monkeypatch.setattr(machines, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(machines.subprocess, "call", call)
    for name in machines.COMPUTING:
        monkeypatch.delenv(name, raising=False)
    return seen


def test_the_settings_are_those_that_the_guide_promises():
    values = {tuple(change.items()) for change in machines.VARIABLES.values()}
    assert values == {
        (),
        (("MKL_CBWR", "COMPATIBLE"),),
        (("MKL_CBWR", "AVX2"),),
        (("ATEN_CPU_CAPABILITY", "default"),),
        (("ATEN_CPU_CAPABILITY", "avx2"),),
        (("OMP_NUM_THREADS", "2"),),
    }
    assert list(machines.PLACES) == ["busy", "folder", "home"]


@pytest.mark.parametrize("name", machines.VARIABLES)
def test_a_variable_is_set_and_the_others_are_not(runs, name, monkeypatch):
    monkeypatch.setenv("MKL_CBWR", "AVX512")  # the reader's own does not leak in
    assert machines.main([name]) == 0
    expected = {"OMP_NUM_THREADS": "1"} | machines.VARIABLES[name]
    for environ in runs:
        assert {key: environ[key] for key in machines.COMPUTING if key in environ} == expected
    assert len(runs) == len(tasks.stages("python", tasks.TESTS))


def test_another_temporary_folder_is_there_while_it_runs(runs):
    with machines.folder() as changes:
        assert os.path.isdir(changes["TMPDIR"]) and " " in changes["TMPDIR"]
    assert not os.path.exists(changes["TMPDIR"])


def test_nothing_can_be_written_in_the_home():
    with machines.home() as changes, pytest.raises(OSError, match="Not a directory"):
        os.makedirs(changes["HOME"])


def test_every_core_is_busy_while_it_runs_and_not_after(monkeypatch):
    started = []

    class Process:
        def __init__(self, command):
            assert command[0] == sys.executable
            started.append(self)
            self.running = True

        def kill(self):
            self.running = False

        def wait(self):
            assert not self.running

    monkeypatch.setattr(machines.subprocess, "Popen", Process)
    with machines.busy():
        assert len(started) == os.cpu_count()
        assert all(process.running for process in started)
    assert not any(process.running for process in started)


def test_what_a_run_printed_is_kept_and_its_last_line_shown(runs, capsys):
    assert machines.main(["plain"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["plain"]
    assert all(line.endswith("1 passed") for line in printed)
    assert len(list(machines.KEPT.iterdir())) == 1


def test_one_red_run_makes_the_whole_red(runs, monkeypatch):
    monkeypatch.setattr(machines.subprocess, "call", lambda *_, **__: 1)
    assert machines.main(["plain", "mkl-avx2"]) == 1


def test_an_unknown_name_lists_the_known(runs, capsys):
    assert machines.main(["cray"]) == 2
    assert "expected some of plain, mkl-compatible" in capsys.readouterr().out
    assert runs == []
