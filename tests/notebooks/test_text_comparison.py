"""Printed texts are the same if their numbers are, within tolerances, and all words."""

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.notebooks.masks import mask
from cifviz.notebooks.text_comparison import (
    html_difference,
    json_difference,
    svg_difference,
    text_difference,
)
from cifviz.notebooks.tolerances import Tolerances

EXACT = Tolerances(0, 0, 0)

SAME = [
    ("mean 0.5", "mean 0.5000001"),
    ("[ 1. -2.]", "[1.        -2.0000001]"),
    ("a  b\n1  2", "a b\n1 2"),
    ("0.0", "-1e-12"),
    ("nan", "NaN"),
    ("12 words", "12  words\n"),
    ("<Net at 0x7f33c29f3b50>", "<Net at 0x55d0aa12c0de>"),
    ("/home/me/data/a.csv: 3 rows", "/builds/ci/x/a.csv: 3 rows"),
    (r"C:\Users\me\a.csv", r"D:\ci\a.csv"),
    ("/tmp/ipykernel_12/345.py:2: UserWarning: odd", "/tmp/ipykernel_9/7.py:2: UserWarning: odd"),
    ("CPU times: user 1.2 s\nWall time: 3 s", "CPU times: user 9 ms\nWall time: 1min 2s"),
    ("3.2 µs ± 1 ns per loop (mean of 7 runs)", "12 ms ± 3 µs per loop (mean of 7 runs)"),
    ("training took 3.1 s", "training took 1 min"),
    ("10%|#    | 1/10\r100%|#####| 10/10 [00:01]\n", "100%|#####| 10/10 [00:09]\n"),
    ("\x1b[31mred\x1b[0m", "red"),
    ("a ---- b", "a ------- b"),
    ("3", "3.0"),
]
DIFFERENT = [
    ("mean 0.5", "mean 0.51"),
    ("mean 0.5", "mean nan"),
    ("3 fires", "4 fires"),
    ("12345678", "12345679"),
    ("-0.5", "0.5"),
    ("1e-3", "1e-4"),
    ("x = 1", "y = 1"),
    ("a 1\nb 2", "b 2\na 1"),
    ("1 2 3", "1 2"),
    ("", "1"),
    ("/home/me/a.csv", "/home/me/b.csv"),
    ("0.9 s of sound", "1.9 s of sound"),
    ("model v1.2.3", "model v1.2.4"),
    ("2020-01-01 10:00:00 3", "2021-01-01 10:00:00 3"),
    ("inf", "1e308"),
]


@pytest.mark.parametrize(("before", "now"), SAME)
def test_what_differs_in_each_run_is_no_difference(before, now):
    assert text_difference(before, now, Tolerances()) == ""
    assert text_difference(now, before, Tolerances()) == ""


@pytest.mark.parametrize(("before", "now"), DIFFERENT)
def test_another_result_is_a_difference(before, now):
    assert text_difference(before, now, Tolerances()).startswith("expected ")
    assert text_difference(now, before, Tolerances())


def test_the_first_difference_is_shown_with_words_around_it():
    words = "word " * 20
    found = text_difference(f"{words}mean 0.5 {words}", f"{words}mean 0.7 {words}", Tolerances())
    around = "word " * 4
    assert "mean 0.5 word word" in found and "mean 0.7 word word" in found
    assert around in found and len(found) < 160


def test_a_moment_that_is_now_is_the_clock_and_no_other_is():
    now = datetime.now().isoformat(sep=" ")
    assert text_difference(f"run at {'2020-01-01 10:00:00'}", f"run at {now}", EXACT) == ""
    assert text_difference(f"run at {now}", "run at 2020-01-01 10:00:00", EXACT)


@given(st.text(), st.text())
def test_any_text_differs_from_another_or_not(before, now):
    assert text_difference(before, before, EXACT) == ""
    assert bool(text_difference(before, now, EXACT)) == bool(text_difference(now, before, EXACT))


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.floats(0.001, 0.1))
def test_a_number_that_drifts_beyond_the_tolerance_is_found(value, by):
    changed = value * (1 + by) + 0.01
    asked = Tolerances(rtol=by / 1000, atol=1e-6)
    assert bool(text_difference(f"x {value!r} y", f"x {changed!r} y", asked)) == (
        not math.isclose(value, changed, rel_tol=asked.rtol, abs_tol=asked.atol)
    )


@pytest.mark.parametrize(
    "piece", ["1", "1.", "-", "/", "/a", "0x", "a\r", "%|", "took ", "1e", "[", "10%|", "C:\\", "_"]
)
def test_a_long_text_takes_time_in_proportion_to_its_length(piece):
    text = piece * (300_000 // len(piece))
    assert text_difference(text, text + " end", Tolerances())
    assert isinstance(mask(text), str)


def test_html_is_compared_by_what_is_seen_of_it():
    before = "<style>#T_a1 {}</style><table id='a1'><td>3</td><td>0.5</td></table><img alt='rise'>"
    now = before.replace("a1", "b2").replace("0.5", "0.50000001")
    assert html_difference(before, now, Tolerances()) == ""
    assert "got '3 0.6 rise'" in html_difference(before, before.replace("0.5", "0.6"), Tolerances())
    assert html_difference(before, before.replace("rise", "fall"), Tolerances())


def test_drawings_are_compared_without_their_names_and_dates():
    path = '<path id="p1" clip-path="url(#p1)" d="M 1 2.5"/>'
    before = f"<svg><metadata>2026</metadata>{path}<g>t</g></svg>"
    same = before.replace("p1", "p9").replace("2026", "2027").replace("2.5", "2.50000001")
    assert svg_difference(before, same, Tolerances()) == ""
    assert svg_difference(before, before.replace("2.5", "2.6"), Tolerances())


def test_json_is_compared_whatever_its_order():
    before = {"a": [1, 2.5], "b": None}
    assert json_difference(before, {"b": None, "a": [1, 2.50000001]}, Tolerances()) == ""
    assert json_difference(before, {"b": None, "a": [2, 2.5]}, Tolerances())
