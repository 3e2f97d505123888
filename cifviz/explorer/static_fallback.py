"""The static fallback of the explorer: a picture and a table for viewers that run no script.

GitHub, nbviewer, a PDF and a page of nbconvert without a network show it instead of the explorer.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import islice
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import require_type
from cifviz.explorer.compared import Other, named
from cifviz.explorer.truncate import truncate, truncate_alignment
from cifviz.systems.transcription import Transcription

MAX_SECONDS = 30.0
"""Seconds of sound in the picture: of longer sound, the first ones."""
MAX_ROWS = 100
"""Rows of the table."""
MAX_COMPARED = 2
"""Lanes of compared alignments."""
DPI, COLOURS, FEWER_COLOURS = 80, 50, 40
"""Of the picture, and fewer colours if it shows `MAX_SECONDS`: a notebook stores it twice."""


def static_fallback(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
) -> dict[str, Any]:
    """A picture and a table of what the explorer shows.

    Parameters
    ----------
    transcription : Transcription
    reference : Alignment, optional
        True times of the tokens: a lane, and two columns of errors if there are as many tokens.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Other alignments by name, of which the first `MAX_COMPARED` get a lane.

    Returns
    -------
    dict
        A mime bundle of three parts. "image/png" is the panel (base64), "text/plain" its
        alternative text. "text/html" has model and mean score, the warning about a sound out of
        domain, the panel, and a table of at most `MAX_ROWS` tokens. Of more than `MAX_SECONDS` of
        sound the panel shows the first ones, and states it.

    Raises
    ------
    CIFError
        If an argument has another type than stated above.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_two")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> bundle = static_fallback(transcription, reference=clip.words)
    >>> sorted(bundle), bundle["text/html"].count("<tr>")
    (['image/png', 'text/html', 'text/plain'], 3)
    """
    from cifviz.plot import panel
    from cifviz.plot.images import picture_bundle, png

    require_type("transcription", transcription, Transcription)
    reference = transcription.reference if reference is None else reference
    if reference is not None:
        require_type("reference", reference, Alignment)
    # 1. What fits into the picture.
    part = truncate(transcription, MAX_SECONDS)
    shown, others = reference, dict(islice(named(compare).items(), MAX_COMPARED))
    colours, words = COLOURS, ""
    if part is not transcription:
        shown = reference and truncate_alignment(reference, part.duration)
        others = {name: truncate_alignment(one, part.duration) for name, one in others.items()}
        colours = FEWER_COLOURS
        words = f"the first {part.duration:.0f} of {transcription.duration:.0f} s"
    # 2. The picture and its alternative text.
    drawn = panel(part, reference=shown, compare=others)
    alt = drawn.fig.alt
    if words:
        *_, lowest = drawn.axes.values()
        lowest.set_xlabel(f"time (s): {words}")
        alt = f"The picture shows {words}. {alt}"
    bundle = picture_bundle(png(drawn.fig, colours=colours, dpi=DPI), alt)
    # 3. HTML: what the model is, the picture, the table.
    head = f"<div>{html.escape(transcription.summary)}</div>"
    if transcription.warning:
        warning = html.escape(f"⚠ warning: {transcription.warning}")
        head += f"<div><strong>{warning}</strong></div>"
    note = f"<p>The picture shows {words}.</p>" if words else ""
    table = spans_table(transcription.alignment, reference)
    return {**bundle, "text/html": f"<div>{head}{bundle['text/html']}{note}{table}</div>"}


def spans_table(alignment: Alignment, reference: Alignment | None = None) -> str:
    """Tokens and times as an HTML table; labels are escaped.

    Parameters
    ----------
    alignment : Alignment
        At most `MAX_ROWS` rows; a line below states how many tokens are left out.
    reference : Alignment, optional
        If it has as many timed tokens, two columns show hypothesis less reference, in ms.

    Returns
    -------
    str

    Examples
    --------
    >>> spans_table(Alignment((TimedToken("<b>", 0.25, 0.5),))).partition("<tbody>")[2]
    '<tr><th scope="row" dir="auto">&lt;b&gt;</th><td>0.250</td><td>0.500</td></tr></tbody></table>'
    """
    tokens = alignment.tokens
    true = () if reference is None else reference.timed
    is_paired = reference is not None and len(true) == len(alignment.timed) == len(tokens)
    heads = ["token", "start (s)", "end (s)"]
    heads += ["start off by (ms)", "end off by (ms)"] if is_paired else []
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    rows = [
        f'<tr><th scope="row" dir="auto">{html.escape(token.token)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in _cells(token, true[index] if is_paired else None))
        + "</tr>"
        for index, token in enumerate(tokens[:MAX_ROWS])
    ]
    more = len(tokens) - len(rows)
    return (
        f'<table dir="ltr"><caption>{_counted(len(tokens))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        + (f"<p>and {more} more</p>" if more else "")
    )


def _cells(token: TimedToken, true: TimedToken | None) -> list[str]:
    if token.start is None or token.end is None:
        return ["untimed", ""]
    times = [f"{token.start:.3f}", f"{token.end:.3f}"]
    if true is None or true.start is None or true.end is None:
        return times
    return [
        *times,
        *(f"{1000 * off:+.0f}" for off in (token.start - true.start, token.end - true.end)),
    ]


def _counted(tokens: int) -> str:
    return f"{tokens} token{'' if tokens == 1 else 's'}"
