"""An executed notebook as HTML: what stands between the head and the foot of a lesson's page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode

from cifviz.course.site.markdown import Markdown, highlighted
from cifviz.errors import DataError
from cifviz.notebooks.media_types import WIDGET_VIEW

TEMPLATES = Path(__file__).with_name("templates")
"""Of the pages, and in ``lesson`` of the cells."""

SHOWN = [WIDGET_VIEW, "text/html", "text/markdown", "text/latex", "image/png", "text/plain"]
"""Kinds of output, the one that says most first; the others are for machines."""

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def cells_html(notebook: NotebookNode) -> str:
    """Text, code and outputs of a notebook, in their order.

    A live control is replaced by a sentence that says where to find it; its static picture follows.

    Raises
    ------
    DataError
        If a cell failed, or has an output that no page can show.
    """
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                raise DataError(f"cell {number} failed with {output.ename}: {output.evalue}")
            if "data" in output and not _most_telling(output.data):
                raise DataError(f"cell {number} has an output of {', '.join(output.data)} alone")
    body, _ = _exporter().from_notebook_node(notebook)
    return body


def _exporter() -> TemplateExporter:
    """nbconvert, with our template and nothing that it would take from a network."""
    return TemplateExporter(
        file_extension=".html",
        template_name="lesson",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={
            "markdown": Markdown(),
            "filter_data_type": _most_telling,
            "code": lambda source: highlighted(source, "ipython3"),
            "opening_comment": opening_comment,
            "words": printed,
        },
    )


def _most_telling(data: Mapping[str, object]) -> list[str]:
    """The kind of output to show, if there is any."""
    return [kind for kind in SHOWN if kind in data][:1]


def opening_comment(code: str) -> str:
    """The comment that hidden code begins with, as the end of its label.

    >>> opening_comment("# Figure: a < b"), opening_comment("import torch")
    (' · Figure: a &lt; b', '')
    """
    first = code.partition("\n")[0]
    return f" · {html.escape(first[2:])}" if first.startswith("# ") else ""


def printed(text: str) -> str:
    r"""What a cell printed.

    Columns stay below one another, and can be moved sideways where the page is narrow; a single
    line is broken.

    >>> printed("a < b\n")
    '<pre class="printed"><samp>a &lt; b</samp></pre>'
    >>> printed("a    b\n1.0  2.0\n")
    '<pre class="printed lines" tabindex="0"><samp>a    b\n1.0  2.0</samp></pre>'
    """
    plain = _ESCAPE.sub("", text).rstrip()
    kind = 'class="printed lines" tabindex="0"' if "\n" in plain else 'class="printed"'
    return f"<pre {kind}><samp>{html.escape(plain, quote=False)}</samp></pre>"
