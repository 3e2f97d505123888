"""Hides what differs from run to run in a printed text and means nothing: `mask`."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
"""A place in memory."""

MASKS = (
    (re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]"), ""),  # colours of a terminal
    (
        re.compile(r"^[^\n]*\d%\|[^|\n]*\| *\d+/\d+ \[[^\n]*\n?", re.MULTILINE),
        "",
    ),  # the bar of tqdm
    (ADDRESS, "0x…"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "(uuid)"),
    (re.compile(r"\bipykernel_\d+[/\\]\d+\.py"), "ipykernel.py"),
    (re.compile(r"(?<![\w.:/~])/(?:[\w.+@~-]+/)+"), "…/"),  # folders of an absolute path
    (re.compile(r"(?<!\w)[A-Za-z]:\\(?:[\w.+@~ -]+\\)*"), "…/"),  # the same on Windows
    (re.compile(r"^(CPU times|[W]all time):[^\n]*", re.MULTILINE), r"\1: (time)"),  # %%time
    (re.compile(r"(?<![\d.])[\d.]+ (?:[nmuµμ]?s|min) ± [^\n]*per loop[^\n]*"), "(time)"),  # %timeit
    (
        re.compile(
            r"(\b(?:took|elapsed|(?:finished|done|ran) in)\b[^\d\n]{0,12})"
            r"\d[\d.:]*(?:e-?\d+)? ?(?:[nmuµμ]?s|sec|seconds?|min|minutes?)\b",
            re.IGNORECASE,
        ),
        r"\1(time)",
    ),
)
"""Patterns and what stands in their place, in this order."""


def mask(text: str) -> str:
    """A text without colours, addresses in memory, folders of one machine and times of a run.

    Examples
    --------
    >>> mask("/home/me/a.csv: <Net at 0x7f33c29f3b50> took 3.1 s")
    '…/a.csv: <Net at 0x…> took (time)'
    """
    # What a progress bar wrote over: Jupyter shows the last of it.
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text
