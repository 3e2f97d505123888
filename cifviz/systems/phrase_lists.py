"""Lists of phrases: as text, as numbers, drawn from references, and found in them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cifviz.errors import CIFError, require_type, shown

LONGEST_PHRASE = 30
"""Tokens of a phrase, at most: ``max_phrase_len`` of CIF-ColDec."""


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
    if isinstance(phrases, str):
        raise CIFError(f"phrases must be a sequence of texts, not one text, got {shown(phrases)}")
    require_type("phrases", phrases, Sequence)
    for index, phrase in enumerate(phrases):
        require_type(places[index] if places else f"phrase {index}", phrase, str)
    return tuple(dict.fromkeys(" ".join(one.split()) for one in phrases if one.strip()))


def phrase_ids(
    phrases: Sequence[str], vocabulary: Sequence[str], *, places: Sequence[str] = ()
) -> Tensor:
    """The tokens of phrases as numbers.

    Parameters
    ----------
    phrases : sequence of str
        Each with at least one token.
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
        If a phrase has a token that is not in the vocabulary, or more than `LONGEST_PHRASE`.

    Examples
    --------
    >>> phrase_ids(["yes", "no yes"], ["no", "yes"])
    tensor([[ 1, -1],
            [ 0,  1]])
    """
    numbers = {token: index for index, token in enumerate(vocabulary)}
    rows = []
    for index, phrase in enumerate(phrases):
        place = places[index] if places else f"phrase {index}"
        tokens = phrase.split()
        unknown = next((token for token in tokens if token not in numbers), None)
        if unknown is not None:
            raise CIFError(
                f"{place} ({shown(phrase)}) has the token {shown(unknown)}, which is not in the "
                f"model's vocabulary of {len(numbers)} tokens"
            )
        if len(tokens) > LONGEST_PHRASE:
            raise CIFError(
                f"{place} has {len(tokens)} tokens, a phrase has at most {LONGEST_PHRASE}"
            )
        rows.append(torch.tensor([numbers[token] for token in tokens], dtype=torch.long))
    return _padded(rows)


def collate_phrases(lists: Sequence[Tensor]) -> Tensor:
    """Lists of different sizes as one tensor (batch, phrases, tokens), padded with −1.

    A phrase of −1 alone is none.
    """
    phrases = max((len(one) for one in lists), default=0)
    tokens = max((one.shape[1] for one in lists), default=0)
    made = torch.full((len(lists), phrases, tokens), -1, dtype=torch.long)
    for row, one in zip(made, lists, strict=True):
        row[: one.shape[0], : one.shape[1]] = one
    return made


def drawn_phrases(
    targets: Tensor, target_lengths: Tensor, *, lengths: Sequence[int], keep: float
) -> Tensor:
    """A list of phrases for a batch in training: at most one of each utterance, for all of them.

    From each utterance a run of tokens is drawn, of one of `lengths`, all as likely; where the
    utterance has fewer tokens, all of them. It is kept with the probability `keep`. So what an
    utterance does not hold comes from the others, and some utterances hold no phrase at all.

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

    Notes
    -----
    Source: the keys ``contextual_content``, ``train_used_ngram_per_utt`` and ``train_p_keep`` in
    the configurations of CIF-ColDec (github.com/MingLunHan/CIF-ColDec).
    """
    batch = len(targets)
    kept = (torch.rand(batch) < keep).tolist()
    wanted = torch.tensor(list(lengths))[torch.randint(len(lengths), (batch,))].tolist()
    starts = torch.rand(batch).tolist()
    drawn: dict[tuple[int, ...], None] = {}
    counts = target_lengths.tolist()
    for row, count, most, start, is_kept in zip(
        targets.tolist(), counts, wanted, starts, kept, strict=True
    ):
        length = min(count, most)
        if not is_kept or not length:
            continue
        first = int(start * (count - length + 1))
        drawn[tuple(row[first : first + length])] = None
    return _padded([torch.tensor(phrase) for phrase in drawn]).to(targets.device)


def phrase_mask(targets: Tensor, phrases: Tensor) -> Tensor:
    """Which tokens lie inside of a phrase of a list.

    Parameters
    ----------
    targets : Tensor (batch, tokens)
        Token ids, padded with −1.
    phrases : Tensor (phrases, tokens)
        Of all utterances, padded with −1.

    Returns
    -------
    Tensor (batch, tokens), bool
        True for each token of each place where the tokens of a phrase stand in a row.

    Examples
    --------
    The phrase "2 3" stands once, the phrase "5" nowhere:

    >>> phrase_mask(torch.tensor([[1, 2, 3, 2, -1]]), torch.tensor([[2, 3], [5, -1]])).int()
    tensor([[0, 1, 1, 0, 0]], dtype=torch.int32)
    """
    inside = torch.zeros_like(targets, dtype=torch.bool)
    counts = (phrases >= 0).sum(dim=1)
    for length in counts[counts > 0].unique().tolist():
        if length > targets.shape[1]:
            continue
        runs = targets.unfold(1, length, 1)  # (batch, places, length)
        some = phrases[counts == length, :length]
        found = (runs.unsqueeze(2) == some).all(dim=3).any(dim=2)
        for offset in range(length):
            inside[:, offset : offset + found.shape[1]] |= found
    return inside


def _padded(rows: Sequence[Tensor]) -> Tensor:
    if not rows:
        return torch.zeros(0, 0, dtype=torch.long)
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=-1)
