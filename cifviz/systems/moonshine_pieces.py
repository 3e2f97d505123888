"""`MoonshinePieces`: the word pieces of Moonshine's text decoder, and its table of embeddings.

Beside the states of Moonshine's encoder, the table is an output layer that has met speech. It comes
with the extras ``cifviz[english]`` and ``cifviz[lm]``, see `cifviz.systems.moonshine_layers`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from cifviz.audio.moonshine import load_moonshine
from cifviz.errors import require, require_type, shown
from cifviz.systems.moonshine_layers import decoder_table

SPACE = "\u2581"
"""How a space is written in a piece."""


class MoonshinePieces:
    """The tokenizer of Moonshine and the embeddings of its pieces; no language model.

    Raises
    ------
    CheckpointError
        If the extra ``cifviz[english]`` is not installed.
    """

    name = "moonshine"

    def __init__(self) -> None:
        self._ids = _ids_of(load_moonshine().pieces)

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text; a character that is in none is left out."""
        require_type("text", text, str)
        words = (SPACE + word for word in text.split())
        return [piece for word in words for piece in merged(word, self._ids)]

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Rows of the pieces in the table of embeddings.

        Raises
        ------
        CIFError
            If it has no such piece.
        """
        for piece in pieces:
            require(piece in self._ids, f"{self.name} has no piece {shown(piece)}")
        return [self._ids[piece] for piece in pieces]

    def embeddings(self, ids: Sequence[int]) -> Tensor:
        """Rows of the table of embeddings (ids, 288)."""
        return decoder_table()[torch.tensor(list(ids), dtype=torch.long)].clone()


def merged(word: str, ids: Mapping[str, int]) -> list[str]:
    """The pieces of a word by byte-pair encoding: of all neighbours, those with the lowest id join.

    Parameters
    ----------
    word : str
    ids : mapping of str to int
        Of the pieces; an earlier merge has a lower id.

    Examples
    --------
    "lo" comes before "ow", so that is left in two:

    >>> merged("low", {"l": 0, "o": 1, "w": 2, "lo": 3, "ow": 4})
    ['lo', 'w']
    """
    pieces = [one for one in word if one in ids]
    while True:
        pairs = [first + second for first, second in itertools.pairwise(pieces)]
        known = [(ids[pair], place) for place, pair in enumerate(pairs) if pair in ids]
        if not known:
            return pieces
        _, place = min(known)
        pieces[place : place + 2] = [pairs[place]]


def _ids_of(pieces: Sequence[bytes]) -> dict[str, int]:
    """Ids of the pieces that are text; of equal ones the last counts: first come single bytes."""
    found: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        text = piece.decode("utf-8", errors="replace")
        if "\ufffd" not in text:
            found[text] = number
    return found
