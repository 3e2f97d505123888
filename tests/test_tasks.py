"""`tasks.py`, which prepares everything else: it installs once, and fails with words."""

import ast
import os
import shutil
import subprocess
import sys
import threading
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import tasks

ROOT = Path(__file__).resolve().parents[1]
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


class FakeRun:
    """Stands in for `subprocess.call`: remembers commands, and does as told."""

    def __init__(self, failing=()):
        self.commands = []
        self.failing = failing

    def __call__(self, command, cwd=None):
        self.commands.append(command)
        if "venv" in command:
            python = tasks.program(Path(command[-1]), "python")
            python.parent.mkdir(parents=True)
            python.touch()
        return int(any(word in command for word in self.failing))

    @property
    def pip(self):
        """What pip was asked, without the words that all its calls begin with."""
        return [command[6:] for command in self.commands if command[1:3] == ["-m", "pip"]]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with what the installation depends on, on a system without the wheels of English."""
    monkeypatch.setattr(tasks, "no_english", lambda: "there is no wheel")
    for name in ("pyproject.toml", "constraints.txt", "constraints-peers.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


# --- Python --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 0), (2, 7, 18)])
def test_an_older_python_is_told_so(version, capsys):
    assert tasks.main(["test"], version=version) == 1
    output = capsys.readouterr().out
    assert f"cifviz needs Python 3.11 or newer, this is {version[0]}.{version[1]}." in output


def test_an_older_python_can_read_the_file():
    ast.parse((ROOT / "tasks.py").read_text(encoding="utf-8"), feature_version=(3, 8))


def test_every_console_can_print_its_messages():
    assert (ROOT / "tasks.py").read_text(encoding="utf-8").isascii()


# --- setup ---------------------------------------------------------------------------------------


def test_setup_makes_an_environment_and_installs_with_the_constraints(clone):
    run = FakeRun()
    python = tasks.setup(clone, {}, run)
    assert python == tasks.program(clone / ".venv", "python")
    assert run.commands[0] == [sys.executable, "-m", "venv", "--clear", str(clone / ".venv")]
    constraints = str(clone / "constraints.txt")
    assert run.pip == [["--constraint", constraints, "--editable", ".[dev]"]]


def test_setup_compiles_what_it_installed_on_every_core(clone):
    """Where pip did not, on one."""
    run = FakeRun(failing=["compileall"])  # as it says if a package holds what is no Python
    python = str(tasks.setup(clone, {}, run))
    *_, pip, compiled = run.commands
    assert pip[:6] == [python, *"-m pip install --disable-pip-version-check --no-compile".split()]
    places = [str(clone / ".venv"), str(clone / "cifviz")]
    assert compiled == [python, *"-m compileall -qq -j 0".split(), *places]


def test_a_second_setup_does_nothing(clone):
    tasks.setup(clone, {}, FakeRun())
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert run.commands == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_installs_again_into_what_stands(clone, name):
    tasks.setup(clone, {}, FakeRun())
    with (clone / name).open("a") as file:
        file.write("# changed\n")
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert len(run.pip) == 1
    assert not any("venv" in command for command in run.commands)


def test_an_environment_of_another_python_is_made_anew(clone):
    tasks.setup(clone, {}, FakeRun())
    (clone / "pyproject.toml").write_text("")
    shutil.rmtree(tasks.program(clone / ".venv", "python").parent)
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert any("venv" in command for command in run.commands)


def test_no_environment_no_installation(clone):
    run = FakeRun(failing=["venv"])
    with pytest.raises(tasks.Stop, match="could not make a virtual environment"):
        tasks.setup(clone, {}, run)
    assert run.pip == []


def test_a_failed_installation_leaves_no_stamp(clone):
    with pytest.raises(tasks.Stop, match="the installation failed"):
        tasks.setup(clone, {}, FakeRun(failing=["--editable"]))
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert len(run.pip) == 1, "after a failure nothing counts as installed"


def test_a_failed_update_takes_the_stamp_away(clone):
    tasks.setup(clone, {}, FakeRun())
    with pytest.raises(tasks.Stop, match="the installation failed"):
        tasks.setup(clone, {"CIFVIZ_TORCH": "2.9.1"}, FakeRun(failing=["torch==2.9.1"]))
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert len(run.pip) == 1


@pytest.mark.slow
def test_the_reader_of_a_failed_download_sees_words_and_a_code(clone):
    """For real: a fresh environment, and a pip that may ask nobody."""
    shutil.copy(ROOT / "tasks.py", clone)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    result = subprocess.run(
        [sys.executable, "tasks.py", "test"], cwd=clone, env=env, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "cifviz: the installation failed" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert "=== tests" not in result.stdout


# --- the extra "english" -------------------------------------------------------------------------


def test_english_is_asked_for_where_its_wheels_fit(clone, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "no_english", lambda: None)
    run = FakeRun()
    tasks.setup(clone, {}, run)
    constraints = str(clone / "constraints.txt")
    assert [words[2:] for words in run.pip] == [
        ["--editable", ".[dev]"],
        ["moonshine-voice", "onnxruntime"],
    ]
    assert all(words[:2] == ["--constraint", constraints] for words in run.pip)
    assert "English" not in capsys.readouterr().out
    again = FakeRun()
    tasks.setup(clone, {}, again)
    assert not again.commands


def test_where_they_do_not_one_sentence_says_so_once(clone, capsys):
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert len(run.pip) == 1
    sentence = (
        "Speech in open English is left out, as there is no wheel; all else works without it."
    )
    assert capsys.readouterr().out.count(sentence) == 1
    tasks.setup(clone, {}, run)
    assert sentence not in capsys.readouterr().out


def test_a_failed_download_of_english_stops_nothing(clone, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "no_english", lambda: None)
    python = tasks.setup(clone, {}, FakeRun(failing=["onnxruntime"]))
    printed = capsys.readouterr().out
    assert "left out, as pip could not install it (try again: " in printed
    assert f"{python} -m pip install --constraint" in printed
    again = FakeRun()
    assert tasks.setup(clone, {}, again) == python
    assert not again.commands


@pytest.mark.parametrize(
    ("system", "machine", "libc", "macos", "reason"),
    [
        ("linux", "x86_64", ("glibc", "2.34"), "", None),
        ("linux", "aarch64", ("glibc", "2.40"), "", None),
        ("linux", "x86_64", ("glibc", "2.31"), "", "glibc 2.34"),
        ("linux", "x86_64", ("", ""), "", "glibc 2.34"),  # musl
        ("linux", "riscv64", ("glibc", "2.40"), "", "no wheel for linux on riscv64"),
        ("darwin", "arm64", ("", ""), "15.1", None),
        ("darwin", "arm64", ("", ""), "26.0", None),
        ("darwin", "arm64", ("", ""), "14.7.1", "macOS 15"),
        ("darwin", "x86_64", ("", ""), "15.1", "no wheel for darwin on x86_64"),
        ("win32", "AMD64", ("", ""), "", None),
        ("win32", "ARM64", ("", ""), "", "no wheel for win32 on ARM64"),
    ],
)
def test_the_systems_with_wheels_are_those_that_were_built(system, machine, libc, macos, reason):
    found = tasks.no_english(system, machine, libc, macos)
    assert found is None if reason is None else reason in found


def test_the_markers_of_english_agree_with_the_systems_that_are_looked_up():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [Requirement(one) for one in extras["project"]["optional-dependencies"]["english"]]
    assert {one.name for one in wanted if one.marker} == set(tasks.ENGLISH)
    assert [one.name for one in wanted if not one.marker] == ["espeakng-loader"], "dev has it"
    for system in ("linux", "darwin", "win32"):
        for machine in ("x86_64", "aarch64", "arm64", "AMD64", "ARM64", "riscv64"):
            fits = tasks.no_english(system, machine, ("glibc", "2.36"), "15.0") is None
            there = {"sys_platform": system, "platform_machine": machine}
            names = {one.name for one in wanted if one.marker and one.marker.evaluate(there)}
            usual = {"linux": "x86_64 aarch64", "darwin": "arm64 x86_64", "win32": "AMD64 ARM64"}
            if machine in usual[system].split():
                assert names == ({"moonshine-voice", "onnxruntime"} if fits else set())


# --- peers ---------------------------------------------------------------------------------------


def test_peers_get_an_environment_of_their_own(clone):
    run = FakeRun()
    python = tasks.setup_peers(clone, {}, run)
    assert python == tasks.program(clone / ".venv-peers", "python")
    within = ["--constraint", str(clone / "constraints.txt")]
    within += ["--constraint", str(clone / "constraints-peers.txt")]
    needed, peers = run.pip
    assert needed[:6] == [*within, "--editable", "."]
    assert peers == [*within, "--no-deps", "funasr", "torch-cif", "simuleval"]
    again = FakeRun()
    assert tasks.setup_peers(clone, {}, again) == python
    assert not again.commands
    tasks.setup(clone, {}, again)
    assert len(again.pip) == 1, "the usual environment is another one"


def test_changed_pins_of_the_peers_concern_them_alone(clone):
    tasks.setup(clone, {}, FakeRun())
    tasks.setup_peers(clone, {}, FakeRun())
    with (clone / "constraints-peers.txt").open("a") as file:
        file.write("# changed\n")
    run = FakeRun()
    tasks.setup(clone, {}, run)
    assert not run.commands
    tasks.setup_peers(clone, {}, run)
    assert len(run.pip) == 2


def test_what_the_peers_need_is_pinned():
    files = [ROOT / name for name in ("constraints.txt", "constraints-peers.txt")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    pinned = [line.split("==")[0] for line in lines if "==" in line and line[0] != "#"]
    assert {*tasks.PEERS, *tasks.PEERS_NEED} <= set(pinned)
    assert len([name for name in pinned if name in tasks.PEERS]) == len(tasks.PEERS)


def test_a_command_of_the_peers_runs_in_their_environment(monkeypatch):
    ran = []
    monkeypatch.setitem(tasks.ENVIRONMENTS, "test-peers", lambda: "peers/python")
    monkeypatch.setattr(tasks.subprocess, "call", lambda command, cwd: ran.append(command) or 0)
    assert tasks.main(["test-peers", "-k", "paraformer"]) == 0
    ((python, *words),) = ran
    assert (python, words[:4]) == ("peers/python", ["-m", "pytest", "-p", "no:nb_regression"])
    assert words[-3:] == ["tests/peers", "-k", "paraformer"]


# --- another PyTorch -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({"CIFVIZ_TORCH": "2.9.1"}, ["torch==2.9.1"]),
        ({"CIFVIZ_TORCH": "torch>=2.9"}, ["torch>=2.9"]),
        ({"CIFVIZ_TORCH": "wheels/torch.whl"}, ["wheels/torch.whl"]),
        (
            {"CIFVIZ_TORCH": "2.9.1", "CIFVIZ_TORCH_INDEX": CPU_WHEELS},
            ["torch==2.9.1", "--index-url", CPU_WHEELS],
        ),
        (
            {"CIFVIZ_TORCH_INDEX": CPU_WHEELS},
            ["torch", "--constraint", "{constraints}", "--index-url", CPU_WHEELS],
        ),
    ],
)
def test_the_chosen_pytorch_comes_first_and_alone(clone, environ, asked):
    run = FakeRun()
    tasks.setup(clone, environ, run)
    constraints = str(clone / "constraints.txt")
    torch, rest = run.pip
    assert torch == [
        "--no-deps",
        "--force-reinstall",
        *(word.format(constraints=constraints) for word in asked),
    ]
    assert rest[-2:] == ["--editable", ".[dev]"]
    assert CPU_WHEELS not in rest, "everything else comes from where it always comes from"


def test_the_constraints_of_the_rest_do_not_contradict_the_chosen_pytorch(clone):
    run = FakeRun()
    tasks.setup(clone, {"CIFVIZ_TORCH": "2.9.1"}, run)
    used = Path(run.pip[1][1]).read_text(encoding="utf-8").splitlines()
    given = (clone / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split("==")[0] for line in set(given) - set(used)} == {
        "torch",
        "sympy",
        "setuptools",
    }
    assert set(used) < set(given)


def test_another_choice_of_pytorch_installs_again(clone):
    tasks.setup(clone, {}, FakeRun())
    for environ in ({"CIFVIZ_TORCH": "2.9.1"}, {"CIFVIZ_TORCH_INDEX": CPU_WHEELS}, {}):
        run = FakeRun()
        tasks.setup(clone, environ, run)
        assert run.pip, environ
        again = FakeRun()
        tasks.setup(clone, environ, again)
        assert not again.commands, environ


# --- commands ------------------------------------------------------------------------------------


def test_programs_are_found_on_windows():
    assert tasks.program(Path("v"), "python", "nt") == Path("v/Scripts/python.exe")
    assert tasks.program(Path("v"), "python", "posix") == Path("v/bin/python")


def test_lab_hands_on_what_follows():
    command = tasks.lab_command(Path("python"), ["--no-browser", "--port", "8899"])
    assert command[:3] == ["python", "-m", "jupyterlab"]
    assert command[-3:] == ["--no-browser", "--port", "8899"]
    assert str(ROOT / "notebooks" / "00_start_here.ipynb") in command


class Pretended:
    """Stands for `subprocess.run`: each program ends with its code and prints its name."""

    def __init__(self, **codes):
        self.codes, self.ran = codes, []

    def __call__(self, command, cwd, stdout=None, stderr=None):
        self.ran.append(command)
        words = None if stdout is None else f"{command[0]} says\n".encode()
        return subprocess.CompletedProcess(command, self.codes.get(command[0], 0), words)


def both(steps, run):
    """How all steps end and are reported, in turn and as checks, which run at the same time."""
    return tasks.run_all(steps, run=run), tasks.run_all([], steps, run)


def test_every_step_runs_and_the_first_failure_is_the_code(capsys):
    codes = {"a": 0, "b": 3, "c": 5, "d": 0}
    assert both([(name, [name]) for name in codes], Pretended(**codes)) == (3, 3)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    reports = [words for words in lines if "s" in words]
    assert [words[0] for words in reports] == [*codes, *codes]
    assert ["FAILED" in words for words in reports] == [False, True, True, False] * 2


def test_a_step_that_cannot_run_is_named_and_the_others_run(capsys):
    run = Pretended()
    steps = [("style", ["ruff"]), ("javascript", "no node"), ("types", ["mypy"])]
    assert both(steps, run) == (0, 0)
    assert sorted(run.ran) == [["mypy"], ["mypy"], ["ruff"], ["ruff"]]
    assert capsys.readouterr().out.count("javascript              not run: no node") == 2


def test_a_check_whose_programs_cannot_be_had_is_no_failure(capsys):
    codes = {"javascript": tasks.CANNOT_RUN, "types": 0, "style": 1}
    assert both([(name, [name]) for name in codes], Pretended(**codes)) == (1, 1)
    report = capsys.readouterr().out.splitlines()[-3:]
    assert [line.endswith("not run: see above") for line in report] == [True, False, False]


def test_checks_run_at_the_same_time_before_the_steps_and_print_apart(capsys, monkeypatch):
    monkeypatch.setattr(tasks.os, "cpu_count", lambda: 2)
    both_run = threading.Barrier(2, timeout=60)
    ran = []

    def run(command, cwd, **options):
        if options:
            both_run.wait()  # one that ran alone would wait in vain
        ran.append(command[0])
        return Pretended()(command, cwd, **options)

    assert tasks.run_all([("tests", ["c"])], [("style", ["a"]), ("types", ["b"])], run) == 0
    assert sorted(ran[:2]) == ["a", "b"] and ran[2:] == ["c"]
    shown = capsys.readouterr().out
    assert "=== style\na says\n\n=== types\nb says\n\n=== tests\n" in shown


def test_javascript_is_checked_where_node_is():
    which = {"node": "/bin/node", "npm": "/bin/npm"}.get
    command = tasks.javascript(which, lambda command: b"v18.18.0\n")
    explorer = str(ROOT / "cifviz" / "explorer")
    assert command == ["/bin/npm", "--prefix", explorer, "run", "--silent", "check"]


@pytest.mark.parametrize(
    ("programs", "version", "reason"),
    [
        ({}, b"", "no node"),
        ({"npm": "/bin/npm"}, b"", "no node"),
        ({"node": "/bin/node"}, b"", "no npm"),
        (
            {"node": "/bin/node", "npm": "/bin/npm"},
            b"v18.9.1\n",
            "node is v18.9.1, eslint needs 18.18",
        ),
    ],
)
def test_without_a_node_that_can_check_it_the_reason_is_named(programs, version, reason):
    assert tasks.javascript(programs.get, lambda command: version) == reason


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ("notebooks", "build"),
        ("site", "site"),
        ("slides", "slides"),
        ("browser-lesson", "browser-lesson"),
        ("release", "release"),
    ],
)
def test_what_is_made_of_notebooks_is_made_by_cifviz(monkeypatch, command, action):
    ran = []
    monkeypatch.setattr(tasks, "setup", lambda: "python")
    monkeypatch.setattr(tasks.subprocess, "call", lambda command, cwd: ran.append(command) or 0)
    assert tasks.main([command, "--out", "there"]) == 0
    assert ran == [
        [str(tasks.program(ROOT / ".venv", "cifviz")), "notebooks", action, "--out", "there"]
    ]


def test_a_recording_is_aligned_in_the_folder_of_the_reader(monkeypatch):
    ran = []
    monkeypatch.setattr(tasks, "setup", lambda: "python")
    monkeypatch.setattr(tasks.subprocess, "call", lambda command: ran.append(command) or 0)
    assert tasks.main(["align", "me.m4a", "--text", "hello"]) == 0
    cifviz = str(tasks.program(ROOT / ".venv", "cifviz"))
    assert ran == [[cifviz, "align", "--model", "english", "me.m4a", "--text", "hello"]]


def commands_of(command, *words):
    """What a command of tasks.py would run, as lists of words."""
    ran = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tasks, "setup", lambda: "python")
        patched.setattr(tasks, "run_all", lambda *steps: ran.extend(chain(*steps[::-1])) or 0)
        patched.setenv("OMP_NUM_THREADS", "1")
        assert tasks.main([command, *words]) == 0
    return ran


def expression(words):
    """What pytest is told of markers."""
    return words[words.index("-m", 3) + 1]


def test_the_tests_run_in_stages_the_long_ones_last():
    checks = ["style", "format", "types", "layers", "javascript"]
    usual, rest, everything = (commands_of(name) for name in ("test", "test-long", "test-all"))
    assert [name for name, _ in usual] == [*checks, "tests"]
    assert [name for name, _ in rest] == ["long tests"]
    assert everything == usual + rest


def test_every_test_is_in_one_stage():
    """Whatever markers it has."""
    stages = [expression(words) for _, words in commands_of("test-all")[-2:]]
    for slow in (True, False):
        for long in (True, False):
            chosen = [eval(stage, {}, {"slow": slow, "long": long}) for stage in stages]
            assert sum(chosen) == 1, (slow, long)


def test_the_ten_slowest_are_printed_and_the_tests_of_a_file_stay_together():
    stages = [words for _, words in commands_of("test-all")[-2:]]
    assert all("--durations=10" in words for words in stages)
    assert [words[words.index("--dist") + 1] for words in stages] == ["loadfile", "load"]


def test_chosen_tests_run_once_whatever_their_stage():
    *_, (name, words) = commands_of("test", "-k", "firing")
    assert (name, words[1:]) == ("tests", ["-m", "pytest", "-k", "firing"])


def test_an_unknown_command_lists_the_known(capsys):
    assert tasks.main(["tests"]) == 2
    assert "setup, align, lab, test" in capsys.readouterr().out


def test_without_a_command_it_says_what_there_is(capsys):
    assert tasks.main([]) == 0
    assert "CIFVIZ_TORCH_INDEX" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("make"), reason="no make on this machine")
@pytest.mark.parametrize("command", sorted(tasks.COMMANDS))
def test_make_hands_on_to_tasks(command):
    result = subprocess.run(
        ["make", "--dry-run", command, "ARGS=-x", "PYTHON=py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        # Under `make test` this is a make within a make, which would announce its folder.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
    )
    assert result.stdout.strip() == f"py tasks.py {command} -x"
