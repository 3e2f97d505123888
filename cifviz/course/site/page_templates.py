"""Pages as they are written: a head that lets nothing of others in, contents, the text, a foot."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import cifviz
from cifviz.course.site.cell_html import TEMPLATES
from cifviz.errors import DataError, require


@dataclass(frozen=True)
class Link:
    """A way to another page."""

    label: str
    href: str
    kind: str = ""
    """"prev" or "next", or "here" for the page itself, if it is that."""


STATIC = Path(__file__).with_name("static")
"""Scripts of the pages, bundled from ``js`` by ``npm run build``."""


def page(
    title: str,
    soup: BeautifulSoup,
    *,
    made_from: str,
    contents: Sequence[Link] = (),
    ways: Sequence[Link] = (),
    note: str = "",
    root: str = "",
    copy: str = "",
    runner: str = "",
) -> str:
    """The HTML of a page.

    Parameters
    ----------
    title : str
        For the window, and for the heading if the text has none.
    soup : BeautifulSoup
        What `clean` returned.
    made_from : str
        The file of the repository behind it; empty if there is none.
    contents : sequence of Link
        To all lessons; below the one that is "here" stand the sections of the page.
    ways : sequence of Link
        To other pages; the first leads to the curriculum.
    note : str
        A line above the text.
    root : str
        The way from the page to the folder of the site: "../", or nothing.
    copy : {"solved", ""}
        The copy of a lesson that what is found by a search leads to; empty for the student's.
    runner : str
        The script that runs the cells of a page; empty for a page to read.

    Raises
    ------
    DataError
        If the text has two headings of first rank.
    """
    heads = soup.find_all("h1")
    names = [head.get_text() for head in heads]
    require(len(heads) < 2, f"a page has one title, {made_from} has: {names}", DataError)
    sections = [Link(one.get_text(), f"#{one['id']}") for one in soup.find_all("h2", id=True)]
    css = (TEMPLATES / "site.css").read_text(encoding="utf-8")
    script = (STATIC / "site.js").read_text(encoding="utf-8").strip()
    name = "browser_lesson.html.j2" if runner else "page.html.j2"
    return _template(name).render(
        title=title,
        runner=runner,
        runner_digest=_digest(runner),
        body=soup.decode(formatter="minimal"),
        titled=bool(heads),
        sections=sections,
        contents=contents,
        root=root,
        copy=copy,
        made_from=made_from,
        ways=ways,
        note=note,
        css=css,
        css_digest=_digest(css),
        script=script,
        script_digest=_digest(script),
        version=cifviz.__version__,
    )


def fragment(template: str, **values: object) -> str:
    """The HTML that a template makes of some values, escaped."""
    return _template(template).render(**values)


def _digest(text: str) -> str:
    """What the policy of a page calls a script or a style that it allows."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@functools.cache
def _template(name: str):  # type: ignore[no-untyped-def]
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)
