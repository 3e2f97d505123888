"""A diagnosis as one HTML page that needs no network."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cifviz.diagnosis.finding_pictures import picture_png
from cifviz.diagnosis.findings import Diagnosis, Finding
from cifviz.errors import printable
from cifviz.plot.images import image_tag
from cifviz.resources import Inputs, check_target, write_atomically

MOST_ROWS = 500
"""Utterances in the table at the end."""
MOST_NAMES = 50
"""Utterances that a finding lists."""
LONGEST_NAME = 80

MARKS = {"fault": "✖", "warning": "▲", "note": "●"}
"""Shapes, since colour alone is no cue."""

STYLE = """
:root{color-scheme:light dark;--text:#1b1d22;--quiet:#565b66;--page:#fff;--tint:#f4f5f7;
--line:#d5d8de;--link:#0b57a4;--fault:#a3230a;--warning:#7a4a00;--note:#0b57a4}
@media screen and (prefers-color-scheme:dark){:root{--text:#e6e7ea;--quiet:#a9afba;--page:#17191d;
--tint:#22252b;--line:#3c414b;--link:#8cbcf5;--fault:#ff9c85;--warning:#f0b070;--note:#8cbcf5}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:0 1rem 3rem;background:var(--page);color:var(--text);
font:1.0625rem/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:anywhere}
a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}
h1,h2{line-height:1.25;text-wrap:balance}h1{font-size:1.7rem}h2{font-size:1.3rem;margin-top:2.2em}
p{max-width:46em}
.fault{color:var(--fault)}.warning{color:var(--warning)}.note{color:var(--note)}
.mark{font-weight:600;white-space:nowrap}
section{border-top:1px solid var(--line)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.95em}
th,td{border-bottom:1px solid var(--line);padding:.3em .7em .3em 0;text-align:left;
vertical-align:top}
.number{text-align:right;white-space:nowrap}
.wide{overflow-x:auto}.wide table{overflow-wrap:normal}
img{display:block;width:100%;max-width:34rem;height:auto;background:#fff;border-radius:4px;
padding:4px;margin:.8em 0}
figure{margin:0}
.quiet{color:var(--quiet);font-size:.95em}
summary{cursor:pointer;color:var(--link);width:fit-content}
@media print{section,img{break-inside:avoid}}
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def to_html(
    diagnosis: Diagnosis,
    path: str | Path,
    *,
    overwrite: bool = False,
    inputs: Inputs | None = None,
) -> Path:
    """Write a diagnosis as a page.

    Parameters
    ----------
    diagnosis : Diagnosis
        What was found.
    path : str or Path
        The file, in a folder that exists.
    overwrite : bool
        Whether an existing file may be replaced.
    inputs : Inputs, optional
        What is only read, and so is never replaced.

    Returns
    -------
    Path
        Of the page. It opens from disk in any browser, makes no request and runs no script.

    Raises
    ------
    DataError
        If it cannot be written, see `cifviz.resources.check_target`.

    Examples
    --------
    >>> import tempfile
    >>> from cifviz.diagnosis import diagnose
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = to_html(diagnose([-0.1, 0.5, 0.6]), f"{folder}/found.html")
    ...     "1 below 0" in path.read_text("utf-8")
    True
    """
    check_target(path, overwrite=overwrite, inputs=inputs)
    encoded = page(diagnosis).encode("utf-8", "backslashreplace")
    return write_atomically(
        path, lambda part: part.write_bytes(encoded), overwrite=overwrite, inputs=inputs
    )


def page(diagnosis: Diagnosis) -> str:
    """The HTML of the page."""
    title = f"Diagnosis of {diagnosis.source}" if diagnosis.source else "Diagnosis of a CIF"
    style = STYLE.strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    parts = [
        f'<h1 dir="auto">{_text(title)}</h1>',
        f"<p>{_verdict(diagnosis)} {_text(diagnosis.summary[0].upper())}"
        f"{_text(diagnosis.summary[1:])}.</p>",
        *([_contents(diagnosis.findings)] if diagnosis.findings else []),
        *map(_section, diagnosis.findings),
        _checks(diagnosis),
        _utterances(diagnosis.utterances),
    ]
    policy = f"style-src 'sha256-{digest}'; img-src data:"
    return PAGE.format(policy=policy, title=_text(title), style=style, body="\n".join(parts))


def _verdict(diagnosis: Diagnosis) -> str:
    if diagnosis.worst:
        return _mark(diagnosis.worst)
    return '<span class="mark">✔ healthy</span>'


def _mark(severity: str) -> str:
    """A severity as shape, word and colour."""
    return f'<span class="mark {severity}">{MARKS[severity]} {severity}</span>'


def _contents(findings: Sequence[Finding]) -> str:
    rows = [
        [
            _mark(one.severity),
            f'<a href="#{_text(one.check)}">{_text(one.title)}</a>',
            str(len(one.utterances)),
        ]
        for one in findings
    ]
    return _table(["severity", "found", "utterances"], rows, numbers=(2,))


def _section(finding: Finding) -> str:
    """A finding in words, with its picture and its numbers."""
    numbers = [[_text(name), _text(_shown(value))] for name, value in finding.numbers.items()]
    named = ", ".join(_text(name) for name in finding.utterances[:MOST_NAMES])
    more = len(finding.utterances) - MOST_NAMES
    named += f" and {more} more" if more > 0 else ""
    alt = printable(finding.picture.alt)
    return "\n".join(
        [
            f'<section id="{_text(finding.check)}" aria-labelledby="{_text(finding.check)}-title">',
            f'<h2 id="{_text(finding.check)}-title">{_text(_sentence(finding.title))}</h2>',
            f"<p>{_mark(finding.severity)} {_text(finding.found)}</p>",
            f"<figure>{image_tag(picture_png(finding.picture), alt)}</figure>",
            f"<p><strong>What to try.</strong> {_text(finding.advice)}</p>",
            _table(["measured", "value"], numbers, numbers=(1,)),
            f'<p class="quiet">Worst first: {named}</p>',
            "</section>",
        ]
    )


def _checks(diagnosis: Diagnosis) -> str:
    """What was looked for, and what could not be."""
    found = {one.check: one.severity for one in diagnosis.findings}
    rows = []
    for name, number in diagnosis.looked_at.items():
        if name in found:
            result = _mark(found[name])
        elif number:
            result = "nothing found"
        else:
            result = f"not looked for: needs {_text(diagnosis.needs[name])}"
        rows.append([_text(diagnosis.titles[name]), str(number), result])
    table = _table(["looked for", "utterances", "result"], rows, numbers=(1,))
    return f"<section><h2>What was looked for</h2>\n{table}</section>"


def _utterances(utterances: Sequence[Mapping[str, Any]]) -> str:
    """All utterances with their counts, folded."""
    rows = [
        [
            _text(printable(str(one["name"]), most=LONGEST_NAME)),
            *(_text(_shown(one[key])) for key in ("frames", "weight_sum", "fires", "tokens")),
        ]
        for one in utterances[:MOST_ROWS]
    ]
    more = len(utterances) - MOST_ROWS
    note = f'<p class="quiet">and {more} more</p>' if more > 0 else ""
    table = _table(["utterance", "frames", "Σα/β", "fires", "tokens"], rows, numbers=(1, 2, 3, 4))
    return (
        f"<section><h2>Utterances</h2>\n<details><summary>All {len(utterances)} with their counts"
        f"</summary>\n{table}{note}</details></section>"
    )


def _table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()
) -> str:
    """A table of HTML; the columns `numbers` stand flush right."""

    def line(cells: Sequence[str], tag: str) -> str:
        looks = [' class="number"' if at in numbers else "" for at in range(len(cells))]
        both = zip(cells, looks, strict=True)
        return "<tr>" + "".join(f"<{tag}{look}>{cell}</{tag}>" for cell, look in both) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    head = line([_text(one) for one in header], "th")
    return f'<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>{body}</tbody></table></div>'


def _shown(value: object) -> str:
    """A number of a table; a dash for one that is unknown."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _text(text: str) -> str:
    """A stranger's text as HTML."""
    return html.escape(printable(text))
