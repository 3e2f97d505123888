import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.mass_times import times_at
from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.core.firing import integrate_and_fire
from cifviz.core.valley_segmentation import segment_ends
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid
from tests.strategies import cases

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


@pytest.mark.parametrize("cut", ["fire", "", None])
def test_mass_is_cut_in_a_known_way(cut):
    message = "cut must be one of 'fires', 'valleys', got"
    with pytest.raises(CIFError, match=message):
        Edges(cut=cut)
    with pytest.raises(CIFError, match=message):
        times_at(fire(0.5, 0.5), GRID, [0.5], cut=cut)


HEAVY = (0.5, 0.5, 0.25, 0.0, 0.25, 0.5)
"""A token of 1.25 in three frames, silence, one of 0.75 in two."""


def test_times_between_valleys_by_hand():
    """The first ends with its third frame; halves are 0.625 and 1.25 + 0.375."""
    times = times_at(fire(*HEAVY), GRID, [0.0, 0.5, 1.0])
    expected = [[0.0, 0.125, 0.3], [0.3, 0.525, 0.6]]
    torch.testing.assert_close(times, torch.tensor(expected, dtype=torch.float64))


def test_times_between_fires_by_hand():
    """The first ends before the last quarter of its mass, which goes to the second."""
    times = times_at(fire(*HEAVY), GRID, [0.0, 0.5, 1.0], cut="fires")
    expected = [[0.0, 0.1, 0.2], [0.2, 0.5, 0.6]]
    torch.testing.assert_close(times, torch.tensor(expected, dtype=torch.float64))


def test_valleys_are_what_edges_are_read_between_unless_told_otherwise():
    default = Edges(0.0, 1.0).read(fire(*HEAVY), GRID)
    between_fires = Edges(0.0, 1.0, cut="fires").read(fire(*HEAVY), GRID)
    assert default[1].tolist() == pytest.approx([0.3, 0.6])
    assert between_fires[1].tolist() == pytest.approx([0.2, 0.6])


@given(case=cases(), quantiles=st.lists(st.floats(0, 1), max_size=4).map(sorted))
def test_times_are_those_of_the_masses_in_order(case, quantiles):
    """Of any weights: heavy frames, slack and tails among them."""
    firing = case.fire()
    for cut in ("fires", "valleys"):
        times = times_at(firing, GRID, quantiles, cut=cut)
        assert times.shape == (int(firing.num_fires), len(quantiles))
        assert (times.diff(dim=1) >= 0).all()
        assert ((times >= 0) & (times <= 0.1 * len(case.alpha) + 1e-9)).all()
        ends = segment_ends(firing) if cut == "valleys" else firing.token_masses[0]
        expected = GRID.seconds(firing.frames_at_mass(ends[None])[0])
        torch.testing.assert_close(times_at(firing, GRID, [1.0], cut=cut)[:, 0], expected)


def test_padding_does_not_move_an_edge():
    alpha = torch.tensor([[*HEAVY, 1.0, 1.0]])
    padded = integrate_and_fire(alpha, torch.eye(8)[None], frame_lengths=torch.tensor([6]))
    assert torch.equal(times_at(padded, GRID, [0.1, 0.9]), times_at(fire(*HEAVY), GRID, [0.1, 0.9]))


@pytest.mark.parametrize("cut", ["fires", "valleys"])
@pytest.mark.parametrize(
    "weights", [(), (0.0,), (0.25, 0.5)], ids=["nothing", "silence", "no fire"]
)
def test_no_fire_has_no_times(cut, weights):
    assert times_at(fire(*weights), GRID, [0.1, 0.5, 0.9], cut=cut).shape == (0, 3)


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


def from_edges(onsets, offsets, **options):
    tokens = [str(index) for index in range(len(onsets))]
    return Alignment.from_edges(tokens, torch.tensor(onsets), torch.tensor(offsets), **options)


def test_edges_in_order_stay_as_they_are():
    assert spans(from_edges([0.1, 0.5], [0.3, 0.9])) == [(0.1, 0.3), (0.5, 0.9)]


def test_edges_that_overlap_meet_in_the_middle():
    assert spans(from_edges([0.1, 0.3], [0.5, 0.9])) == [(0.1, 0.4), (0.4, 0.9)]


def test_edges_outside_of_the_audio_are_clipped():
    assert spans(from_edges([-0.5, 0.5], [0.3, 1.9], duration=1.0)) == [(0.0, 0.3), (0.5, 1.0)]
    assert spans(from_edges([0.5], [1.9])) == [(0.5, 1.9)]  # nobody knows how long it is


def test_a_token_that_ends_before_it_begins_lasts_no_time():
    assert spans(from_edges([0.5, 0.9], [0.3, 1.0])) == [(0.5, 0.5), (0.9, 1.0)]


def test_tokens_out_of_order_are_moved_behind_each_other():
    """The second would lie before the first; where they overlap is 0.35, and there both end up."""
    assert spans(from_edges([0.4, 0.1], [0.6, 0.2])) == [(0.4, 0.4), (0.4, 0.4)]


@given(
    st.lists(st.tuples(st.floats(-1, 3), st.floats(-1, 3)), max_size=8),
    st.one_of(st.none(), st.floats(0, 2)),
)
def test_any_edges_become_an_alignment_inside_the_audio(edges, duration):
    onsets, offsets = ([edge[side] for edge in edges] for side in (0, 1))
    alignment = from_edges(onsets, offsets, duration=duration)
    assert len(alignment) == len(edges)
    longest = math.inf if duration is None else duration
    assert all(0 <= start <= end <= longest for start, end in alignment.spans)


def test_no_edges_are_no_tokens():
    assert from_edges([], []) == from_edges([], [], duration=1.0, scores=[]) == Alignment()


def test_scores_stay_with_their_tokens():
    alignment = from_edges([0.1, 0.3], [0.2, 0.4], scores=[0.5, None])
    assert [token.score for token in alignment] == [0.5, None]


@pytest.mark.parametrize(
    ("tokens", "onsets", "offsets", "options"),
    [
        ("ab", [0.1], [0.2, 0.3], {}),
        ("ab", [0.1, 0.2], [0.2], {}),
        ("", [0.1], [0.2], {}),
        ("ab", [0.1, 0.2], [0.2, 0.3], {"scores": [0.5]}),
    ],
)
def test_each_token_has_its_edges(tokens, onsets, offsets, options):
    with pytest.raises(CIFError, match=f"expected {len(tokens)} of each, one a token, got "):
        Alignment.from_edges(tokens, torch.tensor(onsets), torch.tensor(offsets), **options)


def test_an_edge_is_a_number():
    with pytest.raises(CIFError, match="finite start <= end"):
        from_edges([math.nan], [0.5])


@pytest.mark.parametrize("seconds", ["1", None, math.nan])
def test_shifting_takes_a_number(seconds):
    with pytest.raises(CIFError, match=f"seconds must be a number, got {seconds!r}"):
        Alignment((TimedToken("a", 1.0, 2.0),)).shifted(seconds)
