"""Every format gives back what it was given, or refuses it before anything is written."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cifviz import formats
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError

RESOLUTION = {".ass": 0.01, ".srt": 0.001, ".vtt": 0.001, ".eaf": 0.001}
"""Seconds; of the others a microsecond."""
SCORED = {".json", ".csv", ".ctm", ".rttm"}
UNTIMED = {".json", ".csv"}
EMPTY_TIERS = {".json", ".TextGrid", ".short.TextGrid", ".eaf", ".srt", ".vtt", ".txt"}
"""Formats that keep a tier without tokens."""
SUFFIXES = list(formats.WRITERS)

LABELS = [
    "one", "don't", "<unk>", "<s>", "</s>", "[noise]", "▁the", "##ing", "你", "ˈaɪ", "🙂", "100%",
    "a&b", "&lt;", "R&amp;B", "=1+1", "-", "+x", "@", "'", '"', 'a "b"', "a,b", "a;b", ";;", "\\",
    "5", "שלום",
]  # fmt: skip
"""Labels that every format holds but TextGrid's quotation marks and nothing else are special in."""
TRAPS = [
    "", " ", " the", "the ", "a b", "a\tb", "a\nb", "a\n\nb", "\n", "a\n5", "a\rb", "a\r\nb", "\0",
    "a\0", "\x1b[31m", "\x1c", "\x85", "\u2028", "\xa0", "\ufeff", "\ud800", "<space>", "<NA>",
    "NA", "-->", "00:00:01,000 --> 00:00:02,000", "<i>", "</I>", "<b>x</b>", "<<i>i>",
    "<font color=red>",
    "<v Ann>", "<c.x>", r"{\an8}", "{", "}", "{x}", r"\N", r"\n", r"\h", "<!--", "]]>", "&#0;",
    "NOTE", "WEBVTT", "\\\t1\t2", "'=1", "''-", "＝1", "\ufffe",
]  # fmt: skip

label = st.one_of(st.sampled_from(LABELS + TRAPS), st.text(max_size=8))
name = st.one_of(st.sampled_from(["words", "phones", "me", "me B"]), st.text(max_size=6))
gap = st.sampled_from([0.0, 0.0, 1e-7, 1e-4, 0.004, 0.1, 0.1 + 0.2, 1 / 3, 61.0, 3600.0])
score = st.sampled_from([None, 0.0, 0.5, 1 / 3, 1.0])


@st.composite
def alignments(draw):
    """Tokens from anywhere up to a few hours: touching, empty, untimed."""
    tokens, time = [], draw(gap)
    for text in draw(st.lists(label, max_size=5)):
        if draw(st.integers(0, 9)) == 0:
            tokens.append(TimedToken(text, score=draw(score)))
            continue
        end = time + draw(gap)
        tokens.append(TimedToken(text, time, end, draw(score)))
        time = end + draw(gap)
    return Alignment(tuple(tokens))


def written_and_read(suffix, tiers, duration=100_000.0):
    """What is read of what is written; None if it is refused, and then nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        try:
            formats.write_alignments(path, tiers, duration)
        except DataError as error:
            assert list(Path(folder).iterdir()) == []
            assert "\n" not in str(error) and str(error).isprintable()
            return None
        return formats.read_alignments(path)


def check_same(suffix, found, given):
    """The same tokens, their times within the resolution."""
    resolution = RESOLUTION.get(suffix, 1e-6)
    kept = [one for one in given if suffix in UNTIMED or one.is_timed]
    assert [one.token for one in found] == [one.token for one in kept]
    pushed = 0  # how many too short tokens there are, which take a unit from those behind them
    for one, other in zip(found, kept, strict=True):
        assert one.is_timed == other.is_timed
        if suffix in SCORED:
            assert one.score == pytest.approx(other.score, abs=1e-6)
        if other.is_timed:
            before, short = pushed, other.end - other.start < resolution
            pushed = pushed + 1 if short else pushed * (suffix == ".eaf")
            slack = resolution * max(1, 0.5 + max(before, pushed)) + 1e-9
            assert one.start == pytest.approx(other.start, abs=slack)
            assert one.end == pytest.approx(other.end, abs=slack)


def longer(tiers, least=1e-5):
    """The tiers of intervals, without tokens that may fit none."""
    return {
        key: Alignment(t for t in one if t.is_timed and t.end - t.start > least)
        for key, one in tiers.items()
        if formats.UNTIMED_SUFFIX not in key
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(tiers=st.dictionaries(name, alignments(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read_back(suffix, tiers):
    if suffix in formats.ONE_TIER:
        tiers = {"words": next(iter(tiers.values()))}
    found = written_and_read(suffix, tiers)
    if found is None:
        return
    if suffix.endswith(".TextGrid"):  # what fits no interval has a tier of its own
        found, tiers = (longer(both) for both in (found, tiers))
    if suffix not in EMPTY_TIERS:
        tiers = {key: one for key, one in tiers.items() if (one if suffix == ".csv" else one.timed)}
    assert list(found) == list(tiers)
    for one, other in zip(found.values(), tiers.values(), strict=True):
        check_same(suffix, one, other)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("text", LABELS)
def test_usual_labels_are_never_refused(suffix, text):
    tokens = Alignment((TimedToken(text, 0.25, 0.5, 0.5), TimedToken("b", 0.5, 1.0)))
    tiers = {"words": tokens}
    assert [one.token for one in written_and_read(suffix, tiers)["words"]] == [text, "b"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_hour_and_neighbours_whose_floats_nearly_agree(suffix):
    edge = 0.1 + 0.2
    tokens = Alignment(
        (TimedToken("a", 0.0, 0.3), TimedToken("b", edge, 1 / 3), TimedToken("c", 3599.5, 3600.0))
    )
    found = written_and_read(suffix, {"words": tokens}, 3600.0)["words"]
    check_same(suffix, found, tokens)
    assert found.tokens[0].end == pytest.approx(0.3, abs=1e-15)
    assert found.tokens[1].start == pytest.approx(0.3, abs=1e-15)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_legal(suffix):
    assert written_and_read(suffix, {"words": Alignment()}, 1.0) in (
        {"words": Alignment()},
        {},
    )


@pytest.mark.parametrize("suffix", sorted(set(SUFFIXES) - UNTIMED))
def test_tokens_without_any_time_are_refused_by_formats_of_times(suffix):
    tiers = {"words": Alignment((TimedToken("a"), TimedToken("b")))}
    found = written_and_read(suffix, tiers, 1.0)
    if suffix.endswith("TextGrid"):
        assert found["words" + formats.UNTIMED_SUFFIX].text == "a b"
    else:
        assert found is None


@pytest.mark.parametrize("suffix", sorted(set(SUFFIXES) - {".json"}))
@pytest.mark.parametrize(("start", "end"), [(-0.1, 0.5), (0.5, 1e9)])
def test_times_that_a_format_does_not_hold_are_refused(suffix, start, end):
    assert written_and_read(suffix, {"words": Alignment((TimedToken("a", start, end),))}) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("tiers", [3, {"a": "b"}, {3: Alignment()}, [Alignment()]])
def test_what_is_no_alignment_is_refused(tmp_path, suffix, tiers):
    with pytest.raises(DataError, match="expected an Alignment|holds one tier"):
        formats.write_alignments(tmp_path / f"a{suffix}", tiers, 1.0)


CONTENTS = {
    "nothing": b"",
    "zeros": bytes(1000),
    "noise": bytes(range(256)) * 20,
    "half of UTF-16": b"\xff\xfe\x00",
    "latin-1": "é".encode("latin-1") * 100,
    "brackets": b"<" * 100_000,
    "braces": b"{" * 100_000,
    "a long heading": b"[Events]\n[" + b"a" * 100_000,
    "a long line": b"1 " * 200_000,
    "quotes": b'"' * 100_001,
    "arrows": b"--> " * 50_000,
    "blank lines": b"\n" * 200_000,
    "tabs": b"\t" * 100_000,
}


@pytest.mark.parametrize("suffix", list(formats.READERS))
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_whatever_is_read_there_is_a_result_or_one_sentence(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    try:
        formats.read_alignments(path)
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("suffix", list(formats.READERS))
@given(content=st.binary(max_size=200), cut=st.integers(0, 400), place=st.integers(0, 400))
@example(content=b"\xef\xbb\xbf", cut=0, place=0)
@settings(deadline=None, max_examples=50)
def test_damaged_files_are_read_or_refused(suffix, content, cut, place):
    tokens = Alignment((TimedToken("one", 0.25, 0.5, 0.5), TimedToken("two", 0.5, 1.0)))
    with tempfile.TemporaryDirectory() as folder:
        path = formats.write_alignments(Path(folder, f"a{suffix}"), {"words": tokens}, 1.0)
        whole = path.read_bytes()
        path.write_bytes(whole[:place] + content + whole[place + cut :])
        try:
            found = formats.read_alignments(path)
        except DataError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert all(isinstance(one, Alignment) for one in found.values())


@pytest.mark.parametrize("suffix", list(formats.READERS))
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_usual_encodings_are_read(tmp_path, suffix, encoding, end):
    if suffix == ".json" and encoding == "utf-16":
        pytest.skip("JSON is UTF-8")
    tokens = Alignment((TimedToken("é你🙂", 0.25, 0.5), TimedToken("two", 0.5, 1.0)))
    path = formats.write_alignments(tmp_path / f"a{suffix}", {"words": tokens}, 1.0)
    text = path.read_bytes().decode("utf-8").replace("\r\n", "\n").replace("\n", end)
    if suffix == ".eaf":
        text = text.replace("UTF-8", encoding.removesuffix("-sig"))
    path.write_bytes(text.encode(encoding))
    assert formats.read_alignments(path) == {"words": tokens}


@pytest.mark.parametrize("suffix", list(formats.READERS))
def test_a_huge_file_is_not_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with path.open("wb") as file:
        file.truncate(2**28 + 1)  # sparse
    with pytest.raises(DataError, match="is larger than"):
        formats.read_alignments(path)
