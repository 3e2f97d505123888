"""One error family, and the few checks that raise it.

A message says what was expected, what came, and where. Whoever calls the library may catch
``CIFError`` or plain ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Iterable


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
        listed = ", ".join(repr(choice) for choice in known)
        raise CIFError(f"{name} must be one of {listed}, got {value!r}")
