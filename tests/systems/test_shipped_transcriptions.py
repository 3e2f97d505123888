"""Every checkpoint that ships gives the tokens, scores and times that were recorded.

``python -m tests.systems.test_shipped_transcriptions`` records them again.
"""

import json
from pathlib import Path

import pytest
import torch

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.systems.checkpoints import list_baselines, list_models, load_baseline, load_model

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
        }
        if hasattr(one, "alignment"):
            found[name]["times"] = [[round(time, 6) for time in span] for span in one.alignment.spans]
    return found


def shipped(name):
    return load_model(name) if name in list_models() else load_baseline(name)


def test_all_that_ship_were_recorded():
    assert {*list_models(), *list_baselines()} == set(json.loads(RECORDED.read_text("utf-8")))


@pytest.mark.parametrize("name", json.loads(RECORDED.read_text("utf-8")))
def test_a_checkpoint_gives_what_was_recorded(name):
    recorded, found = json.loads(RECORDED.read_text("utf-8"))[name], transcribed(shipped(name))
    assert found.keys() == recorded.keys()
    for clip, one in recorded.items():
        assert found[clip]["tokens"] == one["tokens"], clip
        assert found[clip]["scores"] == pytest.approx(one["scores"], abs=SCORES), clip
        assert found[clip]["centroids"] == pytest.approx(one["centroids"], abs=TIMES), clip
        for mine, its in zip(found[clip].get("times", []), one.get("times", []), strict=True):
            assert mine == pytest.approx(its, abs=TIMES), clip


if __name__ == "__main__":
    found = {name: transcribed(shipped(name)) for name in [*list_models(), *list_baselines()]}
    RECORDED.write_text(json.dumps(found, separators=(",", ":")), "utf-8")
