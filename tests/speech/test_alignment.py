import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.speech.alignment import Alignment, Edges, TimedToken
from cifviz.timing import FrameGrid

GRID = FrameGrid(0.1)


def fire(*weights):
    alpha = torch.tensor([weights])
    return integrate_and_fire(alpha, torch.eye(len(weights))[None])


def spans(alignment):
    return [(round(token.start, 6), round(token.end, 6)) for token in alignment]


def test_the_ends_of_a_tokens_mass_are_the_fires_themselves():
    onsets, offsets = Edges(0.0, 1.0).read(fire(0.5, 0.5, 0.25, 0.75), GRID)
    torch.testing.assert_close(offsets, torch.tensor([0.2, 0.4], dtype=torch.float64))
    assert onsets[0] == 0.0


def test_a_fire_is_placed_inside_its_frame():
    # 0.8 are there before frame 1 of weight 0.8, so a quarter of it completes the token
    _, offsets = Edges(0.0, 1.0).read(fire(0.8, 0.8, 0.4), GRID)
    torch.testing.assert_close(offsets, torch.tensor([0.125, 0.3], dtype=torch.float64))


def test_quantiles_are_read_inside_the_mass_and_then_moved():
    edges = Edges(0.25, 0.5, onset_shift=-0.01, offset_shift=0.02)
    onsets, offsets = edges.read(fire(0.5, 0.5), GRID)
    torch.testing.assert_close(onsets, torch.tensor([0.04], dtype=torch.float64))
    torch.testing.assert_close(offsets, torch.tensor([0.12], dtype=torch.float64))


def test_edges_are_read_for_one_utterance():
    firing = integrate_and_fire(torch.ones(2, 3), torch.eye(3).expand(2, 3, 3))
    with pytest.raises(CIFError, match="for one utterance, got a batch of 2"):
        Edges().read(firing, GRID)


@pytest.mark.parametrize("quantiles", [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1), (math.nan, 0.5)])
def test_quantiles_out_of_order_are_refused(quantiles):
    with pytest.raises(CIFError, match="0 <= onset_quantile <= offset_quantile <= 1"):
        Edges(*quantiles)


def test_a_shift_must_be_finite():
    with pytest.raises(CIFError, match="finite shifts in seconds, got inf"):
        Edges(onset_shift=math.inf)


def test_tokens_get_the_times_of_their_fires():
    alignment = Alignment.from_firing(fire(0.5, 0.5, 0.5, 0.5), ["a", "b"], GRID, scores=[0.9, 0.8])
    assert spans(alignment) == [(0.06, 0.14), (0.26, 0.34)]
    assert [token.score for token in alignment] == [0.9, 0.8]


def test_an_overlap_is_shared_in_the_middle():
    wide = Edges(0.0, 1.0, onset_shift=-0.05, offset_shift=0.03)
    alignment = Alignment.from_firing(
        fire(0.5, 0.5, 0.5, 0.5), ["a", "b"], GRID, edges=wide, duration=0.4
    )
    # offset 0.23 and onset 0.15 both become 0.19; the ends are clipped to the audio
    assert spans(alignment) == [(0.0, 0.19), (0.19, 0.4)]


@given(
    weights=st.lists(st.floats(0.01, 3.0), min_size=1, max_size=12),
    onset=st.floats(-0.3, 0.3),
    offset=st.floats(-0.3, 0.3),
)
def test_any_shift_leaves_the_tokens_in_order_and_inside_the_audio(weights, onset, offset):
    firing = fire(*weights)
    tokens = [str(index) for index in range(int(firing.num_fires))]
    edges = Edges(0.2, 0.8, onset_shift=onset, offset_shift=offset)
    duration = 0.1 * len(weights)
    alignment = Alignment.from_firing(firing, tokens, GRID, edges=edges, duration=duration)
    assert len(alignment) == len(tokens)
    assert all(0 <= token.start <= token.end <= duration for token in alignment)


def test_no_fire_gives_no_token():
    assert len(Alignment.from_firing(fire(0.1, 0.1), [], GRID)) == 0


def test_a_token_for_each_fire():
    with pytest.raises(CIFError, match="expected 1 tokens, one .* fire, got 2"):
        Alignment.from_firing(fire(0.5, 0.5), ["a", "b"], GRID)
    with pytest.raises(CIFError, match="expected 1 scores, one .* fire, got 0"):
        Alignment.from_firing(fire(0.5, 0.5), ["a"], GRID, scores=[])


def test_an_untimed_token_is_explicit():
    alignment = Alignment((TimedToken("a", 0.1, 0.2), TimedToken("uh"), TimedToken("b", 0.2, 0.3)))
    assert len(alignment) == 3
    assert alignment.text == "a uh b"
    assert [token.token for token in alignment.timed] == ["a", "b"]
    with pytest.raises(CIFError, match="'uh' is untimed and has no duration"):
        _ = alignment.tokens[1].duration


def test_shifting_moves_what_is_timed():
    moved = Alignment((TimedToken("a", 1.0, 2.0, 0.5), TimedToken("uh"))).shifted(0.25)
    assert moved == Alignment((TimedToken("a", 1.25, 2.25, 0.5), TimedToken("uh")))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ((0.1, None), "both times or none, got 0.1 and None"),
        ((None, 0.1), "both times or none, got None and 0.1"),
        ((0.2, 0.1), "finite start <= end in seconds, got start=0.2, end=0.1"),
        ((math.nan, 0.1), "finite start <= end"),
        ((0.0, math.inf), "finite start <= end"),
    ],
)
def test_times_that_cannot_be_are_refused(times, message):
    with pytest.raises(CIFError, match=message):
        TimedToken("a", *times)


def test_overlapping_tokens_are_refused_even_across_an_untimed_one():
    with pytest.raises(CIFError, match=r"token 2 \('b'\) starts at 0.1 s, .* ends at 0.2 s"):
        Alignment((TimedToken("a", 0.0, 0.2), TimedToken("uh"), TimedToken("b", 0.1, 0.3)))
