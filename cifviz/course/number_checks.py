"""Finds numbers in the prose of a lesson that nothing in view accounts for.

A number in a text of a lesson is accounted for if

- code, outputs or given numbers of its section have it, at least as precisely, or a record has it;
- the text computes it: an operator or an equals sign stands beside it;
- its paragraph cites where it comes from: a link, a name with a year, or the code base that has it.

Whole numbers up to `SMALL` are not asked for: they count frames, words and sections. Nor are
numbers that a task gives: in exercises, predictions, *On your own*, and lists such as
(0.2, 0.9, 0.6). Any other number can go wrong without anybody noticing, so the build refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isclose

from nbformat import NotebookNode

from cifviz.notebooks.reader import tags

TASKS = "## On your own"
"""Opens a section of tasks, which give numbers."""
SMALL = 20
"""Whole numbers up to it only count things in the text."""

_NUMBER = re.compile(r"(?<![\w.,#’'/-])[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w]|\.\d)")
_CODE_NUMBER = re.compile(r"(?<![\w.])\d+(?:_\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_CITED = re.compile(
    r"\]\(|https?://|\bet al\.|\(\w+[^()]* (?:19|20)\d\d\)|\b[A-Z]\w+ (?:19|20)\d\d\b|"
    r"\bCIF-(?:PyTorch|HieraDist|ColDec)\b|\b(?:FunASR|WeNet|torch_cif|w2v-cif-bert|Paraformer)\b|"
    r"\b(?:SpacemiT|Sophgo|Kairumo|Ultravox|sherpa-onnx|AISHELL-1|wav2vec|cif_pytorch)\b"
)
_OPERATOR = re.compile(r"\s*(?:[=≈·×/+√<>≥≤±^]|[−-]\s)\s*")
_UNREAD = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|^#+ [^\n]*$|\*\*Exercise [\d.]+|[Ee]xercises? \d\d\.\d|"
    r"\b[Ss]ections? \d+(?:(?:,| and| to|–) \d+)*|\b[Ll]essons? \d\d|\[\d\d [^\]]*\]|"
    r"\*(?:Core path|Optional) · \d+ min\*|\b(?:19|20)\d\d\b|\b\d+ (?:minutes|min)\b|\bv\d\b|"
    r"#\d+|\bwav2vec 2\.0\b|\((?:[−-]?[\d.]+[,;]\s+)+[−-]?[\d.]+\)",
    re.DOTALL | re.MULTILINE,
)
_ASKED = re.compile(r"\*\*(?:Exercise|Predict first)")


def unexplained_numbers(notebook: NotebookNode) -> list[str]:
    """Numbers in the texts of a lesson that are neither computed, recorded nor cited.

    Parameters
    ----------
    notebook : NotebookNode
        Executed, the solved copy: the answers to exercises are code, too.

    Returns
    -------
    list of str
        One sentence each, with the words around the number.

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
    >>> cells = [new_code_cell("rate = 0.326"), new_markdown_cell("It is 0.33, or 37 %.")]
    >>> unexplained_numbers(new_notebook(cells=cells))
    ['cell 1: nothing computes, records or cites 37 in: It is 0.33, or 37 %.']
    """
    recorded = _in_texts(_records(notebook.cells))
    sections = _sections(notebook)
    known = {
        place: recorded | _in_texts(_section_texts(cells)) for place, cells in sections.items()
    }
    found, place = [], -1
    for number, cell in enumerate(notebook.cells):
        place = number if number in sections else place
        skipped = number == 0 or tags(cell) & {"lecturer", "hints"}
        if cell.cell_type != "markdown" or skipped or cell.source.startswith(TASKS):
            continue
        asked = _ASKED.search(cell.source)
        told = cell.source[: asked.start() if asked else None]  # a task gives its own numbers
        text = _UNREAD.sub(lambda match: " " * len(match[0]), told)
        for paragraph, start in _paragraphs(text):
            if _CITED.search(told[start : start + len(paragraph)]):
                continue
            found += [
                f"cell {number}: nothing computes, records or cites {written} in: {words}"
                for written, words in _numbers(paragraph)
                if not _is_known(written, known[place])
            ]
    return found


def _sections(notebook: NotebookNode) -> dict[int, list[NotebookNode]]:
    """Cells by section; the key is the number of the cell that opens it, -1 before the first."""
    found: dict[int, list[NotebookNode]] = {-1: []}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found[number] = []
        found[max(found)].append(cell)
    return found


def _section_texts(cells: Iterable[NotebookNode]) -> Iterator[str]:
    """What shows or sets numbers in a section: code, outputs, formulas, and what tasks give."""
    for cell in cells:
        if cell.cell_type == "code":
            yield cell.source
            for output in cell.get("outputs", ()):
                data = output.get("data", {})
                shown = (output.get("text"), data.get("text/plain"), data.get("text/html"))
                yield from (re.sub(r"base64,[^\"']*", "", str(one)) for one in shown if one)
        elif cell.cell_type == "markdown":
            if cell.source.startswith(TASKS):
                yield cell.source
            yield from re.findall(r"```.*?```", cell.source, re.DOTALL)
            yield from (part for part, _ in _paragraphs(cell.source) if _ASKED.search(part))


def _records(cells: Iterable[NotebookNode]) -> Iterator[str]:
    """What a lesson records."""
    for cell in cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            yield from (str(value) for kind, value in data.items() if kind.endswith("record+json"))


def _in_texts(texts: Iterable[str]) -> set[float]:
    """Numbers in texts, as they are and in other units."""
    found = {float(one.replace("_", "")) for text in texts for one in _CODE_NUMBER.findall(text)}
    return found | _derived(found)


def _derived(numbers: Iterable[float]) -> set[float]:
    """The same as per cent, and in thousandths: 0.25 is 25 %, and 0.04 s are 40 ms."""
    return {factor * one for one in numbers for factor in (100, 1000, 0.001, 0.01)}


def _paragraphs(text: str) -> Iterator[tuple[str, int]]:
    """Paragraphs and items of lists, with their places in the text."""
    start = 0
    for match in re.finditer(r"\n\s*\n|\n(?=\s*- |\s*\d+\. |\|)|\Z", text):
        yield text[start : match.start()], start
        start = match.start()


def _numbers(paragraph: str) -> Iterator[tuple[str, str]]:
    """Numbers of a paragraph that are asked for, and the words around each."""
    for match in _NUMBER.finditer(paragraph):
        written = match[0].lstrip("−-").replace(",", "")
        if "." not in written and int(written) <= SMALL:
            continue
        before, behind = paragraph[: match.start()], paragraph[match.end() :]
        if _OPERATOR.match(behind) or re.search(r"[=≈·×/+√<>≥≤±^(]\s*$|[−-]\s+$", before):
            continue
        words = " ".join(f"{before[-30:]}{match[0]}{behind[:20]}".split())
        yield written, words


def _is_known(written: str, known: Iterable[float]) -> bool:
    """Whether a number is one of those that are known, rounded to the digits that it has."""
    value, digits = float(written), len(written.partition(".")[2])
    half = 0.5000001 * 10.0**-digits
    return any(abs(one - value) <= half or isclose(one, value) for one in known)
