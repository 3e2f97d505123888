"""What a browser may say of a control: a value that it does not have changes nothing."""

import pytest

from cifviz.course.live_figures import LiveFigure, Slider, Text
from cifviz.course.sliders import Player
from cifviz.errors import CIFError
from tests.comms import STRANGE, connected, deep, errors, states, update

NEVER = {
    "whole": {**STRANGE, "beyond the end": 4, "a fraction": 0.5},
    "number": {**STRANGE, "beyond the end": 1.1},
    "choice": {**STRANGE, "beyond the end": 2, "a fraction": 0.5},
    "lines": {
        **{name: value for name, value in STRANGE.items() if name != "text"},
        "beyond the end": "a" * 10_001,
        "a NUL": "a\0",
    },
}
GOOD = {
    "whole": ("value", 3),
    "number": ("value", 0.25),
    "choice": ("index", 1),
    "lines": ("value", "c\nd e"),
}


@pytest.fixture(scope="module")
def drawn():
    return []


@pytest.fixture(scope="module")
def shown(drawn):
    def draw(ax, **settings):
        drawn.append(settings)
        assert settings["whole"] in range(4) and 0 <= settings["number"] <= 1
        assert settings["choice"] in "ab"

    specs = {"whole": Slider(0, 3, 1, 1), "number": Slider(0, 1, 0.25, 0.5), "choice": "ab"}
    specs["lines"] = Text("a\nb")
    static = [{"whole": 1, "number": 0.5, "choice": choice, "lines": "a"} for choice in "aba"]
    one = LiveFigure(draw, specs, static=static, alt="Nothing.")
    for control in one.controls.values():
        connected(control)
    return one


@pytest.mark.parametrize("name", NEVER)
def test_a_value_that_a_control_does_not_have_changes_nothing(shown, drawn, name):
    control, (trait, good) = shown.controls[name], GOOD[name]
    for value in (*NEVER[name].values(), deep()):
        before, pictured, drawings = shown.settings, shown.picture.value, len(drawn)
        sent = update(control, {trait: value})
        assert shown.settings == before
        assert (shown.picture.value, len(drawn)) == (pictured, drawings)
        (error,) = errors(sent)
        assert error.startswith(f"{name} must be ") and error.isprintable()
        assert states(sent) == {trait: getattr(control, trait)}
    assert errors(update(control, {trait: good})) == []
    assert getattr(control, trait) == good
    assert shown.settings[name] == {"choice": "b"}.get(name, good)
    if name != "lines":  # the reader has typed it and sees it
        assert f"{name} = {shown.settings[name]}" in shown.picture.value


@pytest.mark.parametrize("name", NEVER)
def test_nor_does_it_when_python_says_so(shown, name):
    control, (trait, _) = shown.controls[name], GOOD[name]
    before = shown.settings
    with pytest.raises(CIFError, match=f"{name} must be "):
        setattr(control, trait, NEVER[name]["beyond the end"])
    assert shown.settings == before
    with pytest.raises(CIFError, match="number must be a number >= 0 and <= 1, got nan"):
        shown.controls["number"].value = float("nan")
    assert shown.settings == before


@pytest.mark.parametrize("name", NEVER)
@pytest.mark.parametrize("trait", ["min", "options", "_options_labels", "description", "disabled"])
def test_a_view_moves_a_control_and_changes_nothing_else(shown, name, trait):
    control = shown.controls[name]
    if trait not in control.keys:
        return
    before = getattr(control, trait)
    assert errors(update(control, {trait: 99})) == [f"a view may not change {trait}"]
    assert getattr(control, trait) == before


def test_the_buttons_of_an_animation_take_what_they_send_and_nothing_else():
    buttons = connected(Player(max=3, interval=300))
    for state in ({"value": 4}, {"value": "1"}, {"value": 1.5}, {"playing": 1}, {"repeat": None}):
        before = (buttons.value, buttons.playing, buttons.repeat)
        assert len(errors(update(buttons, state))) == 1, state
        assert (buttons.value, buttons.playing, buttons.repeat) == before
    for trait in ("interval", "max", "description"):
        assert errors(update(buttons, {trait: 99})) == [f"a view may not change {trait}"]
    assert errors(update(buttons, {"playing": True, "value": 2})) == []
    assert (buttons.value, buttons.playing) == (2, True)
