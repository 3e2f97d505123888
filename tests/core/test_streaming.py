"""Chunk by chunk gives what the whole gives, and remembers no more for having heard more."""

import math
import random

import pytest
import torch

from cifviz.core import streaming
from cifviz.core.firing import integrate_and_fire
from cifviz.core.reference import integrate_and_fire as fire_in_a_loop
from cifviz.core.streaming import CIFState, Fired
from cifviz.core.tail import above, appended, at_least, drop, dynamic, rounded
from cifviz.errors import CIFError
from tests.strategies import fire_in_chunks

ROUNDING = {
    torch.float64: 1e-14,
    torch.float32: 1e-6,
    torch.bfloat16: 2.0**-7,
    torch.float16: 2.0**-10,
}
"""How far the embeddings may differ, in parts of ``Σ|W| · |h|``."""


def assert_same(fired, firing, encoder_out):
    """Fires to the last bit, embeddings to what their dtype and the size of the sum allow."""
    assert torch.equal(fired.num_fires, firing.num_fires)
    assert torch.equal(fired.fire_positions, firing.fire_positions)
    assert fired.embeddings.dtype == encoder_out.dtype
    assert fired.embeddings.shape == firing.embeddings.shape
    size = firing.contributions.abs() @ encoder_out.double().abs()
    off = (fired.embeddings.double() - firing.embeddings.double()).abs()
    assert (off <= ROUNDING[encoder_out.dtype] * size).all()


def random_batch(draw, dtype):
    """Up to 4 utterances of up to 40 frames: small weights, heavy ones, ties, silence, tenths."""
    batch, frames, dim = draw.randrange(1, 5), draw.randrange(41), draw.randrange(1, 4)
    alpha = torch.rand(batch, frames, dtype=torch.float64)
    alpha = {
        "small": 0.3 * alpha,
        "heavy": 5 * alpha,
        "ties": (16 * alpha).round() / 8,
        "sparse": alpha * (torch.rand(batch, frames) < 0.2),
        "tenths": (10 * alpha).round() / 10,
    }[draw.choice(["small", "heavy", "ties", "sparse", "tenths"])]
    encoder_out = torch.randn(batch, frames, dim).to(dtype)
    return alpha.to(dtype), encoder_out, torch.randint(0, frames + 1, (batch,))


def random_chunks(draw, frames):
    """Chunks of one frame each, or of up to `largest` frames, some of them empty."""
    if draw.random() < 0.25:
        return [1] * frames
    largest, chunks = draw.choice([1, 3, 8, 40]), []
    while sum(chunks) < frames:
        chunks.append(min(draw.randrange(largest + 1), frames - sum(chunks)))
    return chunks


def test_equals_the_whole_in_random_chunkings():
    draw = random.Random(0)
    torch.manual_seed(0)
    one_by_one, with_empty_chunks, several, borrowed, tails = 0, 0, 0, 0, 0
    for case in range(200):
        dtype = list(ROUNDING)[case % 4]
        alpha, encoder_out, lengths = random_batch(draw, dtype)
        threshold = draw.choice([0.3, 0.7, 1.0, 1.3, 4.0])
        options = {
            "frame_lengths": lengths,
            "threshold": threshold,
            "slack": draw.choice([0.0, 0.0, 0.01, 0.4]) * threshold,
            "tail": draw.choice([drop, above(0.0), at_least(0.2), appended(0.8 * threshold)]),
        }
        chunks = random_chunks(draw, alpha.shape[1])
        firing = integrate_and_fire(alpha, encoder_out, **options)
        assert_same(fire_in_chunks(alpha, encoder_out, chunks, **options), firing, encoder_out)
        one_by_one += len(chunks) > 1 and max(chunks) == 1
        with_empty_chunks += 0 in chunks
        several += bool((firing.scaled_alpha > 2 * threshold).any())
        borrowed += bool((firing.contributions < -1e-6).any())
        tails += bool(firing.tail_fired.any())
    assert one_by_one > 40, "chunks of one frame were meant to be among these"
    assert min(with_empty_chunks, several, borrowed, tails) > 20


def test_one_frame_at_a_time_is_the_loop():
    torch.manual_seed(0)
    for slack in (0.0, 0.1):
        alpha = 1.2 * torch.rand(1, 200, dtype=torch.float64)
        identity = torch.eye(200, dtype=torch.float64)[None]
        fired = fire_in_chunks(alpha, identity, [1] * 200, threshold=0.7, slack=slack)
        contributions, positions, _ = fire_in_a_loop(alpha[0].tolist(), 0.7, slack)
        assert fired.fire_positions[0].tolist() == positions
        expected = torch.tensor(contributions, dtype=torch.float64)[None]
        torch.testing.assert_close(fired.embeddings, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_long_sums_round_as_those_of_the_whole(chunk):
    """Weights with all bits of a float64: a sum in any other order would round otherwise."""
    torch.manual_seed(0)
    frames = 300 * min(chunk, 10)
    alpha = torch.rand(2, frames, dtype=torch.float64) ** 4
    encoder_out = torch.randn(2, frames, 1, dtype=torch.float64)
    chunks = [min(chunk, frames - begin) for begin in range(0, frames, chunk)]
    fired = fire_in_chunks(alpha, encoder_out, chunks, tail=above(0.0))
    assert_same(fired, integrate_and_fire(alpha, encoder_out, tail=above(0.0)), encoder_out)


def test_after_ten_million_tokens_a_fire_is_still_where_it_belongs():
    state = CIFState.start(batch=1, dim=1)
    for _ in range(10):
        _, state = state.feed(torch.tensor([[1e6]]), torch.ones(1, 1, 1))
    fired, state = state.feed(torch.full((1, 4), 0.3), torch.ones(1, 4, 1))
    assert state.num_fires.tolist() == [10_000_001]
    assert fired.fire_positions.item() == pytest.approx(10 + 1 / 0.3, abs=1e-6)


@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_a_batch_of_streams_of_any_length_is_each_alone(chunk):
    torch.manual_seed(0)
    alpha, encoder_out = torch.rand(6, 50), torch.randn(6, 50, 4)
    lengths = torch.tensor([0, 1, 50, 49, 23, 7])
    padded = torch.arange(50) >= lengths[:, None]
    chunks = [min(chunk, 50 - begin) for begin in range(0, 50, chunk)]
    options = {"slack": 0.05, "tail": above(0.3)}
    together = fire_in_chunks(
        alpha.masked_fill(padded, math.nan),
        encoder_out.masked_fill(padded[..., None], math.inf),
        chunks,
        frame_lengths=lengths,
        **options,
    )
    for row, length in enumerate(lengths.tolist()):
        own = slice(row, row + 1)
        alone = integrate_and_fire(alpha[own, :length], encoder_out[own, :length], **options)
        fires = int(alone.num_fires)
        assert together.num_fires[row] == fires
        assert torch.equal(together.fire_positions[own, :fires], alone.fire_positions)
        assert (together.fire_positions[row, fires:] == 0).all()
        assert (together.embeddings[row, fires:] == 0).all()
        torch.testing.assert_close(
            together.embeddings[own, :fires], alone.embeddings, rtol=0, atol=2e-6
        )


def test_streams_need_not_be_cut_at_the_same_frames():
    """`frame_lengths` says how much of a chunk is real, for each stream: here 2 of 3, then 1."""
    alpha = torch.tensor([[0.6, 0.6, 9.0], [0.5, 0.5, 0.5]])
    state = CIFState.start(batch=2, dim=1)
    first, state = state.feed(alpha, torch.ones(2, 3, 1), frame_lengths=torch.tensor([2, 3]))
    second, state = state.feed(alpha, torch.ones(2, 3, 1), frame_lengths=torch.tensor([2, 1]))
    fired = Fired.join([first, second])
    assert state.frames_seen.tolist() == [4, 4]
    assert fired.num_fires.tolist() == [2, 2]
    expected = torch.tensor([[1 + 2 / 3, 3 + 1 / 3], [2, 4]], dtype=torch.float64)
    torch.testing.assert_close(fired.fire_positions, expected)


def test_a_chunk_fires_only_inside_itself():
    torch.manual_seed(0)
    state = CIFState.start(batch=3, dim=1, slack=0.1)
    for begin in range(0, 200, 5):
        fired, state = state.feed(torch.rand(3, 5), torch.ones(3, 5, 1))
        for row, fires in enumerate(fired.num_fires.tolist()):
            positions = fired.fire_positions[row, :fires]
            assert ((begin < positions) & (positions <= begin + 5)).all()


@pytest.mark.parametrize("rest", [0.25, 0.5, 0.501, 0.75])
@pytest.mark.parametrize("rule", [drop, above(0.0), above(0.5), at_least(0.5), appended(0.45)])
def test_flush_follows_the_tail_rule(rest, rule):
    alpha = torch.tensor([[1.0, rest / 2, 0.0, rest / 2, 0.0]])
    whole = integrate_and_fire(alpha, torch.eye(5)[None], tail=rule)
    state = CIFState.start(batch=1, dim=5)
    fired, state = state.feed(alpha, torch.eye(5)[None])
    tail, _ = state.flush(rule)
    assert tail.num_fires.tolist() == whole.tail_fired.long().tolist()
    assert torch.equal(state.residual, whole.residual)
    assert_same(Fired.join([fired, tail]), whole, torch.eye(5)[None])


def test_the_tail_of_each_stream_ends_where_its_weights_end():
    """The last weight that counts stands chunks before the end; silence follows, or nothing."""
    state = CIFState.start(batch=3, dim=1)
    for alpha in ([[0.3], [0.0], [0.2]], [[0.3], [0.0], [0.6]], [[0.0], [0.7], [0.0]]):
        _, state = state.feed(torch.tensor(alpha), torch.ones(3, 1, 1))
    tail, _ = state.flush(above(0.1))
    assert tail.fire_positions.tolist() == [[2.0], [3.0], [2.0]]
    assert tail.embeddings.flatten().tolist() == pytest.approx([1, 1, 1])


def test_a_weight_too_small_to_add_does_not_move_the_tail():
    alpha = torch.tensor([[0.6, 1e-30]], dtype=torch.float64)
    encoder_out = torch.ones(1, 2, 1, dtype=torch.float64)
    whole = integrate_and_fire(alpha, encoder_out, tail=above(0.5))
    fired = fire_in_chunks(alpha, encoder_out, [1, 1], tail=above(0.5))
    assert fired.fire_positions.tolist() == whole.fire_positions.tolist() == [[1.0]]


def test_after_a_flush_the_next_utterance_begins_and_the_clock_goes_on():
    torch.manual_seed(0)
    state = CIFState.start(batch=1, dim=2, slack=0.1)
    begin = 0
    for frames in (17, 0, 5, 30):
        alpha, encoder_out = torch.rand(1, frames), torch.randn(1, frames, 2)
        alone = integrate_and_fire(alpha, encoder_out, slack=0.1, tail=above(0.2))
        fired, state = state.feed(alpha, encoder_out)
        tail, state = state.flush(above(0.2))
        both = Fired.join([fired, tail])
        assert torch.equal(both.num_fires, alone.num_fires)
        torch.testing.assert_close(both.fire_positions, begin + alone.fire_positions)
        torch.testing.assert_close(both.embeddings, alone.embeddings, rtol=0, atol=2e-6)
        begin += frames


def test_feeding_changes_no_state():
    """So a stream can be listened to ahead, or its tail looked at, and gone on with."""
    torch.manual_seed(0)
    alpha, encoder_out = torch.rand(2, 10), torch.randn(2, 10, 3)
    _, state = CIFState.start(batch=2, dim=3).feed(alpha, encoder_out)
    first, _ = state.feed(alpha, encoder_out)
    state.flush(above(0.1))
    second, _ = state.feed(alpha, encoder_out)
    assert torch.equal(first.embeddings, second.embeddings)
    assert torch.equal(first.fire_positions, second.fire_positions)


def held(state):
    """Bytes that the tensors of a state keep alive, views with what they are views of."""
    tensors = [value for value in vars(state).values() if isinstance(value, torch.Tensor)]
    assert len(tensors) == 5
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def test_memory_does_not_grow_with_time():
    state = CIFState.start(batch=2, dim=8)
    empty = held(state)
    alpha, encoder_out = torch.full((2, 3), 0.4), torch.ones(2, 3, 8)
    for chunk in range(500):
        _, state = state.feed(alpha, encoder_out)
        if chunk in (0, 9, 499):
            assert held(state) == empty
    assert state.num_fires.tolist() == [600, 600]


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("frames", [0, 1, 10_000])
def test_a_state_holds_on_to_no_chunk(batch, frames):
    state = CIFState.start(batch, dim=8)
    _, after = state.feed(torch.full((batch, frames), 0.4), torch.ones(batch, frames, 8))
    _, flushed = after.flush(above(0.1))
    assert held(after) == held(flushed) == held(state)


def test_a_state_keeps_no_graph_alive():
    alpha = torch.full((1, 3), 0.4, requires_grad=True)
    encoder_out = torch.ones(1, 3, 2, requires_grad=True)
    fired, state = CIFState.start(batch=1, dim=2).feed(alpha, encoder_out)
    assert not fired.embeddings.requires_grad
    assert not any(
        value.requires_grad for value in vars(state).values() if isinstance(value, torch.Tensor)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_many_small_pieces_add_up_in_half_precision(dtype):
    """2000 weights of 2^-10, one at a time: bfloat16 itself would stop adding them at 2^-2."""
    alpha = torch.full((1, 2000), 2.0**-10, dtype=dtype)
    fired = fire_in_chunks(alpha, torch.ones(1, 2000, 1, dtype=dtype), [1] * 2000)
    assert fired.embeddings.tolist() == [[[1.0]]]
    assert fired.fire_positions.tolist() == [[1024.0]]


def test_alpha_may_be_finer_than_the_encoder_output():
    """Ten tenths of float64 miss 1 by 1e-16; 0.1 in bfloat16 is 0.1001, and ten of them fire."""
    alpha = torch.full((1, 11), 0.1, dtype=torch.float64)
    encoder_out = torch.ones(1, 11, 1, dtype=torch.bfloat16)
    fine = fire_in_chunks(alpha, encoder_out, [4, 7])
    assert_same(fine, integrate_and_fire(alpha, encoder_out), encoder_out)
    coarse = fire_in_chunks(alpha.bfloat16(), encoder_out, [4, 7])
    assert coarse.fire_positions.item() < 10 < fine.fire_positions.item()


def test_one_heavy_frame_fires_several_times():
    state = CIFState.start(batch=1, dim=1)
    _, state = state.feed(torch.tensor([[0.5]]), torch.tensor([[[10.0]]]))
    fired, state = state.feed(torch.tensor([[3.0]]), torch.tensor([[[1.0]]]))
    assert fired.embeddings.flatten().tolist() == [5.5, 1.0, 1.0]
    assert fired.fire_positions[0].tolist() == pytest.approx([1 + 1 / 6, 1.5, 1 + 5 / 6])
    assert state.residual.tolist() == [0.5]


def test_what_a_token_borrows_is_carried_as_a_debt():
    """0.9 + 0.05 fires within a slack of 0.1 and takes 0.05 of frame 1 from the next token."""
    state = CIFState.start(batch=1, dim=2, slack=0.1)
    _, state = state.feed(torch.tensor([[0.85]]), torch.tensor([[[1.0, 0.0]]]))
    fired, state = state.feed(torch.tensor([[0.1]]), torch.tensor([[[0.0, 1.0]]]))
    assert fired.embeddings.flatten().tolist() == pytest.approx([0.85, 0.15])
    assert state.residual.tolist() == pytest.approx([-0.05])
    assert state.vector.flatten().tolist() == pytest.approx([0.0, -0.05])


@pytest.mark.parametrize("shape", [(0, 0, 0), (0, 3, 2), (2, 0, 3), (2, 3, 0)])
def test_nothing_to_hear_gives_an_empty_result(shape):
    batch, frames, dim = shape
    state = CIFState.start(batch, dim)
    fired, state = state.feed(torch.full((batch, frames), 0.3), torch.ones(shape))
    tail, state = state.flush(above(0.95))
    both = Fired.join([fired, tail])
    assert both.embeddings.shape == (batch, 0, dim)
    assert both.fire_positions.shape == (batch, 0)
    assert both.num_fires.tolist() == [0] * batch


def test_a_stream_without_frames_has_no_tail():
    tail, state = CIFState.start(batch=2, dim=3).flush(above(0.0))
    assert tail.num_fires.tolist() == [0, 0]
    assert state.residual.tolist() == [0.0, 0.0]


def test_empty_chunks_change_nothing():
    _, before = CIFState.start(batch=1, dim=2).feed(torch.tensor([[0.7]]), torch.ones(1, 1, 2))
    fired, after = before.feed(torch.ones(1, 0), torch.ones(1, 0, 2))
    assert fired.num_fires.tolist() == [0]
    for name in ("mass", "num_fires", "vector", "frames_seen", "weights_end"):
        assert torch.equal(getattr(before, name), getattr(after, name)), name


def test_a_long_stream_may_come_to_more_tokens_than_an_utterance(monkeypatch):
    monkeypatch.setattr(streaming, "MOST_TOKENS", 10)
    state = CIFState.start(batch=1, dim=1)
    for _ in range(5):
        _, state = state.feed(torch.ones(1, 10), torch.ones(1, 10, 1))
    assert state.num_fires.tolist() == [50]


@pytest.mark.parametrize(
    ("alpha", "encoder_out", "message"),
    [
        (torch.ones(3, 5), torch.ones(3, 5, 4), r"alpha must be .*batch = 2, got \(3, 5\)"),
        (torch.ones(2, 5), torch.ones(2, 5, 3), r"\(2, 5, 4\) to match .* got .*\(2, 5, 3\)"),
        (torch.ones(2, 5), torch.ones(2, 4, 4), r"\(2, 5, 4\) to match .* got .*\(2, 4, 4\)"),
        (torch.ones(2, 5), torch.ones(1, 5, 4), r"\(2, 5, 4\) to match .* got .*\(1, 5, 4\)"),
        (torch.ones(2, 5), torch.ones(2, 5, 4).double(), "must be torch.float32 .* torch.float64"),
        (torch.ones(2), torch.ones(2, 5, 4), r"alpha must be .*\(batch, frames\), got"),
        (torch.ones(2, 5).long(), torch.ones(2, 5, 4), "alpha must be a floating .* torch.int64"),
        (torch.ones(2, 5), [[[1.0]]], "encoder_out must be a floating point tensor .* got list"),
        (torch.full((2, 5), math.nan), torch.ones(2, 5, 4), "finite and >= 0 .* got nan in row 0"),
        (torch.full((2, 5), -0.5), torch.ones(2, 5, 4), "finite and >= 0 .* got -0.5 in row 0"),
        (torch.full((2, 5), 1e7), torch.ones(2, 5, 4), "at most 1000000 tokens in a chunk.* row 0"),
    ],
    ids=[
        *("batch", "dim", "frames", "batch of encoder_out", "dtype", "1-d", "integers", "list"),
        *("nan", "negative", "absurd"),
    ],
)
def test_a_chunk_must_fit_the_state(alpha, encoder_out, message):
    with pytest.raises(CIFError, match=message):
        CIFState.start(batch=2, dim=4).feed(alpha, encoder_out)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([6, 5]), "frame_lengths must be between 0 and 5, got 6 in row 0"),
        (torch.tensor([5]), r"frame_lengths must be \(batch,\) = \(2,\), got \(1,\)"),
        (torch.tensor([5.0, 5.0]), "frame_lengths must hold integers"),
    ],
)
def test_frame_lengths_are_those_of_the_chunk(lengths, message):
    with pytest.raises(CIFError, match=message):
        CIFState.start(batch=2, dim=4).feed(
            torch.ones(2, 5), torch.ones(2, 5, 4), frame_lengths=lengths
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch": -1}, "batch must be an integer >= 0, got -1"),
        ({"dim": 2.0}, "dim must be an integer >= 0, got 2.0"),
        ({"threshold": 0}, "threshold must be a number > 0, got 0"),
        ({"slack": 1.0}, r"slack \(below the threshold\) must be a number >= 0 and < 1, got 1.0"),
        ({"dtype": torch.long}, "dtype must be a floating point type of torch, got torch.int64"),
        ({"dtype": "float32"}, "dtype must be a floating point type of torch, got 'float32'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_stream_starts_with_numbers_that_can_mean_something(values, message):
    with pytest.raises(CIFError, match=message):
        CIFState.start(**{"batch": 1, "dim": 1, **values})


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        (0.5, "tail must be a TailRule, got 0.5"),
        (rounded, "tail must be a rule that leaves full tokens as they are, got rounded"),
        (dynamic, "got dynamic, which needs the whole utterance"),
    ],
)
def test_flush_takes_a_rule_that_decides_about_the_residual_alone(tail, message):
    with pytest.raises(CIFError, match=message):
        CIFState.start(batch=1, dim=1).flush(tail)


def test_chunks_of_other_streams_are_not_joined():
    one = CIFState.start(1, 1).feed(torch.ones(1, 2), torch.ones(1, 2, 1))[0]
    for batch, dim in ((2, 1), (1, 3)):
        other, _ = CIFState.start(batch, dim).feed(torch.ones(batch, 2), torch.ones(batch, 2, dim))
        with pytest.raises(CIFError, match=r"join takes .* \(1, 1\), "):
            Fired.join([one, other])


def test_there_must_be_something_to_join():
    with pytest.raises(CIFError, match="at least one chunk, got none"):
        Fired.join([])
