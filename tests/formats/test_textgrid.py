"""TextGrids are read as Praat reads them, and what is written is read back the same.

The expectations were checked with Praat 6.1.38.
"""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import (
    UNTIMED_SUFFIX,
    format_textgrid,
    read_textgrid,
    write_textgrid,
)
from cifviz.formats.praat import parse_textgrid

HEADER = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
ONE, TWO = (0.2, 0.5, "one"), (0.5, 0.9, "two")


def one(token, start=0.25, end=0.5):
    return Alignment((TimedToken(token, start, end),))


def tier(entries, *, kind="IntervalTier", name="words", count=None):
    """A tier in the short format, after how its entries are written."""
    count = len(entries) if count is None else count
    return f'"{kind}" "{name}" 0 1 {count}\n' + "\n".join(entries)


def short(*tiers, domain="0 1", flag="<exists>", count=None):
    count = len(tiers) if count is None else count
    return f"{HEADER}{domain}\n{flag}\n{count}\n" + "\n".join(tiers)


def quoted(*entries):
    """Entries in the short format, with numbers and labels as Praat writes them."""
    return [" ".join([*map(str, times), '"' + label + '"']) for *times, label in entries]


def words(*entries):
    return short(tier(quoted(*entries)))


def read(path, content):
    path = path / "a.TextGrid"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return {
        name: [(round(t.start, 6), round(t.end, 6), t.token) for t in alignment]
        for name, alignment in read_textgrid(path).items()
    }


# --- what Praat's text reader accepts ------------------------------------------------------------

LONG = (
    HEADER
    + """xmin = 0
xmax = 1
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1
        intervals: size = 2
        intervals [1]:
            xmin = 0.2
            xmax = 0.5
            text = "one"
        intervals [2]:
            xmin = 0.5
            xmax = 0.9
            text = "two"
    item [2]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 1
        points: size = 2
        points [1]:
            number = 0.3
            mark = "ding"
        points [2]:
            time = 0.6
            mark = ""
"""
)
BELL = [(0.3, 0.3, "ding"), (0.6, 0.6, "")]


def test_long_and_short_text_with_points(tmp_path):
    assert read(tmp_path, LONG) == {"words": [ONE, TWO], "bell": BELL}
    bell = tier(['0.3 "ding"', '0.6 ""'], kind="TextTier", name="bell")
    assert read(tmp_path, short(tier(quoted(ONE, TWO)), bell)) == {
        "words": [ONE, TWO],
        "bell": BELL,
    }
    assert read(tmp_path, LONG.replace("ooTextFile", "ooTextFile short"))["bell"] == BELL


SPACES = [" one", "one ", "  ", "\xa0one", "\u2028", "\t", "a\nb"]
SIGNS = ['say ""no""', '""', "\\ae", "!", "<a>", "xmin = 1", "intervals [2]:", "item [2]:"]


@pytest.mark.parametrize("label", [*SPACES, *SIGNS, 'class = ""IntervalTier""'])
@pytest.mark.parametrize("form", ["long", "short"])
def test_a_label_is_what_stands_in_its_quotation_marks(tmp_path, label, form):
    content = {"long": LONG.replace("one", label), "short": words((0.2, 0.5, label), TWO)}
    assert read(tmp_path, content[form])["words"] == [(0.2, 0.5, label.replace('""', '"')), TWO]


@pytest.mark.parametrize(
    "entries",
    [
        ["0.2 .5 0.5 [1] (2) no=3 text: is='0' \"one\" and so on", '0.5\t\x0b0.9\xa0\n\n"two"'],
        ['! "a comment" 1 <2>\n0.2 0.5 ! another\n"one"', '0.5 0.9 "two"'],
        ['2e-1 +5.0E-01 "one"', '1/2 90% "two"'],
        ['0.20 + 0.5000 "one"', '0.5 0.9 "two"'],
        ['0.2s 0.5, "one"', 'xmin=0.5 is 0.5ms) 90%s "two"'],
        ['0.5 0.9 "two"', '0.2 0.5 "one"', '0.9 1 ""', '0 0.2 ""'],
    ],
    ids=["words between", "comments", "numbers", "a lone plus", "units", "not sorted"],
)
def test_values_stand_alone_and_everything_else_is_skipped(tmp_path, entries):
    assert read(tmp_path, short(tier(entries)))["words"] == [ONE, TWO]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings_and_line_ends(tmp_path, encoding, end):
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    label = "eín\nzwei" if encoding == "latin-1" else "eín\n你🙂"
    content = (mark + words((0.2, 0.5, label), TWO)).replace("\n", end).encode(encoding)
    assert read(tmp_path, content)["words"] == [(0.2, 0.5, label), TWO]


@pytest.mark.parametrize(
    "content",
    [
        words(ONE, TWO).encode() + b"\0\0",
        words(ONE, TWO).replace("one", "o\0ne").encode(),
        words(ONE, TWO).encode("utf-16-le"),
        words(ONE, TWO).encode("utf-16-be"),
        ("\ufeff" + words(ONE, TWO)).encode("utf-16-le") + b"\n",
    ],
    ids=["zeros at the end", "a zero in a label", "UTF-16 LE", "UTF-16 BE", "half a character"],
)
def test_zeros_and_a_missing_byte_order_mark(tmp_path, content):
    assert read(tmp_path, content)["words"] == [ONE, TWO]


@pytest.mark.parametrize(
    "content",
    [
        words(ONE, TWO).replace(HEADER, "TextGridTextFile\n"),
        words(ONE, TWO).replace('"TextGrid"', '"TextGrid 0"'),
        short(tier(quoted(ONE, TWO), kind="IntervalTier 0")),
        short(tier(quoted(ONE, TWO), count="2:"), flag="<Exists>", count="1,"),
    ],
    ids=["without a class", "version of the file", "version of a tier", "signs behind values"],
)
def test_older_headers(tmp_path, content):
    assert read(tmp_path, content)["words"] == [ONE, TWO]


def test_words_behind_the_last_entry_take_no_time(tmp_path):
    assert read(tmp_path, CHRONOLOGICAL + "\n" + "word \t" * 200_000)["words"] == [ONE, TWO]


def test_many_tiers_of_one_name_take_no_time(tmp_path):
    found = read(tmp_path, short(*[tier([])] * 20_000))
    assert list(found)[-1] == "words (20000)"


def test_times_may_begin_anywhere(tmp_path):
    entries = (-1.5, -0.5, "a"), (5, 3600.25, "b")
    assert read(tmp_path, words(*entries))["words"] == list(entries)
    domain = short(tier(quoted(*entries)), domain="-1.5 3601")
    assert read(tmp_path, domain)["words"] == list(entries)


def test_what_follows_the_last_entry_is_ignored(tmp_path):
    assert read(tmp_path, words(ONE, TWO) + '\nand so "on')["words"] == [ONE, TWO]
    assert read(tmp_path, short(tier(quoted(ONE, TWO), count=1)))["words"] == [ONE]


def test_without_tiers_or_entries(tmp_path):
    assert read(tmp_path, HEADER + "0 1 <absent>") == {}
    assert read(tmp_path, short()) == {}
    assert read(tmp_path, words()) == {"words": []}


def test_rounding_makes_no_overlap_and_no_length_is_a_length(tmp_path):
    assert read(tmp_path, words(ONE, (0.499999999, 0.9, "two")))["words"] == [ONE, TWO]
    found = read_textgrid(tmp_path / "a.TextGrid")["words"]
    assert found.tokens[1].start == found.tokens[0].end == 0.5
    short_ones = (0.2, 0.5, "a"), (0.4999995, 0.4999996, "b"), (0.6, 0.6, "c")
    assert read(tmp_path, words(*short_ones))["words"] == [
        (0.2, 0.5, "a"),
        (0.5, 0.5, "b"),
        (0.6, 0.6, "c"),
    ]


def test_of_entries_that_start_together_the_first_stays_as_in_praat(tmp_path):
    content = words((0, 0.2, ""), (0.2, 0.2, "one"), (0.2, 0.9, "two"))
    assert read(tmp_path, content)["words"] == [(0.2, 0.2, "one")]
    points = short(tier(['0.5 "b"', '0.2 "a"', '0.2 "c"'], kind="TextTier"))
    assert read(tmp_path, points)["words"] == [(0.2, 0.2, "a"), (0.5, 0.5, "b")]


def test_tiers_of_one_name_are_numbered_past_names_that_are_taken(tmp_path):
    names = ["words", "words", "words (2)", "words", "", ""]
    labels = "abcdef"
    tiers = [
        tier(quoted((0, 1, label)), name=name) for name, label in zip(names, labels, strict=True)
    ]
    found = read(tmp_path, short(*tiers))
    assert list(found) == ["words", "words (3)", "words (2)", "words (4)", "", " (2)"]
    assert [entries[0][2] for entries in found.values()] == list(labels)


# --- chronological and binary --------------------------------------------------------------------

CHRONOLOGICAL = '''"Praat chronological TextGrid text file"
0 1   ! Time domain.
2   ! Number of tiers.
"IntervalTier" "words" 0 1
"TextTier" "bell" 0 1

! words:
1 0.2 0.5
"one"

! bell:
2 0.6
""

! words:
1 0.5 0.9
"two"

! bell:
2 0.3 "ding"'''


def test_chronological_text(tmp_path):
    assert read(tmp_path, CHRONOLOGICAL) == {"words": [ONE, TWO], "bell": BELL}
    assert read(tmp_path, "\ufeff" + CHRONOLOGICAL)["bell"] == BELL
    assert read(tmp_path, CHRONOLOGICAL + "\nand so on")["bell"] == BELL


def binary_text(text):
    """As Praat writes it: one byte a character or, behind FFFF, UTF-16 counted in characters."""
    if text.isascii():
        return struct.pack(">H", len(text)) + text.encode()
    return struct.pack(">HH", 0xFFFF, len(text)) + text.encode("utf-16-be")


def binary(
    labels=("one", "two"),
    *,
    ends=(0.5, 0.9),
    count=2,
    kind=b"IntervalTier",
    exists=True,
    head=b"TextGrid",
):
    name = bytes([len(kind)]) + kind + binary_text("é🙂")
    entries = [
        struct.pack(">dd", start, end) + binary_text(label)
        for start, end, label in zip((0.2, 0.5), ends, labels, strict=True)
    ]
    return (
        b"ooBinaryFile" + bytes([len(head)]) + head + struct.pack(">dd?", 0, 1, exists)
        + struct.pack(">i", 1) + name + struct.pack(">ddi", 0, 1, count) + b"".join(entries)
    )  # fmt: skip


def test_binary(tmp_path):
    assert read(tmp_path, binary()) == {"é🙂": [ONE, TWO]}
    assert read(tmp_path, binary(("ma🙂x", ' "é" \n')) + b"more") == {
        "é🙂": [(0.2, 0.5, "ma🙂x"), (0.5, 0.9, ' "é" \n')]
    }
    assert read(tmp_path, binary(exists=False)) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (binary()[:-1], r"byte \d+, entry 2 of 2 of tier 'é🙂': the file ends, expected 3 bytes"),
        (binary()[:12], "byte 12, its header: the file ends"),
        (binary(count=2**31 - 1), "entry 3 of 2147483647 of tier 'é🙂': the file ends"),
        (binary(count=-1), "expected how many there are, got -1"),
        (binary(kind=b"PitchTier"), "expected an IntervalTier or a TextTier, got 'PitchTier'"),
        (binary(head=b"Sound"), "an object of Praat of the class 'Sound'"),
        (binary(head=b"Collection"), "several objects of Praat; save the TextGrid alone"),
        (binary(ends=(0.5, float("nan"))), "finite number, got nan"),
        (binary(("é", "two")).replace(b"\0\xe9", b"\xdc\0"), "expected a text in UTF-16"),
    ],
)
def test_damaged_binary_files(tmp_path, content, message):
    with pytest.raises(DataError, match="expected a Praat TextGrid, cannot read .*" + message):
        read(tmp_path, content)


# --- what is no TextGrid -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a file of Praat: its first line is ''"),
        ("hello\n" * 1000, "not a file of Praat: its first line is 'hello'"),
        (b"\xff\xfe\x00\xdc", "byte 2: expected UTF-16"),
        (b"\xff\xfe" + words(ONE).encode("utf-16-le")[:-1] + b"\xd8", "expected UTF-16"),
        (words(ONE).encode("utf-16-le") + b"\x00\xdc", "byte .*: expected UTF-16"),
        (words((0, 1, "\ud83d\ude42")).encode("utf-8", "surrogatepass"), "it holds surrogates"),
        ('File type = "ooTextFile"\n', "the file ends, expected a text in quotation marks"),
        (HEADER.replace("TextGrid", "Sound 2"), "an object of Praat of the class 'Sound 2'"),
        (HEADER.replace("TextGrid", "Collection"), "several objects of Praat"),
        (short(flag="<maybe>"), "line 5, its header: expected <exists> or <absent>, got 'maybe'"),
        (short(flag="7"), "line 5, its header: expected a flag, got the number '7'"),
        (short(tier([], kind="PitchTier")), "expected an IntervalTier or a TextTier, got 'Pitch"),
        (short(tier(quoted(ONE)), count=2), "tier 2 of 2: the file ends"),
        (short(tier(quoted(ONE), count=10**12)), "entry 2 of 1000000000000 of tier 'words': the"),
        (short(tier(quoted(ONE), count="9" * 5000)), "expected a finite number, got '999"),
        (short(tier(quoted(ONE), count="-1")), "expected how many there are, got -1"),
        (short(tier(quoted(ONE), count="1.5")), "expected how many there are, got 1.5"),
        (words((0.2, "0,5", "one")), "line 8, entry 1 of 1 of tier 'words': .* number, got '0,5'"),
        (words((0.2, "--undefined--", "one")), "expected a number, got '--undefined--'"),
        (words((0.2, "0.5.5", "one")), "expected a number, got '0.5.5'"),
        (words((0.2, "0.5e", "one")), "expected a number, got '0.5e'"),
        (words((0.2, "0.e", "one")), "expected a number, got '0.e'"),
        (words((0.2, "1/0", "one")), "expected a number, got '1/0'"),
        (short(tier([], kind="IntervalTier 1")), "or a TextTier, got 'IntervalTier 1'"),
        ("SoundTextFile\n0 1", "an object of Praat of the class 'Sound'"),
        (words((0.2, "1e999", "one")), "expected a finite number, got '1e999'"),
        (words((0.2, "٣", "one")), "expected a number, got the text 'one'"),
        (words((0.5, 0.2, "one")), "expected a start before an end, got 0.5 and 0.2"),
        (words((0.2, 0.5, 'o"ne')), "is not closed, or not followed by white space"),
        (words(ONE)[:-1], "is not closed"),
        (words((0, 0.6, "a"), (0.5, 1, "b")), "overlap are not supported: in tier 'words' 'b' st"),
        (CHRONOLOGICAL.replace("\n2 0.6", "\n3 0.6"), "the number of one of 2 tiers, got 3"),
        (CHRONOLOGICAL.replace("\n2 0.6", "\n0 0.6"), "the number of one of 2 tiers, got 0"),
        (CHRONOLOGICAL[:-8], "line 20, its entries: the file ends, expected a text"),
    ],
)
def test_what_is_no_textgrid_is_refused_in_one_sentence(tmp_path, content, message):
    with pytest.raises(DataError, match="expected a Praat TextGrid, cannot read .*" + message) as e:
        read(tmp_path, content)
    assert "\n" not in str(e.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match="no such TextGrid: .*b.TextGrid"):
        read_textgrid(tmp_path / "b.TextGrid")
    with pytest.raises(DataError, match="expected a TextGrid, .* is not a file"):
        read_textgrid(tmp_path)
    with pytest.raises(DataError, match="cannot read the TextGrid .*aaa: "):
        read_textgrid(tmp_path / ("a" * 300))
    with pytest.raises(DataError, match="expected the path of a TextGrid, got 3"):
        read_textgrid(3)


# --- writing -------------------------------------------------------------------------------------

LABELS = [
    'he said "hi"',
    '"',
    "\\",
    "a\nb",
    "two words",
    " x",
    "  ",
    "\xa0",
    "\x85",
    "!",
    "<a>",
    "5",
]
SYNTAX = ["xmin = 1", "intervals [2]:", "item [3]:", 'class = "TextTier"', "ooTextFile", "-"]
SCRIPTS = ["你好", "ˈaɪ", "שלום", "مرحبا", "🙂", "x\ufeff"]


@pytest.mark.parametrize("label", LABELS + SYNTAX + SCRIPTS)
def test_labels_and_names_are_read_back(tmp_path, label):
    path = write_textgrid(tmp_path / "a.TextGrid", {label: one(label), "b": one("b")}, 1.0)
    assert read_textgrid(path) == {label: one(label), "b": one("b")}


_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))


@given(st.dictionaries(_text, st.lists(_text.filter(bool), max_size=4), max_size=3))
def test_whatever_is_written_is_read_back(labels):
    tiers = {
        name: Alignment(tuple(TimedToken(t, i / 3, (i + 1) / 3) for i, t in enumerate(tokens)))
        for name, tokens in labels.items()
    }
    for found in parse_textgrid(format_textgrid(tiers, 2.0).encode("utf-8")):
        tokens = tiers.pop(found.name).tokens
        entries = [entry for entry in found.entries if entry[2]]
        assert [entry[2] for entry in entries] == [token.token for token in tokens]
        for (start, end, _), token in zip(entries, tokens, strict=True):
            assert (start, end) == pytest.approx((token.start, token.end), abs=1e-6)
    assert tiers == {}


@pytest.mark.parametrize("text", ["a\rb", "a\0", "\ud800", "x\udcff"])
def test_what_a_textgrid_cannot_hold_is_refused(tmp_path, text):
    path = tmp_path / "a.TextGrid"
    for tiers in (one(text), {text: one("a")}):
        with pytest.raises(DataError, match="a TextGrid cannot hold the character '") as caught:
            write_textgrid(path, tiers, 1.0)
        assert str(caught.value).isprintable() and str(caught.value).startswith(str(path))
    with pytest.raises(DataError, match="tier 'words': an empty token cannot be read back"):
        write_textgrid(path, one(""), 1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("short", [False, True])
def test_tiers_keep_their_names_and_blank_spaces_are_written(short):
    tiers = {"words": one("two"), "phones": one("t"), "empty": Alignment()}
    whole = parse_textgrid(format_textgrid(tiers, 1.0, short=short).encode("utf-8"))
    spans = {found.name: [(a, b) for a, b, _ in found.entries] for found in whole}
    thirds = [(0, 0.25), (0.25, 0.5), (0.5, 1)]
    assert spans == {"words": thirds, "phones": thirds, "empty": [(0, 1)]}


def test_neighbours_whose_floats_nearly_agree_do_not_overlap(tmp_path):
    edge = 0.1 + 0.2
    words = Alignment((TimedToken("a", 0.0, 0.3), TimedToken("b", edge, 1 / 3 + edge)))
    path = write_textgrid(tmp_path / "a.TextGrid", words, 1 / 3 + edge)
    first, second = read_textgrid(path)["words"]
    assert first.end == second.start == 0.3


def test_tokens_without_length_or_time_stand_in_a_point_tier(tmp_path):
    words = Alignment(
        (
            TimedToken("uh"),
            TimedToken("one", 0.2, 0.4),
            TimedToken("l", 0.4, 0.4),
            TimedToken("er"),
            TimedToken("two", 0.5, 0.8),
        )
    )
    own = {"words": words, "words" + UNTIMED_SUFFIX: one("mine")}
    tiers = read_textgrid(write_textgrid(tmp_path / "a.TextGrid", own, 1.0))
    assert tiers["words"].text == "one two"
    assert tiers["words" + UNTIMED_SUFFIX] == one("mine")
    points = tiers["words" + UNTIMED_SUFFIX + " (2)"]
    assert [(point.token, point.start) for point in points] == [("uh", 0.0), ("l er", 0.4)]


@pytest.mark.parametrize(
    ("alignment", "duration", "message"),
    [
        (one("a"), 0.4, "tier 'words': 'a' is from 0.25 to 0.5 s, the audio from 0 to 0.4 s"),
        (one("a", -0.1), 1.0, "tier 'words': 'a' is from -0.1 to 0.5 s"),
        (Alignment(), 0.0, "duration must be a number > 0, got 0"),
        (Alignment(), 1e-9, "duration must be > 0 s, got 1e-09 s"),
        (Alignment(), 1e9, "duration must be <= 1e.08 s, got 1000000000.0 s"),
        (Alignment(), float("nan"), "duration must be a number > 0, got nan"),
        ([one("a")], 1.0, "expected an Alignment, or several by name"),
        ({3: one("a")}, 1.0, "expected an Alignment by a name"),
        ({"a": "a"}, 1.0, "expected an Alignment by a name"),
    ],
)
def test_what_cannot_be_tiers_is_refused(tmp_path, alignment, duration, message):
    with pytest.raises(DataError, match=r"a\.TextGrid: " + message):
        write_textgrid(tmp_path / "a.TextGrid", alignment, duration)
    assert list(tmp_path.iterdir()) == []
