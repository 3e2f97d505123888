"""SRT, WebVTT and ASS, as they are written here and as others write them."""

import builtins

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import read_alignments, write_alignments
from cifviz.formats.srt import format_srt, parse_srt
from cifviz.formats.substation import format_substation, parse_substation
from cifviz.formats.webvtt import format_webvtt, parse_webvtt


def one(label, start=0.25, end=0.5):
    return Alignment((TimedToken(label, start, end),))


def labels(alignment):
    return [token.token for token in alignment]


# --- SRT -----------------------------------------------------------------------------------------

SRT = """1
00:00:00,250 --> 00:00:00,500
one

2
00:00:00,500 --> 01:00:00,000
two
lines

"""


def test_an_srt_is_what_players_expect():
    tokens = Alignment((*one("one"), TimedToken("two\nlines", 0.5, 3600.0)))
    assert format_srt(tokens) == SRT
    assert parse_srt(SRT) == tokens


@pytest.mark.parametrize(
    "text",
    [
        SRT.rstrip(),
        SRT.replace(",", "."),
        SRT.replace("1\n00", "00").replace("2\n00", "00"),
        SRT.replace("00:00:00,250", " 0:00:00,25"),
        SRT.replace("500\none", "500 X1:1 X2:2 Y1:3 Y2:4\n<b><i>one</i></b>"),
        SRT.replace("one", '<font color="#ffff00">{\\an8}one</font>').replace("\n\n", "\n \n\n"),
        SRT.replace("\n", "\r\n"),
        "\n" + SRT + "\n\n\n",
    ],
)
def test_an_srt_of_others_is_read(text):
    assert labels(parse_srt(text)) == ["one", "two\nlines"]
    assert parse_srt(text).spans == ((0.25, 0.5), (0.5, 3600.0))


@pytest.mark.parametrize("label", ["<unk>", "<s>", "</s>", "{NS}", r"\N", "&amp;", "7", " the"])
def test_what_looks_like_markup_and_is_none_stays(label):
    assert labels(parse_srt(format_srt(one(label)))) == [label]


@pytest.mark.parametrize("label", ["<i>x", "</B>", "{\\an8}", "a --> b", "a\n\nb", "\na", "a\r"])
def test_what_an_srt_would_lose_is_refused(tmp_path, label):
    with pytest.raises(DataError, match=r"a\.srt: SRT cannot hold an empty line, -->, markup"):
        write_alignments(tmp_path / "a.srt", one(label), 1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "expected a number or times, got 'hello'"),
        ("1\n00:00:01,000 --> 00:00:00,000\nx", "line 2: token 'x' needs finite start <= end"),
        ("1\n-1:00:00,000 --> 00:00:00,000\nx", "expected a number or times"),
        ("1\n999999:00:00,000 --> 999999:00:01,000\nx", "line 2: expected times up to 1e.08 s"),
        (SRT + "3\n00:59:59,000 --> 01:00:01,000\nx", "'x' starts at 3599 s, before the one"),
    ],
)
def test_what_is_no_srt_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        parse_srt(text)


# --- WebVTT --------------------------------------------------------------------------------------


def test_a_webvtt_is_what_browsers_expect():
    tokens = Alignment((*one("<unk> & co"), TimedToken("two", 0.5, 3600.0)))
    text = format_webvtt(tokens)
    assert text == (
        "WEBVTT\n\n00:00:00.250 --> 00:00:00.500\n&lt;unk&gt; &amp; co\n\n"
        "00:00:00.500 --> 01:00:00.000\ntwo\n"
    )
    assert parse_webvtt(text) == tokens


def test_a_webvtt_of_others_is_read():
    text = """WEBVTT - of a talk
Kind: captions

NOTE one
two

STYLE
::cue { color: lime }

first
00:00.250 --> 00:00.500 align:start position:0%
<v.loud Ann &amp; Bob>one<00:00:00.300><c> two</c></v>

00:00:00.500 --> 00:00:01.000
<i><b>&lt;nested&gt;</i></b>&nbsp;x
"""
    assert labels(parse_webvtt(text)) == ["one two", "<nested>\xa0x"]
    assert parse_webvtt(text.replace("\n", "\r")).spans == ((0.25, 0.5), (0.5, 1.0))


@pytest.mark.parametrize("label", ["", " ", "a --> b", "<i>x", "&lt;", "&#10;", "NOTE", "WEBVTT"])
def test_webvtt_escapes_what_would_be_syntax(label):
    assert labels(parse_webvtt(format_webvtt(one(label)))) == [label]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected WEBVTT in the first line, got ''"),
        ("WEBVTTX\n", "expected WEBVTT in the first line"),
        ("WEBVTT\n\n0.25 --> 0.5\nx", "line 3: expected times, got '0.25 --> 0.5'"),
        ("WEBVTT\n\nname\n00:01.000 --> 00:00.000\nx", "line 4: token 'x' needs finite start"),
    ],
)
def test_what_is_no_webvtt_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        parse_webvtt(text)


@pytest.mark.parametrize("make", [format_srt, format_webvtt])
def test_a_subtitle_lasts_a_millisecond_at_least(make):
    assert "00:00:00{0}500 --> 00:00:00{0}501".format("," if make is format_srt else ".") in make(
        one("x", 0.5, 0.5)
    )


# --- ASS -----------------------------------------------------------------------------------------


def test_tiers_of_an_ass_are_actors():
    tiers = {"words": one("two, lines\nof it"), "phones": one("t")}
    text = format_substation(tiers)
    assert r"Dialogue: 0,0:00:00.25,0:00:00.50,Default,words,0,0,0,,two, lines\Nof it" in text
    assert parse_substation(text) == tiers


def test_markup_and_comments_of_an_ass_are_passed_over():
    line = "Dialogue: 0,0:00:00.25,0:00:00.50,Default,,0,0,0,,{\\k10}o{\\i1}ne\\hx\\ny"
    text = f"[Events]\n{line}\n{line.replace('Dialogue', 'Comment')}\n"
    assert {name: labels(one) for name, one in parse_substation(text).items()} == {
        "words": ["one x\ny"]
    }


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ({"w": one("{x}")}, "ASS cannot hold braces"),
        ({"w": one(r"\N")}, "ASS cannot hold braces"),
        ({"a,b": one("x")}, "ASS cannot hold braces"),
        ({"": one("x")}, "ASS cannot hold a tier without a name"),
        ({"w": one("x", 0, 36_000)}, "ASS ends at 9:59:59.99, 'x' is later"),
    ],
)
def test_what_an_ass_would_lose_is_refused(tiers, message):
    with pytest.raises(DataError, match=message):
        format_substation(tiers)


TIMED = "Dialogue: 0,{},0:00:00.50,Default,,0,0,0,,a"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (TIMED.format("x"), "Failed to parse timestamp: 'x'"),
        (TIMED.format("-0:00:01.00"), "subtitle 1: expected times from 0"),
        (TIMED.format("0:00:01.00"), "subtitle 1: token 'a' needs finite start <= end"),
        ("Style: Default,Arial,20,", "string index out of range"),
        ("Style: Default,Arial,x", "could not convert string to float: 'x'"),
        ("[" + "a" * 1_000_000, "a heading that is too long"),
    ],
)
def test_what_is_no_ass_is_refused_at_once(line, message):
    with pytest.raises(DataError, match=message):
        parse_substation(f"[Events]\n{line}\n")


@pytest.mark.parametrize(
    ("suffix", "library", "message"),
    [
        (".ass", "pysubs2", r"ASS subtitles need the library pysubs2: pip install .cifviz\[form"),
        (".eaf", "pympi.Elan", r"EAF needs the library pympi-ling: pip install .cifviz\[formats"),
    ],
)
def test_a_missing_library_is_named_in_one_sentence(
    tmp_path, monkeypatch, suffix, library, message
):
    path = write_alignments(tmp_path / f"a{suffix}", one("x"), 1.0)
    load = builtins.__import__

    def missing(name, *rest):
        if name == library:
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    for call in (read_alignments, lambda path: write_alignments(path, one("x"), 1, overwrite=True)):
        with pytest.raises(DataError, match=message):
            call(path)
