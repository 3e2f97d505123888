"""The explorer while two threads use it: what it shows is always of one utterance and settings."""

import pytest

import cifviz
from cifviz.errors import require_number
from cifviz.explorer import widget as module
from cifviz.explorer.settings import realign
from tests.comms import ask, connected, update
from tests.threads import Halfway, at_once, watched


@pytest.fixture(scope="module")
def other(model):
    return model.transcribe(cifviz.load_clip("digits_two").waveform)


@pytest.fixture
def widget(transcription, model):
    return connected(cifviz.explore(transcription, model=model))


@pytest.fixture
def lock(monkeypatch):
    return watched(monkeypatch)


def is_whole(widget):
    """Whether settings, alignment and data are of one another."""
    own = realign(widget.transcription, widget.settings)[1]
    return widget.alignment == own and widget.placed is None


def test_alignment_and_settings_belong_together(widget, lock, monkeypatch):
    """Python sets one while the alignment for another, of a view, is made."""
    halfway = Halfway(realign)
    monkeypatch.setattr(module, "realign", halfway)
    at_once(
        lock,
        halfway,
        lambda: update(widget, {"settings": {"threshold": 0.5, "scaling": "as given"}}),
        lambda: setattr(widget, "settings", {"threshold": 2.0}),
    )
    assert widget.settings["scaling"] == "as given"  # neither is lost
    assert widget.settings["threshold"] == 2.0
    assert is_whole(widget)


def test_a_view_changes_settings_while_another_transcription_is_shown(
    widget, lock, other, monkeypatch
):
    halfway = Halfway(realign)
    monkeypatch.setattr(module, "realign", halfway)
    settings = {"threshold": 0.5, "scaling": "as given"}
    at_once(
        lock,
        halfway,
        lambda: update(widget, {"settings": settings, "selection": 9}),
        lambda: widget.show(other),
    )
    assert widget.transcription is other
    assert is_whole(widget)
    assert widget.selection is None


def test_an_answer_is_of_one_transcription(transcription, model, other, lock, monkeypatch):
    """Another is shown when the length of the first is known and its picture is not yet made."""
    widget = connected(cifviz.explore(transcription, model=model))
    halfway = Halfway(require_number)
    monkeypatch.setattr(module, "require_number", halfway)
    answers = []
    question = {"id": "1", "type": "stretch", "start": 0, "end": 100}
    at_once(
        lock,
        halfway,
        lambda: answers.extend(ask(widget, question)),
        lambda: widget.show(other),
    )
    (answer,) = (one["content"] for one in answers if one["method"] == "custom")
    assert answer["end"] == transcription.duration != other.duration


def test_of_two_pieces_at_once_one_is_an_error(widget, lock, monkeypatch):
    ask(widget, {"id": "0", "type": "piece", "index": 0, "name": "x.wav"}, [b"a"])
    add, halfway = module.Upload.add, Halfway(lambda: None)
    monkeypatch.setattr(module.Upload, "add", lambda *args: (halfway(), add(*args))[1])
    piece = {"type": "piece", "index": 1}
    at_once(
        lock,
        halfway,
        lambda: widget._handle_custom_msg({"id": "1", **piece}, [b"b"]),
        lambda: widget._handle_custom_msg({"id": "2", **piece}, [b"c"]),
    )
    assert widget._upload.pieces == [b"a", b"b"]
