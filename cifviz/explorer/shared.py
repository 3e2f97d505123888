"""Widgets that accept from a browser only what they accept from Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import ipywidgets
import traitlets

from cifviz.errors import CIFError, require, require_type


class SettingError(CIFError, traitlets.TraitError):
    """A value that a trait cannot have; traitlets then restores the previous value."""


@contextmanager
def refusing() -> Iterator[None]:
    """In a validator of a trait: raise a `CIFError` as a `SettingError`, which traitlets knows."""
    try:
        yield
    except CIFError as error:
        raise SettingError(str(error)) from error


class Shared(ipywidgets.Widget):
    """A widget of which a browser may change some traits.

    A message of a view changes all traits that it names. If one value is refused, nothing changes,
    and the views receive the present values and the error.

    Notes
    -----
    By default ipywidgets stores what a validator refuses, unless that raises a ``TraitError``, and
    does not report the refusal to the view.
    """

    OPEN: ClassVar[tuple[str, ...]] = ()
    """The traits that a view may change, in the order of their changes."""

    lock: AbstractContextManager[Any]
    """Held while a message of a view is processed: two may arrive on two threads."""

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Process what a view sent."""
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
        """Raise `CIFError` unless all of these values can be set, one after the other."""
        raise NotImplementedError
