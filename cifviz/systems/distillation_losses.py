"""Losses by which a language model teaches: its states, and a student's beside them.

Both compare two tensors (batch, tokens, dim), the student's projected to the teacher's width
before. What stands behind an utterance's tokens is not looked at. Each is a sum over the tokens of
the batch, divided by their number.

Source: the criterion ``cif`` of github.com/MingLunHan/CIF-HieraDist (Han et al. 2023, arXiv
2301.13003).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.validation import check_lengths, described, valid_mask
from cifviz.errors import require, require_integer, require_number

FEW = 0.8
"""Where a batch has no more tokens than there should be negatives, they are this share of them."""
SMALLEST_NORM = 1e-6


def contrastive_loss(
    student: Tensor,
    teacher: Tensor,
    counts: Tensor,
    *,
    temperature: float = 0.02,
    negatives: int = 700,
    remove_overlap: bool = True,
    generator: torch.Generator | None = None,
) -> Tensor:
    """How well each token's vector points to the teacher's own, and not to those of other tokens.

    The negatives are the teacher's vectors of other tokens in the batch, of the same utterance too.
    So the loss depends on the batch, and is the only one here that does. The same word elsewhere in
    the batch is a negative like any other.

    Parameters
    ----------
    student : Tensor (batch, tokens, dim)
        What learns.
    teacher : Tensor (batch, tokens, dim)
        What it should point to.
    counts : Tensor (batch,), integers
        Tokens of each utterance.
    temperature : float > 0
        τ: differences of the cosine are divided by it.
    negatives : int > 0
        K: drawn for each token without replacement from all tokens of the batch. Where these are
        not more than K, ⌊0.8 · their number⌋ are drawn.
    remove_overlap : bool
        Whether a token is left out of its own negatives. Otherwise it may be one of them.
    generator : torch.Generator, optional
        Which negatives these are, depends on it alone; default: torch's own.

    Returns
    -------
    Tensor ()
        ``Σ_i −log(e^{cos(c_i, e_i)/τ} / (e^{cos(c_i, e_i)/τ} + Σ_k e^{cos(c_i, e_k)/τ})) / N`` over
        the N tokens of the batch; 0 where there is none, and where none has a negative.

    Raises
    ------
    CIFError
        If student and teacher are not of the same shape, or a number cannot be.

    Examples
    --------
    Five tokens that are all alike cannot be told apart, here from four negatives each: log 5.

    >>> vectors, counts = torch.ones(1, 5, 3), torch.tensor([5])
    >>> contrastive_loss(vectors, vectors, counts, negatives=4, remove_overlap=False)
    tensor(1.6094)
    """
    counts = _checked(student, teacher, counts)
    temperature = require_number("temperature", temperature, above=0)
    negatives = require_integer("negatives", negatives, above=0)
    # 1. The tokens of the batch, of length 1.
    is_token = valid_mask(counts, student.shape[1])
    ours, theirs = (_exact(one)[is_token] for one in (student, teacher))
    ours, theirs = (F.normalize(one, dim=1, eps=SMALLEST_NORM) for one in (ours, theirs))

    # 2. Some of all tokens for each of them.
    tokens = len(ours)
    drawn = min(negatives, int(FEW * tokens)) if tokens <= negatives else negatives
    chances = torch.rand(tokens, tokens, generator=generator, device=ours.device)
    others = chances.argsort(dim=1)[:, :drawn]

    # 3. The right one first.
    cosines = ours @ theirs.T
    wrong = cosines.gather(1, others)
    if remove_overlap:
        own = torch.arange(tokens, device=ours.device).unsqueeze(1)
        wrong = wrong.masked_fill(others == own, -torch.inf)
    logits = torch.cat([cosines.diagonal().unsqueeze(1), wrong], dim=1) / temperature
    first = torch.zeros(tokens, dtype=torch.long, device=ours.device)
    return F.cross_entropy(logits, first, reduction="sum") / max(1, tokens)


def regression_loss(
    student: Tensor, teacher: Tensor, counts: Tensor, *, mean_over_dim: bool = False
) -> Tensor:
    """Squared distance of each token's vector from the teacher's.

    Parameters
    ----------
    student, teacher, counts
        As for `contrastive_loss`.
    mean_over_dim : bool
        Whether it is divided by the number of values, too.

    Returns
    -------
    Tensor ()
        ``Σ_i ‖s_i − e_i‖² / N`` over the N tokens of the batch; 0 where there is none.

    Raises
    ------
    CIFError
        If student and teacher are not of the same shape.

    Examples
    --------
    One token is off by 1 in both of its values, the other by nothing; what follows is padding:

    >>> teacher = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    >>> student = torch.tensor([[[2.0, 3.0], [3.0, 4.0], [0.0, 0.0]]])
    >>> regression_loss(student, teacher, torch.tensor([2]))
    tensor(1.)
    >>> regression_loss(student, teacher, torch.tensor([2]), mean_over_dim=True)
    tensor(0.5000)
    """
    counts = _checked(student, teacher, counts)
    is_token = valid_mask(counts, student.shape[1])
    squares = (_exact(student)[is_token] - _exact(teacher)[is_token]).square()
    each = squares.mean(dim=1) if mean_over_dim else squares.sum(dim=1)
    return each.sum() / counts.sum().clamp(min=1)


def retrieval(student: Tensor, teacher: Tensor, targets: Tensor) -> Tensor:
    """At which rank each token finds the teacher's vector of the same token.

    Parameters
    ----------
    student, teacher : Tensor (batch, tokens, dim)
        As for `contrastive_loss`.
    targets : Tensor (batch, tokens), integers
        Ids of the tokens, padded with −1.

    Returns
    -------
    Tensor (tokens of the batch,), integers
        The teacher's vectors of all tokens of the batch are ordered by their cosine; 1 where the
        nearest one is of the same token, here or elsewhere. Of equal cosines the worst case counts.
        Empty without a token.

    Raises
    ------
    CIFError
        If student and teacher are not of the same shape.

    Examples
    --------
    Of three tokens, of which two are the same, the last one points to another first:

    >>> teacher = torch.eye(3)[None]
    >>> student = torch.tensor([[[0.0, 1, 0], [0, 2, 0], [1, 0, 0.5]]])
    >>> retrieval(student, teacher, torch.tensor([[7, 7, 8]]))
    tensor([1, 1, 2])
    """
    counts = _checked(student, teacher, (targets >= 0).sum(dim=1))
    is_token = valid_mask(counts, student.shape[1])
    ours, theirs = (F.normalize(_exact(one)[is_token], dim=1) for one in (student, teacher))
    ids = targets[is_token]
    if not len(ids):
        return torch.zeros(0, dtype=torch.long)
    cosines = ours @ theirs.T
    same = ids.unsqueeze(1) == ids
    best = cosines.masked_fill(~same, -torch.inf).max(dim=1, keepdim=True).values
    before: Tensor = ((cosines >= best) & ~same).sum(dim=1)
    return before + 1


def _exact(values: Tensor) -> Tensor:
    """In float32 at least: cosines are divided by small temperatures."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _checked(student: Tensor, teacher: Tensor, counts: Tensor) -> Tensor:
    require(
        student.ndim == 3 and student.shape == teacher.shape,
        "student and teacher must both be (batch, tokens, dim), "
        f"got {described(student)} and {described(teacher)}",
    )
    return check_lengths("counts", counts, student, student.shape[1])
