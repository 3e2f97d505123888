"""How a result shows itself as a picture, although what draws it lies in a higher layer.

A result calls `png` in its ``_repr_png_``. The package that draws registers a function for each
class of results (`register`). ``cifviz/__init__.py`` names that package once (`provided_by`); it is
imported when the first picture is asked for, so that matplotlib is not loaded before.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from cifviz.errors import CIFError

Result = TypeVar("Result")
Png = tuple[bytes, dict[str, str]]
"""What IPython takes from ``_repr_png_``: the file, and metadata such as its alternative text."""

_providers: list[str] = []
_drawings: dict[type, Callable[[Any], Png]] = {}


def provided_by(module: str) -> None:
    """Name a module that registers drawings when it is imported; it is imported on demand."""
    _providers.append(module)


def register(kind: type[Result], draw: Callable[[Result], Png]) -> None:
    """Say how results of a class, and of those derived from it, are drawn; the last call holds."""
    _drawings[kind] = draw


def png(result: object) -> Png:
    """The picture of a result, for its ``_repr_png_``.

    Parameters
    ----------
    result : object
        Of a class for which a drawing is registered, or of one derived from it.

    Returns
    -------
    bytes, dict
        A PNG file, and its metadata: "alt" holds the alternative text.

    Raises
    ------
    CIFError
        If no drawing is registered for its class.

    Examples
    --------
    >>> class Celsius(float):
    ...     pass
    >>> register(Celsius, lambda degrees: (b"...", {"alt": f"{degrees:g} degrees"}))
    >>> png(Celsius(21.5))
    (b'...', {'alt': '21.5 degrees'})
    """
    for module in _providers:
        import_module(module)
    for kind in type(result).__mro__:
        if kind in _drawings:
            return _drawings[kind](result)
    raise CIFError(
        f"expected a result that can be drawn ({', '.join(one.__name__ for one in _drawings)}), "
        f"got {type(result).__name__}"
    )
