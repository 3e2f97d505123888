"""Each boundary read-out by hand; planted candidates are learned, on other utterances alone."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.alignment.boundary_readout import (
    ATTENTION_READOUTS,
    CIF_READOUTS,
    CTC_READOUTS,
    LONGEST,
    OFFSET_QUANTILES,
    ONSET_QUANTILES,
    SUPPORTS,
    BoundaryReadout,
    EdgeCandidates,
    LearnedReadout,
    align_all,
    best_of,
    comparable,
    cross_aligned,
    learn,
    learn_edges,
)
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError
from cifviz.timing import FrameGrid
from tests.systems.synthetic import GRID, aligned, fired

TRANSCRIPTION = fired("ab", 0.5, 0.5, 0.25, 0.0, 0.25, 0.5)
"""Fires at 0.2 and 0.6 s; a silent frame after 0.3 s, where the first token has 1.25."""


@dataclass
class Rows:
    """What a baseline transcription."""

    rows: torch.Tensor
    tokens: tuple[str, ...] = ()
    grid: FrameGrid = GRID
    waveform: Waveform = field(default_factory=lambda: Waveform(np.zeros(2000), 1000))

    def __post_init__(self):
        self.tokens = self.tokens or tuple("a" * len(self.rows))


def candidates(readout, side, transcription=TRANSCRIPTION):
    """Times of each token on one side of a read-out, by the name of the candidate."""
    edges = getattr(readout, side)
    times = edges.read(transcription)
    assert times.shape == (len(transcription.tokens), len(edges.names))
    assert times.dtype == torch.float64
    return dict(zip(edges.names, times.T.tolist(), strict=True))


def only(readout, side, transcription=TRANSCRIPTION):
    """Of the one candidate that there is."""
    (times,) = candidates(readout, side, transcription).values()
    return pytest.approx(times, abs=1e-9)


# --- candidates of a CIF -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fire", "fire, shifted"])
def test_a_token_lasts_from_fire_to_fire(name):
    assert only(CIF_READOUTS[name], "onset") == [0.0, 0.2]
    assert only(CIF_READOUTS[name], "offset") == [0.2, 0.6]


def test_with_silence_inserted_a_token_lasts_only_so_long():
    found = candidates(CIF_READOUTS["fire, silence inserted"], "onset")
    assert list(found) == [f"at most {seconds:g} s" for seconds in LONGEST]
    assert found["at most 0.2 s"] == pytest.approx([0.0, 0.4])
    assert found["at most 0.3 s"] == pytest.approx([0.0, 0.3])
    for seconds in LONGEST[2:]:  # from 0.4 s on the fire before is nearer
        assert found[f"at most {seconds:g} s"] == pytest.approx([0.0, 0.2])
    assert only(CIF_READOUTS["fire, silence inserted"], "offset") == [0.2, 0.6]


def test_a_centroid_is_the_mean_time_of_a_token():
    """(0.5 + 1.5) / 2 frames; 0.25 · 2.5 + 0.25 · 4.5 + 0.5 · 5.5, to the fires alone."""
    for side in ("onset", "offset"):
        assert only(CIF_READOUTS["centroid"], side) == [0.1, 0.45]


def test_support_is_where_the_weight_is_more_than_a_share_of_the_largest():
    """The second token has a half of its peak in two frames: not more than that."""
    onset, offset = (candidates(CIF_READOUTS["support"], side) for side in ("onset", "offset"))
    assert list(onset) == list(offset) == [f"above {100 * s:g} % of the peak" for s in SUPPORTS]
    for share in SUPPORTS[:-1]:
        assert onset[f"above {100 * share:g} % of the peak"] == pytest.approx([0.0, 0.2])
    assert onset["above 50 % of the peak"] == pytest.approx([0.0, 0.5])
    assert all(times == pytest.approx([0.2, 0.6]) for times in offset.values())


def test_quantiles_between_fires():
    """1.02 is reached 0.08 frames into frame 2, 1.1 in its middle, less 0.1; 1.5 after frame 4."""
    onset, offset = (candidates(CIF_READOUTS["quantiles"], side) for side in ("onset", "offset"))
    assert onset["2 % of the mass"] == pytest.approx([0.004, 0.208])
    assert onset["10 % of the mass"] == pytest.approx([0.02, 0.24])
    assert onset["50 % of the mass"] == offset["50 % of the mass"] == pytest.approx([0.1, 0.5])
    assert offset["75 % of the mass"] == pytest.approx([0.15, 0.55])
    assert offset["98 % of the mass"] == pytest.approx([0.196, 0.596])


def test_quantiles_between_valleys():
    """Of 1.25 and of 0.75, which begins in frame 4."""
    readout = CIF_READOUTS["valleys, quantiles"]
    onset, offset = (candidates(readout, side) for side in ("onset", "offset"))
    assert onset["2 % of the mass"] == pytest.approx([0.005, 0.406])
    assert onset["10 % of the mass"] == pytest.approx([0.025, 0.43])
    assert onset["50 % of the mass"] == offset["50 % of the mass"] == pytest.approx([0.125, 0.525])
    assert offset["90 % of the mass"] == pytest.approx([0.25, 0.585])


def test_quantiles_reach_from_the_ends_to_the_middle():
    assert pytest.approx([0.02, *np.arange(0.05, 0.51, 0.05)]) == ONSET_QUANTILES
    assert pytest.approx([*np.arange(0.5, 0.96, 0.05), 0.98]) == OFFSET_QUANTILES


@pytest.mark.parametrize("name", ["fire", "fire, silence inserted", "quantiles"])
def test_a_cif_is_read_with_its_firing(name):
    with pytest.raises(CIFError, match="needs the firing of a CIF"):
        CIF_READOUTS[name].onset.read(Rows(torch.eye(3)))


# --- candidates of rows --------------------------------------------------------------------------


def test_a_path_lasts_from_its_first_frame_to_its_last():
    """Whatever frames without it stand before and behind."""
    transcription = Rows(
        torch.tensor([[0, 0, 0.5, 0.5, 0, 0], [0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]])
    )
    for readout in CTC_READOUTS.values():
        assert only(readout, "onset", transcription) == [0.2, 0.5, 0.0]
        assert only(readout, "offset", transcription) == [0.4, 0.6, 0.1]


def test_quantiles_of_rows():
    """A quarter, a half and a quarter: 5 % are reached after 0.2 of frame 1."""
    transcription = Rows(torch.tensor([[0.0, 0.25, 0.5, 0.25, 0.0]]))
    readout = ATTENTION_READOUTS["quantiles"]
    onset, offset = (candidates(readout, side, transcription) for side in ("onset", "offset"))
    assert onset["5 % of the row"] == pytest.approx([0.12])
    assert onset["50 % of the row"] == offset["50 % of the row"] == pytest.approx([0.25])
    assert offset["75 % of the row"] == pytest.approx([0.3])
    assert offset["95 % of the row"] == pytest.approx([0.38])


def test_a_row_may_have_gaps_in_which_nothing_is_read():
    """Half of it lies in frame 0, half in frame 4; the median is where the first half ends."""
    transcription = Rows(torch.tensor([[0.5, 0.0, 0.0, 0.0, 0.5]]))
    offset = candidates(ATTENTION_READOUTS["quantiles"], "offset", transcription)
    assert offset["50 % of the row"] == pytest.approx([0.1])
    assert offset["55 % of the row"] == pytest.approx([0.41])


def test_the_centroid_of_rows():
    transcription = Rows(torch.tensor([[0.0, 0.25, 0.5, 0.25, 0.0], [0.5, 0.0, 0.0, 0.0, 0.5]]))
    assert only(ATTENTION_READOUTS["centroid"], "onset", transcription) == [0.25, 0.25]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=10).filter(lambda row: sum(row) > 0.1),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_quantiles_of_any_row_are_in_order_and_move_with_the_silence_before_it(row, front, back):
    readout = ATTENTION_READOUTS["quantiles"]

    def read(*weights):
        transcription = Rows(torch.tensor([weights], dtype=torch.float64) / sum(weights))
        return torch.cat(
            [getattr(readout, side).read(transcription)[0] for side in ("onset", "offset")]
        )

    times = read(*row)
    assert (times.diff() >= -1e-12).all()
    assert ((times >= 0) & (times <= 0.1 * len(row) + 1e-12)).all()
    moved = read(*[0.0] * front, *row, *[0.0] * back)
    torch.testing.assert_close(moved, times + 0.1 * front)


@pytest.mark.parametrize(
    "readout",
    [*CIF_READOUTS.values(), *CTC_READOUTS.values(), *ATTENTION_READOUTS.values()],
    ids=[*CIF_READOUTS, *CTC_READOUTS, *ATTENTION_READOUTS],
)
@pytest.mark.parametrize("weights", [(), (0.25, 0.5)], ids=["no frames", "no tokens"])
def test_no_tokens_have_no_edges(readout, weights):
    transcription = fired("", *weights)
    assert readout.onset.read(transcription).shape == (0, len(readout.onset.names))
    assert readout.offset.read(transcription).shape == (0, len(readout.offset.names))
    assert len(LearnedReadout(readout, 0, 0).align(transcription)) == 0


def test_times_are_on_the_grids_clock():
    grid = FrameGrid(0.02, 0.3)
    transcription = Rows(torch.tensor([[0.0, 0.5, 0.5, 0.0]]), grid=grid)
    assert only(CTC_READOUTS["path"], "onset", transcription) == [0.32]
    assert only(ATTENTION_READOUTS["centroid"], "onset", transcription) == [0.34]


# --- learning ------------------------------------------------------------------------------------


def utterances(count=6, seed=0):
    """Tokens of random lengths and shapes, so that no two candidates differ by a constant."""
    rng = np.random.default_rng(seed)
    return [
        fired("abc", *rng.uniform(0.05, 0.5, rng.integers(6, 24)), target_lengths=torch.tensor([3]))
        for _ in range(count)
    ]


def planted(readout, onset, offset, transcription, *, late=(0.0, 0.0)):
    """A reference whose words lie where two candidates say, so much later."""
    times = zip(
        readout.onset.read(transcription)[:, onset] + late[0],
        readout.offset.read(transcription)[:, offset] + late[1],
        strict=True,
    )
    tokens = zip(transcription.tokens, times, strict=True)
    return aligned(*((token, float(begin), float(end)) for token, (begin, end) in tokens))


@pytest.mark.parametrize(
    ("name", "onset", "offset"),
    [
        ("quantiles", 3, 2),
        ("quantiles", 0, 10),
        ("valleys, quantiles", 1, 7),
        ("fire, silence inserted", 2, 0),
        ("fire, shifted", 0, 0),
    ],
)
def test_the_planted_candidates_and_constants_are_learned(name, onset, offset):
    readout = CIF_READOUTS[name]
    pairs = [
        (transcription, planted(readout, onset, offset, transcription, late=(0.03, -0.02)))
        for transcription in utterances()
    ]
    learned = learn(readout, pairs)
    assert (learned.onset, learned.offset) == (onset, offset)
    assert (learned.onset_shift, learned.offset_shift) == pytest.approx((0.03, -0.02))
    for transcription, words in pairs:
        found = np.array(learned.align(transcription).spans)
        assert found == pytest.approx(np.array(words.spans))


def test_the_candidate_is_that_of_the_least_mean_absolute_error():
    """The second one is 0.1 too late five times of six: best after a shift, though never before."""
    errors = np.array([[0.0, 0.1]] * 3 + [[0.05, 0.1]] * 2 + [[0.05, 0.0]])
    assert best_of(errors, shifted=False)[:2] == (0, 0.0)
    assert best_of(errors) == (1, -0.1, pytest.approx(0.1 / 6))


def test_what_is_not_shifted_learns_no_constant():
    transcriptions = utterances()
    late = [
        (one, planted(CIF_READOUTS["fire"], 0, 0, one, late=(0.1, 0.1))) for one in transcriptions
    ]
    learned = learn(CIF_READOUTS["fire"], late)
    assert (learned.onset_shift, learned.offset_shift) == (0.0, 0.0)
    assert learn(CIF_READOUTS["fire, shifted"], late).onset_shift == pytest.approx(0.1)


def test_onsets_and_offsets_are_learned_apart():
    """Sides of two candidates each, of which the second is right for onsets, the first for ends."""
    table = torch.tensor([[1.0, 5.0], [1.0, 7.0]], dtype=torch.float64)
    side = EdgeCandidates(("x", "y"), lambda transcription: table)
    pairs = [(TRANSCRIPTION, aligned(("a", 5.5, 6.0), ("b", 7.5, 8.0)))]
    learned = learn(
        BoundaryReadout(side, EdgeCandidates(("x", "y"), lambda transcription: table.flip(1))),
        pairs,
    )
    assert (learned.onset, learned.offset) == (1, 0)
    assert (learned.onset_shift, learned.offset_shift) == pytest.approx((0.5, 1.0))
    assert learned.to_dict() == {
        "onset": "y",
        "onset_shift": pytest.approx(0.5),
        "offset": "x",
        "offset_shift": pytest.approx(1.0),
    }


def test_nothing_to_learn_from_gives_the_middle_and_no_shift():
    learned = learn(CIF_READOUTS["quantiles"], [])
    assert learned.to_dict() == {
        "onset": "25 % of the mass",
        "onset_shift": 0.0,
        "offset": "75 % of the mass",
        "offset_shift": 0.0,
    }
    for readout in (*CIF_READOUTS.values(), *CTC_READOUTS.values(), *ATTENTION_READOUTS.values()):
        assert len(learn(readout, []).align(TRANSCRIPTION)) == 2


def test_a_learned_readout_keeps_to_the_audio_and_to_the_order():
    """Shifts by 0.1: tokens overlap by 0.2 and meet where they did; the ends are cut off."""
    learned = LearnedReadout(CIF_READOUTS["fire, shifted"], 0, 0, -0.1, 0.1)
    short = fired("ab", 0.5, 0.5, 0.5, 0.5, seconds=0.4)
    assert np.array(learned.align(short).spans) == pytest.approx(np.array([[0, 0.2], [0.2, 0.4]]))
    assert learned.align(short).text == "a b"


def test_learned_edges_read_what_the_readout_reads():
    """What a recogniser keeps of it: its own transcriptions have these times."""
    readout = CIF_READOUTS["valleys, quantiles"]
    transcriptions = utterances()
    pairs = [(one, planted(readout, 4, 6, one, late=(0.02, 0.01))) for one in transcriptions]
    edges = learn_edges(pairs)
    assert (edges.onset_quantile, edges.offset_quantile) == (
        ONSET_QUANTILES[4],
        OFFSET_QUANTILES[6],
    )
    assert edges.cut == "valleys"
    learned = learn(readout, pairs)
    for one in transcriptions:
        mine = Alignment.from_firing(
            one.firing, one.tokens, one.grid, edges=edges, duration=one.waveform.duration
        )
        assert np.array(mine.spans) == pytest.approx(np.array(learned.align(one).spans))


def test_no_pairs_give_unshifted_edges():
    edges = learn_edges([])
    assert (edges.onset_quantile, edges.offset_quantile) == (0.25, 0.75)
    assert (edges.onset_shift, edges.offset_shift) == (0.0, 0.0)


def test_comparable_are_pairs_with_the_same_number_of_tokens_whichever_these_are():
    references = [
        aligned(("a", 0, 1)),
        aligned(("a", 0, 1)),
        aligned(),
        aligned(("a", 0, 1), ("b", 1, 2)),
    ]
    found = [Rows(torch.eye(len(text)), tuple(text)) for text in ("b", "aa", "", "ab")]
    assert comparable(found, references) == [(found[0], references[0]), (found[3], references[3])]


def test_a_reference_without_all_times_is_not_comparable():
    partly = Alignment((TimedToken("a", 0.0, 0.1), TimedToken("b")))
    found = [Rows(torch.eye(2), ("a", "b"))]
    assert comparable(found, [partly]) == []


# --- who learns from whom ------------------------------------------------------------------------

SHIFTED = CIF_READOUTS["fire, shifted"]


def test_all_are_aligned_as_was_learned_on_others():
    others = [(one, planted(SHIFTED, 0, 0, one, late=(0.05, 0.05))) for one in utterances(seed=1)]
    transcriptions = utterances(3)
    found = align_all(SHIFTED, transcriptions, others)
    assert found == [learn(SHIFTED, others).align(one) for one in transcriptions]


def test_no_utterance_learns_from_itself():
    """Words at even places lie 0.05 s behind the fires, those at odd places 0.02 before them."""
    transcriptions = utterances(7)
    references = [
        planted(SHIFTED, 0, 0, one, late=(late, late))
        for one, late in zip(transcriptions, [0.05, -0.02] * 4, strict=False)
    ]
    for place, alignment in enumerate(cross_aligned(SHIFTED, transcriptions, references)):
        shift = [-0.02, 0.05][place % 2]  # the others'
        fires = transcriptions[place].firing.fire_positions[0] * 0.1
        offsets = torch.tensor(alignment.spans).double()[:-1, 1]
        # A shifted end and the shifted onset behind it are the same fire.
        torch.testing.assert_close(offsets, fires[:-1] + shift)
        assert alignment.text == "a b c"


def test_times_of_an_utterance_do_not_change_its_own_alignment():
    transcriptions = utterances(4)
    references = [planted(SHIFTED, 0, 0, one, late=(0.05, 0.05)) for one in transcriptions]
    before = cross_aligned(SHIFTED, transcriptions, references)
    references[2] = planted(SHIFTED, 0, 0, transcriptions[2], late=(0.5, 0.5))
    after = cross_aligned(SHIFTED, transcriptions, references)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] != before[1]
    assert after[3] != before[3]


def test_utterances_with_another_number_of_tokens_are_not_learned_from():
    transcriptions = utterances(4)
    references = [planted(SHIFTED, 0, 0, one, late=(0.05, 0.05)) for one in transcriptions]
    references[0], references[1] = aligned(("a", 1.5, 1.9)), aligned()
    found = cross_aligned(SHIFTED, transcriptions, references)
    assert len(found) == 4
    expected = learn(SHIFTED, [(transcriptions[2], references[2])]).align(transcriptions[1])
    assert np.array(found[1].spans) == pytest.approx(np.array(expected.spans))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_learn_from_are_aligned_unshifted(count):
    transcriptions = utterances(count)
    references = [planted(SHIFTED, 0, 0, one, late=(0.05, 0.05)) for one in transcriptions]
    plain = [LearnedReadout(SHIFTED, 0, 0).align(one) for one in transcriptions]
    assert cross_aligned(SHIFTED, transcriptions, references) == plain


def test_tokens_need_their_order_alone_to_be_learned_from():
    """A wrong word at the right place has the times of the right one."""
    transcription = utterances(1)[0]
    references = planted(SHIFTED, 0, 0, transcription, late=(0.05, 0.05))
    other = aligned(*(("x", start, end) for start, end in references.spans))
    assert learn(SHIFTED, [(transcription, other)]).onset_shift == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("alpha", "times", "cut"),
    [
        # Words of one token each that touch in the middle of a frame.
        ([0.0, 0.4, 0.4, 0.4, 0.4, 0.4], [(0.1, 0.35), (0.35, 0.6)], "fires"),
        # The first weighs too much, the second too little, with a gap between.
        ([0.0, 0.4, 0.4, 0.4, 0.0, 0.0, 0.3, 0.3, 0.2], [(0.1, 0.4), (0.6, 0.9)], "valleys"),
    ],
)
def test_a_recogniser_cuts_where_it_is_right_on_development_utterances(alpha, times, cut):
    transcription = fired("ab", *alpha)
    words = [(token, *span) for token, span in zip("ab", times, strict=True)]
    assert learn_edges([(transcription, aligned(*words))]).cut == cut
