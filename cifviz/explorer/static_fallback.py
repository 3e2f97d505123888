"""The explorer's still sibling: a picture and a table for where no script runs.

GitHub, nbviewer, a PDF and a page that nbconvert made offline show these instead of the explorer.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import islice
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import require_type
from cifviz.explorer.data import Other, named
from cifviz.explorer.truncate import opening
from cifviz.systems.transcription import Transcription

SECONDS = 30.0
"""Of longer sound the picture shows this much, from its beginning."""
MOST_ROWS = 100
"""Of the table."""
MOST_COMPARED = 2
"""Lanes of compared alignments."""
DPI, COLOURS, FEWER_COLOURS = 80, 56, 40
"""Of the picture, and of one that shows `SECONDS`: it stands twice in what a notebook keeps."""


def still(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
) -> dict[str, Any]:
    """What the explorer shows, standing still.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser heard.
    reference : Alignment, optional
        When each token was really said: a lane, and where the tokens are as many, two columns.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Other alignments by name, of which the first `MOST_COMPARED` get a lane.

    Returns
    -------
    dict
        A mime bundle: the panel as "image/png" (base64); "text/html", model and mean score,
        the warning about a sound out of domain, the panel with its alternative text, and a table of
        the tokens, at most `MOST_ROWS`; and the alternative text as "text/plain". Of more than
        `SECONDS` of sound the panel shows the beginning, and says so.

    Raises
    ------
    CIFError
        If something is not what it should be.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_two")
    >>> heard = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> bundle = still(heard, reference=clip.words)
    >>> sorted(bundle), bundle["text/html"].count("<tr>")
    (['image/png', 'text/html', 'text/plain'], 3)
    """
    from cifviz.plot import panel
    from cifviz.plot.images import picture_bundle, png

    require_type("transcription", transcription, Transcription)
    if reference is not None:
        require_type("reference", reference, Alignment)
    part = opening(transcription, SECONDS)
    said, others = reference, dict(islice(named(compare).items(), MOST_COMPARED))
    colours, words = COLOURS, ""
    if part is not transcription:
        said = reference and beginning(reference, part.duration)
        others = {name: beginning(one, part.duration) for name, one in others.items()}
        colours = FEWER_COLOURS
        words = f"the first {part.duration:.0f} of {transcription.duration:.0f} s"
    drawn = panel(part, reference=said, compare=others)
    alt = drawn.fig.alt
    if words:
        *_, lowest = drawn.axes.values()
        lowest.set_xlabel(f"time (s): {words}")
        alt = f"The picture shows {words}. {alt}"
    bundle = picture_bundle(png(drawn.fig, colours=colours, dpi=DPI), alt)
    head = f"<div>{html.escape(transcription.summary)}</div>"
    if transcription.warning:
        warning = html.escape(f"⚠ warning: {transcription.warning}")
        head += f"<div><strong>{warning}</strong></div>"
    note = f"<p>The picture shows {words}.</p>" if words else ""
    table = spans_table(transcription.alignment, reference)
    return {**bundle, "text/html": f"<div>{head}{bundle['text/html']}{note}{table}</div>"}


def beginning(alignment: Alignment, seconds: float) -> Alignment:
    """The timed tokens that begin before a moment.

    >>> two = Alignment((TimedToken("one", 0.1, 0.4), TimedToken("two", 0.4, 0.8)))
    >>> beginning(two, 0.3).text
    'one'
    """
    return Alignment(tuple(token for token in alignment.timed if (token.start or 0.0) < seconds))


def spans_table(alignment: Alignment, reference: Alignment | None = None) -> str:
    """Tokens and times as an HTML table; nothing in a label can become HTML.

    Parameters
    ----------
    alignment : Alignment
        Its rows, at most `MOST_ROWS`; behind them stands how many more there are.
    reference : Alignment, optional
        Where it times as many tokens, its edges are subtracted, in ms; below 0 is early.

    Returns
    -------
    str

    Examples
    --------
    >>> spans_table(Alignment((TimedToken("<b>", 0.25, 0.5),))).partition("<tbody>")[2]
    '<tr><th scope="row" dir="auto">&lt;b&gt;</th><td>0.250</td><td>0.500</td></tr></tbody></table>'
    """
    tokens = alignment.tokens
    said = () if reference is None else reference.timed
    is_paired = reference is not None and len(said) == len(alignment.timed) == len(tokens)
    heads = ["token", "start (s)", "end (s)"]
    heads += ["start off by (ms)", "end off by (ms)"] if is_paired else []
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    rows = [
        f'<tr><th scope="row" dir="auto">{html.escape(token.token)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in _cells(token, said[index] if is_paired else None))
        + "</tr>"
        for index, token in enumerate(tokens[:MOST_ROWS])
    ]
    more = len(tokens) - len(rows)
    return (
        f'<table dir="ltr"><caption>{_counted(len(tokens))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        + (f"<p>and {more} more</p>" if more else "")
    )


def _cells(token: TimedToken, said: TimedToken | None) -> list[str]:
    if token.start is None or token.end is None:
        return ["untimed", ""]
    times = [f"{token.start:.3f}", f"{token.end:.3f}"]
    if said is None or said.start is None or said.end is None:
        return times
    return [
        *times,
        *(f"{1000 * off:+.0f}" for off in (token.start - said.start, token.end - said.end)),
    ]


def _counted(tokens: int) -> str:
    return f"{tokens} token{'' if tokens == 1 else 's'}"
