"""The explorer as one HTML file that needs no network and no kernel."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require_choice
from cifviz.explorer.compared import Other, named, spans_of
from cifviz.explorer.correction import checked_correction
from cifviz.explorer.data import view_data
from cifviz.explorer.kept import checked_kept
from cifviz.explorer.settings import checked, fixed_in_views, require_free
from cifviz.explorer.sound_pieces import NONE, SOUNDS, sound_note, sound_pieces
from cifviz.resources import check_target, write_atomically
from cifviz.systems.transcription import Transcription

STATIC = Path(__file__).with_name("static")
"""Bundles of ``js``, made by ``build.mjs``."""

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
"""Characters of a title made from the tokens."""

BODY = "html{color-scheme:light dark}body{max-width:75em;margin:1em auto;padding:0 1em}"
BODY += "@media (prefers-color-scheme:dark){html{background:#16181b}}"
BODY += "h1{font:600 20px system-ui,sans-serif;overflow-wrap:anywhere}"


def page(data: Mapping[str, Any], *, title: str) -> str:
    """The page with its data, its script and its style.

    Parameters
    ----------
    data : mapping
        Of `page_data`; of `view_data` for a page without sound.
    title : str
        Any text.

    Returns
    -------
    str
        HTML. Its content security policy allows its own script alone, and no request.
    """
    # JSON may contain what HTML takes for the end of the script, or for a comment.
    written = (
        json.dumps({"sound_pieces": None, **data}).replace("<", "\\u003c").replace(">", "\\u003e")
    )
    script = (STATIC / "page.js").read_text("utf-8").replace("</script", "<\\/script")
    style = BODY + (STATIC / "style.css").read_text("utf-8")
    # Styles that scripts set on elements are not covered by a hash, and are harmless.
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
    kept: Sequence[Mapping[str, Any]] = (),
    corrected: Alignment | None = None,
    title: str = "",
    name: str = "",
    sound: str = "",
    overwrite: bool = False,
) -> Path:
    """Write an explorer, with its sound, into an HTML file.

    Parameters
    ----------
    transcription : Transcription
        Without sound nothing can be played.
    path : str or Path
        The file, in a folder that exists.
    reference : Alignment, optional
        True times of the tokens.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Up to four others to show below, by name.
    settings : mapping, optional
        First positions of the controls that differ from the model's; see
        `cifviz.explorer.settings.model_settings`.
    kept : sequence of mapping
        Further settings whose tokens are lanes to compare, as many as four lanes have room for.
    corrected : Alignment, optional
        The tokens as a person corrected them, shown instead of those of the transcription.
    title : str
        Default: the tokens, or the first of them.
    name : str
        Of the recording, for the names of files that are saved from the page. Default: the page's.
    sound : {"exact", "small", "none"}, optional
        "exact" keeps every sample (FLAC, about 1.2 MB a minute), "small" is compressed (Opus, 0.3
        MB a minute): times do not shift. "none" leaves the sound out, and keeps the pictures of it.
        Default: exact up to two minutes.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        Of the page. It opens from disk in any browser and makes no request.

    Raises
    ------
    CIFError
        If the folder does not exist, a file exists that may not be replaced (see
        `cifviz.resources.check_target`), a setting is unknown or out of its range, or corrected
        tokens are untimed or leave the recording.

    Examples
    --------
    >>> import cifviz, tempfile
    >>> clip = cifviz.load_clip("digits_two")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = to_html(transcription, f"{folder}/two.html", reference=clip.words)
    ...     path.stat().st_size < 300_000
    True
    """
    check_target(path, overwrite=overwrite)
    data = page_data(
        transcription,
        reference=reference,
        compare=compare,
        settings=settings,
        kept=kept,
        corrected=corrected,
        name=name or Path(path).stem,
        sound=sound,
    )
    text = page(data, title=title or page_title(transcription))
    # A title may contain surrogates, from a file name that is not UTF-8.
    encoded = text.encode("utf-8", "backslashreplace")
    return write_atomically(path, lambda part: part.write_bytes(encoded), overwrite=overwrite)


def page_title(transcription: Transcription) -> str:
    """What a page is called: the tokens, or the first of them."""
    return textwrap.shorten(transcription.text, LONGEST_TITLE, placeholder=" …") or "silence"


def page_data(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
    settings: Mapping[str, Any] | None = None,
    kept: Sequence[Mapping[str, Any]] = (),
    corrected: Alignment | None = None,
    name: str = "",
    sound: str = "",
) -> dict[str, Any]:
    """Everything that a page shows and plays, as JSON can hold it; parameters as of `to_html`."""
    require_choice("sound", sound, SOUNDS)
    data = view_data(transcription, reference=reference, compare=compare, name=name)
    begin = {} if settings is None else settings
    data["begin"] = checked(begin, transcription.require_firing().alpha.shape[1])
    require_free(begin, transcription, fixed_in_views(transcription)[0])
    data["kept"] = checked_kept(kept, transcription, others=len(named(compare)))
    correction = checked_correction(corrected, transcription.duration)
    data["corrected"] = None if correction is None else spans_of(correction)
    waveform, data["sound_pieces"] = transcription.waveform, None
    if sound == NONE:
        data["sound"] = None
    elif waveform is not None and data["sound"] is not None:
        data["sound"]["note"] = sound_note(waveform, sound)
        pieces = sound_pieces(waveform, sound, size=data["sound"]["piece"])
        data["sound_pieces"] = [base64.b64encode(one).decode("ascii") for one in pieces]
    return data


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
