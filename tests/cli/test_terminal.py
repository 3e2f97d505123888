"""What a command prints arrives whole, or it is said that it did not."""

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cifviz.cli import terminal
from cifviz.errors import AudioError, printable

ROOT = Path(__file__).resolve().parents[1]

CLI = "from cifviz.cli import app; app()"


def python(script, *arguments, **options):
    """Run a script with this clone's library."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("environ", {})}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        stderr=subprocess.PIPE,
        env=environ,
        text=True,
        **options,
    )


class Failing(io.StringIO):
    """A stream that fails when it is written to."""

    def __init__(self, error):
        super().__init__()
        self.failure = error

    def write(self, text):
        raise self.failure


@pytest.fixture
def run(monkeypatch):
    """Run something with streams of our own; what is printed, and the exit code."""

    def run(main, out=None):
        out, err = out or io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = terminal.run("prog", main)
        monkeypatch.undo()
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 中文.wav", "naïve 中文.wav"),
        ("a\x1b[31mb\r\nc\t", r"a\x1b[31mb\r\nc\t"),
        ("a\u202egnp.wav\u2066\u200f", r"a\u202egnp.wav\u2066\u200f"),
        ("bad\udcff\ud800", r"bad\udcff\ud800"),
        ("\x00\x7f\x9b\u2028\ufeff", r"\x00\x7f\x9b\u2028\ufeff"),
        (r"a\n", r"a\n"),
    ],
)
def test_a_strangers_text_is_one_line_without_controls(text, shown):
    assert printable(text) == shown
    assert printable(printable(text)) == shown
    assert shown.isprintable() and shown.encode("utf-8")


def test_what_is_printed_holds_no_control_characters(run):
    code, out, _ = run(lambda: print("a\x1b[2J\udcff\tb", "c", sep="\n"))
    assert (code, out) == (0, "a\\x1b[2J\\udcff\tb\nc\n")


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", rb"\u03b1\xe4"), ("latin-1", b"\\u03b1\xe4")]
)
def test_what_an_encoding_lacks_is_escaped(encoding, shown):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    stream = terminal.Stream(out)
    stream.write("αä")
    stream.flush()
    assert (out.buffer.getvalue(), stream.error) == (shown, None)


@pytest.mark.parametrize(
    ("error", "code", "output"),
    [
        (AudioError("a\nb"), 1, "prog: a\\nb\n"),
        (MemoryError(), 1, "prog: this needs more memory than there is\n"),
        (FileNotFoundError(2, "Is not", "a\x1b.wav"), 1, "prog: a\\x1b.wav: Is not\n"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(3), 3, ""),
        (SystemExit(None), 0, ""),
        (SystemExit("no"), 1, "no\n"),
        (ModuleNotFoundError(name="x"), 1, "the package 'x' is needed"),
        (KeyError("bug"), 1, "prog: unexpected KeyError: 'bug'; please report this"),
    ],
)
def test_whatever_happens_ends_in_one_line_and_a_code(run, monkeypatch, error, code, output):
    def main():
        raise error

    monkeypatch.delenv(terminal.DEBUG, raising=False)
    found, out, err = run(main)
    assert (found, out) == (code, "")
    assert err == output if not output or output.endswith("\n") else output in err
    assert err.count("\n") <= 1


def test_the_traceback_is_shown_to_those_who_ask(run, monkeypatch):
    monkeypatch.setenv(terminal.DEBUG, "1")
    _, _, err = run(lambda: {}["bug"])
    assert err.startswith("prog: unexpected KeyError") and "Traceback" in err


def test_a_full_disk_is_told_once_and_the_work_goes_on(run):
    done = []
    full = Failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    code, _, err = run(lambda: [(print(number), done.append(number)) for number in range(3)], full)
    assert (code, done) == (1, [0, 1, 2])
    assert err == "prog: cannot write to standard output: No space left on device\n"


def test_a_reader_that_has_gone_is_no_trouble(run):
    done = []
    gone = Failing(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)))
    code, _, err = run(lambda: (print("a"), done.append(1)), gone)
    assert (code, done, err) == (1, [1], "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_request_to_end_leaves_time_to_tidy_up(run, number, code):
    """Also if it is repeated at once."""
    tidied = []

    def main():
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), number)
            tidied.append(1)

    before = signal.getsignal(number)
    assert run(main) == (code, "", "")
    assert tidied == [1]
    assert signal.getsignal(number) is before


def test_a_request_that_was_swallowed_is_raised_again(run):
    done = []

    def main():
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        done.append("swallowed")
        terminal.end_if_told()
        done.append("unheard")

    assert run(main) == (130, "", "")
    assert done == ["swallowed"]
    assert run(terminal.end_if_told) == (0, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_makes_no_traceback_at_the_end_either():
    with open("/dev/full", "w") as full:
        result = python(CLI, "--help", stdout=full)
    assert result.returncode == 1
    assert result.stderr == "cifviz: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed there")
def test_a_folder_that_is_gone_is_said_to_be(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    result = python("import os; os.rmdir(os.getcwd()); " + CLI, "results", cwd=gone)
    assert result.returncode == 1
    assert result.stderr == "cifviz: the folder that this was started in is gone, choose another\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_closed_output_is_told():
    close = "import os, sys; os.close(1); os.execv(sys.executable, sys.argv[1:])"
    result = python(close, sys.executable, "-c", CLI, "--help")
    assert result.returncode == 1
    assert result.stderr == "cifviz: cannot write to standard output: it is closed\n"


def test_help_is_readable_in_any_encoding():
    result = python(
        CLI, "align", "--help", stdout=subprocess.PIPE, environ={"PYTHONIOENCODING": "ascii"}
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "--overwrite" in result.stdout and result.stdout.isascii()


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["align", "--nope"], "Error: "),
        (["aling"], "Error: "),
        (["align"], "cifviz align: expected sound files"),
    ],
)
def test_a_mistyped_command_is_answered_without_boxes(arguments, answer):
    result = python(CLI, *arguments, stdout=subprocess.PIPE)
    assert (result.returncode, result.stdout) == (2, "")
    assert answer in result.stderr
    assert result.stderr.isascii(), "lines of a box"


HEAVY = "torch numpy scipy librosa numba matplotlib IPython soundfile rich tqdm".split()


@pytest.mark.parametrize(
    "script",
    [
        "import cifviz; dir(cifviz)",
        "import cifviz.cli",
        "from cifviz.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass",
        "from cifviz import CIFError, FrameGrid; FrameGrid(0.01).seconds(3)",
    ],
)
def test_what_needs_no_numbers_loads_none(script):
    result = python(f"{script}\nimport sys\nprint(*sys.modules)", stdout=subprocess.PIPE)
    assert result.returncode == 0, result.stderr
    loaded = {name.split(".")[0] for name in result.stdout.splitlines()[-1].split()}
    assert "cifviz" in loaded
    assert loaded & set(HEAVY) == set()


def test_a_missing_module_is_told_as_the_package_that_holds_it():
    error = ModuleNotFoundError("no", name="nbclient.exceptions")
    assert terminal.explained(error).startswith("the package 'nbclient' is needed: pip install ")
