"""Where everything of the repository lies in the site, and where links lead from there.

Names on the left are paths in the repository, with slashes: ``notebooks/00_start_here.ipynb``.
Places are paths in the site: ``00_start_here.html``.
"""

from __future__ import annotations

import base64
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from bs4 import BeautifulSoup

from cifviz.course.lesson_sources import Copy
from cifviz.course.site.markdown import anchor
from cifviz.errors import DataError, require

INDEX = "index.html"
"""The place of the curriculum."""
LECTURER = "lecturer.html"
"""The place of the plans, sheets and solutions."""
FOLDER = "notebooks"
"""The name of the folder of notebooks; a link to it leads to the curriculum."""


def lesson_path(name: str, copy: Copy) -> str:
    """The notebook of a lesson in the repository.

    >>> lesson_path("00_start_here", "solved")
    'notebooks/solutions/00_start_here.ipynb'
    """
    return f"{FOLDER}/{'solutions/' if copy == 'solved' else ''}{name}.ipynb"


def lesson_place(name: str, copy: Copy) -> str:
    """The page of a lesson in the site.

    >>> lesson_place("00_start_here", "solved")
    'solutions/00_start_here.html'
    """
    return f"{'solutions/' if copy == 'solved' else ''}{name}.html"


def relative(target: str, page: str) -> str:
    """The link from one place of the site to another.

    >>> relative("files/README.md.html", "solutions/00_start_here.html")
    '../files/README.md.html'
    """
    return quote(posixpath.relpath(target, posixpath.dirname(page) or "."))


@dataclass
class Places:
    """What the site holds, lessons first; files join it when a lesson links to them.

    Parameters
    ----------
    root : Path
        Of the repository.
    known : dict of str to str
        Places by path.
    files : list of str
        Paths of the files that lessons link to, in the order in which they were found. A folder is
        its README.md, if it has one.
    """

    root: Path
    known: dict[str, str]
    files: list[str] = field(default_factory=list)

    def follow(self, target: str, *, path: str, page: str, add: bool) -> str | None:
        """Where a link leads from a page of the site.

        Parameters
        ----------
        target : str
            As it stands in the file.
        path : str
            The file that it stands in.
        page : str
            The page made of that file.
        add : bool
            Whether it is a lesson: files and folders to which it leads join the site, and all its
            links must be good. Links of other files that lead out of the site are None.

        Raises
        ------
        DataError
            If it leads nowhere, out of the repository, or to the web unsafely.
        """
        if re.match(r"(https|mailto):", target):
            return target
        if target.startswith("http:") and not add:
            return None
        found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", target)
        require(not found, f"the link {target} is not https, and leads nowhere here", DataError)
        start, _, section = unquote(target).partition("#")
        section = f"#{quote(anchor(section))}" if section else ""
        if not start:
            return section
        place = self._place(self._path(start, path, target), add=add)
        return None if place is None else relative(place, page) + section

    def embed(self, source: str, *, path: str) -> str:
        """A picture of the repository as a ``data:`` address.

        Raises
        ------
        DataError
            If there is no such picture.
        """
        file = self.root / self._path(unquote(source), path, source)
        kind = mimetypes.guess_type(file.name)[0] or ""
        require(kind.startswith("image/"), f"{source} is no picture", DataError)
        return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"

    def _path(self, start: str, path: str, target: str) -> str:
        """The path in the repository to which a link leads, if there is anything."""
        found = posixpath.normpath(posixpath.join(posixpath.dirname(path), start))
        inside = (self.root / found).resolve().is_relative_to(self.root.resolve())
        require(
            inside and not start.startswith("/"), f"{target} leads out of the repository", DataError
        )
        there = found in self.known or (self.root / found).exists()
        require(there, f"the link {target} leads to nothing", DataError)
        return found

    def _place(self, path: str, *, add: bool) -> str | None:
        readme = posixpath.normpath(f"{path}/README.md")
        if path not in self.known and (self.root / readme).is_file():
            path = readme
        if path not in self.known and add:
            self.files.append(path)
            self.known[path] = f"files/{path}.html"
        return self.known.get(path)


def dead_links(pages: Mapping[str, str]) -> list[str]:
    """Links of a site that lead nowhere.

    Parameters
    ----------
    pages : mapping of str to str
        The HTML of every page, by place.

    Returns
    -------
    list of str
        One sentence for each link that is neither https nor to a page that is there, nor to a
        section that it has.

    Examples
    --------
    >>> dead_links({"a.html": '<a href="b.html#x">b</a>', "b.html": '<p id="y">'})
    ['a.html links to b.html#x, which is not there']
    """
    soups = {place: BeautifulSoup(text, "html.parser") for place, text in pages.items()}
    names = {
        place: {str(tag["id"]) for tag in soup.find_all(id=True)} for place, soup in soups.items()
    }
    found = []
    for place, soup in soups.items():
        for tag in soup.find_all("a", href=True):
            target = str(tag["href"])
            if re.match(r"(https|mailto):", target):
                continue
            start, _, section = unquote(target).partition("#")
            there = posixpath.normpath(posixpath.join(posixpath.dirname(place), start))
            there = place if not start else there
            if there not in names or (section and section not in names[there]):
                found.append(f"{place} links to {target}, which is not there")
    return found
