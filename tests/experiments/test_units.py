"""Words in smaller units."""

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.corpora.cepstra import an4_pronunciations
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import CIFError
from experiments.units import BEGIN, DIGIT_PHONES, in_units, merged_units, numbered, units_of


@pytest.mark.parametrize("merges", [0, 3, 12, 1000])
def test_the_units_of_a_word_are_its_letters_in_order(merges):
    for word, units in merged_units(DIGITS, merges).items():
        assert "".join(units) == BEGIN + word


def test_no_merge_leaves_characters_and_all_merges_leave_words():
    assert merged_units(["ab", "ba"], 0) == {"ab": ("▁a", "b"), "ba": ("▁b", "a")}
    assert all(len(units) == 1 for units in merged_units(DIGITS, 1000).values())


def test_what_is_said_more_often_is_merged_first():
    assert merged_units(["ab", "cd", "cd"], 1) == {"ab": ("▁a", "b"), "cd": ("▁cd",)}


def test_a_pair_is_merged_wherever_it_stands():
    assert merged_units(["xababa"], 1) == {"xababa": ("▁x", "ab", "ab", "a")}


def test_units_are_numbered_in_alphabetical_order():
    spelling = {"no": ("n", "o"), "on": ("o", "n"), "an": ("a", "n")}
    assert units_of(spelling) == ("a", "n", "o")
    assert numbered(spelling) == [(1, 2), (2, 1), (0, 1)]


def test_each_digit_has_phones_of_its_own():
    assert tuple(DIGIT_PHONES) == DIGITS
    assert len(set(DIGIT_PHONES.values())) == 10


@pytest.mark.usefixtures("cifviz_data")
def test_the_phones_are_those_of_the_dictionary():
    known = an4_pronunciations()
    assert {word: known[word] for word in DIGITS} == dict(DIGIT_PHONES)


def test_an_utterance_in_units_has_no_times():
    words = Alignment((TimedToken("two", 0.1, 0.3), TimedToken("one", 0.4, 0.6)))
    one = LabelledUtterance(Waveform([0.0] * 16_000), words, "ann")
    (made,) = in_units([one], DIGIT_PHONES)
    assert [unit.token for unit in made.words] == ["t", "uw", "w", "ah", "n"]
    assert not made.words.timed
    assert made.waveform is one.waveform


@pytest.mark.parametrize(("words", "merges"), [([""], 1), (["a"], -1), (["a"], 1.5)])
def test_what_cannot_be_merged_is_refused(words, merges):
    with pytest.raises(CIFError, match=r"empty|merges"):
        merged_units(words, merges)
