"""What funasr's own models and predictors do is what `capture` shows, and what we load of them."""

import pytest
import torch
from funasr.models.bicif_paraformer.cif_predictor import CifPredictorV3
from funasr.models.paraformer.cif_predictor import CifPredictor, CifPredictorV2
from funasr.models.paraformer.model import Paraformer
from torch import nn

from cifviz import capture, load_funasr
from cifviz.errors import CIFError

DIM = 16
PREDICTORS = {
    "V1": (CifPredictor, {}),
    "V1, threshold 0.9": (CifPredictor, {"threshold": 0.9}),
    "V2": (CifPredictorV2, {"tail_threshold": 0.45}),
    "V2, no tail": (CifPredictorV2, {}),
    "V2, tail behind the batch": (CifPredictorV2, {"tail_threshold": 0.45, "tail_mask": False}),
    "V3": (CifPredictorV3, {"tail_threshold": 0.45, "upsample_type": "cnn_blstm"}),
    "V3, louder": (CifPredictorV3, {"smooth_factor": 0.8, "noise_threshold": 0.2}),
}


def paraformer(predictor="CifPredictorV2", **settings):
    torch.manual_seed(0)
    return Paraformer(
        input_size=24,
        vocab_size=20,
        encoder="SANMEncoder",
        encoder_conf={
            "output_size": DIM,
            "attention_heads": 2,
            "linear_units": 32,
            "num_blocks": 2,
            "input_layer": "pe",
            "kernel_size": 5,
        },
        decoder="ParaformerSANMDecoder",
        decoder_conf={
            "attention_heads": 2,
            "linear_units": 32,
            "num_blocks": 2,
            "att_layer_num": 2,
            "kernel_size": 5,
        },
        predictor=predictor,
        predictor_conf={"idim": DIM, "l_order": 1, "r_order": 1, "tail_threshold": 0.45},
        ctc_weight=0.0,
        predictor_weight=1.0,
        **settings,
    )


def check(firing, encoder_out, lengths, embeddings, alphas, peaks, threshold=1.0):
    """The firing is what a predictor of funasr says that it did, and what its output shows."""
    frames = alphas.shape[1]
    hidden = nn.functional.pad(encoder_out, (0, 0, 0, frames - encoder_out.shape[1]))
    explained = firing.contributions.float() @ hidden
    torch.testing.assert_close(explained, embeddings, atol=1e-5, rtol=0)
    torch.testing.assert_close(firing.embeddings, embeddings, atol=0, rtol=0)
    torch.testing.assert_close(firing.scaled_alpha, alphas, atol=0, rtol=0)
    assert firing.contributions.shape == (*embeddings.shape[:2], frames)
    for row, one in enumerate(firing):
        fired_in = (one.fire_positions[0].ceil().long() - 1).tolist()
        theirs = (peaks[row] >= threshold).nonzero().flatten().tolist()
        assert fired_in == theirs[: embeddings.shape[1]]
        assert one.contributions.shape[2] >= lengths[row]
        assert one.contributions.sum(dim=2).sub(1).abs().max() < 1e-4
        alone = one.contributions.float() @ hidden[row : row + 1, : one.contributions.shape[2]]
        torch.testing.assert_close(alone, one.embeddings, atol=1e-5, rtol=0)


@pytest.fixture
def speech():
    torch.manual_seed(1)
    return torch.randn(3, 60, 24), torch.tensor([60, 43, 17])


@torch.no_grad()
def test_paraformer_recognises(speech):
    model = paraformer().eval()
    with capture(model) as firings:
        encoder_out, lengths = model.encode(*speech)
        embeddings, counts, alphas, peaks = model.calc_predictor(encoder_out, lengths)
        model.cal_decoder_with_predictor(encoder_out, lengths, embeddings, counts.long())
    (firing,) = firings
    check(firing, encoder_out, lengths, embeddings, alphas, peaks)
    assert firing.num_fires.tolist() == counts.tolist()
    # The appended weight is in none of the predicted ones, and stands behind each utterance.
    torch.testing.assert_close(firing.weight_sum + 0.45, alphas.sum(dim=1))
    assert firing.frame_lengths.tolist() == [61, 44, 18]
    assert firing.scaled_alpha[[0, 1, 2], [60, 43, 17]].tolist() == pytest.approx([0.45] * 3)


def test_paraformer_learns(speech):
    model = paraformer().train()
    tokens, counts = torch.randint(3, 20, (3, 9)), torch.tensor([9, 6, 2])
    tokens[torch.arange(9) >= counts.unsqueeze(1)] = -1
    seen = []
    hook = model.predictor.register_forward_hook(
        lambda module, args, output: seen.append((args[0].detach(), *output))
    )
    with capture(model) as firings:
        loss, *_ = model(*speech, tokens, counts)
    hook.remove()
    loss.backward()
    assert model.predictor.cif_output.weight.grad.abs().sum() > 0
    (firing,), ((hidden, embeddings, total, alphas, peaks),) = firings, seen
    check(firing, hidden, speech[1], embeddings.detach(), alphas.detach(), peaks.detach())
    torch.testing.assert_close(firing.weight_sum, total.detach())
    torch.testing.assert_close(firing.scaled_alpha.sum(dim=1), counts.float())
    assert not firing.embeddings.requires_grad
    assert all(lost in (0, 1) for lost in (counts - firing.num_fires).tolist())


@pytest.mark.parametrize("target", [None, torch.tensor([12.0, 9.0, 3.0])], ids=["eval", "train"])
@pytest.mark.parametrize("kind", PREDICTORS)
@torch.no_grad()
def test_every_predictor(kind, target):
    make, settings = PREDICTORS[kind]
    torch.manual_seed(2)
    predictor = make(DIM, 1, 1, **settings).train(target is not None)
    hidden, lengths = torch.randn(3, 40, DIM), torch.tensor([40, 33, 7])
    mask = (torch.arange(40) < lengths.unsqueeze(1)).unsqueeze(1)
    with capture(predictor) as firings:
        output = predictor(hidden, mask=mask, target_label_length=target)
    embeddings, _, alphas, peaks = output[:4]
    threshold = settings.get("threshold", 1.0)
    check(firings[0], hidden, lengths, embeddings, alphas, peaks, threshold)
    assert firings[0].slack == pytest.approx(1 - threshold)


@torch.no_grad()
def test_fires_put_off_into_the_padding_are_those_of_their_utterance():
    """More tokens are asked for than there are frames: one fire each, on into the padding."""
    torch.manual_seed(0)
    predictor = CifPredictor(4, 1, 1, tail_threshold=0.0)
    hidden, lengths, target = torch.randn(2, 6, 4), torch.tensor([6, 2]), torch.tensor([1.0, 5.0])
    mask = (torch.arange(6) < lengths.unsqueeze(1)).unsqueeze(1)
    with capture(predictor) as firings:
        embeddings, *_ = predictor(hidden, mask=mask, target_label_length=target)
    short = firings[0].utterance(1)
    frames = int(short.frame_lengths)
    assert frames > 2
    explained = short.contributions.float() @ hidden[1:, :frames]
    torch.testing.assert_close(explained, embeddings[1:, : int(short.num_fires)])


@torch.no_grad()
def test_a_predictor_that_does_something_else_is_found_out():
    class Twice(CifPredictorV2):
        def forward(self, *args, **kwargs):
            embeddings, *others = super().forward(*args, **kwargs)
            return 2 * embeddings, *others

    predictor = Twice(DIM, 1, 1).eval()
    hidden, mask = torch.randn(1, 20, DIM), torch.ones(1, 1, 20)
    with capture(predictor), pytest.raises(CIFError, match="the output of Twice must be what"):
        predictor(hidden, mask=mask)
    predictor(hidden, mask=mask)  # nothing is left of the capture


@pytest.mark.parametrize("kind", PREDICTORS)
@torch.no_grad()
def test_loaded_weights_are_theirs(kind):
    make, settings = PREDICTORS[kind]
    torch.manual_seed(3)
    predictor = make(DIM, 2, 1, **settings).eval()
    cif = load_funasr(predictor.state_dict(), l_order=2, r_order=1, **settings)
    hidden = torch.randn(2, 30, DIM)
    _, total, alphas, _ = predictor(hidden, mask=torch.ones(2, 1, 30))[:4]
    firing = cif(hidden)
    torch.testing.assert_close(firing.alpha, alphas[:, :30], atol=1e-6, rtol=1e-5)
    if settings.get("tail_threshold", 0.45 if make is CifPredictor else 0):
        assert firing.num_fires.tolist() == total.tolist()


@torch.no_grad()
def test_a_paraformer_is_loaded_as_it_stands(speech, tmp_path):
    model = paraformer("CifPredictor").eval()
    torch.save({"state_dict": model.state_dict()}, tmp_path / "model.pt")
    cif = load_funasr(tmp_path / "model.pt", l_order=1, r_order=1, tail_threshold=0.45)
    encoder_out, lengths = model.encode(*speech)
    _, counts, alphas, _ = model.calc_predictor(encoder_out, lengths)
    firing = cif(encoder_out, lengths)
    assert firing.num_fires.tolist() == counts.tolist()
    torch.testing.assert_close(firing.alpha[0], alphas[0, :60], atol=1e-6, rtol=1e-5)
