"""Word pieces, the units of language models, and the words that they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.metrics import token_errors
from cifviz.systems.transcription import Transcription

INSIDE = "##"
"""What a piece begins with that goes on with a word, of WordPiece."""
BEGINS = ("Ġ", "▁")
"""What a piece begins with that begins a word, of byte-level BPE and of SentencePiece."""


def joined_pieces(pieces: Sequence[str]) -> list[str]:
    """The words that pieces make, of whichever of these three kinds they are.

    Parameters
    ----------
    pieces : sequence of str
        As a tokenizer gives them. Where none has a mark of a beginning, each begins a word, but for
        those that begin with "##".

    Returns
    -------
    list of str
        Empty without a piece.

    Examples
    --------
    >>> joined_pieces(["please", "un", "##mute"]), joined_pieces(["please", "Ġun", "mute"])
    (['please', 'unmute'], ['please', 'unmute'])
    """
    marked = any(piece.startswith(BEGINS) for piece in pieces)
    words: list[str] = []
    for piece in pieces:
        text = piece.removeprefix(INSIDE)
        begins = piece.startswith(BEGINS) if marked else not piece.startswith(INSIDE)
        for mark in BEGINS:
            text = text.removeprefix(mark)
        if begins or not words:
            words.append(text)
        else:
            words[-1] += text
    return [word for word in words if word]


def word_errors(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> dict[str, Any]:
    """Errors of the words that pieces make, and how many words there are: a metric of systems.

    Parameters
    ----------
    transcriptions : sequence of Transcription
    references : sequence of Alignment
        In pieces, in the same order.
    """
    wanted = [joined_pieces([one.token for one in words]) for words in references]
    errors = token_errors(wanted, [joined_pieces(one.tokens) for one in transcriptions])
    return {
        "words": errors.tokens,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "substitutions": errors.substitutions,
        "rate": errors.rate,
    }
