"""One lock for what is shown: Jupyter hands the messages of widgets to several threads.

A kernel with subshells (ipykernel 7, JupyterLab 4.4 and later) runs cells in its main thread and
messages of widgets in others. Neither matplotlib (pyplot, font cache, mathtext) nor a widget's
traits may be used by two of them at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

DISPLAY = threading.RLock()
"""Held while a figure is drawn and while an explorer changes. There is one for both, so that an
explorer's observer may draw, and a drawing may move an explorer, without waiting for each other."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def one_at_a_time(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a function hold `DISPLAY` while it runs; it may call others that do.

    >>> @one_at_a_time
    ... def twice(number):
    ...     return 2 * number
    >>> twice(3)
    6
    """

    @wraps(function)
    def alone(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with DISPLAY:
            return function(*args, **kwargs)

    return alone
