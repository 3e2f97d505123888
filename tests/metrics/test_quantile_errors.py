"""How well edges are read at each quantile of a token's mass."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.core.firing import integrate_and_fire
from cifviz.errors import CIFError
from cifviz.metrics import QuantileErrors, errors_by_quantile
from cifviz.timing import FrameGrid
from tests.two_words import FRAMES, GAPS, SHIFT, alpha, words


def transcription(weights, tokens="ab"):
    frames = torch.tensor([weights], dtype=torch.float64)
    firing = integrate_and_fire(frames, torch.eye(len(weights), dtype=torch.float64)[None])
    return SimpleNamespace(tokens=tokens, firing=firing, grid=FrameGrid(SHIFT))


@pytest.fixture
def utterances():
    """Three utterances of two words, and their references."""
    return [transcription(alpha(gaps)) for gaps in GAPS], [words(gaps) for gaps in GAPS]


def test_between_valleys_ends_are_exact_and_starts_are_a_gap_early(utterances):
    found = errors_by_quantile(*utterances, quantiles=[0.0, 0.5, 1.0])
    gaps = SHIFT * np.array(GAPS)
    early = np.where([True, False], gaps, gaps)  # mass 0 is the very start, a cut the word's end
    expected = np.abs(early - np.median(early)).mean()
    np.testing.assert_allclose(found.errors["offset"][1:], [0.0, 0.0], atol=1e-6)
    assert found.errors["onset"][0] == pytest.approx(expected)
    np.testing.assert_allclose(found.shifts["offset"][1:], [2 * SHIFT, 0.0], atol=1e-6)
    assert found.shifts["onset"][0] == pytest.approx(np.median(gaps))
    assert (found.utterances, found.tokens) == (3, 6)


def test_fires_carry_the_error_of_the_word_before(utterances):
    found = errors_by_quantile(*utterances, cut="fires", quantiles=[1.0])
    # The first fire is early by 0.125 of a word that weighs 1.125; the second one is right.
    early = np.array([FRAMES * 0.125 / 1.125, 0.0] * 3) * SHIFT
    assert found.errors["offset"][0] == pytest.approx(np.abs(early - np.median(early)).mean())
    assert found.shifts["offset"][0] == pytest.approx(np.median(early))


def test_utterances_with_another_number_of_tokens_are_left_out(utterances):
    hypotheses, references = utterances
    expected = errors_by_quantile(hypotheses, references)
    longer = Alignment((*references[0].tokens, TimedToken("c", 9.0, 9.5)))
    found = errors_by_quantile([*hypotheses, hypotheses[0]], [*references, longer])
    assert (found.utterances, found.tokens) == (3, 6)
    np.testing.assert_array_equal(found.errors["onset"], expected.errors["onset"])
    np.testing.assert_array_equal(found.seconds_per_token, expected.seconds_per_token)


def test_untimed_tokens_have_no_error(utterances):
    hypotheses, references = utterances
    half = [Alignment((TimedToken("a"), one.tokens[1])) for one in references]
    found = errors_by_quantile(hypotheses, half, quantiles=[0.0])
    gaps = SHIFT * np.array(GAPS)[:, 1]
    assert (found.utterances, found.tokens) == (3, 3)
    assert found.errors["onset"][0] == pytest.approx(np.abs(gaps - np.median(gaps)).mean())


def test_a_constant_delay_of_the_reference_is_learned(utterances):
    hypotheses, references = utterances
    found = errors_by_quantile(hypotheses, references)
    late = errors_by_quantile(hypotheses, [one.shifted(0.5) for one in references])
    for edge in ("onset", "offset"):
        np.testing.assert_allclose(late.errors[edge], found.errors[edge], atol=1e-9)
        np.testing.assert_allclose(late.shifts[edge], found.shifts[edge] + 0.5)


def test_nothing_to_read_gives_nan_and_the_default_edges():
    found = errors_by_quantile([transcription([0.5])], [Alignment()])
    assert np.isnan(found.errors["onset"]).all() and np.isnan(found.seconds_per_token).all()
    assert (found.utterances, found.tokens) == (0, 0)
    assert found.best() == Edges()


def test_the_best_reading_has_the_least_errors_of_its_half():
    found = QuantileErrors(
        cut="fires",
        quantiles=np.array([0.0, 0.2, 0.8, 1.0]),
        errors={"onset": np.array([4, 3, 1, 2]), "offset": np.array([1, 2, 4, 3])},
        shifts={"onset": np.array([0.0, 0.1, 0.2, 0.3]), "offset": np.array([0, 1, 2, 3])},
        seconds_per_token=np.ones(4),
        utterances=1,
        tokens=1,
    )
    assert found.best() == Edges(0.2, 1.0, 0.1, 3.0, cut="fires")


def test_another_number_of_references_is_refused(utterances):
    with pytest.raises(CIFError, match="expected 3 references, one a transcription, got 2"):
        errors_by_quantile(utterances[0], utterances[1][:2])
