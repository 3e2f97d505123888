"""A real FunASR model and torch_cif's function: from capture to panel and explorer."""

import pytest
import torch

from cifviz import Transcription, capture, explore
from cifviz.explorer.settings import realign
from cifviz.plot import panel
from tests.peers.test_funasr import paraformer
from tests.peers.test_torch_cif import Model

HAN = list("今天天气真不错我们一起去公园散步吧好的没问题那就这样说定了明天见") * 4


def shown(firings, utterance, shift):
    """The result as the explorer and the panel have it, with the model's own number of tokens."""
    count = int(firings[0].num_fires[utterance])
    result = Transcription.from_capture(
        firings, HAN[:count], frame_shift=shift, utterance=utterance
    )
    assert explore(result).alignment.text == " ".join(HAN[:count])
    assert f"{count} token" in panel(result).fig.alt
    assert result.warning == ""
    return result


@pytest.mark.parametrize("predictor", ["CifPredictor", "CifPredictorV2"])
@torch.no_grad()
def test_a_paraformer(predictor):
    model = paraformer(predictor).eval()
    speech, lengths = torch.randn(3, 60, 24), torch.tensor([60, 43, 17])
    with capture(model) as firings:
        encoder_out, lengths = model.encode(speech, lengths)
        _, counts, _, _ = model.calc_predictor(encoder_out, lengths)
    for utterance, count in enumerate(counts.tolist()):
        result = shown(firings, utterance, 0.06)
        assert len(result.tokens) == count
        assert result.given_rule.dialect == (
            "paraformer_v1" if predictor == "CifPredictor" else "paraformer_v2"
        )
        # Moved, it is what FunASR's own predictor makes of weights half as large again.
        alphas = firings[0].alpha[utterance : utterance + 1, : int(lengths[utterance])]
        moved, _ = realign(result, {"gain": 1.5})
        again = result.given_rule.fire(1.5 * firings[0].utterance(utterance).alpha)
        assert int(moved.num_fires) == int(again.num_fires)
        assert int(moved.num_fires) in (
            int((1.5 * alphas.sum() + 0.45).floor()),
            int((1.5 * alphas.sum() + 0.45).floor()) - 1,
        )


@torch.no_grad()
def test_torch_cif():
    torch.manual_seed(0)
    model, lengths = Model(0.9), torch.tensor([150, 90])
    padding = torch.arange(150) >= lengths.unsqueeze(1)
    with capture(model) as firings:
        _, output = model(torch.randn(2, 150, 8), padding)
    for utterance in (0, 1):
        result = shown(firings, utterance, 0.04)
        assert len(result.tokens) == int(output["cif_lengths"][0][utterance])
        assert result.given_rule.dialect == "torch_cif"
        assert result.given_rule.tail.value == pytest.approx(0.45)


@torch.no_grad()
def test_five_minutes_of_a_paraformer():
    model = paraformer("CifPredictorV2").eval()
    with capture(model) as firings:
        encoder_out, lengths = model.encode(torch.randn(1, 5000, 24), torch.tensor([5000]))
        _, counts, _, _ = model.calc_predictor(encoder_out, lengths)
    count = int(counts[0])
    names = [HAN[index % len(HAN)] for index in range(count)]
    result = Transcription.from_capture(firings, names, frame_shift=0.06)
    assert result.duration == pytest.approx(300, abs=0.1)
    assert explore(result).alignment.text == " ".join(names)
