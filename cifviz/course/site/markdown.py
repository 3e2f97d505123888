"""Markdown, formulas and code as HTML that needs neither a script nor a network."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import Any

from bs4 import BeautifulSoup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from cifviz.errors import DataError


class Markdown:
    r"""Renders the texts of one page; call it with each of them, from the top of the page down.

    Headings get the names that GitHub gives them, a second one of the same name with a number.

    Examples
    --------
    >>> page = Markdown()
    >>> page("## 1. By hand"), page("## By hand: *β*")
    ('<h2 id="1-by-hand">1. By hand</h2>\n', '<h2 id="by-hand-β">By hand: <em>β</em></h2>\n')
    """

    def __init__(self) -> None:
        self._renderer = _Renderer()

    def __call__(self, text: str) -> str:
        """The HTML of a text.

        Raises
        ------
        DataError
            If a formula in it is none.
        """
        return MarkdownWithMath(renderer=self._renderer).render(text)


def anchor(heading: str) -> str:
    """The name by which GitHub links to a heading.

    >>> anchor("How good it is"), anchor("4.-Two-rulers:-the-mass-axis")
    ('how-good-it-is', '4-two-rulers-the-mass-axis')
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def mathml(tex: str, *, block: bool = False) -> str:
    r"""A formula in TeX as MathML, which browsers draw and screen readers read by themselves.

    Parameters
    ----------
    tex : str
        Without the dollars.
    block : bool
        On a line of its own.

    Raises
    ------
    DataError
        If it is no formula, or has a command that cannot be converted.

    Examples
    --------
    >>> formula = mathml(r"\alpha_t")
    >>> formula.count("<msub>"), "α" in html.unescape(formula)
    (1, True)
    """
    from latex2mathml.converter import convert

    try:
        result = convert(tex, display="block" if block else "inline")
    except Exception as error:  # each of its mistakes is an exception of its own, without words
        reason = f"{type(error).__name__} {error}".strip()
        raise DataError(f"the formula {tex!r} is none: {reason}") from error
    unknown = re.search(r">(\\\w+)<", result)  # it hands on what it does not know
    if unknown:
        raise DataError(f"the formula {tex!r} has {unknown[1]}, which has no MathML")
    return result


def highlighted(code: str, language: str = "python") -> str:
    r"""Code as HTML, its words marked by what they are.

    Each line is an element that knows its indentation, so that what does not fit on a narrow page
    goes on below, further to the right.

    >>> highlighted("a = 1")
    '<pre class="code"><code><span class="line in0">a = <i class="m">1</i>\n</span></code></pre>\n'
    """
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = find_lexer_class_by_name(language)(stripnl=False)
    except ClassNotFound:  # a block of any kind of text
        lexer = find_lexer_class_by_name("text")(stripnl=False)
    lines, line = [], ""
    code = code.rstrip().expandtabs(4) + "\n"
    for kind, text in lexer.get_tokens(code):
        first, *others = (_marked(piece, kind) for piece in text.split("\n"))
        line += first
        for piece in others:
            lines.append(line)
            line = piece
    marked = "".join(
        f'<span class="line in{_indentation(plain)}">{line}\n</span>'
        for plain, line in zip(code.splitlines(), lines, strict=True)
    )
    return f'<pre class="code"><code>{marked}</code></pre>\n'


def _marked(text: str, kind: Any) -> str:
    """A piece of code, in an element of its own if the style sheet has a colour for its kind."""
    from pygments.token import Comment, Keyword, Name, Number, Operator, String

    marks = {
        "c": (Comment,),
        "k": (Keyword, Operator.Word),
        "m": (Number,),
        "n": (Name.Class, Name.Decorator, Name.Function),
        "s": (String,),
    }
    plain = html.escape(text, quote=False)
    name = next((name for name, kinds in marks.items() if any(kind in one for one in kinds)), "")
    return f'<i class="{name}">{plain}</i>' if name and text.strip() else plain


def _indentation(line: str) -> int:
    """Spaces before the first letter, in steps for which the style sheet has a rule."""
    return min((len(line) - len(line.lstrip())) // 4 * 4, 24)


class _Renderer(IPythonRenderer):
    """nbconvert's, but for formulas, headings and code."""

    def __init__(self) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self._headings: Counter[str] = Counter()

    def block_math(self, body: str) -> str:
        """In a box that keys can move: on a phone a formula may be wider than the page."""
        box = '<div class="formula" role="group" tabindex="0" aria-label="Formula">'
        return f"{box}{mathml(body, block=True)}</div>"

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        name = anchor(BeautifulSoup(text, "html.parser").get_text())
        again = self._headings[name]
        self._headings[name] += 1
        name = f"{name}-{again}" if again else name
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        return highlighted(code, (info or "text").split()[0])
