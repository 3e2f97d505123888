"""Which tokens the glancing sampler replaces, row by row."""

import numpy as np
import pytest
import torch

from cifviz import plot
from cifviz.errors import CIFError

TOKENS = ("one", "two", "two", "six")
MASKS = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 0]]).bool()
PREDICTED = [["one", "ten", "ten", "six"], ["one", "two", "two", "six"]]


def test_each_row_has_a_cell_for_each_token(ax):
    artists = plot.sampler_masks(TOKENS, MASKS, labels=["step 1", "step 2"], ax=ax)
    for row, cells in enumerate(artists.cells):
        middles = [cell.get_center() for cell in cells]
        np.testing.assert_allclose(middles, [(i + 0.5, row + 0.5) for i in range(4)])
    assert ax.get_ylim() == (2, 0), "the first row is on top"
    assert [label.get_text() for label in ax.get_xticklabels()] == list(TOKENS)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["step 1  2/4", "step 2  0/4"]


def test_replaced_and_wrong_tokens_differ_in_more_than_colour(ax):
    artists = plot.sampler_masks(TOKENS, MASKS, labels=["a", "b"], predicted=PREDICTED, ax=ax)
    looks = [[(cell.get_hatch() or "", cell.get_linestyle()) for cell in r] for r in artists.cells]
    replaced, wrong, right = ("////", "-"), ("", "--"), ("", "-")
    assert looks == [[replaced, wrong, replaced, right], [right] * 4]
    texts = [[text.get_text() for text in row] for row in artists.texts]
    assert texts == [["✓ one", "≠ ten", "two", "six"], list(TOKENS)]
    entries = [text.get_text() for text in artists.legend.get_texts()]
    assert entries == [
        "replaced by its target, ✓ though it was right",
        "taught",
        "taught, ≠ wrong in the first pass",
    ]


def test_without_a_first_pass_only_targets_are_named(ax):
    artists = plot.sampler_masks(TOKENS, MASKS.tolist(), labels=["a", "b"], ax=ax)
    assert [text.get_text() for text in artists.texts[0]] == ["one", "", "two", ""]
    entries = [text.get_text() for text in artists.legend.get_texts()]
    assert entries == ["replaced by its target", "taught"]
    assert artists.alt == (
        'The sampler on "one two two six". a: 2 of 4 replaced (one two). b: 0 of 4 replaced.'
    )


def test_the_alternative_text_counts_what_is_still_wrong(ax):
    artists = plot.sampler_masks(TOKENS, MASKS, labels=["a", "b"], predicted=PREDICTED, ax=ax)
    assert "a: 2 of 4 replaced (one two); of the others 1 wrong." in artists.alt
    assert "b: 0 of 4 replaced; of the others 0 wrong." in artists.alt


def test_long_names_are_cut_to_their_cells(ax):
    tokens = ["incomprehensibility"] * 30
    artists = plot.sampler_masks(tokens, np.ones((1, 30), bool), labels=["a"], ax=ax)
    assert {len(text.get_text()) for text in artists.texts[0]} <= set(range(1, 6))


def test_no_tokens_are_an_empty_row(ax):
    artists = plot.sampler_masks([], np.zeros((1, 0), bool), labels=["a"], ax=ax)
    assert artists.cells == ((),)
    assert ax.get_yticklabels()[0].get_text() == "a  0/0"


@pytest.mark.parametrize(
    ("masks", "labels", "predicted", "message"),
    [
        (MASKS, ["a"], None, r"replaced must be .* = \(1, 4\), got rows of \[4, 4\]"),
        (MASKS[:0], [], None, "expected one row or more, got no labels"),
        (MASKS[:, :3], ["a", "b"], None, r"replaced must be .* = \(2, 4\), got rows of \[3, 3\]"),
        (MASKS, ["a", "b"], [["one"], []], r"predicted must be .*= \(2, 4\), got rows of \[1, 0\]"),
        (MASKS, ["a", "b"], PREDICTED[:1], r"predicted must be .*, got rows of \[4\]"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(ax, masks, labels, predicted, message):
    with pytest.raises(CIFError, match=message):
        plot.sampler_masks(TOKENS, masks, labels=labels, predicted=predicted, ax=ax)


def test_looks_can_be_changed(ax):
    artists = plot.sampler_masks(
        TOKENS, MASKS, labels=["a", "b"], ax=ax, text_kw={"color": "red"}, facecolor="blue"
    )
    assert artists.texts[0][0].get_color() == "red"
    assert artists.cells[0][0].get_facecolor() == (0, 0, 1, 1)
