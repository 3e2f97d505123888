"""A recogniser, and its transcription of a clip."""

import pytest

import cifviz


@pytest.fixture(scope="session")
def model():
    return cifviz.load_model("digits")


@pytest.fixture(scope="session")
def transcription(model):
    return model.transcribe(cifviz.load_clip("digits_five").waveform)
