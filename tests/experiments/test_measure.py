"""Numbers of the evaluation, against cases worked out by hand."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cifviz import metrics
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import CIFError
from cifviz.systems.cif import CIFRecognizer
from experiments.measure import edge_scores, measure_transcriptions, transcribe_all
from tests.systems.synthetic import aligned, fired, spoken


def words(*tokens):
    """A transcription without weights."""
    return SimpleNamespace(tokens=tokens)


UTTERANCES = [
    spoken(("a", 0.0, 0.1), ("b", 0.2, 0.3)),
    spoken(("a", 0.5, 0.6)),
    spoken(("b", 1.0, 1.2)),
]
ALIGNMENTS = [
    aligned(("a", 0.01, 0.13), ("b", 0.2, 0.36)),
    aligned(("c", 0.5, 0.7)),  # another token: it has no partner
    aligned(("a", 0.0, 0.3), ("b", 0.95, 1.2)),  # one too many
]
"""Onsets of equal tokens are wrong by 0.01, 0 and −0.05, offsets by 0.03, 0.06 and 0."""


def measured_by_hand():
    return measure_transcriptions(
        UTTERANCES,
        [words(*(token.token for token in one)) for one in ALIGNMENTS],
        {"by hand": ALIGNMENTS},
    )


def test_tokens_are_counted():
    measured = measured_by_hand()
    assert (measured["utterances"], measured["tokens"]) == (3, 4)
    assert (measured["deletions"], measured["insertions"], measured["substitutions"]) == (0, 1, 1)
    assert measured["token_error_rate"] == 0.5
    assert measured["count_accuracy"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (
            "onset",
            {
                "count": 3,
                "signed_mean": -0.04 / 3,
                "mean_absolute": 0.02,
                "median_absolute": 0.01,
                "within_20ms": 2 / 3,
                "within_50ms": 1.0,
                "within_100ms": 1.0,
                # The first utterance alone has two: 10 ms less in 0.2 s.
                "drift": -0.01 / 0.2 * 60_000,
                # Found are 0.0, 0.2 and 0.5, the other token's; 4 said, 5 found.
                "f_measure": 2 * 3 / (4 + 5),
                "r_value": 1 - (math.hypot(0.25, 0.25) + 0.5 / math.sqrt(2)) / 2,
            },
        ),
        (
            "offset",
            {
                "count": 3,
                "signed_mean": 0.03,
                "mean_absolute": 0.03,
                "median_absolute": 0.03,
                "within_20ms": 1 / 3,
                "within_50ms": 2 / 3,
                "within_100ms": 1.0,
                "drift": 0.03 / 0.2 * 60_000,
                "f_measure": 2 * 1 / (4 + 5),
                "r_value": 1 - (math.hypot(0.75, 0.25) + 1 / math.sqrt(2)) / 2,
            },
        ),
        (
            "both",
            {
                "count": 6,
                "signed_mean": 0.05 / 6,
                "mean_absolute": 0.025,
                "median_absolute": 0.02,
                "within_20ms": 3 / 6,
                "within_50ms": 5 / 6,
                "within_100ms": 1.0,
                # 0.006 s² over 0.05 s² in the first utterance, 0.005 over 0.02 in the third.
                "drift": 0.011 / 0.07 * 60_000,
                "f_measure": 2 * 4 / (8 + 10),
                "r_value": 1 - (math.hypot(0.5, 0.25) + 0.75 / math.sqrt(2)) / 2,
            },
        ),
    ],
)
def test_edges_of_equal_tokens_by_hand(edge, expected):
    assert measured_by_hand()["edges"]["by hand"][edge] == pytest.approx(expected)


def test_each_way_to_read_edges_is_measured():
    late = [one.shifted(0.5) for one in ALIGNMENTS]
    measured = measure_transcriptions(
        UTTERANCES, [words("a", "b"), words("c"), words("b")], {"x": ALIGNMENTS, "y": late}
    )
    assert measured["edges"].keys() == {"x", "y"}
    here, there = (measured["edges"][name]["both"]["signed_mean"] for name in "xy")
    assert there - here == pytest.approx(0.5)


def test_untimed_tokens_have_no_edges():
    found = Alignment((TimedToken("a"), TimedToken("b", 0.2, 0.3)))
    scores = edge_scores(metrics.evaluate([UTTERANCES[0].words], [found]))
    assert scores["both"]["count"] == 2
    assert scores["onset"]["count"] == 1


def test_what_there_is_nothing_of_is_none():
    """A token that nobody found is missed, and has no error."""
    measured = measure_transcriptions([UTTERANCES[1]], [words()], {"x": [aligned()]})
    scores = measured["edges"]["x"]
    for edge in ("onset", "offset", "both"):
        assert scores[edge].pop("count") == 0
        assert scores[edge].pop("f_measure") == 0
        assert scores[edge].pop("r_value") == pytest.approx(1 - math.sqrt(2) / 2)
        assert set(scores[edge].values()) == {None}
    silent = measure_transcriptions([spoken()], [words()], {"x": [aligned()]})
    assert silent["token_error_rate"] == 0
    assert silent["edges"]["x"]["both"]["f_measure"] is None
    assert silent["edges"]["x"]["both"]["r_value"] is None


def test_a_drift_needs_two_times_in_an_utterance():
    scores = edge_scores(metrics.evaluate([UTTERANCES[1].words], [UTTERANCES[1].words]))
    assert scores["onset"]["drift"] is None
    assert scores["both"]["drift"] == 0  # from onset to offset


@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_weights_of_a_cif_are_measured_in_tokens(threshold):
    """Sums of 1.5 and 2.5 for 2 and 1 tokens; of 4 in all 0.875 + 1.25 lie outside of the words."""
    utterances = [spoken(("a", 0.1, 0.2), ("b", 0.3, 0.35)), spoken(("a", 0.0, 0.1))]
    weights = (0.25, 0.375, 0.375, 0.5), (1.25, 1.25)  # 0.375 in a, half of 0.5 in b
    found = [
        fired(tokens, *(threshold * weight for weight in one), threshold=threshold)
        for tokens, one in zip(("a", "aa"), weights, strict=True)
    ]
    measured = measure_transcriptions(utterances, found, {}, CIFRecognizer.metrics)
    assert measured["weight_sum_error"] == {"mean": 0.5, "mean_absolute": 1.0}
    assert measured["share_in_silence"] == pytest.approx((0.875 + 1.25) / 4)


def test_references_without_times_are_measured_but_for_edges_and_silence():
    untimed = LabelledUtterance(spoken().waveform, Alignment((TimedToken("a"),)))
    timed = spoken(("a", 0.0, 0.1))
    found = [fired("a", 0.5, 0.5), fired("a", 0.5, 0.5)]
    ways = {"own": [one.alignment for one in found]}
    measured = measure_transcriptions([timed, untimed], found, ways, CIFRecognizer.metrics)
    assert measured["token_error_rate"] == 0
    assert measured["share_in_silence"] == pytest.approx(0.5)
    assert measured["edges"]["own"]["onset"]["count"] == 1
    alone = measure_transcriptions([untimed], found[1:], {}, CIFRecognizer.metrics)
    assert alone["share_in_silence"] is None


def test_without_any_weight_none_lies_in_silence():
    measured = measure_transcriptions([spoken()], [fired("", 0.0, 0.0)], {}, CIFRecognizer.metrics)
    assert measured["share_in_silence"] is None
    assert measured["weight_sum_error"] == {"mean": 0.0, "mean_absolute": 0.0}


def test_without_metrics_of_a_system_nothing_is_said_of_weights():
    assert not {"weight_sum_error", "share_in_silence"} & measured_by_hand().keys()


def test_everything_can_be_written_as_json():
    found = [fired("ab", 0.5, 0.5, 0.5, 0.5), fired("", 0.0), fired("b", 1.0)]
    ways = {"own": [one.alignment for one in found], "none": [aligned()] * 3}
    measured = measure_transcriptions(UTTERANCES, found, ways)
    assert json.loads(json.dumps(measured, allow_nan=False)) == measured


def test_no_utterances_are_refused():
    with pytest.raises(CIFError, match="at least one utterance"):
        measure_transcriptions([], [], {})


def test_every_utterance_has_its_alignment():
    with pytest.raises(CIFError, match="3"):
        measure_transcriptions(UTTERANCES, [words()] * 3, {"x": ALIGNMENTS[:2]})


def test_utterances_are_transcribed_in_batches_and_in_order():
    asked = []

    class Model:
        def transcribe_batch(self, waveforms):
            asked.append(len(waveforms))
            return list(waveforms)

    utterances = [spoken(seconds=n) for n in range(1, 8)]
    assert transcribe_all(Model(), utterances, batch_size=3) == [one.waveform for one in utterances]
    assert asked == [3, 3, 1]
    assert transcribe_all(Model(), []) == []


def test_extras_of_utterances_are_the_request():
    class Model:
        def transcribe_batch(self, waveforms, hints):
            return hints

    utterances = [replace(spoken(), extras={"hints": n}) for n in range(5)]
    assert transcribe_all(Model(), utterances, batch_size=2) == [0, 1, 2, 3, 4]
    with pytest.raises(CIFError, match="1 of 6 utterances lack the extra 'hints'"):
        transcribe_all(Model(), [*utterances, spoken()])
