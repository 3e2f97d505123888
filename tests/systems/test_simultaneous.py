"""Simultaneous translation: segments, the policy, delays, losses, and streams."""

import random
from dataclasses import replace

import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import integrate_and_fire
from cifviz.core.module import CIFConfig
from cifviz.core.tail import above, rounded
from cifviz.errors import AudioError, CIFError
from cifviz.metrics import differentiable_average_lagging
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.segment_decoder import USES
from cifviz.systems.simultaneous import (
    SimultaneousConfig,
    SimultaneousTranslator,
    TranslationStream,
    latency_loss,
)
from cifviz.systems.wait_k import WaitKConfig, WaitKTranslator
from tests.systems.invariances import assert_padding_is_not_looked_at, batch_of, each_alone
from tests.systems.tiny import VOCABULARY, noise, tiny_config


def tiny(seed=0, *, start=0.2, cif=None, **settings):
    torch.manual_seed(seed)
    parts = vars(tiny_config(dropout=0.0, conv_cif_dropout=0.0, r_order=0, **(cif or {})))
    known = {name: parts[name] for name in ("vocabulary", "features", "encoder", "cif", "decoder")}
    model = SimultaneousTranslator(SimultaneousConfig(**known, **settings)).eval()
    if start:
        model.start_at(start)
    return model


def tiny_wait(seed=0, **settings):
    torch.manual_seed(seed)
    parts = vars(tiny_config(dropout=0.0))
    known = {name: parts[name] for name in ("vocabulary", "features", "encoder", "decoder")}
    return WaitKTranslator(WaitKConfig(**known, **settings)).eval()


def never_ending(model):
    """The same model, which gives no end before the sound has ended."""
    with torch.no_grad():
        model.decoder.output.bias[model.decoder.mark] = -20.0
    return model


def encoded_at(model, *weights):
    """Frames with given weights, whatever the model predicts."""
    alpha = torch.tensor([weights])
    frames = torch.randn(1, len(weights), 16, generator=torch.manual_seed(0))
    model.cif.weights.forward = lambda *_: alpha
    batch = Batch.collate([torch.zeros(4 * len(weights), 40)], [[]])
    return replace(model.encode(batch), encoder_out=frames)


# --- segments and the policy -----------------------------------------------------------------


def test_segments_are_fires_and_are_complete_when_the_frame_is_read_in_which_they_fire():
    model = tiny(start=None, cif={"cif_threshold": 1.0})
    segments = model.segments(encoded_at(model, 0.5, 0.5, 0.25, 1.75, 0.75))
    assert segments.counts.tolist() == [4] and segments.complete.tolist() == [3]
    assert segments.ends.tolist() == [[2, 4, 4, 5]]
    expected = [[0.5, 0.5, 0, 0, 0], [0, 0, 0.25, 0.75, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    torch.testing.assert_close(segments.rows[0], torch.tensor(expected).double())


def test_beta_moves_fires_and_segments_stay_means():
    model = tiny(start=None, threshold=0.5, cif={"cif_threshold": 1.0})
    encoded = encoded_at(model, 0.5, 0.5, 0.25, 0.625)
    segments = model.segments(encoded)
    assert segments.counts.tolist() == [4] and segments.complete.tolist() == [3]
    assert segments.ends.tolist() == [[1, 2, 4, 4]]
    torch.testing.assert_close(segments.rows.sum(dim=2), torch.ones(1, 4).double())
    torch.testing.assert_close(segments.embeddings[0, 0], encoded.encoder_out[0, 0])
    assert model.tail == above(0.25) and model.slack == 0


def test_delays_are_when_the_segments_that_a_token_waits_for_are_complete():
    for wait, expected in [(1, [2, 4, 4, 5]), (2, [4, 4, 5, 5]), (9, [5, 5, 5, 5])]:
        model = tiny(start=None, wait=wait, cif={"cif_threshold": 1.0})
        model = never_ending(model)
        encoded = encoded_at(model, 0.5, 0.5, 0.25, 1.75, 0.75)
        sound = model.recorded(torch.zeros(20, 40), 0.2)
        (one,) = model.transcriptions([sound], encoded)
        assert len(one.tokens) >= 4
        found = one.extras["delays"]
        assert found[:4].tolist() == pytest.approx([0.04 * n for n in expected])
        assert (found[4:] == 0.2).all()


def test_of_wait_k_segments_are_so_many_frames():
    model = tiny_wait(segment_frames=3)
    batch = Batch.collate([torch.randn(28, 40), torch.randn(9, 40)], [[], []])
    encoded = model.encode(batch)
    segments = model.segments(encoded)
    assert segments.counts.tolist() == [3, 1] and segments.complete.tolist() == [2, 1]
    assert segments.ends.tolist() == [[3, 6, 7], [3, 3, 3]]
    torch.testing.assert_close(segments.embeddings[0, 1], encoded.encoder_out[0, 3:6].mean(dim=0))
    torch.testing.assert_close(segments.embeddings[0, 2], encoded.encoder_out[0, 6])
    assert not segments.embeddings[1, 1:].any()


def both_kinds():
    for uses in USES:
        yield never_ending(tiny(uses=uses, start=0.4))
    yield never_ending(tiny(uses="look-back", wait=3, start=0.4))
    yield never_ending(tiny_wait(segment_frames=4, wait=2))


def test_what_is_written_by_a_time_does_not_depend_on_what_comes_after_it():
    """The sound is cut there, or goes on otherwise: the same tokens stand by then."""
    for model in both_kinds():
        log_mel = model.config.features(noise(2.0))
        whole = model.transcribe_features(log_mel, duration=2.0)
        other = log_mel.clone()
        other[100:] = model.config.features(noise(1.0, 5))
        for changed, seconds in ((log_mel[:100], 1.0), (other, 2.0)):
            found = model.transcribe_features(changed, duration=seconds)
            by_then = int((whole.extras["delays"] < 1.0).sum())
            assert by_then > 2
            assert found.tokens[:by_then] == whole.tokens[:by_then]
            torch.testing.assert_close(
                found.extras["delays"][:by_then], whole.extras["delays"][:by_then]
            )


def test_the_end_ends_the_writing_and_overshoot_makes_it_likely():
    model, waveform = never_ending(tiny()), noise(1.0)
    fires = int(model.transcribe(waveform).firing.num_fires)
    counts = []
    for overshoot in (0.0, 5.0, 50.0):
        model.config = replace(model.config, overshoot=overshoot)
        counts.append(len(model.transcribe(waveform).tokens))
    # −20 in the bias, + 5 for the first token beyond; the cap is 10 more than there are fires.
    assert counts[0] == fires + 10 > counts[1] > counts[2] == fires
    with torch.no_grad():
        model.decoder.output.bias[model.decoder.mark] = 20.0
    ended = model.transcribe(waveform)
    assert ended.tokens == () and ended.labels[0] == "(end)"


def test_what_a_token_is_made_of():
    look_back, fusion = (never_ending(tiny(uses=uses)) for uses in USES)
    one = fusion.transcribe(noise(1.0))
    fires = int(one.firing.num_fires)
    torch.testing.assert_close(one.rows[:fires], one.firing.contributions[0])
    assert one.row_kind == "contributions" and len(one.labels) == fires
    other = look_back.transcribe(noise(1.0))
    torch.testing.assert_close(
        other.rows.sum(dim=1), torch.ones(len(other.tokens)).double(), rtol=0, atol=1e-5
    )
    assert other.row_kind == "attention"
    # The first token sees the first segment alone.
    torch.testing.assert_close(other.rows[0], other.firing.contributions[0, 0], atol=1e-6, rtol=0)
    assert all(token.start is None for token in one.alignment)


# --- losses --------------------------------------------------------------------------------------


def test_latency_by_hand_and_as_the_metric_has_it():
    alpha = torch.tensor([[0.5, 0.5, 0.0, 1.0, 0.25, 0.75], [1.0, 1.0, 0, 0, 0, 0]])
    firing = integrate_and_fire(alpha, torch.zeros(2, 6, 1), frame_lengths=torch.tensor([6, 2]))
    # Delays 1.5, 4, 5.75 in 6 frames; 1, 2 in 2 frames.
    lagging = [
        differentiable_average_lagging([1.5, 4.0, 5.75], 6),
        differentiable_average_lagging([1.0, 2.0], 2),
    ]
    assert lagging == pytest.approx([(1.5 + 2 + 2) / 3, 1.0])
    loss = latency_loss(firing, torch.tensor([3, 2]))
    assert float(loss) == pytest.approx(sum(lagging) / 5)


def test_latency_pulls_the_mass_of_a_token_forward():
    alpha = torch.full((1, 8), 0.25, requires_grad=True)
    firing = integrate_and_fire(alpha, torch.zeros(1, 8, 1), target_lengths=torch.tensor([2]))
    latency_loss(firing, torch.tensor([2])).backward()
    slopes = alpha.grad[0]
    assert slopes[0] < 0 < slopes[-1]
    assert float(slopes @ alpha[0].detach()) == pytest.approx(
        0, abs=1e-6
    )  # scaling takes the size out


def test_latency_has_the_slopes_of_its_differences():
    """Away from a fire on the border of a frame; of utterances of different lengths."""
    alpha = torch.tensor(
        [[0.3, 0.9, 0.2, 0.7, 0.4, 0.45], [0.8, 0.6, 0.75, 0.0, 0.0, 0.0]],
        dtype=torch.float64,
        requires_grad=True,
    )
    lengths = torch.tensor([6, 3])

    def loss(weights):
        firing = integrate_and_fire(weights, torch.zeros(2, 6, 1).double(), frame_lengths=lengths)
        return latency_loss(firing, torch.tensor([2, 2]))

    assert torch.autograd.gradcheck(loss, (alpha,), eps=1e-6, atol=1e-6)


def test_latency_of_nothing_is_nothing():
    firing = integrate_and_fire(torch.zeros(1, 0), torch.zeros(1, 0, 1))
    assert latency_loss(firing, torch.tensor([0])) == 0


def test_utterances_together_lose_the_mean_of_what_they_lose_alone():
    """Per token, the end of each included."""
    for model in (*(tiny(uses=uses) for uses in USES), tiny_wait(wait=2)):
        together = batch_of([1, 2, 3], [0, 1], [])
        wanted = model.further_losses
        alone = [model(one, wanted=wanted) for one in each_alone(together)]
        counts = (together.target_lengths + 1).tolist()
        found = model(together, wanted=wanted)
        assert {"cross_entropy", "ctc"} <= found.keys()
        for name, loss in found.items():
            parts = [n * one[name] for n, one in zip(counts, alone, strict=True)]
            torch.testing.assert_close(
                loss, sum(parts) / sum(counts), rtol=1e-4, atol=1e-5, msg=name
            )
        assert_padding_is_not_looked_at(model, together)


def test_the_weights_are_scaled_to_the_tokens_and_the_end():
    model, batch = tiny(), batch_of([1, 2, 3], [0])
    with_end = model.with_end(batch)
    assert with_end.targets.tolist() == [[1, 2, 3, 5], [0, 5, -1, -1]]
    encoded = model.encode(batch)
    segments = model.segments(encoded, with_end.target_lengths)
    assert segments.counts.tolist() == [4, 2]
    total = model.cif(encoded.encoder_out, encoded.frame_lengths).weight_sum
    expected = (total - torch.tensor([4, 2])).abs().sum() / 6
    torch.testing.assert_close(model(batch)["quantity"], expected)


def test_every_weight_learns():
    for model in (*(tiny(uses=uses) for uses in USES), tiny_wait()):
        losses = model.train()(batch_of([1, 2, 3], [0, 1]), wanted=model.further_losses)
        sum(losses.values()).backward()
        idle = [
            name for name, one in model.named_parameters() if one.grad is None or not one.grad.any()
        ]
        assert idle == []
        assert all(one.grad.isfinite().all() for one in model.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_by_autocast(dtype):
    for model in (tiny(), tiny(uses="fusion"), tiny_wait()):
        batch = batch_of([1, 2, 3], [0, 1])
        with torch.autocast("cpu", dtype):
            losses = model(batch, wanted=model.further_losses)
        full = model(batch, wanted=model.further_losses)
        for name, loss in losses.items():
            torch.testing.assert_close(loss.float(), full[name], rtol=0.1, atol=0.1, msg=name)
        sum(losses.values()).backward()


# --- batches and empty input ---------------------------------------------------------------------


def test_alone_is_as_in_a_batch():
    waveforms = [noise(s, seed) for seed, s in enumerate([2.0, 0.02, 1.013, 0.0])]
    for model in both_kinds():
        together = model.transcribe_batch(waveforms)
        assert len(together[0].tokens) > len(together[3].tokens) == 0
        for waveform, one in zip(waveforms, together, strict=True):
            alone = model.transcribe(waveform)
            assert one.tokens == alone.tokens
            assert one.scores == pytest.approx(alone.scores, abs=1e-5)
            torch.testing.assert_close(one.rows, alone.rows, rtol=0, atol=1e-5)
            assert torch.equal(one.extras["delays"], alone.extras["delays"])


def test_legal_but_degenerate_input():
    for model in both_kinds():
        assert model.transcribe_batch([]) == []
        for mode in (model.eval(), model.train()):
            for batch in (batch_of([], []), batch_of([], [1, 2])):
                losses = mode(batch, wanted=mode.further_losses)
                assert all(loss.isfinite() for loss in losses.values())
            nothing = Batch.collate([torch.zeros(0, 40)], [[]])
            assert all(loss.isfinite() for loss in mode(nothing).values())
        model.eval()
    silent = tiny(start=1e-9).transcribe(noise(1.0))
    assert silent.tokens == silent.labels == () and silent.rows.shape == (0, 25)


def test_lagging_is_measured_in_seconds():
    model = never_ending(tiny())
    found = [model.transcribe(noise(1.0)), model.transcribe(noise(0.0))]
    words = Alignment(tuple(TimedToken("one") for _ in range(3)))
    measured = model.metrics["lagging"](found, [words, Alignment(())])
    assert measured.keys() == {"AL", "LAAL", "DAL", "AP"}
    assert 0 < measured["LAAL"] <= measured["DAL"] <= 1.0
    nothing = model.metrics["lagging"](found[1:], [Alignment(())])
    assert set(nothing.values()) == {None}


# --- streams -------------------------------------------------------------------------------------


def streamed(model, log_mel, sizes):
    stream, first = model.stream(), 0
    for size in sizes:
        stream.feed(log_mel[first : first + size])
        first += size
    stream.feed(log_mel[first:])
    stream.finish()
    return stream


def chunk_sizes(draw, frames):
    largest, sizes = draw.choice([1, 2, 5, 17, 64]), []
    while sum(sizes) < frames:
        sizes.append(min(draw.randint(0, largest), frames - sum(sizes)))
    return sizes


@pytest.mark.long
def test_a_thousand_chunkings_fire_where_the_whole_does():
    """Fires to the last bit among all chunkings; as the batch fires, up to rounding."""
    draw = random.Random(0)
    for seed in range(10):
        model = tiny(seed, threshold=draw.choice([0.8, 1.0, 1.2]), uses=USES[seed % 2])
        waveform = noise(draw.uniform(0.2, 0.4), seed)
        log_mel = model.config.features(waveform)
        whole = streamed(model, log_mel, [])
        assert whole.fire_positions
        for _ in range(100):
            pieces = streamed(model, log_mel, chunk_sizes(draw, len(log_mel)))
            assert pieces.fire_positions == whole.fire_positions
            assert pieces.tokens == whole.tokens
        offline = model.transcribe(waveform)
        positions = offline.firing.fire_positions[0].tolist()
        assert whole.fire_positions == pytest.approx(positions, abs=1e-3)
        assert [one.token for one in whole.tokens] == list(offline.tokens)
        times = [min(0.04 * one.frames, waveform.duration) for one in whole.tokens]
        assert times == pytest.approx(offline.extras["delays"].tolist())


def test_what_a_stream_writes_is_there_at_once():
    model = never_ending(tiny())
    stream, log_mel = model.stream(), model.config.features(noise(1.0))
    written = [token for frame in log_mel for token in stream.feed(frame[None])]
    assert written == stream.tokens and len(written) > 2
    assert [one.frames for one in written] == sorted(one.frames for one in written)
    rest = stream.finish()
    assert stream.tokens == [*written, *rest]
    assert stream.frames == 25


def test_an_empty_stream_writes_nothing():
    stream = tiny().stream()
    assert stream.feed(torch.zeros(0, 40)) == stream.finish() == stream.tokens == []


def test_a_stream_takes_features_of_its_model_until_it_is_finished():
    stream = tiny().stream()
    with pytest.raises(CIFError, match=r"log_mel must be a tensor \(feature_frames, 40\), got"):
        stream.feed(torch.zeros(3, 41))
    with pytest.raises(CIFError, match="log_mel must be finite"):
        stream.feed(torch.full((1, 40), torch.nan))
    stream.finish()
    for more in (lambda: stream.feed(torch.zeros(1, 40)), stream.finish):
        with pytest.raises(CIFError, match="the stream is finished"):
            more()
    with pytest.raises(CIFError, match="call .eval"):
        tiny().train().stream()
    with pytest.raises(CIFError, match="model must be a SimultaneousTranslator, got"):
        TranslationStream(tiny_wait())


# --- configurations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0}, "threshold must be a number > 0"),
        ({"threshold": 17}, "threshold must be a number > 0 and <= 16"),
        ({"wait": 0}, "wait must be an integer > 0, got 0"),
        ({"uses": "all"}, "uses must be one of 'look-back', 'fusion', got 'all'"),
        ({"overshoot": -1}, "overshoot must be a number >= 0"),
        ({"cif": {"r_order": None}}, "must not depend on what comes: expected r_order = 0"),
        ({"cif": {"conv_cif_layer_num": 2}}, "conv_cif_layer_num = 1, got 0 and 2"),
        ({"cif": {"pause_frames": 3}}, "it has no pause_frames"),
        ({"cif": {"tail_rule": rounded}}, "no tail_rule that scales all weights"),
        ({"cif": {"cif_embedding_dim": 8}}, "take and give vectors of 16 channels"),
    ],
)
def test_settings_that_look_ahead_or_cannot_be_are_refused(settings, message):
    settings = {"cif": {}, **settings}
    cif = replace(
        CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16, r_order=0),
        **settings.pop("cif"),
    )
    parts = vars(tiny_config())
    known = {name: parts[name] for name in ("vocabulary", "features", "encoder", "decoder")}
    with pytest.raises(CIFError, match=message):
        SimultaneousConfig(**known, cif=cif, **settings)


@pytest.mark.parametrize("kind", ["linear", "dense", "depthwise"])
def test_every_kind_of_weights_streams(kind):
    model = tiny(cif={"produce_weight_type": kind})
    waveform = noise(0.5)
    stream = streamed(model, model.config.features(waveform), [7, 8])
    positions = model.transcribe(waveform).firing.fire_positions[0].tolist()
    assert stream.fire_positions == pytest.approx(positions, abs=1e-3)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    models = tiny(uses="fusion", threshold=0.9, wait=2), tiny_wait(segment_frames=3, wait=4)
    for number, model in enumerate(models):
        save_model(model, tmp_path / f"m{number}", "# Card\n")
        loaded = load_model(tmp_path / f"m{number}")
        assert type(loaded) is type(model) and loaded.config == model.config
        one, two = loaded.transcribe(noise(1.0)), model.transcribe(noise(1.0))
        assert one.tokens == two.tokens and one.scores == two.scores


def test_another_sample_rate_is_refused():
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        tiny().transcribe(Waveform([0.0] * 8000, 8000))
    assert tiny().config.vocabulary == VOCABULARY
