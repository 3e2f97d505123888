"""Bad input is named; legal but degenerate input gives an empty result."""

import math

import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above, drop, dynamic, rounded
from cifviz.errors import CIFError, shown


def fire(alpha=None, encoder_out=None, **options):
    alpha = torch.full((2, 5), 0.6) if alpha is None else alpha
    return integrate_and_fire(
        alpha, torch.ones(2, 5, 3) if encoder_out is None else encoder_out, **options
    )


@pytest.mark.parametrize("weight", [math.nan, math.inf, -0.25])
def test_a_weight_that_is_none_is_named_with_its_place(weight):
    alpha = torch.full((2, 5), 0.6)
    alpha[1, 3] = weight
    for requires_grad in (False, True):
        alpha.requires_grad_(requires_grad)
        with pytest.raises(CIFError, match=rf"finite and >= 0 .* got {weight} in row 1, frame 3"):
            fire(alpha)


@pytest.mark.parametrize(
    ("alpha", "encoder_out", "message"),
    [
        (torch.ones(2, 4), None, r"\(2, 5\) to match encoder_out \(2, 5, 3\), got \(2, 4\)"),
        (torch.ones(3, 5), None, r"\(2, 5\) to match encoder_out \(2, 5, 3\), got \(3, 5\)"),
        (torch.ones(5), None, r"alpha must be .*\(batch, frames\), got torch.float32 \(5,\)"),
        (torch.ones(2, 5, 1), None, r"alpha must be .*\(batch, frames\), got .*\(2, 5, 1\)"),
        (None, torch.ones(2, 5), r"encoder_out must be .*\(batch, frames, dim\), got .*\(2, 5\)"),
        (torch.ones(2, 5).long(), None, r"alpha must be a floating .* got torch.int64 \(2, 5\)"),
        (None, torch.ones(2, 5, 3).int(), "encoder_out must be a floating .* got torch.int32"),
        ([[0.6] * 5] * 2, None, "alpha must be a floating point tensor .* got list"),
        (torch.ones(2, 5).numpy(), None, "alpha must be a floating point tensor .* got ndarray"),
        (None, [[[1.0]]], "encoder_out must be a floating point tensor .* got list"),
    ],
    ids=[
        *("frames", "batch", "1-d", "3-d", "2-d", "integers", "integer encoder_out"),
        *("list", "array", "list of encoder_out"),
    ],
)
def test_shapes_and_types_must_fit(alpha, encoder_out, message):
    with pytest.raises(CIFError, match=message):
        fire(alpha, encoder_out)


NO_NUMBERS = ["1", None, 1j, True, 10**400, math.nan, math.inf, torch.ones(2)]


@pytest.mark.parametrize("threshold", [0.0, -1.0, *NO_NUMBERS], ids=lambda value: shown(value)[:9])
def test_threshold_must_be_a_number_above_zero(threshold):
    with pytest.raises(CIFError, match="^threshold must be a number > 0, got ") as caught:
        fire(threshold=threshold)
    assert str(caught.value).endswith(shown(threshold))


@pytest.mark.parametrize(
    "slack", [-0.01, 0.5, 1.0, *NO_NUMBERS], ids=lambda value: shown(value)[:9]
)
def test_slack_must_be_below_the_threshold(slack):
    expected = r"^slack \(below the threshold\) must be a number >= 0 and < 0.5, got "
    with pytest.raises(CIFError, match=expected) as caught:
        fire(threshold=0.5, slack=slack)
    assert str(caught.value).endswith(shown(slack))


@pytest.mark.parametrize("targets", [None, torch.tensor([1, 2])])
@pytest.mark.parametrize("tail", ["above", 0.5, None])
def test_tail_must_be_a_tail_rule(tail, targets):
    with pytest.raises(CIFError, match=f"tail must be a TailRule, got {tail!r}"):
        fire(tail=tail, target_lengths=targets)


@pytest.mark.parametrize("row", [0, 1])
def test_weights_that_come_to_absurdly_many_tokens_are_refused(row):
    alpha = torch.full((2, 5), 0.25)
    alpha[row] = 1e30
    with pytest.raises(CIFError, match=rf"at most 1000000 tokens .* sum of 5e\+30 .* row {row}"):
        fire(alpha)
    with pytest.raises(CIFError, match="at most 1000000 tokens .* threshold of 1e-300 in row 0"):
        fire(threshold=1e-300)
    with pytest.raises(CIFError, match="target_lengths must be between 0 and 1000000, got 1000001"):
        fire(target_lengths=torch.tensor([2, 1_000_001]))


def test_many_tokens_in_an_utterance_are_legal():
    firing = fire(torch.tensor([[1e5]], dtype=torch.float64), torch.ones(1, 1, 1))
    assert firing.num_fires.tolist() == [100_000]


@pytest.mark.parametrize("targets", [None, torch.tensor([1, 2])])
def test_weights_must_have_a_finite_sum(targets):
    alpha = torch.full((2, 5), 1e308, dtype=torch.float64)
    alpha[0] = 0.5
    with pytest.raises(CIFError, match="alpha must have a finite sum, got inf in row 1"):
        fire(alpha, target_lengths=targets)


def test_scaled_weights_may_be_larger_than_the_dtype_of_the_weights_holds():
    alpha = torch.tensor([[0.5, 0.5]], dtype=torch.float16)
    firing = fire(alpha, torch.ones(1, 2, 1), target_lengths=torch.tensor([200_000]))
    assert firing.scaled_alpha.tolist() == [[100_000, 100_000]]
    assert firing.num_fires.tolist() == [200_000]


@pytest.mark.parametrize("name", ["frame_lengths", "target_lengths"])
@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([5.0, 3.0]), "must hold integers, got torch.float32"),
        (torch.tensor([True, False]), "must hold integers, got torch.bool"),
        (torch.tensor([5, 3, 1]), r"must be \(batch,\) = \(2,\), got \(3,\)"),
        (torch.tensor([[5, 3]]), r"must be \(batch,\) = \(2,\), got \(1, 2\)"),
        (torch.tensor(5), r"must be \(batch,\) = \(2,\), got \(\)"),
        (torch.tensor([5, -1]), "got -1 in row 1"),
        ([5, 3], r"must be a tensor \(batch,\), got list"),
    ],
    ids=["float", "bool", "too many", "2-d", "0-d", "negative", "list"],
)
def test_lengths_must_be_one_count_for_each_row(name, lengths, message):
    with pytest.raises(CIFError, match=f"{name} {message}|{name} must be .*{message}"):
        fire(**{name: lengths})


def test_frame_lengths_must_not_be_longer_than_the_batch():
    with pytest.raises(CIFError, match="frame_lengths must be between 0 and 5, got 6 in row 1"):
        fire(frame_lengths=torch.tensor([5, 6]))


@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32, torch.uint64]
)
def test_any_integer_lengths_will_do(dtype):
    for name, values in (("frame_lengths", [5, 2]), ("target_lengths", [2, 0])):
        expected = fire(**{name: torch.tensor(values)})
        firing = fire(**{name: torch.tensor(values, dtype=dtype)})
        for field in ("num_fires", "frame_lengths", "residual", "fire_positions", "embeddings"):
            one, other = getattr(firing, field), getattr(expected, field)
            assert one.dtype == other.dtype, field
            assert torch.equal(one, other), field
    assert firing.residual.tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    ("mass", "message"),
    [
        ([[0.5], [0.5]], r"mass must be a tensor \(batch, points\) = \(2, points\), got list"),
        (torch.ones(2), r"= \(2, points\), got torch.float32 \(2,\)"),
        (torch.ones(3, 1), r"= \(2, points\), got torch.float32 \(3, 1\)"),
        (torch.tensor([[0.5], [math.nan]]), "mass must hold numbers, got NaN"),
    ],
    ids=["list", "1-d", "another batch", "nan"],
)
def test_masses_must_be_one_row_of_numbers_for_each_utterance(mass, message):
    with pytest.raises(CIFError, match=message):
        fire().frames_at_mass(mass)


def test_an_infinite_mass_is_never_reached():
    assert fire().frames_at_mass(torch.full((2, 1), math.inf)).tolist() == [[5.0], [5.0]]


@pytest.mark.parametrize("index", ["0", 0.5, None, True, 2, -3])
def test_an_utterance_is_an_index_into_the_batch(index):
    with pytest.raises(CIFError, match=f"utterance .*must be an in.* got {index!r}"):
        fire().utterance(index)


@pytest.mark.parametrize("tail", [drop, above(0.0), above(0.5), rounded, dynamic])
def test_no_frames_give_an_empty_result(tail):
    firing = fire(torch.ones(2, 0), torch.ones(2, 0, 3), tail=tail)
    assert firing.num_fires.tolist() == [0, 0]
    assert firing.embeddings.shape == (2, 0, 3)
    assert firing.contributions.shape == (2, 0, 0)
    assert firing.accumulated.shape == (2, 0)
    assert firing.residual.tolist() == [0, 0]
    assert firing.frames_at_mass(torch.zeros(2, 1)).tolist() == [[0.0], [0.0]]


def test_no_utterances_give_an_empty_result():
    firing = fire(torch.ones(0, 5), torch.ones(0, 5, 3), tail=above(0.5))
    assert len(firing) == 0
    assert list(firing) == []
    assert firing.embeddings.shape == (0, 0, 3)
    in_training = fire(
        torch.ones(0, 5), torch.ones(0, 5, 3), target_lengths=torch.zeros(0, dtype=torch.long)
    )
    assert in_training.embeddings.shape == (0, 0, 3)


@pytest.mark.parametrize("targets", [None, torch.tensor([2, 2])])
def test_an_utterance_that_is_all_padding_gives_nothing(targets):
    lengths = torch.tensor([5, 0])
    firing = fire(frame_lengths=lengths, target_lengths=targets, tail=above(0.5))
    assert firing.embeddings.isfinite().all()
    assert (firing.embeddings[1] == 0).all()
    assert firing.utterance(1).alpha.shape == (1, 0)
    if targets is None:
        assert firing.num_fires[1] == 0


@pytest.mark.parametrize("targets", [None, torch.tensor([3, 1])])
def test_silence_gives_zeros_and_finite_gradients(targets):
    alpha = torch.zeros(2, 5, requires_grad=True)
    firing = fire(alpha, target_lengths=targets, tail=above(0.5))
    assert (firing.embeddings == 0).all()
    (firing.embeddings.sum() + firing.residual.sum()).backward()
    assert alpha.grad.isfinite().all()


def test_one_frame_may_be_the_whole_utterance():
    firing = fire(torch.tensor([[2.5]]), torch.ones(1, 1, 1))
    assert firing.num_fires.tolist() == [2]
    assert firing.fire_positions[0].tolist() == pytest.approx([0.4, 0.8])


def test_encoder_output_without_dimensions_is_legal():
    assert fire(encoder_out=torch.ones(2, 5, 0)).embeddings.shape == (2, 3, 0)
