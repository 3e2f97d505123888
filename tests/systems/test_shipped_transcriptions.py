"""Every checkpoint that ships gives the tokens, scores and times that were recorded.

``python -m tests.systems.test_shipped_transcriptions`` records them again.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.resources import resource
from cifviz.systems.checkpoints import WEIGHTS, list_models, load_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.lip_reading import LipReader
from cifviz.systems.phone_cif import PhoneCIFRecognizer
from cifviz.systems.spiking import SpikingRecognizer

RECORDED = Path(__file__).with_name("shipped_transcriptions.json")
TIMES, SCORES = 1e-4, 1e-3
"""How far seconds and probabilities may be from those that were recorded."""


def transcribed(model):
    """What a model gives for each clip: tokens, scores, times, and the mean time of each row."""
    found = {}
    for name in list_clips():
        one = model.transcribe(load_clip(name).waveform)
        middles = torch.arange(one.rows.shape[1], dtype=torch.float64) + 0.5
        found[name] = {
            "tokens": " ".join(one.tokens),
            "scores": [round(score, 5) for score in one.scores],
            "centroids": [
                round(time, 6) for time in one.grid.seconds(one.rows.double() @ middles).tolist()
            ],
            "times": [[round(word.start, 6), round(word.end, 6)] for word in one.alignment.timed],
        }
    return found


def recorded_models():
    """All that ship, but for those that round: what comes out is another on other processors.

    The states of a pretrained encoder are integers of eight bits, see `test_english`; a last digit
    can move a spike over its threshold, see `test_spiking`. And but for readers of lips: clips have
    no pictures, see `test_fastlr`.
    """
    others = (PhoneCIFRecognizer, SpikingRecognizer, LipReader)
    return [one for one in list_models() if not isinstance(load_model(one), others)]


def test_all_that_ship_were_recorded():
    assert recorded_models() == sorted(json.loads(RECORDED.read_text("utf-8")))


@pytest.mark.parametrize("name", json.loads(RECORDED.read_text("utf-8")))
def test_a_checkpoint_gives_what_was_recorded(name):
    recorded, found = json.loads(RECORDED.read_text("utf-8"))[name], transcribed(load_model(name))
    assert found.keys() == recorded.keys()
    for clip, one in recorded.items():
        assert found[clip]["tokens"] == one["tokens"], clip
        assert found[clip]["scores"] == pytest.approx(one["scores"], abs=SCORES), clip
        assert found[clip]["centroids"] == pytest.approx(one["centroids"], abs=TIMES), clip
        for mine, its in zip(found[clip]["times"], one["times"], strict=True):
            assert mine == pytest.approx(its, abs=TIMES), clip


def test_only_weights_without_fires_are_kept_in_half_precision():
    """A fire at a rounded pause hangs on the last digit of the weights; lips know no pauses."""
    for name in list_models():
        weights, model = load_file(resource("checkpoints") / name / WEIGHTS), load_model(name)
        has_fires = isinstance(model, CIFRecognizer) and not isinstance(model, LipReader)
        kept = torch.float32 if has_fires else torch.float16
        assert {weight.dtype for weight in weights.values()} == {kept}, name


if __name__ == "__main__":
    found = {name: transcribed(load_model(name)) for name in recorded_models()}
    RECORDED.write_text(json.dumps(found, separators=(",", ":")), "utf-8")
