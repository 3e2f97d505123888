"""Puts a bundle of representations into the output of a notebook cell."""

from __future__ import annotations

import sys
from typing import Any


def emit(bundle: dict[str, Any]) -> None:
    """Show a mime bundle in a notebook cell; outside a notebook print its plain text.

    Parameters
    ----------
    bundle : dict of str to object
        Representations of one output, by media type; "text/plain" is always among them.

    Examples
    --------
    >>> emit({"text/plain": "3 tokens", "text/html": "<b>3</b> tokens"})
    3 tokens
    """
    ipython = sys.modules.get("IPython")  # whoever runs cells has imported it
    if ipython is None or ipython.get_ipython() is None:
        print(bundle["text/plain"])
    else:
        from IPython.display import display

        display(bundle, raw=True)
