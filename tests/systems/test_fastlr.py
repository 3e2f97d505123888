"""Lip reading: what the eye sees, what is taught, and decoding at several counts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.drawn_mouth import clip_video
from cifviz.errors import CIFError
from cifviz.metrics import token_errors
from cifviz.systems.attention import AttentionRecognizer, AttentionRecognizerConfig
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.count_hypotheses import count_hypotheses
from cifviz.systems.fastlr import AuxiliaryScorer, FastLRConfig, FastLRRecognizer
from cifviz.systems.lip_attention import LipAttentionConfig, LipAttentionRecognizer
from cifviz.systems.lip_encoder import VisualFrontEnd, brightness, in_step, pad_videos
from cifviz.training.fit import FitConfig, Schedule, loss_weights
from tests.systems.invariances import assert_padding_is_not_looked_at
from tests.systems.tiny import noise, tiny_config

HEIGHT, WIDTH = 8, 10


def config(**settings):
    parts = vars(tiny_config(dropout=0.0, conv_cif_dropout=0.0, **settings.pop("cif", {})))
    parts["encoder"] = replace(parts["encoder"], n_mels=8, down_sampling=1)
    parts["decoder"] = replace(parts["decoder"], **settings.pop("decoder", {}))
    given = {"height": HEIGHT, "width": WIDTH, "auxiliary": parts["decoder"], **settings}
    return FastLRConfig(**{**parts, **given})


def tiny(seed=0, start=0.07, **settings):
    torch.manual_seed(seed)
    model = FastLRRecognizer(config(**settings)).eval()
    model.start_at(start)
    return model


def video(frames, seed=0):
    return torch.rand(frames, HEIGHT, WIDTH, generator=torch.manual_seed(seed))


def batch_of(*targets, lengths=(60, 44, 29)):
    lengths = lengths[: len(targets)]
    videos = [{"video": video(-(-frames // 4), n)} for n, frames in enumerate(lengths)]
    features = [torch.zeros(frames, 40) for frames in lengths]
    return Batch.collate(features, targets, extras=videos, by=FastLRRecognizer.extras)


# --- the eye -------------------------------------------------------------------------------------


def test_a_picture_is_seen_with_two_before_and_two_behind():
    """Two convolutions over three pictures each; the mean of 30 changes a little with each."""
    torch.manual_seed(0)
    front = VisualFrontEnd(HEIGHT, WIDTH, 6)
    pictures = video(30)[None].requires_grad_()
    out = front(pictures, torch.tensor([30]))
    assert out.shape == (1, 30, 6)
    looked_at = torch.randn(6, generator=torch.manual_seed(1))
    (slopes,) = torch.autograd.grad((out[0, 14] * looked_at).sum(), pictures)
    size = slopes[0].abs().sum(dim=(1, 2))
    near, far = size[12:17], torch.cat([size[:12], size[17:]])
    assert near.min() > 3 * far.max()


def test_light_and_contrast_of_a_face_change_little():
    torch.manual_seed(0)
    front, lengths = VisualFrontEnd(HEIGHT, WIDTH, 6), torch.tensor([5])
    plain, other = video(5)[None], 0.2 + 0.7 * video(5)[None]
    one, two = front(plain, lengths), front(other, lengths)
    assert (one - two).abs().max() < 0.1 * one.abs().max()


def test_what_does_not_move_is_not_seen():
    """Another face around the same movement, and a face that does not move at all."""
    torch.manual_seed(0)
    front, lengths = VisualFrontEnd(HEIGHT, WIDTH, 6), torch.tensor([5])
    movement, face = 0.5 * video(5)[None], 0.5 * video(1, seed=7)[None]
    torch.testing.assert_close(front(movement + face, lengths), front(movement, lengths))
    unmoved = front(face.expand(1, 5, -1, -1), lengths)
    torch.testing.assert_close(unmoved, front(torch.zeros_like(movement), lengths))


def test_a_video_alone_is_seen_as_in_a_batch():
    torch.manual_seed(0)
    front = VisualFrontEnd(HEIGHT, WIDTH, 6)
    together, lengths = pad_videos([video(7), video(3, 1), video(0)]), torch.tensor([7, 3, 0])
    made = front(together, lengths)
    for row, (seed, frames) in enumerate([(0, 7), (1, 3), (0, 0)]):
        alone = front(video(frames, seed)[None], lengths[row : row + 1])
        torch.testing.assert_close(made[row, :frames], alone[0], rtol=0, atol=1e-5)
    together[1, 3:] = 0.9
    torch.testing.assert_close(front(together, lengths)[1, :3], made[1, :3])


def test_bytes_and_brightness_are_the_same():
    pixels = np.array([[[0, 51], [255, 102]]], dtype=np.uint8)
    expected = torch.tensor([[[0, 0.2], [1.0, 0.4]]])
    torch.testing.assert_close(brightness(pixels), expected)
    torch.testing.assert_close(brightness(expected.double()), expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 2), r"a video must be \(frames, height, width\)"),
        (torch.full((1, 1, 1), 1.5), "got values outside of that"),
        (torch.full((1, 1, 1), torch.nan), "got values outside of that"),
        (torch.zeros(1, 1, 1, dtype=torch.int64), "got torch.int64"),
        ("lips.mp4", "got str"),
    ],
)
def test_what_is_no_video_is_refused(given, message):
    with pytest.raises(CIFError, match=message):
        brightness(given)


def test_a_video_is_brought_in_step_with_its_sound():
    one = video(5)
    assert torch.equal(in_step(one, 5), one)
    assert torch.equal(in_step(one, 4), one[:4])
    assert torch.equal(in_step(one, 6), torch.cat([one, one[-1:]]))
    assert not in_step(video(0), 1).any()
    with pytest.raises(CIFError, match="expected a video of 8 pictures .* got 5"):
        in_step(one, 8)


# --- training ------------------------------------------------------------------------------------


def test_utterances_together_lose_the_mean_of_what_they_lose_alone():
    model, targets, lengths = tiny(), [[1, 2, 3], [0, 1], [4]], (60, 44, 29)
    wanted = model.further_losses
    together = model(batch_of(*targets), wanted=wanted)
    alone = []
    for n, (ids, frames) in enumerate(zip(targets, lengths, strict=True)):
        extras = [{"video": video(-(-frames // 4), n)}]
        one = Batch.collate([torch.zeros(frames, 40)], [ids], extras=extras, by=model.extras)
        alone.append(model(one, wanted=wanted))
    for name, loss in together.items():
        expected = sum(len(ids) * one[name] for ids, one in zip(targets, alone, strict=True)) / 6
        torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5, msg=name)
    assert {*CIFRecognizer.loss_weights, "auxiliary", "spikes"} <= together.keys()
    assert_padding_is_not_looked_at(model, batch_of(*targets))


def test_the_auxiliary_loss_is_that_of_a_decoder_with_attention():
    model = tiny()
    parts = {name: getattr(model.config, name) for name in ("vocabulary", "features")}
    encoder = replace(model.config.encoder, n_mels=40)
    other = AttentionRecognizer(
        AttentionRecognizerConfig(**parts, encoder=encoder, decoder=model.config.auxiliary)
    ).eval()
    other.decoder.load_state_dict(model.auxiliary.state_dict())
    encoded = model.encode(batch_of([1, 2, 3], [0]))
    expected = other.losses(encoded)["cross_entropy"]
    torch.testing.assert_close(model.losses(encoded)["auxiliary"], expected)


def test_every_weight_learns_in_time():
    """In the warm-up, encoder, CTC and the auxiliary decoder; then all."""
    model = tiny(auxiliary=replace(tiny_config().decoder, layers=2)).train()
    fit = FitConfig(
        steps=100,
        loss_weights={"cross_entropy": Schedule(start=0.25), "quantity": Schedule(start=0.25)},
    )
    for step, late in ((0, False), (25, True)):
        weights = loss_weights(model, fit, step)
        model.zero_grad()
        losses = model(batch_of([1, 2, 3], [0, 1]))
        sum(weights.get(name, 0.0) * loss for name, loss in losses.items()).backward()
        learns = {
            name.split(".")[0]
            for name, one in model.named_parameters()
            if one.grad is not None and one.grad.any()
        }
        assert learns == {"encoder", "ctc", "auxiliary"} | ({"cif", "decoder"} if late else set())
    assert model.encoder.front.convolutions[0].weight.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_by_autocast(dtype):
    model, batch = tiny(), batch_of([1, 2, 3], [0, 1])
    with torch.autocast("cpu", dtype):
        losses = model(batch)
    for name, loss in model(batch).items():
        torch.testing.assert_close(losses[name].float(), loss, rtol=0.1, atol=0.1, msg=name)
    sum(losses.values()).backward()


def test_legal_but_degenerate_input():
    model = tiny()
    assert model.transcribe_batch([]) == []
    assert model.transcribe(noise(0.0), video=video(0)).tokens == ()
    assert model.transcribe(noise(0.01), video=video(1)).grid.shift == 0.04
    for mode in (model.eval(), model.train()):
        for batch in (batch_of([], []), batch_of([], [1, 2])):
            assert all(loss.isfinite() for loss in mode(batch).values())
        nothing = Batch.collate(
            [torch.zeros(0, 40)], [[]], extras=[{"video": video(0)}], by=model.extras
        )
        assert all(loss.isfinite() for loss in mode(nothing).values())


# --- transcription -------------------------------------------------------------------------------


def test_alone_is_as_in_a_batch_and_the_sound_is_not_looked_at():
    model = tiny()
    waveforms = [noise(1.0), noise(0.413, 1), noise(0.0)]
    videos = [video(25), video(11, 1), video(0)]
    together = model.transcribe_batch(waveforms, video=videos)
    assert len(together[0].tokens) > 2
    for waveform, pictures, one in zip(waveforms, videos, together, strict=True):
        alone = model.transcribe(waveform, video=pictures)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-5)
    other = model.transcribe(noise(1.0, 7), video=(255 * videos[0]).round().byte().numpy())
    assert other.tokens == together[0].tokens
    assert model.transcribe(noise(1.0), video=video(25, 9)).scores != together[0].scores


def test_the_clock_is_that_of_the_pictures():
    """25 or 50 of them in a second; the same mass in tokens at the start."""
    for every, frames in ((4, 25), (2, 50)):
        model = tiny(picture_frames=every)
        torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
        model.start_at(0.02)
        one = model.transcribe(noise(1.0), video=video(frames))
        assert one.firing.alpha.shape == (1, frames)
        assert one.grid.shift == pytest.approx(0.01 * every)
        assert float(one.firing.weight_sum) == pytest.approx(2.0, abs=1e-3)


def test_a_video_that_lacks_or_does_not_fit_is_named():
    model = tiny()
    with pytest.raises(CIFError, match='needs the further input "video"'):
        model.transcribe(noise(1.0))
    with pytest.raises(CIFError, match="expected a video of 25 pictures .* got 12"):
        model.transcribe(noise(1.0), video=video(12))
    with pytest.raises(CIFError, match=r"pictures of \(8, 10\) pixels .* got \(10, 8\)"):
        model.transcribe(noise(1.0), video=video(25).transpose(1, 2))
    with pytest.raises(CIFError, match="expected 2 values of video"):
        model.transcribe_batch([noise(1.0)] * 2, video=[video(25)])
    with pytest.raises(CIFError, match="videos of a batch must be of one size"):
        model.transcribe_batch([noise(1.0)] * 2, video=[video(25), video(25).transpose(1, 2)])


def test_noisy_parallel_decoding_by_its_own_decoder():
    model, waveform, pictures = tiny(), noise(1.0), video(25)
    scorer = AuxiliaryScorer(model, pictures)
    found = count_hypotheses(model, waveform, scorer, reach=2, video=pictures)
    plain = model.transcribe(waveform, video=pictures)
    assert found.fired == len(plain.tokens)
    assert [one.count for one in found.candidates] == list(range(found.fired - 2, found.fired + 3))
    assert found.within(0).transcription.tokens == plain.tokens
    # What the auxiliary decoder says of a candidate, by its loss.
    one = found.best
    ids = [model.config.vocabulary.index(token) for token in one.transcription.tokens]
    batch = Batch.collate(
        [torch.zeros(100, 40)], [ids], extras=[{"video": pictures}], by=model.extras
    )
    with torch.no_grad():
        encoded = model.encode(batch)
        losses = model.auxiliary.token_losses(*encoded.with_targets, label_smoothing=0.0)
    assert one.log_prob == pytest.approx(-float(losses.sum()), abs=1e-4)
    with pytest.raises(CIFError, match="model must be a FastLRRecognizer"):
        AuxiliaryScorer(CIFRecognizer(tiny_config()).eval(), pictures)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"height": 0}, "height must be an integer > 0, got 0"),
        ({"picture_frames": 1.5}, "picture_frames must be an integer > 0"),
        ({"decoder": {"kind": "ar"}}, "kind of the decoder of fastlr must be one of 'nar', 'proj"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        config(**settings)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    model = tiny(picture_frames=2)
    save_model(model, tmp_path / "m", "# Card\n")
    loaded = load_model(tmp_path / "m")
    assert loaded.config == model.config
    one, two = (each.transcribe(noise(0.5), video=video(25)) for each in (loaded, model))
    assert one.tokens == two.tokens and one.scores == two.scores


def test_a_reader_by_attention_sees_the_same_and_gives_its_tokens_one_by_one():
    model = tiny()
    given = vars(model.config)
    known = ("vocabulary", "features", "encoder", "decoder", "height", "width", "picture_frames")
    other = LipAttentionRecognizer(LipAttentionConfig(**{name: given[name] for name in known}))
    other.eval().encoder.load_state_dict(model.encoder.state_dict())
    batch = batch_of([1, 2, 3], [0, 1])
    torch.testing.assert_close(other.encode(batch).encoder_out, model.encode(batch).encoder_out)
    assert set(other(batch)) == {"cross_entropy", "ctc"}
    one = other.transcribe(noise(1.0), video=video(25))
    assert one.row_kind == "attention" and one.rows.shape == (len(one.tokens), 25)
    with pytest.raises(CIFError, match='needs the further input "video"'):
        other.transcribe(noise(1.0))


# --- the reader that ships -----------------------------------------------------------------------


@pytest.mark.slow
def test_the_reader_that_ships_reads_clips_from_a_drawn_mouth_and_not_from_another():
    """Of single words among 51 hardly any is right by chance, nor by the mouth of another clip."""
    model = load_model("drawn-lips")
    clips = [clip for clip in map(load_clip, list_clips()) if clip.domain == "grid"]
    found = {"own": [], "other": []}
    for clip, other in zip(clips, clips[1:] + clips[:1], strict=True):
        rng = np.random.default_rng(0)
        video = clip_video(clip, rng)
        found["own"].append(model.transcribe(clip.waveform, video=video).tokens)
        silence = replace(clip.waveform, samples=np.zeros_like(clip.waveform.samples))
        assert model.transcribe(silence, video=video).tokens == found["own"][-1]
        of_other = clip_video(other, rng)
        found["other"].append(model.transcribe(other.waveform, video=of_other).tokens)
    references = [clip.tokens for clip in clips]
    own, of_others = (token_errors(references, found[name]).rate for name in ("own", "other"))
    assert own < 0.65 < 0.8 < of_others
