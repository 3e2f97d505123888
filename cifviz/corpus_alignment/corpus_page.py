"""The index page of an aligned corpus: one file that makes no request, beside the results.

Sounds are named by their relative paths, or by those of the copies in the results; none is in it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from cifviz.corpus_alignment.aligned_corpus import INDEX, AlignedCorpus
from cifviz.corpus_alignment.row_files import CUT, RESULT
from cifviz.resources import write_atomically

PAGE = Path(__file__).with_name("page")
MOST_TOKENS = 400
"""Tokens of an utterance on the page; its file has all."""
FIELDS = (
    *("row", "id", "same_id", "status", "reason", "duration", "text", "score", "lowest"),
    *("errors", "reference_tokens", "file", "sound", "begin", "more", "tokens"),
)
"""Of a row on the page."""


def write_page(aligned: AlignedCorpus, paths: Sequence[str], *, cuts: bool) -> Path:
    """Write the page.

    Parameters
    ----------
    aligned : AlignedCorpus
        All of its parts are there.
    paths : sequence of str
        Of the sound of each row; empty for a row that names none.
    cuts : bool
        Whether copies of the sounds are in the results; where one is missing, its file is named.

    Returns
    -------
    Path
        Of the page.
    """
    style, script = ((PAGE / f"index.{kind}").read_text("utf-8") for kind in ("css", "js"))
    head, tail = (PAGE / "index.html").read_text("utf-8"), f"</script>\n<script>{script}</script>\n"
    counted = ", ".join(f"{n} {status}" for status, n in aligned.statuses.items() if n)
    model = Path(aligned.description["model"]).name
    # Where a page is opened from disk, browsers differ in whether its folder is 'self'.
    policy = f"script-src {_hash(script)}; style-src {_hash(style)}; media-src 'self' file:"
    about = f"{counted or 'no utterance'} · {aligned.description['code'].partition(',')[0]}"
    for name, text in {
        "policy": policy,
        "style": style,
        "title": html.escape(f"Corpus aligned by {model}"),
        "about": html.escape(about),
    }.items():
        head = head.replace(f"{{{name}}}", text)

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(head)
            _write_rows(file, aligned, paths, cuts)
            file.write(f"{tail}</body>\n</html>\n")

    return write_atomically(aligned.folder / INDEX, write, overwrite=True)


def _write_rows(file: IO[str], aligned: AlignedCorpus, paths: Sequence[str], cuts: bool) -> None:
    """Write the rows one by one: as a whole they would not fit everywhere."""
    file.write(f'{{"fields":{_json(FIELDS)},"rows":[\n')
    for number, (row, path) in enumerate(zip(aligned.rows(), paths, strict=True)):
        file.write(",\n" if number else "")
        file.write(_json(_values(row, path, aligned.folder, cuts)))
    file.write("\n]}")


def _values(row: dict[str, Any], path: str, folder: Path, cuts: bool) -> list[Any]:
    tokens = row["tokens"] or []
    shown = [[one["token"], one["start"], one["end"], one["score"]] for one in tokens[:MOST_TOKENS]]
    cut = row["file"].removesuffix(RESULT) + CUT
    is_cut = cuts and (folder / cut).is_file()
    row = {
        **row,
        "sound": quote(cut) if is_cut else _address(path, folder),
        "begin": 0.0 if is_cut else row["offset"],
        "file": quote(row["file"]),
        "more": len(tokens) - len(shown),
        "tokens": shown,
    }
    return [row[name] for name in FIELDS]


def _address(path: str, folder: Path) -> str:
    """A sound as the page names it: relative to its folder, where that is possible."""
    if not path:
        return ""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return Path(path).as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _json(value: Any) -> str:
    """JSON in which nothing looks like the end of the script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
