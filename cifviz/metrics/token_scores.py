"""Hypothesis against reference: tokens by jiwer, counts, and the sum of the weights.

Conventions
-----------
An utterance is a sequence of tokens (str), a set is a sequence of utterances; `references` and
`hypotheses` are sets of the same utterances in the same order. Whatever a token is called, spaces
and nothing included, it is one token. Times play no part: an untimed token is one like any other.

Metrics
-------
* `token_errors`: token error rate with its deletions, insertions and substitutions.
* `count_accuracy`: share of utterances with the right number of tokens.
* `weight_sum_error`: how far the sum of the weights is from the number of tokens.

References
----------
jiwer, https://github.com/jitsi/jiwer: the edit operations are its.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cifviz.errors import require, require_type
from cifviz.metrics.statistics import mean, numbers, require_equally_many

EQUAL, SUBSTITUTE, INSERT, DELETE = EDITS = ("equal", "substitute", "insert", "delete")
"""What can become of tokens; jiwer's names."""


def validate(references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]) -> None:
    """Raise unless both are sets of as many utterances, each a sequence of str.

    Raises
    ------
    CIFError
        If one is a text instead of a sequence, or the numbers of utterances differ.

    Examples
    --------
    >>> validate([["one", "two"]], ["one two"])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: hypothesis 0 must be a sequence of tokens, not a text, got 'one two'
    """
    for name, utterances in (("reference", references), ("hypothesis", hypotheses)):
        require_type(f"what holds each {name}", utterances, Sequence)
        for index, tokens in enumerate(utterances):
            require(
                not isinstance(tokens, str),
                f"{name} {index} must be a sequence of tokens, not a text, got {tokens!r}",
            )
            require_type(f"{name} {index}", tokens, Sequence)
            for token in tokens:
                require_type(f"a token of {name} {index}", token, str)
    require_equally_many(references, hypotheses)


@dataclass(frozen=True)
class TokenErrors:
    """Edit operations that turn the references into the hypotheses."""

    deletions: int
    insertions: int
    substitutions: int
    tokens: int
    """Tokens in the references."""

    @property
    def rate(self) -> float:
        """Errors per reference token; 0 where there is neither token nor error.

        >>> TokenErrors(deletions=1, insertions=0, substitutions=2, tokens=30).rate
        0.1
        """
        errors = self.deletions + self.insertions + self.substitutions
        return errors / self.tokens if self.tokens else float(errors)


class Edit(NamedTuple):
    """Tokens in a row of a reference, and what became of them in the hypothesis."""

    kind: str
    """Of `EDITS`."""
    reference: range
    """Their places; of an insertion an empty range, whose start says before which token it is."""
    hypothesis: range
    """As many places, where they are equal or substituted; none of a deletion."""


def aligned(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> list[list[Edit]]:
    """How each reference becomes its hypothesis with the fewest edits, from first token to last.

    Where several ways have as few edits, it is jiwer's choice. Raises as `validate` does.

    Examples
    --------
    >>> for edit in aligned([["one", "two"]], [["one", "two", "four"]])[0]:
    ...     print(*edit)
    equal range(0, 2) range(0, 2)
    insert range(2, 2) range(2, 3)
    """
    import jiwer

    validate(references, hypotheses)
    # jiwer reads texts: each token becomes a number, so that none is split, stripped or lost.
    number: dict[str, str] = {}
    ref, hyp = (
        [" ".join(number.setdefault(one, str(len(number))) for one in tokens) for tokens in group]
        for group in (references, hypotheses)
    )
    pairs = [(r, h) for r, h in zip(ref, hyp, strict=True) if r]
    chunks: Iterator[Any] = iter(())
    if pairs:
        chunks = iter(jiwer.process_words([r for r, _ in pairs], [h for _, h in pairs]).alignments)
    made = []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        if reference:
            made.append([_edit(chunk) for chunk in next(chunks)])
        else:  # jiwer refuses empty references: all of their hypotheses are insertions.
            surplus = range(len(hypothesis))
            made.append([Edit(INSERT, range(0), surplus)] if surplus else [])
    return made


def _edit(chunk: Any) -> Edit:
    reference = range(chunk.ref_start_idx, chunk.ref_end_idx)
    return Edit(chunk.type, reference, range(chunk.hyp_start_idx, chunk.hyp_end_idx))


def token_errors(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> TokenErrors:
    """Count deletions, insertions and substitutions over a set.

    Parameters
    ----------
    references : sequence of sequences of str
        The true tokens of each utterance.
    hypotheses : sequence of sequences of str
        The tokens that were recognised.

    Returns
    -------
    TokenErrors
        Fewest operations, utterance by utterance; its ``rate`` is ``(D + I + S) / N``, which can
        exceed 1. (MFA's "PER" counts a substitution twice: do not compare.)

    Raises
    ------
    CIFError
        See `validate`.

    Examples
    --------
    >>> token_errors([["one", "two"], ["three"]], [["one"], ["three", "four"]])
    TokenErrors(deletions=1, insertions=1, substitutions=0, tokens=3)
    """
    counts = dict.fromkeys(EDITS, 0)
    for edits in aligned(references, hypotheses):
        for edit in edits:
            counts[edit.kind] += max(len(edit.reference), len(edit.hypothesis))
    return TokenErrors(
        deletions=counts[DELETE],
        insertions=counts[INSERT],
        substitutions=counts[SUBSTITUTE],
        tokens=sum(len(reference) for reference in references),
    )


def count_accuracy(references: Sequence[int], hypotheses: Sequence[int]) -> float:
    """Share of utterances with the right number of tokens, in [0, 1]; nan without utterances.

    >>> count_accuracy([3, 4], [3, 5])
    0.5
    """
    require_equally_many(references, hypotheses, "counts")
    return mean(np.equal(references, hypotheses))


def weight_sum_error(weight_sums: Sequence[float], counts: Sequence[int]) -> dict[str, float]:
    """How far the sums of the weights are from the numbers of reference tokens.

    Parameters
    ----------
    weight_sums : sequence of float (utterances,)
        Σα / β of each utterance: unscaled, in tokens.
    counts : sequence of int (utterances,)
        Number of reference tokens, N.

    Returns
    -------
    dict
        ``mean``, the mean of ``Σα/β − N`` (positive: too much weight), and ``mean_absolute``.

    Examples
    --------
    >>> weight_sum_error([2.5, 2.5], [2, 3])
    {'mean': 0.0, 'mean_absolute': 0.5}
    """
    require_equally_many(counts, weight_sums, "weight sums")
    surplus = numbers("weight_sums", weight_sums) - numbers("counts", counts)
    return {"mean": mean(surplus), "mean_absolute": mean(np.abs(surplus))}
