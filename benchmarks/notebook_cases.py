"""Notebooks with a planted fault, and notebooks in which nothing but chance has changed.

Each imports a small library of its own, `lib`, that lies beside it. The notebook is executed with
the library as it is `before`; then the library becomes as it is `after`, a file is removed, or the
cells turn out to have been run in another order.
"""

from __future__ import annotations

from dataclasses import dataclass

DATA = "a,3\nb,1\nc,2\n"
"""The file ``data.csv`` beside each notebook."""


@dataclass(frozen=True)
class Case:
    """A notebook, and what changes after it was executed."""

    name: str
    cells: tuple[str, ...]
    before: str = ""
    after: str | None = None
    """None: as before."""
    file_gone: bool = False
    order: tuple[int, ...] = ()
    """In which the cells were executed; none: from top to bottom."""
    tags: tuple[str, ...] = ()
    """Of the last cell."""


def _value(name: str, shown: str, before: str, after: str) -> Case:
    """A notebook that shows what an expression of the library is."""
    return Case(name, (shown,), f"x = {before}\n", f"x = {after}\n")


TABLE = """
class Table:
    rows = {rows}
    def __repr__(self):
        return "a table"
    def _repr_html_(self):
        cells = ("<tr><td>%s</td><td>%s</td></tr>" % row for row in self.rows)
        return "<table>" + "".join(cells) + "</table>"
x = Table()
"""
PICTURE = """
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")
import matplotlib.pyplot as plt
import numpy as np
def draw():
    t = np.linspace(0, 6, 200)
    figure, ax = plt.subplots()
    for curve in {curves}:
        ax.plot(t, curve)
    {more}
    plt.show()
"""


def _picture(name: str, before: str, after: str, more: str = "pass") -> Case:
    return Case(
        name,
        ("lib.draw()",),
        PICTURE.format(curves=before, more="pass"),
        PICTURE.format(curves=after, more=more),
    )


def _call(name: str, before: str, after: str, *, cell: str = "lib.f()", tags: str = "") -> Case:
    """A notebook that calls a function of the library, given the bodies of it."""
    first, second = (
        f"import os, time, warnings\ndef f():\n    {body}\n" for body in (before, after)
    )
    return Case(name, (cell,), first, second, tags=tuple(tags.split()))


ROWS = [("a", 0.31), ("b", 0.25), ("c", 0.44)]

FAULTS = (
    _value("a number drifts by 1 %", "print('mean', lib.x)", "0.3127", "0.3158"),
    _value("a count is one off", "print(f'{lib.x} of 40 words')", "37", "36"),
    _value("NaN where a number was", "lib.x", "[0.1, 0.2]", "[0.1, float('nan')]"),
    _value("a sign is lost", "lib.x", "[-0.5, 2.0]", "[0.5, 2.0]"),
    _value("another result in words", "print(lib.x)", "'converged'", "'diverged'"),
    Case(
        "a number of a table drifts",
        ("lib.x",),
        TABLE.format(rows=ROWS),
        TABLE.format(rows=[*ROWS[:2], ("c", 0.47)]),
    ),
    Case(
        "the rows of a table change places",
        ("lib.x",),
        TABLE.format(rows=ROWS),
        TABLE.format(rows=ROWS[::-1]),
    ),
    _picture("a picture is swapped", "[np.sin(t)]", "[np.cos(t)]"),
    _picture("a curve is missing in a picture", "[np.sin(t), np.cos(t)]", "[np.sin(t)]"),
    _call("an error is swallowed", "print('5 clips read')", "print('skipped: no such file')"),
    _call("an output vanishes", "print('done')", "pass"),
    _call("a new warning", "print(3)", "warnings.warn('overflow'); print(3)"),
    _call("a warning becomes an error", "warnings.warn('old')", "raise FutureWarning('old')"),
    Case("the library renames a function", ("lib.f()",), "def f(): pass\n", "def g(): pass\n"),
    Case("a file is missing", ("print(open('data.csv').read())",), file_gone=True),
    Case("cells were run out of order", ("k = 1", "print(k)", "k = 2"), order=(0, 2, 1)),
    _call("a cell hangs", "pass", "time.sleep(3600)"),
    _call("a cell computes without end", "pass", "while True: pass"),
    _call("the kernel dies", "pass", "os._exit(1)"),
    _call(
        "another error than the expected one",
        "raise KeyError('a')",
        "raise ZeroDivisionError('b')",
        tags="raises-exception",
    ),
)
"""Twenty faults."""

HARMLESS = (
    _value("the last digits of a number", "print(lib.x)", "0.31270000000001", "0.31270000000002"),
    _value("the last digits of an array", "lib.x", "[0.1, 0.2]", "[0.1, 0.2 + 1e-16 * 3]"),
    Case("an address in memory", ("object()",)),
    _call("the time that a run took", "print('took 3.1 s')", "print('took 2.9 s')"),
    Case("the times of %%time", ("%%time\nsum(range(10))",)),
    _call("folders of another machine", "print('/a/b/x.csv')", "print('/c/x.csv')"),
    _picture(
        "lines without anti-aliasing, as another version draws",
        "[np.sin(t)]",
        "[np.sin(t)]",
        "ax.lines[0].set_antialiased(False)",
    ),
    Case("a warning that names the process", ("import warnings; warnings.warn('odd')",)),
    _call(
        "pieces of a stream",
        "print('a'); print('b')",
        "print('a', flush=True); time.sleep(.5); print('b')",
    ),
    Case("random, and tagged so", ("import os; os.urandom(4)",), tags=("nbval-ignore-output",)),
    Case(
        "not for this machine, and tagged so",
        ("raise SystemError('no GPU')",),
        tags=("skip-execution",),
    ),
)
"""Changes that are no fault: a check that complains of them cries wolf."""
