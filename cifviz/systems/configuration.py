"""Configurations from plain values, such as a file holds: each key is one that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from cifviz.errors import CIFError, require, require_choice, shown

Config = TypeVar("Config")


def checked_settings(
    name: str, values: object, known: Sequence[str], *, required: Sequence[str] = ()
) -> dict[str, Any]:
    """The settings of a model, or of a part of one.

    Parameters
    ----------
    name : str
        Whose they are, for messages.
    values : mapping of str to Any
        What a file says.
    known, required : sequence of str
        Keys that may be there, and those that must.

    Raises
    ------
    CIFError
        If it is no mapping, or a key is not known or not there.

    Examples
    --------
    >>> checked_settings("encoder", {"colour": "red"}, ["channels", "kernel"])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: encoder setting must be one of 'channels', 'kernel', got 'colour'
    """
    if not isinstance(values, Mapping):
        raise CIFError(f"{name} configuration must be a Mapping, got {shown(values)}")
    for key in values:
        require_choice(f"{name} setting", key, known)
    missing = [key for key in required if key not in values]
    require(not missing, f"{name} configuration lacks {', '.join(missing)}")
    return dict(values)


def from_settings(kind: type[Config], name: str, values: object) -> Config:
    """A part of a configuration, of the dataclass `kind`."""
    settings = fields(kind)  # type: ignore[arg-type]
    known = [one.name for one in settings]
    required = [one.name for one in settings if one.default is one.default_factory is MISSING]
    return kind(**checked_settings(name, values, known, required=required))
