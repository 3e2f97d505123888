"""Tokens that a person corrected: the twin of ``js/correction.js``, which changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import is_number, require, require_type, shown

KEYS = {"labels", "starts", "ends"}
LONGEST_LABEL = 1000
"""Characters of a label."""
MOST = 1_000_000
"""Tokens that a view may send."""
ROUNDING = 1e-6
"""Seconds by which a time may lie behind the end of the sound."""


def checked_correction(corrected: object, duration: float) -> Alignment | None:
    """A corrected alignment, with times in whole microseconds.

    Parameters
    ----------
    corrected : Alignment or None
        All of its tokens timed.
    duration : float
        Seconds of the recording, which no token leaves.

    Returns
    -------
    Alignment or None
        The same tokens without scores: what a person placed has none.

    Raises
    ------
    CIFError
        If it is something else, a token is untimed or leaves the recording, or a label is too long
        or cannot be written.

    Examples
    --------
    >>> checked_correction(Alignment((TimedToken("one", 0.1, 0.1 + 0.2, score=0.9),)), 1.0)
    Alignment(tokens=(TimedToken(token='one', start=0.1, end=0.3, score=None),))
    """
    if corrected is None:
        return None
    require_type("corrected", corrected, Alignment)
    assert isinstance(corrected, Alignment)
    tokens = []
    for index, token in enumerate(corrected.tokens):
        start, end = token.start, token.end
        require(
            start is not None and end is not None,
            f"corrected tokens have times; token {index} ({shown(token.token)}) is untimed",
        )
        assert start is not None and end is not None
        require(
            start >= 0 and end <= duration + ROUNDING,
            f"corrected token {index} ({shown(token.token)}) from {start:g} to {end:g} s is "
            f"outside of the {duration:g} s of sound",
        )
        require(
            len(token.token) <= LONGEST_LABEL and _is_writable(token.token),
            f"a corrected label has at most {LONGEST_LABEL} characters and no lone surrogates, "
            f"got {shown(token.token)}",
        )
        tokens.append(TimedToken(token.token, round(start, 6), round(end, 6)))
    return Alignment(tuple(tokens))


def corrected_of(spans: object, duration: float) -> Alignment | None:
    """A corrected alignment as a view sends it.

    Parameters
    ----------
    spans : mapping or None
        Of `cifviz.explorer.data.spans_of`.
    duration : float
        Seconds of the recording.

    Raises
    ------
    CIFError
        If it is anything that `checked_correction` refuses, or that is no such mapping.

    Examples
    --------
    >>> corrected_of({"labels": ["one"], "starts": [0.1], "ends": [0.3]}, 1.0).spans
    ((0.1, 0.3),)
    """
    if spans is None:
        return None
    require_type("edited", spans, Mapping)
    assert isinstance(spans, Mapping)
    require(set(spans) == KEYS, f"edited: expected {sorted(KEYS)}, got other keys")
    labels, starts, ends = (_list(name, spans[name]) for name in ("labels", "starts", "ends"))
    require(
        len(labels) == len(starts) == len(ends) <= MOST,
        f"edited: expected as many starts and ends as labels, got {len(starts)} and {len(ends)} "
        f"for {len(labels)}",
    )
    tokens = []
    for label, start, end in zip(labels, starts, ends, strict=True):
        require(isinstance(label, str), f"edited: expected a text as a label, got {shown(label)}")
        require(
            is_number(start) and is_number(end),
            f"edited: expected times in seconds, got {shown(start)} and {shown(end)}",
        )
        tokens.append(TimedToken(label, float(start), float(end)))
    return checked_correction(Alignment(tuple(tokens)), duration)


def _list(name: str, values: Any) -> list[Any]:
    require(isinstance(values, list), f"edited: expected a list of {name}, got {shown(values)}")
    return list(values)


def _is_writable(label: str) -> bool:
    """Whether it can be written as UTF-8: a lone surrogate cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in label)
