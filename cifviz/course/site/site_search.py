"""What the search field of the site looks through: the text of every section of the lessons."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bs4 import BeautifulSoup, Tag

Section = tuple[str, str, str, str]
"""Where a section is, the title of its lesson, its heading, and its text."""


def sections(soup: BeautifulSoup, place: str, title: str) -> list[Section]:
    """The sections of a lesson's page.

    Parameters
    ----------
    soup : BeautifulSoup
        The text of the page.
    place : str
        Of the page in the site.
    title : str
        Of the lesson, with its number.

    Returns
    -------
    list of tuple
        One for each heading that has a name, with the text up to the next one. Folds and formulas
        are left out: a search does not give an answer away.

    Examples
    --------
    >>> text = '<h2 id="a">A</h2><p>one</p><details>two</details><h3 id="b">B</h3><p>three</p>'
    >>> sections(BeautifulSoup(text, "html.parser"), "x.html", "X")
    [('x.html#a', 'X', 'A', 'one'), ('x.html#b', 'X', 'B', 'three')]
    """
    found: list[tuple[str, str, list[str]]] = []
    for piece in soup.descendants:
        if isinstance(piece, Tag):
            if piece.name in ("h1", "h2", "h3") and piece.get("id"):
                found.append((str(piece["id"]), " ".join(piece.get_text().split()), []))
        elif found and not piece.find_parent(["details", "math", "h1", "h2", "h3"]):
            found[-1][2].append(str(piece))
    return [
        (f"{place}#{name}", title, heading, " ".join("".join(texts).split()))
        for name, heading, texts in found
    ]


def sections_script(found: Mapping[str, list[Section]]) -> str:
    """A script that holds what is searched; a page loads it when a reader begins to search.

    >>> print(sections_script({"a.html": [("a.html#b", "A", "B", "text")]}), end="")
    globalThis.cifvizSections = [
    ["a.html#b", "A", "B", "text"]
    ];
    """
    lines = [json.dumps(one, ensure_ascii=False) for some in found.values() for one in some]
    return "globalThis.cifvizSections = [\n" + ",\n".join(lines) + "\n];\n"
