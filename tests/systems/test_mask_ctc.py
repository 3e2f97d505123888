"""Mask-CTC: which tokens are masked, what the language model sees, and in which order it fills.

What it shares with `ctc` (training, padding, empty utterances, transcription) is tested in
`test_ctc_and_attention`, saving and loading in `test_checkpoints`.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cifviz.errors import CIFError
from cifviz.systems import mask_ctc
from cifviz.systems.base import Batch
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.mask_ctc import (
    MaskCTCRecognizer,
    MaskCTCRecognizerConfig,
    MaskedLanguageModel,
    largest,
    random_masks,
)
from tests.systems.tiny import VOCABULARY, noise

MASK = len(VOCABULARY)


def config(*, vocabulary=VOCABULARY, channels=16, **settings):
    return MaskCTCRecognizerConfig(
        vocabulary,
        encoder=EncoderConfig(channels=channels, kernel=3, dilations=(1, 2), dropout=0.0),
        decoder=DecoderConfig(dim=8, heads=2, layers=2, dropout=0.0),
        **settings,
    )


def made(seed=0, **settings):
    torch.manual_seed(seed)
    return MaskCTCRecognizer(config(**settings)).eval()


def language_model(seed=0):
    torch.manual_seed(seed)
    return MaskedLanguageModel(config().decoder, 16, MASK).eval()


class Scripted(MaskedLanguageModel):
    """Gives each place its token with its probability, whatever it sees; remembers that."""

    def __init__(self, ids, probabilities):
        super().__init__(config().decoder, 16, MASK)
        self.ids, self.seen = torch.tensor(ids), []
        self.probabilities = torch.tensor(probabilities)

    def forward(self, tokens, counts, encoder_out, frame_lengths):
        self.seen.append(tokens.tolist())
        others = ((1 - self.probabilities) / (MASK - 1)).unsqueeze(1).expand(-1, MASK)
        likely = others.scatter(1, self.ids.unsqueeze(1), self.probabilities.unsqueeze(1))
        return likely.log().expand(len(tokens), -1, -1)


def filled_by(model, tokens, masked, counts=None, *, iterations):
    tokens, masked = torch.tensor(tokens), torch.tensor(masked).bool()
    counts = torch.tensor(counts or [tokens.shape[1]] * len(tokens))
    frames = torch.full((len(tokens),), 9)
    encoder_out = torch.randn(len(tokens), 9, 16, generator=torch.manual_seed(5))
    with torch.inference_mode():
        return model.fill(tokens, masked, counts, encoder_out, frames, iterations=iterations)


# --- filling -------------------------------------------------------------------------------------


def test_the_easiest_masks_are_filled_first():
    """Five masks in two passes: the two most probable, then the three that are left."""
    model = Scripted([0, 1, 2, 3, 4, 0], [0.5, 0.9, 0.4, 0.8, 0.6, 0.7])
    tokens, scores = filled_by(model, [[3] * 6], [[1, 1, 0, 1, 1, 1]], iterations=2)
    assert model.seen == [[[MASK, MASK, 3, MASK, MASK, MASK]], [[MASK, 1, 3, 3, MASK, MASK]]]
    assert tokens.tolist() == [[0, 1, 3, 3, 4, 0]]
    assert scores[0].tolist() == pytest.approx([0.5, 0.9, 0, 0.8, 0.6, 0.7])


@pytest.mark.parametrize(
    ("masks", "iterations", "left"),
    [
        (4, 1, [4]),
        (4, 2, [4, 2]),
        (5, 3, [5, 4, 3]),
        (3, 10, [3, 2, 1]),
        (1, 10, [1]),
        (0, 10, []),
    ],
)
def test_the_last_pass_fills_all_that_are_left(masks, iterations, left):
    model = Scripted([1] * 5, [0.9, 0.8, 0.7, 0.6, 0.5])
    masked = [place < masks for place in range(5)]
    tokens, _ = filled_by(model, [[0] * 5], [masked], iterations=iterations)
    assert [row.count(MASK) for (row,) in model.seen] == left
    assert tokens.tolist() == [[1] * masks + [0] * (5 - masks)]


def test_each_utterance_takes_the_passes_it_needs_alone():
    model = Scripted([1] * 4, [0.9, 0.8, 0.7, 0.6])
    tokens = [[2, 3, 4, 0], [2, 2, 0, 0], [2, 3, 4, 2]]
    masked = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]
    filled, _ = filled_by(model, tokens, masked, [4, 2, 4], iterations=2)
    assert [len(rows) for rows in model.seen] == [2, 1]  # never the one without masks
    assert filled.tolist() == [[1, 1, 1, 1], [2, 1, 0, 0], [2, 3, 4, 2]]


def test_a_batch_is_filled_as_each_alone():
    model = language_model()
    nn.init.normal_(model.output.weight, std=2.0)
    rng = np.random.default_rng(0)
    counts = [7, 4, 1, 6]
    tokens = rng.integers(MASK, size=(4, 7)).tolist()
    masked = (rng.random((4, 7)) < 0.6) & (np.arange(7) < np.array(counts)[:, None])
    lengths = torch.tensor([9, 5, 2, 9])
    encoder_out = torch.randn(4, 9, 16)
    encoder_out[torch.arange(9) >= lengths[:, None]] = 7.0
    with torch.inference_mode():
        together, scores = model.fill(
            torch.tensor(tokens),
            torch.tensor(masked),
            torch.tensor(counts),
            encoder_out,
            lengths,
            iterations=3,
        )
        assert masked.sum(axis=1).tolist() == [5, 1, 0, 4]
        for row, (count, frames) in enumerate(zip(counts, lengths.tolist(), strict=True)):
            alone, own = model.fill(
                torch.tensor([tokens[row][:count]]),
                torch.tensor(masked[row : row + 1, :count]),
                torch.tensor([count]),
                encoder_out[row : row + 1, :frames],
                lengths[row : row + 1],
                iterations=3,
            )
            assert together[row, :count].tolist() == alone[0].tolist()
            torch.testing.assert_close(scores[row, :count], own[0], rtol=0, atol=1e-5)


@torch.inference_mode()
def test_a_mask_sees_the_tokens_on_both_sides_their_places_and_the_frames():
    model, counts, frames = language_model(), torch.tensor([3]), torch.tensor([9])
    encoder_out = torch.randn(1, 9, 16)

    def at_the_mask(tokens, spoken=encoder_out):
        place = tokens.index(MASK)
        return model(torch.tensor([tokens]), counts, spoken, frames)[0, place]

    start = at_the_mask([0, MASK, 1])
    others = {
        "before": at_the_mask([2, MASK, 1]),
        "behind": at_the_mask([0, MASK, 2]),
        "place": at_the_mask([MASK, 0, 1]),
        "frames": at_the_mask([0, MASK, 1], encoder_out.flip(1)),
    }
    for name, other in others.items():
        assert not torch.allclose(start, other, atol=1e-4), name
    torch.testing.assert_close(start, at_the_mask([0, MASK, 1]))


# --- masks ---------------------------------------------------------------------------------------


def encoded_as(posteriors, lengths):
    """Encoder output from which an identity as CTC head reads these posteriors."""
    encoder_out = torch.tensor(posteriors).log()
    batch = Batch.collate([torch.zeros(1, 40)] * len(encoder_out), [[]] * len(encoder_out))
    return Encoded(batch, encoder_out, torch.tensor(lengths))


def test_tokens_without_a_sure_frame_are_masked():
    """The word a has one sure frame of two, the word b none; the language model says a always."""
    model = made(vocabulary=("a", "b"), channels=3)
    nn.init.eye_(model.ctc.project.weight)
    nn.init.zeros_(model.ctc.project.bias)
    nn.init.zeros_(model.decoder.output.weight)
    model.decoder.output.bias.data = torch.tensor([0.9, 0.1]).log()
    a, b, blank = 0, 1, 2
    frames = [(blank, 0.99), (a, 0.6), (a, 0.992), (blank, 0.99), (b, 0.98), (b, 0.9)]
    posteriors = np.full((1, 6, 3), 0.0)
    for frame, (label, likely) in enumerate(frames):
        posteriors[0, frame] = (1 - likely) / 2
        posteriors[0, frame, label] = likely
    encoded = encoded_as(posteriors.astype(np.float32), [6])
    with torch.inference_mode():
        ((ids, scores, rows),) = model.decode(encoded)
        ((_, _, plain_rows),) = CTCRecognizer.decode(model, encoded)
        assert ids == [a, a]
        assert scores == pytest.approx([(0.6 + 0.992) / 2, 0.9], abs=1e-5)
        assert torch.equal(rows, plain_rows)
        for threshold, expected in ((0.97, [a, b]), (0.98001, [a, a]), (0.0, [a, b])):
            model.config = replace(model.config, mask_threshold=threshold)
            ((ids, _, _),) = model.decode(encoded)
            assert ids == expected, threshold


def test_a_token_is_sure_by_its_own_frames():
    """Of two words a the second is not sure, however sure the first one is."""
    model = made(vocabulary=("a", "b"), channels=3)
    nn.init.eye_(model.ctc.project.weight)
    nn.init.zeros_(model.ctc.project.bias)
    nn.init.zeros_(model.decoder.output.weight)
    model.decoder.output.bias.data = torch.tensor([0.1, 0.9]).log()
    posteriors = [[0.996, 0.002, 0.002], [0.002, 0.002, 0.996], [0.8, 0.1, 0.1]]
    with torch.inference_mode():
        ((ids, _, _),) = model.decode(encoded_as([posteriors], [3]))
    assert ids == [0, 1]


def test_without_masks_it_is_plain_ctc():
    model = made(mask_threshold=0.0)
    plain = CTCRecognizer(CTCRecognizerConfig(VOCABULARY, encoder=model.config.encoder)).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    calls = []
    model.decoder.register_forward_hook(lambda *call: calls.append(call))
    one, two = model.transcribe(noise(1.0)), plain.transcribe(noise(1.0))
    assert one.tokens == two.tokens != ()
    assert one.scores == pytest.approx(two.scores)
    assert torch.equal(one.rows, two.rows) and not calls


def test_with_masks_tokens_change_and_their_number_and_times_do_not():
    model = made(mask_threshold=2.0)
    nn.init.normal_(model.decoder.output.weight, std=3.0)
    one = model.transcribe(noise(1.0))
    model.config = replace(model.config, mask_threshold=0.0)
    plain = model.transcribe(noise(1.0))
    assert one.tokens != plain.tokens
    assert len(one.tokens) == len(plain.tokens) > 3
    assert torch.equal(one.rows, plain.rows)
    assert one.alignment.spans == plain.alignment.spans


def test_transcribing_under_autocast_gives_as_many_tokens_with_scores():
    model = made()
    with torch.autocast("cpu", torch.bfloat16):
        one = model.transcribe(noise(1.0))
    assert len(one.tokens) > 3
    assert all(0 < score <= 1 for score in one.scores)


def test_a_language_model_that_computes_nothing_finite_is_named():
    model = made(mask_threshold=2.0)
    nn.init.constant_(model.decoder.output.weight, 3e38)
    with pytest.raises(CIFError, match="the model computes NaN or infinity for this sound"):
        model.transcribe(noise(1.0))


# --- losses --------------------------------------------------------------------------------------


def test_masks_are_drawn_as_often_in_any_number_and_any_place():
    torch.manual_seed(0)
    masks = torch.stack([random_masks(torch.tensor([3, 1, 0]), 4) for _ in range(3000)])
    assert masks[:, 1].tolist() == [[True, False, False, False]] * 3000
    assert not masks[:, 2].any() and not masks[:, 0, 3].any()
    numbers = torch.bincount(masks[:, 0].sum(dim=1), minlength=4)
    assert numbers[0] == 0
    assert all(abs(number - 1000) < 150 for number in numbers[1:].tolist())  # 5.8 deviations
    places = masks[:, 0, :3].sum(dim=0)
    assert all(abs(number - 2000) < 150 for number in places.tolist())


def test_the_largest_of_some_are_found_and_never_others():
    values = torch.tensor([[0.1, 0.9, 0.5, 0.5], [0.0, 0.0, 0.0, 1.0]])
    among = torch.tensor([[True, False, True, True], [True, False, True, False]])
    found = [largest(values, among, torch.tensor([n, n])).int().tolist() for n in range(4)]
    assert found == [
        [[0, 0, 0, 0], [0, 0, 0, 0]],
        [[0, 0, 1, 0], [1, 0, 0, 0]],
        [[0, 0, 1, 1], [1, 0, 1, 0]],
        [[1, 0, 1, 1], [1, 0, 1, 0]],
    ]


def loss_of(model, targets, **settings):
    counts = torch.tensor([sum(token >= 0 for token in row) for row in targets])
    encoder_out = torch.randn(len(targets), 9, 16, generator=torch.manual_seed(5))
    frames = torch.full((len(targets),), 9)
    settings = {"label_smoothing": 0.0, **settings}
    return model.loss(encoder_out, frames, torch.tensor(targets), counts, **settings)


def test_the_loss_by_hand():
    """Whatever it sees, it gives the tokens (.4, .3, .1, .1, .1); tokens 0, 1 and 4 are masked."""
    model = language_model()
    nn.init.zeros_(model.output.weight)
    model.output.bias.data = torch.tensor([0.4, 0.3, 0.1, 0.1, 0.1]).log()
    logs = [math.log(p) for p in (0.4, 0.3, 0.1, 0.1, 0.1)]
    expected = -(logs[0] + logs[1] + logs[4]) / 3
    assert loss_of(model, [[0, 1], [4, -1]]).item() == pytest.approx(expected, rel=1e-5)
    smooth = loss_of(model, [[0, 1], [4, -1]], label_smoothing=0.1).item()
    assert smooth == pytest.approx(0.9 * expected - 0.1 * sum(logs) / 5, rel=1e-5)


def test_masks_alone_are_learned_and_the_other_tokens_are_told(monkeypatch):
    masked = torch.tensor([[True, False, False], [False, True, False]])
    monkeypatch.setattr(mask_ctc, "random_masks", lambda counts, width: masked)
    model, seen = language_model().train(), []
    model.register_forward_hook(lambda module, inputs, logits: seen.append((inputs[0], logits)))
    loss = loss_of(model, [[0, 1, 2], [3, 4, -1]])
    ((given, logits),) = seen
    assert given[0].tolist() == [MASK, 1, 2] and given[1, :2].tolist() == [3, MASK]
    log_probs = logits.log_softmax(dim=2)
    torch.testing.assert_close(loss, -(log_probs[0, 0, 0] + log_probs[1, 1, 4]) / 2)


def test_in_evaluation_every_token_is_masked():
    model, seen = language_model(), []
    model.register_forward_hook(lambda module, inputs, logits: seen.append(inputs[0]))
    assert torch.equal(loss_of(model, [[0, 1], [3, -1]]), loss_of(model, [[0, 1], [3, -1]]))
    assert seen[0][0].tolist() == [MASK, MASK] and seen[0][1, 0] == MASK


def test_gradients_are_right():
    model = made(channels=4).double()
    lengths, counts = torch.tensor([16, 9]), torch.tensor([2, 1])
    targets = torch.tensor([[1, 2], [3, -1]])
    spans = torch.full((2, 2, 2), -1.0).double()

    def losses(features):
        return tuple(model(Batch(features, lengths, targets, counts, spans)).values())

    torch.manual_seed(2)
    features = torch.randn(2, 16, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(losses, features, fast_mode=True)


# --- configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mask_threshold": -0.1}, "mask_threshold must be a number >= 0, got -0.1"),
        ({"iterations": 0}, "iterations must be an integer > 0, got 0"),
        ({"iterations": 1.5}, "iterations must be an integer > 0, got 1.5"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        config(**settings)


def test_integers_beyond_64_bits_are_numbers_like_others():
    one, large = (made(mask_threshold=number, iterations=number) for number in (100, 10**30))
    found = large.transcribe(noise(1.0))
    assert len(found.tokens) > 2
    assert found.tokens == one.transcribe(noise(1.0)).tokens  # each in a pass of its own
    assert made(prior_weight=10**30).transcribe(noise(1.0)).tokens


def test_its_configuration_is_its_own():
    own = config(mask_threshold=0.999, iterations=3)
    assert MaskCTCRecognizerConfig.from_dict(json.loads(json.dumps(own.to_dict()))) == own
    assert own.num_layers == own.encoder.num_layers + 2
    assert (config().mask_threshold, config().iterations) == (0.99, 10)
