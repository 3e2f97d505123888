"""Two distributions are interpolated; a decoder is told what was decided by both."""

import math

import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.collaborative_decoding import ALONE, NO_BIAS_MASS, SHARED, decode_combined
from cifviz.systems.collaborative_decoding import combined as combine
from cifviz.systems.decoders import Decoder, DecoderConfig, make_decoder

both = pytest.mark.parametrize("mass", NO_BIAS_MASS)


def combined(asr, context, weight, mass):
    """Of probabilities (vocabulary,), a fire of an utterance."""
    asr, context = (torch.tensor(one).view(1, 1, -1).log() for one in (asr, context))
    return combine(asr, context, torch.tensor([weight]), no_bias_mass=mass)[0, 0]


def logs(*values):
    return torch.tensor(values).log()


# --- by hand -------------------------------------------------------------------------------------


def test_alone_by_hand_where_a_token_is_the_most_likely():
    """√(1/2 · 1/5), √(1/4 · 1/2), √(1/4 · 1/10); "no bias", 1/5, is not the most likely."""
    found = combined([0.5, 0.25, 0.25], [0.2, 0.5, 0.1, 0.2], 0.5, ALONE)
    torch.testing.assert_close(found, logs(0.1, 0.125, 0.025) / 2)


def test_alone_by_hand_where_no_bias_is_the_most_likely():
    found = combined([0.5, 0.25, 0.25], [0.2, 0.3, 0.1, 0.4], 0.5, ALONE)
    torch.testing.assert_close(found, logs(0.5, 0.25, 0.25))


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_shared_by_hand(weight):
    """0.4 of "no bias" are shared as 2 : 1 : 1: 0.2 + 0.2, 0.3 + 0.1, 0.1 + 0.1."""
    found = combined([0.5, 0.25, 0.25], [0.2, 0.3, 0.1, 0.4], weight, SHARED)
    expected = (1 - weight) * logs(0.5, 0.25, 0.25) + weight * logs(0.4, 0.4, 0.2)
    torch.testing.assert_close(found, expected)


def test_at_a_tie_no_bias_has_the_word():
    found = combined([0.75, 0.25], [0.2, 0.4, 0.4], 1.0, ALONE)
    torch.testing.assert_close(found, logs(0.75, 0.25))


@both
def test_a_context_network_that_is_sure_of_no_bias_changes_nothing(mass):
    found = combined([0.75, 0.25], [0.0, 0.0, 1.0], 0.7, mass)
    torch.testing.assert_close(found, logs(0.75, 0.25))


@both
def test_shares_of_zero_take_no_infinity_with_them(mass):
    """What one is sure of does not count where its share is 0."""
    asr, context = [1.0, 0.0], [0.0, 1.0, 0.0]
    assert combined(asr, context, 0.0, mass).tolist() == [0.0, -math.inf]
    assert combined(asr, context, 1.0, mass).tolist() == [-math.inf, 0.0]


@both
def test_shared_is_a_distribution_and_each_utterance_has_its_weight(mass):
    torch.manual_seed(0)
    asr, context = torch.randn(3, 4, 5).log_softmax(2), torch.randn(3, 4, 6).log_softmax(2)
    weights = torch.tensor([0.0, 0.3, 1.0])
    together = combine(asr, context, weights, no_bias_mass=mass)
    for row in range(3):
        one = slice(row, row + 1)
        alone = combine(asr[one], context[one], weights[one], no_bias_mass=mass)
        torch.testing.assert_close(together[one], alone)
    assert torch.equal(together[0], asr[0])
    if mass == SHARED:
        torch.testing.assert_close(together[2].exp().sum(dim=1), torch.ones(4))


@both
def test_gradients_are_those_of_differences(mass):
    torch.manual_seed(0)
    asr, context = (torch.randn(2, 3, n, dtype=torch.double).requires_grad_() for n in (4, 5))
    weight = torch.tensor([0.3, 0.6])

    def scores(asr, context):
        normal = asr.log_softmax(2), context.log_softmax(2)
        return combine(*normal, weight, no_bias_mass=mass)

    assert torch.autograd.gradcheck(scores, (asr, context))


def test_another_treatment_is_refused():
    with pytest.raises(CIFError, match="no_bias_mass must be one of 'alone', 'shared', got 'both'"):
        combined([0.75, 0.25], [0.0, 0.0, 1.0], 0.7, "both")


# --- decoding ------------------------------------------------------------------------------------


class Successor(Decoder):
    """Each token is most likely the one after the last; asked for all, it says what it was told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def forward(self, embeddings, num_fires, targets):
        self.told.append(targets.tolist())
        before = torch.nn.functional.pad(targets[:, :-1], (1, 0), value=-1)
        return 2.0 * torch.nn.functional.one_hot((before + 1) % 5, 5).float()


def test_a_decoder_that_asks_for_what_was_decided_is_told_what_both_decided():
    """Of itself it would count 0 1 2 3. The other insists on 3 at the second fire: then 4 and 0
    follow."""
    decoder, places = Successor(), []

    def insist(log_probs, now):
        places.append((now.start, now.stop))
        return log_probs + 9.0 * torch.nn.functional.one_hot(torch.tensor(3), 5) * (now.start == 1)

    ids, scores = decode_combined(decoder, torch.zeros(1, 4, 2), torch.tensor([4]), insist)
    assert ids.tolist() == [[0, 3, 4, 0]]
    assert places == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert [row[0][:step] for step, row in enumerate(decoder.told)] == [[], [0], [0, 3], [0, 3, 4]]
    sure = math.exp(2) / (math.exp(2) + 4)
    assert scores[0, 0].item() == pytest.approx(sure) == scores[0, 3].item()
    assert scores[0, 1].item() == pytest.approx(math.exp(9) / (math.exp(9) + math.exp(2) + 3))


@pytest.mark.parametrize("kind", ["nar", "projection", "ar"])
def test_where_the_recogniser_decides_alone_it_decodes_as_by_itself(kind):
    torch.manual_seed(0)
    decoder = make_decoder(DecoderConfig(kind, dim=8, heads=2), 6, 5).eval()
    embeddings, counts = torch.randn(3, 4, 6), torch.tensor([4, 2, 0])
    with torch.no_grad():
        ids, scores = decode_combined(decoder, embeddings, counts, lambda log_probs, now: log_probs)
        expected = decoder.decode(embeddings, counts)
    real = torch.arange(4) < counts.unsqueeze(1)
    assert torch.equal(ids[real], expected[0][real])
    torch.testing.assert_close(scores[real], expected[1][real])


@pytest.mark.parametrize("kind", ["nar", "projection", "ar"])
def test_where_nothing_fires_there_is_nothing_to_decode(kind):
    decoder = make_decoder(DecoderConfig(kind, dim=8, heads=2), 6, 5).eval()
    ids, scores = decode_combined(
        decoder, torch.zeros(2, 0, 6), torch.tensor([0, 0]), lambda log_probs, now: log_probs
    )
    assert ids.shape == scores.shape == (2, 0)
