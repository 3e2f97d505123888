"""Messages of a browser to the explorer: all are checked."""

import json

import pytest

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.explorer.settings import RANGES
from cifviz.explorer.shared import SettingError
from tests.comms import STRANGE, ask, connected, deep, errors, states, update


@pytest.fixture
def widget(transcription, model):
    return connected(cifviz.explore(transcription, model=model))


@pytest.fixture(scope="module")
def shared(transcription, model):
    """One for many tests: what is refused leaves nothing behind."""
    return connected(cifviz.explore(transcription, model=model))


def held(widget):
    """Everything that a view or a reader can see of it."""
    return json.dumps(
        {
            "settings": widget.settings,
            "selection": widget.selection,
            "placed": widget.placed,
            "edited": widget.edited,
            "corrected": str(widget.corrected),
            "alignment": [str(token) for token in widget.alignment],
            "state": widget.get_state(["data", "listens", "_esm"]),
        }
    )


def refuses(widget, state):
    """A view's change is refused as a whole, the view is told what holds, and all works on."""
    before = held(widget)
    sent = update(widget, state)
    assert held(widget) == before
    (error,) = errors(sent)
    assert error
    told = states(sent)
    for name in set(state) & set(widget.keys):
        assert told[name] == getattr(widget, name)
    return error


def works(widget):
    """A good change is taken over."""
    threshold = 0.5 if widget.settings["threshold"] != 0.5 else 0.6
    selection = 7
    update(widget, {"settings": {"threshold": threshold, "scaling": "as given"}})
    update(widget, {"selection": selection})
    assert (widget.settings["threshold"], widget.selection) == (threshold, selection)
    assert len(widget.alignment) > 7


NEVER = {
    **dict.fromkeys(("threshold", "slack", "gain"), STRANGE),
    **{name: {**STRANGE, "a fraction": 0.5} for name in RANGES["whole"]},
    **{name: {**STRANGE, "a number": 1} for name in RANGES["words"]},
    "tail": {
        **STRANGE,
        "no rule": {"rule": "sometimes", "value": 0.5},
        "a list as a rule": {"rule": ["above"], "value": 0.5},
        "a rule without its value": {"rule": "above"},
        "a negative value": {"rule": "above", "value": -1},
        "a value too many": {"rule": "drop", "value": 0.5},
        "another key": {"rule": "drop", "tau": None},
    },
    "weights": {
        **{name: value for name, value in STRANGE.items() if name != "a mapping"},
        "of no frame": {"x": 1.0},
        "of a frame too many": {"99999": 1.0},
        "of a frame with more digits than Python reads": {"9" * 5000: 1.0},
        "of a frame in other digits": {"٣": 1.0},
        "of a frame in other words": {"01": 1.0},
        "no weight": {"1": None},
        "not a number as a weight": {"1": float("nan")},
        "a negative weight": {"1": -0.5},
        "a huge weight": {"1": 1e308},
    },
    "treshold": {"unknown": 1},
    "\ud800": {"unknown": 1},
}


@pytest.mark.parametrize("name", NEVER, ids=ascii)
def test_a_setting_that_python_refuses_is_refused_from_a_browser(shared, name):
    for value in NEVER[name].values():
        with pytest.raises(SettingError, match=r"must be|expected frames"):
            shared.settings = {name: value}
        assert refuses(shared, {"settings": {name: value}}).isprintable()
    works(shared)


def test_an_invalid_selection_is_refused(widget):
    for value in (*STRANGE.values(), 5, 1.0):
        if value is not None:  # which is no token
            with pytest.raises(SettingError, match="selection must be an integer"):
                widget.selection = value
            refuses(widget, {"selection": value})
    works(widget)


@pytest.mark.parametrize("name", ["settings", "selection", "placed", "edited"])
def test_deeply_nested_values_are_refused(shared, name):
    refuses(shared, {name: deep()})
    refuses(shared, {"settings": {"threshold": deep()}})
    refuses(shared, {"edited": {"labels": ["a"], "starts": [0.1], "ends": [deep()]}})
    refuses(shared, {"edited": {"labels": [deep()], "starts": [0.1], "ends": [0.2]}})
    refuses(shared, {"edited": {"labels": ["a"], "starts": deep(), "ends": [0.2]}})
    works(shared)


def test_settings_that_are_no_mapping_are_refused(shared):
    for name, value in STRANGE.items():
        if name != "a mapping":
            assert "must be a Mapping" in refuses(shared, {"settings": value})
            with pytest.raises(SettingError, match="settings must be a Mapping"):
                shared.settings = value
    works(shared)


@pytest.mark.parametrize("name", ["data", "listens", "_esm", "_css", "_model_name", "layout"])
def test_other_traits_cannot_be_changed_by_a_view(shared, name):
    before = getattr(shared, name)
    sent = update(shared, {name: "x"})
    assert getattr(shared, name) == before
    assert errors(sent) == [f"a view may not change {name}"]
    assert name in states(sent)


def test_a_view_cannot_set_an_alignment(widget):
    placed = {"labels": ["<b>"], "starts": [0.0], "ends": [1.0]}
    refuses(widget, {"placed": placed})
    with pytest.raises(CIFError, match="placed follows the alignment"):
        widget.placed = placed
    with pytest.raises(CIFError, match="alignment must be an Alignment, got"):
        widget.alignment = [1]


GOOD = {"labels": ["a", "<b>"], "starts": [0.1, 0.5], "ends": [0.5, 0.9]}


def test_a_view_corrects_tokens_and_takes_it_back(widget):
    assert errors(update(widget, {"edited": GOOD, "selection": 1})) == []
    assert widget.corrected.spans == ((0.1, 0.5), (0.5, 0.9)) and widget.corrected.text == "a <b>"
    refuses(widget, {"selection": 2})  # of five tokens of CIF, two corrected ones
    assert errors(update(widget, {"edited": None, "selection": 4})) == []
    assert widget.corrected is None and widget.selection == 4


WRONG = {
    **{f"{name} as tokens": value for name, value in STRANGE.items() if value is not None},
    "no keys": {},
    "another key": {**GOOD, "scores": [1, 1]},
    "a key too few": {"labels": [], "starts": []},
    "fewer ends": {**GOOD, "ends": [0.5]},
    "no list": {**GOOD, "labels": "ab"},
    "a mapping as a list": {**GOOD, "starts": {"0": 0.1, "1": 0.5}},
    "overlapping": {**GOOD, "starts": [0.1, 0.4]},
    "falling": {**GOOD, "ends": [0.05, 0.9]},
    "before the sound": {**GOOD, "starts": [-0.1, 0.5]},
    "after the sound": {**GOOD, "ends": [0.5, 99.0]},
    "a long label": {**GOOD, "labels": ["a", "b" * 1001]},
    **{
        f"{name} as a label": {**GOOD, "labels": ["a", value]}
        for name, value in STRANGE.items()
        if name != "text"
    },
    **{f"{name} as a time": {**GOOD, "ends": [0.5, value]} for name, value in STRANGE.items()},
}


@pytest.mark.parametrize("name", WRONG, ids=ascii)
def test_wrong_corrections_are_refused(shared, name):
    assert refuses(shared, {"edited": WRONG[name]}).isprintable()
    works(shared)


def test_wrong_corrections_are_refused_from_python(widget, transcription):
    before = held(widget)
    later = Alignment((TimedToken("two", 0.1, transcription.duration + 1),))
    for value, words in (
        ([1], "corrected must be an Alignment"),
        (later, "is outside of the"),
        (Alignment((TimedToken("two"),)), "is untimed"),
        (Alignment((TimedToken("\ud800", 0.1, 0.2),)), "no lone surrogates"),
        (Alignment((TimedToken("a" * 1001, 0.1, 0.2),)), "at most 1000 characters"),
    ):
        with pytest.raises(CIFError, match=words):
            widget.corrected = value
        assert held(widget) == before


def test_one_invalid_value_refuses_the_whole_message(widget):
    refuses(widget, {"settings": {"threshold": 0.5}, "selection": 10**6})
    refuses(widget, {"settings": {"gain": 2, "threshold": float("nan")}})
    refuses(widget, {"selection": 1, "settings": []})
    works(widget)


def test_a_selection_is_checked_with_the_settings_of_its_message(widget):
    """Ten tokens come of these settings, five of those before."""
    ten = {"threshold": 0.5, "scaling": "as given"}
    assert errors(update(widget, {"selection": 9, "settings": ten})) == []
    assert (widget.selection, len(widget.alignment)) == (9, 10)
    refuses(widget, {"selection": 9, "settings": {"threshold": 1}})


def test_a_selection_is_checked_after_a_placed_alignment_is_removed(widget, transcription):
    widget.alignment = Alignment((TimedToken("two", 0.1, 0.2),))
    refuses(widget, {"selection": 1})
    widget.alignment = Alignment((TimedToken("two", 0.1, 0.2),))
    assert errors(update(widget, {"placed": None, "selection": 4})) == []
    assert widget.selection == 4


def test_several_traits_set_at_once_are_restored_together(widget):
    before = held(widget)
    with (
        pytest.raises(CIFError, match="threshold must be a number"),
        widget.hold_trait_notifications(),
    ):
        widget.selection = 1
        widget.settings = {"threshold": -1}
    assert held(widget) == before
    works(widget)


@pytest.mark.parametrize("state", [None, 3, "settings", ["settings"], [["settings", 1]]])
def test_a_state_that_is_no_mapping_changes_nothing(shared, state):
    before = held(shared)
    (error,) = errors(update(shared, state))
    assert error.startswith("state must be a Mapping")
    assert held(shared) == before
    works(shared)


NUMBERS = {**RANGES["numbers"], "count": (0, 500)}  # 100,000 tokens take a while


@pytest.mark.parametrize("scaling", RANGES["words"]["scaling"])
def test_every_allowed_setting_has_an_alignment(widget, scaling):
    begin = widget.settings
    for name, ends in NUMBERS.items():
        for number in ends:
            settings = {**begin, name: number, "scaling": scaling}
            assert errors(update(widget, {"settings": settings})) == []
            assert widget.settings == settings
            assert isinstance(widget.alignment, Alignment)


# Questions


def answered(widget, message, *buffers):
    """There is one answer to it, and what it says is wrong."""
    before = held(widget)
    (answer,) = ask(widget, message, [memoryview(one) for one in buffers])
    assert held(widget) == before
    assert set(answer["content"]) == {"id", "error"}
    return answer["content"]


QUESTIONS = [
    *({"type": kind} for kind in (None, 1, [], {}, "", "\ud800", "show", "__class__")),
    {},
    {"type": "stretch"},
    {"type": "stretch", "start": 0},
    *(
        {"type": kind, "start": start, "end": end}
        for kind in ("stretch", "sound")
        for start, end in (
            (1, 1),
            (1, 0),
            (99, 100),
            (-2, -1),
            ("0", 1),
            (0, None),
            (0, float("nan")),
            (float("-inf"), 1),
            (10**400, 1),
            ([0], [1]),
            (True, 2),
            ("\ud800", 1),
        )
    ),
    {"type": "textgrid"},
    {"type": "piece"},
    {"type": "listen"},
]


@pytest.mark.parametrize("message", QUESTIONS, ids=ascii)
def test_an_invalid_question_gets_one_error(shared, message):
    assert answered(shared, {"id": "7", **message})["id"] == "7"
    assert "error" not in ask(shared, {"id": "8", "type": "sound"})[0]["content"]


@pytest.mark.parametrize("message", [None, 1, "sound", ["type"], {"type": "sound"}], ids=ascii)
def test_a_message_that_is_no_question_gets_an_error_without_id(shared, message):
    assert answered(shared, message)["id"] is None


@pytest.mark.parametrize(
    "name", [None, 1, float("nan"), [], {}, True, "\ud800", "7" * 1000], ids=ascii
)
def test_an_invalid_id_is_not_sent_back(shared, name):
    assert answered(shared, {"id": name, "type": "sound"})["id"] is None


@pytest.mark.parametrize("content", [None, 3, "x"])
def test_a_view_may_ask_for_more_than_the_sound(widget, content):
    reach = {"type": "stretch", "start": -1e308, "end": 1e308}
    (answer,) = ask(widget, {"id": "7", **reach, "more": content})
    assert answer["content"]["start"] == 0


PIECES = [
    ({"index": -1}, [b"x"], "index must be an integer >= 0, got -1"),
    ({"index": 0.0}, [b"x"], "index must be an integer >= 0, got 0.0"),
    ({"index": False}, [b"x"], "index must be an integer >= 0, got False"),
    ({"index": "0"}, [b"x"], "index must be an integer >= 0, got '0'"),
    ({"index": None}, [b"x"], "index must be an integer >= 0, got None"),
    ({"index": 10**5000}, [b"x"], "index must be an integer >= 0, got a very large int"),
    ({"index": 2}, [b"x"], "expected piece 1 of the file, got 2"),
    ({"index": 1}, [], "expected one piece of the file, got 0"),
    ({"index": 1}, [b"x", b"y"], "expected one piece of the file, got 2"),
    ({"index": 1}, [b""], "piece 1 of the file is empty"),
    ({"index": 0}, [b"x"], "name must be a str, got None"),
    ({"index": 0, "name": ["x"]}, [b"x"], "name must be a str, got ['x']"),
]


@pytest.mark.parametrize(("piece", "buffers", "error"), PIECES, ids=[error for *_, error in PIECES])
def test_an_invalid_piece_keeps_the_pieces_before(shared, piece, buffers, error):
    first = {"id": "1", "type": "piece", "index": 0, "name": "x.wav"}
    assert ask(shared, first, [memoryview(b"RI")])[0]["content"] == {"id": "1"}
    answer = answered(shared, {"id": "2", "type": "piece", **piece}, *buffers)
    assert answer["error"].startswith(error)
    then = {"id": "3", "type": "piece", "index": 1}
    assert ask(shared, then, [memoryview(b"FF")])[0]["content"] == {"id": "3"}
    assert shared._upload.pieces == [b"RI", b"FF"]


@pytest.mark.parametrize(
    "name", ["../../etc/x.wav", "/x.wav", "C:\\x.wav", "x.wav/../../y", "x.\x00", "x.\ud800", ".²"]
)
def test_the_name_of_a_file_is_no_path(shared, name, tmp_path):
    first = {"id": "1", "type": "piece", "index": 0, "name": name}
    ask(shared, first, [memoryview(b"no sound")])
    assert shared._upload.kind in ("", "wav")
    assert "recording." in answered(shared, {"id": "2", "type": "listen"})["error"]


def test_without_a_model_all_questions_about_a_recording_are_refused(transcription):
    widget = connected(cifviz.explore(transcription))
    for kind in ("piece", "listen"):
        answer = answered(widget, {"id": "7", "type": kind, "index": 0, "name": "x"}, b"x")
        assert answer["error"].startswith("this explorer has no model")
