"""The decoder that sees all tokens at once: what marks the place of a token."""

import torch

from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.unmasked_decoder import UnmaskedDecoder


def test_equal_tokens_are_told_apart_by_their_places_alone():
    torch.manual_seed(0)
    decoder = UnmaskedDecoder(DecoderConfig(dim=8, heads=2), channels=4).eval()
    tokens = torch.randn(1, 1, 8).expand(1, 3, 8)
    frames, counts, lengths = torch.randn(1, 5, 4), torch.tensor([3]), torch.tensor([5])
    with torch.no_grad():
        first, second, third = decoder(tokens, counts, frames, lengths)[0]
    for one, other in ((first, second), (second, third), (first, third)):
        assert (one - other).abs().max() > 0.01


def test_the_order_of_frames_counts():
    torch.manual_seed(0)
    decoder = UnmaskedDecoder(DecoderConfig(dim=8, heads=2), channels=4).eval()
    tokens, frames = torch.randn(1, 2, 8), torch.randn(1, 5, 4)
    counts, lengths = torch.tensor([2]), torch.tensor([5])
    with torch.no_grad():
        forth = decoder(tokens, counts, frames, lengths)
        back = decoder(tokens, counts, frames.flip(1), lengths)
    assert (forth - back).abs().max() > 0.01
