"""Words of the lessons: one word for one thing, and no term before the place that explains it.

A term of the glossary is *entered* where a text first sets it in italics or bold, with its
explanation. Lessons are read in their order, on the core path or whole: on both ways the first use
of a term has to be its entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nbformat import NotebookNode

from cifviz.course.glossary import TERMS
from cifviz.notebooks.reader import tags

INSTEAD = {
    r"Σα(?![·\w])|\bΣ_t α_t / N": "S, the sum of the weights",
    r"\bthe rest (?:above|of the weight|at the end|is)|\ba rest\b|\bleftovers?\b": "residual",
    r"\bboundar(?:y|ies) (?:of|between) (?:a |the )?tokens?|\b(?:all|every|its) boundar": "border",
    r"\bspectrograms?\b|\bmel spectr": "log-mel",
    r"\bcumulative sums?\b|\bpartial sums?\b": "running sum",
    r"\bground truth\b|\bgold\b": "reference",
    r"\bhop(?: size| length)?\b": "frame shift",
    r"\bbehind (?:an?|the|both|its?|this|all|each|them|it)\b": "after, or what follows",
    r"\b(?:so and so|such and such) (?:many|much)\b": "a number",
    r"\bstands? in \[": "is in",
    r"\bdear\b": "expensive",
}
"""Words that mean what another word means in the lessons, and what to say instead."""

OTHER_MEANINGS = {
    "precision": r"(?:half|single|double|mixed|full) precision",
    "path": r"(?:full|core) paths?",
    "phone": r"(?:phone book|telephone|your phone)s?",
    "phrase": r"catch phrase",
    "score": r"scored?\b",
    "spike": r"spiking",
    "state": r"states? of\b|\bto state",
    "edge": r"edges? of the (?:figure|picture|panel)",
    "finding": r"(?:of|by|for|in|from) finding",
    "F1": r"F1 key",
}
"""Where the words of a term are not the term."""

_SKIPPED = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|^#+ [^\n]*$|\*(?:Core path|Optional) · \d+ min\*|</?details>|"
    r"<summary>[^<]*</summary>",
    re.DOTALL | re.MULTILINE,
)
_MARKED = re.compile(r"(?<![*\w])(\*{1,2})(?=\S)([^*]+?)\1(?![*\w])")


def one_word_for_one_thing(notebook: NotebookNode) -> list[str]:
    """Texts use no second word for what has one, see `INSTEAD`."""
    return [
        f"cell {number} has {' '.join(match[0].split())!r}: say {instead}"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
        for pattern, instead in INSTEAD.items()
        for match in re.finditer(pattern, _blanked(cell.source), re.IGNORECASE)
    ]


def terms_before_entries(lessons: Mapping[str, NotebookNode]) -> list[str]:
    r"""Terms of the glossary that a lesson uses before any lesson explains them.

    Parameters
    ----------
    lessons : mapping
        Sources or notebooks by name, in the order in which they are read.

    Returns
    -------
    list of str
        One sentence each.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> text = "## 1. Fire\n\nA *fire* ends a token, and the slack\ncomes later."
    >>> terms_before_entries({"00": new_notebook(cells=[new_markdown_cell(text)])})
    ['00, cell 0 uses token before its entry', '00, cell 0 uses slack before its entry']
    """
    found: dict[str, None] = {}
    for only_core in (False, True):
        entered: set[str] = set()
        texts = [(name, *part) for name, one in lessons.items() for part in _read(one, only_core)]
        for name, number, text in texts:
            uses = sorted(
                (match.start(), term.name)
                for term in TERMS
                if term.name not in entered and (match := _first_use(term.name, text))
            )
            marks = [match.span() for match in _MARKED.finditer(text)]
            for place, term in uses:
                entered.add(term)
                if not any(start <= place < end for start, end in marks):
                    where = f"{name}, cell {number} uses {term} before its entry"
                    is_new = not any(one.startswith(where) for one in found)
                    if is_new:
                        found[where + (" on the core path" if only_core else "")] = None
    return list(found)


def _read(notebook: NotebookNode, only_core: bool) -> Iterator[tuple[int, str]]:
    """Texts of the numbered sections, with the numbers of their cells."""
    inside = False
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        if cell.source.startswith("## "):
            is_core = "optional" not in tags(cell)
            inside = re.match(r"## \d", cell.source) is not None and (is_core or not only_core)
        if inside and "hints" not in tags(cell):
            yield number, _blanked(cell.source)


def _first_use(term: str, text: str) -> re.Match[str] | None:
    """Where a text first uses a term; its words in another meaning do not count."""
    other = OTHER_MEANINGS.get(term)
    if other:
        text = re.sub(other, lambda match: " " * len(match[0]), text, flags=re.IGNORECASE)
    words = r"\s+".join(map(re.escape, term.split()))
    return re.search(rf"(?<![\w-]){words}(?:e?s)?(?![\w-])", text, re.IGNORECASE)


def _blanked(text: str) -> str:
    """A text without what nobody reads as prose: code, formulas, targets of links, headings."""
    return _SKIPPED.sub(lambda match: " " * len(match[0]), text)
