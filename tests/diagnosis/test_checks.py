"""Each check on cases that are computed by hand, and on whatever else may come."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.diagnosis import ObservedUtterance, diagnose, examine
from cifviz.diagnosis.checks.batch_dependence import compared
from cifviz.diagnosis.checks.several_fires import ends_in_frames
from cifviz.diagnosis.checks.swapped_integrator import kind
from cifviz.diagnosis.half_precision import counts_in
from cifviz.diagnosis.speechless import without_speech
from cifviz.diagnosis.timing_errors import errors_of


def utterance(alpha, **known):
    weights = np.asarray(alpha, dtype=np.float64)
    return ObservedUtterance(**({"name": "a", "alpha": weights, "used": weights} | known))


def severity(name, *utterances):
    return next((one.severity for one in examine(utterances).findings if one.check == name), "")


def bumps(tokens=6, width=8):
    """Weights that rise and fall around each token, each of which comes to 1."""
    shape = np.hanning(width + 2)[1:-1]
    return np.tile(np.concatenate([shape / shape.sum(), np.zeros(4)]), tokens)


def test_the_residual_and_the_full_tokens_of_known_weights():
    one = utterance([0.6, 0.6, 0.6])
    assert one.full == 1
    assert one.residual == pytest.approx(0.8)
    assert one.fire_frames.tolist() == pytest.approx([5 / 3])


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), -float("inf")])
def test_one_invalid_weight_is_a_fault_and_the_only_thing_looked_for(wrong):
    found = examine([utterance([0.5, wrong, 0.5], expected=1)])
    assert [one.check for one in found.findings] == ["invalid_weights"]
    assert found.looked_at["invalid_weights"] == 1
    assert found.looked_at["token_count"] == 0


def test_the_others_of_a_batch_are_looked_at_beside_an_invalid_one():
    right, wrong = utterance(bumps(), expected=6), utterance([float("nan")], name="b", expected=1)
    found = examine([right, wrong])
    assert [one.utterances for one in found.findings] == [("b",)]
    assert found.looked_at["token_count"] == 1


def test_running_sum_and_integrator_are_told_from_weights():
    weights = bumps()
    running = np.cumsum(weights)
    assert kind(utterance(weights)) == ""
    assert kind(utterance(running)) == "running sum"
    assert kind(utterance(running % 1.0)) == "integrator"  # after each fire
    before = np.cumsum(weights) - np.floor(np.concatenate([[0.0], running[:-1]]) + 1e-9)
    assert kind(utterance(before)) == "integrator"  # before each fire, as FunASR's peaks
    assert severity("swapped_integrator", utterance(before)) == "fault"


def test_lone_spikes_are_weights():
    assert kind(utterance(np.tile([0.0, 0.0, 1.0, 0.0], 8))) == ""
    assert kind(utterance(np.tile([0.02, 0.03, 0.9, 0.05], 8))) == ""


def test_a_residual_is_lost_only_if_no_tail_fired_it():
    weights = np.full(27, 0.1)
    dropped = utterance(weights, fires=np.array([10.0, 20.0]))
    fired = utterance(weights, fires=np.array([10.0, 20.0, 27.0]), tail_fired=True)
    assert severity("lost_tail", dropped) == "fault"
    assert severity("lost_tail", fired) == ""
    assert severity("lost_tail", utterance(weights)) == "note"  # by which rule is not known
    assert severity("lost_tail", utterance(np.full(24, 0.1), fires=np.array([10.0, 20.0]))) == ""


def test_an_appended_weight_is_no_residual():
    """FunASR appends a frame of 0.45: of a residual of 0.2 it makes 0.65, which fires nothing."""
    predicted = np.concatenate([np.full(22, 0.1), [0.0]])
    used = np.concatenate([np.full(22, 0.1), [0.45]])
    one = utterance(predicted, used=used, fires=np.array([10.0, 20.0]))
    assert one.appended == pytest.approx(0.45)
    assert one.residual == pytest.approx(0.2)
    assert severity("lost_tail", one) == ""


def test_a_last_token_lost_to_rounding():
    weights = np.full(10, 0.3 - 1e-8)
    lost = utterance(weights, fires=np.array([10 / 3, 20 / 3]), expected=3)
    assert severity("lost_to_rounding", lost) == "fault"
    kept = utterance(weights, fires=np.array([10 / 3, 20 / 3, 10.0]), expected=3)
    assert severity("lost_to_rounding", kept) == ""


def test_ten_weights_of_a_tenth_are_lost_in_float32_weights_alone():
    """Seven weights of 1/7 in float32 may come to less than 1; float64 says what it should be."""
    weights = np.full(300, np.float64(np.float32(0.1)))
    one = utterance(weights)
    counts = counts_in(np.float32, one)
    assert severity("lost_to_rounding", one) == ("warning" if min(counts.values()) == 29 else "")


def test_sums_in_half_precision_are_those_of_the_type():
    """2048 + 1 is 2048 in float16, 256 + 1 is 256 in bfloat16; a loop never holds so much."""
    ones = utterance(np.ones(3000))
    assert counts_in(np.float16, ones) == {"loop": 3000, "running sum": 2048}
    assert counts_in(torch.bfloat16, ones) == {"loop": 3000, "running sum": 256}
    assert counts_in(np.float32, ones) == {"loop": 3000, "running sum": 3000}


@given(st.lists(st.floats(0, 1, width=16), max_size=40))
def test_bfloat16_rounds_as_pytorch_does(values):
    total = torch.zeros((), dtype=torch.bfloat16)
    for value in values:
        total = total + torch.tensor(value, dtype=torch.bfloat16)
    counted = counts_in(torch.bfloat16, utterance(values))["running sum"]
    assert counted == int(float(total))


def test_half_precision_is_found_by_the_count_it_gives():
    weights = np.full(4000, 0.1)
    fires = np.arange(256, dtype=np.float64)
    assert severity("half_precision_sums", utterance(weights, fires=fires[:32])) == "fault"
    halves = np.full(4000, float(np.float16(0.1)) * (1 + 1 / 1024))
    risky = utterance(halves, dtype="float16")
    assert severity("half_precision_sums", risky) == "warning"
    assert severity("half_precision_sums", utterance(bumps(3), dtype="float16")) == ""


def test_several_ends_in_a_frame():
    one = utterance([0.5, 2.2, 0.3])
    assert ends_in_frames(one).tolist() == [0, 2, 1]
    assert severity("several_fires", one) == "warning"
    lost = utterance([0.5, 2.2, 0.3], fires=np.array([1.2, 2.0]))
    assert severity("several_fires", lost) == "fault"
    assert severity("several_fires", utterance([0.5, 0.5, 1.0, 1.0])) == ""


@pytest.mark.parametrize(("share", "expected"), [(0.0, ""), (0.15, "warning"), (0.5, "fault")])
def test_weights_at_one(share, expected):
    weights = np.full(100, 0.1)
    weights[: round(100 * share)] = 1.0
    assert severity("saturated_weights", utterance(weights)) == expected


def test_weights_at_zero_are_a_fault_where_there_should_be_tokens():
    silent = np.full(50, 1e-4)
    assert severity("saturated_weights", utterance(silent, expected=4)) == "fault"
    assert severity("saturated_weights", utterance(silent, expected=0)) == ""
    assert severity("saturated_weights", utterance(silent)) == "warning"
    quiet = Waveform(np.zeros(32_000, dtype=np.float32))
    assert severity("saturated_weights", utterance(silent, waveform=quiet)) == ""


def test_a_weight_that_the_batch_changes():
    weights = bumps(2)
    changed = weights.copy()
    changed[3] += 0.25
    assert compared(utterance(changed, alone=weights)) == (pytest.approx(0.25), 3)
    assert severity("batch_dependence", utterance(changed, alone=weights)) == "fault"
    assert severity("batch_dependence", utterance(weights + 1e-6, alone=weights)) == ""
    longer = np.append(weights, [0.0, 0.0])
    assert severity("batch_dependence", utterance(longer, alone=weights)) == ""  # zeros are none


@pytest.mark.parametrize("far", [math.inf, math.nan])
def test_what_is_no_number_alone_or_in_the_padding_is_a_fault_that_json_holds(far):
    weights = bumps(2)
    alone = diagnose(weights, alone=weights + far)
    behind = diagnose(np.append(weights, far)[None], frame_lengths=[len(weights)])
    for found in (alone, behind):
        (finding,) = [one for one in found.findings if one.check == "batch_dependence"]
        assert finding.severity == "fault"
        assert "inf" in finding.numbers.values()
        assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(("behind", "expected"), [(0.0, ""), (0.1, "warning"), (0.6, "fault")])
def test_weight_behind_the_end(behind, expected):
    rows = np.concatenate([bumps(2), [behind, 0.0]])[None]
    found = diagnose(rows, frame_lengths=[rows.shape[1] - 2])
    assert found.looked_at["batch_dependence"] == 1
    assert ("batch_dependence" in {one.check for one in found.findings}) == bool(expected)
    assert not expected or expected in {one.severity for one in found.findings}


def test_silence_and_noise_are_no_speech():
    rng = np.random.default_rng(0)
    time = np.arange(32_000) / 16_000
    voice = 0.3 * np.sin(2 * np.pi * 140 * time) * (np.sin(2 * np.pi * 3 * time) > -0.9)
    noise = rng.normal(size=16_000) * 0.1
    sound = np.concatenate([voice, noise, np.zeros(16_000)]).astype(np.float32)
    [(start, end)] = without_speech(Waveform(sound))
    assert start == pytest.approx(2.0, abs=0.1)
    assert end == pytest.approx(4.0, abs=0.1)
    assert without_speech(Waveform(np.zeros(0, dtype=np.float32))) == []


def references(*ends):
    return Alignment(tuple(TimedToken("x", end - 0.1, end) for end in ends))


def late(errors):
    """An utterance whose fires come by so much late, tokens being a second apart."""
    ends = 1.0 + np.arange(len(errors))
    weights = np.zeros(10 * (len(errors) + 4))
    fires = (ends + np.asarray(errors)) * 10
    weights[np.ceil(fires).astype(int) - 1] = 1.0
    from cifviz.timing import FrameGrid

    return utterance(
        weights, fires=fires, grid=FrameGrid(0.1), reference=references(*ends), expected=len(ends)
    )


def test_errors_are_fires_less_ends():
    errors = errors_of([late([0.1, 0.2, 0.3, 0.4, 0.5])])
    assert errors.late == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert errors.slope == pytest.approx(0.1)
    assert errors.median == pytest.approx(0.3)
    assert errors.explained == pytest.approx(1.0)


def test_a_drift_is_no_shift_and_a_shift_no_drift():
    drifting = late(0.1 * np.arange(8))
    assert severity("drift", drifting) == "fault"
    assert severity("constant_shift", drifting) == ""
    shifted = late(np.full(8, 0.5))
    assert severity("drift", shifted) == ""
    assert severity("constant_shift", shifted) == "fault"
    assert severity("constant_shift", late(np.full(8, 0.05))) == ""


def test_a_shift_by_a_whole_token_is_named():
    one = late(np.full(8, 1.0))
    [finding] = [one for one in examine([one]).findings if one.check == "constant_shift"]
    assert "off by one token" in finding.found


def test_counts_that_differ():
    right = utterance(bumps(6), fires=np.arange(6.0), expected=6)
    assert severity("token_count", right) == ""
    assert severity("token_count", utterance(bumps(6), fires=np.arange(6.0), expected=9)) == "fault"
    many = [utterance(bumps(6), name=str(at), fires=np.arange(6.0), expected=6) for at in range(40)]
    one_wrong = [utterance(bumps(6), fires=np.arange(6.0), expected=7), *many]
    assert severity("token_count", *one_wrong) == "note"
    assert severity("token_count", utterance(bumps(6))) == ""  # nothing to compare with


@pytest.mark.parametrize("alpha", [[], [0.0], [1.0], [0.5] * 3, [1e-320] * 4, [[]], [[], []]])
def test_what_is_degenerate_is_no_error(alpha):
    found = diagnose(alpha)
    assert found.table()
    json.dumps(found.to_dict(), allow_nan=False)


@given(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        arrays.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=12),
        elements={"allow_nan": True, "allow_infinity": True},
    ),
    st.floats(1e-3, 1e3),
)
def test_any_numbers_give_a_diagnosis(alpha, threshold):
    found = diagnose(alpha, threshold=threshold)
    json.dumps(found.to_dict(), allow_nan=False)
    valid = bool(np.all(alpha >= 0) and np.all(np.isfinite(alpha)))
    assert valid or any(one.check == "invalid_weights" for one in found.findings)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=30), st.integers(0, 30))
def test_padding_with_zeros_changes_nothing(weights, zeros):
    alone = diagnose(weights, tokens=["x"] * 3, tail="above 0.5")
    padded = diagnose(
        [weights + [0.0] * zeros], frame_lengths=[len(weights)], tokens=["x"] * 3, tail="above 0.5"
    )
    assert [one.to_dict() for one in alone.findings] == [one.to_dict() for one in padded.findings]
