"""Pauses and windows: nothing is lost, nothing is too long, and cuts are where it is quiet."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifviz.audio.moonshine import HOP_LENGTH, LONGEST
from cifviz.audio.pauses import (
    CONTEXT,
    LONGEST_WINDOW,
    levels,
    pauses,
    quiet,
    quietest,
    windows,
)
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError

RATE = 16_000


def sound(*parts, floor=0.0, seed=0):
    """Parts (seconds, level) of noise, on a floor of noise."""
    rng = np.random.default_rng(seed)
    pieces = [rng.normal(size=round(seconds * RATE)) * level for seconds, level in parts]
    samples = np.concatenate([np.zeros(0), *pieces])
    return Waveform((samples + rng.normal(size=len(samples)) * floor).astype(np.float32))


def test_a_window_with_its_context_is_not_too_long_for_the_encoder():
    assert LONGEST_WINDOW + 2 * CONTEXT <= LONGEST


# --- pauses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [0.0, 1e-4, 0.01])
def test_pauses_are_found_above_any_floor(floor):
    found = pauses(sound((1.0, 0.1), (0.5, 0), (1.0, 0.1), (0.1, 0), (0.5, 0.1), floor=floor))
    assert len(found) == 1, "0.1 s is no pause"
    assert found[0] == pytest.approx((1.0, 1.5), abs=2 * HOP_LENGTH / RATE)


def test_a_quiet_speaker_half_a_minute_behind_a_loud_one_is_heard():
    found = quiet(sound((60, 0.3), (1, 0), (60, 0.003), (1, 0), (5, 0.003)))
    second = found[round(85 * RATE / HOP_LENGTH) : round(120 * RATE / HOP_LENGTH)]
    assert not second.any()


@pytest.mark.parametrize("samples", [0, 1, 383, 384, 385, 894, 895, 16_000])
def test_digital_silence_is_a_pause_of_its_own_length(samples):
    silent = Waveform(np.zeros(samples, np.float32))
    expected = [(0.0, samples / RATE)] if samples / RATE >= 0.2 else []
    assert pauses(silent) == expected
    assert pauses(silent, shortest=0.0) == ([(0.0, samples / RATE)] if samples else [])
    assert windows(silent) == ([(0, samples)] if samples else [])


def test_constant_noise_has_no_pauses():
    assert pauses(sound((100, 0.1))) == []
    assert pauses(Waveform(np.full(100 * RATE, 0.5, np.float32))) == []


def test_levels_by_hand():
    samples = np.concatenate([np.full(384, 0.1), np.full(100, 1.0)]).astype(np.float32)
    assert levels(Waveform(samples)).tolist() == pytest.approx([-20.0, 0.0], abs=1e-5)


# --- windows -------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.sampled_from([0.01, 0.1, 0.3, 1.0, 3.0]), st.sampled_from([0, 0.01, 0.2])),
        max_size=12,
    ),
    st.sampled_from([1, 1.3, 2, 5]),
    st.integers(0, 400),
)
def test_windows_cover_the_sound_in_order_and_none_is_too_long(parts, longest, more):
    waveform = sound(*parts, (more / RATE, 0.1))
    found = windows(waveform, longest=longest)
    edges = [0, *(end for _, end in found)]
    assert found == list(pairwise(edges)), "without gap or overlap"
    assert edges[-1] == len(waveform.samples)
    assert all(0 < end - first <= longest * RATE for first, end in found)
    assert all(first % HOP_LENGTH == 0 for first, _ in found)


def test_it_is_cut_in_the_longest_pause_that_leaves_a_long_window():
    waveform = sound((5, 0.1), (3, 0), (10, 0.1), (0.3, 0), (4, 0.1), (0.6, 0), (20, 0.1))
    (_, first), *_ = windows(waveform)
    assert first / RATE == pytest.approx(22.6, abs=0.05)


def test_without_a_pause_it_is_cut_where_it_is_quietest():
    parts = [(20.0, 0.1), (0.1, 0.02), (20.0, 0.1)]
    (_, first), *_ = windows(sound(*parts))
    assert 20.0 <= first / RATE <= 20.1


def test_a_long_silence_is_cut_too():
    found = windows(Waveform(np.zeros(300 * RATE, np.float32)))
    assert all(end - first <= LONGEST_WINDOW * RATE for first, end in found)
    assert len(found) < 2 * 300 / LONGEST_WINDOW + 1


def test_windows_have_a_least_length():
    with pytest.raises(CIFError, match="longest must be a number >= 1"):
        windows(sound((1, 0.1)), longest=0.5)


def test_the_quietest_place_is_quiet_on_both_sides():
    assert quietest(np.array([0.0, 0, -50, 0, 0]), 1, 4) in (2, 3)
    assert quietest(np.array([0.0, -30, 0, -20, -20, 0]), 1, 5) == 4
