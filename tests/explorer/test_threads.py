"""The explorer while two threads use it: what it shows is always of one utterance and settings."""

import pytest

import cifviz
from cifviz.explorer import widget as module
from cifviz.explorer.settings import realign
from tests.comms import ask, connected, update
from tests.threads import Halfway, at_once, watched


@pytest.fixture(scope="module")
def model():
    return cifviz.load_model("digits")


@pytest.fixture(scope="module")
def heard(model):
    return model.transcribe(cifviz.load_clip("digits_five").waveform)


@pytest.fixture(scope="module")
def other(model):
    return model.transcribe(cifviz.load_clip("digits_two").waveform)


@pytest.fixture
def widget(heard, model):
    return connected(cifviz.explore(heard, model=model))


@pytest.fixture
def lock(monkeypatch):
    return watched(monkeypatch)


def is_whole(widget):
    """Whether settings, alignment and data are of one another."""
    own = realign(widget.transcription, widget.settings)[1]
    return widget.alignment == own and widget.placed is None


def test_the_alignment_is_that_of_the_settings(widget, lock, monkeypatch):
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


def test_an_observer_sees_the_alignment_of_the_settings(widget, lock):
    """While one thread's observers are told, another sets again."""
    seen = []
    look = Halfway(lambda change: seen.append(is_whole(widget)))
    widget.observe(look, "alignment")
    at_once(
        lock,
        look,
        lambda: setattr(widget, "settings", {"threshold": 0.5, "scaling": "as given"}),
        lambda: update(widget, {"settings": {"threshold": 0.6}}),
    )
    assert seen == [True, True]
    assert widget.settings["threshold"] == 0.6
    assert is_whole(widget)


def test_a_view_that_answers_while_another_utterance_comes(widget, lock, other, monkeypatch):
    halfway = Halfway(realign)
    monkeypatch.setattr(module, "realign", halfway)
    at_once(
        lock,
        halfway,
        lambda: widget.show(other),
        lambda: update(widget, {"settings": {"threshold": 0.5}, "selection": 4}),
    )
    assert widget.transcription is other
    assert is_whole(widget)
    assert widget.selection is None or widget.selection < len(widget.alignment)


def test_an_answer_is_of_one_utterance(widget, lock, heard, other, monkeypatch):
    """Another is shown between the check of what is asked for and the answer."""
    answers = []
    halfway = Halfway(lambda *args: module.Explorer._stretch_of(widget, *args))
    monkeypatch.setattr(widget, "_stretch_of", halfway)
    question = {"id": "1", "type": "stretch", "start": heard.duration - 0.2, "end": heard.duration}
    at_once(
        lock,
        halfway,
        lambda: answers.extend(ask(widget, question)),
        lambda: widget.show(other),
    )
    answer = next(one["content"] for one in answers if one["method"] == "custom")
    assert answer["end"] == heard.duration
    assert answer["end"] - answer["start"] == pytest.approx(0.2)


def test_two_pieces_at_once_are_one_and_one_error(widget, lock, monkeypatch):
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
