"""What all dialects have in common: one contract, and answers to bad or empty input."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifviz.core.dialects import DIALECTS, Contributions
from cifviz.core.reference import integrate_and_fire as fire_in_a_loop
from cifviz.errors import CIFError
from tests.strategies import exact_weights

HARD = [name for name in DIALECTS if not DIALECTS[name].overlapping]
WITH_TARGETS = [None, torch.tensor([3, 2, 4])]

sixteenths = st.lists(st.integers(0, 16).map(lambda n: n / 16), max_size=20)


def batch(frames=12):
    return torch.rand(3, frames, generator=torch.Generator().manual_seed(0)) * 0.7


@pytest.fixture(params=DIALECTS)
def dialect(request):
    return DIALECTS[request.param]


def test_each_is_found_by_its_name():
    assert all(name == dialect.name for name, dialect in DIALECTS.items())


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(CIFError, match="dialect must be one of 'cif_pytorch', .*, got 'nope'"):
        DIALECTS["nope"]


@pytest.mark.parametrize("targets", WITH_TARGETS, ids=["inference", "training"])
def test_shapes_agree(dialect, targets):
    lengths = torch.tensor([12, 7, 11])
    result = dialect.contributions(batch(), lengths, target_lengths=targets)
    assert result.alpha.shape in ((3, 12), (3, 13))  # a source may append a frame
    assert result.weights.shape[::2] == result.alpha.shape
    assert result.weights.dtype == result.alpha.dtype == torch.float32
    assert int(result.num_fires.max()) <= result.weights.shape[1]
    assert result.num_fires.dtype == torch.long


@pytest.mark.parametrize("name", ["paraformer_v1", "paraformer_v2"])
def test_in_inference_a_frame_is_appended(name):
    assert DIALECTS[name].contributions(batch()).alpha.shape == (3, 13)
    trained = DIALECTS[name].contributions(batch(), target_lengths=torch.tensor([3, 2, 4]))
    assert trained.alpha.shape == (3, 12)


def test_delays_are_given_where_the_source_has_them():
    assert DIALECTS["torch_cif"].contributions(batch()).delays is not None
    assert DIALECTS["cif_pytorch"].contributions(batch()).delays is None


@pytest.mark.parametrize(
    ("name", "threshold", "tail_threshold"),
    [
        ("cif_pytorch", 0.99, 0.5),
        ("torch_cif", 1.0, 0.5),
        ("funasr_cif", 1.0, None),
        ("funasr_cif_v1", 1.0, None),
        ("paraformer_v1", 1.0, 0.45),
        ("paraformer_v2", 1.0, 0.45),
        ("paraformer_dynamic", None, None),
        ("w2v_cif_bert", 0.999, None),
        ("ultravox_cformer", 1.0, None),
        ("spacemit_cif", 1.0, None),
        ("spacemit_cif_wo_hidden", 0.9999, None),
        ("sophgo_seaco", 1.0, None),
        ("kairumo", 1.0, None),
        ("soft", 1.0, None),
    ],
)
def test_none_means_the_default_of_the_source(name, threshold, tail_threshold):
    implied = DIALECTS[name].contributions(batch())
    spelt = DIALECTS[name].contributions(
        batch(), threshold=threshold, tail_threshold=tail_threshold
    )
    assert torch.equal(implied.weights, spelt.weights)


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("funasr_cif", {"tail_threshold": 0.5}, "has no tail_threshold to set: it must be None"),
        ("funasr_cif_v1", {"threshold": 0.9}, "has no threshold to set: it must be 1 or None"),
        ("funasr_cif_v1", {"tail_threshold": 0.0}, "has no tail_threshold"),
        ("paraformer_v2", {"threshold": 0.9}, "has no threshold"),
        ("paraformer_dynamic", {"threshold": 1.0}, "has no threshold to set: it must be None"),
        ("paraformer_dynamic", {"tail_threshold": 0.5}, "has no tail_threshold"),
        ("w2v_cif_bert", {"tail_threshold": 0.5}, "has no tail_threshold"),
        ("ultravox_cformer", {"threshold": 0.9}, "ultravox_cformer has no threshold to set"),
        ("spacemit_cif", {"tail_threshold": 0.5}, "spacemit_cif has no tail_threshold"),
        ("kairumo", {"threshold": 0.9}, "kairumo has no threshold to set: it must be 1 or None"),
        ("soft", {"threshold": 0.9}, "soft has no threshold to set"),
        ("cif_pytorch", {"threshold": 0.0}, "threshold must be a number > 0, got 0.0"),
        ("torch_cif", {"tail_threshold": -1}, "tail_threshold must be a number >= 0 .*, got -1"),
    ],
)
def test_a_threshold_that_is_ignored_or_impossible_is_refused(name, setting, message):
    with pytest.raises(CIFError, match=message):
        DIALECTS[name].contributions(batch(), **setting)


@pytest.mark.parametrize(
    ("alpha", "options", "message"),
    [
        ([0.5], {}, "alpha must be a floating point tensor"),
        (torch.tensor([[0.5, -0.1]]), {}, "alpha must be finite and >= 0"),
        (torch.tensor([[0.5, float("nan")]]), {}, "alpha must be finite and >= 0"),
        (torch.ones(1, 2), {"frame_lengths": torch.tensor([3])}, "between 0 and 2, got 3"),
        (torch.ones(1, 2), {"target_lengths": torch.tensor([1.0])}, "must hold integers"),
    ],
)
def test_bad_input_is_refused(dialect, alpha, options, message):
    with pytest.raises(CIFError, match=message):
        dialect.contributions(alpha, **options)


@pytest.mark.parametrize(
    "alpha",
    [torch.zeros(2, 5), torch.zeros(2, 0), torch.zeros(0, 5), torch.tensor([[0.3]])],
    ids=["silence", "no frame", "empty batch", "one frame"],
)
@pytest.mark.parametrize("training", [False, True])
def test_degenerate_input_fires_nothing_and_holds_no_nan(dialect, alpha, training):
    """A rule that rounds up fires the one frame."""
    targets = torch.full((len(alpha),), 0) if training else None
    result = dialect.contributions(alpha, target_lengths=targets)
    most = 1 if alpha.sum() and not training else 0
    assert result.num_fires.shape == (len(alpha),)
    assert all(0 <= fires <= most for fires in result.num_fires.tolist())
    assert not result.weights.isnan().any()
    assert not result.alpha.isnan().any()


def test_one_light_frame_is_a_token_where_the_sum_is_rounded_up():
    alpha = torch.tensor([[0.3]])
    fires = {name: int(one.contributions(alpha).num_fires) for name, one in DIALECTS.items()}
    assert (fires["paraformer_dynamic"], fires["cif_pytorch"], fires["soft"]) == (1, 0, 0)
    assert (fires["ultravox_cformer"], fires["w2v_cif_bert"]) == (1, 0)


@pytest.mark.parametrize("name", [name for name in DIALECTS if name not in ("torch_cif", "soft")])
def test_silence_asked_for_tokens_fires_none(name):
    """The sources divide zero by zero here."""
    result = DIALECTS[name].contributions(torch.zeros(1, 4), target_lengths=torch.tensor([2]))
    assert result.num_fires.tolist() == [0]
    assert not result.alpha.any()


def test_two_count_the_tokens_that_silence_was_asked_for():
    alpha, targets = torch.zeros(2, 4), torch.tensor([2, 1])
    lengths = torch.tensor([4, 2])
    hard = DIALECTS["torch_cif"].contributions(alpha, lengths, target_lengths=targets)
    assert hard.num_fires.tolist() == [2, 1] and not hard.weights.any()
    soft = DIALECTS["soft"].contributions(alpha, lengths, target_lengths=targets)
    assert soft.num_fires.tolist() == [2, 1]
    assert soft.weights.tolist() == [[[0.25] * 4] * 2, [[0.5, 0.5, 0, 0], [0] * 4]]
    tail = DIALECTS["torch_cif"].contributions(alpha, tail_threshold=0.0)
    assert tail.num_fires.tolist() == [1, 1] and not tail.weights.any()


@pytest.mark.parametrize("value", [True, torch.tensor([1.0, 2.0]), "1", float("nan")])
@pytest.mark.parametrize("setting", ["threshold", "tail_threshold"])
def test_a_threshold_that_is_no_number_is_refused_alike(dialect, setting, value):
    with pytest.raises(CIFError, match=f"^{setting} must be a number >"):
        dialect.contributions(batch(), **{setting: value})


@pytest.mark.parametrize("largest", [1.1e6, 1e30])
def test_more_tokens_than_can_be_meant_are_refused(dialect, largest):
    alpha = torch.tensor([[0.5, 0.5], [largest, 0.5]])
    with pytest.raises(CIFError, match="alpha must come to at most 1000000 tokens .* in row 1"):
        dialect.contributions(alpha)
    with pytest.raises(CIFError, match="target_lengths must be between 0 and 1000000, got 1000001"):
        dialect.contributions(alpha, target_lengths=torch.tensor([1, 1_000_001]))
    huge = torch.tensor([[1e300]], dtype=torch.float64)
    with pytest.raises(CIFError, match="alpha must be finite"):  # in float32
        dialect.contributions(huge, target_lengths=torch.tensor([1]))


def test_tokens_are_counted_in_thresholds_where_those_are_charged():
    alpha = torch.tensor([[9.0, 3.0]])
    with pytest.raises(CIFError, match="at most 1000000 tokens .*, got 1.2e\\+07 tokens of mass"):
        DIALECTS["torch_cif"].contributions(alpha, threshold=1e-6)
    assert DIALECTS["cif_pytorch"].contributions(alpha, threshold=1e-6).num_fires.tolist() == [2]


def test_a_frame_of_very_many_tokens_gives_each_its_mass():
    result = DIALECTS["torch_cif"].contributions(torch.tensor([[0.75, 20_000.0]]))
    assert result.num_fires.tolist() == [20_001]
    assert result.weights.sum(dim=2).unique().tolist() == [1.0]
    assert result.delays[0, 1:-1].unique().tolist() == [2.0]


@pytest.mark.parametrize("name", [name for name in DIALECTS if DIALECTS[name].masks_padding])
def test_what_stands_in_padding_is_masked(name):
    lengths = torch.tensor([12, 7, 11])
    clean = DIALECTS[name].contributions(batch(), lengths)
    dirty = batch()
    dirty[1, 7:] = float("nan")
    assert torch.equal(DIALECTS[name].contributions(dirty, lengths).weights, clean.weights)


@pytest.mark.parametrize("name", [name for name in DIALECTS if not DIALECTS[name].masks_padding])
def test_functions_alone_know_no_lengths(name):
    alpha = torch.full((1, 4), 0.5)
    result = DIALECTS[name].contributions(alpha, torch.tensor([2]))
    assert result.num_fires.tolist() == [2]


@pytest.mark.parametrize(
    "name", ["torch_cif", "paraformer_dynamic", "w2v_cif_bert", "kairumo", "soft"]
)
def test_these_do_not_depend_on_the_amount_of_padding(name):
    lengths = torch.tensor([12, 7, 11])
    alone = DIALECTS[name].contributions(batch(), lengths)
    padded = torch.nn.functional.pad(batch(), (0, 5))
    together = DIALECTS[name].contributions(padded, lengths)
    assert together.num_fires.tolist() == alone.num_fires.tolist()
    torch.testing.assert_close(together.weights[:, :, :12], alone.weights)
    assert not together.weights[:, :, 12:].any()


@given(sixteenths)
def test_with_exact_sums_the_hard_ones_cut_the_mass_axis(weights):
    """Multiples of 1/16 round nowhere: every difference left is one of the rules."""
    expected, _, _ = fire_in_a_loop(weights)
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    for name, setting in {
        "cif_pytorch": {"threshold": 1.0},
        "torch_cif": {"tail_threshold": 1.0},
        "funasr_cif": {},
        "funasr_cif_v1": {},
        "paraformer_v1": {"tail_threshold": 0.0},
        "paraformer_v2": {"tail_threshold": 0.0},
        "spacemit_cif": {},
        "spacemit_cif_wo_hidden": {"threshold": 1.0},
        "sophgo_seaco": {},
        "kairumo": {},
    }.items():
        result = DIALECTS[name].contributions(alpha, **setting)
        assert result.num_fires.tolist() == [len(expected)], name
        assert result.weights[0, : len(expected)].tolist() == expected, name


@given(sixteenths, st.sampled_from([0.5, 0.75, 1.0, 1.25]))
def test_cif_pytorch_fires_as_often_as_its_formula_says(weights, threshold):
    result = DIALECTS["cif_pytorch"].contributions(
        torch.tensor([weights]).reshape(1, len(weights)), threshold=threshold
    )
    assert result.num_fires.tolist() == [max(0, int(sum(weights) + 1 - threshold))]


@given(exact_weights(), st.sampled_from([0.5, 1.0, 2.0]))
def test_torch_cif_rows_take_the_threshold_and_are_never_negative(weights, threshold):
    result = DIALECTS["torch_cif"].contributions(
        torch.tensor([weights]).reshape(1, len(weights)), threshold=threshold
    )
    assert (result.weights >= 0).all()
    assert result.weights.sum(dim=2).flatten().tolist() == pytest.approx(
        [threshold] * int(result.num_fires)
    )


@given(exact_weights())
def test_the_dynamic_threshold_leaves_nothing(weights):
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    result = DIALECTS["paraformer_dynamic"].contributions(alpha)
    assert result.num_fires.tolist() == [-int(-sum(weights) // 1)]
    torch.testing.assert_close(result.weights.sum(dim=1), alpha)


@given(exact_weights())
def test_the_dynamic_threshold_is_the_loop_of_the_paper(weights):
    """Exact fractions: accumulate, fire at β = Σα / ⌈Σα⌉, and charge β."""
    exact = [Fraction(weight) for weight in weights]
    tokens = math.ceil(sum(exact))
    beta = sum(exact) / tokens if tokens else None
    expected, held, token = [], Fraction(0), [Fraction(0)] * len(exact)
    for frame, weight in enumerate(exact):
        while beta and held + weight >= beta and len(expected) < tokens:
            token[frame] += beta - held
            expected.append(token)
            weight, held, token = weight - (beta - held), Fraction(0), [Fraction(0)] * len(exact)
        token[frame] += weight
        held += weight
    assert held == 0 and len(expected) == tokens
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    result = DIALECTS["paraformer_dynamic"].contributions(alpha)
    assert result.num_fires.tolist() == [tokens]
    rows = [float(part) for row in expected for part in row]
    rows = torch.tensor(rows).reshape(tokens, len(weights))
    torch.testing.assert_close(result.weights[0], rows, rtol=0, atol=1e-5)


@given(sixteenths)
def test_w2v_cif_bert_fires_the_rounded_sum_of_flattened_weights(weights):
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    wanted = round(sum(weights))  # half to even, like the source
    result = DIALECTS["w2v_cif_bert"].contributions(alpha)
    assert result.num_fires.tolist() == [wanted]
    assert float(result.alpha.sum()) == pytest.approx(wanted)
    if wanted < 0.998 * int((alpha > 0).sum()):
        assert (result.alpha <= 0.999).all()


def test_w2v_cif_bert_flattens_to_the_mean_where_its_source_never_ends():
    alpha, targets = torch.tensor([[0.1, 0.2, 0.0]]), torch.tensor([4])
    result = DIALECTS["w2v_cif_bert"].contributions(alpha, target_lengths=targets)
    assert result.alpha.tolist() == [[2, 2, 0]]


@given(sixteenths, st.none() | st.integers(1, 30))
def test_ultravox_gives_as_many_tokens_as_it_scales_to(weights, target):
    """Alone, with several fires in a frame; where rounding ends in the last frame, none is left."""
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    result = DIALECTS["ultravox_cformer"].contributions(
        alpha, target_lengths=None if target is None else torch.tensor([target])
    )
    wanted = target or max(1, round(sum(weights)))
    if not sum(weights):
        wanted = 0
    assert result.num_fires.tolist() == [wanted]
    *others, last = [1.0, *result.weights.sum(dim=2).flatten().tolist()]
    assert others == pytest.approx([1] * wanted, abs=1e-4)
    assert last == pytest.approx(1, abs=1e-4) or (last == 0 and alpha[0, -1] > 0)


@given(sixteenths, st.sampled_from([0.5, 0.75, 1.0]))
def test_where_the_threshold_is_charged_it_divides_the_sum(weights, threshold):
    """Weights up to the threshold: no frame is asked for two fires."""
    alpha = (torch.tensor([weights]) * threshold).reshape(1, len(weights))
    tokens = int(sum(weights))
    for name in ("spacemit_cif_wo_hidden", "sophgo_seaco"):
        result = DIALECTS[name].contributions(alpha, threshold=threshold)
        assert result.num_fires.tolist() == [tokens], name
        expected = [threshold] * tokens
        if name == "sophgo_seaco":  # a full token first, since nothing was owed to it
            expected[:1] = [1.0] * min(1, tokens)
        assert result.weights.sum(dim=2).flatten().tolist() == pytest.approx(expected), name


@given(sixteenths, st.sampled_from([0.5, 0.75, 1.0, 1.25]))
def test_spacemit_charges_one_by_the_formula_of_a_slack(weights, threshold):
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    result = DIALECTS["spacemit_cif"].contributions(alpha, threshold=threshold)
    expected = max(0, int(sum(weights) + 1 - threshold))
    assert result.num_fires.tolist() == [expected]
    assert result.weights.sum(dim=2).flatten().tolist() == [1.0] * expected


@pytest.mark.parametrize(("name", "tokens"), [("cif_pytorch", 1), ("torch_cif", 2)])
def test_a_rest_of_exactly_the_tail_threshold(name, tokens):
    result = DIALECTS[name].contributions(torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([2]))
    assert result.num_fires.tolist() == [tokens]


def test_the_integrator_goes_on_with_the_roundings_of_its_source():
    alpha = torch.rand(20, 50, generator=torch.Generator().manual_seed(0))
    ours = DIALECTS["cif_pytorch"].contributions(alpha, threshold=1.0).accumulated
    before = torch.nn.functional.pad(ours, (1, 0))[:, :-1]
    rest = torch.where(before + alpha >= 1, alpha - (1 - before), before + alpha)
    assert torch.equal(ours, rest)
    peaks = DIALECTS["funasr_cif"].contributions(alpha).accumulated
    left = torch.where(peaks >= 1, peaks - 1, peaks)
    assert torch.equal(peaks, torch.nn.functional.pad(left, (1, 0))[:, :-1] + alpha)
    assert not torch.equal(left, ours)


@given(exact_weights())
def test_soft_rows_sum_to_one_over_real_frames(weights):
    alpha = torch.tensor([weights]).reshape(1, len(weights))
    result = DIALECTS["soft"].contributions(alpha)
    assert result.num_fires.tolist() == [round(sum(weights))]
    assert float(result.alpha.sum()) == pytest.approx(round(sum(weights)))
    torch.testing.assert_close(
        result.weights.sum(dim=2), torch.ones(1, int(result.num_fires)), rtol=0, atol=1e-5
    )


def test_a_soft_token_is_heaviest_around_its_mass():
    result = DIALECTS["soft"].contributions(torch.full((1, 16), 0.25))
    assert result.weights.argmax(dim=2).tolist() == [[1, 5, 9, 13]]


@pytest.mark.parametrize("name", HARD)
def test_the_weights_carry_gradients(name):
    alpha = batch().requires_grad_()
    result = DIALECTS[name].contributions(alpha, target_lengths=torch.tensor([3, 2, 4]))
    positions = torch.arange(12.0)
    (result.weights @ positions).square().sum().backward()
    assert alpha.grad is not None and alpha.grad.isfinite().all() and alpha.grad.any()


def test_too_many_tokens_for_funasr_are_refused_as_the_source_fails():
    with pytest.raises(CIFError, match="the source fails on these weights: 1 tokens fire in row 1"):
        DIALECTS["funasr_cif"].contributions(torch.tensor([[0.1], [0.45]]), threshold=0.4)


def test_weights_and_peaks_cannot_be_swapped_silently():
    """FunASR #3723: a function took two tensors side by side, and they came in the wrong order."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        alpha = torch.rand(1, 20, generator=generator)
        for name in ("cif_pytorch", "funasr_cif", "funasr_cif_v1", "w2v_cif_bert", "spacemit_cif"):
            right = DIALECTS[name].contributions(alpha)
            both = {"weights": right.weights, "num_fires": right.num_fires}
            with pytest.raises(CIFError, match=r"are weights and integrator .* swapped\?"):
                Contributions(alpha=right.accumulated, accumulated=right.alpha, **both)
            with pytest.raises(TypeError, match="positional"):
                Contributions(right.weights, right.num_fires, right.alpha, right.accumulated)


def test_long_utterances_pass_the_check_for_swapping():
    alpha = torch.rand(1, 5000, generator=torch.Generator().manual_seed(0))
    for name in ("cif_pytorch", "funasr_cif", "funasr_cif_v1"):
        assert DIALECTS[name].contributions(alpha).num_fires > 2000


def test_an_integrator_may_be_charged_another_weight_than_one():
    alpha = torch.tensor([[0.5, 0.5]])
    fitting = {"weights": torch.tensor([[[0.5, 0.25]]]), "num_fires": torch.tensor([1])}
    level = torch.tensor([[0.5, 0.25]])
    assert Contributions(alpha=alpha, accumulated=level, charge=0.75, **fitting).charge == 0.75
    with pytest.raises(CIFError, match="must be the running sum of alpha less whole tokens"):
        Contributions(alpha=alpha, accumulated=level, **fitting)
    with pytest.raises(CIFError, match="charge must be a number > 0, got 0"):
        Contributions(alpha=alpha, accumulated=level, charge=0, **fitting)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": torch.ones(1, 3)}, r"alpha must be \(batch, frames\) = \(1, 2\)"),
        ({"accumulated": torch.ones(1, 3)}, r"accumulated must be \(batch, frames\)"),
        ({"num_fires": torch.tensor([2])}, "num_fires must be between 0 and 1"),
        ({"weights": torch.ones(1, 2)}, "weights must be a floating point tensor"),
    ],
)
def test_contributions_that_do_not_fit_together_are_refused(changes, message):
    fitting = {
        "weights": torch.tensor([[[0.6, 0.4]]]),
        "num_fires": torch.tensor([1]),
        "alpha": torch.tensor([[0.6, 0.6]]),
    }
    with pytest.raises(CIFError, match=message):
        Contributions(**{**fitting, **changes})
