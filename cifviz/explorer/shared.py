"""Widgets that take from a browser only what they would take from Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import ipywidgets
import traitlets

from cifviz.errors import CIFError, require, require_type


class SettingError(CIFError, traitlets.TraitError):
    """A value that a trait cannot have; traitlets goes back to the last one when it sees this."""


@contextmanager
def refusing() -> Iterator[None]:
    """In a validator of a trait: let `CIFError` be one that traitlets knows, too."""
    try:
        yield
    except CIFError as error:
        raise SettingError(str(error)) from error


class Shared(ipywidgets.Widget):
    """A widget whose state a browser may change in part.

    A message of a view changes all that it names or, where any of that is refused, nothing; then
    the views are sent what holds, and the error.

    Notes
    -----
    Left to itself, ipywidgets stores what a validator refuses, unless that raises a ``TraitError``,
    and does not tell the view that it was refused.
    """

    OPEN: ClassVar[tuple[str, ...]] = ()
    """The traits that a view may change, in the order in which they are."""

    lock: AbstractContextManager[Any]
    """Held while a message of a view is taken in: two may arrive on two threads."""

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take in what a view sent."""
        with self.lock:
            is_state = isinstance(sync_data, Mapping)
            named = {name: sync_data[name] for name in self.keys if is_state and name in sync_data}
            try:
                require_type("state", sync_data, Mapping)
                for name in named:
                    require(name in self.OPEN, f"a view may not change {name}")
                self.check(named)
            except CIFError as error:
                self.send_state(named)
                self.send({"error": str(error)})
                return
            for name in self.OPEN:
                if name in named:
                    super().set_state({name: named[name]})

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise `CIFError` unless all of this can be, one after the other."""
        raise NotImplementedError
