"""What docs/language_models.md says of an encoder and a language model of one's own, run."""

import re
from pathlib import Path

import pytest

from cifviz.systems.base import Batch
from cifviz.systems.speech_models import SpeechModel
from cifviz.systems.text_models import TextModel
from tests.systems.tiny import noise

pytest.importorskip("transformers", reason="the extra cifviz[lm] is not installed")
pytestmark = pytest.mark.slow  # the library takes seconds to import

PAGE = Path(__file__).parents[2] / "docs" / "language_models.md"


def test_the_page_builds_a_system_that_trains(tmp_path, monkeypatch):
    from tests.systems import test_speech_models, test_text_models

    speech = SpeechModel.load(test_speech_models.FOLDERS["wav2vec2"](tmp_path / "speech"))
    text = TextModel.load(test_text_models.FOLDERS["masked"](tmp_path / "text"))
    monkeypatch.setattr(SpeechModel, "load", lambda folder: speech)
    monkeypatch.setattr(TextModel, "load", lambda folder: text)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    made: dict = {}
    exec(code, made)
    model = made["model"]
    assert model.config.states.name == speech.name and model.language is not None
    batch = Batch.collate([speech.states(noise(1.0))], [[0, 1]])
    sum(model.train()(batch).values()).backward()
    assert model.eval().transcribe(noise(1.0)).duration == 1.0
