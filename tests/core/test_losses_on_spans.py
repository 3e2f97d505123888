"""Losses on where the weights lie: their formulas recomputed with loops, and cases by hand."""

import itertools

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from cifviz.core.firing import integrate_and_fire
from cifviz.core.losses import (
    border_mass_loss,
    even_mass_loss,
    segment_mass_loss,
    spike_mass_loss,
    spike_segment_mass_loss,
)
from cifviz.errors import CIFError

OF_SPANS = {
    "segment": segment_mass_loss,
    "spike": spike_mass_loss,
    "spike_segment": spike_segment_mass_loss,
    "even": even_mass_loss,
}
ALL = {**OF_SPANS, "border": border_mass_loss}
of_spans = pytest.mark.parametrize("loss", OF_SPANS.values(), ids=OF_SPANS)
every_loss = pytest.mark.parametrize("name", ALL)


def fire(alpha, **options):
    return integrate_and_fire(alpha, torch.ones(*alpha.shape, 1), **options)


def judged(loss, alpha, spans, lengths, **options):
    """A loss of nested lists."""
    spans = torch.tensor(spans).view(len(alpha), -1, 2)
    return loss(fire(torch.tensor(alpha), **options), spans, torch.tensor(lengths)).item()


class Case:
    """A random batch: weights, spans in order (some of nobody knows where), CTC's blank."""

    def __init__(self, seed, *, whole=False, unknown=True, frames=12, tokens=4, batch=3):
        rng = torch.Generator().manual_seed(seed)

        def uniform(*shape):
            return torch.rand(*shape, generator=rng, dtype=torch.float64)

        def below(top, *shape):
            return torch.randint(top, shape, generator=rng)

        self.threshold = [0.5, 1.0, 1.5][int(below(3, 1))]
        self.alpha = uniform(batch, frames) * (uniform(batch, frames) < 0.7) * self.threshold
        self.frame_lengths = below(frames + 1, batch)
        self.target_lengths = below(tokens + 1, batch)
        self.blank = uniform(batch, frames)
        self.spans = -torch.ones(batch, tokens, 2, dtype=torch.float64)
        for row, (count, size) in enumerate(
            zip(self.target_lengths, self.frame_lengths, strict=True)
        ):
            # A little further than the frames go, as times in seconds may.
            edges = uniform(2 * int(count)).sort().values.view(-1, 2) * size * 1.1
            self.spans[row, : int(count)] = edges.round() if whole else edges
            if unknown and count and uniform(1) < 0.2:
                self.spans[row, int(below(int(count), 1))] = -1

    def firing(self, alpha=None, rows=slice(None), **options):
        return fire(
            (self.alpha if alpha is None else alpha)[rows],
            threshold=self.threshold,
            frame_lengths=self.frame_lengths[rows],
            **options,
        )

    def loss(self, name, alpha=None, rows=slice(None), **options):
        where = (self.blank if name == "border" else self.spans)[rows]
        return ALL[name](self.firing(alpha, rows, **options), where, self.target_lengths[rows])

    def utterances(self):
        """Plain numbers of each: weights in tokens, spans or None if one is unknown, blank."""
        for row, (frames, count) in enumerate(
            zip(self.frame_lengths.tolist(), self.target_lengths.tolist(), strict=True)
        ):
            alpha = [weight / self.threshold for weight in self.alpha[row, :frames].tolist()]
            spans = self.spans[row, :count].tolist()
            known = all(edge >= 0 for span in spans for edge in span)
            yield alpha, spans if known else None, self.blank[row, :frames].tolist()


def before(alpha, place):
    """Weight before a fractional frame."""
    return sum(weight * min(1.0, max(0.0, place - frame)) for frame, weight in enumerate(alpha))


def cuts_of(alpha, spans):
    middles = [(end + begin) / 2 for (_, end), (begin, _) in itertools.pairwise(spans)]
    return [0.0, *middles, float(len(alpha))] if spans else [0.0]


def masses(alpha, spans):
    cuts = cuts_of(alpha, spans)
    return [before(alpha, end) - before(alpha, begin) for begin, end in itertools.pairwise(cuts)]


def segment(alpha, spans, _):
    return sum(abs(mass - 1) for mass in masses(alpha, spans))


def spike(alpha, spans, _):
    return sum(
        min((before(alpha, end) - count) ** 2, 10.0) for count, (_, end) in enumerate(spans, 1)
    )


def spike_segment(alpha, spans, _):
    ends = [0.0, *(end for _, end in spans)]
    return sum(
        abs(before(alpha, end) - before(alpha, begin) - 1)
        for begin, end in itertools.pairwise(ends)
    )


def border(alpha, _, blank):
    total = mass = 0.0
    for weight, share in zip(alpha, blank, strict=True):
        mass += weight
        if share < 0.5:
            total, mass = total + abs(mass - 1), 0.0
    return total


def even(alpha, spans, _):
    cuts, mass = cuts_of(alpha, spans), masses(alpha, spans)
    total = sum(abs(one - 1) for one in mass)
    for frame, weight in enumerate(alpha):
        wanted = sum(
            max(0.0, min(end, frame + 1) - max(begin, frame)) / max(end - begin, 1e-3)
            for begin, end in spans
        )
        if spans:
            owner = next(i for i, end in enumerate(cuts[1:]) if frame + 0.5 <= end)
            weight /= max(mass[owner], 0.1)
        total += abs(weight - wanted)
    return total


NAIVE = {
    "segment": segment,
    "spike": spike,
    "spike_segment": spike_segment,
    "border": border,
    "even": even,
}


@every_loss
@given(seed=st.integers(0, 10_000), whole=st.booleans())
def test_the_formula_with_loops(name, seed, whole):
    case = Case(seed, whole=whole)
    expected = sum(
        NAIVE[name](alpha, spans, blank)
        for alpha, spans, blank in case.utterances()
        if spans is not None or name == "border"
    ) / max(1, int(case.target_lengths.sum()))
    assert case.loss(name).item() == pytest.approx(expected)


@every_loss
@given(seed=st.integers(0, 10_000))
def test_a_batch_is_the_sum_of_its_utterances(name, seed):
    case = Case(seed)
    counts = case.target_lengths.clamp(min=1)
    alone = [float(case.loss(name, rows=[row]) * counts[row]) for row in range(3)]
    tokens = max(1, int(case.target_lengths.sum()))
    assert case.loss(name).item() == pytest.approx(sum(alone) / tokens)


@every_loss
@given(seed=st.integers(0, 10_000))
def test_padding_does_not_matter(name, seed):
    """Neither frames behind the end nor places behind the last token, whatever stands there."""
    case = Case(seed)
    plain = case.loss(name).item()
    behind = torch.arange(12) >= case.frame_lengths.unsqueeze(1)
    case.alpha[behind], case.blank[behind] = 9.0, 0.0
    case.alpha, case.blank = (torch.nn.functional.pad(t, (0, 3)) for t in (case.alpha, case.blank))
    case.spans[torch.arange(4) >= case.target_lengths.unsqueeze(1)] = 3.0
    case.spans = torch.nn.functional.pad(case.spans, (0, 0, 0, 2), value=-1.0)
    assert case.loss(name).item() == pytest.approx(plain)


@every_loss
@given(seed=st.integers(0, 10_000))
def test_unscaled_weights_are_judged(name, seed):
    case = Case(seed)
    scaled = case.loss(name, target_lengths=case.target_lengths)
    assert scaled.item() == pytest.approx(case.loss(name).item())


@every_loss
@given(seed=st.integers(0, 10_000))
def test_a_step_down_the_gradient_lowers_the_loss(name, seed):
    case = Case(seed, unknown=False)
    case.alpha += 0.05  # inside, where a step may go both ways
    alpha = case.alpha.clone().requires_grad_()
    loss = case.loss(name, alpha)
    loss.backward()
    assert alpha.grad.isfinite().all()
    if not alpha.grad.any():
        return  # nothing to be better at: no token, or no frame
    # A loss of absolute values and squares has kinks: a step must be short.
    step = 1e-7 / float(alpha.grad.norm())
    lower, higher = (case.loss(name, (alpha - s * alpha.grad).detach()) for s in (step, -step))
    assume(lower <= loss or higher <= loss)  # not in the bottom of a kink
    assert lower < loss


@every_loss
def test_gradients_are_those_of_differences(name):
    case = Case(3, unknown=False)
    assert case.loss(name) > 0
    case.alpha += 0.05
    assert torch.autograd.gradcheck(
        lambda alpha: case.loss(name, alpha), case.alpha.clone().requires_grad_()
    )


@of_spans
def test_an_utterance_nobody_could_align_teaches_nothing(loss):
    alpha = torch.rand(2, 3, generator=torch.manual_seed(0)).requires_grad_()
    spans = torch.tensor([[[0.0, 1.0], [-1.0, -1.0]], [[0.0, 1.0], [2.0, 3.0]]])
    loss(fire(alpha), spans, torch.tensor([2, 2])).backward()
    assert alpha.grad[0].tolist() == [0.0, 0.0, 0.0]
    assert alpha.grad[1].any()


@of_spans
def test_an_utterance_nobody_could_align_still_counts_in_the_mean(loss):
    known = judged(loss, [[0.5, 0.0, 0.25]], [[[0.0, 1.0], [2.0, 3.0]]], [2])
    unknown = [[-1.0, -1.0], [-1.0, -1.0]]
    both = judged(loss, [[0.5, 0.0, 0.25], [0.5] * 3], [[[0.0, 1.0], [2.0, 3.0]], unknown], [2, 2])
    assert known > 0
    assert both == pytest.approx(known / 2)


@every_loss
@pytest.mark.parametrize(
    ("batch", "frames", "tokens"), [(0, 3, 2), (2, 0, 0), (2, 3, 0), (0, 0, 0)]
)
def test_nothing_said_and_no_weight_costs_nothing(name, batch, frames, tokens):
    firing = fire(torch.zeros(batch, frames))
    blank = torch.ones(batch, frames)
    spans = torch.zeros(batch, tokens, 2)
    lengths = torch.zeros(batch, dtype=torch.long)
    assert ALL[name](firing, blank if name == "border" else spans, lengths).item() == 0


@of_spans
def test_no_frames_at_all_lack_every_token(loss):
    """Two tokens that weigh nothing: 1 each; at their spikes 1² and 2²."""
    expected = 2.5 if loss is spike_mass_loss else 1.0
    assert judged(loss, [[]], [[[0.0, 0.0], [0.0, 0.0]]], [2]) == expected


@every_loss
def test_the_dtype_is_that_of_the_weights(name):
    where = torch.ones(1, 3) if name == "border" else torch.zeros(1, 1, 2)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        alpha = torch.ones(1, 3, dtype=dtype)
        assert ALL[name](fire(alpha), where, torch.tensor([1])).dtype == dtype


@of_spans
def test_spans_must_fit(loss):
    firing = fire(torch.ones(1, 2))
    for spans in (torch.zeros(1, 2), torch.zeros(2, 1, 2), torch.zeros(1, 1, 3)):
        with pytest.raises(CIFError, match=r"spans must be \(batch, tokens, 2\) with batch = 1"):
            loss(firing, spans, torch.tensor([1]))
    with pytest.raises(CIFError, match="target_lengths must be between 0 and 1, got 2 in row 0"):
        loss(firing, torch.zeros(1, 1, 2), torch.tensor([2]))


def test_the_blank_must_fit():
    firing = fire(torch.ones(1, 2))
    with pytest.raises(CIFError, match=r"\(batch, frames\) = \(1, 2\), got torch.float32 \(1, 3\)"):
        border_mass_loss(firing, torch.ones(1, 3), torch.tensor([1]))
    with pytest.raises(CIFError, match=r"target_lengths must be \(batch,\) = \(1,\), got \(2,\)"):
        border_mass_loss(firing, torch.ones(1, 2), torch.tensor([1, 1]))


@every_loss
def test_a_firing_is_judged_and_nothing_else(name):
    with pytest.raises(CIFError, match="firing must be a Firing, got None"):
        ALL[name](None, torch.zeros(1, 1, 2), torch.tensor([1]))


class TestSegmentMass:
    spans = ([[[0, 1], [3, 4]]], [2])

    def loss(self, alpha, spans=None, **options):
        return judged(segment_mass_loss, alpha, *(spans or self.spans), **options)

    def test_is_zero_where_each_token_has_its_mass_on_its_side(self):
        assert self.loss([[0.25, 0.75, 0.0, 1.0]]) == 0

    def test_by_hand(self):
        """1.5 before the cut and 0.3 behind it: (0.5 + 0.7) / 2."""
        assert self.loss([[1.0, 0.5, 0.1, 0.2]]) == pytest.approx(0.6)

    def test_a_cut_may_fall_inside_a_frame(self):
        """At 1.5: half of frame 1 on either side."""
        assert self.loss([[0.5, 1.0, 0.5]], ([[[0, 1], [2, 3]]], [2])) == 0

    def test_the_threshold_is_the_unit(self):
        assert self.loss([[0.5, 0.0, 0.0, 0.5]], threshold=0.5) == 0

    def test_gradient_moves_weight_over_the_cut(self):
        alpha = torch.tensor([[1.0, 0.5, 0.1, 0.2]], requires_grad=True)
        spans, lengths = map(torch.tensor, self.spans)
        segment_mass_loss(fire(alpha), spans, lengths).backward()
        assert alpha.grad.tolist() == [[0.5, 0.5, -0.5, -0.5]]

    def test_where_nothing_was_said_it_says_nothing(self):
        assert self.loss([[0.5, 0.5]], ([[]], [0])) == 0


class TestSpikeMass:
    def test_by_hand(self):
        """0.5 where the first ends, 2.25 where the second does: (0.25 + 0.0625) / 2."""
        alpha, spans = [[0.5, 0.75, 1.0]], [[[0, 1], [2, 3]]]
        assert judged(spike_mass_loss, alpha, spans, [2]) == 0.15625

    def test_a_token_far_from_its_mass_pulls_no_more(self):
        """5 − 1 squared is 16: cut at 10, where the gradient ends."""
        alpha = torch.tensor([[5.0, 0.0]], requires_grad=True)
        loss = spike_mass_loss(fire(alpha), torch.tensor([[[0, 1]]]), torch.tensor([1]))
        loss.backward()
        assert loss.item() == 10
        assert not alpha.grad.any()

    def test_asks_nothing_of_what_follows_the_last_spike(self):
        assert judged(spike_mass_loss, [[1.0, 7.0]], [[[0, 1]]], [1]) == 0


class TestSpikeSegmentMass:
    spans = ([[[1, 2], [4, 5]]], [2])

    def test_is_zero_where_each_token_has_its_mass_up_to_its_spike(self):
        """Where `segment_mass_loss` cuts, at 3, the first has too much."""
        alpha = [[0.5, 0.5, 0.25, 0.25, 0.5, 0.0]]
        assert judged(spike_segment_mass_loss, alpha, *self.spans) == 0
        assert judged(spike_mass_loss, alpha, *self.spans) == 0
        assert judged(segment_mass_loss, alpha, *self.spans) == 0.25

    def test_by_hand(self):
        """0.5 up to the first spike and 1.75 up to the second: (0.5 + 0.75) / 2."""
        alpha, spans = [[0.5, 0.75, 1.0]], [[[0, 1], [2, 3]]]
        assert judged(spike_segment_mass_loss, alpha, spans, [2]) == 0.625

    def test_a_mistake_is_judged_once(self):
        """Half a token too much up to the first spike: the second segment is right, its end not."""
        alpha = [[1.0, 0.5, 0.0, 0.0, 1.0]]
        assert judged(spike_segment_mass_loss, alpha, *self.spans) == 0.5 / 2
        assert judged(spike_mass_loss, alpha, *self.spans) == (0.25 + 0.25) / 2

    def test_asks_nothing_of_what_follows_the_last_spike(self):
        assert judged(spike_segment_mass_loss, [[1.0, 7.0]], [[[0, 1]]], [1]) == 0

    def test_the_threshold_is_the_unit(self):
        alpha = [[0.0, 0.5, 0.0, 0.0, 0.5]]
        assert judged(spike_segment_mass_loss, alpha, *self.spans, threshold=0.5) == 0

    def test_gradient_moves_weight_over_the_spike(self):
        """Too much before the end of the first, too little behind it; the rest is free."""
        alpha = torch.tensor([[1.0, 0.5, 0.0, 0.25, 0.25, 3.0]], requires_grad=True)
        spans, lengths = map(torch.tensor, self.spans)
        spike_segment_mass_loss(fire(alpha), spans, lengths).backward()
        assert alpha.grad.tolist() == [[0.5, 0.5, -0.5, -0.5, -0.5, 0.0]]

    def test_where_every_spike_is_one_frame_borders_ask_the_same(self):
        alpha, blank = [[0.5, 0.5, 0.25, 0.5, 0.75, 0.5]], [[0.9, 0.1, 0.9, 0.9, 0.1, 0.9]]
        borders = border_mass_loss(
            fire(torch.tensor(alpha)), torch.tensor(blank), torch.tensor([2])
        )
        assert judged(spike_segment_mass_loss, alpha, *self.spans) == borders.item() == 0.25


class TestBorderMass:
    def loss(self, alpha, blank, count):
        firing = fire(torch.tensor([alpha]))
        return border_mass_loss(firing, torch.tensor([blank]), torch.tensor([count])).item()

    def test_a_border_ends_its_own_segment(self):
        assert self.loss([0.25, 0.75, 0.5, 0.5], [0.9, 0.1, 0.9, 0.1], 2) == 0

    def test_a_half_is_no_border(self):
        assert self.loss([0.5, 0.5], [0.5, 0.4], 1) == 0

    def test_a_spike_of_two_frames_wants_a_token_of_each(self):
        """1.0, and then 0.5 where another 1 is asked for: 0.5 over one token."""
        assert self.loss([0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 0.0, 1.0], 1) == 0.5

    def test_where_ctc_hears_nothing_nothing_is_judged(self):
        assert self.loss([3.0, 3.0], [1.0, 0.6], 2) == 0


class TestEvenMass:
    spans = ([[[1.0, 3.0], [5.0, 6.0]]], [2])  # cut at 4
    even = ((0.0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.0),)

    def loss(self, alpha, spans=None, **options):
        return judged(even_mass_loss, alpha, *(spans or self.spans), **options)

    def test_is_zero_where_each_token_is_spread_over_its_sound(self):
        assert self.loss(self.even) == 0
        assert self.loss([[weight / 2 for weight in self.even[0]]], threshold=0.5) == 0

    def test_a_token_too_heavy_but_even_is_told_its_mass_alone(self):
        """1.5 and 0.75 tokens: 0.5 and 0.25, over 2."""
        assert self.loss([[0.0, 0.75, 0.75, 0.0, 0.0, 0.75, 0.0]]) == pytest.approx(0.375)

    def test_a_token_uneven_but_of_right_mass_is_told_its_spread_alone(self):
        """A quarter too much in frame 1, too little in frame 2; the second token is right."""
        assert self.loss([[0.0, 0.75, 0.25, 0.0, 0.0, 1.0, 0.0]]) == pytest.approx(0.25)

    def test_shares_are_those_of_the_token_and_not_of_the_utterance(self):
        """Three quarters of it in frame 1, as before, though it weighs 2: 0.5 and 1, over 2."""
        assert self.loss([[0.0, 1.5, 0.5, 0.0, 0.0, 1.0, 0.0]]) == pytest.approx(0.75)

    def test_weight_between_tokens_is_wrong(self):
        """All of the first token behind it: 1 too much there, twice ½ too little before."""
        assert self.loss([[0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]]) == pytest.approx((1 + 1) / 2)

    def test_a_token_that_weighs_next_to_nothing_has_shares_of_a_tenth(self):
        """0.02 of 0.1 is a share of 0.2, ½ is asked for in either frame: 0.3 + 0.5, and 0.98."""
        alpha = [[0.0, 0.02, 0.0, 0.0, 0.0, 1.0, 0.0]]
        assert self.loss(alpha) == pytest.approx((0.3 + 0.5 + 0.98) / 2)

    def test_where_there_is_next_to_nothing_weight_is_called_to_the_sounds(self):
        alpha = torch.full((1, 7), 0.01, requires_grad=True)
        spans, lengths = map(torch.tensor, self.spans)
        even_mass_loss(fire(alpha), spans, lengths).backward()
        inside = torch.tensor([[False, True, True, False, False, True, False]])
        assert (alpha.grad[inside] < 0).all()
        assert (alpha.grad[~inside] > 0).all()

    def test_where_nothing_was_said_every_weight_is_pushed_to_zero(self):
        """Alone, and beside an utterance with tokens, whose number the mean is over."""
        for spans, lengths in (
            (torch.zeros(1, 0, 2), [0]),
            (torch.tensor([[[-1.0, -1.0]], [[0.0, 3.0]]]), [0, 1]),
        ):
            alpha = torch.full((len(lengths), 3), 0.25, requires_grad=True)
            lengths = torch.tensor(lengths)
            loss = even_mass_loss(fire(alpha, threshold=0.5), spans, lengths)
            loss.backward()
            assert alpha.grad[0].tolist() == [2.0, 2.0, 2.0]
            assert loss.item() == pytest.approx(1.5 + 0.5 * (len(lengths) - 1))

    def test_only_mass_is_pulled_where_a_token_is_spread_as_it_should_be(self):
        """All frames alike up, whichever share they have; so the spread stays."""
        alpha = torch.tensor([[0.25, 0.25]], requires_grad=True)
        spans = torch.tensor([[[0.0, 2.0]]])
        even_mass_loss(fire(alpha), spans, torch.tensor([1])).backward()
        assert alpha.grad.tolist() == [[-1.0, -1.0]]

    def test_a_token_without_length_lies_nowhere(self):
        """So any share of it is wrong, wherever it is; its mass is asked for like any other."""
        spans = ([[[1.5, 1.5]]], [1])
        assert self.loss([[0.0, 1.0, 0.0]], spans) == pytest.approx(1.0)
        assert self.loss([[0.0, 0.0, 0.0]], spans) == pytest.approx(1.0)
