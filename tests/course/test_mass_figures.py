"""The drawings of lesson 01 show what the library computes."""

import pytest
import torch

import cifviz
from cifviz.course.figures import canvas
from cifviz.course.mass_figures import draw_owned_weights, draw_rulers, pieces
from cifviz.errors import CIFError
from cifviz.plot.palette import token_look


def fired(alpha, threshold=1.0):
    return cifviz.integrate_and_fire(
        torch.tensor([alpha]), torch.eye(len(alpha))[None], threshold=threshold
    )


def heights(alpha):
    _, (ax,) = canvas()
    draw_owned_weights(fired(alpha), ax=ax)
    return ax


@pytest.mark.parametrize("threshold", [1.0, 0.5])
@pytest.mark.parametrize("alpha", [[0.2, 0.9, 0.6, 0.6], [0.25, 2.5, 0.5], [0.75, 0.0, 0.5]])
def test_pieces_are_the_contributions(alpha, threshold):
    firing = fired(alpha, threshold)
    found = torch.zeros(int(firing.num_fires), len(alpha), dtype=torch.float64)
    residual = 0.0
    for piece in pieces(firing):
        if piece.is_owned:
            found[piece.token, piece.frame] += piece.upper - piece.lower
        else:
            residual += piece.upper - piece.lower
    torch.testing.assert_close(found, firing.contributions[0].double(), rtol=0, atol=1e-5)
    assert residual == pytest.approx(float(firing.residual), abs=1e-5)


def test_a_frame_arrives_evenly_and_a_token_is_owned_once_it_is_full():
    firing = fired([0.5, 0.75])
    assert [piece.text for piece in pieces(firing, position=1.5)] == ["0.5", "0.38"]
    assert not any(piece.is_owned for piece in pieces(firing, position=1.5))
    assert [piece.is_owned for piece in pieces(firing, position=2)] == [True, True, False]
    assert pieces(firing, position=0) == []
    assert pieces(firing, position=9) == pieces(firing)


@pytest.mark.parametrize("position", [-1, float("nan"), "all"])
def test_a_position_is_a_number(position):
    with pytest.raises(CIFError, match="position"):
        pieces(fired([0.5]), position=position)


def test_bars_stand_in_their_frames_in_the_looks_of_their_tokens():
    ax = heights([0.25, 0.5, 0.5])
    boxes = [(box.get_x(), box.get_y(), box.get_height()) for box in ax.patches]
    assert boxes == [(0.1, 0, 0.25), (1.1, 0, 0.5), (2.1, 0, 0.25), (2.1, 0.25, 0.25)]
    hatches = [box.get_hatch() for box in ax.patches]
    assert hatches == [token_look(token)["hatch"] for token in (0, 0, 0, None)]
    assert [text.get_text() for text in ax.texts] == ["0.25", "0.5", "0.25", "0.25"]


def test_no_frame_and_no_weight_draw_no_piece():
    for alpha in ([0.0, 0.0], [0.0]):
        assert pieces(fired(alpha)) == []
        assert not heights(alpha).patches


def test_rulers_name_what_is_wide_enough():
    _, (ax,) = canvas()
    draw_rulers(fired([0.95, 0.06, 0.99]), ax=ax)
    names = [text.get_text() for text in ax.texts]
    assert names == ["frame 0", "frame 2", "0.95", "0.99", "token 0", "token 1"]


def test_a_token_that_is_not_full_is_the_residual_only_at_the_end():
    for position, name in [(1.5, "not full"), (2, "residual"), (None, "residual")]:
        _, (ax,) = canvas()
        draw_rulers(fired([0.25, 0.5]), ax=ax, position=position)
        assert ax.texts[-1].get_text() == name
