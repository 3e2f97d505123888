"""The widget without a browser: what Python and a view say to one another."""

import io
import json

import numpy as np
import pytest
import soundfile

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.explorer import upload
from cifviz.explorer.data import LONG, PIECE
from cifviz.explorer.widget import Explorer
from tests.explorer.hours import an_hour


@pytest.fixture
def sent_messages(monkeypatch):
    """What the widget sends to its views, beside its traits."""
    sent = []
    monkeypatch.setattr(
        Explorer,
        "send",
        lambda self, content, buffers=None: sent.append((content, buffers or [])),
    )
    return sent


@pytest.fixture
def widget(transcription, model, sent_messages):
    return cifviz.explore(
        transcription, reference=cifviz.load_clip("digits_five").words, model=model
    )


def ask(widget, sent_messages, message, *buffers):
    """A view's question and the answer to it."""
    widget._handle_custom_msg({"id": "7", **message}, [memoryview(one) for one in buffers])
    answer, sent = sent_messages.pop()
    assert answer.pop("id") == "7"
    return answer, sent


def shown(widget):
    """What the view is given."""
    return json.loads(widget.data)


def flac(samples, rate=16000):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC")
    return file.getvalue()


def test_it_begins_with_the_transcription(widget, transcription):
    assert widget.alignment.spans == transcription.alignment.spans
    assert widget.alignment.text == transcription.text
    assert widget.selection is None
    assert widget.placed is None


def test_settings_that_are_not_given_keep_their_values(widget):
    widget.settings = {"threshold": 0.5}
    widget.settings = {"scaling": "as given"}
    assert widget.settings["threshold"] == 0.5
    assert widget.settings["tail"]["rule"] == "above"
    assert len(widget.alignment) == 10


def test_a_weight_set_by_hand_is_used(widget, transcription):
    before = float(transcription.require_firing().alpha.sum())
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
def test_invalid_settings_are_refused_and_nothing_changes(widget, settings, message):
    before = widget.settings
    with pytest.raises(CIFError, match=message.replace("(", r"\(")):
        widget.settings = settings
    assert widget.settings == before


def test_a_token_that_does_not_exist_cannot_be_selected(widget):
    widget.selection = 4
    with pytest.raises(CIFError, match="selection must be an integer >= 0 and < 5, got 5"):
        widget.selection = 5
    assert widget.selection == 4


def test_the_selection_stays_within_the_tokens(widget):
    widget.selection = 4
    widget.settings = {"threshold": 2.0, "scaling": "as given"}
    assert (len(widget.alignment), widget.selection) == (3, 2)
    widget.settings = {"scaling": "count", "count": 0}
    assert widget.selection is None


def test_an_alignment_that_is_set_is_shown_until_the_settings_change(widget):
    other = Alignment((TimedToken("<two>", 0.1, 0.2),))
    widget.alignment = other
    assert widget.placed == {"labels": ["<two>"], "starts": [0.1], "ends": [0.2]}
    widget.settings = {"threshold": 0.5}
    assert widget.placed is None
    assert widget.alignment != other


def test_a_view_can_remove_a_placed_alignment(widget, transcription):
    widget.alignment = Alignment((TimedToken("two", 0.1, 0.2),))
    widget.set_state({"placed": None})
    assert widget.alignment.spans == transcription.alignment.spans


def test_traits_can_be_observed(widget):
    seen = []
    widget.observe(lambda change: seen.append(change.new.text), "alignment")
    widget.settings = {"threshold": 0.5, "scaling": "as given"}
    assert seen == ["1 2 3 4 5 6 7 8 9 10"]


def test_another_transcription_can_be_shown(widget, model):
    widget.selection = 4
    clip = cifviz.load_clip("digits_two")
    widget.settings = {"threshold": 0.5}
    widget.show(model.transcribe(clip.waveform), reference=clip.words)
    assert widget.alignment.text == clip.words.text
    assert widget.settings["threshold"] == 1.0
    assert widget.selection is None
    assert shown(widget)["reference"]["labels"] == [token.token for token in clip.words]


PROGRAM = ("_esm", "_css")
"""What of the state is the same whatever is shown."""


def test_the_state_has_no_sound_and_is_small(widget, transcription):
    state = {name: value for name, value in widget.get_state().items() if name not in PROGRAM}
    assert len(json.dumps(state, default=len)) < 20_000
    assert transcription.waveform.samples.nbytes > 50_000
    sound = shown(widget)["sound"]
    assert sound["piece"] == sound["length"] == len(transcription.waveform.samples)


def test_a_view_gets_the_sound(widget, sent_messages, transcription):
    _, (sound,) = ask(widget, sent_messages, {"type": "sound"})
    samples, rate = soundfile.read(io.BytesIO(sound), dtype="float32")
    assert rate == transcription.waveform.sample_rate
    np.testing.assert_allclose(samples, transcription.waveform.samples, atol=1e-4)


def test_a_view_gets_a_part_of_the_sound(widget, sent_messages):
    _, (sound,) = ask(widget, sent_messages, {"type": "sound", "start": 0.5, "end": 0.75})
    assert len(soundfile.read(io.BytesIO(sound))[0]) == 4000


def test_a_part_is_clipped_to_the_sound(widget, sent_messages, transcription):
    _, (sound,) = ask(widget, sent_messages, {"type": "sound", "start": -1, "end": 99})
    assert len(soundfile.read(io.BytesIO(sound))[0]) == len(transcription.waveform.samples)


def test_a_view_gets_a_finer_picture(widget, sent_messages):
    answer, _ = ask(widget, sent_messages, {"type": "stretch", "start": -3, "end": 0.5})
    assert (answer["start"], answer["end"]) == (0, 0.5)
    assert answer["log_mel"]["frames"] == 50


@pytest.mark.parametrize("part", [{"start": 1, "end": 1}, {"start": "x", "end": 2}, {"start": 1}])
def test_an_invalid_part_is_refused(widget, sent_messages, part):
    answer, _ = ask(widget, sent_messages, {"type": "stretch", **part})
    assert "error" in answer


def test_an_unknown_question_gets_an_error(widget, sent_messages):
    assert ask(widget, sent_messages, {"type": "<b>"})[0] == {"error": "unknown question '<b>'"}


def test_a_recording_arrives_in_pieces_and_is_transcribed(widget, sent_messages):
    clip = cifviz.load_clip("digits_three")
    content = flac(clip.waveform.samples)
    half = len(content) // 2
    for index, piece in enumerate((content[:half], content[half:])):
        answer, _ = ask(
            widget, sent_messages, {"type": "piece", "index": index, "name": "x.flac"}, piece
        )
        assert answer == {}
    assert ask(widget, sent_messages, {"type": "listen"})[0] == {}
    assert widget.alignment.text == clip.words.text
    assert shown(widget)["reference"] is None
    _, (sound,) = ask(widget, sent_messages, {"type": "sound"})
    assert len(soundfile.read(io.BytesIO(sound))[0]) == len(clip.waveform.samples)


def test_a_file_that_is_no_sound_is_refused_and_nothing_changes(
    widget, sent_messages, transcription
):
    ask(widget, sent_messages, {"type": "piece", "index": 0, "name": "../../x.wav"}, b"no sound")
    answer, _ = ask(widget, sent_messages, {"type": "listen"})
    assert "recording.wav" in answer["error"]
    assert widget.alignment.text == transcription.text


def test_a_missing_piece_is_an_error(widget, sent_messages):
    ask(widget, sent_messages, {"type": "piece", "index": 0, "name": "x.wav"}, b"RIFF")
    answer, _ = ask(widget, sent_messages, {"type": "piece", "index": 2, "name": "x.wav"}, b"....")
    assert answer == {"error": "expected piece 1 of the file, got 2"}


def test_a_file_that_is_too_large_is_refused(widget, sent_messages, monkeypatch):
    assert upload.MAX_BYTES > 100_000_000
    monkeypatch.setattr(upload, "MAX_BYTES", 3_000_000)
    ask(widget, sent_messages, {"type": "piece", "index": 0, "name": "x.wav"}, b"0" * 2_000_000)
    answer, _ = ask(widget, sent_messages, {"type": "piece", "index": 1}, b"0" * 2_000_000)
    assert answer == {"error": "expected a file of at most 3 MB, got more"}


def test_without_a_model_a_file_is_refused(transcription, sent_messages):
    widget = cifviz.explore(transcription)
    assert widget.listens is False
    answer, _ = ask(widget, sent_messages, {"type": "piece", "index": 0, "name": "x.wav"}, b"RIFF")
    assert "no model" in answer["error"]


def test_an_unexpected_error_is_reported_and_raised(widget, sent_messages, monkeypatch):
    monkeypatch.setattr(widget, "_answers", {"sound": lambda *_: 1 / 0})
    with pytest.raises(ZeroDivisionError, match="zero"):
        widget._answer(widget, {"id": "7", "type": "sound"}, [])
    assert sent_messages == [({"id": "7", "error": "something failed in Python, see its log"}, [])]


def test_arguments_of_explore_of_other_types_are_refused(transcription):
    with pytest.raises(CIFError, match="model must be a System, got 'digits'"):
        cifviz.explore(transcription, model="digits")
    with pytest.raises(CIFError, match="transcription must be a Transcription, got "):
        cifviz.explore(transcription.alignment)
    with pytest.raises(CIFError, match="expected an Alignment or a Transcription as 'CTC'"):
        cifviz.explore(transcription, compare={"CTC": [0.1, 0.2]})


def test_silence_can_be_explored(model, sent_messages):
    silent = model.transcribe(cifviz.Waveform(np.zeros(0, dtype=np.float32)))
    widget = cifviz.explore(silent)
    assert widget.alignment == Alignment()
    assert shown(widget)["sound"] is None


def test_its_display_has_the_static_fallback(widget):
    bundle, metadata = widget._repr_mimebundle_()
    assert {"image/png", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(bundle)
    assert set(metadata) <= set(bundle)


def test_a_page_of_an_explorer_has_its_settings(widget, tmp_path):
    widget.settings = {"threshold": 0.5}
    text = widget.to_html(tmp_path / "page.html").read_text("utf-8")
    assert '"begin": {"threshold": 0.5,' in text
    assert '"settings": {"threshold": 1.0,' in text
    with pytest.raises(CIFError, match="exists; --overwrite"):
        widget.to_html(tmp_path / "page.html")
    widget.to_html(tmp_path / "page.html", overwrite=True)


@pytest.mark.slow
def test_an_hour_stays_small(transcription, sent_messages):
    """Sound comes in parts, pictures are coarse, and a notebook does not grow."""
    hour = an_hour(transcription)
    assert hour.duration >= 3600 > LONG
    widget = cifviz.explore(hour)
    sound = shown(widget)["sound"]
    assert sound["piece"] == PIECE * sound["rate"] < sound["length"]
    bundle, _ = widget._repr_mimebundle_()
    whole = widget.get_state()
    state = {name: value for name, value in whole.items() if name not in PROGRAM}
    assert len(json.dumps(whole)) < 5_000_000
    assert len(json.dumps(state)) + len(json.dumps(bundle)) < 900_000


# Corrections


def test_corrections_are_set_observed_and_kept_while_settings_move(widget):
    seen = []
    widget.observe(lambda change: seen.append(change.new), names="corrected")
    given = Alignment((TimedToken("two", 0.2, 0.1 + 0.2, score=0.5), TimedToken("seven", 0.5, 0.9)))
    widget.corrected = given
    assert widget.corrected.spans == ((0.2, 0.3), (0.5, 0.9))  # whole microseconds
    assert widget.edited == {"labels": ["two", "seven"], "starts": [0.2, 0.5], "ends": [0.3, 0.9]}
    own = widget.alignment
    widget.settings = {"threshold": 0.5}
    assert widget.corrected is seen[-1] and widget.alignment != own
    widget.selection = 1
    with pytest.raises(CIFError, match="selection must be an integer"):
        widget.selection = 2
    widget.corrected = Alignment(())
    assert widget.selection is None and widget.edited["labels"] == []
    widget.corrected = None
    assert widget.edited is None and len(seen) == 3


def test_another_utterance_has_no_corrections(widget, transcription):
    widget.corrected = Alignment((TimedToken("two", 0.2, 0.3),))
    widget.selection = 0
    widget.show(transcription)
    assert widget.corrected is None and widget.edited is None and widget.selection is None


def test_a_page_of_the_widget_has_its_corrections(widget, tmp_path):
    widget.corrected = Alignment((TimedToken("<two>", 0.2, 0.3),))
    text = widget.to_html(tmp_path / "page.html").read_text("utf-8")
    assert '"corrected": {"labels": ["\\u003ctwo\\u003e"], "starts": [0.2], "ends": [0.3]}' in text
    widget.corrected = None
    text = widget.to_html(tmp_path / "page.html", overwrite=True).read_text("utf-8")
    assert '"corrected": null' in text
