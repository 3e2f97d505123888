"""The explorer as one file that needs nothing else: no network, no kernel."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.explorer.data import Other, sound_of, view_data
from cifviz.explorer.settings import checked
from cifviz.resources import check_target, write_atomically
from cifviz.systems.transcription import Transcription

STATIC = Path(__file__).with_name("static")
"""What esbuild made of ``js``: see ``build.mjs``."""

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
<h1 dir="auto">{title}</h1>
<div id="cifviz"></div>
</main>
<script type="application/json" id="cifviz-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""

LONGEST_TITLE = 120
"""Letters, where nobody gives a title."""

BODY = "html{color-scheme:light dark}body{max-width:75em;margin:1em auto;padding:0 1em}"
BODY += "h1{font:600 20px system-ui,sans-serif;overflow-wrap:anywhere}"


def page(data: dict[str, Any], *, title: str, sound: bytes | None = None) -> str:
    """A page with everything in it.

    Parameters
    ----------
    data : dict
        Of `view_data`.
    title : str
        What it shows; any text.
    sound : bytes, optional
        A sound file.

    Returns
    -------
    str
        HTML. Its policy lets it run its own script and nothing else, and ask nobody for anything.
    """
    encoded = None if sound is None else base64.b64encode(sound).decode("ascii")
    content = {**data, "sound_file": encoded}
    # What JSON may hold and HTML would take for the end of the script, or for a comment.
    written = json.dumps(content).replace("<", "\\u003c").replace(">", "\\u003e")
    script = (STATIC / "page.js").read_text("utf-8").replace("</script", "<\\/script")
    style = BODY + (STATIC / "style.css").read_text("utf-8")
    # Styles that scripts set on elements are not covered by a hash, and harmless.
    policy = f"script-src {_hash(script)}; style-src {_hash(style)}; img-src data: blob:"
    return PAGE.format(
        policy=policy, title=html.escape(title), style=style, data=written, script=script
    )


def to_html(
    transcription: Transcription,
    path: str | Path,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
    settings: Mapping[str, Any] | None = None,
    title: str = "",
    overwrite: bool = False,
) -> Path:
    """Write an explorer into a file of its own: sliders, sound and all.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser heard; without sound nothing can be played.
    path : str or Path
        The file, in a folder that exists.
    reference : Alignment, optional
        When each token was really said.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Other alignments to see beside it, by name.
    settings : mapping, optional
        Where the controls stand when it is opened, if elsewhere than the model; see
        `cifviz.explorer.settings.model_settings`.
    title : str
        Default: the tokens, or the first of many.
    overwrite : bool
        Whether a file that stands there may be replaced.

    Returns
    -------
    Path
        Of the page. It opens from disk in any browser and asks nobody for anything.

    Raises
    ------
    CIFError
        If the folder does not exist, something stands there that may not be replaced (see
        `cifviz.resources.check_target`), or something is not what it should be.

    Examples
    --------
    >>> import cifviz, tempfile
    >>> clip = cifviz.load_clip("digits_two")
    >>> heard = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = to_html(heard, f"{folder}/two.html", reference=clip.words)
    ...     path.stat().st_size < 300_000
    True
    """
    check_target(path, overwrite=overwrite)
    data = view_data(transcription, reference=reference, compare=compare)
    data["begin"] = checked(
        {} if settings is None else settings, transcription.require_firing().alpha.shape[1]
    )
    waveform = transcription.waveform
    sound = None if waveform is None else sound_of(waveform)
    title = title or textwrap.shorten(transcription.text, LONGEST_TITLE, placeholder=" …")
    text = page(data, title=title or "silence", sound=sound)
    # A title may hold surrogates, of a file's name that is no text.
    encoded = text.encode("utf-8", "backslashreplace")
    return write_atomically(path, lambda part: part.write_bytes(encoded), overwrite=overwrite)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
