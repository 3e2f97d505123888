from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid


def hypothesis(rows, tokens="ab", seconds=0.4):
    rows = torch.tensor(rows, dtype=torch.float64).reshape(len(rows), 4)
    return SimpleNamespace(tokens=tuple(tokens), rows=rows, grid=FrameGrid(0.1), duration=seconds)


TWO = hypothesis([[0.8, 0.2, 0.0, 0.0], [0.0, 0.1, 0.4, 0.5]])
WORDS = Alignment((TimedToken("a", 0.05, 0.15), TimedToken("b", 0.2, 0.38)))


def test_each_row_is_relative_to_its_own_largest_share(ax):
    artists = plot.token_rows(TWO, ax=ax)
    shown = artists.mesh.get_array()
    assert shown.max(axis=1).tolist() == [1.0, 1.0]
    np.testing.assert_allclose(shown[1], [0, 0.2, 0.8, 1.0])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_ylim() == (2, 0)
    assert ax.get_xlim() == pytest.approx((0.0, 0.4))


def test_words_are_outlined_in_the_rows_of_their_tokens(ax):
    artists = plot.token_rows(TWO, words=WORDS, ax=ax)
    boxes = [path.get_extents().bounds for path in artists.outlines.get_paths()]
    np.testing.assert_allclose(boxes, [(0.05, 0, 0.1, 1), (0.2, 1, 0.18, 1)])


def test_a_cif_is_drawn_as_its_contributions_are(make, ax):
    transcription = make.transcription()
    shown = plot.token_rows(transcription, ax=ax).mesh.get_array()
    expected = transcription.firing.contributions[0].numpy()
    np.testing.assert_allclose(shown, expected / expected.max(axis=1, keepdims=True))


def test_of_nothing_there_is_nothing_to_draw(ax):
    nothing = hypothesis([], tokens="", seconds=0.5)
    artists = plot.token_rows(nothing, words=Alignment(), ax=ax)
    assert artists.mesh is None
    assert len(artists.outlines.get_paths()) == 0
    assert ax.get_xlim() == pytest.approx((0.0, 0.5))


def test_another_number_of_words_is_refused(ax):
    with pytest.raises(CIFError, match="expected 2 words, one for each token, got 0"):
        plot.token_rows(TWO, words=Alignment(), ax=ax)
    with pytest.raises(CIFError, match="every token needs its times"):
        plot.token_rows(TWO, words=Alignment((TimedToken("a"), TimedToken("b"))), ax=ax)
