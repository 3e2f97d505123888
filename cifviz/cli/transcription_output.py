"""What commands make of a transcription: a table on the terminal, and files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifviz.errors import printable, require_choice
from cifviz.text_tables import flush_right, text_table

if TYPE_CHECKING:
    from cifviz.systems.long_transcription import LongTranscription
    from cifviz.systems.transcription import Transcription

    Transcribed = Transcription | LongTranscription

PICTURE = ".png"
USUAL = "png,TextGrid,json"
"""Formats of a transcription, unless others are asked for: a picture, and two of alignments."""
MOST_DOUBTFUL = 20
"""Doubtful words that are listed on the terminal; the JSON file has all."""


def chosen_suffixes(names: str) -> tuple[str, ...]:
    """Suffixes of files by the names of their formats, separated by commas, each once.

    Raises
    ------
    CIFError
        If there is no such format, or it needs a library that is not installed.

    Examples
    --------
    >>> chosen_suffixes("ctm,SRT, textgrid,ctm")
    ('.ctm', '.srt', '.TextGrid')
    """
    from cifviz.formats import WRITERS, check_installed

    known = {suffix[1:].lower(): suffix for suffix in (PICTURE, *WRITERS)}
    asked = [name.strip().lower().removeprefix(".") for name in names.split(",")]
    for name in asked:
        require_choice("--format", name, known)
        check_installed(known[name])
    return tuple(dict.fromkeys(known[name] for name in asked))


def write_files(
    parts: Mapping[str, Path], path: Path, model: str, transcription: Transcribed, tier: str = ""
) -> None:
    """Write a picture or the alignment, by suffix.

    Parameters
    ----------
    parts : mapping of str to Path
        Where to write, by suffix of the format.
    path : Path
        The sound file.
    model : str
        Its name.
    transcription : Transcription or LongTranscription
    tier : str
        What a format of one tier holds; by default the first.

    Raises
    ------
    CIFError
        If the transcription has no such tier, or a format cannot hold the alignment.
    """
    from cifviz.formats import ONE_TIER, RECORDINGS, WRITERS

    tiers, details = transcription.tiers, _details(path, model, transcription)
    if tier:
        require_choice("--tier", tier, tiers)
    only = tiers[tier or next(iter(tiers))]
    for suffix, part in parts.items():
        if suffix == PICTURE:
            part.write_bytes(_picture(transcription))
            continue
        held = only if suffix in ONE_TIER | RECORDINGS else tiers
        WRITERS[suffix](part, held, transcription.duration, details=details)


def _picture(transcription: Transcribed) -> bytes:
    """The panel as a PNG image; of a long sound that of its first window."""
    from cifviz.plot import panel

    shown, what = in_view(transcription)
    drawn = panel(shown)
    if what:
        *_, lowest = drawn.axes.values()
        lowest.set_xlabel(f"time (s): {what}")
        drawn.fig.alt = f"The picture shows {what}. {drawn.fig.alt}"
    return drawn.fig.png()


def in_view(transcription: Transcribed) -> tuple[Transcription, str]:
    """What can be drawn of a transcription, and, where that is a part, which one."""
    from cifviz.systems.long_transcription import LongTranscription

    if not isinstance(transcription, LongTranscription):
        return transcription, ""
    shown, start = transcription.require_first(), transcription.first_start
    return shown, f"{start:.1f} to {start + shown.duration:.1f} of {transcription.duration:.0f} s"


def with_suffix(stem: Path, suffix: str) -> Path:
    """Append a suffix; a stem such as "take.1" keeps its dot."""
    return stem.with_name(stem.name + suffix)


def _details(path: Path, model: str, transcription: Transcribed) -> dict[str, Any]:
    """What is known beside the tokens and the duration."""
    config = transcription.config
    details = {
        "file": printable(path.name),
        "model": model,
        "vocabulary_size": config and len(config.vocabulary),
        "vocabulary": config and config.vocabulary_text,
        "mean_score": _rounded(transcription.mean_score),
        "out_of_domain": transcription.is_out_of_domain,
        "domain_distance": _rounded(transcription.domain_distance),
        "domain_bound": config and config.domain and config.domain.bound,
        "warning": transcription.warning or None,
    }
    firing = transcription.firing
    if firing is not None:
        fires = (transcription.grid.seconds(frame) for frame in firing.fire_positions[0].tolist())
        details |= {
            "weight_sum": round(float(firing.weight_sum), 4),
            "residual": round(float(firing.residual), 4),
            "tail_fired": bool(firing.tail_fired),
            "fires": [round(seconds, 4) for seconds in fires],
        }
    return details | _word_details(transcription)


def _word_details(transcription: Transcribed) -> dict[str, Any]:
    """What is known of the words beside their times; nothing of a system without them."""
    from cifviz.systems.doubtful_words import UNEXPLAINED, doubtful_words, presence_of
    from cifviz.systems.long_transcription import LongTranscription
    from cifviz.systems.transcription import INTERVALS

    if transcription.words is None:
        return {}
    presence, intervals = presence_of(transcription), transcription.extras.get(INTERVALS)
    details: dict[str, Any] = {
        "text": transcription.text,
        "presence": presence and [_rounded(one) for one in presence],
        "intervals": None
        if intervals is None
        else [[[_finite(one) for one in edge] for edge in word] for word in intervals],
        "doubtful": [
            {"word": one.index, "reasons": list(one.reasons)}
            for one in doubtful_words(transcription)
        ],
    }
    unexplained = transcription.extras.get(UNEXPLAINED)
    details[UNEXPLAINED] = unexplained and [[_rounded(one) for one in both] for both in unexplained]
    if isinstance(transcription, LongTranscription):
        details["windows"] = [list(window) for window in transcription.windows]
    return details


def _finite(number: float) -> float | None:
    """A time of an interval; None of an untimed word."""
    return _rounded(float(number)) if math.isfinite(number) else None


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def transcription_table(path: Path, model: str, transcription: Transcribed) -> str:
    """Tokens with times and scores, for a terminal; words, where the tokens are their phones."""
    from cifviz.systems.doubtful_words import presence_of

    # 1. A row for each.
    kind, alignment = next(iter(transcription.tiers.items()))
    tokens = alignment.tokens
    config = transcription.config
    known = (
        f"model {printable(model)}, {config.vocabulary_text}" if config else transcription.summary
    )
    if config and tokens:
        known += f", mean score {transcription.mean_score or 0.0:.2f}"
    columns = [
        [kind.removesuffix("s"), *(printable(token.token) for token in tokens)],
        _numbers("start s", [token.start for token in tokens]),
        _numbers("end s", [token.end for token in tokens]),
        _numbers("score", [token.score for token in tokens]),
    ]
    presence = presence_of(transcription)
    if presence is not None:
        columns.append(_numbers("presence", presence))
    header, *rows = zip(*columns, strict=True)
    lines = text_table(header, rows).splitlines()

    # 2. What is to be said about them.
    if not tokens:
        nothing = "no token fired" if transcription.firing else "no token"
        lines.append("(no word)" if kind == "words" else f"({nothing})")
    if transcription.warning:
        lines.append(f"warning: {transcription.warning}")
    lines += _doubtful(transcription)
    title = f"{printable(path.name)}  ({transcription.duration:.2f} s, {known})"
    return "\n  ".join([title, *lines])


def _doubtful(transcription: Transcribed) -> list[str]:
    """A line for each doubtful word, worst first, and one for what is not in the transcript."""
    from cifviz.systems.doubtful_words import UNEXPLAINED, doubtful_words

    doubtful = doubtful_words(transcription)
    lines = ["doubtful, worst first:"] if doubtful else []
    for one in doubtful[:MOST_DOUBTFUL]:
        start, end = one.word.start, one.word.end
        place = "" if start is None or end is None else f" {start:.2f}–{end:.2f} s"
        reasons = ", ".join(printable(reason) for reason in one.reasons)
        lines.append(f"  {printable(one.word.token)}{place}: {reasons}")
    more = len(doubtful) - MOST_DOUBTFUL
    lines += [f"  and {more} more"] * (more > 0)
    spoken = [
        f"{start:.2f}–{end:.2f} s" for start, end in transcription.extras.get(UNEXPLAINED, ())
    ]
    if spoken:
        others = f" and {len(spoken) - MOST_DOUBTFUL} more" if len(spoken) > MOST_DOUBTFUL else ""
        listed = ", ".join(spoken[:MOST_DOUBTFUL])
        lines.append(f"spoken, but not in the transcript: {listed}{others}")
    return lines


def _numbers(title: str, numbers: Sequence[float | None]) -> list[str]:
    """A column: two decimals, or a dash for what is not known."""
    return flush_right([title, *("–" if one is None else f"{one:.2f}" for one in numbers)])
