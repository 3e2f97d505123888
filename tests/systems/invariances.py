"""What holds for every system: the tests of one system call these with a model and a batch."""

import torch

from cifviz.systems.base import Batch


def batch_of(*targets):
    """Noise of three lengths, an utterance for each list of targets."""
    features = [torch.randn(60 - 16 * n, 40, generator=torch.manual_seed(n)) for n in range(3)]
    return Batch.collate(features[: len(targets)], targets)


def each_alone(together):
    """The utterances of a batch, each a batch without padding."""
    utterances = zip(
        together.features,
        together.lengths.tolist(),
        together.targets.tolist(),
        together.target_lengths.tolist(),
        together.spans,
        strict=True,
    )
    return [
        Batch.collate([features[:frames]], [targets[:tokens]], [spans[:tokens]])
        for features, frames, targets, tokens, spans in utterances
    ]


def assert_losses_are_means_per_token(model, together, **asked):
    """Utterances together lose, per token, the mean of what they lose alone."""
    alone = [model(one, **asked) for one in each_alone(together)]
    counts = together.target_lengths.tolist()
    for name, loss in model(together, **asked).items():
        expected = sum(n * one[name] for n, one in zip(counts, alone, strict=True)) / sum(counts)
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5, msg=name)


def assert_padding_is_not_looked_at(model, together):
    """What stands behind the frames of an utterance changes no loss."""
    encoded = model.encode(together)
    losses = model.losses(encoded)
    frames = torch.arange(encoded.encoder_out.shape[1])
    behind = frames >= encoded.frame_lengths.unsqueeze(1)
    assert behind.any()
    encoded.encoder_out[behind] = 100
    for name, loss in model.losses(encoded).items():
        torch.testing.assert_close(loss, losses[name], msg=name)
