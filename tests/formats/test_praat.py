"""Praat reads what is written, and what Praat saves is read as Praat reads it."""

import parselmouth
import pytest
from parselmouth.praat import call

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.formats import read_textgrid, write_textgrid

LABELS = [
    "one",
    " one",
    "one ",
    "  ",
    "\xa0",
    'say "no"',
    '"',
    "a\nb",
    "\\ae",
    "!",
    "<exists>",
    "1",
]
SYNTAX = ["intervals [2]:", "item [2]:", 'class = "IntervalTier"', "xmin = 3", '" 5 "']
SCRIPTS = ["eín", "你好", "ˈaɪ", "שלום", "🙂"]


def in_praat(path):
    """Names and entries of the tiers, empty intervals apart, as Praat has them."""
    grid = parselmouth.read(str(path))
    tiers = []
    for tier in range(1, call(grid, "Get number of tiers") + 1):
        kind = "interval" if call(grid, "Is interval tier", tier) else "point"
        entries = []
        for index in range(1, call(grid, f"Get number of {kind}s", tier) + 1):
            times = ["start time", "end time"] if kind == "interval" else ["time", "time"]
            start, end = (call(grid, f"Get {time} of {kind}", tier, index) for time in times)
            label = call(grid, f"Get label of {kind}", tier, index)
            if label or kind == "point":
                entries.append((round(start, 6), round(end, 6), label))
        tiers.append((call(grid, "Get tier name", tier), entries))
    return tiers


def here(path):
    return [
        (name, [(round(t.start, 6), round(t.end, 6), t.token) for t in alignment])
        for name, alignment in read_textgrid(path).items()
    ]


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("label", LABELS + SYNTAX + SCRIPTS)
def test_praat_reads_what_is_written_and_saves_what_is_read(tmp_path, label, short):
    words = (TimedToken("uh"), TimedToken(label, 0.1 + 0.2, 0.5), TimedToken("x", 0.5, 3599.1))
    tiers = {label: Alignment(words), "empty": Alignment()}
    path = write_textgrid(tmp_path / "a.TextGrid", tiers, 3600.0, short=short)
    entries = [(0.3, 0.5, label), (0.5, 3599.1, "x")]
    expected = [(label, entries), (f"{label} (no interval)", [(0, 0, "uh")]), ("empty", [])]
    assert in_praat(path) == here(path) == expected
    grid = parselmouth.read(str(path))
    for kind in ("text", "short text", "binary"):
        call(grid, f"Save as {kind} file", str(path))
        assert here(path) == expected, kind
    if "\n" not in label:  # in a name Praat's comments take it for the end of the line
        call(grid, "Save as chronological text file", str(path))
        assert here(path) == expected


WORDS = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n{domain}\n<exists>\n{tiers}'
TWO = '"IntervalTier" "w" 0 1 2 {entries}'


@pytest.mark.parametrize(
    "entries",
    [
        '0 0.5 "a" 0.5 1 "b"',
        '! "x" 1 <y>\n0 5e-1 "a" ! more\nfrom 1/2 to 1. is "b" and so on "',
        '0 + 50% "a" +0.5 1 "b"',
        '0.5 1 "b" 0 0.5 "a"',
        '0.2 0.2 "a" 0.2 1 "b"',
        '0 0.5 "a" 0.499999999 1 "b"',
        '-5 -4 "a" 3600 3601 "b"',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_texts_are_read_as_praat_reads_them(tmp_path, entries, encoding, end):
    path = tmp_path / "a.TextGrid"
    tiers = '2 "TextTier" "é" 0 1 2 0.5 "é\né" 0.2 "" ' + TWO.format(entries=entries)
    content = WORDS.format(domain="0 1", tiers=tiers)
    path.write_bytes(content.replace("\n", end).encode(encoding))
    assert here(path) == in_praat(path)
