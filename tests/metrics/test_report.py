"""`evaluate` and its report: by hand, what must not change them, untimed tokens, and nothing."""

import json
import math
from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from cifviz import metrics
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.metrics import Report, evaluate
from cifviz.timing import FrameGrid
from tests.strategies import alignments

EDGES = ("onset", "offset")
SETS = st.lists(st.tuples(alignments(), alignments()), max_size=4)


def aligned(*tokens):
    return Alignment(tuple(TimedToken(*token) for token in tokens))


# "b" was recognised as "x", "c" not at all, and "d" twice.
REFERENCE = aligned(("a", 0.0, 0.5), ("b", 1.0, 1.5), ("c", 2.0, 2.5), ("d", 3.0, 3.5))
HYPOTHESIS = aligned(("a", 0.0625, 0.5), ("x", 1.0, 1.5), ("d", 3.0, 3.25), ("d", 3.375, 3.625))


def scores_of(pairs):
    return evaluate(
        [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    ).scores


def test_tokens_by_hand():
    scores = scores_of([(REFERENCE, HYPOTHESIS), (Alignment(), Alignment())])
    # As many edits delete "c" and insert "d" as substitute "d" for "c".
    assert scores["tokens", "", "token_error_rate"] == 0.5
    assert scores["tokens", "", "substitutions"] == 0.5
    assert scores["tokens", "", "count_accuracy"] == 1.0


def test_edges_paired_by_label_by_hand():
    report = evaluate([REFERENCE], [HYPOTHESIS])
    onset, offset = (
        {key[2]: value for key, value in report.scores.items() if key[:2] == ("label", edge)}
        for edge in EDGES
    )
    # "a" with "a"; the last "d" with "d": the first one stands where "c" could be.
    assert report.errors("onset").errors.tolist() == [0.0625, 0.375]
    assert report.errors("offset").errors.tolist() == [0.0, 0.125]
    assert report.errors("offset").times.tolist() == [0.5, 3.5]
    assert onset["signed_mean"] == onset["mean_absolute"] == onset["median_absolute"] == 0.21875
    assert onset["within_100ms"] == offset["within_10ms"] == offset["within_100ms"] == 0.5
    assert onset["drift"] == pytest.approx(60_000 * 0.3125 / 3)
    assert offset["drift"] == pytest.approx(60_000 * 0.125 / 3)
    both = [report.scores["label", "both", name] for name in ("aas_sum", "aas_mean", "aas_start")]
    assert both == [0.28125, 0.140625, 0.21875]
    counts = [report.counts["label", "onset", n] for n in ("pairs", "missed", "extra", "untimed")]
    assert counts == [2, 2, 2, 0]


def test_edges_paired_by_time_by_hand():
    report = evaluate([REFERENCE], [HYPOTHESIS])
    assert report.errors("onset", pairing="time").errors.tolist() == [0.0625, 0.0, 0.0]
    assert report.errors("offset", pairing="time").errors.tolist() == [0.0, 0.0, 0.125]
    counts = [report.counts["time", "onset", n] for n in ("pairs", "missed", "extra", "untimed")]
    assert counts == [3, 1, 1, 0]


def test_boundaries_by_hand():
    scores = evaluate([REFERENCE], [HYPOTHESIS]).scores
    assert scores["boundaries", "onset", "f_measure"] == 0.5
    assert scores["boundaries", "offset", "f_measure"] == 0.5
    assert scores["boundaries", "both", "recall"] == 0.5
    assert scores["boundaries", "both", "over_segmentation"] == 0.0


@given(st.lists(alignments(with_untimed=False), min_size=1, max_size=4))
def test_a_perfect_hypothesis_has_zeros_and_ones(reference):
    report = evaluate(reference, reference)
    for (_, _, name), value in report.scores.items():
        if not math.isnan(value):
            is_one = name.startswith("within") or name in (
                "count_accuracy precision recall f_measure r_value".split()
            )
            assert value == (1.0 if is_one else 0.0), name
    if any(len(one) for one in reference):
        unknown = {name for (_, _, name), value in report.scores.items() if math.isnan(value)}
        assert unknown <= {"drift"}


@given(SETS, st.integers(0, 640))
def test_nothing_depends_on_when_the_clock_starts(pairs, later):
    moved = [
        (reference.shifted(later / 64), hypothesis.shifted(later / 64))
        for reference, hypothesis in pairs
    ]
    assert dict(scores_of(moved)) == pytest.approx(dict(scores_of(pairs)), nan_ok=True, abs=1e-6)


@given(SETS)
def test_nothing_depends_on_the_order_of_utterances(pairs):
    turned = dict(scores_of(pairs[::-1]))
    assert turned == pytest.approx(dict(scores_of(pairs)), nan_ok=True, abs=1e-6)


@given(SETS)
def test_a_set_twice_is_no_other_set(pairs):
    assume(
        any(len(reference) for reference, _ in pairs)
    )  # insertions into nothing are counted, no rate
    twice = dict(scores_of(pairs + pairs))
    assert twice == pytest.approx(dict(scores_of(pairs)), nan_ok=True, abs=1e-6)


@given(SETS)
def test_every_token_is_paired_or_counted(pairs):
    report = evaluate(
        [reference for reference, _ in pairs], [hypothesis for _, hypothesis in pairs]
    )
    reference, hypothesis = (
        report.counts["tokens", "", side] for side in ("reference tokens", "hypothesis tokens")
    )
    untimed_reference = sum(not t.is_timed for one, _ in pairs for t in one)
    untimed_hypothesis = sum(not t.is_timed for _, one in pairs for t in one)
    for edge in EDGES:
        paired, missed, extra, untimed = (
            report.counts["label", edge, kind] for kind in ("pairs", "missed", "extra", "untimed")
        )
        assert paired + untimed + missed == reference
        assert paired + untimed + extra == hypothesis
        paired, missed, extra, untimed = (
            report.counts["time", edge, kind] for kind in ("pairs", "missed", "extra", "untimed")
        )
        assert paired + missed == reference - untimed_reference
        assert paired + extra == hypothesis - untimed_hypothesis
        assert untimed == untimed_reference + untimed_hypothesis
        assert len(report.errors(edge).errors) == report.counts["label", edge, "pairs"]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "scores"),
    [
        # without a time in the hypothesis: a miss, and no false alarm
        (("a", 0.1, 0.2), ("a",), {"recall": 0.0, "precision": math.nan}),
        # without a time in the reference: no miss, but a false alarm
        (("a",), ("a", 0.1, 0.2), {"recall": math.nan, "precision": 0.0}),
    ],
)
def test_an_untimed_token_has_no_edges_but_is_a_token(reference, hypothesis, scores):
    report = evaluate([aligned(reference)], [aligned(hypothesis)])
    assert report.scores["tokens", "", "token_error_rate"] == 0.0
    assert report.counts["label", "onset", "untimed"] == 1
    assert math.isnan(report.scores["label", "onset", "mean_absolute"])
    for name, expected in scores.items():
        found = report.scores["boundaries", "onset", name]
        assert found == pytest.approx(expected, nan_ok=True)


GRID = FrameGrid(0.25)


def fire(*alpha):
    return integrate_and_fire(torch.tensor([alpha]), torch.eye(len(alpha))[None])


def test_weights_by_hand():
    # Ready after frames 1 and 4, at 0.5 and 1.25 s; words end at 0.25 and 1.0 s.
    firing = fire(0.5, 0.5, 0.25, 0.5, 0.5, 0.0)
    reference = aligned(("a", 0.0, 0.25), ("b", 0.5, 1.0))
    hypothesis = aligned(("a", 0.1, 0.3), ("b", 0.5, 0.6))
    report = evaluate([reference], [hypothesis], firings=[firing], grid=GRID)
    found = {name: v for (section, _, name), v in report.scores.items() if section == "weights"}
    assert found["weight_sum_error"] == found["weight_sum_error_absolute"] == 0.25
    assert found["share_in_silence"] == pytest.approx((0.5 + 0.5) / 2.25)
    assert found["residual"] == 0.25
    assert found["row_entropy"] == pytest.approx((1.0 + 1.5) / 2)
    assert found["latency_mean"] == found["latency_median"] == 0.25


def test_an_utterance_without_known_silence_is_left_out_of_it_and_counted():
    reference = [aligned(("a", 0.0, 0.25)), aligned(("a",))]
    firings = [fire(0.75, 0.25), fire(0.5, 0.5)]
    hypothesis = [aligned(("a", 0.0, 0.1)), aligned(("a", 0.0, 0.1))]
    report = evaluate(reference, hypothesis, firings=firings, grid=GRID)
    assert report.scores["weights", "", "share_in_silence"] == 0.25
    assert report.counts["weights", "", "utterances without known silence"] == 1
    assert report.scores["weights", "", "latency_mean"] == 0.25  # of the timed one


@pytest.mark.parametrize(
    ("reference", "hypothesis", "options", "message"),
    [
        ([REFERENCE], [], {}, r"expected as many hypotheses as references \(1\), got 0"),
        (
            REFERENCE,
            [HYPOTHESIS],
            {},
            "what holds each reference must be a Sequence, got Alignment",
        ),
        ([REFERENCE], [HYPOTHESIS], {"grid": GRID}, "both firings and the grid"),
        (
            [REFERENCE],
            [HYPOTHESIS],
            {"firings": [], "grid": GRID},
            "expected 1 firings, one a hypothesis",
        ),
        (
            [REFERENCE],
            [HYPOTHESIS],
            {"firings": [fire(1.0)], "grid": GRID},
            "firing 0 must have a fire for each of the 4 tokens, got 1",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(reference, hypothesis, options, message):
    with pytest.raises(CIFError, match=message):
        evaluate(reference, hypothesis, **options)


def test_intervals_surround_their_scores():
    rng = np.random.default_rng(0)
    reference = [REFERENCE] * 30
    hypothesis = [REFERENCE.shifted(float(late)) for late in rng.normal(0.02, 0.01, size=30)]
    report = evaluate(reference, hypothesis, draws=200)
    assert list(report.intervals) == list(report.scores)
    low, high = report.intervals["label", "onset", "signed_mean"]
    assert 0.01 < low < report.scores["label", "onset", "signed_mean"] < high < 0.03
    assert report.intervals["tokens", "", "count_accuracy"] == (1.0, 1.0)
    again = evaluate(reference, hypothesis, draws=200)
    assert dict(again.intervals) == dict(report.intervals)


def test_records_hold_every_number_in_plain_values():
    report = evaluate([REFERENCE], [HYPOTHESIS], draws=10)
    records = report.records()
    assert len(records) == len(report.scores) + len(report.counts)
    by_key = {(one["section"], one["edge"], one["metric"]): one for one in records}
    drift = by_key["label", "onset", "drift"]
    assert drift["value"] == report.scores["label", "onset", "drift"]
    assert drift["unit"] == "ms/min"
    assert (drift["low"], drift["high"]) == report.intervals["label", "onset", "drift"]
    assert by_key["label", "onset", "pairs"]["value"] == 2
    assert len({tuple(one) for one in records}) == 1  # the same columns in each row


def test_records_have_no_value_for_what_was_not_measured():
    json.dumps(evaluate([], []).records(), allow_nan=False)
    by_key = {(r["section"], r["metric"]): r["value"] for r in evaluate([], []).records()}
    assert by_key["label", "drift"] is None
    assert by_key["tokens", "utterances"] == 0


def test_the_table_shows_milliseconds_and_per_cent():
    text = str(evaluate([REFERENCE], [HYPOTHESIS], draws=10))
    lines = text.splitlines()
    rate = next(line for line in lines if line.startswith("  token error rate"))
    assert rate.split()[3:5] == ["50.0", "%"]
    first = next(line for line in lines if line.startswith("  signed mean"))
    assert first.split()[2:4] == ["218.8", "ms"]
    assert [first.split()[0] for first in lines if first.startswith("  aas_")][:3] == [
        "aas_sum",
        "aas_mean",
        "aas_start",
    ]


def test_the_table_says_what_each_number_is():
    text = str(evaluate([REFERENCE], [HYPOTHESIS], draws=10))
    table, definitions = text.split("\n\ndefinitions\n")
    defined = {line[:20].strip() for line in definitions.splitlines()}
    edges = table[table.index("edges, paired by label") :]
    shown = {line[:20].strip() for line in edges.splitlines() if line.startswith("  ")}
    assert shown <= defined
    assert "Σα/β − N" not in defined  # nothing of weights without firings


def test_columns_of_the_table_stand_under_their_titles():
    lines = str(evaluate([REFERENCE], [HYPOTHESIS], draws=10)).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("edges, paired by label"))
    heading, pairs = lines[start], lines[start + 1]
    ends = [heading.index(edge) + len(edge) for edge in EDGES]
    assert [pairs[end - 1] for end in ends] == ["2", "2"]


NOTHING = [
    ([], []),
    ([Alignment()], [Alignment()]),
    ([REFERENCE], [Alignment()]),
    ([Alignment()], [HYPOTHESIS]),
    ([aligned(("a",))], [aligned(("a",))]),
    ([aligned(("a", 0.5, 0.5))], [aligned(("a", 0.5, 0.5))]),
]


@pytest.mark.parametrize(("reference", "hypothesis"), NOTHING)
def test_next_to_nothing_is_measured_shown_and_drawn(reference, hypothesis):
    report = evaluate(reference, hypothesis, draws=5)
    assert "nan" not in str(report)
    json.dumps(report.records(), allow_nan=False)
    assert not any(math.isinf(value) for value in report.scores.values())
    report._repr_png_()


def test_a_notebook_shows_the_figure_with_its_words():
    report = evaluate([REFERENCE], [HYPOTHESIS])
    png, shown = report._repr_png_()
    assert Image.open(BytesIO(png)).format == "PNG"
    assert shown["alt"].startswith("Errors of word edges")


def test_all_public_names_are_there():
    assert [name for name in metrics.__all__ if not hasattr(metrics, name)] == []
    assert isinstance(evaluate([], []), Report)
