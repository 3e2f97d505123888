"""CSV tables and label files of Audacity."""

import csv

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import read_alignments, write_alignments
from cifviz.formats.audacity import parse_audacity
from cifviz.formats.csv_alignments import parse_csv

ONE = TimedToken("one", 0.25, 0.5, 0.5)


def test_a_csv_is_a_table_of_all_tiers(tmp_path):
    tiers = {"words": Alignment((ONE, TimedToken("uh"))), "phones": Alignment((ONE,))}
    path = write_alignments(tmp_path / "a.csv", tiers, 1.0)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["tier", "token", "start", "end", "score"],
            ["words", "one", "0.25", "0.5", "0.5"],
            ["words", "uh", "", "", ""],
            ["phones", "one", "0.25", "0.5", "0.5"],
        ]
    assert read_alignments(path) == tiers


@pytest.mark.parametrize(
    "label", ["=1+1", "+1", "-", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "'=1"]
)
def test_no_spreadsheet_calculates_a_label(tmp_path, label):
    tiers = {label: Alignment((TimedToken(label, 0, 1),))}
    path = write_alignments(tmp_path / "a.csv", tiers, 1.0)
    with path.open(newline="", encoding="utf-8") as file:
        name, token, *_ = list(csv.reader(file))[1]
    assert name == token == f"'{label}"
    assert read_alignments(path) == tiers


def test_a_csv_of_others_is_read():
    text = "score,end,start,note,token\n,0.5,0.25,x,one\n\n0.5,,,,uh\n"
    assert parse_csv(text) == {
        "words": Alignment((TimedToken("one", 0.25, 0.5), TimedToken("uh", score=0.5)))
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"expected the columns .*, no \['token', 'start', 'end'\]"),
        ("token;start;end\n", "expected the columns tier, token, start, end, score, no"),
        ("token,start,end\na,0", "line 2: expected 3 cells, got 2"),
        ("token,start,end\na,0,", "line 2: token 'a' needs both times or none"),
        ("token,start,end\na,1,0", "line 2: token 'a' needs finite start <= end"),
        ("token,start,end\na,nan,1", "line 2: expected a start in seconds, got 'nan'"),
        ("token,start,end\na,-1,1", "line 2: expected a start in seconds, got '-1'"),
        ('token,start,end\n"a,0,1', "line 2: unexpected end of data"),
        (f"token,start,end\n{'a' * 200_000},0,1", "line 2: field larger than field limit"),
        ("token,start,end\na,0,1\nb,0.5,1", "'words': tokens that overlap"),
    ],
)
def test_what_is_no_table_of_tokens_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        parse_csv(text)


def test_labels_of_audacity_may_be_points_and_have_frequencies(tmp_path):
    text = "0.250000\t0.500000\tone two\n\\\t120.5\t300.0\n0.5\t0.5\n"
    expected = (TimedToken("one two", 0.25, 0.5), TimedToken("", 0.5, 0.5))
    assert parse_audacity(text).tokens == expected
    path = write_alignments(tmp_path / "a.txt", Alignment(expected), 1.0)
    assert path.read_text("utf-8") == "0.250000\t0.500000\tone two\n0.500000\t0.500000\t\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a transcript", "line 1: expected start, end and label, got 'a transcript'"),
        ("\n0,5\t1\ta", "line 2: expected a start in seconds, got '0,5'"),
        ("0\tinf\ta", "line 1: expected an end in seconds, got 'inf'"),
        ("1\t0\ta", "line 1: token 'a' needs finite start <= end"),
        ("0\t1\ta\n0.5\t2\tb", "tokens that overlap"),
    ],
)
def test_what_is_no_label_file_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        parse_audacity(text)


def test_a_time_of_many_digits_is_no_long_work():
    for digits in ("1" * 300_000 + "x", "1" * 300_000 + "." + "1" * 300_000 + "e"):
        with pytest.raises(DataError, match="line 1: expected a start in seconds"):
            parse_audacity(f"{digits}\t1\tone\n")


@pytest.mark.parametrize("label", ["a\tb", "a\nb", "a\rb", "\0", "\ud800"])
def test_what_a_label_file_cannot_hold_is_refused(tmp_path, label):
    with pytest.raises(DataError, match="Audacity cannot hold a tab, a line end or a zero"):
        write_alignments(tmp_path / "a.txt", Alignment((TimedToken(label, 0, 1),)), 1.0)
    assert list(tmp_path.iterdir()) == []
