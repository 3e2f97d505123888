"""What holds for all weights of a whole batch: chunked, batched, scaled, joined, differentiated.

`test_firing_properties.py` holds what concerns one utterance fired at once.
"""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from cifviz.core.firing import integrate_and_fire
from cifviz.core.losses import quantity_loss
from cifviz.core.scaling import scale_to_length
from cifviz.core.streaming import CIFState, Fired
from cifviz.core.tail import above, appended, drop, dynamic, rounded
from tests.strategies import Case, cases, chunkings, exact_cases, fire_in_chunks, weights


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def options_of(case):
    return {
        "threshold": case.threshold,
        "slack": case.slack,
        "tail": case.tail,
    }


def padded(rows):
    """A batch of these weights with NaN behind them, its lengths, and vectors to integrate."""
    lengths = torch.tensor([len(row) for row in rows])
    frames = int(lengths.max())
    alpha = torch.full((len(rows), frames), math.nan, dtype=torch.float64)
    for row, values in enumerate(rows):
        alpha[row, : len(values)] = double(values)
    torch.manual_seed(0)
    return alpha, torch.randn(len(rows), frames, 2, dtype=torch.float64), lengths


def assert_close(off, size):
    """`size` is ``Σ|W| · |h|``: of it, a sum in float64 is right to some parts in 10^16."""
    assert (off.abs() <= 1e-13 * size).all()


@given(st.data(), cases())
def test_chunking_changes_nothing(data, case):
    frames = len(case.alpha)
    alpha, identity = double([case.alpha]), torch.eye(frames, dtype=torch.float64)[None]
    fired = fire_in_chunks(alpha, identity, data.draw(chunkings(frames)), **options_of(case))
    whole = case.fire()
    assert torch.equal(fired.num_fires, whole.num_fires)
    assert torch.equal(fired.fire_positions, whole.fire_positions)
    size = whole.contributions.abs().sum(dim=2, keepdim=True)
    assert_close(fired.embeddings - whole.contributions, size)


@given(st.data(), st.lists(weights(max_frames=8), min_size=1, max_size=4), cases())
def test_padding_batching_and_chunking_together_change_nothing(data, rows, case):
    """However a padded batch is cut, each of its streams is that utterance alone and whole."""
    alpha, encoder_out, lengths = padded(rows)
    chunks = data.draw(chunkings(alpha.shape[1]))
    together = fire_in_chunks(alpha, encoder_out, chunks, frame_lengths=lengths, **options_of(case))
    for row, frames in enumerate(lengths.tolist()):
        own = slice(row, row + 1)
        alone = integrate_and_fire(
            alpha[own, :frames], encoder_out[own, :frames], **options_of(case)
        )
        fires = int(alone.num_fires)
        assert together.num_fires[row] == fires
        assert torch.equal(together.fire_positions[own, :fires], alone.fire_positions)
        size = alone.contributions.abs() @ encoder_out[own, :frames].abs()
        assert_close(together.embeddings[own, :fires] - alone.embeddings, size)


@given(st.data(), st.lists(weights(max_frames=8), min_size=1, max_size=4), cases())
def test_the_order_of_a_batch_is_the_order_of_its_results(data, rows, case):
    alpha, encoder_out, lengths = padded(rows)
    order = torch.tensor(data.draw(st.permutations(range(len(rows)))))
    options = options_of(case)
    straight = integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **options)
    shuffled = integrate_and_fire(
        alpha[order], encoder_out[order], frame_lengths=lengths[order], **options
    )
    for name in ("num_fires", "fire_positions", "residual"):
        assert torch.equal(getattr(shuffled, name), getattr(straight, name)[order]), name
    torch.testing.assert_close(shuffled.embeddings, straight.embeddings[order])


@given(st.data(), cases(with_tail=False))
def test_at_every_moment_tokens_and_state_hold_all_the_mass(data, case):
    """Fed ones, an embedding is the mass of a token and the vector of a state its residual."""
    state = CIFState.start(1, 1, threshold=case.threshold, slack=case.slack, dtype=torch.float64)
    begin, held = 0, 0.0
    for size in data.draw(chunkings(len(case.alpha))):
        alpha = double([case.alpha[begin : begin + size]])
        fired, state = state.feed(alpha, torch.ones(1, size, 1, dtype=torch.float64))
        begin += size
        masses = fired.embeddings.flatten()
        torch.testing.assert_close(masses, torch.full_like(masses, case.threshold))
        held += masses.sum().item()
        assert held + state.residual.item() == pytest.approx(sum(case.alpha[:begin]), abs=1e-9)
        assert state.vector.item() == pytest.approx(state.residual.item(), abs=1e-9)


@given(cases(), cases())
def test_utterances_one_behind_the_other_are_each_alone(case, other):
    """A flush between them keeps the second from taking what the first left."""
    state = CIFState.start(1, 1, threshold=case.threshold, slack=case.slack, dtype=torch.float64)
    begin = 0
    for alpha in (case.alpha, other.alpha):
        ones = torch.ones(1, len(alpha), 1, dtype=torch.float64)
        fired, state = state.feed(double([alpha]), ones)
        tail, state = state.flush(case.tail)
        both = Fired.join([fired, tail])
        alone = integrate_and_fire(double([alpha]), ones, **options_of(case))
        assert torch.equal(both.num_fires, alone.num_fires)
        torch.testing.assert_close(
            both.fire_positions, begin + alone.fire_positions, rtol=0, atol=1e-12
        )
        begin += len(alpha)


@given(exact_cases(), st.integers(0, 20), st.integers(0, 5))
def test_a_chunk_of_silence_only_moves_the_clock(case, place, silence):
    frames = len(case.alpha)
    place = min(place, frames)
    alpha = double([case.alpha])
    torch.manual_seed(0)
    encoder_out = torch.randn(1, frames, 2, dtype=torch.float64)
    pause = torch.full((1, silence, 2), 7.0, dtype=torch.float64)
    broken = fire_in_chunks(
        torch.cat([alpha[:, :place], torch.zeros(1, silence), alpha[:, place:]], dim=1),
        torch.cat([encoder_out[:, :place], pause, encoder_out[:, place:]], dim=1),
        [place, silence, frames - place],
        **options_of(case),
    )
    whole = case.fire(encoder_out)
    torch.testing.assert_close(broken.embeddings, whole.embeddings)
    expected = whole.fire_positions + silence * (whole.fire_positions > place)
    torch.testing.assert_close(broken.fire_positions, expected, rtol=0, atol=1e-12)


@given(cases(with_slack=False), st.floats(0.01, 100))
def test_scaling_weights_and_thresholds_by_any_factor_scales_the_embeddings(case, factor):
    """Positions stay; they are compared as masses, for where α is small a frame is ill-defined."""
    assume(case.alpha)
    total = sum(case.alpha)
    near_tie = abs(total / case.threshold - round(total / case.threshold)) < 1e-6
    near_tail = case.tail != drop and abs(case.fire().residual.item() - case.tail.value) < 1e-6
    assume(not near_tie and not near_tail)
    scaled = Case(
        tuple(factor * one for one in case.alpha),
        factor * case.threshold,
        tail=case.tail if case.tail == drop else replace(case.tail, value=factor * case.tail.value),
    )
    first, second = case.fire(), scaled.fire()
    assert torch.equal(first.num_fires, second.num_fires)
    torch.testing.assert_close(
        factor * first.embeddings, second.embeddings, rtol=0, atol=1e-9 * factor
    )
    torch.testing.assert_close(factor * first.token_masses, second.token_masses)


@given(st.data(), exact_cases())
def test_more_weight_never_fires_fewer_tokens_or_later_ones(data, case):
    """Tokens that end at a multiple of β; a tail ends where the weights do."""
    more = data.draw(
        st.lists(
            st.integers(0, 16).map(lambda n: n / 16),
            min_size=len(case.alpha),
            max_size=len(case.alpha),
        )
    )
    heavier = Case(
        tuple(a + b for a, b in zip(case.alpha, more, strict=True)), case.threshold, case.slack
    )
    few, many = case.fire(tail=drop), heavier.fire()
    both = int(few.num_fires)
    assert int(many.num_fires) >= both
    # An end is a quotient: the same place may come out a rounding apart.
    assert (many.fire_positions[:, :both] <= few.fire_positions + 1e-12).all()


@given(exact_cases(with_slack=False), st.sampled_from([1.25, 1.5, 2.0, 8.0]))
def test_a_larger_threshold_never_fires_more_tokens_or_earlier_ones(case, factor):
    small = case.fire(tail=drop)
    large = case.fire(tail=drop, threshold=factor * case.threshold)
    fires = int(large.num_fires)
    assert fires <= int(small.num_fires)
    assert (large.fire_positions >= small.fire_positions[:, :fires] - 1e-12).all()


@given(exact_cases(with_slack=False))
def test_a_threshold_at_the_sum_fires_once_and_above_it_never(case):
    total = sum(case.alpha)
    assume(total > 0)
    identity = torch.eye(len(case.alpha), dtype=torch.float64)[None]
    once = integrate_and_fire(double([case.alpha]), identity, threshold=total)
    never = integrate_and_fire(
        double([case.alpha]), identity, threshold=math.nextafter(total, math.inf)
    )
    assert once.num_fires.tolist() == [1]
    assert once.embeddings[0, 0].tolist() == list(case.alpha)
    assert never.num_fires.tolist() == [0]
    assert never.residual.item() == total


@given(weights())
def test_a_small_threshold_cuts_the_sum_into_as_many_tokens_as_fit(alpha):
    total = double((0.0, *alpha)).cumsum(dim=0)[-1].item()
    assert int(Case(alpha, threshold=2.0**-6).fire().num_fires) == math.floor(64 * total)


MARGIN = 1e-2


@st.composite
def smooth_cases(draw):
    """Cases far from a tie: where a small change of a weight moves no fire to another frame."""
    alpha = draw(st.lists(st.floats(0.05, 2.5), min_size=1, max_size=8).map(tuple))
    case = draw(cases(alpha=st.just(alpha)))
    mass = double(alpha).cumsum(0)
    for level in (0.0, -case.slack, case.tail.value or 0.0):
        beyond = (mass - level) / case.threshold
        assume(((beyond - beyond.round()).abs() * case.threshold > MARGIN).all())
    return case


@given(smooth_cases(), st.integers(0, 1000))
def test_gradients_are_the_differences(case, seed):
    """Central differences: along α, along the encoder output, and with target lengths too."""
    torch.manual_seed(seed)
    frames = len(case.alpha)
    step = 1e-6
    inputs = double([case.alpha]), torch.randn(1, frames, 2, dtype=torch.float64)
    along = tuple(torch.randn_like(one) for one in inputs)
    targets = torch.tensor([1 + frames // 2])
    for options in (options_of(case), {"target_lengths": targets}):
        if "target_lengths" in options:
            mass = scale_to_length(inputs[0], targets).cumsum(dim=1)[:, :-1]
            assume(((mass - mass.round()).abs() > MARGIN).all())
        leaves = [one.clone().requires_grad_() for one in inputs]
        embeddings = integrate_and_fire(*leaves, **options).embeddings
        pull = torch.randn_like(embeddings)
        grads = torch.autograd.grad(embeddings, leaves, pull) if embeddings.numel() else (0, 0)
        for which, grad in enumerate(grads):
            ends = []
            for sign in (1, -1):
                moved = list(inputs)
                moved[which] = inputs[which] + sign * step * along[which]
                ends.append((integrate_and_fire(*moved, **options).embeddings * pull).sum().item())
            slope = (ends[0] - ends[1]) / (2 * step)
            expected = (grad * along[which]).sum().item()
            assert slope == pytest.approx(expected, rel=1e-5, abs=1e-5 * (1 + abs(ends[0])))


@given(smooth_cases(), st.integers(0, 1000))
def test_second_derivatives_are_the_differences_of_the_first(case, seed):
    """Along a random direction of the weights and the encoder output, with target lengths too."""
    torch.manual_seed(seed)
    frames = len(case.alpha)
    step = 1e-6
    inputs = double([case.alpha]), torch.randn(1, frames, 2, dtype=torch.float64)
    along = tuple(torch.randn_like(one) for one in inputs)
    targets = torch.tensor([1 + frames // 2])
    for options in (options_of(case), {"target_lengths": targets}):
        if "target_lengths" in options:
            mass = scale_to_length(inputs[0], targets).cumsum(dim=1)[:, :-1]
            assume(((mass - mass.round()).abs() > MARGIN).all())
            assume(float(inputs[0].sum()) > 0.1)  # else the step is none

        def slopes(*leaves, options=options, graph=False):
            embeddings = integrate_and_fire(*leaves, **options).embeddings
            loss = embeddings.square().sum() + embeddings.sin().sum()
            return torch.autograd.grad(loss, leaves, create_graph=graph)

        leaves = [one.clone().requires_grad_() for one in inputs]
        first = slopes(*leaves, graph=True)
        second = torch.autograd.grad(first, leaves, along)
        ends = []
        for sign in (1, -1):
            moved = [
                (one + sign * step * way).requires_grad_()
                for one, way in zip(inputs, along, strict=True)
            ]
            ends.append(slopes(*moved))
        for value, plus, minus in zip(second, *ends, strict=True):
            size = 1 + float(plus.abs().max()) if plus.numel() else 1
            torch.testing.assert_close(
                value, (plus - minus) / (2 * step), rtol=1e-4, atol=1e-4 * size
            )


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@given(weights(), st.integers(0, 12), st.sampled_from(DTYPES), st.sampled_from([0.5, 1.0, 1.3]))
def test_no_last_token_is_lost(alpha, tokens, dtype, threshold):
    """Asked for so many tokens, so many come out, each of its mass; the last carries roundings."""
    given_alpha = torch.tensor([alpha], dtype=dtype)
    ones = torch.ones(1, len(alpha), 1, dtype=torch.float64)
    firing = integrate_and_fire(
        given_alpha, ones, target_lengths=torch.tensor([tokens]), threshold=threshold
    )
    assert firing.num_fires.tolist() == [tokens]
    if given_alpha.double().sum() > 0.01:
        masses = firing.contributions.sum(dim=2)
        expected = torch.full_like(masses, threshold)
        torch.testing.assert_close(masses, expected, rtol=0, atol=1e-4 * max(1, tokens))


@given(
    st.lists(
        st.one_of(st.just(0.0), st.floats(-8, -4).map(lambda power: 10**power), st.floats(0, 1)),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 12),
    st.sampled_from(DTYPES[:3]),
    st.sampled_from([drop, above(0.0), above(0.5), appended(0.45), rounded, dynamic]),
    st.booleans(),
)
def test_gradients_of_near_silence_are_finite(alpha, tokens, dtype, tail, in_training):
    leaf = torch.tensor([alpha], dtype=dtype, requires_grad=True)
    generator = torch.Generator().manual_seed(tokens)
    encoder_out = torch.randn(1, len(alpha), 3, generator=generator).to(dtype).requires_grad_()
    targets = torch.tensor([tokens]) if in_training else None
    firing = integrate_and_fire(leaf, encoder_out, target_lengths=targets, tail=tail)
    loss = firing.embeddings.float().square().sum() + quantity_loss(firing, torch.tensor([tokens]))
    assert all(one.isfinite().all() for one in torch.autograd.grad(loss, (leaf, encoder_out)))


@given(cases())
def test_the_gradient_of_the_encoder_output_is_the_contributions(case):
    frames = len(case.alpha)
    encoder_out = torch.zeros(1, frames, 1, dtype=torch.float64, requires_grad=True)
    firing = case.fire(encoder_out)
    pull = torch.arange(1.0, 1 + int(firing.num_fires), dtype=torch.float64)
    if firing.embeddings.numel():
        (firing.embeddings.flatten() @ pull).backward()
        expected = pull @ firing.contributions[0]
        torch.testing.assert_close(encoder_out.grad.flatten(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", ["even", "peaked"])
def test_eighty_tokens_come_out_of_four_hundred_half_precision_frames(dtype, shape):
    """All of 500 utterances, asked for 80 tokens, and when only their scaled weights are known.

    Scaled weights sum to 80 up to the rounding of each, so that half of the sums fall short; what
    they lack is far below half a token, and the tail rule gives the last one back.
    """
    torch.manual_seed(0)
    tokens = torch.full((100,), 80)
    short = 0
    for _ in range(5):
        alpha = (torch.rand(100, 400) ** {"even": 1, "peaked": 8}[shape]).to(dtype)
        ones = torch.ones(100, 400, 1, dtype=torch.float64)
        asked = integrate_and_fire(alpha, ones, target_lengths=tokens)
        assert torch.equal(asked.num_fires, tokens)
        scaled = scale_to_length(alpha, tokens)
        known = integrate_and_fire(scaled, ones, tail=above(0.5))
        assert torch.equal(known.num_fires, tokens)
        masses = asked.contributions.sum(dim=2)
        torch.testing.assert_close(masses, torch.ones_like(masses), rtol=0, atol=1e-4)
        short += int((scaled.double().sum(dim=1) < 80).sum())
    assert short > 100


@pytest.mark.parametrize(
    ("dtype", "atol"),
    [(torch.float16, 1e-6), (torch.bfloat16, 1e-6), (torch.float32, 1e-6), (torch.float64, 2e-5)],
    ids=["half", "bfloat16", "float", "double"],
)
def test_a_million_frames_do_not_drift(dtype, atol):
    """Weights of 0.1, as each dtype has it: token i ends at i / 0.1 frames, and none is lost.

    Up to float32 a weight has 24 bits and the float64 sum is exact. 0.1 in float64 has 53: each of
    10^6 additions rounds, the plain loop's no less, and they come to 1.3e-6 of a token.
    """
    alpha = torch.full((1, 1_000_000), 0.1, dtype=dtype)
    ones = torch.ones(1, 1_000_000, 1, dtype=dtype)
    whole = integrate_and_fire(alpha, ones)
    weight = alpha[0, 0].item()
    fires = math.floor(1_000_000 * weight)
    assert whole.num_fires.tolist() == [fires]
    expected = torch.arange(1, fires + 1).double() / weight
    assert (whole.fire_positions[0] - expected).abs().max().item() < atol
    streamed = fire_in_chunks(alpha, ones, [1000] * 1000)
    assert torch.equal(streamed.fire_positions, whole.fire_positions)
