"""Which segments a token sees, and what is made of them."""

import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.segment_decoder import USES, SegmentDecoder

CONFIG = DecoderConfig(dim=8, layers=2, heads=2, dropout=0.0)


def tiny(uses, seed=0):
    torch.manual_seed(seed)
    return SegmentDecoder(CONFIG, channels=6, vocabulary=3, uses=uses).eval()


def seen_by_steps(decoder, counts, steps, wait):
    """For each step which segments its logits depend on."""
    segments = torch.randn(1, 6, 6, requires_grad=True)
    previous = torch.zeros(1, steps, dtype=torch.long)
    logits, _ = decoder(previous, segments, torch.tensor([counts]), wait=wait)
    found = []
    for step in range(steps):
        (slopes,) = torch.autograd.grad(logits[0, step].square().sum(), segments, retain_graph=True)
        found.append([n for n in range(6) if slopes[0, n].any()])
    return found


def test_a_step_looks_back_to_all_segments_that_are_complete():
    decoder = tiny("look-back")
    assert seen_by_steps(decoder, 6, 3, 1) == [[0], [0, 1], [0, 1, 2]]
    assert seen_by_steps(decoder, 6, 3, 3) == [[0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]]
    assert seen_by_steps(decoder, 2, 4, 1) == [[0], [0, 1], [0, 1], [0, 1]]


def test_a_fusion_takes_the_segment_of_its_place_and_the_last_one_again():
    """The tokens before see theirs, and self-attention sees those."""
    decoder = tiny("fusion")
    assert seen_by_steps(decoder, 2, 4, 3) == [[0], [0, 1], [0, 1], [0, 1]]
    segments, previous = torch.randn(1, 2, 6), torch.zeros(1, 4, dtype=torch.long)
    _, shares = decoder(previous, segments, torch.tensor([2]))
    assert shares[0].tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]


def test_a_fusion_by_hand():
    """out = W_o · GELU(W_q · x + W_k · e)."""
    fusion = tiny("fusion").layers[0].across
    hidden, segments = torch.randn(1, 2, 8), torch.randn(1, 2, 8)
    own = torch.tensor([[1, 2]])
    found, _ = fusion(hidden, segments, own, own)
    expected = torch.nn.functional.gelu(fusion.query(hidden[0, 1]) + fusion.key(segments[0, 1]))
    torch.testing.assert_close(found[0, 1], fusion.output(expected))


@pytest.mark.parametrize("uses", USES)
def test_later_tokens_and_other_utterances_change_nothing(uses):
    decoder = tiny(uses)
    segments, counts = torch.randn(2, 4, 6), torch.tensor([4, 2])
    previous = torch.tensor([[3, 0, 1], [3, 2, 2]])
    logits, shares = decoder(previous, segments, counts, wait=2)
    alone, own = decoder(previous[1:, :2], segments[1:, :2], counts[1:], wait=2)
    torch.testing.assert_close(logits[1:, :2], alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(shares[1:, :2, :2], own, rtol=0, atol=1e-6)
    torch.testing.assert_close(shares.sum(dim=2), torch.ones(2, 3))
    segments[1, 2:] = 1e6  # padding
    again, _ = decoder(previous, segments, counts, wait=2)
    torch.testing.assert_close(again, logits)


@pytest.mark.parametrize("uses", USES)
@pytest.mark.parametrize("size", [0, 2])
def test_without_a_segment_there_are_logits_and_no_shares(uses, size):
    decoder = tiny(uses)
    previous = torch.full((1, 1), 3)
    logits, shares = decoder(previous, torch.zeros(1, size, 6), torch.tensor([0]))
    assert logits.isfinite().all() and logits.shape == (1, 1, 4)
    assert shares.shape == (1, 1, size) and not shares.any()


def test_another_use_is_refused():
    with pytest.raises(CIFError, match="uses must be one of 'look-back', 'fusion', got 'all'"):
        SegmentDecoder(CONFIG, 6, 3, uses="all")
