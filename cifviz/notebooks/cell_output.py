"""Puts a bundle of representations into the output of a notebook cell."""

from __future__ import annotations

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
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        display(bundle, raw=True)
