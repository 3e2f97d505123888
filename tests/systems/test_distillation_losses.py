"""The losses of a teacher, by hand, and what they must not look at."""

import math

import pytest
import torch
from torch.nn import functional as F

from cifviz.errors import CIFError
from cifviz.systems.distillation_losses import (
    contrastive_loss,
    regression_loss,
    retrieval,
)


def pair(counts, *, dim=5, dtype=torch.float64, tokens=None):
    generator = torch.manual_seed(0)
    shape = len(counts), tokens or max(counts), dim
    student, teacher = (torch.randn(shape, generator=generator, dtype=dtype) for _ in range(2))
    return student, teacher, torch.tensor(counts)


def by_hand(student, teacher, counts, *, temperature, drawn):
    """Of a list of negatives for each token, in loops; None for the token itself."""
    tokens = [
        (student[b, i], teacher[b, i]) for b, n in enumerate(counts.tolist()) for i in range(n)
    ]
    total = 0.0
    for (ours, own), others in zip(tokens, drawn, strict=True):

        def cosine(other, ours=ours):
            return float(ours @ other / ours.norm() / other.norm())

        right = math.exp(cosine(own) / temperature)
        wrong = sum(math.exp(cosine(tokens[k][1]) / temperature) for k in others)
        total -= math.log(right / (right + wrong))
    return total / len(tokens)


def drawn_by(seed, tokens, number):
    """The negatives that a seed gives."""
    chances = torch.rand(tokens, tokens, generator=torch.Generator().manual_seed(seed))
    return chances.argsort(dim=1)[:, :number].tolist()


@pytest.mark.parametrize(("negatives", "number"), [(2, 2), (4, 4), (5, 4), (700, 4)])
@pytest.mark.parametrize("remove_overlap", [True, False])
def test_contrastive_loss_is_what_loops_give(negatives, number, remove_overlap):
    """Of five tokens, K negatives, or 80 % of five."""
    student, teacher, counts = pair([3, 2])
    drawn = drawn_by(4, 5, number)
    if remove_overlap:
        drawn = [[k for k in row if k != own] for own, row in enumerate(drawn)]
    found = contrastive_loss(
        student,
        teacher,
        counts,
        temperature=0.3,
        negatives=negatives,
        remove_overlap=remove_overlap,
        generator=torch.Generator().manual_seed(4),
    )
    expected = by_hand(student, teacher, counts, temperature=0.3, drawn=drawn)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_regression_loss_by_hand():
    """Two tokens of two utterances off by (3, 4) and (1, 0): (25 + 1) / 2."""
    teacher = torch.zeros(2, 2, 2)
    student = torch.tensor([[[3.0, 4.0], [9.0, 9.0]], [[1.0, 0.0], [9.0, 9.0]]])
    counts = torch.tensor([1, 1])
    assert regression_loss(student, teacher, counts) == 13
    assert regression_loss(student, teacher, counts, mean_over_dim=True) == 6.5


LOSSES = {
    "contrastive": lambda *given: contrastive_loss(
        *given, temperature=0.5, generator=torch.Generator().manual_seed(1)
    ),
    "regression": regression_loss,
}
each = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@each
def test_gradients(loss):
    student, teacher, counts = pair([3, 0, 2], dim=3)
    given = student.requires_grad_(), teacher.requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: loss(*given, counts), given)


@each
def test_what_is_behind_the_tokens_is_not_looked_at(loss):
    student, teacher, counts = pair([3, 1, 2], tokens=6)
    expected = loss(student, teacher, counts)
    for number, count in enumerate(counts.tolist()):
        student[number, count:] = torch.nan
        teacher[number, count:] = 1e9
    torch.testing.assert_close(loss(student, teacher, counts), expected, rtol=0, atol=0)
    torch.testing.assert_close(loss(student[:, :3], teacher[:, :3], counts), expected)


@each
@pytest.mark.parametrize("counts", [[0], [0, 0]])
def test_no_token_costs_nothing(loss, counts):
    student, teacher, counts = pair(counts, tokens=2)
    found = loss(student.requires_grad_(), teacher, counts)
    found.backward()
    assert found == 0 and not student.grad.any()


def test_one_token_has_no_negative():
    student, teacher, counts = pair([1])
    assert contrastive_loss(student, teacher, counts) == 0


@each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(loss, dtype):
    student, teacher, counts = pair([3, 2], dtype=torch.float32)
    found = loss(student.to(dtype), teacher.to(dtype), counts)
    exact = loss(student.to(dtype).float(), teacher.to(dtype).float(), counts)
    assert found.dtype == torch.float32 and found == exact
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(student, teacher, counts), exact, rtol=0.05, atol=0.05)


def test_regression_is_a_mean_over_tokens_whatever_the_batch():
    student, teacher, counts = pair([3, 1, 2])
    alone = [
        regression_loss(student[k : k + 1], teacher[k : k + 1], counts[k : k + 1]) for k in range(3)
    ]
    expected = sum(one * n for one, n in zip(alone, counts.tolist(), strict=True)) / 6
    torch.testing.assert_close(regression_loss(student, teacher, counts), expected)


def test_a_vector_of_zeros_has_a_gradient():
    student, teacher, counts = pair([3, 2])
    student[0, 0] = 0
    contrastive_loss(student.requires_grad_(), teacher, counts).backward()
    assert student.grad.isfinite().all()


def test_the_teacher_is_retrieved_by_the_student_that_learned():
    """The loss has its least value where student and teacher point the same way."""
    _, teacher, counts = pair([4, 3], dim=8)
    student = torch.zeros_like(teacher).normal_(generator=torch.manual_seed(2)).requires_grad_()
    targets = torch.tensor([[0, 1, 2, 3], [4, 5, 6, -1]])
    optimizer = torch.optim.Adam([student], 0.05)
    before = retrieval(student.detach(), teacher, targets)
    for _ in range(150):
        optimizer.zero_grad()
        contrastive_loss(student, teacher, counts, temperature=0.1).backward()
        optimizer.step()
    after = retrieval(student.detach(), teacher, targets)
    assert len(before) == 7 and before.max() > 1 and after.tolist() == [1] * 7
    assert F.cosine_similarity(student, teacher, dim=2)[0].mean() > 0.5


def test_retrieval_of_nothing():
    empty = torch.zeros(2, 0, 3)
    assert retrieval(empty, empty, torch.zeros(2, 0, dtype=torch.long)).shape == (0,)


def test_ranks_count_the_vectors_of_other_tokens_that_are_as_near():
    """By hand, in the plane: teachers at 0°, 90° and 180°, of tokens 5, 6 and 5."""
    teacher = torch.tensor([[[1.0, 0], [0, 1]], [[-1, 0], [9, 9]]])
    student = torch.tensor([[[0.1, 1.0], [1, 0.5]], [[0, 1], [7, 7]]])
    targets = torch.tensor([[5, 6], [5, -1]])
    # Nearest to the first student is 6, then 5; to the second 5, then 6; to the third 6, and both
    # of 5 are as far away.
    assert retrieval(student, teacher, targets).tolist() == [2, 2, 2]
    alike = torch.ones(1, 3, 2)
    assert retrieval(alike, alike, torch.tensor([[0, 1, 2]])).tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": torch.zeros(2, 3, 4)}, r"both be \(batch, tokens, dim\), got .*4\)"),
        ({"student": torch.zeros(3, 5)}, r"both be \(batch, tokens, dim\)"),
        ({"counts": torch.tensor([4, 1])}, "counts must be between 0 and 3, got 4"),
        ({"temperature": 0}, "temperature must be a number > 0"),
        ({"negatives": 0}, "negatives must be an integer > 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(change, message):
    student, teacher, counts = pair([3, 2])
    given = {"student": student, "teacher": teacher, "counts": counts, **change}
    with pytest.raises(CIFError, match=message):
        contrastive_loss(**given)
