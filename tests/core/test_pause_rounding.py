"""Phrases are rounded to whole tokens: against a loop, and where it matters."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core.firing import integrate_and_fire
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.tail import above, drop
from cifviz.errors import CIFError

ROWS = st.lists(
    st.one_of(st.just(0.0), st.sampled_from([0.005, 0.02]), st.floats(0.05, 2.0)),
    min_size=1,
    max_size=24,
)


def by_loop(alpha, pause_frames, threshold=1.0, tau=0.5):
    """The same of one utterance: find the pauses, then round what begins behind each."""
    is_pause = [False] * len(alpha)
    for first in range(len(alpha) - pause_frames + 1):
        window = range(first, first + pause_frames)
        if all(alpha[frame] < 0.01 for frame in window):
            for frame in window:
                is_pause[frame] = True
    starts = [t for t in range(1, len(alpha)) if is_pause[t - 1] and not is_pause[t]]
    rounded = []
    for start, end in zip([0, *starts], [*starts, len(alpha)], strict=True):
        mass = sum(alpha[start:end])
        tokens = math.floor(mass / threshold)
        if tau is not None and mass - tokens * threshold > tau:
            tokens += 1
        rounded += [a * tokens * threshold / mass if mass else 0.0 for a in alpha[start:end]]
    return rounded


def rounded(*rows, **settings):
    lengths = torch.tensor([len(row) for row in rows])
    alpha = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(row, dtype=torch.float64) for row in rows], batch_first=True
    )
    return round_at_pauses(alpha, lengths, **settings)


@given(ROWS, st.integers(1, 6), st.sampled_from([1.0, 0.7]), st.sampled_from([None, 0.3, 0.5]))
def test_as_a_loop_finds_it(row, pause_frames, threshold, tau):
    tail = drop if tau is None else above(tau)
    found = rounded(row, pause_frames=pause_frames, threshold=threshold, tail=tail)[0].tolist()
    assert found == pytest.approx(by_loop(row, pause_frames, threshold, tau), abs=1e-9)


@given(st.lists(ROWS, min_size=2, max_size=4), st.integers(1, 4))
def test_padding_and_neighbours_change_nothing(rows, pause_frames):
    together = rounded(*rows, pause_frames=pause_frames)
    for row, both in zip(rows, together, strict=True):
        alone = rounded(row, pause_frames=pause_frames)[0]
        torch.testing.assert_close(both[: len(row)], alone)
        assert not both[len(row) :].any()


def test_errors_do_not_add_up_over_phrases():
    """Twenty words, each of them 1.08: the 21st token that the sum holds is nobody's."""
    word = [0.36, 0.36, 0.36, 0.0, 0.0, 0.0]
    alpha = rounded(word * 20, pause_frames=3)
    frames = torch.eye(alpha.shape[1], dtype=torch.float64)[None]
    assert int(integrate_and_fire(torch.tensor([word * 20]), frames.float()).num_fires) == 21
    firing = integrate_and_fire(alpha, frames, slack=0.01)
    assert int(firing.num_fires) == 20
    ends = [6 * n + 3 for n in range(20)]
    torch.testing.assert_close(
        firing.fire_positions[0], torch.tensor(ends).double(), atol=0.1, rtol=0
    )


def test_what_rounds_to_nothing_is_silenced():
    assert not rounded([0.2, 0.2, 0.0, 0.0], pause_frames=2).any()


def test_a_short_gap_is_no_pause():
    row = [0.6, 0.0, 0.6, 0.8]
    assert rounded(row, pause_frames=2)[0].tolist() == pytest.approx(row)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0)])
def test_nothing_gives_nothing(shape):
    lengths = torch.full(shape[:1], shape[1])
    assert round_at_pauses(torch.zeros(shape), lengths, pause_frames=3).shape == shape


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pause_frames": 0}, "pause_frames"),
        ({"pause_frames": 2, "pause_weight": 0.0}, "pause_weight"),
        ({"pause_frames": 2, "threshold": -1.0}, "threshold"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        rounded([0.5], **settings)


class TestInTheModule:
    """`CIFConfig.pause_frames`."""

    def cif(self, **settings):
        torch.manual_seed(0)
        config = CIFConfig(encoder_embed_dim=4, conv_cif_output_channels_num=4, **settings)
        return CIF(config).eval()

    def test_inference_fires_whole_phrases_and_keeps_the_weights(self):
        frames = torch.randn(1, 30, 4)
        with torch.no_grad():
            plain, phrased = self.cif()(frames), self.cif(pause_frames=3)(frames)
        assert torch.equal(plain.alpha, phrased.alpha)
        total = float(phrased.scaled_alpha.sum())
        assert total == pytest.approx(round(float(plain.weight_sum)), abs=1e-5)
        assert int(phrased.num_fires) == round(total)
        assert not phrased.tail_fired.any()

    def test_known_lengths_are_kept(self):
        frames, lengths = torch.randn(1, 30, 4), torch.tensor([7])
        plain = self.cif()(frames, target_lengths=lengths)
        phrased = self.cif(pause_frames=3)(frames, target_lengths=lengths)
        assert torch.equal(plain.scaled_alpha, phrased.scaled_alpha)

    def test_a_negative_number_of_frames_is_refused(self):
        with pytest.raises(CIFError, match="pause_frames"):
            CIFConfig(pause_frames=-1)
