import pytest

from cifviz.alignment.joined_tokens import joined
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError

PHONES = Alignment(
    (
        TimedToken("h", 0.1, 0.2, 0.5),
        TimedToken("aɪ", 0.2, 0.4, 1.0),
        TimedToken("ð"),
        TimedToken("ɛ", 0.6, 0.7, 0.2),
        TimedToken("ɹ"),
    )
)


def test_a_word_lasts_from_its_first_timed_phone_to_its_last():
    hi, there = joined(PHONES, ["hi", "there"], [2, 3])
    assert hi == TimedToken("hi", 0.1, 0.4, 0.75)
    assert there == TimedToken("there", 0.6, 0.7), "the scores of two phones are unknown"


def test_a_word_without_a_timed_phone_is_untimed():
    words = joined(Alignment((TimedToken("ə"),)), ["…", "a", "…"], [0, 1, 0])
    assert words.tokens == (TimedToken("…"), TimedToken("a"), TimedToken("…"))


def test_nothing_is_joined_to_nothing():
    assert joined(Alignment(), [], []) == Alignment()


def test_scores_of_one_stay_one():
    phones = Alignment(tuple(TimedToken("a", score=1.0) for _ in range(7)))
    assert joined(phones, ["word"], [7]).tokens[0].score == 1.0


@pytest.mark.parametrize(
    ("names", "counts", "message"),
    [
        (["hi"], [2, 3], "a count for each of 1 names, got 2"),
        (["hi", "there"], [2, 2], "expected 4 parts, as many as the counts add up to, got 5"),
        (["hi", "there"], [6, -1], "each of counts must be an integer >= 0, got -1"),
        (["hi", "there"], [2.0, 3.0], "each of counts must be an integer >= 0"),
    ],
)
def test_counts_that_do_not_fit_are_refused(names, counts, message):
    with pytest.raises(CIFError, match=message):
        joined(PHONES, names, counts)
    with pytest.raises(CIFError, match="parts must be an Alignment"):
        joined([], [], [])
