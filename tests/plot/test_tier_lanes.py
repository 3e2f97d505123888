"""Lanes of words over their phones."""

import pytest

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError


def tiers(*words, phones=()):
    made = {"words": Alignment(tuple(TimedToken(*one) for one in words))}
    return {**made, "phones": Alignment(tuple(TimedToken(*one) for one in phones))}


SPOKEN = tiers(("go", 0.2, 0.5), ("on", 0.7, 1.0), phones=(("ɡ", 0.2, 0.3), ("oʊ", 0.3, 0.5)))


def test_each_token_is_a_box_from_its_start_to_its_end_in_its_lane(ax):
    found = tiers(("go", 0.1, 0.4), ("on", 0.7, 1.0))
    artists = plot.tier_lanes({"spoken": SPOKEN, "found": found}, ax=ax)
    box = artists.boxes["found", "words", 0]
    assert (box.get_x(), box.get_x() + box.get_width()) == pytest.approx((0.1, 0.4))
    assert 1 < box.get_y() < box.get_y() + box.get_height() < 2
    words, phone = artists.boxes["spoken", "words", 0], artists.boxes["spoken", "phones", 0]
    assert phone.get_y() == pytest.approx(words.get_y() + words.get_height())
    assert artists.labels["spoken", "phones", 1].get_text() == "oʊ"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first lane on top
    assert [label.get_text() for label in ax.get_yticklabels()] == ["spoken", "found"]
    assert len(artists.edges.get_segments()) == 4
    ax.figure.draw_without_rendering()


def test_the_words_say_how_far_each_lane_is_from_the_first(ax):
    lanes = {"spoken": SPOKEN, "found": tiers(("go", 0.1, 0.4), ("on", 0.7, 1.0))}
    alt = plot.tier_lanes(lanes, ax=ax).alt
    assert alt == "Lanes over time: spoken; found, words on average 50 ms off."
    other = plot.tier_lanes({"spoken": SPOKEN, "one": tiers(("gone", 0.2, 1.0))}, ax=ax).alt
    assert other == "Lanes over time: spoken; one."


def test_tokens_without_times_have_no_box_and_names_that_touch_are_left_out(ax):
    crowded = tiers(("strength", 0.0, 0.001), ("length", 0.001, 0.002), ("on", 0.9, 1.0), ("uh",))
    artists = plot.tier_lanes({"spoken": crowded}, ax=ax)
    assert {key[2] for key in artists.boxes} == {0, 1, 2}
    assert ("spoken", "words", 1) not in artists.labels
    assert ("spoken", "words", 2) in artists.labels


def test_a_lane_has_one_tier_or_two(ax):
    with pytest.raises(CIFError, match="lane 'a': expected one tier or two, got 0"):
        plot.tier_lanes({"a": {}}, ax=ax)


def test_no_lane_and_no_token_are_an_empty_picture(ax):
    assert plot.tier_lanes({}, ax=ax).alt == "No lane."
    assert plot.tier_lanes({"spoken": tiers()}, ax=ax).boxes == {}
    ax.figure.draw_without_rendering()
