"""How far a hypothesis is from the truth: tokens by jiwer, counts, and edges in seconds.

Conventions
-----------
Tokens are words. An edge error is *hypothesis − reference* in seconds: positive is late. Edges are
compared token by token, in utterances whose number of tokens is right; how many were left out is
part of the result.

Metrics
-------
* `token_errors`: token error rate with deletions, insertions and substitutions.
* `count_accuracy`: share of utterances with the right number of tokens.
* `edge_errors`: signed, absolute and median absolute error.
* `best_shift`: the constant that makes absolute errors smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifviz.errors import require


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


def token_errors(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> TokenErrors:
    """Count deletions, insertions and substitutions over utterances.

    Examples
    --------
    >>> token_errors([["one", "two"], ["three"]], [["one"], ["three", "four"]])
    TokenErrors(deletions=1, insertions=1, substitutions=0, tokens=3)
    """
    import jiwer

    require(
        len(references) == len(hypotheses),
        f"expected as many hypotheses as references ({len(references)}), got {len(hypotheses)}",
    )
    # jiwer refuses empty references: what is heard there is all insertions.
    unspoken = sum(len(h) for r, h in zip(references, hypotheses, strict=True) if not r)
    spoken = [(r, h) for r, h in zip(references, hypotheses, strict=True) if r]
    if not spoken:
        return TokenErrors(0, unspoken, 0, 0)
    result = jiwer.process_words([" ".join(r) for r, _ in spoken], [" ".join(h) for _, h in spoken])
    return TokenErrors(
        deletions=result.deletions,
        insertions=result.insertions + unspoken,
        substitutions=result.substitutions,
        tokens=sum(len(reference) for reference in references),
    )


def count_accuracy(references: Sequence[int], hypotheses: Sequence[int]) -> float:
    """Share of utterances with the right number of tokens.

    >>> count_accuracy([3, 4], [3, 5])
    0.5
    """
    require(
        len(references) == len(hypotheses) > 0,
        f"expected as many counts on both sides, at least one, got {len(references)} "
        f"and {len(hypotheses)}",
    )
    return float(np.mean(np.equal(references, hypotheses)))


def edge_errors(errors: Sequence[float]) -> dict[str, float]:
    """Summary of edge errors (hypothesis − reference, seconds), in seconds.

    Returns
    -------
    dict
        ``signed_mean``, ``mean_absolute``, ``median_absolute`` and the number ``count``.

    Examples
    --------
    >>> edge_errors([-0.1, 0.1, 0.3])["mean_absolute"]
    0.16666666666666666
    """
    values = np.asarray(errors, dtype=float)
    require(values.size > 0, "expected at least one edge error, got none")
    return {
        "signed_mean": float(values.mean()),
        "mean_absolute": float(np.abs(values).mean()),
        "median_absolute": float(np.median(np.abs(values))),
        "count": int(values.size),
    }


def best_shift(errors: Sequence[float]) -> float:
    """The constant to add to the hypotheses that makes the mean absolute error smallest.

    Returns
    -------
    float
        ``−median(errors)``, seconds.

    Examples
    --------
    >>> best_shift([0.1, 0.2, 0.9])
    -0.2
    """
    values = np.asarray(errors, dtype=float)
    require(values.size > 0, "expected at least one edge error, got none")
    return -float(np.median(values))
