"""Phrases and biased token errors, by hand and against loops."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.errors import CIFError
from cifviz.metrics import (
    PhraseScores,
    TokenErrors,
    biased_errors,
    detect_phrases,
    token_errors,
)
from cifviz.metrics.token_scores import aligned

TOKENS = st.sampled_from("abc")
UTTERANCE = st.lists(TOKENS, max_size=7)
PHRASES = st.lists(st.lists(TOKENS, max_size=3), max_size=5)
SETS = st.lists(st.tuples(UTTERANCE, UTTERANCE, PHRASES, PHRASES), max_size=3)


def scores(reference, hypothesis, phrases, **kwargs):
    """Of one utterance, letters as tokens."""
    lists = [[list(one) for one in phrases]]
    if "wanted" in kwargs:
        kwargs["wanted"] = [[list(one) for one in kwargs["wanted"]]]
    return detect_phrases([list(reference)], [list(hypothesis)], lists, **kwargs)


def errors(reference, hypothesis, phrases):
    return biased_errors([list(reference)], [list(hypothesis)], [[list(one) for one in phrases]])


def pairs(reference, hypothesis):
    """Places of equal tokens on both sides, by jiwer's alignment."""
    (edits,) = aligned([reference], [hypothesis])
    return {
        pair
        for edit in edits
        if edit.kind == "equal"
        for pair in zip(edit.reference, edit.hypothesis, strict=True)
    }


def brute_scores(reference, hypothesis, listed, wanted):
    equal = pairs(reference, hypothesis)
    counts = {"recognised": 0, "right": 0, "wanted": 0, "found": 0}
    for phrase in {tuple(one) for one in listed if one}:
        for start in range(len(hypothesis)):
            if tuple(hypothesis[start : start + len(phrase)]) == phrase:
                counts["recognised"] += 1
                counts["right"] += any(
                    all((first + k, start + k) in equal for k in range(len(phrase)))
                    for first in range(len(reference))
                )
    for phrase in {tuple(one) for one in wanted if one}:
        for start in range(len(reference)):
            if tuple(reference[start : start + len(phrase)]) == phrase:
                counts["wanted"] += 1
                counts["found"] += any(
                    all((start + k, first + k) in equal for k in range(len(phrase)))
                    for first in range(len(hypothesis))
                )
    return counts


def brute_errors(reference, hypothesis, phrases):
    """Biased and unbiased: deletions, insertions, substitutions, tokens."""
    spans = [
        (start, start + len(phrase))
        for phrase in phrases
        if phrase
        for start in range(len(reference))
        if reference[start : start + len(phrase)] == phrase
    ]
    counts = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    for place in range(len(reference)):
        counts[any(start <= place < end for start, end in spans)][3] += 1
    (edits,) = aligned([reference], [hypothesis])
    for edit in edits:
        if edit.kind == "insert":
            place = edit.reference.start
            counts[any(start < place < end for start, end in spans)][1] += len(edit.hypothesis)
        elif edit.kind in ("delete", "substitute"):
            for place in edit.reference:
                inside = any(start <= place < end for start, end in spans)
                counts[inside][0 if edit.kind == "delete" else 2] += 1
    return [TokenErrors(*counts[inside]) for inside in (True, False)]


def test_a_phrase_is_right_where_it_was_said():
    assert scores("xabx", "xabx", ["ab"]) == PhraseScores(1, 1, 1, 1)
    assert scores("xabx", "xacx", ["ab", "ac"]) == PhraseScores(1, 0, 1, 0)
    assert scores("xcbx", "xabx", ["ab"]) == PhraseScores(1, 0, 0, 0)


def test_a_phrase_with_a_token_in_between_is_another_one():
    assert scores("ab", "axb", ["ab"]) == PhraseScores(0, 0, 1, 0)
    assert scores("axb", "ab", ["ab"]) == PhraseScores(1, 0, 0, 0)


def test_the_same_phrase_at_another_place_is_not_the_one_said():
    assert scores("abxxxx", "ccxxab", ["ab"]) == PhraseScores(1, 0, 1, 0)


def test_each_occurrence_counts_of_phrases_that_overlap_contain_or_repeat():
    # "ab" at 0 and 3, "abc" at 0, "bc" at 1, "c" at 2.
    assert scores("abcab", "abcab", ["ab", "abc", "bc", "c", "ab"]).wanted == 5
    assert scores("aaa", "aaa", ["aa"]) == PhraseScores(2, 2, 2, 2)


def test_what_is_wanted_may_differ_from_the_list():
    made = scores("abcd", "abcc", ["ab", "cc"], wanted=["ab", "cd"])
    assert made == PhraseScores(recognised=2, right=1, wanted=2, found=1)
    assert (made.precision, made.recall, made.f_measure) == (0.5, 0.5, 0.5)


def test_a_set_is_pooled():
    lists = [[["a"]], [["b"]], []]
    made = detect_phrases([["a"], ["a"], ["a"]], [["a"], ["b"], ["a"]], lists)
    assert made == PhraseScores(recognised=2, right=1, wanted=1, found=1)


@pytest.mark.parametrize("phrases", [[], [""], ["abcd"]])
def test_where_no_phrase_is_there_is_no_score(phrases):
    made = scores("abc", "abc", phrases)
    assert made == PhraseScores(0, 0, 0, 0)
    assert all(math.isnan(value) for value in (made.precision, made.recall, made.f_measure))


def test_of_no_utterance_there_is_nothing():
    assert detect_phrases([], [], []) == PhraseScores(0, 0, 0, 0)
    nothing = TokenErrors(0, 0, 0, 0)
    made = biased_errors([], [], [])
    assert (made.biased, made.unbiased) == (nothing, nothing)


@pytest.mark.parametrize(
    ("made", "f1"),
    [
        (PhraseScores(recognised=0, right=0, wanted=2, found=0), 0.0),
        (PhraseScores(recognised=2, right=0, wanted=0, found=0), 0.0),
        (PhraseScores(recognised=2, right=2, wanted=0, found=0), math.nan),
        (PhraseScores(recognised=0, right=0, wanted=2, found=1), math.nan),
        (PhraseScores(recognised=2, right=1, wanted=1, found=1), 2 / 3),
    ],
)
def test_f1_is_zero_before_it_is_nan(made, f1):
    assert made.f_measure == pytest.approx(f1, nan_ok=True)


@given(SETS)
def test_scores_are_those_of_a_loop(utterances):
    references, hypotheses, lists, wanted = ([one[part] for one in utterances] for part in range(4))
    made = detect_phrases(references, hypotheses, lists, wanted=wanted)
    each = [brute_scores(*one) for one in utterances]
    for name in ("recognised", "right", "wanted", "found"):
        assert getattr(made, name) == sum(counts[name] for counts in each)


@given(SETS)
def test_as_many_are_right_as_are_found(utterances):
    references, hypotheses, lists, _ = ([one[part] for one in utterances] for part in range(4))
    made = detect_phrases(references, hypotheses, lists)
    assert made.right == made.found
    turned = detect_phrases(references, references, lists)
    assert turned.recognised == turned.right == made.wanted


def test_errors_lie_inside_or_outside_of_phrases():
    made = errors("xabcx", "yadc", ["abc"])
    assert made.biased == TokenErrors(deletions=0, insertions=0, substitutions=1, tokens=3)
    assert made.unbiased == TokenErrors(deletions=1, insertions=0, substitutions=1, tokens=2)


@pytest.mark.parametrize(
    ("hypothesis", "inside"), [("xabycd", True), ("xyabcd", False), ("xabcdy", False)]
)
def test_an_insertion_is_biased_within_a_phrase_and_not_beside_it(hypothesis, inside):
    made = errors("xabcd", hypothesis, ["abcd"])
    assert (made.biased.insertions, made.unbiased.insertions) == (int(inside), int(not inside))


def test_an_insertion_between_two_phrases_is_in_neither_but_in_one_that_covers_it():
    assert errors("abcd", "abxcd", ["ab", "cd"]).unbiased.insertions == 1
    assert errors("abcd", "abxcd", ["ab", "bc"]).biased.insertions == 1


def test_insertions_into_nothing_are_unbiased():
    made = errors("", "ab", ["ab"])
    assert made.biased == TokenErrors(0, 0, 0, 0)
    assert made.unbiased == TokenErrors(0, 2, 0, 0)


@given(SETS)
def test_errors_are_those_of_a_loop_and_add_up(utterances):
    references, hypotheses, lists, _ = ([one[part] for one in utterances] for part in range(4))
    made = biased_errors(references, hypotheses, lists)
    overall = token_errors(references, hypotheses)
    each = [brute_errors(*one[:3]) for one in utterances]
    for name in ("deletions", "insertions", "substitutions", "tokens"):
        biased, unbiased = getattr(made.biased, name), getattr(made.unbiased, name)
        assert biased == sum(getattr(one, name) for one, _ in each)
        assert unbiased == sum(getattr(one, name) for _, one in each)
        assert biased + unbiased == getattr(overall, name)


@given(SETS)
def test_the_order_of_a_list_and_repeated_phrases_do_not_matter(utterances):
    references, hypotheses, lists, _ = ([one[part] for one in utterances] for part in range(4))
    others = [[*reversed(one), *one] for one in lists]
    for metric in (detect_phrases, biased_errors):
        made = metric(references, hypotheses, lists)
        assert made == metric(references, hypotheses, others)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ([], r"expected as many lists as references \(1\), got 0"),
        (["a b"], "lists 0 must be a sequence of phrases, got 'a b'"),
        ([["a b"]], "a phrase of lists 0 must be a sequence of tokens, got 'a b'"),
        ([[[1]]], r"a phrase of lists 0 must be a sequence of tokens, got \[1\]"),
        (3, "lists must be a Sequence, got 3"),
    ],
)
def test_what_is_no_list_of_phrases_is_refused(lists, message):
    with pytest.raises(CIFError, match=message):
        detect_phrases([["a"]], [["a"]], lists)


def test_what_is_no_set_of_utterances_is_refused():
    with pytest.raises(CIFError, match="reference 0 must be a sequence of tokens, not a text"):
        biased_errors(["a b"], [["a"]], [[]])
