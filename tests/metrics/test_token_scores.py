"""Tokens, counts and sums of weights, against jiwer and by hand."""

import math
from functools import cache

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.errors import CIFError
from cifviz.metrics import TokenErrors, count_accuracy, token_errors, weight_sum_error
from cifviz.metrics.token_scores import aligned

WORDS = st.lists(st.sampled_from(["one", "two", "three"]), max_size=6)
SETS = st.lists(st.tuples(WORDS, WORDS), max_size=4)


def fewest_edits(reference, hypothesis):
    """The recursion itself."""

    @cache
    def edits(i, j):
        if not i or not j:
            return i + j
        substituted = reference[i - 1] != hypothesis[j - 1]
        return min(edits(i - 1, j) + 1, edits(i, j - 1) + 1, edits(i - 1, j - 1) + substituted)

    return edits(len(reference), len(hypothesis))


def test_each_kind_of_error_is_counted():
    reference = [["a", "b", "c"], ["a", "b"], ["a"], []]
    hypothesis = [["a", "x", "c"], ["a"], ["a", "b"], ["c"]]
    errors = token_errors(reference, hypothesis)
    assert errors == TokenErrors(deletions=1, insertions=2, substitutions=1, tokens=6)
    assert errors.rate == pytest.approx(4 / 6)


@given(WORDS.filter(len), WORDS)
def test_the_rate_is_jiwers_word_error_rate(reference, hypothesis):
    assert token_errors([reference], [hypothesis]).rate == jiwer.wer(
        " ".join(reference), " ".join(hypothesis)
    )


@given(SETS)
def test_there_are_no_fewer_edits_than_counted(pairs):
    errors = token_errors(
        [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    )
    counted = errors.deletions + errors.insertions + errors.substitutions
    assert counted == sum(
        fewest_edits(tuple(reference), tuple(hypothesis)) for reference, hypothesis in pairs
    )


@given(SETS)
def test_edits_cover_both_sides_in_order(pairs):
    references, hypotheses = ([pair[side] for pair in pairs] for side in (0, 1))
    for (reference, hypothesis), edits in zip(pairs, aligned(references, hypotheses), strict=True):
        assert [place for edit in edits for place in edit.reference] == [*range(len(reference))]
        assert [place for edit in edits for place in edit.hypothesis] == [*range(len(hypothesis))]
        for edit in edits:
            if edit.kind in ("equal", "substitute"):
                same = [
                    reference[i] == hypothesis[j]
                    for i, j in zip(edit.reference, edit.hypothesis, strict=True)
                ]
                assert same == [edit.kind == "equal"] * len(same)
            else:
                empty = edit.reference if edit.kind == "insert" else edit.hypothesis
                assert len(empty) == 0


@given(SETS)
def test_the_order_of_utterances_does_not_matter(pairs):
    reference, hypothesis = (
        [reference for reference, _ in pairs],
        [hypothesis for _, hypothesis in pairs],
    )
    assert token_errors(reference, hypothesis) == token_errors(reference[::-1], hypothesis[::-1])


def test_a_token_is_one_token_whatever_it_is_called():
    reference = [["new york", "", " two ", "ONE"]]
    assert token_errors(reference, reference) == TokenErrors(0, 0, 0, 4)
    assert token_errors(reference, [["new york", " two ", "one"]]) == TokenErrors(1, 0, 1, 4)


def test_of_nothing_there_is_no_error():
    assert token_errors([], []).rate == 0.0
    assert token_errors([[]], [[]]).rate == 0.0
    assert token_errors([[]], [["a", "b"]]).rate == 2.0


def test_a_text_is_no_sequence_of_tokens():
    with pytest.raises(CIFError, match="reference 1 must be a sequence of tokens, not a text"):
        token_errors([["a"], "a b"], [["a"], ["a"]])


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        ([["a"]], [], r"expected as many hypotheses as references \(1\), got 0"),
        ([["a"]], [[1]], "a token of hypothesis 0 must be a str, got 1"),
        ([None], [["a"]], "reference 0 must be a Sequence, got None"),
        (3, [], "what holds each reference must be a Sequence, got 3"),
    ],
)
def test_what_is_no_set_of_utterances_is_refused(reference, hypothesis, message):
    with pytest.raises(CIFError, match=message):
        token_errors(reference, hypothesis)


def test_counts_are_right_or_not():
    assert count_accuracy([3, 3, 0, 1], [3, 2, 0, 2]) == 0.5
    assert math.isnan(count_accuracy([], []))
    with pytest.raises(CIFError, match=r"as many counts as references \(1\), got 2"):
        count_accuracy([1], [1, 2])


def test_sums_of_weights_are_compared_with_counts():
    assert weight_sum_error([2.5, 3.25], [2, 4]) == {"mean": -0.125, "mean_absolute": 0.625}
    assert math.isnan(weight_sum_error([], [])["mean"])
    with pytest.raises(CIFError, match="weight_sums must be finite numbers, got inf at index 0"):
        weight_sum_error([math.inf], [1])
