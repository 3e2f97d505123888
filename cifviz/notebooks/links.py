"""Links in the text of a lesson: found, and rewritten for the place that they are followed from.

In Jupyter and on GitHub a relative link is followed from where the notebook lies. The solved copy
lies one folder deeper, and a page of the site elsewhere: `relink` is what fits them to their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LINK = re.compile(
    r"""(?P<before>\]\(\s*<?|^\[[^][\n]+\]:[ \t]+<?|\b(?:href|src)=")(?P<target>[^\s)>"]+)""",
    re.MULTILINE,
)


def targets(text: str) -> list[str]:
    """Where the links and pictures of a text lead, in their order.

    >>> targets('[one](a.ipynb#b), ![two](c.png "title"), <a href="d.md">three</a>')
    ['a.ipynb#b', 'c.png', 'd.md']
    """
    return [found["target"] for found in _LINK.finditer(text)]


def is_local(target: str) -> bool:
    """Whether a link leads to a file beside the notebook, not to the web or into the same page.

    >>> [is_local(target) for target in ("../README.md", "https://arxiv.org", "#words")]
    [True, False, False]
    """
    return not (target.startswith("#") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", target))


def relink(text: str, change: Callable[[str], str]) -> str:
    """Replace the target of each local link; those to the web stay.

    Parameters
    ----------
    text : str
        Markdown.
    change : callable
        ``change(target)`` gives the new one. A target may end in ``#section``.

    Examples
    --------
    >>> relink("[code](../cifviz), [web](https://x.org)", lambda target: "../" + target)
    '[code](../../cifviz), [web](https://x.org)'
    """

    def replaced(found: re.Match[str]) -> str:
        target = found["target"]
        return found["before"] + (change(target) if is_local(target) else target)

    return _LINK.sub(replaced, text)


def one_folder_deeper(target: str) -> str:
    """A link out of ``notebooks`` as it is followed from ``notebooks/solutions``.

    Other lessons lie beside the notebook in both.

    >>> one_folder_deeper("../README.md"), one_folder_deeper("01_integrate_and_fire.ipynb")
    ('../../README.md', '01_integrate_and_fire.ipynb')
    """
    return f"../{target}" if target.startswith("../") else target
