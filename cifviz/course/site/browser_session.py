"""Runs the cells of a lesson in a Python that has the standard library alone, as a browser has it.

This file imports nothing but that. The browser lesson brings it along; the command that makes the
lesson runs it too, to see which cells work there (`cifviz.course.site.browser_lesson`).
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
import traceback

MOST_SHOWN = 20_000
"""Characters that a cell may print; what it prints beyond is counted alone."""
CELL = "your cell"
"""What a traceback calls the code of a cell."""


class Session:
    r"""Names that cells share, and a way to run one after another.

    Parameters
    ----------
    imports : str
        Code that holds imports alone. What cannot be imported here is left out.

    Examples
    --------
    >>> session = Session("import math, torch_of_a_browser as torch")
    >>> session.missing
    ['torch']
    >>> session.run("x = math.floor(2.5)\nx + 1")
    (True, '3\n')
    >>> ok, text = session.run("torch.tensor(x)")
    >>> print(text.strip())
    Line 1: torch.tensor(x)
    NameError: name 'torch' is not defined
    A browser has no torch: this line works in the notebook alone.
    """

    def __init__(self, imports: str = ""):
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.missing: list[str] = []
        """Names that the imports would have given."""
        for statement in ast.parse(imports).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for alias in statement.names:
                    self._import(statement, alias)

    def _import(self, statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> None:
        if isinstance(statement, ast.Import):
            one: ast.stmt = ast.Import([alias])
        else:
            one = ast.ImportFrom(statement.module, [alias], statement.level)
        tree = ast.fix_missing_locations(ast.Module([one], []))
        try:
            exec(compile(tree, "imports", "exec"), self.names)
        except ImportError:
            self.missing.append(alias.asname or alias.name.partition(".")[0])

    def run(self, source: str) -> tuple[bool, str]:
        """Run a cell; an expression in its last line is shown, as in a notebook.

        Parameters
        ----------
        source : str
            Any text.

        Returns
        -------
        bool
            Whether it ran to its end.
        str
            What it printed, and the error if there was one. Nothing is raised.
        """
        out = _Output()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                self._execute(source)
                return True, out.text()
            except BaseException as error:  # sys.exit() is one that a cell may raise, too
                return False, out.text() + self._explain(error, source)

    def _execute(self, source: str) -> None:
        tree = ast.parse(source, CELL)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, CELL, "exec"), self.names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), CELL, "eval"), self.names)
            if value is not None:
                print(repr(value))

    def _explain(self, error: BaseException, source: str) -> str:
        """The last line of the cell that took part, the error, and what a browser lacks."""
        lines = source.splitlines()
        where = ""
        numbers = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == CELL and frame.lineno is not None
        ]
        if isinstance(error, SyntaxError) and error.lineno is not None:
            numbers = [error.lineno]
        if numbers and 0 < numbers[-1] <= len(lines):
            where = f"Line {numbers[-1]}: {lines[numbers[-1] - 1].strip()}\n"
        name = getattr(error, "name", None)
        lacks = name if isinstance(error, NameError) and name in self.missing else None
        if isinstance(error, AttributeError) and isinstance(error.obj, type(sys)):
            lacks = f"{error.obj.__name__}.{name}"
        if isinstance(error, ImportError):
            lacks = name
        # An error of the cell's own may fail to be put in words, so that traceback does it.
        said = traceback.format_exception_only(error)
        reason = next(line for line in said if not line.startswith(" ")).rstrip()
        note = (
            f"A browser has no {lacks}: this line works in the notebook alone.\n" if lacks else ""
        )
        return f"{where}{reason}\n{note}"


class _Output(io.TextIOBase):
    """Keeps the first `MOST_SHOWN` characters and counts the others."""

    def __init__(self) -> None:
        self._kept, self._left_out = io.StringIO(), 0

    def write(self, text: str) -> int:
        room = MOST_SHOWN - self._kept.tell()
        self._kept.write(text[: max(0, room)])
        self._left_out += max(0, len(text) - max(0, room))
        return len(text)

    def text(self) -> str:
        more = f"\n… and {self._left_out} more characters\n" if self._left_out else ""
        return self._kept.getvalue() + more


def main() -> None:
    """Run the cells that come in JSON, and print in JSON how each went."""
    given = json.load(sys.stdin)
    session = Session(given["imports"])
    json.dump([session.run(cell) for cell in given["cells"]], sys.stdout)


if __name__ == "__main__":
    main()
