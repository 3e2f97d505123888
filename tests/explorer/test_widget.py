"""The widget without a browser: what Python and a view say to one another."""

import io
import json

import numpy as np
import pytest
import soundfile

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.explorer.data import LONG
from cifviz.explorer.widget import LARGEST
from cifviz.formats import read_textgrid
from tests.explorer.hours import an_hour


@pytest.fixture
def said(monkeypatch):
    """What the widget sends to its views, beside its traits."""
    sent = []
    monkeypatch.setattr(
        cifviz.explorer.widget.Explorer,
        "send",
        lambda self, content, buffers=None: sent.append((content, buffers or [])),
    )
    return sent


@pytest.fixture
def widget(heard, model, said):
    return cifviz.explore(heard, reference=cifviz.load_clip("digits_five").words, model=model)


def ask(widget, said, message, *buffers):
    """A view's question and the answer to it."""
    widget._handle_custom_msg({"id": "7", **message}, [memoryview(one) for one in buffers])
    answer, sent = said.pop()
    assert answer.pop("id") == "7"
    return answer, sent


def shown(widget):
    """What the view is given."""
    return json.loads(widget.data)


def flac(samples, rate=16000):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC")
    return file.getvalue()


def test_it_begins_as_python_heard_it(widget, heard):
    assert widget.alignment.spans == heard.alignment.spans
    assert widget.alignment.text == heard.text
    assert widget.selection is None
    assert widget.placed is None


def test_settings_that_are_set_move_and_the_others_stay(widget):
    widget.settings = {"threshold": 0.5}
    widget.settings = {"scaling": "as given"}
    assert widget.settings["threshold"] == 0.5
    assert widget.settings["tail"]["rule"] == "above"
    assert len(widget.alignment) == 10


def test_a_weight_set_by_hand_is_heard(widget, heard):
    before = float(heard.firing.alpha.sum())
    widget.settings = {"scaling": "as given", "weights": {"0": 1.5}}
    assert len(widget.alignment) == int(before + 1.5 + 0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"treshold": 1}, "a setting must be one of 'threshold', "),
        ({"threshold": 0}, "threshold must be a number >= 0.05 and <= 100, got 0"),
        ({"count": 2.5}, "count must be an integer"),
        ({"scaling": "<b>"}, "scaling must be one of 'as given', 'phrases', 'count', got '<b>'"),
        ({"weights": {"99999": 1.0}}, "weights: expected frames '0' to "),
        ({"weights": {"1": -1.0}}, "the weight of frame 1 must be a number >= 0 and <= 10"),
        ({"weights": [1.0]}, "weights must be a Mapping"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_nothing_moves(widget, settings, message):
    before = widget.settings
    with pytest.raises(CIFError, match=message.replace("(", r"\(")):
        widget.settings = settings
    assert widget.settings == before


def test_a_token_that_is_not_there_cannot_be_chosen(widget):
    widget.selection = 4
    with pytest.raises(CIFError, match="selection must be an integer >= 0 and < 5, got 5"):
        widget.selection = 5
    assert widget.selection == 4


def test_the_chosen_token_stays_within_the_tokens(widget):
    widget.selection = 4
    widget.settings = {"threshold": 2.0, "scaling": "as given"}
    assert (len(widget.alignment), widget.selection) == (3, 2)
    widget.settings = {"scaling": "count", "count": 0}
    assert widget.selection is None


def test_an_alignment_that_is_set_is_shown_until_the_settings_move(widget):
    other = Alignment((TimedToken("<two>", 0.1, 0.2),))
    widget.alignment = other
    assert widget.placed == {"labels": ["<two>"], "starts": [0.1], "ends": [0.2]}
    widget.settings = {"threshold": 0.5}
    assert widget.placed is None
    assert widget.alignment != other


def test_a_view_can_take_a_placed_alignment_away(widget, heard):
    widget.alignment = Alignment((TimedToken("two", 0.1, 0.2),))
    widget.set_state({"placed": None})
    assert widget.alignment.spans == heard.alignment.spans


def test_traits_can_be_observed(widget):
    seen = []
    widget.observe(lambda change: seen.append(change.new.text), "alignment")
    widget.settings = {"threshold": 0.5, "scaling": "as given"}
    assert seen == ["1 2 3 4 5 6 7 8 9 10"]


def test_another_utterance_takes_its_place(widget, model):
    widget.selection = 4
    clip = cifviz.load_clip("digits_two")
    widget.settings = {"threshold": 0.5}
    widget.show(model.transcribe(clip.waveform), reference=clip.words)
    assert widget.alignment.text == clip.words.text
    assert widget.settings["threshold"] == 1.0
    assert widget.selection is None
    assert shown(widget)["reference"]["labels"] == [token.token for token in clip.words]


def test_the_state_holds_no_sound_and_is_small(widget, heard):
    state = json.dumps(widget.get_state(), default=lambda value: len(value))
    assert len(state) < 150_000
    assert heard.waveform.samples.nbytes > 50_000
    assert shown(widget)["sound"] == "whole"


def test_a_view_gets_the_sound(widget, said, heard):
    _, (sound,) = ask(widget, said, {"type": "sound"})
    samples, rate = soundfile.read(io.BytesIO(sound), dtype="float32")
    assert rate == heard.waveform.sample_rate
    np.testing.assert_allclose(samples, heard.waveform.samples, atol=1e-4)


def test_a_view_gets_a_part_of_the_sound(widget, said):
    _, (sound,) = ask(widget, said, {"type": "sound", "start": 0.5, "end": 0.75})
    assert len(soundfile.read(io.BytesIO(sound))[0]) == 4000


def test_of_a_part_that_reaches_beyond_the_sound_there_is_what_there_is(widget, said, heard):
    _, (sound,) = ask(widget, said, {"type": "sound", "start": -1, "end": 99})
    assert len(soundfile.read(io.BytesIO(sound))[0]) == len(heard.waveform.samples)


def test_a_view_gets_a_finer_picture(widget, said):
    answer, _ = ask(widget, said, {"type": "stretch", "start": -3, "end": 0.5})
    assert (answer["start"], answer["end"]) == (0, 0.5)
    assert answer["log_mel"]["frames"] == 50


@pytest.mark.parametrize("part", [{"start": 1, "end": 1}, {"start": "x", "end": 2}, {"start": 1}])
def test_a_part_that_cannot_be_is_refused(widget, said, part):
    answer, _ = ask(widget, said, {"type": "stretch", **part})
    assert "error" in answer


def test_a_textgrid_holds_every_lane(widget, said, tmp_path):
    answer, _ = ask(widget, said, {"type": "textgrid", "settings": None})
    path = tmp_path / "a.TextGrid"
    path.write_text(answer["text"], "utf-8")
    tiers = read_textgrid(path)
    assert list(tiers) == ["tokens", "reference"]
    assert len(tiers["tokens"]) == len(widget.alignment)


def test_a_textgrid_is_of_the_settings_in_view_whatever_has_arrived(widget, said, tmp_path):
    settings = {"threshold": 0.5, "scaling": "as given"}
    answer, _ = ask(widget, said, {"type": "textgrid", "settings": settings})
    assert 'text = "10"' in answer["text"]
    assert len(widget.alignment) == 5
    assert "error" in ask(widget, said, {"type": "textgrid", "settings": {"x": 1}})[0]


def test_what_nobody_knows_is_said_to_be_unknown(widget, said):
    assert ask(widget, said, {"type": "<b>"})[0] == {"error": "Python does not know '<b>'"}


def test_a_recording_arrives_in_pieces_and_is_heard(widget, said):
    clip = cifviz.load_clip("digits_three")
    content = flac(clip.waveform.samples)
    half = len(content) // 2
    for index, piece in enumerate((content[:half], content[half:])):
        answer, _ = ask(widget, said, {"type": "piece", "index": index, "name": "x.flac"}, piece)
        assert answer == {}
    assert ask(widget, said, {"type": "listen"})[0] == {}
    assert widget.alignment.text == clip.words.text
    assert shown(widget)["reference"] is None
    _, (sound,) = ask(widget, said, {"type": "sound"})
    assert len(soundfile.read(io.BytesIO(sound))[0]) == len(clip.waveform.samples)


def test_what_is_no_sound_is_refused_and_what_was_shown_stays(widget, said, heard):
    ask(widget, said, {"type": "piece", "index": 0, "name": "../../x.wav"}, b"no sound")
    answer, _ = ask(widget, said, {"type": "listen"})
    assert "recording.wav" in answer["error"]
    assert widget.alignment.text == heard.text


def test_a_piece_that_is_missing_is_noticed(widget, said):
    ask(widget, said, {"type": "piece", "index": 0, "name": "x.wav"}, b"RIFF")
    answer, _ = ask(widget, said, {"type": "piece", "index": 2, "name": "x.wav"}, b"....")
    assert answer == {"error": "expected piece 1 of the file, got 2"}


def test_a_file_that_is_too_large_is_refused(widget, said, monkeypatch):
    monkeypatch.setattr(cifviz.explorer.widget, "LARGEST", 3_000_000)
    assert LARGEST > 100_000_000
    ask(widget, said, {"type": "piece", "index": 0, "name": "x.wav"}, b"0" * 2_000_000)
    answer, _ = ask(widget, said, {"type": "piece", "index": 1}, b"0" * 2_000_000)
    assert answer == {"error": "expected a file of at most 3 MB, got more"}


def test_without_a_model_nothing_is_taken(heard, said):
    widget = cifviz.explore(heard)
    assert widget.listens is False
    answer, _ = ask(widget, said, {"type": "piece", "index": 0, "name": "x.wav"}, b"RIFF")
    assert "no model" in answer["error"]


def test_a_fault_of_ours_is_told_and_not_hidden(widget, said, monkeypatch):
    monkeypatch.setattr(widget, "_answers", {"sound": lambda *_: 1 / 0})
    with pytest.raises(ZeroDivisionError, match="zero"):
        widget._answer(widget, {"id": "7", "type": "sound"}, [])
    assert said == [({"id": "7", "error": "something failed in Python, see its log"}, [])]


def test_what_is_no_model_or_transcription_is_refused(heard):
    with pytest.raises(CIFError, match="model must be a System, got 'digits'"):
        cifviz.explore(heard, model="digits")
    with pytest.raises(CIFError, match="transcription must be a Transcription, got "):
        cifviz.explore(heard.alignment)
    with pytest.raises(CIFError, match="expected an Alignment or a Transcription as 'CTC'"):
        cifviz.explore(heard, compare={"CTC": [0.1, 0.2]})


def test_silence_can_be_explored(model, said):
    silent = model.transcribe(cifviz.Waveform(np.zeros(0, dtype=np.float32)))
    widget = cifviz.explore(silent)
    assert widget.alignment == Alignment()
    assert shown(widget)["sound"] is None


def test_its_stills_stand_beside_it(widget):
    bundle, metadata = widget._repr_mimebundle_()
    assert {"image/png", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(bundle)
    assert set(metadata) <= set(bundle)


def test_an_explorer_becomes_a_page_with_its_controls_where_they_stood(widget, tmp_path):
    widget.settings = {"threshold": 0.5}
    text = widget.to_html(tmp_path / "page.html").read_text("utf-8")
    assert '"begin": {"threshold": 0.5,' in text
    assert '"settings": {"threshold": 1.0,' in text
    with pytest.raises(CIFError, match="exists; --overwrite"):
        widget.to_html(tmp_path / "page.html")
    widget.to_html(tmp_path / "page.html", overwrite=True)


@pytest.mark.slow
def test_an_hour_stays_small(heard, said):
    """Sound comes in parts, pictures are coarse, and a notebook does not grow."""
    hour = an_hour(heard)
    assert hour.duration >= 3600 > LONG
    widget = cifviz.explore(hour)
    assert shown(widget)["sound"] == "parts"
    bundle, _ = widget._repr_mimebundle_()
    state = len(json.dumps(widget.get_state()))
    assert state < 5_000_000
    assert state + len(json.dumps(bundle)) < 1_000_000
