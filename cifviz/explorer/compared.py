"""What stands beside the tokens of an explorer: the words of phones, and compared alignments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require, require_type
from cifviz.systems.doubtful_words import doubtful_words
from cifviz.systems.transcription import INTERVALS, Transcription

Other = Transcription | Alignment
"""What a transcription can be compared with."""

MOST = 4
"""Lanes that are compared at most, given ones and kept settings together."""


def named(compare: Other | Mapping[str, Other] | None) -> dict[str, Alignment]:
    """Alignments by name; a single one is named "other".

    >>> named(Alignment())
    {'other': Alignment(tokens=())}
    """
    return {name: _alignment(one) for name, one in _given(compare).items()}


def lanes(
    transcription: Transcription, compare: Other | Mapping[str, Other] | None
) -> list[dict[str, Any]]:
    """The words of a transcription whose tokens are phones, then what it is compared with.

    Returns
    -------
    list of dict
        ``name`` and ``tokens``; of a transcription with a CIF its ``fires`` (seconds); of words
        that have them the ``intervals`` of their edges (seconds), and those words whose place is
        doubtful (``doubts``), the worst first. `Compared` in ``js/types.d.ts``.

    Raises
    ------
    CIFError
        If there are more than `MOST` to compare, or one is neither alignment nor transcription.
    """
    found: list[dict[str, Any]] = []
    if transcription.words is not None:
        found.append(
            {
                "name": "words",
                "tokens": spans_of(transcription.words),
                "intervals": _intervals(transcription),
                "doubts": [
                    {"word": one.word.token, "reasons": list(one.reasons)}
                    for one in doubtful_words(transcription)
                ],
                "isOwn": True,
            }
        )
    for name, one in _given(compare).items():
        lane = {"name": name, "tokens": spans_of(_alignment(one))}
        if isinstance(one, Transcription) and one.firing is not None:
            grid, frames = one.grid, one.firing.fire_positions[0].tolist()
            lane["fires"] = [round(grid.start + frame * grid.shift, 6) for frame in frames]
        found.append(lane)
    return found


def spans_of(alignment: Alignment) -> dict[str, list[Any]]:
    """The timed tokens of an alignment, times to the microsecond.

    >>> from cifviz import TimedToken
    >>> spans_of(Alignment((TimedToken("one", 0.1, 0.30000000000000004),)))
    {'labels': ['one'], 'starts': [0.1], 'ends': [0.3]}
    """
    require_type("alignment", alignment, Alignment)
    timed = alignment.timed
    return {
        "labels": [token.token for token in timed],
        "starts": [round(token.start or 0.0, 6) for token in timed],
        "ends": [round(token.end or 0.0, 6) for token in timed],
    }


def _given(compare: Other | Mapping[str, Other] | None) -> dict[str, Other]:
    """What is compared, by name; raises `CIFError` for too many."""
    if compare is None:
        return {}
    given = compare if isinstance(compare, Mapping) else {"other": compare}
    require(
        len(given) <= MOST,
        f"compare: at most {MOST} alignments can be compared at once, got {len(given)}",
    )
    for name, one in given.items():
        require(
            isinstance(one, Alignment | Transcription),
            f"compare: expected an Alignment or a Transcription as {name!r}, "
            f"got {type(one).__name__}",
        )
    return {str(name): one for name, one in given.items()}


def _alignment(one: Other) -> Alignment:
    return one.alignment if isinstance(one, Transcription) else one


def _intervals(transcription: Transcription) -> list[Any] | None:
    """Earliest and latest time of both edges of each timed word; None where they are not known."""
    read = transcription.extras.get(INTERVALS)
    words = transcription.words
    if read is None or words is None:
        return None
    timed = [index for index, word in enumerate(words) if word.is_timed]
    return [[[round(time, 6) for time in edge] for edge in read[index].tolist()] for index in timed]
