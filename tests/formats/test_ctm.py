"""CTM and RTTM: lines for recordings."""

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import read_alignments, write_alignments
from cifviz.formats.ctm import format_ctm, parse_ctm
from cifviz.formats.rttm import format_rttm, parse_rttm

ONE = Alignment((TimedToken("one", 0.25, 0.5, 0.5), TimedToken("two", 0.5, 1.0)))


def test_a_file_holds_recordings_and_their_channels(tmp_path):
    recordings = {"a": ONE, "b": ONE, "b B": ONE}
    for suffix in (".ctm", ".rttm"):
        path = write_alignments(tmp_path / f"x{suffix}", recordings, 1.0)
        assert read_alignments(path) == recordings
    assert (tmp_path / "x.ctm").read_text("utf-8").splitlines()[4:] == [
        "b B 0.25 0.25 one 0.5",
        "b B 0.5 0.5 two",
    ]


def test_one_alignment_has_the_name_of_its_file(tmp_path):
    path = write_alignments(tmp_path / "my long talk.1.ctm", ONE, 1.0)
    assert path.read_text("utf-8").startswith("my_long_talk.1 1 0.25 0.25 one")


def test_untimed_tokens_are_left_out_beside_timed_ones():
    tokens = Alignment((TimedToken("uh"), *ONE, TimedToken("er")))
    assert format_ctm({"a": tokens}) == format_ctm({"a": ONE})


@pytest.mark.parametrize("name", ["", "a b c", "a 1", " a", "a  B", "a\tb", ";;a", "a\u2028", "\0"])
@pytest.mark.parametrize("make", [format_ctm, format_rttm])
def test_what_is_no_name_of_a_recording_is_refused(name, make):
    with pytest.raises(DataError, match="TM holds recordings: expected a name without white space"):
        make({name: ONE})


@pytest.mark.parametrize("label", ["", "a\tb", "a\nb", "\xa0", "a<space>b", "\x1c", "\0", "\ud800"])
@pytest.mark.parametrize("make", [format_ctm, format_rttm])
def test_what_is_no_field_is_refused(label, make):
    with pytest.raises(DataError, match="TM cannot hold an empty label, <space>, control"):
        make({"a": Alignment((TimedToken(label, 0, 1),))})


def test_a_space_has_a_name():
    tokens = Alignment((TimedToken(" the", 0, 1), TimedToken(" ", 1, 2), TimedToken("a b", 2, 3)))
    text = format_ctm({"a": tokens})
    assert [line.split()[-1] for line in text.splitlines()] == [
        "<space>the",
        "<space>",
        "a<space>b",
    ]
    assert parse_ctm(text) == {"a": tokens}


@pytest.mark.parametrize(
    "line",
    [
        "a 1 0.25 0.25 one 0.5",
        "  a\t1  .25 2.5e-1 one 0.5 lex NA",
        ";; a comment\n\na A 0.25 0.25 one 0.5\r\n;;",
    ],
)
def test_what_others_write_is_read(line):
    (tokens,) = parse_ctm(line).values()
    assert tokens.tokens == (TimedToken("one", 0.25, 0.5, 0.5),)


def test_a_confidence_may_be_unknown():
    assert parse_ctm("a 1 0 1 one NA lex NA")["a"].tokens[0].score is None
    assert parse_rttm("LEXEME a 1 0 1 one lex <NA> <NA>")["a"].tokens[0].score is None


def test_lines_need_no_order_and_roundings_may_overlap():
    text = "a 1 0.46 0.5 b\na 1 0.12 0.35 a\n"
    assert parse_ctm(text)["a"].spans == ((0.12, 0.47), (0.47, 0.96))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a 1 0.25 0.25", "line 1: expected recording, channel, start, duration and token"),
        ("\n\na 1 nan 1 x", "line 3: expected a start in seconds, got 'nan'"),
        ("a 1 inf 1 x", "expected a start in seconds, got 'inf'"),
        ("a 1 -1 1 x", "expected a start in seconds, got '-1'"),
        ("a 1 0 -1 x", "expected a duration in seconds, got '-1'"),
        ("a 1 1e999 1 x", "expected a start in seconds, got '1e999'"),
        ("a 1 1_0 1 x", "expected a start in seconds, got '1_0'"),
        ("a 1 ٣ 1 x", "expected a start in seconds"),
        ("a 1 * * <ALT_BEGIN>", r"expected a start in seconds, got '\*'"),
        ("a 1 0 1 x 1.5", "expected a confidence from 0 to 1, got '1.5'"),
        ("a 1 0 1 x\na 1 0.5 1 y", "'a': tokens that overlap .*'y' starts at 0.5 s, .* at 1 s"),
    ],
)
def test_what_is_no_ctm_is_refused(tmp_path, line, message):
    path = tmp_path / "a.ctm"
    path.write_text(line, "utf-8")
    with pytest.raises(DataError, match=f"expected a CTM, cannot read .*a.ctm: .*{message}"):
        read_alignments(path)


def test_words_and_speakers_of_an_rttm():
    text = (
        ";; all of a meeting\n"
        "SPKR-INFO m 1 <NA> <NA> <NA> unknown ann <NA> <NA>\n"
        "SPEAKER m 1 0 2 <NA> <NA> ann <NA> <NA>\n"
        "SPEAKER m 1 1 2 <NA> <NA> bob <NA>\n"
        "LEXEME m 1 0.25 0.25 one lex ann 0.5 <NA>\n"
        "SPEAKER m 1 4 1 <NA> <NA> ann <NA> <NA>\n"
    )
    found = parse_rttm(text)
    assert list(found) == ["m ann", "m bob", "m"]
    assert found["m ann"].spans == ((0, 2), (4, 5))
    assert found["m"].tokens == (TimedToken("one", 0.25, 0.5, 0.5),)


@pytest.mark.parametrize(
    "line", ["WORD m 1 0 1 one lex <NA> <NA>", "LEXEME m 1 0 1 one", "SPEAKER m 1 0 1 a b c d e f"]
)
def test_what_is_no_rttm_is_refused(line):
    with pytest.raises(DataError, match="line 1: expected a type of RTTM and 9 or 10 fields, got"):
        parse_rttm(line)


def test_the_unknown_is_no_label_of_an_rttm():
    with pytest.raises(DataError, match="RTTM cannot hold the label <NA>"):
        format_rttm({"a": Alignment((TimedToken("<NA>", 0, 1),))})
