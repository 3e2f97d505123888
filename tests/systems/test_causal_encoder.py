"""No encoder frame sees what comes after it, and one frame at a time is the same as all at once."""

import pytest
import torch

from cifviz.systems.causal_encoder import CausalEncoder
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.systems.feature_normalisation import normalise, running_normalise


def tiny(**settings):
    torch.manual_seed(0)
    given = {"n_mels": 5, "channels": 6, "kernel": 3, "dilations": (1, 2), **settings}
    return CausalEncoder(EncoderConfig(**given)).eval()


def stepped(encoder, features):
    state, size, frames = encoder.start(), encoder.config.down_sampling, []
    for first in range(0, len(features), size):
        frame, state = encoder.step(features[first : first + size], state)
        frames.append(frame)
    return torch.stack(frames) if frames else torch.zeros(0, encoder.config.channels)


@pytest.mark.parametrize("down_sampling", [1, 2, 4, 8])
def test_a_frame_depends_on_its_own_features_and_on_those_before_it(down_sampling):
    encoder = tiny(down_sampling=down_sampling)
    features = torch.randn(1, 40, 5)
    whole, _ = encoder(features, torch.tensor([40]))
    for frame in range(40 // down_sampling):
        later = features.clone()
        later[:, (frame + 1) * down_sampling :] += 1
        changed, _ = encoder(later, torch.tensor([40]))
        torch.testing.assert_close(changed[:, : frame + 1], whole[:, : frame + 1])
        if frame + 1 < whole.shape[1]:
            assert (changed[:, frame + 1] - whole[:, frame + 1]).abs().max() > 1e-3


def test_the_usual_encoder_does_look_ahead():
    encoder = Encoder(EncoderConfig(n_mels=5, channels=6, kernel=3, dilations=(1, 2))).eval()
    features = torch.randn(1, 40, 5)
    later = features.clone()
    later[:, 20:] += 1
    whole, changed = (encoder(one, torch.tensor([40]))[0] for one in (features, later))
    assert (changed[:, 4] - whole[:, 4]).abs().max() > 1e-3


@pytest.mark.parametrize("frames", [0, 1, 3, 4, 5, 7, 8, 21, 64])
@pytest.mark.parametrize("down_sampling", [1, 2, 4])
def test_step_by_step_is_all_at_once(frames, down_sampling):
    encoder = tiny(down_sampling=down_sampling)
    features = torch.randn(frames, 5)
    whole, lengths = encoder(features[None], torch.tensor([frames]))
    assert int(lengths) == whole.shape[1] == -(-frames // down_sampling)
    torch.testing.assert_close(stepped(encoder, features), whole[0], rtol=0, atol=1e-5)


def test_alone_is_as_in_a_batch_whatever_stands_behind_it():
    encoder, lengths = tiny(), torch.tensor([37, 10, 0])
    features = torch.randn(3, 37, 5)
    together, frames = encoder(features, lengths)
    assert frames.tolist() == [10, 3, 0]
    for row, (length, count) in enumerate(zip(lengths.tolist(), frames.tolist(), strict=True)):
        alone, _ = encoder(features[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(together[row, :count], alone[0], rtol=0, atol=1e-5)
        assert not together[row, count:].any()


def test_what_is_remembered_does_not_grow():
    encoder = tiny()
    state = encoder.start()
    size = state.size
    for _ in range(5):
        _, state = encoder.step(torch.randn(4, 5), state)
        assert state.size == size


def test_gradients_reach_the_past_alone():
    encoder = tiny()
    features = torch.randn(1, 24, 5, requires_grad=True)
    out, _ = encoder(features, torch.tensor([24]))
    (slopes,) = torch.autograd.grad(out[0, 2].square().sum(), features)
    assert slopes[0, :12].abs().sum() > 0
    assert not slopes[0, 12:].any()


def test_running_normalisation_is_causal_and_piece_by_piece_the_same():
    torch.manual_seed(1)
    features = 4 * torch.randn(30, 5) - 6
    whole = running_normalise(features)
    for first in (0, 1, 13, 30):
        torch.testing.assert_close(running_normalise(features[:first]), whole[:first])
        loudest = max([-12.0, *features[:first].mean(dim=1).tolist()])
        torch.testing.assert_close(running_normalise(features[first:], loudest), whole[first:])


def test_where_the_first_frame_is_the_loudest_it_is_the_usual_one_but_for_the_colour():
    flat = torch.tensor([[1.0] * 4, [-3.0] * 4, [-30.0] * 4])
    torch.testing.assert_close(running_normalise(flat), normalise(flat))
