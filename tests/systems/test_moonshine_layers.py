"""Moonshine in torch: the states of its graph, layers that are trained, and its decoder's table."""

import numpy as np
import pytest
import torch

from cifviz.audio.moonshine import DIM, has_moonshine, load_moonshine, num_frames
from cifviz.audio.waveform import Waveform
from cifviz.core.module import CIFConfig
from cifviz.corpora.clips import load_clip
from cifviz.errors import AudioError, CIFError
from cifviz.systems import state_input
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.moonshine_layers import LastLayers, LowerLayers, decoder_table
from cifviz.systems.moonshine_pieces import MoonshinePieces
from cifviz.systems.state_input import StatesConfig
from cifviz.systems.w2v_cif_bert import FusionConfig, W2VCIFBertConfig, W2VCIFBertRecognizer
from tests.systems.pretrained import FakeMoonshine
from tests.systems.tiny import VOCABULARY, noise

pytest.importorskip("transformers", reason="the extra cifviz[lm] is not installed")
pytestmark = pytest.mark.slow  # the library takes seconds to import
needs_moonshine = pytest.mark.skipif(not has_moonshine(), reason="Moonshine is not installed")


def last_layers(count=1):
    torch.manual_seed(0)
    return LastLayers(count).eval()


def test_padding_and_neighbours_change_no_state():
    layers = last_layers(2)
    hidden, lengths = torch.randn(3, 7, DIM), torch.tensor([7, 0, 4])
    together = layers(hidden, lengths)
    for number, length in enumerate(lengths.tolist()):
        assert not together[number, length:].any()
        alone = layers(hidden[number : number + 1, :length], lengths[number : number + 1])
        torch.testing.assert_close(together[number, :length], alone[0], rtol=1e-4, atol=1e-5)


def test_gradients_reach_layers_and_what_they_are_given():
    layers = last_layers().double()
    hidden = torch.randn(1, 3, DIM, dtype=torch.float64, requires_grad=True)
    layers(hidden, torch.tensor([2])).square().sum().backward()
    assert hidden.grad[0, :2].any() and not hidden.grad[0, 2].any()
    assert all(one.grad is not None for one in layers.parameters())


@pytest.mark.parametrize("count", [0, 6])
def test_layers_that_there_are_not(count):
    with pytest.raises(CIFError, match="layers must be an integer > 0 and <= 5"):
        LastLayers(count)


def tiny(tuned=1, *, frozen=0):
    torch.manual_seed(0)
    return W2VCIFBertRecognizer(
        W2VCIFBertConfig(
            VOCABULARY,
            encoder=EncoderConfig(
                n_mels=DIM, channels=16, down_sampling=2, kernel=3, dilations=(1,), dropout=0.0
            ),
            cif=CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16, cif_threshold=1.0),
            states=StatesConfig(tuned_layers=tuned),
            fusion=FusionConfig(freeze_finetune_updates=frozen),
        )
    )


def test_layers_are_trained_after_the_frozen_steps():
    """In step 0 nothing reaches them, in step 1 the loss does."""
    model = tiny(frozen=1).train()
    batch = Batch.collate([torch.randn(30, DIM), torch.randn(20, DIM)], [[1, 2], [3]])
    for step in range(2):
        model.zero_grad()
        sum(model(batch).values()).backward()
        reached = [one.grad is not None for one in model.last_layers.parameters()]
        assert all(reached) if step else not any(reached)
    assert model.updates == 2


def test_a_system_with_tuned_layers_is_kept_and_transcribes(monkeypatch, tmp_path):
    monkeypatch.setattr(state_input, "load_lower_layers", lambda tuned: FakeMoonshine())
    model = tiny().eval()
    model.start_at(0.2)
    save_model(model, tmp_path / "mine", "# Card\n")
    loaded = load_model(tmp_path / "mine")
    assert loaded.config == model.config and loaded.config.num_layers > tiny(0).config.num_layers
    pair = loaded.transcribe_batch([noise(1.0), noise(0.6, 1)])
    for sound, found in zip((noise(1.0), noise(0.6, 1)), pair, strict=True):
        alone = model.transcribe(sound)
        assert found.tokens == alone.tokens != ()
        assert found.extras["states"].shape == (num_frames(len(sound.samples)), DIM)


@needs_moonshine
def test_states_are_those_of_the_graph_but_for_its_eight_bits():
    """The graph rounds between layers, too: 2.4 to 3.9 % of the norm were measured."""
    clip = load_clip("digits_four").waveform
    exact = load_moonshine().states(clip)
    for tuned in (1, 3):
        layers = LastLayers(tuned).eval()
        layers.fill()
        hidden = LowerLayers(tuned).states(clip)
        assert hidden.shape == exact.shape
        with torch.inference_mode():
            found = layers(hidden[None], torch.tensor([len(hidden)]))[0]
        assert (found - exact).norm() < 0.08 * exact.norm()
        assert load_moonshine().decode(found) == load_moonshine().decode(exact)


@needs_moonshine
def test_sounds_that_cannot_be_encoded():
    lower = LowerLayers(1)
    assert lower.states(Waveform(np.zeros(800, np.float32))).shape == (0, DIM)
    with pytest.raises(AudioError, match="at most 30 s of sound at 16000 Hz"):
        lower.states(Waveform(np.zeros(8000, np.float32), 8000))


@needs_moonshine
def test_pieces_and_their_embeddings():
    """Those that the decoder itself chooses for a word; the table has a row for each."""
    pieces = MoonshinePieces()
    found = pieces.pieces("please followed unauthorized")
    assert found == ["▁please", "▁followed", "▁una", "ut", "hor", "ized"]
    assert pieces.pieces("") == []
    rows = pieces.embeddings(pieces.ids(found))
    assert rows.shape == (6, DIM) and torch.equal(rows[0], decoder_table()[pieces.ids(found)[0]])
    # Words of one meaning are nearer to each other than to others.
    seven, eight, other = pieces.embeddings(pieces.ids(["▁seven", "▁eight", "▁please"]))
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(seven, eight, dim=0) > cosine(seven, other, dim=0)
    with pytest.raises(CIFError, match="moonshine has no piece 'nopiece'"):
        pieces.ids(["nopiece"])
