"""Two systems on a corpus: what is paired, by hand-made rows, and what is counted."""

import numpy as np
import pytest

from cifviz.corpus_alignment.align_whole_corpus import align_corpus
from cifviz.corpus_alignment.aligned_corpus import AlignedCorpus
from cifviz.corpus_alignment.corpus_comparison import _medians, compare_corpora
from cifviz.errors import CIFError, DataError


class Results(AlignedCorpus):
    """Rows without a folder."""

    def __new__(cls, *rows, model="x"):
        made = object.__new__(cls)
        object.__setattr__(made, "description", {"model": model})
        object.__setattr__(made, "given", rows)
        return made

    def __init__(self, *rows, model="x"):
        pass

    def rows(self):
        return iter(self.given)


def row(id, *tokens, errors=0, score=0.5, status="transcribed", **fields):
    timed = [
        {"token": token, "start": start, "end": end, "score": None} for token, start, end in tokens
    ]
    return {
        **{"id": id, "sound": "s", "offset": 0.0, "status": status, "score": score},
        **{"errors": errors, "reference_tokens": 2, "tokens": timed, **fields},
    }


def test_differences_are_b_minus_a_over_what_both_have():
    a = Results(
        row("one", ("x", 0.0, 0.2), ("y", 0.5, 0.9), errors=1, score=0.5),
        row("two", ("x", 0.0, 0.2), errors=0, score=0.7),
        row("three", status="failed", errors=None, score=None),
        row("only a"),
        model="first",
    )
    b = Results(
        row("two", ("x", 0.03, 0.3), ("z", 1.0, 1.1), errors=2, score=0.8),
        row("one", ("x", 0.01, 0.2), ("y", None, None), errors=1, score=0.5),
        row("three"),
        model="/models/second",
    )
    found = compare_corpora(a, b, draws=50)
    assert found.unpaired == (1, 0) and len(found.rows) == 2
    assert found.statuses == {("transcribed", "transcribed"): 2, ("failed", "transcribed"): 1}
    by_name = {one["metric"]: one for one in found.records()}
    rate = by_name["token error rate"]
    assert (rate["a"], rate["b"], rate["difference"], rate["count"]) == (0.25, 0.75, 0.5, 2)
    assert by_name["mean score"]["difference"] == pytest.approx(0.05)
    onset = by_name["median onset difference"]
    assert onset["difference"] == pytest.approx(0.02) and onset["count"] == 2
    assert onset["low"] == pytest.approx(0.01) and onset["high"] == pytest.approx(0.03)
    assert by_name["median distance of offsets"]["difference"] == pytest.approx(0.05)
    assert [one.id for one in found.worse()] == ["two"]
    text = str(found)
    assert "a: first" in text and "b: second" in text and "failed → transcribed: 1" in text


def test_what_is_not_known_is_none():
    found = compare_corpora(
        Results(row("one", errors=None, score=None)), Results(row("one")), draws=5
    )
    for one in found.records():
        assert one["difference"] is None and one["low"] is None and one["count"] == 0
    assert "–" in found.table()


def test_equal_names_are_paired_in_their_order():
    rows = [row("one", errors=1), row("one", errors=0)]
    found = compare_corpora(Results(*rows), Results(*rows[::-1], row("one")), draws=5)
    assert [one.errors[:2] for one in found.rows] == [(1, 0), (0, 1)]
    assert found.unpaired == (0, 1)


def test_a_pair_counts_as_a_pair():
    """Errors that differ by one everywhere differ by one in every draw, however much they vary."""
    rng = np.random.default_rng(0)
    errors = rng.integers(0, 50, size=40).tolist()
    a = Results(*(row(str(i), errors=n) for i, n in enumerate(errors)))
    b = Results(*(row(str(i), errors=n + 1) for i, n in enumerate(errors)))
    rate = compare_corpora(a, b, draws=100).records()[0]
    assert rate["low"] == pytest.approx(0.5) and rate["high"] == pytest.approx(0.5)


def test_a_median_of_drawn_utterances_is_that_of_their_tokens():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, size=20)
    owner = np.repeat(np.arange(20), counts)
    values = rng.normal(size=len(owner))
    statistic = _medians(values, owner, 20)
    for _ in range(200):
        drawn = rng.integers(0, 20, size=rng.integers(1, 30))
        tokens = np.concatenate([values[owner == one] for one in drawn])
        expected = np.median(tokens) if len(tokens) else np.nan
        assert statistic(drawn)[2] == pytest.approx(expected, nan_ok=True)


def test_results_of_different_corpora_are_refused(tmp_path):
    with pytest.raises(CIFError, match="no utterance is in both"):
        compare_corpora(Results(row("one")), Results(row("two")))
    with pytest.raises(DataError, match=r"has no corpus\.json"):
        compare_corpora(tmp_path, tmp_path)


def test_two_models_on_real_sound(source, tmp_path, client):
    for model in ("digits", "digits-ctc"):
        align_corpus(source, tmp_path / model, model=model, client=client)
    found = compare_corpora(tmp_path / "digits", tmp_path / "digits-ctc", draws=20)
    assert found.statuses[("failed", "failed")] == 2 and len(found.rows) == 2
    by_name = {one["metric"]: one for one in found.records()}
    assert by_name["token error rate"]["count"] == 1
    assert abs(by_name["median onset difference"]["difference"]) < 0.5
