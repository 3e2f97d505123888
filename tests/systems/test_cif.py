import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Edges
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.core.firing import integrate_and_fire
from cifviz.core.losses import (
    border_mass_loss,
    even_mass_loss,
    segment_mass_loss,
    spike_mass_loss,
    spike_segment_mass_loss,
)
from cifviz.core.module import CIFConfig
from cifviz.errors import AudioError, CIFError
from cifviz.systems.alignment_losses import ALIGNMENT_LOSSES
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.feature_normalisation import normalise
from tests.systems.invariances import assert_losses_are_means_per_token
from tests.systems.tiny import VOCABULARY, noise, tiny_config, tiny_recognizer


def silence(seconds: float) -> Waveform:
    return Waveform(np.zeros(round(16_000 * seconds), dtype=np.float32))


@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_batch_equals_one_by_one(decoder):
    model = tiny_recognizer(decoder=decoder)
    waveforms = [noise(s, seed) for seed, s in enumerate([3.0, 0.02, 1.013, 0.31, 2.0])]
    together = model.transcribe_batch(waveforms)
    assert len(together[0].tokens) > len(together[1].tokens)
    for waveform, one in zip(waveforms, together, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-4)
        assert one.waveform is waveform
        torch.testing.assert_close(
            one.firing.fire_positions, alone.firing.fire_positions, rtol=0, atol=1e-4
        )
        torch.testing.assert_close(one.firing.alpha, alone.firing.alpha, rtol=0, atol=1e-5)
        for mine, its in zip(one.alignment, alone.alignment, strict=True):
            assert (mine.start, mine.end) == pytest.approx((its.start, its.end), abs=1e-4)


def test_transcription_holds_together():
    """One token, score and time for each fire, all inside the audio, in words of the vocabulary."""
    waveform = noise(1.5)
    hypothesis = tiny_recognizer().transcribe(waveform)
    fires = int(hypothesis.firing.num_fires)
    assert fires > 3
    assert len(hypothesis.tokens) == len(hypothesis.scores) == len(hypothesis.alignment) == fires
    assert set(hypothesis.tokens) <= set(VOCABULARY)
    assert hypothesis.text == " ".join(hypothesis.tokens) == hypothesis.alignment.text
    assert all(0 < score <= 1 for score in hypothesis.scores)
    assert [token.score for token in hypothesis.alignment] == list(hypothesis.scores)
    assert all(0 <= token.start <= token.end <= 1.5 for token in hypothesis.alignment)
    assert not hypothesis.firing.embeddings.requires_grad
    first = hypothesis.alignment.tokens[0]
    assert hypothesis.cut(0).duration == pytest.approx(first.duration, abs=1 / 16_000)


@pytest.mark.parametrize(("factor", "shift"), [(1, 0.01), (4, 0.04), (8, 0.08)])
def test_grid_is_the_clock_of_the_encoder(factor, shift):
    model = tiny_recognizer(down_sampling=factor)
    hypothesis = model.transcribe(noise(0.995))
    assert hypothesis.grid == model.grid
    assert model.grid.shift == pytest.approx(shift)
    frames = int(hypothesis.firing.frame_lengths)
    assert hypothesis.grid.seconds(frames - 1) < 0.995 <= hypothesis.grid.seconds(frames)


@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_ten_minutes_of_silence_are_an_empty_transcription(decoder):
    model = tiny_recognizer(decoder=decoder)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.cif.start_at(1e-6)
    hypothesis = model.transcribe(silence(600))
    assert hypothesis.tokens == hypothesis.scores == hypothesis.alignment.tokens == ()
    assert hypothesis.text == ""
    assert hypothesis.firing.alpha.shape == (1, 15_000)
    assert hypothesis.firing.weight_sum.item() == pytest.approx(0.015, rel=1e-2)


@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_no_samples_are_an_empty_transcription(decoder):
    hypothesis = tiny_recognizer(decoder=decoder).transcribe(silence(0))
    assert hypothesis.tokens == hypothesis.scores == hypothesis.alignment.tokens == ()
    assert hypothesis.firing.alpha.shape == (1, 0)


def test_no_samples_beside_some_are_an_empty_transcription():
    model = tiny_recognizer()
    empty, full = model.transcribe_batch([silence(0), noise(1)])
    assert empty.tokens == ()
    assert full.tokens == model.transcribe(noise(1)).tokens != ()


def test_one_sample_is_legal():
    assert tiny_recognizer().transcribe(silence(1 / 16_000)).firing.alpha.shape == (1, 1)


def test_nothing_to_transcribe_is_an_empty_list():
    assert tiny_recognizer().transcribe_batch([]) == []


def test_loudness_does_not_matter():
    model, waveform = tiny_recognizer(), noise(1.5)
    quieter = Waveform(waveform.samples * 0.3)
    assert model.transcribe(quieter).tokens == model.transcribe(waveform).tokens


def test_another_sample_rate_is_refused():
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        tiny_recognizer().transcribe(Waveform(np.zeros(800, dtype=np.float32), 8000))


def test_a_model_in_training_is_not_asked():
    with pytest.raises(CIFError, match=r"call \.eval\(\) before transcribing"):
        tiny_recognizer().train().transcribe(noise(0.5))


def test_features_give_what_their_sound_gives():
    model, waveform = tiny_recognizer(), noise(1.013)
    sound = model.transcribe(waveform)
    features = model.transcribe_features(model.config.features(waveform), duration=1.013)
    assert features.tokens == sound.tokens != ()
    assert features.scores == sound.scores
    assert features.alignment == sound.alignment
    assert torch.equal(features.firing.alpha, sound.firing.alpha)
    assert torch.equal(features.log_mel, sound.log_mel)
    assert (features.duration, features.grid, features.config) == (
        sound.duration,
        sound.grid,
        sound.config,
    )
    assert features.waveform is None and sound.waveform is waveform


def test_no_features_are_an_empty_transcription():
    hypothesis = tiny_recognizer().transcribe_features(torch.zeros(0, 40), duration=0)
    assert hypothesis.tokens == hypothesis.alignment.tokens == ()


def test_a_transcription_without_sound_cannot_be_cut():
    hypothesis = tiny_recognizer().transcribe_features(torch.randn(100, 40), duration=1.0)
    with pytest.raises(CIFError, match="no sound to cut token 0 from: the features alone"):
        hypothesis.cut(0)


@pytest.mark.parametrize(
    ("log_mel", "duration", "message"),
    [
        (torch.zeros(99, 40), 1.0, r"of 1 s as floats \(100, 40\), got torch.float32 \(99, 40\)"),
        (torch.zeros(100, 80), 1.0, r"\(100, 40\), got torch.float32 \(100, 80\)"),
        (torch.zeros(1, 100, 40), 1.0, r"got torch.float32 \(1, 100, 40\)"),
        (torch.zeros(100, 40).int(), 1.0, "got torch.int32"),
        (torch.full((100, 40), torch.nan), 1.0, "must be finite"),
        (np.zeros((100, 40)), 1.0, "log_mel must be a Tensor"),
        (torch.zeros(100, 40), "1", "duration must be a number >= 0"),
        (torch.zeros(0, 40), -1.0, "duration must be a number >= 0"),
    ],
)
def test_what_cannot_be_features_of_so_much_sound_is_refused(log_mel, duration, message):
    with pytest.raises(CIFError, match=message):
        tiny_recognizer().transcribe_features(log_mel, duration=duration)


def test_a_model_in_training_is_not_asked_about_features():
    with pytest.raises(CIFError, match=r"call \.eval\(\) before transcribing"):
        tiny_recognizer().train().transcribe_features(torch.zeros(10, 40), duration=0.1)


def test_fire_gives_the_firing_that_transcribe_decodes():
    model, waveforms = tiny_recognizer(), [noise(1.0), noise(0.5)]
    firing = model.fire(waveforms)
    for one, hypothesis in zip(firing, model.transcribe_batch(waveforms), strict=True):
        assert torch.equal(one.fire_positions, hypothesis.firing.fire_positions)


def batch_of(features, targets, seed=0):
    """Utterances whose words lie anywhere, in order; of every third one the spans are unknown."""
    rng = torch.manual_seed(seed)
    spans = [
        len(frames) * torch.rand(2 * len(ids), generator=rng).double().sort().values.view(-1, 2)
        for frames, ids in zip(features, targets, strict=True)
    ]
    spans[2::3] = [torch.full_like(one, -1.0) for one in spans[2::3]]
    return Batch.collate(features, targets, spans)


every_alignment = pytest.mark.parametrize("alignment", ALIGNMENT_LOSSES)


@every_alignment
@pytest.mark.parametrize("decoder", ["nar", "ar"])
@pytest.mark.parametrize(
    "targets",
    [[[1, 2, 3], [0]], [[1, 2, 3], []], [[], []], [[4] * 40, [1]], [[1], [2], [3]]],
    ids=["words", "one empty", "all empty", "more tokens than frames", "one unknown"],
)
def test_losses_and_gradients_are_finite(decoder, targets, alignment):
    model = tiny_recognizer(decoder=decoder).train()
    features = [torch.randn(60, 40), torch.randn(21, 40), torch.randn(24, 40)]
    losses = model(batch_of(features[: len(targets)], targets), wanted=[alignment])
    torch.stack(list(losses.values())).sum().backward()
    assert losses.keys() == {"cross_entropy", "ctc", "quantity", alignment}
    assert all(loss.isfinite() and loss >= 0 for loss in losses.values())
    for name, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


@every_alignment
def test_a_batch_without_any_frame_loses_the_count_alone(alignment):
    batch = batch_of([torch.zeros(0, 40)] * 2, [[1, 2], []])
    losses = tiny_recognizer()(batch, wanted=[alignment])
    assert losses["ctc"] == 0 and losses["quantity"] == 1
    assert all(loss.isfinite() for loss in losses.values())


def test_a_loss_is_computed_where_it_is_wanted_alone(monkeypatch):
    computed = []
    for name, loss in ALIGNMENT_LOSSES.items():
        monkeypatch.setitem(
            ALIGNMENT_LOSSES,
            name,
            lambda *a, name=name, loss=loss: computed.append(name) or loss(*a),
        )
    model, batch = tiny_recognizer(), batch_of([torch.randn(60, 40)], [[1, 2]])
    assert model(batch).keys() == model.loss_weights.keys()
    assert computed == []
    assert model(batch, wanted=["quantity", "even"]).keys() == {*model.loss_weights, "even"}
    assert computed == ["even"]


@every_alignment
def test_an_alignment_loss_teaches_the_weights_alone_and_not_ctc(alignment):
    model = tiny_recognizer().train()
    losses = model(batch_of([torch.randn(60, 40)], [[1, 2]]), wanted=[alignment])
    losses[alignment].backward()
    assert model.ctc.weight.grad is None
    assert model.cif.weights.weight_proj.weight.grad.any()


def test_alignment_losses_are_given_what_they_follow():
    """Of CTC its best path and its blank; of what is known the spans, in the encoder's frames."""
    model, batch = tiny_recognizer(down_sampling=4), batch_of([torch.randn(60, 40)], [[1, 2]])
    counts = batch.target_lengths
    encoder_out, frame_lengths = model.encoder(batch.features, batch.lengths)
    firing = model.cif(encoder_out, frame_lengths, target_lengths=counts)
    log_probs = model.ctc(encoder_out).log_softmax(dim=2)
    path = ctc_viterbi(log_probs, frame_lengths, batch.targets, counts, blank=len(VOCABULARY))
    expected = {
        "segments": segment_mass_loss(firing, path, counts),
        "spikes": spike_mass_loss(firing, path, counts),
        "spike_segments": spike_segment_mass_loss(firing, path, counts),
        "borders": border_mass_loss(firing, log_probs[:, :, len(VOCABULARY)].exp(), counts),
        "even": even_mass_loss(firing, batch.spans / 4, counts),
    }
    assert expected.keys() == ALIGNMENT_LOSSES.keys()
    for name, loss in expected.items():
        torch.testing.assert_close(model(batch, wanted=[name])[name], loss)


def test_where_the_times_are_unknown_even_mass_teaches_nothing():
    batch = Batch.collate([torch.randn(60, 40)], [[1, 2]])
    assert tiny_recognizer()(batch, wanted=["even"])["even"] == 0


@every_alignment
@pytest.mark.parametrize("apply_scaling", [True, False])
def test_loss_does_not_depend_on_padding(apply_scaling, alignment):
    features = [torch.randn(60, 40), torch.randn(21, 40)]
    targets = [[1, 2, 3, 4, 0, 1], [0, 1, 2, 3, 4]]  # without scaling the second fires less often
    spans = [batch_of([f], [t]).spans[0] for f, t in zip(features, targets, strict=True)]
    model, both = (
        tiny_recognizer(apply_scaling=apply_scaling),
        Batch.collate(features, targets, spans),
    )
    assert_losses_are_means_per_token(model, both, wanted=[alignment])


def test_ctc_by_hand():
    """3 frames, each silent or the word by halves: 6 of 8 paths spell it, so −log 0.75."""
    model = tiny_recognizer()
    torch.nn.init.zeros_(model.ctc.weight)
    with torch.no_grad():
        model.ctc.bias[:] = torch.tensor([-99.0, 0, -99, -99, -99, 0])  # the last is the blank
    losses = model(Batch.collate([torch.randn(12, 40)], [[1]]))
    assert losses["ctc"].item() == pytest.approx(-np.log(0.75))


def test_without_scaling_common_tokens_are_compared():
    model = tiny_recognizer(apply_scaling=False).train()
    losses = model(Batch.collate([torch.randn(60, 40)] * 2, [[1] * 30, [2]]))
    assert all(loss.isfinite() for loss in losses.values())


def test_collate_pads_features_with_zeros_and_targets_with_minus_one():
    batch = Batch.collate([torch.ones(3, 2), torch.ones(1, 2)], [[4], [1, 2]])
    assert batch.features[1].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert batch.lengths.tolist() == [3, 1]
    assert batch.targets.tolist() == [[4, -1], [1, 2]]
    assert batch.target_lengths.tolist() == [1, 2]


def test_collate_pads_spans_with_minus_one():
    features, targets = [torch.ones(3, 2), torch.ones(1, 2), torch.ones(2, 2)], [[4], [1, 2], []]
    spans = [torch.tensor(one).double().view(-1, 2) for one in ([[0, 1]], [[0, 0.5], [0.5, 1]], [])]
    unknown = [[-1.0, -1.0], [-1.0, -1.0]]
    batch = Batch.collate(features, targets, spans)
    assert batch.spans.tolist() == [[[0, 1], [-1, -1]], [[0, 0.5], [0.5, 1]], unknown]
    assert Batch.collate(features, targets).spans.tolist() == [unknown] * 3
    assert Batch.collate(features, [[]] * 3).spans.shape == (3, 0, 2)


def test_rows_say_how_each_token_is_spread():
    """Rows of W over their sums; what is paid back within the slack is left out."""
    hypothesis = tiny_recognizer().transcribe(noise(1.5))
    weights = hypothesis.firing.contributions[0]
    torch.testing.assert_close(hypothesis.rows, weights / hypothesis.firing.threshold)
    assert hypothesis.rows.dtype == torch.float64
    alpha = torch.tensor([[0.9, 0.1, 0.3, 0.6]])
    firing = integrate_and_fire(alpha, torch.eye(4)[None], slack=0.2)
    # It fires at 0.9 and borrows 0.1 from the second: −0.1, 0.1, 0.3, 0.7.
    rows = replace(hypothesis, firing=firing).rows
    expected = [[1.0, 0.0, 0.0, 0.0], [0.0, 1 / 11, 3 / 11, 7 / 11]]
    torch.testing.assert_close(rows, torch.tensor(expected).double())
    assert tiny_recognizer().transcribe(silence(0)).rows.shape == (0, 0)


def test_configuration_survives_a_dict_and_json():
    config = CIFRecognizerConfig(
        vocabulary=("α", "b"),
        encoder=EncoderConfig(channels=16, dilations=(1, 3)),
        cif=CIFConfig(encoder_embed_dim=16, cif_threshold=0.9),
        edges=Edges(0.2, 0.8, onset_shift=-0.03),
        features=LogMel(f_min=50.0),
    )
    assert CIFRecognizerConfig.from_dict(config.to_dict()) == config
    assert CIFRecognizerConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocabulary": ()}, "vocabulary must be distinct tokens, at least one"),
        ({"vocabulary": ("a", "a")}, "vocabulary must be distinct tokens"),
        ({"vocabulary": "ab"}, "vocabulary must be distinct tokens"),
        ({"vocabulary": 3}, "vocabulary must be distinct tokens"),
        ({"vocabulary": ("a", 3)}, "token of the vocabulary must be a text .*, got 3"),
        ({"vocabulary": ("a", ["b"])}, r"token of the vocabulary must be .*, got \['b'\]"),
        ({"vocabulary": ("a", "")}, "token of the vocabulary must be .* not empty, got ''"),
        ({"vocabulary": ("a", "\x1b[31m")}, r"without control characters .*, got '\\x1b\[31m'"),
        ({"vocabulary": ("a", "\ud800")}, r"halves of surrogate pairs, .*, got '\\ud800'"),
        (
            {"features": LogMel(n_mels=30)},
            r"expects 40 values in a frame \(n_mels\), it is given 30",
        ),
        ({"encoder": EncoderConfig(channels=32)}, "frames of 16 channels, the encoder gives 32"),
    ],
)
def test_parts_must_fit(settings, message):
    fitting = vars(tiny_config())
    with pytest.raises(CIFError, match=message):
        CIFRecognizerConfig(**{**fitting, **settings})


def test_normalise_by_hand():
    """The loudest frame, 2, becomes 1; 2 − 6 becomes 0; 2 − 12 and all below becomes −1."""
    features = torch.tensor([[2.0, 2.0], [-4.0, -4.0], [-10.0, -10.0], [-50.0, -50.0]])
    assert normalise(features).tolist() == [[1, 1], [0, 0], [-1, -1], [-1, -1]]


def test_normalise_takes_off_level_and_colour():
    """Another microphone adds a curve over the bands to every frame: nothing of it is left."""
    torch.manual_seed(0)
    features, colour = torch.randn(30, 8).clamp(-2, 2), torch.randn(8)
    torch.testing.assert_close(normalise(features + 3 + colour), normalise(features))


def test_normalise_does_not_make_silence_loud():
    quiet = torch.full((4, 40), -23.0)
    assert normalise(quiet).max() <= 0.1
    assert normalise(torch.zeros(0, 40)).shape == (0, 40)
