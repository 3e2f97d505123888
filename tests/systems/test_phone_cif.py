"""A CIF over phones on the states of a pretrained encoder: times, padding, and what it is given."""

import importlib.util
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.alignment.joined_tokens import joined
from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.audio.moonshine import DIM, Moonshine, has_moonshine, num_frames
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.module import CIFConfig
from cifviz.corpora.clips import load_clip
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import SpokenWord, pronounce
from cifviz.errors import AudioError, CheckpointError, CIFError
from cifviz.systems import decoded_text, phone_cif
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import WEIGHTS, load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoded_sound import STATES
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.forced_alignment import align_by_count, align_by_ctc
from cifviz.systems.phone_alignment import COUNTS, FREE_WEIGHTS, PRESENCE, UNEXPLAINED
from cifviz.systems.phone_cif import PhoneCIFConfig, PhoneCIFRecognizer
from cifviz.systems.phone_paths import PATHS
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, fit
from tests.systems.invariances import (
    assert_losses_are_means_per_token,
    assert_padding_is_not_looked_at,
)
from tests.systems.pretrained import FakeMoonshine
from tests.systems.tiny import noise

SMALL = {
    "encoder": EncoderConfig(n_mels=DIM, channels=16, down_sampling=1, kernel=3, dilations=(1, 2)),
    "cif": CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16),
}


def tiny(seed=0, **settings):
    torch.manual_seed(seed)
    return PhoneCIFRecognizer(PhoneCIFConfig(**{**SMALL, **settings})).eval()


def zero(model):
    """Every weight 1/2, every phone as likely as any other."""
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    return model


def batch_of(*targets):
    """Random states of three lengths, an utterance for each list of phones."""
    states = [torch.randn(40 - 12 * n, DIM, generator=torch.manual_seed(n)) for n in range(3)]
    return Batch.collate(states[: len(targets)], targets)


@pytest.fixture
def pretrained(monkeypatch):
    """A stand-in for the pretrained encoder."""
    monkeypatch.setattr(phone_cif, "load_moonshine", FakeMoonshine)


# --- by hand -------------------------------------------------------------------------------------


def test_fires_are_on_the_clock_of_the_states(pretrained):
    """40 frames of 24 ms that weigh 1/2, of phones that are all alike.

    With log 42 = 3.74, three frames cost 6 · 0.5² + 2.5 · 3.74 = 10.8 as one phone, 3.6 a frame,
    two 2 · 3.74, also 3.7 a frame, four 6 + 3 · 3.74, 4.3 a frame. So twelve phones take three, and
    two take two.
    """
    found = zero(tiny()).transcribe(Waveform(np.zeros(16000, np.float32)))
    assert found.extras[FREE_WEIGHTS].shape == (num_frames(16000),) == (40,)
    assert found.extras[FREE_WEIGHTS].tolist() == [0.5] * 40
    fires = found.grid.seconds(found.firing.fire_positions[0])
    frames = (fires.double() - 0.014) / 0.024
    torch.testing.assert_close(frames, frames.round(), rtol=0, atol=1e-4)
    lengths = frames.round().diff(prepend=torch.zeros(1))
    assert sorted(lengths.tolist()) == [2] * 2 + [3] * 12
    assert found.tokens == ("p",) * 14
    assert found.scores == pytest.approx((1 / len(PHONES),) * 14)
    assert all(0.014 <= start <= end <= 0.974 for start, end in found.alignment.spans)


def test_each_recognised_phone_has_a_mass_of_one():
    """And the sum of the weights as they came is what is measured, not the number of phones."""
    found = transcribe_tiny(tiny())
    assert len(found.tokens) == len(found.rows) == int(found.firing.num_fires) > 3
    torch.testing.assert_close(found.rows.sum(dim=1), torch.ones(len(found.tokens)).double())
    assert found.firing.weight_sum.item() == pytest.approx(len(found.tokens), abs=1e-5)
    free = float(found.extras[FREE_WEIGHTS].sum())
    measured = PhoneCIFRecognizer.metrics["weight_sum_error"]([found], [Alignment()])
    assert measured["mean_absolute"] == pytest.approx(free)
    assert abs(free - len(found.tokens)) > 1e-3


def test_other_decoders_recognise_nothing():
    with pytest.raises(CIFError, match='by the decoder "projection", got "nar"'):
        transcribe_tiny(tiny(decoder=DecoderConfig(dim=16, heads=2)))


def test_losses_by_hand():
    """Four states of weight 1/2 and one phone: a sum of 2 for 1, and 42 phones alike."""
    losses = zero(tiny())(Batch.collate([torch.randn(4, DIM)], [[3]]))
    assert losses["quantity"].item() == pytest.approx(1.0)
    assert losses["cross_entropy"].item() == pytest.approx(np.log(42), rel=1e-5)
    # CTC: of 43^4 paths, 4·5/2 = 10 hold the phone once.
    assert losses["ctc"].item() == pytest.approx(4 * np.log(43) - np.log(10), rel=1e-5)


# --- what it keeps of "cif" ----------------------------------------------------------------------


def test_it_is_a_cif_but_for_its_input():
    model = tiny()
    assert model.loss_weights == CIFRecognizer.loss_weights
    assert model.readouts == CIFRecognizer.readouts
    assert model.config.vocabulary == PHONES
    assert model.grid == Moonshine.grid
    assert model.config.vocabulary_text == "42 phones"


def test_padding_and_batch_change_nothing():
    model = tiny()
    together = batch_of([0, 1, 2, 3], [4], [5, 6])
    assert_losses_are_means_per_token(model, together)
    assert_padding_is_not_looked_at(model, together)


def test_several_sounds_at_once_give_what_each_gives_alone(pretrained):
    model = tiny()
    sounds = [noise(1.2), noise(0.3, seed=1), Waveform(np.zeros(0, np.float32)), noise(0.8, seed=2)]
    together = model.transcribe_batch(sounds)
    for sound, one in zip(sounds, together, strict=True):
        alone = model.transcribe(sound)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-5)
        for spans in zip(one.alignment.spans, alone.alignment.spans, strict=True):
            assert spans[0] == pytest.approx(spans[1], abs=1e-4)
        torch.testing.assert_close(one.extras[STATES], alone.extras[STATES])


@pytest.mark.parametrize("samples", [0, 1, 894])
def test_sound_without_a_frame_has_no_phones(pretrained, samples):
    found = tiny().transcribe(Waveform(np.zeros(samples, np.float32)))
    assert found.tokens == () and len(found.alignment) == 0
    assert found.extras[STATES].shape == (0, DIM)


def test_utterances_without_phones_or_frames_train():
    model = tiny().train()
    batch = Batch.collate([torch.randn(10, DIM), torch.zeros(0, DIM)], [[], []])
    losses = model(batch)
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())
    empty = model(Batch.collate([torch.zeros(0, DIM)], [[]]))
    assert {name: loss.item() for name, loss in empty.items()} == dict.fromkeys(empty, 0.0)


def test_under_autocast_it_trains_and_transcribes(pretrained):
    model, batch = tiny(), batch_of([0, 1, 2], [3, 4])
    exact = model(batch)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(batch)
        found = model.transcribe(noise(0.5))
    sum(losses.values()).backward()
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(exact[name].item(), rel=0.1, abs=0.05), name
    assert all(one.grad.isfinite().all() for one in model.parameters() if one.grad is not None)
    assert all(0 <= score <= 1 for score in found.scores)


def test_all_of_it_learns():
    model = tiny().train()
    sum(model(batch_of([0, 1, 2], [3])).values()).backward()
    without = [name for name, one in model.named_parameters() if one.grad is None]
    assert without == []


PATTERNS = torch.randn(5, DIM, generator=torch.manual_seed(9))
"""States of four phones and of a pause."""


def planted(rng: np.random.Generator):
    """Each phone lasts 2 to 5 states, the pauses around them 3."""
    tokens = rng.integers(4, size=rng.integers(3, 7)).tolist()
    lengths = rng.integers(2, 6, size=len(tokens)).tolist()
    rows = [4] * 3 + [t for t, n in zip(tokens, lengths, strict=True) for _ in range(n)] + [4] * 3
    return Example(PATTERNS[rows].clone(), tokens, torch.full((len(tokens), 2), -1.0))


def test_fit_teaches_it_from_states_alone(tmp_path):
    settings = FitConfig(steps=100, batch_size=8, learning_rate=5e-3, warmup=5, averaging=0.5)
    model, _ = fit(tiny(), planted, settings, folder=tmp_path, progress=False)
    examples = [planted(np.random.default_rng(100 + seed)) for seed in range(8)]
    batch = Batch.collate(*([one[part] for one in examples] for part in range(3)))
    learned = model(batch)
    for name, loss in tiny()(batch).items():
        assert learned[name] < 0.7 * loss, name


# --- saved: the head alone -----------------------------------------------------------------------


def test_what_is_saved_is_the_head_and_small(tmp_path):
    model = PhoneCIFRecognizer(PhoneCIFConfig()).eval()
    assert 300_000 < sum(one.numel() for one in model.parameters()) < 400_000
    save_model(model, tmp_path / "m", "# Card\n")
    assert (tmp_path / "m" / WEIGHTS).stat().st_size < 2_000_000
    loaded = load_model(tmp_path / "m")
    assert type(loaded) is PhoneCIFRecognizer and loaded.config == model.config
    states, log_mel = torch.randn(40, DIM), torch.randn(100, 40)
    one, two = (it.transcribe_states(states, log_mel, duration=1.0) for it in (model, loaded))
    assert one.tokens == two.tokens and one.scores == two.scores


def test_its_configuration_survives_json():
    config = PhoneCIFConfig()
    assert PhoneCIFConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": replace(SMALL["encoder"], n_mels=40)}, "expects 40 values .* given 288"),
        ({"features": LogMel(sample_rate=8000, f_max=4000.0)}, "audio at 16000 Hz, .* 8000 Hz"),
    ],
)
def test_a_configuration_that_does_not_fit_the_states_is_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        PhoneCIFConfig(**{**SMALL, **settings})


# --- what it is given ----------------------------------------------------------------------------


def test_recorded_states_give_what_the_sound_gives(pretrained):
    model, sound = tiny(), noise(0.7)
    found = model.transcribe(sound)
    shown = model.transcribe_states(found.extras[STATES], found.log_mel, duration=sound.duration)
    assert shown.tokens == found.tokens and shown.alignment == found.alignment
    assert shown.waveform is None


@pytest.mark.parametrize(
    ("states", "log_mel", "message"),
    [
        (torch.zeros(39, DIM), torch.zeros(100, 40), r"states of 1 s as floats \(40, 288\), got"),
        (torch.zeros(40, 40), torch.zeros(100, 40), r"\(40, 288\), got torch.float32 \(40, 40\)"),
        (torch.zeros(40, DIM).long(), torch.zeros(100, 40), "got torch.int64"),
        (torch.full((40, DIM), torch.nan), torch.zeros(100, 40), "states must be finite"),
        (torch.zeros(40, DIM), torch.zeros(99, 40), "log-mel features of 1 s as floats"),
        ([[0.0]], torch.zeros(100, 40), "states must be a Tensor"),
    ],
)
def test_states_that_cannot_be_those_of_the_sound_are_refused(states, log_mel, message):
    with pytest.raises(CIFError, match=message):
        tiny().transcribe_states(states, log_mel, duration=1.0)


def test_log_mel_is_no_input():
    model = tiny()
    with pytest.raises(CIFError, match="states of the pretrained encoder, not at log-mel"):
        model.transcribe_features(torch.zeros(100, 40), duration=1.0)
    with pytest.raises(CIFError, match="states of the pretrained encoder, not at log-mel"):
        decode_by_tail_rule(model, torch.zeros(100, 40))


def test_sound_of_another_rate_is_refused(pretrained):
    with pytest.raises(AudioError, match="expected audio at 16000 Hz, got 8000 Hz"):
        tiny().transcribe(Waveform(np.zeros(8000, np.float32), 8000))


def test_in_training_mode_nothing_is_transcribed(pretrained):
    with pytest.raises(CIFError, match=r"call \.eval"):
        tiny().train().transcribe(noise(0.3))
    with pytest.raises(CIFError, match=r"call \.eval"):
        tiny().train().transcribe_states(torch.zeros(0, DIM), torch.zeros(0, 40), duration=0.0)


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch):
    def missing():
        raise CheckpointError("pip install cifviz[english]")

    monkeypatch.setattr(phone_cif, "load_moonshine", missing)
    with pytest.raises(CIFError, match=r"pip install cifviz\[english\]"):
        tiny().transcribe(noise(0.3))


# --- with a transcript ---------------------------------------------------------------------------


def test_known_phones_are_aligned_by_count_and_by_ctc(pretrained):
    model, phones = tiny(), ["h", "ə", "l", "oʊ"]
    by_count = align_by_count(model, noise(1.0), phones)
    by_ctc = align_by_ctc(model, noise(1.0), phones)
    assert [one.token for one in by_count.alignment] == [one.token for one in by_ctc] == phones
    assert all(
        0 <= start <= end <= 1.0 for start, end in (*by_count.alignment.spans, *by_ctc.spans)
    )


@pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="pronunciations need espeakng-loader (pip install cifviz[english])",
)
def test_words_of_a_text_are_aligned_through_their_phones(pretrained):
    written = pronounce("A small boat, in 1984.")
    phones = [phone for word in written for phone in word.phones]
    found = align_by_count(tiny(), noise(1.5), phones)
    counts = [len(word.phones) for word in written]
    words = joined(found.alignment, [word.text for word in written], counts)
    assert words.text == "A small boat in 1984"
    assert words.spans[0][0] == found.alignment.spans[0][0]
    assert words.spans[-1][1] == found.alignment.spans[-1][1]


def word(text, *phones):
    return SpokenWord(text, 0, len(text), phones)


HELLO = [word("hello", "h", "ə", "l", "oʊ"), word("a", "ə"), word("boat", "b", "oʊ", "t")]


def align_tiny(model, words, frames=40, **request):
    """Align recorded states of noise."""
    return model.align_states(words=words, **recorded_noise(frames), **request)


def transcribe_tiny(model, frames=40):
    """Transcribe the same."""
    return model.transcribe_states(**recorded_noise(frames))


def recorded_noise(frames):
    """States of noise, for `transcribe_states`."""
    states = torch.randn(frames, DIM, generator=torch.manual_seed(3))
    duration = (895 + 384 * (frames - 1)) / 16000 if frames else 0.0
    log_mel = torch.zeros(math.ceil(round(duration * 16000) / 160), 40)
    return {"states": states, "log_mel": log_mel, "duration": duration}


@pytest.mark.parametrize("path", list(PATHS))
def test_aligned_words_have_one_fire_a_phone(path):
    found = align_tiny(tiny(), HELLO, path=path)
    assert found.tokens == ("h", "ə", "l", "oʊ", "ə", "b", "oʊ", "t")
    assert int(found.firing.num_fires) == len(found.rows) == 8
    torch.testing.assert_close(found.rows.sum(dim=1), torch.ones(8).double())
    assert found.firing.weight_sum.item() == pytest.approx(8, abs=1e-5)
    assert found.words.text == found.text == "hello a boat"
    phones, words = found.alignment.spans, found.words.spans
    assert [start for start, _ in words] == [phones[0][0], phones[4][0], phones[5][0]]
    assert [end for _, end in words] == [phones[3][1], phones[4][1], phones[7][1]]
    assert all(0 <= start <= end <= found.duration for start, end in phones)
    assert found.extras[FREE_WEIGHTS].shape == (40,) and found.extras[COUNTS] == (4, 1, 3)


def test_each_fire_lies_in_the_stretch_of_its_phone(monkeypatch):
    """Also where a pause follows, without weight."""
    ends = np.array([5, 6.5, 7, 9, 22, 26, 27, 30.0])
    stretches = np.stack([[3, 5, 6.5, 7, 21, 22, 26, 27], ends], axis=1)
    monkeypatch.setitem(PATHS, "count", lambda *_: stretches)
    found = align_tiny(tiny(), HELLO, path="count")
    fires = found.firing.fire_positions[0].numpy()
    assert (stretches[:, 0] < fires).all() and (fires <= stretches[:, 1] + 1e-9).all()
    assert (np.abs(fires - stretches[:, 1]) < 0.5).all()


def test_aligned_by_count_it_fires_where_forced_alignment_does(pretrained):
    model, sound = tiny(), noise(1.0)
    encoded = model.transcribe(sound)
    found = model.align_states(
        encoded.extras[STATES], encoded.log_mel, HELLO, duration=1.0, path="count"
    )
    plain = align_by_count(model, sound, found.tokens)
    torch.testing.assert_close(found.firing.scaled_alpha, plain.firing.scaled_alpha.double())
    assert found.scores == pytest.approx(plain.scores, rel=0.05)  # that one fires at 0.99


@pytest.mark.parametrize("path", list(PATHS))
@pytest.mark.parametrize(
    ("words", "frames"), [([], 40), ([], 0), (HELLO, 0), (HELLO, 1), (HELLO * 60, 40)]
)
def test_what_cannot_be_placed_is_untimed(path, words, frames):
    found = align_tiny(tiny(), words, frames, path=path)
    assert len(found.words) == len(words) and len(found.tokens) == len(found.rows)
    untimed = frames == 0 or len(words) > 3
    assert len(found.alignment.timed) == (0 if untimed else len(found.tokens))


@pytest.mark.parametrize("path", list(PATHS))
def test_under_autocast_it_aligns(path):
    with torch.autocast("cpu", torch.bfloat16):
        found = align_tiny(tiny(), HELLO, path=path)
    assert int(found.firing.num_fires) == 8 and len(found.words.timed) == 3


def test_a_transcript_that_does_not_fit_says_so():
    found = align_tiny(tiny(), HELLO * 60)
    assert found.extras[PRESENCE] == (0.0,) * 180 and found.extras[UNEXPLAINED] == ()
    assert found.warning == found.misfit
    assert found.misfit.endswith("180 of its 180 words are probably not in these 1.0 s")
    assert align_tiny(tiny(), []).misfit == ""


def test_a_path_or_a_phone_that_is_not_known_is_refused():
    with pytest.raises(CIFError, match="path must be one of 'count'"):
        align_tiny(tiny(), HELLO, path="straight")
    with pytest.raises(CIFError, match="phone must be one of"):
        align_tiny(tiny(), [word("loch", "x")])
    with pytest.raises(CIFError, match='by the decoder "projection", got "nar"'):
        align_tiny(tiny(decoder=DecoderConfig(dim=16, heads=2)), HELLO)
    with pytest.raises(CIFError, match=r"call \.eval"):
        align_tiny(tiny().train(), HELLO)


def test_edges_are_learned_from_the_times_of_words():
    """References 20 ms before the quantile 10 % and 30 ms behind 90 %: both are found."""
    model = tiny()
    found = align_tiny(model, HELLO)
    true = replace(model.config, edges=Edges(0.1, 0.9, -0.02, 0.03, cut="fires")).edges.read(
        found.firing, found.grid
    )
    first, last = [0, 4, 5], [3, 4, 7]
    spans = [(float(true[0][a]), float(true[1][b])) for a, b in zip(first, last, strict=True)]
    spans = [
        (start, min(end, nxt[0]))
        for start, end, nxt in zip(
            [a for a, _ in spans], [b for _, b in spans], [*spans[1:], (9.0, 9.0)], strict=True
        )
    ]
    words = Alignment(tuple(TimedToken("w", *span) for span in spans))
    edges = model.learn_edges([(found, words)])
    assert edges == model.config.edges and edges.cut == "fires"
    assert edges.onset_quantile == 0.1 and edges.onset_shift == pytest.approx(-0.02, abs=1e-6)
    assert model.learn_edges([]) == Edges(cut="fires")
    with pytest.raises(CIFError, match="the times of 3 words, got 1"):
        model.learn_edges([(found, Alignment(words.tokens[:1]))])


def test_a_text_is_pronounced_and_aligned(pretrained, monkeypatch):
    monkeypatch.setattr(phone_cif, "pronounce", lambda text, voice: HELLO if text else ())
    model = tiny()
    found = model.align(noise(1.0), "hello a boat")
    assert found.words.text == "hello a boat" and found.waveform is not None
    assert model.align(noise(1.0), "").tokens == ()
    monkeypatch.setattr(FakeMoonshine, "decode", lambda self, states: "Hello", raising=False)
    monkeypatch.setattr(decoded_text, "pronounce", lambda text: HELLO if text else ())
    monkeypatch.setattr(phone_cif, "is_made_up", lambda found: False)
    assert model.hear(noise(1.0)).words == found.words


def test_what_is_heard_where_nobody_speaks_is_no_text(pretrained, monkeypatch):
    """Decoders make up words in silence, and a word that is not there in noise."""
    monkeypatch.setattr(FakeMoonshine, "decode", lambda self, states: "You", raising=False)
    monkeypatch.setattr(decoded_text, "pronounce", lambda text: HELLO if text else ())
    model = tiny()
    silent = model.hear(Waveform(np.zeros(16_000, np.float32)))
    assert (silent.text, silent.tokens, silent.warning) == ("", (), "")
    assert decoded_text.is_made_up(align_tiny(model, HELLO * 60))
    monkeypatch.setattr(decoded_text, "LEAST_PRESENCE", 1.1)
    made_up = model.hear(noise(1.0))
    assert (made_up.text, made_up.tokens, made_up.warning) == ("", (), "")


def test_a_warning_about_what_wabout_decoded_speaks_of_no_transcript(pretrained, monkeypatch):
    monkeypatch.setattr(FakeMoonshine, "decode", lambda self, states: "Hello", raising=False)
    monkeypatch.setattr(decoded_text, "pronounce", lambda text: HELLO * 60 if text else ())
    monkeypatch.setattr(phone_cif, "is_made_up", lambda found: False)
    warning = tiny().hear(noise(1.0)).warning
    assert warning.startswith("the text that was heard does not fit this sound: 180 of its 180")


@pytest.mark.parametrize("words", ["in being", ["in"], None, 5, iter(HELLO), [HELLO], b"in"])
def test_words_that_are_none_are_refused(words):
    with pytest.raises(CIFError, match="words must be a sequence|word 0 must be a SpokenWord"):
        align_tiny(tiny(), words)


@pytest.mark.skipif(
    not has_moonshine(), reason="the English encoder is not installed (pip install cifviz[english])"
)
def test_with_the_real_encoder_it_transcribes_a_clip():
    clip = load_clip("natural_lake")
    found = tiny().transcribe(clip.waveform)
    assert found.firing.alpha.shape[1] == num_frames(len(clip.waveform.samples))
    assert set(found.tokens) <= set(PHONES)
    assert found.extras[STATES].shape == (found.firing.alpha.shape[1], DIM)


def test_another_language_is_aligned_and_not_judged(pretrained, monkeypatch):
    voices = []
    monkeypatch.setattr(
        phone_cif, "pronounce", lambda text, voice: [voices.append(voice), *HELLO][1:]
    )
    model = tiny()
    english, british, czech = (
        model.align(noise(1.0), "a", language=one) for one in ("en-us", "en-gb", "cs")
    )
    assert voices == ["en-us", "en-gb", "cs"]
    assert czech.words.spans == english.words.spans == british.words.spans
    assert PRESENCE in british.extras and PRESENCE not in czech.extras
    assert UNEXPLAINED not in czech.extras
    assert czech.warning.startswith("language cs is experimental")
    with pytest.raises(CIFError, match="of more than 28 s is aligned in English alone, got .*'cs'"):
        model.align(Waveform(np.zeros(29 * 16000, np.float32)), "a", language="cs")
    with pytest.raises(CIFError, match="language must be a str"):
        model.align(noise(1.0), "a", language=None)
