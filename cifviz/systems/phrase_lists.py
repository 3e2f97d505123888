"""Lists of phrases: as text, as numbers, drawn from references, and found in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from cifviz.errors import CIFError, require_type, shown
from cifviz.resources import read_text

LONGEST_PHRASE = 30
"""Tokens of a phrase, at most: ``max_phrase_len`` of CIF-ColDec."""
LARGEST_FILE = 2**20
"""Bytes of a file of phrases, at most."""


def distinct_phrases(phrases: Sequence[str], *, places: Sequence[str] = ()) -> tuple[str, ...]:
    """The phrases of a list, each once and in their order, with single spaces; empty ones left out.

    Parameters
    ----------
    phrases : sequence of str
        Tokens separated by spaces.
    places : sequence of str, optional
        Where each stands, for messages; "phrase 0" and so on by default.

    Raises
    ------
    CIFError
        If it is no sequence of texts.

    Examples
    --------
    >>> distinct_phrases(["two  one", "", "two one", "four"])
    ('two one', 'four')
    """
    return tuple(dict.fromkeys(" ".join(tokens) for _, tokens in _split(phrases, places)))


def phrase_ids(
    phrases: Sequence[str], vocabulary: Sequence[str], *, places: Sequence[str] = ()
) -> Tensor:
    """The tokens of the `distinct_phrases` of a list as numbers.

    Parameters
    ----------
    phrases : sequence of str
        Tokens separated by spaces; empty phrases and repeated ones may be among them.
    vocabulary : sequence of str
        The tokens that are known; a token's number is its place.
    places : sequence of str, optional
        Where each phrase stands, for messages; "phrase 0" and so on by default.

    Returns
    -------
    Tensor (phrases, tokens), int64
        Padded with −1.

    Raises
    ------
    CIFError
        If it is no sequence of texts, or a phrase has a token that is not in the vocabulary or more
        than `LONGEST_PHRASE` of them.

    Examples
    --------
    >>> phrase_ids(["yes", "", "no yes", "yes"], ["no", "yes"])
    tensor([[ 1, -1],
            [ 0,  1]])
    """
    numbers = {token: index for index, token in enumerate(vocabulary)}
    rows: dict[tuple[int, ...], None] = {}
    for place, tokens in _split(phrases, places):
        unknown = next((token for token in tokens if token not in numbers), None)
        if unknown is not None:
            raise CIFError(
                f"{place} ({shown(' '.join(tokens))}) has the token {shown(unknown)}, which is not "
                f"in the model's vocabulary of {len(numbers)} tokens"
            )
        if len(tokens) > LONGEST_PHRASE:
            raise CIFError(f"{place} must have at most {LONGEST_PHRASE} tokens, got {len(tokens)}")
        rows[tuple(numbers[token] for token in tokens)] = None
    return _padded(list(rows))


def read_phrases(path: str | Path, vocabulary: Sequence[str]) -> tuple[str, ...]:
    r"""The phrases of a text file, one a line.

    Parameters
    ----------
    path : str or Path
        UTF-8, at most `LARGEST_FILE` bytes. Empty lines are passed over, a phrase that is there
        several times counts once. There are no comments: "#" is a character like others.
    vocabulary : sequence of str
        The tokens that phrases may have, those of a model.

    Returns
    -------
    tuple of str
        As `distinct_phrases` gives them.

    Raises
    ------
    DataError
        If there is no such file, or it is too large or no text in UTF-8.
    CIFError
        If a phrase has a token that is not in the vocabulary, or too many tokens; the message
        names the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "names.txt")
    ...     _ = file.write_text("four two\n\nfour  two\nzero\n", "utf-8")
    ...     read_phrases(file, ["zero", "two", "four"])
    ('four two', 'zero')
    """
    text = read_text(path, "list of phrases", at_most=LARGEST_FILE)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    places = [f"line {number} of {path}" for number in range(1, len(lines) + 1)]
    phrase_ids(lines, vocabulary, places=places)
    return distinct_phrases(lines)


def collate_phrases(lists: Sequence[Tensor]) -> Tensor:
    """Lists of different sizes as one tensor.

    Parameters
    ----------
    lists : sequence of Tensor (phrases, tokens)
        As `phrase_ids` gives them.

    Returns
    -------
    Tensor (lists, phrases, tokens)
        Padded with −1; a phrase of −1 alone is none.

    Examples
    --------
    A list of one phrase beside one of two:

    >>> collate_phrases([torch.tensor([[4, 2]]), torch.tensor([[7], [3]])])
    tensor([[[ 4,  2],
             [-1, -1]],
    <BLANKLINE>
            [[ 7, -1],
             [ 3, -1]]])
    """
    phrases = max((one.shape[0] for one in lists), default=0)
    tokens = max((one.shape[1] for one in lists), default=0)
    made = torch.full((len(lists), phrases, tokens), -1, dtype=torch.long)
    for row, one in zip(made, lists, strict=True):
        row[: one.shape[0], : one.shape[1]] = one
    return made


def drawn_phrases(
    targets: Tensor, target_lengths: Tensor, *, lengths: Sequence[int], keep: float
) -> Tensor:
    """A list of phrases for a batch in training: at most one of each utterance, for all of them.

    From each utterance a run of tokens is drawn, of one of those `lengths` that it has, all as
    likely, and kept with the probability `keep`. So what an utterance does not hold comes from the
    others, and some utterances hold no phrase at all.

    Parameters
    ----------
    targets : Tensor (batch, tokens)
        Token ids, padded with −1.
    target_lengths : Tensor (batch,)
    lengths : sequence of int > 0
        How many tokens a phrase may have.
    keep : float in [0, 1]

    Returns
    -------
    Tensor (phrases, tokens)
        Distinct phrases, padded with −1; drawn with torch's random numbers.

    Examples
    --------
    Of two tokens there is no choice, of one token neither length can be drawn:

    >>> targets = torch.tensor([[4, 7], [5, -1]])
    >>> drawn_phrases(targets, torch.tensor([2, 1]), lengths=[2, 3], keep=1.0)
    tensor([[4, 7]])

    Notes
    -----
    Source: the keys ``contextual_content``, ``train_used_ngram_per_utt`` and ``train_p_keep`` in
    the configurations of CIF-ColDec (github.com/MingLunHan/CIF-ColDec).
    """
    batch = len(targets)
    kept = (torch.rand(batch) < keep).tolist()
    wanted, starts = torch.rand(2, batch).tolist()
    drawn: dict[tuple[int, ...], None] = {}
    utterances = zip(targets.tolist(), target_lengths.tolist(), wanted, starts, kept, strict=True)
    for row, count, which, start, is_kept in utterances:
        possible = [length for length in lengths if length <= count]
        if is_kept and possible:
            length = possible[int(which * len(possible))]
            first = int(start * (count - length + 1))
            drawn[tuple(row[first : first + length])] = None
    return _padded(list(drawn)).to(targets.device)


def places_in_phrases(targets: Tensor, phrases: Tensor) -> Tensor:
    """At which places of which phrases of a list each token lies.

    Parameters
    ----------
    targets : Tensor (batch, tokens)
        Token ids, padded with −1.
    phrases : Tensor (phrases, places)
        Of all utterances, padded with −1.

    Returns
    -------
    Tensor (batch, tokens, phrases, places), bool
        True for each token of each run of tokens that is a phrase.

    Examples
    --------
    The phrase "2 3" stands once and the phrase "5" nowhere. The last token of three is at the
    second place of the first phrase:

    >>> inside = places_in_phrases(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3], [5, -1]]))
    >>> inside[0].int().tolist()
    [[[0, 0], [0, 0]], [[1, 0], [0, 0]], [[0, 1], [0, 0]]]
    """
    inside = torch.zeros(*targets.shape, *phrases.shape, dtype=torch.bool, device=targets.device)
    counts = (phrases >= 0).sum(dim=1)
    for length in counts[counts > 0].unique().tolist():
        if length > targets.shape[1]:
            continue
        runs = targets.unfold(1, length, 1)  # (batch, starts, length)
        some = (counts == length).nonzero()[:, 0]
        found = (runs.unsqueeze(2) == phrases[some, :length]).all(dim=3)
        for place in range(length):
            inside[:, place : place + found.shape[1], some, place] |= found
    return inside


def _split(phrases: Sequence[str], places: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Where each phrase stands that is not empty, and its tokens."""
    if isinstance(phrases, str):
        raise CIFError(f"phrases must be a sequence of texts, not one text, got {shown(phrases)}")
    require_type("phrases", phrases, Sequence)
    for index, phrase in enumerate(phrases):
        place = places[index] if places else f"phrase {index}"
        require_type(place, phrase, str)
        if tokens := phrase.split():
            yield place, tokens


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of token ids as one tensor, padded with −1."""
    if not rows:
        return torch.zeros(0, 0, dtype=torch.long)
    tensors = [torch.tensor(row) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=-1)
