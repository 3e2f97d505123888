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
    onsets, offsets = Edges(0.0, 1.0, cut="fires").read(fire(0.5, 0.5, 0.25, 0.75), GRID)
    torch.testing.assert_close(offsets, torch.tensor([0.2, 0.4], dtype=torch.float64))
    assert onsets[0] == 0.0


def test_a_fire_is_placed_inside_its_frame():
    # 0.8 are there before frame 1 of weight 0.8, so a quarter of it completes the token
    _, offsets = Edges(0.0, 1.0, cut="fires").read(fire(0.8, 0.8, 0.4), GRID)
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


@pytest.mark.parametrize("quantiles", [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1)])
def test_quantiles_out_of_order_are_refused(quantiles):
    with pytest.raises(CIFError, match="0 <= onset_quantile <= offset_quantile <= 1"):
        Edges(*quantiles)


@pytest.mark.parametrize("value", ["a", None, math.nan, math.inf, True])
@pytest.mark.parametrize(
    "name", ["onset_quantile", "offset_quantile", "onset_shift", "offset_shift"]
)
def test_edges_are_numbers(name, value):
    with pytest.raises(CIFError, match=f"Edges.{name} must be a number, got {value!r}"):
        Edges(**{name: value})


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
        (("0", 1.0), "finite start <= end in seconds, got start='0', end=1.0"),
        ((0.0, True), "finite start <= end in seconds, got start=0.0, end=True"),
    ],
)
def test_times_that_cannot_be_are_refused(times, message):
    with pytest.raises(CIFError, match=message):
        TimedToken("a", *times)


def test_overlapping_tokens_are_refused_even_across_an_untimed_one():
    with pytest.raises(CIFError, match=r"token 2 \('b'\) starts at 0.1 s, .* ends at 0.2 s"):
        Alignment((TimedToken("a", 0.0, 0.2), TimedToken("uh"), TimedToken("b", 0.1, 0.3)))


@pytest.mark.parametrize("token", [None, 1, b"a"])
def test_a_token_is_text(token):
    with pytest.raises(CIFError, match=f"token must be a str, got {token!r}"):
        TimedToken(token, 0.0, 1.0)


@pytest.mark.parametrize("score", [-0.1, 1.5, math.nan, "1", True])
def test_a_score_is_a_share(score):
    expected = f"score of token 'a' must be a number >= 0 and <= 1, got {score!r}"
    with pytest.raises(CIFError, match=expected):
        TimedToken("a", score=score)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("ab", "token 0 must be a TimedToken, got 'a'"),
        ((TimedToken("a"), 1), "token 1 must be a TimedToken, got 1"),
        (None, "tokens must be an Iterable, got None"),
    ],
)
def test_an_alignment_is_made_of_timed_tokens(tokens, message):
    with pytest.raises(CIFError, match=message):
        Alignment(tokens)


@pytest.mark.parametrize("duration", [-1, math.nan, math.inf, "1"])
def test_the_audio_has_a_length(duration):
    expected = f"duration must be a number >= 0, got {duration!r}"
    with pytest.raises(CIFError, match=expected):
        Alignment.from_firing(fire(0.5, 0.5), ["a"], GRID, duration=duration)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, ["a"], GRID), "firing must be a Firing, got None"),
        ((fire(0.5, 0.5), None, GRID), "tokens must be a Collection, got None"),
        ((fire(0.5, 0.5), ["a"], 0.1), "grid must be a FrameGrid, got 0.1"),
        ((fire(0.5, 0.5), [1], GRID), "token must be a str, got 1"),
    ],
    ids=["firing", "tokens", "grid", "a token"],
)
def test_an_alignment_is_read_off_a_firing_with_a_clock(arguments, message):
    with pytest.raises(CIFError, match=message):
        Alignment.from_firing(*arguments)


def test_edges_are_read_on_the_grids_clock():
    firing, grid = fire(0.8, 0.7, 0.9), FrameGrid(0.0125, 0.37)
    onsets, _ = Edges(0.0, 1.0).read(firing, FrameGrid(1.0))
    moved, _ = Edges(0.0, 1.0).read(firing, grid)
    assert torch.equal(moved, grid.seconds(onsets))


@pytest.mark.parametrize("seconds", ["1", None, math.nan])
def test_shifting_takes_a_number(seconds):
    with pytest.raises(CIFError, match=f"seconds must be a number, got {seconds!r}"):
        Alignment((TimedToken("a", 1.0, 2.0),)).shifted(seconds)
