"""One error family, and the few checks that raise it.

A message says what was expected, what came, and where. Whoever calls the library may catch
``CIFError`` or plain ``ValueError``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

MOST_CHOICES = 40
"""Choices that a message lists."""


class CIFError(ValueError):
    """Bad input to cifviz: an argument, a file or a checkpoint that cannot mean anything."""


class AudioError(CIFError):
    """A file or an array that is not usable audio."""


class CheckpointError(CIFError):
    """Weights that are missing, damaged, of the wrong shape, or not what they claim to be."""


class DataError(CIFError):
    """A data set, clip or label file that is missing, damaged or inconsistent."""


def require(condition: bool, message: str, error: type[CIFError] = CIFError) -> None:
    """Raise ``error(message)`` unless the condition holds.

    >>> require(0.5 > 0, "threshold must be > 0")
    """
    if not condition:
        raise error(message)


def require_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise unless `value` is one of `choices`; the message lists them.

    >>> require_choice("decoder", "rnn", ["ar", "nar"])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: decoder must be one of 'ar', 'nar', got 'rnn'
    """
    known = list(choices)
    if value not in known:
        listed = ", ".join(map(shown, known[:MOST_CHOICES]))
        more = len(known) - MOST_CHOICES
        listed += f" and {more} more" if more > 0 else ""
        raise CIFError(f"{name} must be one of {listed}, got {shown(value)}")


def require_type(name: str, value: object, kind: type) -> None:
    """Raise unless `value` is an instance of `kind`.

    >>> require_type("tokens", 3, list)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: tokens must be a list, got 3
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
        raise CIFError(f"{name} must be {article} {kind.__name__}, got {shown(value)}")


def require_number(
    name: str, value: object, *, error: type[CIFError] = CIFError, **bounds: float
) -> float:
    """Return `value` as a float, or raise unless it is a number within the bounds.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What was given.
    error : type of CIFError
        What to raise.
    **bounds : float
        Any of ``above``, ``at_least``, ``below``, ``at_most``.

    Examples
    --------
    >>> require_number("threshold", "1", above=0)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: threshold must be a number > 0, got '1'
    """
    _require_within(name, value, is_number(value), "a number", bounds, error)
    return float(value)  # type: ignore[arg-type]


def require_integer(
    name: str, value: object, *, error: type[CIFError] = CIFError, **bounds: float
) -> int:
    """Like `require_number`, but a whole number: 2.0 is none.

    >>> require_integer("n_mels", 40.0, above=0)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: n_mels must be an integer > 0, got 40.0
    """
    is_integer = isinstance(value, Integral) and is_number(value)
    _require_within(name, value, is_integer, "an integer", bounds, error)
    return int(value)  # type: ignore[call-overload]


def is_number(value: object) -> bool:
    """True for a finite real number; neither a bool nor the text of a number is one.

    >>> is_number(0.5), is_number("0.5"), is_number(True), is_number(float("nan"))
    (True, False, False, False)
    """
    try:
        # Comparisons, for torch.compile traces no math.isfinite of a number that may change.
        return (
            isinstance(value, Real)
            and not isinstance(value, bool)
            and -math.inf < float(value) < math.inf
        )
    except OverflowError:  # an int beyond the floats
        return False


def shown(value: object) -> str:
    """A value as a message shows it: on one line, of bearable length.

    >>> shown("1"), len(shown("1" * 1000))
    ("'1'", 60)
    """
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an int of more digits than Python prints
        text = f"a very large {type(value).__name__}"
    except RecursionError:
        text = f"a very deep {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"


def printable(text: str, *, most: int | None = None, keep: str = "") -> str:
    r"""A stranger's text, such as a file's name, as one line that any terminal may be sent.

    What does not print becomes its escape: control characters and with them line ends and ANSI
    sequences, marks that turn the direction of writing, surrogates of bytes that are no text.

    Parameters
    ----------
    text : str
        Any; escapes in it stay as they are.
    most : int, optional
        Cut after so many characters.
    keep : str
        Characters to leave as they are.

    >>> printable("two\nlines"), printable("\x1b[31mred"), printable("中文\udcff")
    ('two\\nlines', '\\x1b[31mred', '中文\\udcff')
    """
    if text.isprintable() and most is None:
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep else repr(letter)[1:-1]
        for letter in text[:most]
    )


_BOUNDS = {
    "above": (">", operator.gt),
    "at_least": (">=", operator.ge),
    "below": ("<", operator.lt),
    "at_most": ("<=", operator.le),
}


def _require_within(
    name: str,
    value: Any,
    is_kind: bool,
    kind: str,
    bounds: dict[str, float],
    error: type[CIFError],
) -> None:
    if not is_kind or not all(_BOUNDS[key][1](value, bound) for key, bound in bounds.items()):
        listed = " and ".join(f"{_BOUNDS[key][0]} {bound:g}" for key, bound in bounds.items())
        raise error(f"{name} must be {kind} {listed}".rstrip() + f", got {shown(value)}")
