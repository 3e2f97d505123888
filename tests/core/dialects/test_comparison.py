"""The table of where dialects differ."""

import math

import pytest
import torch

from cifviz.core.dialects import DIALECTS, compare, fire_positions
from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above, drop
from cifviz.errors import CIFError

LENGTHS = torch.tensor([60, 41, 33, 60, 50, 20])


def batch(largest=0.5):
    return torch.rand(6, 60, generator=torch.Generator().manual_seed(3)) * largest


def test_the_reference_comes_first_and_differs_from_itself_in_nothing():
    first = compare(batch(), LENGTHS)[0]
    ours = integrate_and_fire(batch(), batch().unsqueeze(2), frame_lengths=LENGTHS, tail=above(0.5))
    assert first.dialect == "cifviz"
    assert torch.equal(first.num_fires, ours.num_fires)
    assert (first.lost, first.extra, first.negative, first.above_one) == (0, 0, 0, 0)
    assert (first.mean_shift, first.max_shift) == (0, 0)


def test_rows_come_in_the_order_of_the_registry_by_number_by_name_and_in_a_loop():
    table = compare(batch(), LENGTHS)
    names = ["cifviz", *DIALECTS]
    assert [row.dialect for row in table] == names
    assert len(table) == len(names)
    assert table[names[-1]] is table[-1]
    with pytest.raises(CIFError, match="dialect must be one of 'cifviz', .*, got 'nope'"):
        table["nope"]


def test_counts_are_those_of_the_dialects():
    table = compare(batch(), LENGTHS)
    for row in table.rows[1:]:
        result = DIALECTS[row.dialect].contributions(table.alpha, LENGTHS)
        assert torch.equal(row.num_fires, result.num_fires)
        missing = table[0].num_fires - result.num_fires
        assert row.lost - row.extra == int(missing.sum())
        assert row.lost == int(missing[missing > 0].sum())


def test_lost_tokens_and_negative_weights_are_counted():
    settings = {"cif_pytorch": {"threshold": 0.9}}
    row = compare(batch(), LENGTHS, dialects=["cif_pytorch"], settings=settings)["cif_pytorch"]
    result = DIALECTS["cif_pytorch"].contributions(batch(), LENGTHS, threshold=0.9)
    assert row.negative == int((result.weights < -1e-6).sum()) > 10
    assert row.lowest == pytest.approx(float(result.weights.min()))
    no_tail = compare(batch(), LENGTHS, dialects=["funasr_cif"])["funasr_cif"]
    assert no_tail.lost > 0 and no_tail.extra == 0


def test_weights_above_one_are_counted():
    alpha, targets = torch.tensor([[0.2, 0.2, 2.3, 0.2, 0.2]]), torch.tensor([4])
    table = compare(alpha, target_lengths=targets)
    assert (table["funasr_cif"].above_one, table["funasr_cif"].lost) == (2, 1)
    assert (table["funasr_cif_v1"].above_one, table["funasr_cif_v1"].lost) == (1, 3)
    assert table["funasr_cif"].highest == pytest.approx(2.484, abs=1e-3)
    assert (table["torch_cif"].above_one, table["cifviz"].above_one) == (0, 0)


def test_settings_of_the_reference_are_used():
    table = compare(batch(), dialects=[], settings={"cifviz": {"tail": drop}})
    expected = batch().double().sum(dim=1).floor().long()
    assert torch.equal(table["cifviz"].num_fires, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dialects": ["nope"]}, "dialect must be one of 'cif_pytorch'"),
        ({"settings": {"nope": {}}}, "settings must be one of 'cifviz', 'cif_pytorch'"),
        ({"settings": {"soft": {"tail_threshold": 1.0}}}, "soft has no tail_threshold"),
        (
            {"settings": {"cif_pytorch": {"foo": 1}}},
            "a setting of cif_pytorch must be one of 'threshold', 'tail_threshold', got 'foo'",
        ),
        (
            {"settings": {"cif_pytorch": {"target_lengths": None}}},
            "a setting of cif_pytorch must be one of .* got 'target_lengths'",
        ),
        ({"settings": {"cifviz": {"max": 1}}}, "'tail', 'slack', got 'max'"),
        ({"settings": {"soft": 1.0}}, "settings of soft must be a Mapping, got 1.0"),
    ],
)
def test_unknown_names_and_settings_are_refused(options, message):
    with pytest.raises(CIFError, match=message):
        compare(batch(), **options)


def test_positions_without_faults_are_those_of_the_mass_axis():
    for name, settings in {
        "torch_cif": {},
        "funasr_cif_v1": {},
        "cif_pytorch": {"threshold": 1.0},
    }.items():
        row = compare(batch(), LENGTHS, dialects=[name], settings={name: settings})[name]
        assert row.max_shift < 1e-4, name


def test_a_token_that_borrows_ends_with_its_frame():
    """At β = 0.9 the first token fires at 0.95 and takes 0.05 from a frame that has no more."""
    dialect = DIALECTS["cif_pytorch"]
    result = dialect.contributions(torch.tensor([[0.5, 0.45, 0.5]]), threshold=0.9)
    assert fire_positions(dialect, result).tolist() == [[2.0]]


def test_the_tail_of_funasr_ends_in_the_padding():
    alpha = torch.tensor([[0.6, 0.6, 0.6]])
    row = compare(alpha, dialects=["paraformer_v1"])["paraformer_v1"]
    assert row.fire_positions[0].tolist() == pytest.approx([5 / 3, 3 + 0.2 / 0.45], abs=1e-6)


def test_soft_tokens_end_where_they_pass_frames_on():
    dialect = DIALECTS["soft"]
    positions = fire_positions(dialect, dialect.contributions(torch.full((1, 20), 0.2)))
    assert positions[0, -1] == pytest.approx(20)  # all frames belong to some token
    assert positions.diff().min() > 3
    halfway = positions[0, 1]
    assert halfway == pytest.approx(10, abs=0.6)


@pytest.mark.parametrize("alpha", [torch.zeros(2, 5), torch.zeros(2, 0), torch.zeros(0, 5)])
def test_nothing_to_compare_is_a_table_without_tokens(alpha):
    table = compare(alpha)
    assert [row.tokens for row in table] == [0] * (1 + len(DIALECTS))
    assert all(math.isnan(row.mean_shift) for row in table)
    assert "nan" in str(table)


def test_the_printed_table_is_aligned():
    lines = str(compare(batch(), LENGTHS)).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[:4] == ["dialect", "tokens", "lost", "extra"]
    assert [line.split()[0] for line in lines[1:]] == ["cifviz", *DIALECTS]


@pytest.mark.parametrize("wrong", [torch.ones(1, 2, 3), (torch.ones(1, 3), torch.ones(1, 3))])
def test_tensors_side_by_side_are_no_contributions(wrong):
    """What FunASR #3723 swapped cannot be passed here: contributions come as one."""
    with pytest.raises(CIFError, match="contributions must be Contributions, what a dialect gives"):
        fire_positions(DIALECTS["funasr_cif"], wrong)
