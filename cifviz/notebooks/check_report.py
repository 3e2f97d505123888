"""What was found in notebooks, as JSON and as JUnit XML, which CI services show."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = "cifviz notebooks check"
"""Named in each report: only what names it is replaced by a new one."""

_JSON_BEGINS = f'{{\n "command": "{COMMAND}"'
_XML_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
_XML_BEGINS = f'{_XML_DECLARATION}<testsuites name="{COMMAND}"'
_CELL = re.compile(r"cell (\d+)\b")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Checked:
    """A notebook, and what is wrong with it.

    Examples
    --------
    >>> Checked(Path("a.ipynb"), ("cell 3 shows nothing", "1.2 MB"), seconds=2.5).by_cell()
    {3: ['cell 3 shows nothing'], None: ['1.2 MB']}
    """

    path: Path
    complaints: tuple[str, ...]
    """One sentence each. One that is about a cell begins with its number: "cell 3 …"."""
    seconds: float
    """By the clock."""
    note: str = ""
    """What the owner should know though it is no fault."""

    def by_cell(self) -> dict[int | None, list[str]]:
        """Complaints by the number of the cell; None for those about the notebook."""
        found: dict[int | None, list[str]] = {}
        for complaint in self.complaints:
            found.setdefault(cell_of(complaint), []).append(complaint)
        return found


def cell_of(complaint: str) -> int | None:
    """The cell that a complaint is about; None if it is about the notebook.

    >>> cell_of("cell 12, stdout: expected '3', got '4'"), cell_of("1.2 MB, at most 1 MB")
    (12, None)
    """
    found = _CELL.match(complaint)
    return int(found[1]) if found else None


def json_report(checked: Sequence[Checked]) -> str:
    """An object with "command", "good", whether nothing is wrong, and "notebooks", a list.

    Each has "path", "good", "seconds", "note" and "complaints": the "cell" of each, null if it is
    about the notebook, and its "message".
    """
    notebooks: list[dict[str, Any]] = [
        {
            "path": str(one.path),
            "good": not one.complaints,
            "seconds": round(one.seconds, 3),
            "note": one.note,
            "complaints": [
                {"cell": cell_of(complaint), "message": complaint} for complaint in one.complaints
            ],
        }
        for one in checked
    ]
    good = all(notebook["good"] for notebook in notebooks)
    return json.dumps({"command": COMMAND, "good": good, "notebooks": notebooks}, indent=1) + "\n"


def junit_report(checked: Sequence[Checked]) -> str:
    """JUnit XML: a test suite for each notebook.

    A test case stands for each cell that something is wrong with, and one, "notebook", for the
    rest; it passes if nothing is.
    """
    root = ElementTree.Element("testsuites", name=COMMAND)
    for one in checked:
        cells = {None: [], **one.by_cell()}
        failures = sum(map(bool, cells.values()))
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(str(one.path)),
            tests=str(len(cells)),
            failures=str(failures),
            errors="0",
            skipped=str(int(bool(one.note) and not cells[None])),
            time=f"{one.seconds:.3f}",
        )
        for cell, complaints in cells.items():
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_xml(str(one.path)),
                name="notebook" if cell is None else f"cell {cell}",
                time=f"{one.seconds if cell is None else 0:.3f}",
            )
            if cell is None and one.note and not complaints:
                ElementTree.SubElement(case, "skipped", message=_xml(one.note))
            if complaints:
                message = _xml(complaints[0].partition("\n")[0])
                failure = ElementTree.SubElement(case, "failure", message=message)
                failure.text = _xml("\n".join(complaints))
    ElementTree.indent(root)
    return f"{_XML_DECLARATION}{ElementTree.tostring(root, 'unicode')}\n"


def is_report(path: Path) -> bool:
    """Whether a file is an earlier report, of either kind, which a new one may replace."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(200).startswith((_JSON_BEGINS, _XML_BEGINS))
    except (OSError, UnicodeDecodeError):
        return False


def _xml(text: str) -> str:
    """A text without characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
