"""Checks everything that goes into a page: known elements only, alt text, no dead link.

An element that is not on the list is refused, not removed: a lesson that would lose something on
its page should be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bs4 import BeautifulSoup, Comment, Tag

from cifviz.errors import DataError, require

TEXT = """
    a abbr b blockquote br caption cite code dd del details div dl dt em figcaption figure h1 h2 h3
    h4 h5 h6 hr i img kbd li ol p pre q s samp section small span strong sub summary sup table tbody
    td tfoot th thead tr u ul var audio source
""".split()
FORMULAS = """
    math annotation menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot
    mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover semantics
""".split()
FORMULA_ATTRIBUTES = """
    accent accentunder class columnalign columnlines columnspacing depth display displaystyle fence
    form height linebreak linethickness lspace mathcolor mathvariant maxsize minsize movablelimits
    notation rowalign rowlines rowspacing rspace scriptlevel separator stretchy symmetric voffset
    width xmlns
""".split()
ALLOWED = {
    **{name: {"class", "dir", "id", "lang", "title"} for name in TEXT},
    **{name: set(FORMULA_ATTRIBUTES) for name in FORMULAS},
}
"""Elements, and the attributes that they may have."""
ALLOWED["a"] |= {"href", "name"}
ALLOWED["audio"] |= {"src", "controls", "aria-label", "preload"}
ALLOWED["div"] |= {"role", "tabindex", "aria-label"}
ALLOWED["img"] |= {"src", "alt", "width", "height"}
ALLOWED["ol"] |= {"start"}
ALLOWED["pre"] |= {"tabindex"}
ALLOWED["source"] |= {"src", "type"}
for _cell in ("td", "th"):
    ALLOWED[_cell] |= {"colspan", "rowspan", "scope", "headers"}

SHORTEST_ALT = 20
"""Characters that say something about a picture."""
LONG_CELL = 24
"""Characters up to which a cell of a table is one line; a longer one is given room for several."""

_EMBEDDED = {
    "img": re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*"),
    "audio": re.compile(r"data:audio/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*"),
}
_EMBEDDED["source"] = _EMBEDDED["audio"]

Follow = Callable[[str], str | None]
"""Given where a link leads, says where it leads from the page; None is a link to take away. Raises
`DataError` if it leads nowhere."""
Embed = Callable[[str], str]
"""Given the place of a picture, gives it as a ``data:`` address."""


def clean(fragment: str, *, follow: Follow, embed: Embed) -> BeautifulSoup:
    """Make HTML fit for a page that stands alone, and refuse what is not.

    Parameters
    ----------
    fragment : str
        HTML: what lies between the head and the foot of a page.
    follow : callable
        Rewrites a link.
    embed : callable
        Reads a picture that lies beside the page.

    Returns
    -------
    BeautifulSoup
        Links are rewritten, pictures embedded; tables and pictures can be moved sideways with keys;
        what a ``style`` attribute says is left to the style sheet, except the alignment of columns.

    Raises
    ------
    DataError
        With one line for each fault.
    """
    soup = BeautifulSoup(fragment, "html.parser")
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    faults: list[str] = []
    for tag in soup.find_all(True):
        try:
            _check(tag)
            if tag.name == "a" and "href" in tag.attrs:
                _relink(tag, follow)
            if tag.name == "img":
                _picture(tag, embed)
            if tag.name == "audio":
                _player(tag)
            if tag.name in _EMBEDDED and "src" in tag.attrs:
                source = str(tag["src"])
                good = _EMBEDDED[tag.name].fullmatch(source)
                require(bool(good), f"<{tag.name}> is not embedded: {source[:60]}", DataError)
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError("\n".join(dict.fromkeys(faults)))
    for table in soup.find_all("table"):
        _make_movable(table, soup)
    for image in soup.find_all("img"):
        _make_readable(image, soup)
    return soup


def _check(tag: Tag) -> None:
    """Refuse what is not on the list; `clean` takes care of ``style``."""
    if tag.name not in ALLOWED:
        raise DataError(f"<{tag.name}> is not allowed: {str(tag)[:60]}")
    alignment = re.search(r"text-align:\s*(right|center)", str(tag.attrs.pop("style", "")))
    if alignment:
        tag["class"] = alignment[1]
    unknown = set(tag.attrs) - ALLOWED[tag.name]
    names = ", ".join(sorted(unknown))
    require(not unknown, f"<{tag.name}> may not have {names}", DataError)


def _relink(tag: Tag, follow: Follow) -> None:
    target = follow(str(tag["href"]))
    if target is None:
        tag.unwrap()
    else:
        tag["href"] = target


def _picture(tag: Tag, embed: Embed) -> None:
    source, alt = str(tag.get("src", "")), str(tag.get("alt", "")).strip()
    require(len(alt) > SHORTEST_ALT, f"a picture without alt text: {source[:60]}", DataError)
    if not re.match(r"[a-z][a-z0-9+.-]*:", source):
        tag["src"] = embed(source)


def _player(tag: Tag) -> None:
    require(bool(str(tag.get("aria-label", "")).strip()), "a sound without a name", DataError)
    require("controls" in tag.attrs, f"no controls: the sound {tag['aria-label']}", DataError)


def _make_movable(table: Tag, soup: BeautifulSoup) -> None:
    """A table wider than the page moves by itself, with fingers and with keys.

    A long name in code may break behind a dot or a bracket.
    """
    heads = [head for head in table.find_all("th") if head.find_parent("thead")]
    for head in heads:
        if head.get_text().strip():
            head["scope"] = "col"
        else:
            head.name = "td"  # an empty one heads nothing
    for cell in table.find_all("td"):
        if len(cell.get_text()) > LONG_CELL:
            cell["class"] = " ".join([*filter(None, cell.get_attribute_list("class")), "long"])
    for name in table.select("td code"):
        parts = re.split(r"(?<=[a-z][.(])(?=[a-z_])", name.get_text(), flags=re.IGNORECASE)
        name.clear()
        for place, part in enumerate(parts):
            name.extend([soup.new_tag("wbr"), part] if place else [part])
    names = ", ".join(head.get_text().strip() for head in heads if head.name == "th")
    label = f"Table: {names}" if names else "Table"
    table.wrap(soup.new_tag("div", attrs={"class": "wide", "role": "group", "tabindex": "0"}))[
        "aria-label"
    ] = label


def _make_readable(image: Tag, soup: BeautifulSoup) -> None:
    """A picture wider than a phone keeps its size there, so that its words can be read.

    It moves sideways in a box, and a line below says so; the style sheet shows it on phones alone.
    """
    box = {"class": "picture", "role": "group", "tabindex": "0", "aria-label": "Figure"}
    hint = soup.new_tag("p", attrs={"class": "sideways"})
    hint.string = SIDEWAYS
    image.wrap(soup.new_tag("div", attrs=box)).insert_after(hint)


SIDEWAYS = "Wider than the page: move the figure sideways."
"""Below a picture, where the page is as narrow as a phone."""
