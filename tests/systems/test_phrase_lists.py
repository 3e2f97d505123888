"""Lists of phrases: read, put together, drawn from references, found in them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cifviz.errors import CIFError, DataError
from cifviz.systems.phrase_lists import (
    LARGEST_FILE,
    LONGEST_PHRASE,
    collate_phrases,
    distinct_phrases,
    drawn_phrases,
    phrase_ids,
    places_in_phrases,
    read_phrases,
)

WORDS = ("zero", "one", "two", "three", "four")
tokens = st.lists(st.integers(0, 3), max_size=7)
utterances = st.lists(tokens, min_size=1, max_size=5)
lists = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), max_size=6)


def padded(rows):
    width = max((len(row) for row in rows), default=0)
    filled = [row + [-1] * (width - len(row)) for row in rows]
    return torch.tensor(filled).long().view(len(rows), width)


def unpadded(ids):
    return [[one for one in row if one >= 0] for row in ids.tolist()]


# --- texts and numbers ---------------------------------------------------------------------------


def test_a_list_keeps_each_phrase_once_in_its_order():
    given = ["one two", " ", "one\ttwo ", "four", "", "one two"]
    assert distinct_phrases(given) == ("one two", "four")
    assert unpadded(phrase_ids(given, WORDS)) == [[1, 2], [4]]
    assert distinct_phrases([]) == distinct_phrases(["", "  "]) == ()
    assert phrase_ids([], WORDS).shape == phrase_ids([""], WORDS).shape == (0, 0)


@pytest.mark.parametrize(
    ("phrases", "message"),
    [
        ("one two", "phrases must be a sequence of texts, not one text, got 'one two'"),
        (None, "phrases must be a Sequence, got None"),
        ({"one"}, "phrases must be a Sequence, got {'one'}"),
        (["one", 2], "phrase 1 must be a str, got 2"),
        (["one", None], "phrase 1 must be a str, got None"),
        (["one", ["two"]], r"phrase 1 must be a str, got \['two'\]"),
        (b"one", "phrase 0 must be a str, got 111"),
        (
            ["one", "", "two  five", "six"],
            r"phrase 2 \('two five'\) has the token 'five', which is not in .* vocabulary of 5",
        ),
        (["one", "One"], r"phrase 1 \('One'\) has the token 'One'"),
        (["one"] * 9 + ["two " * 31], "phrase 9 must have at most 30 tokens, got 31"),
    ],
)
def test_what_is_no_list_of_phrases_is_one_error(phrases, message):
    with pytest.raises(CIFError, match=message):
        phrase_ids(phrases, WORDS)


def test_the_longest_phrase_is_one():
    longest = " ".join(["one"] * LONGEST_PHRASE)
    assert phrase_ids([longest], WORDS).shape == (1, 30)


def test_lists_of_a_batch_are_padded():
    empty, short, long = torch.zeros(0, 0).long(), padded([[4]]), padded([[1], [2, 3, 0]])
    together = collate_phrases([empty, short, long])
    assert together.shape == (3, 2, 3) and together.dtype == torch.long
    assert [unpadded(one) for one in together] == [[[], []], [[4], []], [[1], [2, 3, 0]]]
    assert collate_phrases([empty, empty]).shape == (2, 0, 0)
    assert collate_phrases([]).shape == (0, 0, 0)


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"one two\n\n  \nfour\none  two\n",
        b"\xef\xbb\xbfone two\nfour",
        b"one two\r\n\r\nfour\r\n",
        b"one two\rfour\r",
    ],
    ids=["plain", "with a mark", "of Windows", "of an old Mac"],
)
def test_a_file_has_a_phrase_a_line(tmp_path, content):
    (tmp_path / "names").write_bytes(content)
    assert read_phrases(tmp_path / "names", WORDS) == ("one two", "four")
    assert read_phrases(str(tmp_path / "names"), WORDS) == ("one two", "four")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf \r\n"])
def test_a_file_without_a_phrase_is_an_empty_list(tmp_path, content):
    (tmp_path / "names").write_bytes(content)
    assert read_phrases(tmp_path / "names", WORDS) == ()


def test_there_are_no_comments(tmp_path):
    (tmp_path / "names").write_text("# one\n#\n", "utf-8")
    with pytest.raises(CIFError, match="line 1 of .* has the token '#'"):
        read_phrases(tmp_path / "names", WORDS)
    assert read_phrases(tmp_path / "names", ("#", "one")) == ("# one", "#")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_unknown_token_is_found_by_its_line(tmp_path, end):
    """As an editor counts: neither a form feed nor Unicode's own line ends begin a line."""
    lines = ["one", "", "two\x0cthree", "four\u2028one", "two four five", "six"]
    (tmp_path / "names").write_bytes(end.join(lines).encode())
    with pytest.raises(CIFError, match=r"^line 5 of .*names \('two four five'\) .* 'five', which"):
        read_phrases(tmp_path / "names", WORDS)
    (tmp_path / "names").write_bytes(end.join(["one", "two " * 31]).encode())
    with pytest.raises(CIFError, match=r"^line 2 of .*names must have at most 30 tokens, got 31"):
        read_phrases(tmp_path / "names", WORDS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\n\xff\xfe\n", "the list of phrases .*names must be UTF-8 text, .* from byte 4 on"),
        ("one\n".encode("utf-16"), "must be UTF-8 text, it is not from byte 0 on"),
        ("one\n".encode("utf-16-le"), "the list of phrases .*names must be text, it has NULs"),
        (b"\x89PNG\r\n\x1a\n\0\0", "names must be UTF-8 text, it is not from byte 0 on"),
        (b"one\n" * (LARGEST_FILE // 4) + b"\n", "names is larger than 1048576 bytes"),
    ],
    ids=["bytes", "UTF-16", "UTF-16 without a mark", "a picture", "too large"],
)
def test_what_is_no_text_is_one_error(tmp_path, content, message):
    (tmp_path / "names").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_phrases(tmp_path / "names", WORDS)


def test_what_is_no_file_is_one_error(tmp_path):
    with pytest.raises(DataError, match="no such list of phrases: .*nowhere"):
        read_phrases(tmp_path / "nowhere", WORDS)
    with pytest.raises(DataError, match="expected a list of phrases, .* is not a file"):
        read_phrases(tmp_path, WORDS)
    with pytest.raises(DataError, match="expected the path of a list of phrases, got None"):
        read_phrases(None, WORDS)


# --- drawn and found -----------------------------------------------------------------------------


def runs(row, length):
    """All runs of so many tokens."""
    return {tuple(row[i : i + length]) for i in range(len(row) - length + 1)}


@given(utterances, st.sets(st.integers(1, 4), min_size=1), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_what_is_drawn_are_distinct_runs_at_most_one_of_each_utterance(rows, lengths, seed):
    torch.manual_seed(seed)
    counts = torch.tensor([len(row) for row in rows])
    lengths = sorted(lengths)
    drawn = unpadded(drawn_phrases(padded(rows), counts, lengths=lengths, keep=1.0))
    assert len({tuple(one) for one in drawn}) == len(drawn)
    allowed = [set().union(*(runs(row, length) for length in lengths)) for row in rows]
    assert all(any(tuple(one) in some for some in allowed) for one in drawn)
    # Each utterance that is long enough gave one, which may be another's too.
    assert all(any(tuple(one) in some for one in drawn) for some in allowed if some)
    assert len(drawn) <= sum(len(row) >= lengths[0] for row in rows)
    assert drawn_phrases(padded(rows), counts, lengths=lengths, keep=0.0).shape == (0, 0)


def test_every_run_is_drawn_as_often_as_the_others_and_kept_as_often_as_asked():
    """A thousand utterances "0 1 2 3" one after the other; bounds of five standard deviations."""
    torch.manual_seed(0)
    row, found = torch.tensor([[0, 1, 2, 3]]), {}
    for _ in range(1000):
        for one in unpadded(drawn_phrases(row, torch.tensor([4]), lengths=[1, 3], keep=0.6)):
            found[tuple(one)] = found.get(tuple(one), 0) + 1
    assert found.keys() == runs([0, 1, 2, 3], 1) | runs([0, 1, 2, 3], 3)
    assert abs(sum(found.values()) - 600) < 5 * (1000 * 0.6 * 0.4) ** 0.5
    for one, count in found.items():
        share = 0.6 * 0.5 / (4 if len(one) == 1 else 2)
        assert abs(count - 1000 * share) < 5 * (1000 * share * (1 - share)) ** 0.5


def test_the_same_seed_draws_the_same():
    rows, counts = torch.arange(40).view(4, 10), torch.full((4,), 10)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(drawn_phrases(rows, counts, lengths=[2], keep=1.0))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


@given(utterances, lists)
@settings(max_examples=100, deadline=None)
def test_places_of_tokens_in_phrases_are_those_that_a_search_finds(rows, phrases):
    targets, ids = padded(rows), padded(phrases)
    expected = torch.zeros(*targets.shape, *ids.shape, dtype=torch.bool)
    for row, tokens in enumerate(rows):
        for number, phrase in enumerate(phrases):
            for first in range(len(tokens) - len(phrase) + 1):
                if tokens[first : first + len(phrase)] == phrase:
                    for place in range(len(phrase)):
                        expected[row, first + place, number, place] = True
    assert torch.equal(places_in_phrases(targets, ids), expected)


def test_a_token_may_be_at_several_places_of_a_phrase():
    targets, phrase = torch.tensor([[1, 0, 1, 0, 1, 0, 0]]), torch.tensor([[1, 0, 1]])
    inside = places_in_phrases(targets, phrase)[0, :, 0].int().tolist()
    assert inside == [[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    none = torch.zeros(0, 0).long()
    assert places_in_phrases(torch.tensor([[1, 2]]), none).shape == (1, 2, 0, 0)
    assert places_in_phrases(torch.zeros(2, 0).long(), phrase).shape == (2, 0, 1, 3)
