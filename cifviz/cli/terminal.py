"""What a command says, and to whom: a terminal, a pipe that nobody reads, a full disk.

Whatever happens to standard output, a command finishes what it does to files. What it prints is
printable in the encoding at hand, and nothing ends in a traceback.
"""

from __future__ import annotations

import errno
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType
from typing import TextIO, cast

from cifviz.errors import CIFError, printable

DEBUG = "CIFVIZ_DEBUG"
"""An environment variable: if it is set, errors show where they come from."""

TIDYING = 2.0
"""Seconds after a request to end in which another one is ignored."""


class Stream:
    r"""A text stream that writes what can be written, and remembers the first error.

    Parameters
    ----------
    stream : TextIO or None
        What is written to; None stands for a closed one.

    Examples
    --------
    >>> import io
    >>> narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    >>> _ = Stream(narrow).write("α\x1b[1m\n")
    >>> narrow.buffer.getvalue() or narrow.flush() or narrow.buffer.getvalue()
    b'\\u03b1\\x1b[1m\n'
    """

    def __init__(self, stream: TextIO | None):
        self._stream = stream
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self.error: OSError | ValueError | None = None
        """Why nothing more is written."""

    def write(self, text: str) -> int:
        """Write a text, escaped where it would not print; line ends and tabs stay."""
        safe = printable(text, keep="\n\r\t")
        safe = safe.encode(self.encoding, "backslashreplace").decode(self.encoding)
        self._try(lambda stream: stream.write(safe))
        return len(text)

    def flush(self) -> None:
        """Write what is kept back."""
        if self._stream is not None:
            self._try(lambda stream: stream.flush())

    def isatty(self) -> bool:
        """Whether a person may be watching."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """The number of the file below; OSError if there is none."""
        if self._stream is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._stream.fileno()

    def let_go(self) -> None:
        """Let what could not be written vanish, or Python would try again when it ends."""
        if self.error is not None and self._stream is not None:
            try:
                number = self._stream.fileno()
            except (OSError, ValueError):  # no file, or a closed one: nothing waits
                return
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)

    def _try(self, act: Callable[[TextIO], object]) -> None:
        if self.error is not None:
            return
        if self._stream is None:
            self.error = OSError(errno.EBADF, "it is closed")
            return
        try:
            act(self._stream)
        except (OSError, ValueError) as error:  # ValueError: it was closed on the way
            self.error = error


def run(program: str, main: Callable[[], object]) -> int:
    """Run a program to its end.

    Parameters
    ----------
    program : str
        Its name, for messages.
    main : callable
        Prints, and may raise anything.

    Returns
    -------
    int
        The exit code: that of a `SystemExit`, 130 after Ctrl-C, 1 after any other exception, of
        which one line is printed, and 1 if standard output took not all that was printed. Of that a
        line is printed, too, but where the reader of a pipe has gone.
    """
    _occupy_standard_numbers()
    out, err = Stream(sys.stdout), Stream(sys.stderr)
    with (
        redirect_stdout(cast(TextIO, out)),
        redirect_stderr(cast(TextIO, err)),
        _tidy_when_told_to_end(),
    ):
        code = _exit_code(program, main)
        out.flush()
        if out.error is not None and not isinstance(out.error, BrokenPipeError):
            reason = getattr(out.error, "strerror", None) or out.error
            err.write(f"{program}: cannot write to standard output: {reason}\n")
        err.flush()
    out.let_go()
    err.let_go()
    return code or int(out.error is not None)


def complain(where: str, error: BaseException, *, keep: str = "") -> None:
    """Print one line about an error; where `DEBUG` is set, its traceback, too."""
    print(f"{where}: {printable(explained(error), keep=keep)}", file=sys.stderr)
    if os.environ.get(DEBUG):
        traceback.print_exception(error, file=sys.stderr)


def explained(error: BaseException) -> str:
    """What an error says to somebody who has not written the program.

    >>> explained(CIFError("no sound")), explained(FileNotFoundError(2, "No such file", "a.wav"))
    ('no sound', 'a.wav: No such file')
    """
    if isinstance(error, CIFError):
        return str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "this needs more memory than there is"
    if isinstance(error, ModuleNotFoundError):
        package = str(error.name).partition(".")[0]
        return f"the package {package!r} is needed: pip install 'cifviz[dev]'"
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    what = f"unexpected {type(error).__name__}: {error}".rstrip(": ")
    return f"{what}; please report this ({DEBUG}=1 shows where it comes from)"


def end_if_told() -> None:
    """Raise again if the program was told to end: what C calls back swallows an exception."""
    if _told:
        raise KeyboardInterrupt if _told[-1] == signal.SIGINT else SystemExit(128 + _told[-1])


_told: list[int] = []
"""Signals that asked for the end."""


def _exit_code(program: str, main: Callable[[], object]) -> int:
    try:
        _require_a_folder()
        main()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(printable(str(error.code)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        complain(program, error)
        return 1
    return 0


def _require_a_folder() -> None:
    """Raise where the folder that a program was started in is gone: MKL would end the process."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise CIFError("the folder that this was started in is gone, choose another") from error


def _occupy_standard_numbers() -> None:
    """Where a standard stream is closed, the next file would take its number.

    A library that prints a warning would then write into a user's file.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


@contextmanager
def _tidy_when_told_to_end() -> Iterator[None]:
    """Turn a request to end into an exception, so that nothing unfinished is left in a folder.

    Such requests come in twos, from people and from programs that ask a process and its group: for
    a moment the second is ignored, or it would stop the tidying up.
    """
    last = -math.inf
    _told.clear()

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= TIDYING:
            _told.append(number)
            end_if_told()

    numbers = (signal.SIGINT, signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread():  # others may not ask for signals
        yield
        return
    before = [signal.signal(number, leave) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
