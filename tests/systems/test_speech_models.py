"""Encoders of speech of folders that `transformers` reads, with tiny random ones."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.audio.waveform import Waveform
from cifviz.core.module import CIFConfig
from cifviz.errors import AudioError, CheckpointError, CIFError
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.speech_models import SpeechModel
from cifviz.systems.state_input import StatesConfig
from cifviz.systems.w2v_cif_bert import W2VCIFBertConfig, W2VCIFBertRecognizer
from tests.systems.tiny import VOCABULARY, noise

transformers = pytest.importorskip("transformers", reason="the extra cifviz[lm] is not installed")
pytestmark = pytest.mark.slow  # the library takes seconds to import

DIM = 8
SIZES = {
    "hidden_size": DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": (8, 8),
    "conv_kernel": (10, 4),
    "conv_stride": (5, 64),
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}


def samples_folder(path, kind):
    """A model that looks at samples: a frame each 320 samples, of 25."""
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**SIZES))
    model.save_pretrained(path)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(path)
    return path


def whisper_folder(path):
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=20,
        num_mel_bins=16,
        d_model=DIM,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    transformers.WhisperModel(config).save_pretrained(path)
    transformers.WhisperFeatureExtractor(feature_size=16).save_pretrained(path)
    return path


FOLDERS = {
    "wav2vec2": lambda path: samples_folder(path, "Wav2Vec2"),
    "hubert": lambda path: samples_folder(path, "Hubert"),
    "whisper": whisper_folder,
}


@pytest.fixture(params=FOLDERS)
def speech(request, tmp_path):
    return SpeechModel.load(FOLDERS[request.param](tmp_path / "folder"), name=request.param)


def test_states_and_their_clock(speech):
    states = speech.states(noise(1.0))
    assert states.shape == (50, DIM) and not states.requires_grad
    assert speech.grid.shift == 0.02 and speech.dim == DIM
    # The middle of frame 0: of 25 samples, or the first sample of a padded sound.
    middle = 0.0 if speech.name == "whisper" else 12.5 / 16_000
    if speech.name != "whisper":
        assert speech._num_frames(24) == 0 and speech._num_frames(25) == 1
    # 4 taps of 5 samples reach 10 + 15 samples.
    assert speech.grid.seconds(0.5) == pytest.approx(middle)
    assert torch.equal(states, speech.states(noise(1.0)))


def test_a_frame_answers_to_the_sound_at_its_time(tmp_path):
    """Of a wav2vec 2.0: a click changes the convolutions' frame whose samples hold it, no other."""
    speech = SpeechModel.load(FOLDERS["wav2vec2"](tmp_path / "folder"))
    quiet = np.zeros(16_000, np.float32)
    place = round(speech.grid.seconds(20.5) * 16_000)
    clicked = quiet.copy()
    clicked[place] = 1.0
    features = [
        speech.encoder.feature_extractor.conv_layers[1].conv(
            speech.encoder.feature_extractor.conv_layers[0].conv(torch.from_numpy(one)[None, None])
        )
        for one in (quiet, clicked)
    ]
    changed = (features[0] - features[1]).abs().sum(dim=(0, 1)) > 0
    assert changed.nonzero().flatten().tolist() == [20]


def test_a_sound_without_a_frame_and_one_that_is_too_long(speech):
    empty = Waveform(np.zeros(0, np.float32))
    assert speech.states(empty).shape == (0, DIM)
    with pytest.raises(AudioError, match="at most 30 s of sound at 16000 Hz, got 31.0 s"):
        speech.states(Waveform(np.zeros(31 * 16_000, np.float32)))
    with pytest.raises(AudioError, match="at 8000 Hz"):
        speech.states(Waveform(np.zeros(8000, np.float32), 8000))


def test_folders_that_hold_no_encoder(tmp_path):
    with pytest.raises(CheckpointError, match="there is no folder"):
        SpeechModel.load(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="does not hold a speech encoder that transformers"):
        SpeechModel.load(tmp_path / "empty")
    other = samples_folder(tmp_path / "other", "Wav2Vec2")
    transformers.BertModel(
        transformers.BertConfig(
            vocab_size=9,
            hidden_size=DIM,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
        )
    ).save_pretrained(other)
    with pytest.raises(CheckpointError, match="other is a model of type 'bert': expected one with"):
        SpeechModel.load(other)
    slow = samples_folder(tmp_path / "slow", "Hubert")
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(slow)
    with pytest.raises(CheckpointError, match="expects audio at 8000 Hz, not at 16000"):
        SpeechModel.load(slow)


def tiny(states, **settings):
    torch.manual_seed(0)
    return W2VCIFBertRecognizer(
        W2VCIFBertConfig(
            VOCABULARY,
            encoder=EncoderConfig(
                n_mels=states.dim, channels=16, down_sampling=2, kernel=3, dilations=(1,)
            ),
            cif=CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16),
            states=states,
            **settings,
        )
    )


def test_a_system_on_another_encoder_trains_is_kept_and_transcribes(speech, tmp_path):
    model = tiny(StatesConfig.of(speech))
    assert model.config.grid.shift == 0.04
    states = speech.states(noise(1.0))
    losses = model.train()(Batch.collate([states, states[:20]], [[1, 2], [3]]))
    sum(losses.values()).backward()
    model.start_at(0.2)
    save_model(model.eval(), tmp_path / "mine", "# Card\n")
    loaded = load_model(tmp_path / "mine")
    assert loaded.config == model.config
    with pytest.raises(CheckpointError, match=f"states of '{speech.name}': give it that encoder"):
        loaded.transcribe(noise(1.0))
    for one in (loaded, model):
        one.use_speech_model(speech)
    found = loaded.transcribe_batch([noise(1.0), noise(0.7, 1)])
    alone = [model.transcribe(noise(1.0)), model.transcribe(noise(0.7, 1))]
    for one, other in zip(found, alone, strict=True):
        assert one.tokens == other.tokens != ()
        assert one.extras["states"].shape[1] == DIM


def test_another_encoder_than_the_configuration_says_is_refused(speech):
    states = replace(StatesConfig.of(speech), name="mine")
    with pytest.raises(CIFError, match=f"looks at states of 'mine' .*, not of '{speech.name}'"):
        tiny(states).use_speech_model(speech)
    with pytest.raises(CIFError, match="model must be .*SpeechModel"):
        tiny(states).use_speech_model("mine")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 8}, "states of Moonshine have 288 values, got dim 8"),
        ({"shift": 0.02}, "states of Moonshine begin at 0.014 s and are 0.024 s apart"),
        ({"name": "mine", "tuned_layers": 1}, "only layers of Moonshine can be trained"),
        ({"tuned_layers": 6}, "states.tuned_layers must be an integer >= 0 and <= 5"),
        ({"name": 3}, "states.name must be"),
        ({"name": "mine", "shift": 0.0}, "states.shift must be"),
    ],
)
def test_states_that_cannot_be(settings, message):
    with pytest.raises(CIFError, match=message):
        StatesConfig(**settings)


def test_a_configuration_is_json_and_back(speech):
    config = tiny(StatesConfig.of(speech)).config
    again = W2VCIFBertConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    with pytest.raises(CIFError, match='where input is "states"'):
        W2VCIFBertConfig(VOCABULARY, input="log-mel", states=StatesConfig.of(speech))
