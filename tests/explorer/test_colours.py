"""The explorer's own colours, in the eyes of those who see fewer.

Colours of the page come from the stylesheet. Two colours are
apart if they differ by 20 in CIELAB (CIE 1976). A difference of 2.3 is just noticeable between
large patches; lines and narrow spans need several times as much. The same is asked of every
picture, see `tests/plot/test_palette.py`, which names the source of the simulation.
"""

import re
from itertools import combinations, pairwise

import pytest

from cifviz.explorer import data
from cifviz.explorer.page import STATIC
from tests.plot.test_palette import distance, each_vision, linear

APART = 20
SHEET = (STATIC.parent / "js" / "style.css").read_text("utf-8")


def colours_of(block):
    """The colours that a block of the stylesheet sets."""
    found = re.findall(r"--cifviz-(\w+): (#\w{6})", block)
    assert len(found) == 4
    return dict(found)


THEMES = {
    "light": colours_of(SHEET.partition("}")[0]),
    "dark": colours_of(SHEET.partition('[data-theme="dark"]')[2].partition("}")[0]),
    "print": colours_of(SHEET.partition("@media print")[2].partition("}")[0]),
}
each_theme = pytest.mark.parametrize("theme", THEMES)


def contrast(one, other):
    """Of two colours, as WCAG 2.2 defines it."""
    dark, light = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@each_vision
@each_theme
def test_lines_words_and_paper_stay_apart(theme, vision):
    for pair in combinations(THEMES[theme].values(), 2):
        assert distance(*pair, vision) > APART, pair


@each_vision
def test_neighbouring_tokens_stay_apart_on_every_paper(vision):
    colours = data.COLOURS
    for pair in zip(colours, colours[1:] + colours[:1], strict=True):
        assert distance(*pair, vision) > APART, pair
    for theme in THEMES.values():
        for colour in colours:
            assert distance(colour, theme["paper"], vision) > APART, (colour, theme["paper"])


def test_neighbouring_tokens_differ_in_pattern_too():
    looks = [(data.COLOURS[i % 7], data.HATCHES[i % 5]) for i in range(36)]
    assert len(set(looks[:35])) == 35 and looks[35] == looks[0]
    for (_, one), (_, other) in pairwise(looks):
        assert one != other


@each_theme
def test_words_and_lines_have_the_contrast_that_wcag_asks_for(theme):
    """Words 4.5 (criterion 1.4.3); what one must see to use it, 3 (1.4.11)."""
    colours = THEMES[theme]
    assert contrast(colours["ink"], colours["paper"]) > 4.5
    assert contrast(colours["faint"], colours["paper"]) > 4.5
    assert contrast(colours["accent"], colours["paper"]) > 3


def test_an_accent_that_some_cannot_tell_from_the_lines_would_be_found():
    assert distance("#767676", "#009E73", "normal") > APART
    assert distance("#767676", "#009E73", "deuteranopia") < APART
