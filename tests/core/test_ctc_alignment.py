"""The Viterbi path against a search through all paths."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.errors import CIFError

BLANK = 2


def tokens_of(path: tuple[int, ...]) -> list[int]:
    """Tokens of a path: repeats joined, blanks dropped."""
    return [token for token, _ in itertools.groupby(path) if token != BLANK]


def spans_of(path: tuple[int, ...]) -> list[list[int]]:
    spans, place = [], 0
    for token, run in itertools.groupby(path):
        length = len(list(run))
        if token != BLANK:
            spans.append([place, place + length])
        place += length
    return spans


def search(log_probs: torch.Tensor, target: list[int]) -> list[list[int]] | None:
    """Spans on the best of all paths that say the target."""
    paths = itertools.product(range(3), repeat=len(log_probs))
    scores = {
        path: sum(float(log_probs[frame, token]) for frame, token in enumerate(path))
        for path in paths
        if tokens_of(path) == target
    }
    return spans_of(max(scores, key=scores.__getitem__)) if scores else None


def align(log_probs, target, **options):
    targets = torch.tensor([target], dtype=torch.long).view(1, len(target))
    lengths = torch.tensor([len(log_probs)]), torch.tensor([len(target)])
    return ctc_viterbi(log_probs[None], lengths[0], targets, lengths[1], blank=BLANK, **options)[0]


@given(
    seed=st.integers(0, 10_000),
    frames=st.integers(1, 6),
    target=st.lists(st.integers(0, 1), max_size=3),
)
def test_finds_the_best_of_all_paths(seed, frames, target):
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(frames, 3, generator=generator, dtype=torch.float64).log_softmax(1)
    expected = search(log_probs, target)
    spans = align(log_probs, target).tolist()
    assert spans == ([[-1, -1]] * len(target) if expected is None else expected)


@given(seed=st.integers(0, 10_000), padding=st.integers(0, 4))
def test_neither_padding_nor_company_changes_a_path(seed, padding):
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(2, 9, 3, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([9 - padding, 9])
    targets = torch.tensor([[0, 1, 1], [1, 0, 0]])
    together = ctc_viterbi(log_probs, lengths, targets, torch.tensor([2, 3]), blank=BLANK)
    assert together[0, :2].tolist() == align(log_probs[0, : 9 - padding], [0, 1]).tolist()
    assert together[0, 2].tolist() == [-1, -1]
    assert together[1].tolist() == align(log_probs[1], [1, 0, 0]).tolist()


def test_equal_neighbours_need_a_blank_between_them():
    log_probs = torch.tensor([0.9, 0.05, 0.05]).log().expand(3, 3)
    assert align(log_probs, [0, 0]).tolist() == [[0, 1], [2, 3]]
    assert align(log_probs[:2], [0, 0]).tolist() == [[-1, -1], [-1, -1]]


@pytest.mark.parametrize(("frames", "tokens"), [(0, 2), (3, 0), (0, 0)])
def test_nothing_to_align_gives_no_spans(frames, tokens):
    assert align(torch.zeros(frames, 3), [0] * tokens).tolist() == [[-1, -1]] * tokens


@pytest.mark.parametrize("token", [BLANK, 3, -1])
def test_a_token_must_be_in_the_vocabulary_and_not_the_blank(token):
    message = rf"ids below 3 other than the blank's, 2, got {token} in row 0, token 1"
    with pytest.raises(CIFError, match=message):
        align(torch.zeros(4, 3), [0, token])


def test_targets_must_be_a_row_for_each_utterance():
    with pytest.raises(CIFError, match=r"targets must be \(batch, tokens\) = \(1, tokens\)"):
        ctc_viterbi(
            torch.zeros(1, 4, 3), torch.tensor([4]), torch.tensor([0]), torch.tensor([1]), blank=2
        )
