"""The explorer: an interactive view of a transcription, in a notebook or in a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cifviz.alignment.timed_tokens import Alignment
from cifviz.explorer.audible import sonify
from cifviz.explorer.compared import Other
from cifviz.explorer.page import to_html
from cifviz.systems.base import System
from cifviz.systems.transcription import Transcription

if TYPE_CHECKING:
    from cifviz.explorer.widget import Explorer

__all__ = ["explore", "sonify", "to_html"]


def explore(
    transcription: Transcription,
    *,
    reference: Alignment | None = None,
    compare: Other | Mapping[str, Other] | None = None,
    model: System | None = None,
) -> Explorer:
    """Show a transcription in a notebook, play it, and change the settings behind it.

    Parameters
    ----------
    transcription : Transcription
        With its sound, tokens can be played.
    reference : Alignment, optional
        True times of the tokens: shown as a lane of its own, with the error of each edge.
    compare : Alignment, Transcription or mapping of str to one of them, optional
        Up to four others to show below, by name: of another model, or at another setting. How far
        they agree is drawn and stands in a table.
    model : System, optional
        Transcribes what the reader records or drops onto the explorer. Without a model the explorer
        does not record.

    Returns
    -------
    Explorer
        A widget. Its ``settings``, ``selection`` (index of a token) and ``alignment`` are traits
        that can be read, set and observed. ``to_html`` writes it into a file of its own. Where no
        widget can be shown, a picture and a table replace it.

    Raises
    ------
    CIFError
        If an argument has another type than stated above.

    Examples
    --------
    The weights of this clip sum to 5.00; half the threshold gives twice as many tokens.

    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_five")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> explorer = explore(transcription, reference=clip.words)
    >>> explorer.alignment.text
    'two seven one eight two'
    >>> explorer.settings = {"threshold": 0.5, "scaling": "as given"}
    >>> explorer.alignment.text
    '1 2 3 4 5 6 7 8 9 10'
    """
    from cifviz.explorer.widget import Explorer  # which loads ipywidgets and IPython

    return Explorer(transcription, reference=reference, compare=compare, model=model)
