"""Controls that keep their value when a browser, or Python, asks for one they do not have."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets
import traitlets

from cifviz.errors import require, require_integer, require_number, require_type, shown
from cifviz.explorer.shared import Shared, refusing

LONGEST_TEXT = 10_000
"""Characters of a text, at most."""


class _Slider(Shared):
    """One value that is checked when a browser or Python sets it."""

    def __init__(self, **kwargs: Any):
        self.lock = threading.RLock()
        super().__init__(**kwargs)

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise `CIFError` unless the slider has this value."""
        for value in state.values():
            self.check_value(value)

    def check_value(self, value: object) -> None:
        """Raise `CIFError` unless the slider has this value."""
        raise NotImplementedError

    def _checked(self, proposal: Any) -> Any:
        with refusing():
            self.check_value(proposal["value"])
        return proposal["value"]


class FloatSlider(_Slider, ipywidgets.FloatSlider):
    """Numbers from ``min`` to ``max``."""

    OPEN = ("value",)

    def check_value(self, value: object) -> None:
        """Raise `CIFError` unless it is a number in the range."""
        require_number(self.description, value, at_least=self.min, at_most=self.max)

    @traitlets.validate("value")
    def _validate_value(self, proposal: Any) -> Any:
        return self._checked(proposal)


class IntSlider(_Slider, ipywidgets.IntSlider):
    """Whole numbers from ``min`` to ``max``."""

    OPEN = ("value",)

    def check_value(self, value: object) -> None:
        """Raise `CIFError` unless it is a whole number in the range."""
        require_integer(self.description, value, at_least=self.min, at_most=self.max)

    @traitlets.validate("value")
    def _validate_value(self, proposal: Any) -> Any:
        return self._checked(proposal)


class SelectionSlider(_Slider, ipywidgets.SelectionSlider):
    """One of several values; views know it by its index."""

    OPEN = ("index",)

    def check_value(self, value: object) -> None:
        """Raise `CIFError` unless it is the index of one of the values."""
        require_integer(self.description, value, at_least=0, below=len(self._options_full))

    @traitlets.validate("index")
    def _validate_index(self, proposal: Any) -> Any:
        return self._checked(proposal)


class Player(Shared, ipywidgets.Play):
    """Buttons that step a `SelectionSlider` through its values, which a browser links to them."""

    OPEN = ("value", "playing", "repeat")

    def __init__(self, **kwargs: Any):
        self.lock = threading.RLock()
        super().__init__(**kwargs)

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise `CIFError` unless it can play in this way."""
        for name, value in state.items():
            if name == "value":
                require_integer("value", value, at_least=self.min, at_most=self.max)
            else:
                require_type(name, value, bool)


class TextArea(_Slider, ipywidgets.Textarea):
    """Lines of text, which count once their field is left."""

    OPEN = ("value",)

    def __init__(self, **kwargs: Any):
        super().__init__(continuous_update=False, **kwargs)

    def check_value(self, value: object) -> None:
        """Raise `CIFError` unless it is a text that is not too long."""
        require_type(self.description, value, str)
        text = str(value)
        require(
            len(text) <= LONGEST_TEXT and all(map(str.isprintable, text.split())),
            f"{self.description} must be at most {LONGEST_TEXT} printable characters, "
            f"got {shown(value)}",
        )

    @traitlets.validate("value")
    def _validate_value(self, proposal: Any) -> Any:
        return self._checked(proposal)
