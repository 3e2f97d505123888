"""Both recognise and train like a `CIFRecognizer`; only the weights lie elsewhere."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import Waveform
from cifviz.errors import AudioError, CIFError
from cifviz.systems.base import Batch
from cifviz.systems.blank_weighted import BlankWeightedRecognizer
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.systems.upsampled import UpsampledRecognizer
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, Schedule, fit
from tests.systems.invariances import (
    assert_losses_are_means_per_token,
    assert_padding_is_not_looked_at,
    batch_of,
)
from tests.systems.tiny import VOCABULARY, noise, tiny_config, tiny_recognizer

both = pytest.mark.parametrize("system", [UpsampledRecognizer, BlankWeightedRecognizer])


def tiny(system, seed=0, **settings) -> Any:  # any learner of `fit`
    torch.manual_seed(seed)
    return system(tiny_config(**settings)).eval()


def first_of(model):
    """The recogniser that an up-sampled one is but for its second CIF."""
    inner = CIFRecognizer(model.config).eval()
    weights = model.state_dict()
    inner.load_state_dict({name: weights[name] for name in inner.state_dict()})
    return inner


def blank_is(model, logit):
    """Make the CTC head of a model sure that there is a blank, or none, in every frame."""
    torch.nn.init.zeros_(model.ctc.weight)
    torch.nn.init.zeros_(model.ctc.bias)
    with torch.no_grad():
        model.ctc.bias[-1] = logit


def example(rng: np.random.Generator):
    """A word is a band that is loud for eight frames, with silence around it."""
    tokens = rng.integers(len(VOCABULARY), size=rng.integers(1, 4)).tolist()
    features = -torch.ones(12 * len(tokens) + 4, 6)
    for place, token in enumerate(tokens):
        features[12 * place + 4 : 12 * place + 12, token] = 1
    return Example(features, tokens, torch.full((len(tokens), 2), -1.0))


@both
def test_fit_lowers_every_loss_and_finds_the_counts(system, tmp_path):
    settings = FitConfig(
        steps=60,
        batch_size=4,
        learning_rate=5e-3,
        warmup=5,
        averaging=0.5,
        loss_weights={"segments": Schedule(start=0.5)},
    )
    small = {"n_mels": 6, "down_sampling": 2}
    model, _ = fit(tiny(system, **small), example, settings, folder=tmp_path, progress=False)
    rng = np.random.default_rng(99)
    held_out = Batch.collate(*zip(*(example(rng) for _ in range(16)), strict=True))
    with torch.no_grad():
        before, after = tiny(system, **small)(held_out), model(held_out)
    for name in after:
        assert after[name] < (0.2 if "quantity" in name else 0.8) * before[name], name


@both
def test_phones_can_be_learned_beside_the_words(system):
    model = tiny(system)
    learner = PhoneticLearner(model, [(0, 1), (2,), (1, 0, 3), (3, 3), (4,), (2, 4)])
    losses, plain = learner(batch_of([0, 3], [2])), model(batch_of([0, 3], [2]))
    assert set(losses) == {*plain, "phones"}
    for name, loss in plain.items():
        torch.testing.assert_close(losses[name], loss)
    assert set(learner(batch_of([5], [5]))) == {"phones"}


@both
def test_alone_is_as_in_a_batch(system):
    model = tiny(system)
    waveforms = [noise(s, seed) for seed, s in enumerate([2.0, 0.02, 1.013, 0.0])]
    together = model.transcribe_batch(waveforms)
    assert len(together[0].tokens) > len(together[1].tokens) == len(together[3].tokens) == 0
    for waveform, one in zip(waveforms, together, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens
        assert one.firing.alpha.shape == alone.firing.alpha.shape
        torch.testing.assert_close(one.firing.alpha, alone.firing.alpha, rtol=0, atol=1e-5)
        for mine, its in zip(one.alignment, alone.alignment, strict=True):
            assert (mine.start, mine.end) == pytest.approx((its.start, its.end), abs=1e-4)


@both
def test_loss_does_not_depend_on_padding(system):
    model, two = tiny(system), batch_of([1, 2, 3], [0, 1])
    assert_losses_are_means_per_token(model, two)
    assert_padding_is_not_looked_at(model, two)


@both
def test_legal_but_degenerate_input(system):
    model = tiny(system)
    assert model.transcribe_batch([]) == []
    hypothesis = model.transcribe(noise(0.0))
    assert hypothesis.tokens == hypothesis.scores == hypothesis.alignment.tokens == ()
    assert hypothesis.firing.alpha.shape == (1, 0)
    assert all(loss.isfinite() for loss in model(batch_of([], [])).values())


@both
def test_wrong_input_is_refused_as_by_the_recogniser(system):
    model = tiny(system)
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        model.transcribe(Waveform(np.zeros(800, dtype=np.float32), 8000))
    with pytest.raises(CIFError, match="expected a Waveform"):
        model.transcribe(np.zeros(800))
    with pytest.raises(CIFError, match=r"call \.eval\(\) before transcribing"):
        model.train().transcribe(noise(0.5))


@both
def test_edges_that_were_learned_are_the_ones_read(system):
    model = tiny(system)
    model.config = replace(model.config, edges=Edges(0.0, 1.0, cut="fires"))
    hypothesis = model.transcribe(noise(1.5))
    fires = hypothesis.grid.seconds(hypothesis.firing.fire_positions[0]).clamp(max=1.5)
    assert [token.end for token in hypothesis.alignment] == pytest.approx(fires.tolist())


@both
def test_start_at_makes_the_first_counts_near(system):
    """In 25 frames of silence, 0.2 tokens each; of 6 labels alike one is the blank."""
    model = tiny(system)
    blank_is(model, 0)
    for name, parameter in model.named_parameters():
        if name.endswith("weight_proj.weight"):
            torch.nn.init.zeros_(parameter)
    model.start_at(0.2)
    share = 5 / 6 if system is BlankWeightedRecognizer else 1
    silence = Waveform(np.zeros(16_000, dtype=np.float32))
    firings = [model.transcribe(silence).firing]
    if system is UpsampledRecognizer:
        firings.append(model.fire([silence]))
    for firing in firings:
        assert firing.weight_sum.item() == pytest.approx(5 * share, rel=1e-5)


# --- a second CIF on finer frames ----------------------------------------------------------------


def test_the_second_cif_times_the_tokens_of_the_first():
    model = tiny(UpsampledRecognizer)
    for waveform in (noise(2.0), noise(1.013, 1)):
        hypothesis, inner = model.transcribe(waveform), first_of(model).transcribe(waveform)
        assert hypothesis.tokens == inner.tokens != ()
        assert hypothesis.scores == inner.scores
        assert hypothesis.firing.num_fires.item() == len(inner.tokens)
        assert hypothesis.firing.scaled_alpha.sum().item() == pytest.approx(len(inner.tokens))
        torch.testing.assert_close(
            hypothesis.rows.sum(dim=1), torch.ones_like(hypothesis.rows[:, 0])
        )
        assert hypothesis.alignment != inner.alignment
        assert hypothesis.alignment == Alignment.from_firing(
            hypothesis.firing,
            hypothesis.tokens,
            hypothesis.grid,
            edges=model.config.edges,
            scores=hypothesis.scores,
            duration=waveform.duration,
        )


def test_three_frames_of_the_second_cif_last_as_long_as_one():
    model = tiny(UpsampledRecognizer)
    hypothesis, inner = model.transcribe(noise(1.0)), first_of(model).transcribe(noise(1.0))
    assert hypothesis.grid == model.grid
    assert hypothesis.firing.alpha.shape[1] == 3 * inner.firing.alpha.shape[1]
    assert hypothesis.grid.seconds(75) == pytest.approx(inner.grid.seconds(25))


def test_where_the_first_cif_does_not_fire_the_second_does_not():
    model = tiny(UpsampledRecognizer)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.cif.start_at(1e-6)
    hypothesis = model.transcribe(noise(1.0))
    assert hypothesis.firing.weight_sum > 1
    assert hypothesis.tokens == hypothesis.alignment.tokens == ()
    assert hypothesis.firing.fire_positions.shape == (1, 0)


def test_weights_of_the_second_cif_lie_between_0_and_24_hundredths():
    model = tiny(UpsampledRecognizer)
    for bias, weight in ((-99.0, 0), (99, 0.24), (0, 0.115)):
        torch.nn.init.zeros_(model.fine.weights.weight_proj.weight)
        torch.nn.init.constant_(model.fine.weights.weight_proj.bias, bias)
        assert model.transcribe(noise(0.5)).firing.alpha.unique().item() == pytest.approx(weight)


def test_a_frame_upsampled_covers_its_own_three_and_no_other():
    """Seen through a head of width 3: what frame 2 changes are frames 6 to 8 and one beside."""
    model = tiny(UpsampledRecognizer)
    frames = torch.randn(1, 5, 16)
    other = frames.clone()
    other[0, 2] += 1
    one, length, count = batch_of([0]), torch.tensor([5]), torch.tensor([1])
    alphas = [model._fire_fine(Encoded(one, out, length), count).alpha for out in (frames, other)]
    changed = alphas[0] != alphas[1]
    assert changed[0].nonzero().flatten().tolist() == [5, 6, 7, 8, 9]


def test_the_second_quantity_is_one_more_loss_and_counts_half():
    model, one = tiny(UpsampledRecognizer), batch_of([1, 2], [3])
    losses, inner = model(one), first_of(model)(one)
    assert losses.pop("fine_quantity") > 0
    assert losses == inner
    assert model.loss_weights == {**CIFRecognizer.loss_weights, "fine_quantity": 0.5}


def test_second_quantity_reaches_the_encoder_and_no_other_head():
    model = tiny(UpsampledRecognizer).train()
    model(batch_of([1, 2]))["fine_quantity"].backward()
    reached = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert {name.split(".")[0] for name in reached} == {"encoder", "upsample", "fine"}


def test_more_tokens_than_three_fine_frames_hold_are_refused():
    model = tiny(UpsampledRecognizer)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(CIFError, match=r"tokens_per_frame must be a number > 0 and < 0\.72"):
        model.start_at(0.8)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# --- weights that blanks take away ---------------------------------------------------------------


def test_without_blanks_it_is_the_recogniser():
    model, plain = tiny(BlankWeightedRecognizer), tiny_recognizer()
    for one in (model, plain):
        blank_is(one, -200)
    hypothesis, expected = model.transcribe(noise(1.5)), plain.transcribe(noise(1.5))
    assert torch.equal(hypothesis.firing.alpha, expected.firing.alpha)
    assert (hypothesis.tokens, hypothesis.scores) == (expected.tokens, expected.scores)
    assert hypothesis.alignment == expected.alignment
    losses = plain(batch_of([1, 2], [3]))
    assert all(
        torch.equal(loss, losses[name]) for name, loss in model(batch_of([1, 2], [3])).items()
    )


def test_of_blanks_alone_nothing_fires():
    model = tiny(BlankWeightedRecognizer)
    blank_is(model, 200)
    hypothesis = model.transcribe(noise(1.5))
    assert hypothesis.tokens == ()
    assert not hypothesis.firing.alpha.any()


def test_each_weight_is_multiplied_by_its_own_frame():
    model, plain = tiny(BlankWeightedRecognizer), tiny_recognizer()
    one = batch_of([])
    encoder_out, _ = plain.encoder(one.features, one.lengths)
    blank = plain.ctc(encoder_out).softmax(dim=2)[0, :, -1]
    assert blank.std() > 0.01
    torch.testing.assert_close(
        model.cif(encoder_out).alpha[0], plain.cif(encoder_out).alpha[0] * (1 - blank)
    )


def test_noise_is_taken_off_the_product():
    model = tiny(BlankWeightedRecognizer, noise_threshold=0.3)
    blank_is(model, 0)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    alpha = model.transcribe(noise(0.5)).firing.alpha
    assert alpha.unique().item() == pytest.approx(0.5 * 5 / 6 - 0.3)


def test_weights_teach_the_probabilities_nothing():
    model = tiny(BlankWeightedRecognizer).train()
    model(batch_of([1, 2]))["quantity"].backward()
    assert model.ctc.weight.grad is None
    assert model.cif.weights.weight_proj.weight.grad.any()


def test_parameters_are_those_of_a_recogniser():
    assert list(tiny(BlankWeightedRecognizer).state_dict()) == list(tiny_recognizer().state_dict())


def test_a_copy_asks_its_own_ctc_head():
    """Averages of weights are kept in a copy."""
    model = tiny(BlankWeightedRecognizer)
    blank_is(copied := copy.deepcopy(model), 200)
    assert not copied.transcribe(noise(1.0)).firing.alpha.any()
    assert model.transcribe(noise(1.0)).firing.alpha.any()
