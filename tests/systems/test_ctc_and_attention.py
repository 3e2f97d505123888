"""CTC, its variants and attention: they learn; an utterance alone is as in a batch."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.errors import AudioError, CIFError
from cifviz.systems.attention import AttentionRecognizer, AttentionRecognizerConfig
from cifviz.systems.attention_decoder import positions
from cifviz.systems.base import Batch
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.ctc_head import PRIOR_DECAY, CTCHead, collapse, path_loss
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.intermediate_ctc import IntermediateCTCRecognizer
from cifviz.systems.mask_ctc import MaskCTCRecognizer
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.systems.self_conditioned_ctc import SelfConditionedCTCRecognizer
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, fit
from tests.repeats import others_long
from tests.systems.invariances import assert_losses_are_means_per_token
from tests.systems.tiny import VOCABULARY, noise, tiny_config, tiny_recognizer

BLANK = len(VOCABULARY)
KINDS = {
    "ctc": (CTCRecognizer, {}),
    "priors": (CTCRecognizer, {"prior_weight": 0.3}),
    "attention": (AttentionRecognizer, {}),
    "intermediate": (IntermediateCTCRecognizer, {}),
    "self-conditioned": (SelfConditionedCTCRecognizer, {}),
    "mask": (MaskCTCRecognizer, {}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def config_of(kind, *, n_mels=40, down_sampling=4, **settings):
    parts = tiny_config(n_mels=n_mels, down_sampling=down_sampling)
    system, own = KINDS[kind]
    if system in (AttentionRecognizer, MaskCTCRecognizer):
        own = {"decoder": parts.decoder}
    given = {"features": parts.features, "encoder": parts.encoder, **own, **settings}
    return system.Config(VOCABULARY, **given)


def tiny(kind, seed=13, **settings):  # with which all of them give some tokens, then stop
    torch.manual_seed(seed)
    return KINDS[kind][0](config_of(kind, **settings)).eval()


def silence(seconds):
    return Waveform(np.zeros(round(16_000 * seconds), dtype=np.float32))


def example(rng):
    """A word is a band that is loud for eight frames, with silence around it."""
    tokens = rng.integers(len(VOCABULARY), size=rng.integers(1, 4)).tolist()
    features = -torch.ones(12 * len(tokens) + 4, 6)
    for place, token in enumerate(tokens):
        features[12 * place + 4 : 12 * place + 12, token] = 1
    features += 0.3 * torch.from_numpy(rng.normal(size=features.shape)).float()
    return Example(features, tokens, torch.full((len(tokens), 2), -1.0, dtype=torch.float64))


def batch_of(size, seed=99):
    rng = np.random.default_rng(seed)
    return Batch.collate(*zip(*(example(rng) for _ in range(size)), strict=True))


def trained(kind, folder, steps, **settings):
    model = tiny(kind, n_mels=6, down_sampling=2, **settings)
    config = FitConfig(
        steps=steps, batch_size=8, learning_rate=5e-3, warmup=5, averaging=0.9, save_every=steps
    )
    return fit(model, example, config, folder=folder, progress=False)


# --- training ------------------------------------------------------------------------------------


@every_kind
def test_every_loss_falls(tmp_path, kind):
    model, history = trained(kind, tmp_path, 30)
    batch = batch_of(16)
    start = tiny(kind, n_mels=6, down_sampling=2)
    with torch.no_grad():
        before, after = start(batch), model(batch)
    assert before.keys() == start.loss_weights.keys()
    for name in before:
        assert after[name] < before[name] - 0.1 * before[name].abs(), name
    assert not model.training
    assert history[-1].keys() == {"step", "loss", *after}


def test_attention_learns_to_say_the_words_and_to_stop(tmp_path):
    model, _ = trained("attention", tmp_path, 250)
    batch = batch_of(16)
    with torch.inference_mode():
        decoded = model.decoder.decode(*model.encoder(batch.features, batch.lengths))
    right = [
        ids == targets[:count].tolist()
        for (ids, _, _), targets, count in zip(
            decoded, batch.targets, batch.target_lengths, strict=True
        )
    ]
    assert np.mean(right) > 0.7


@pytest.mark.long
def test_a_masked_language_model_learns_to_hear_all_the_words(tmp_path):
    """Where CTC tells it no more than their number."""
    model, _ = trained("mask", tmp_path, 250, mask_threshold=2.0)
    batch = batch_of(16)
    with torch.inference_mode():
        decoded = model.decode(model.encode(batch))
    right = [
        ids == targets[:count].tolist()
        for (ids, _, _), targets, count in zip(
            decoded, batch.targets, batch.target_lengths, strict=True
        )
    ]
    assert np.mean(right) > 0.7


@pytest.mark.long
def test_with_priors_tokens_last_longer_and_are_still_heard(tmp_path):
    """After the same steps from the same seed; a word lasts 4 of the encoder's frames."""
    batch = batch_of(32)
    lengths, blanks, wrong = {}, {}, {}
    for kind, weight in (("ctc", 0.0), ("priors", 0.05)):
        model, _ = trained(kind, tmp_path / kind, 400, prior_weight=weight)
        with torch.inference_mode():
            encoder_out, frames = model.encoder(batch.features, batch.lengths)
            decoded = model.ctc.decode(encoder_out, frames)
            log_probs = model.ctc(encoder_out)
        scores = model.ctc.scores(log_probs)
        spans = ctc_viterbi(scores, frames, batch.targets, batch.target_lengths, blank=BLANK)
        spans = spans[spans[:, :, 0] >= 0].double()
        lengths[kind] = (spans[:, 1] - spans[:, 0]).mean()
        blanks[kind] = model.ctc.priors[BLANK]
        wrong[kind] = np.mean(
            [
                ids != targets[targets >= 0].tolist()
                for (ids, _, _), targets in zip(decoded, batch.targets, strict=True)
            ]
        )
    assert lengths["ctc"] < 3.2 < 4 < lengths["priors"]
    assert blanks["priors"] < 0.75 * blanks["ctc"]
    assert wrong["ctc"] <= 0.1 and wrong["priors"] <= 0.1


@every_kind
def test_phones_can_be_learned_beside(kind):
    pronunciations = [(0, 1), (2,), (1, 0, 3), (3, 3), (4,), (2, 4)]
    learner = PhoneticLearner(tiny(kind), pronunciations)
    features = [torch.randn(60, 40), torch.randn(48, 40)]
    known, both = Batch.collate(features[:1], [[1, 2]]), Batch.collate(features, [[1, 2], [0, 5]])
    alone, together = learner(known), learner(both)
    plain = learner.recognizer(known)
    torch.testing.assert_close(alone["ctc"], plain["ctc"])
    torch.testing.assert_close(together["ctc"], plain["ctc"])
    assert alone.keys() == together.keys() == {*plain, "phones"}


@every_kind
def test_a_loss_on_weights_is_refused(tmp_path, kind):
    config = FitConfig(steps=1, loss_weights={"segments": 1.0})
    with pytest.raises(CIFError, match="loss must be one of .*'ctc'.* got 'segments'"):
        fit(tiny(kind), example, config, folder=tmp_path, progress=False)


# --- losses --------------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize(
    "targets",
    [[[1, 2, 3], [0]], [[1, 2, 3], []], [[], []], [[4] * 40, [1]]],
    ids=["words", "one empty", "all empty", "more tokens than frames"],
)
def test_losses_and_gradients_are_finite(kind, targets):
    model = tiny(kind).train()
    losses = model(Batch.collate([torch.randn(60, 40), torch.randn(21, 40)], targets))
    torch.stack(list(losses.values())).sum().backward()
    assert all(loss.isfinite() for loss in losses.values())
    for name, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


@every_kind
def test_utterances_without_frames_lose_nothing_by_ctc(kind):
    model = tiny(kind).train()
    losses = model(Batch.collate([torch.zeros(0, 40)] * 2, [[], []]))
    torch.stack(list(losses.values())).sum().backward()
    assert losses["ctc"] == 0
    assert all(loss.isfinite() for loss in losses.values())
    assert torch.equal(model.ctc.priors, torch.full((BLANK + 1,), 1 / (BLANK + 1)))


@every_kind
def test_an_utterance_without_frames_changes_nothing_of_another(kind):
    model = tiny(kind)
    features = torch.randn(60, 40)
    alone = model(Batch.collate([features], [[1, 2]]))
    beside = model(Batch.collate([features, features[:0]], [[1, 2], []]))
    torch.stack(list(beside.values())).sum().backward()
    torch.testing.assert_close(beside["ctc"], alone["ctc"])
    for name, loss in beside.items():
        assert loss.isfinite() and loss >= alone[name] - 1e-5
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in model.parameters())


@every_kind
def test_losses_do_not_depend_on_padding(kind):
    features, targets = [torch.randn(60, 40), torch.randn(21, 40)], [[1, 2, 3, 4, 0, 1], [0, 1, 2]]
    assert_losses_are_means_per_token(tiny(kind), Batch.collate(features, targets))


@every_kind
def test_autocast_loses_about_the_same_and_has_finite_gradients(kind):
    model = tiny(kind)
    batch = Batch.collate([torch.randn(60, 40), torch.randn(21, 40)], [[1, 2, 3], []])
    exact = model(batch)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(batch)
        for name, loss in losses.items():
            assert loss.item() == pytest.approx(exact[name].item(), rel=0.1), name
        torch.stack([loss.float() for loss in model.train()(batch).values()]).sum().backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in model.parameters())


@pytest.mark.parametrize("kind", ["ctc", "attention"])
def test_ctc_is_that_of_a_recognizer(kind):
    recognizer, model = tiny_recognizer(), tiny(kind)
    model.encoder.load_state_dict(recognizer.encoder.state_dict())
    model.ctc.project.load_state_dict(recognizer.ctc.state_dict())
    batch = Batch.collate([torch.randn(60, 40), torch.randn(21, 40)], [[1, 2, 2], [0] * 9])
    torch.testing.assert_close(model(batch)["ctc"], recognizer(batch)["ctc"])


def all_paths(scores, targets):
    """The sum over all paths, one by one."""
    frames, labels = scores.shape
    reference = []
    for path in itertools.product(range(labels), repeat=frames):
        ids = [label for label, _ in itertools.groupby(path) if label != labels - 1]
        if ids == targets:
            reference.append(scores[torch.arange(frames), list(path)].sum())
    return -torch.stack(reference).logsumexp(dim=0)


@pytest.mark.parametrize("targets", [[0], [0, 1], [1, 1], []], ids=str)
def test_loss_and_gradient_of_scores_are_those_of_all_paths(targets):
    torch.manual_seed(len(targets))
    scores = (2 * torch.randn(4, 3, dtype=torch.float64)).requires_grad_()
    expected = all_paths(scores, targets)
    (gradient,) = torch.autograd.grad(expected, scores)
    padded = F.pad(scores, (0, 0, 0, 2), value=5.0)[None]
    ids, count = torch.tensor([[*targets, -1, -1]]), torch.tensor([len(targets)])
    loss = path_loss(padded, torch.tensor([4]), ids, count)
    torch.testing.assert_close(loss[0], expected)
    torch.testing.assert_close(torch.autograd.grad(loss.sum(), scores)[0], gradient)


def test_too_few_frames_for_the_tokens_lose_nothing():
    scores = torch.randn(2, 3, 3, requires_grad=True)
    targets, lengths = torch.tensor([[0, 0, 1], [0, 1, 0]]), torch.tensor([3, 3])
    loss = path_loss(scores, torch.tensor([3, 3]), targets, lengths)
    loss.sum().backward()
    assert loss[0] == 0 and loss[1] != 0  # the first needs a blank between its equal tokens
    assert not scores.grad[0].any() and scores.grad[1].any()


# --- priors --------------------------------------------------------------------------------------


def test_priors_start_uniform_and_then_change_no_gradient():
    plain, prior = tiny("ctc").train(), tiny("priors").train()
    batch = Batch.collate([torch.randn(60, 40)], [[1, 2]])
    for model in (plain, prior):
        assert torch.equal(model.ctc.priors, torch.full((BLANK + 1,), 1 / (BLANK + 1)))
        torch.manual_seed(3)
        model(batch)["ctc"].backward()
    for mine, its in zip(plain.parameters(), prior.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad, rtol=1e-4, atol=1e-6)


def test_priors_follow_the_mean_posterior_of_real_frames():
    model = tiny("priors", encoder=EncoderConfig(channels=16, dilations=(), dropout=0.0))
    model.train()
    features = [torch.randn(60, 40), torch.randn(8, 40)]
    for _ in range(2):
        start = model.ctc.priors.clone()
        batch = Batch.collate(features, [[1, 2], [3]])
        with torch.no_grad():
            log_probs = model.ctc(model.encoder(batch.features, batch.lengths)[0])
        expected = torch.cat([log_probs[0], log_probs[1, :2]]).exp().mean(dim=0)
        model(batch)
        torch.testing.assert_close(
            model.ctc.priors, PRIOR_DECAY * start + (1 - PRIOR_DECAY) * expected
        )
        assert model.ctc.priors.sum().item() == pytest.approx(1, abs=1e-5)


def test_priors_ignore_padding():
    """Alone in its batch or beside one that is longer, and has no frame that counts."""
    estimated = []
    for others in ([], [torch.full((200, 40), 9.0)]):
        model = tiny("priors", encoder=EncoderConfig(channels=16, dropout=0.0)).train()
        batch = Batch.collate([torch.randn(30, 40, generator=torch.manual_seed(0)), *others], [[1]])
        lengths = torch.tensor([30] + [0] * len(others))
        targets = F.pad(batch.targets, (0, 0, 0, len(others)), value=-1)
        counts = torch.tensor([1] + [0] * len(others))
        model(Batch(batch.features, lengths, targets, counts, batch.spans))
        estimated.append(model.ctc.priors)
    torch.testing.assert_close(*estimated)


def test_priors_stay_in_evaluation_mode_and_in_transcribing():
    model = tiny("priors")
    start = model.ctc.priors.clone()
    model(Batch.collate([torch.randn(60, 40)], [[1, 2]]))
    model.transcribe(noise(0.5))
    assert torch.equal(model.ctc.priors, start)


def test_priors_learn_from_a_batch_after_its_loss():
    batch = Batch.collate([torch.randn(60, 40)], [[1, 2]])
    model = tiny("priors", encoder=EncoderConfig(channels=16, dropout=0.0)).train()
    losses = [model(batch)["ctc"] for _ in range(2)]
    model = tiny("priors", encoder=model.config.encoder)
    torch.testing.assert_close(model(batch)["ctc"], losses[0])
    assert not torch.isclose(losses[0], losses[1])


def test_fit_returns_the_priors_that_it_learned(tmp_path):
    model, _ = trained("priors", tmp_path, 10)
    assert (model.ctc.priors - 1 / (BLANK + 1)).abs().max() > 1e-3


def test_scores_take_off_priors_down_to_a_floor():
    head = CTCHead(4, 2, prior_weight=0.5)
    head.priors[:] = torch.tensor([0.25, 0.0, 0.75])
    taken = -head.scores(torch.zeros(1, 1, 3)).flatten()
    expected = [math.log(0.25) / 2, -6.0, math.log(0.75) / 2]
    assert taken.tolist() == pytest.approx(expected)


# --- CTC decoding --------------------------------------------------------------------------------


def head_that_hears(probabilities, **settings):
    """A head, and encoder output from which it reads these posteriors (frames, labels)."""
    probabilities = torch.tensor(probabilities)
    head = CTCHead(probabilities.shape[1], probabilities.shape[1] - 1, **settings).eval()
    torch.nn.init.eye_(head.project.weight)
    torch.nn.init.zeros_(head.project.bias)
    return head, probabilities.log()[None]


@torch.inference_mode()
def test_greedy_tokens_by_hand():
    """Silence, "a" for two frames, silence, "a", "b" for two frames; then padding."""
    likely = [2, 0, 0, 2, 0, 1, 1, 1]
    head, hypothesis = head_that_hears((0.1 + 0.7 * torch.eye(3)[likely]).tolist())
    ((ids, scores, rows),) = head.decode(hypothesis, torch.tensor([7]))
    assert ids == [0, 0, 1]
    assert scores == pytest.approx([0.8] * 3)
    assert rows.tolist() == [
        [0, 0.5, 0.5, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0.5, 0.5],
    ]


@torch.inference_mode()
def test_priors_decide_about_the_frames_of_tokens_and_not_about_the_tokens():
    likely = [0.1, 0.45, 0.8, 0.4, 0.1, 0.45, 0.1]  # with the priors twice, without once
    posteriors = [[token, 1 - token] for token in likely]
    for weight, expected in ((0.0, [2]), (1.0, [1, 2, 3])):
        head, hypothesis = head_that_hears(posteriors, prior_weight=weight)
        head.priors[:] = torch.tensor([0.3, 0.7])
        ((ids, scores, rows),) = head.decode(hypothesis, torch.tensor([7]))
        assert ids == [0]
        assert rows[0].nonzero().flatten().tolist() == expected
        assert scores[0] == pytest.approx(np.mean([likely[frame] for frame in expected]))


def test_collapse_of_nothing_is_nothing():
    nothing = collapse(torch.zeros(2, 0, dtype=torch.long), blank=3)
    assert [len(tokens) for tokens in nothing] == [0, 0]


# --- attention decoding --------------------------------------------------------------------------


def never_ending(**settings):
    model = tiny("attention", **settings)
    with torch.no_grad():
        model.decoder.output.bias[model.decoder.mark] = -1e9
    return model


def test_attention_stops_at_its_limit():
    """One token for each 4 frames, and 10 more: 25 frames a second."""
    hypothesis = never_ending().transcribe_batch([noise(3.0), noise(0.02), silence(0), noise(1.0)])
    assert [len(one.tokens) for one in hypothesis] == [75 // 4 + 10, 0 + 10, 0, 25 // 4 + 10]


def test_the_mark_at_once_is_an_empty_transcription():
    model = tiny("attention")
    with torch.no_grad():
        model.decoder.output.bias[model.decoder.mark] = 1e9
    hypothesis = model.transcribe(noise(1.0))
    assert hypothesis.tokens == hypothesis.scores == ()
    assert hypothesis.rows.shape == (0, 25)


@torch.inference_mode()
def test_decoding_step_by_step_equals_reading_all_tokens_at_once():
    model = never_ending(decoder=DecoderConfig(dim=16, layers=2, heads=2))
    encoder_out, lengths = torch.randn(1, 9, 16), torch.tensor([9])
    ((ids, scores, rows),) = model.decoder.decode(encoder_out, lengths)
    assert len(set(ids)) > 1
    seen = {}
    for name in ("layers.1.across", "output"):
        model.decoder.get_submodule(name).register_forward_hook(
            lambda module, inputs, found, name=name: seen.update({name: (inputs, found)})
        )
    targets = torch.tensor([ids])
    model.decoder.loss(encoder_out, lengths, targets, torch.tensor([12]), label_smoothing=0.0)
    probabilities = seen["output"][1].softmax(dim=2)[0, :12]
    torch.testing.assert_close(
        probabilities[range(12), ids], torch.tensor(scores), rtol=0, atol=1e-5
    )
    # Where the last layer looks, by hand: each head's softmax, and their mean.
    queries, (keys, _), _ = seen["layers.1.across"][0]
    queries = model.decoder.layers[1].across.query(queries)[0, :12].view(12, 2, 8)
    each = [(queries[:, head] @ keys[0, head].T / math.sqrt(8)).softmax(dim=1) for head in (0, 1)]
    torch.testing.assert_close(rows.float(), (each[0] + each[1]) / 2, rtol=0, atol=1e-5)
    assert not torch.allclose(each[0], each[1], atol=1e-3)


@torch.inference_mode()
def test_a_token_does_not_see_those_after_it():
    model = never_ending()
    logits = []
    model.decoder.output.register_forward_hook(lambda *call: logits.append(call[2]))
    for targets in ([0, 1, 2, 3], [0, 1, 4, 4]):
        model.decoder.loss(
            torch.ones(1, 9, 16),
            torch.tensor([9]),
            torch.tensor([targets]),
            torch.tensor([4]),
            label_smoothing=0.0,
        )
    torch.testing.assert_close(logits[0][0, :3], logits[1][0, :3])
    assert not torch.allclose(logits[0][0, 3], logits[1][0, 3])


def test_positions_are_told_apart_and_counted_from_the_first():
    hidden = torch.zeros(1, 50, 7)
    assert positions(0, hidden).unique(dim=0).shape == (50, 7)
    torch.testing.assert_close(positions(20, hidden[:, :30]), positions(0, hidden)[20:])


# --- transcribing --------------------------------------------------------------------------------


@every_kind
def test_batch_equals_one_by_one(kind):
    model = tiny(kind)
    waveforms = [noise(s, seed) for seed, s in enumerate([3.0, 0.02, 1.013, 0.31, 2.0])]
    together = model.transcribe_batch(waveforms)
    assert len(together[0].tokens) > 3
    for waveform, one in zip(waveforms, together, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-4)
        assert one.waveform is waveform
        torch.testing.assert_close(one.rows, alone.rows, rtol=0, atol=1e-5)


@every_kind
def test_a_transcription_holds_together(kind):
    hypothesis = tiny(kind).transcribe(noise(1.5))
    assert len(hypothesis.tokens) == len(hypothesis.scores) == len(hypothesis.rows) > 3
    assert set(hypothesis.tokens) <= set(VOCABULARY)
    assert all(0 < score <= 1 for score in hypothesis.scores)
    assert hypothesis.rows.shape[1] == 38 and hypothesis.rows.dtype == torch.float64
    assert (hypothesis.rows >= 0).all()
    torch.testing.assert_close(
        hypothesis.rows.sum(dim=1), torch.ones(len(hypothesis.rows)).double(), rtol=0, atol=1e-12
    )
    assert hypothesis.grid.seconds(37) < 1.5 <= hypothesis.grid.seconds(38)
    assert [word.token for word in hypothesis.alignment] == list(hypothesis.tokens)
    assert [word.score for word in hypothesis.alignment] == list(hypothesis.scores)
    assert hypothesis.row_kind == ("attention" if kind == "attention" else "CTC path")
    with pytest.raises(CIFError, match="transcription of a CIF, got one without a firing"):
        hypothesis.require_firing()


@every_kind
@pytest.mark.parametrize(("factor", "shift"), [(1, 0.01), (8, 0.08)])
def test_grid_is_the_clock_of_the_encoder(kind, factor, shift):
    model = tiny(kind, down_sampling=factor)
    assert model.transcribe(noise(0.995)).grid == model.grid == model.config.grid
    assert model.grid.shift == pytest.approx(shift)


@pytest.mark.parametrize("kind", others_long("ctc", "priors"))
def test_ten_minutes_of_silence_are_an_empty_transcription(kind):
    model = tiny(kind)
    with torch.no_grad():
        model.ctc.project.bias[BLANK] = 9.0
    hypothesis = model.transcribe(silence(600))
    assert hypothesis.tokens == hypothesis.scores == ()
    assert hypothesis.rows.shape == (0, 15_000)


@every_kind
def test_no_samples_are_an_empty_transcription_alone_and_beside_some(kind):
    model = tiny(kind)
    alone = model.transcribe(silence(0))
    empty, full = model.transcribe_batch([silence(0), noise(1)])
    for hypothesis in (alone, empty):
        assert hypothesis.tokens == hypothesis.scores == ()
        assert hypothesis.rows.shape == (0, 0)
    assert full.tokens == model.transcribe(noise(1)).tokens != ()


@every_kind
def test_one_sample_is_legal_and_nothing_an_empty_list(kind):
    model = tiny(kind)
    assert model.transcribe(silence(1 / 16_000)).rows.shape[1] == 1
    assert model.transcribe_batch([]) == []


@every_kind
def test_what_cannot_be_transcribed_is_refused(kind):
    model = tiny(kind)
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        model.transcribe(Waveform(np.zeros(800, dtype=np.float32), 8000))
    with pytest.raises(CIFError, match="expected a Waveform, .* got ndarray"):
        model.transcribe(np.zeros(800))
    with pytest.raises(CIFError, match=r"call \.eval\(\) before transcribing"):
        model.train().transcribe(noise(0.5))


@pytest.mark.parametrize("kind", ["ctc", "priors"])
def test_tokens_of_ctc_last_from_their_first_frame_on_the_path_to_their_last(kind):
    one = tiny(kind).transcribe(noise(1.013))
    assert len(one.tokens) > 3
    for row, word in zip(one.rows, one.alignment, strict=True):
        frames = row.nonzero().flatten()
        first, end = one.grid.seconds(int(frames[0])), one.grid.seconds(int(frames[-1]) + 1)
        assert (word.start, word.end) == pytest.approx((max(0, first), min(end, 1.013)))


def test_tokens_of_attention_are_untimed():
    one = tiny("attention").transcribe(noise(1.0))
    assert one.tokens and one.alignment.timed == ()


# --- configuration -------------------------------------------------------------------------------


@every_kind
def test_configuration_survives_a_dict_and_json(kind):
    config = config_of(kind, n_mels=30, down_sampling=8)
    assert type(config).from_dict(config.to_dict()) == config
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (CTCRecognizerConfig, {"vocabulary": ()}, "vocabulary must be distinct tokens, at least"),
        (CTCRecognizerConfig, {"vocabulary": ("a", "a")}, "vocabulary must be distinct tokens"),
        (CTCRecognizerConfig, {"features": LogMel(n_mels=30)}, "expects 40 values .* given 30"),
        (CTCRecognizerConfig, {"prior_weight": -0.1}, "prior_weight must be a number >= 0"),
        (AttentionRecognizerConfig, {"vocabulary": 3}, "vocabulary must be distinct tokens"),
    ],
)
def test_parts_must_fit(kind, settings, message):
    with pytest.raises(CIFError, match=message):
        kind(**{"vocabulary": VOCABULARY, **settings})


def test_a_system_takes_its_own_settings_alone():
    values = config_of("ctc").to_dict()
    with pytest.raises(CIFError, match="model setting must be one of .* got 'prior'"):
        CTCRecognizerConfig.from_dict({**values, "prior": 0.3})
    with pytest.raises(CIFError, match="model setting must be one of .* got 'prior_weight'"):
        AttentionRecognizerConfig.from_dict(values)
    with pytest.raises(CIFError, match="model configuration lacks decoder"):
        AttentionRecognizerConfig.from_dict({k: v for k, v in values.items() if k[:5] != "prior"})
    with pytest.raises(CIFError, match="model configuration must be a Mapping, got 3"):
        CTCRecognizerConfig.from_dict(3)
