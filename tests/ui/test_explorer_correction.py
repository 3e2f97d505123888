"""A person corrects an alignment: by keys alone, by mouse alone; it is undone, saved, kept."""

import numpy as np
import pytest

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.explorer import to_html
from cifviz.formats import ONE_TIER, RECORDINGS, write_alignments
from tests.ui import browser
from tests.ui.explored import quiet, slide, wait_for_sound

pytestmark = browser.needed

NEAR = 0.010
"""Seconds from its reference to which each edge is brought."""
KINDS = ("JSON", "CSV", "TextGrid", "CTM", "SRT", "VTT", "Audacity labels")
PLACE = """([lane, seconds]) => {
    const { picture, scale } = cifvizExplorer;
    picture.canvas.scrollIntoView({ block: 'nearest' });
    const box = picture.canvas.getBoundingClientRect(), strip = picture.strips[lane];
    const top = lane === 'map' ? 0 : strip.top, high = lane === 'map' ? 18 : strip.height;
    return [box.x + picture.gutter + scale.x(seconds), box.y + top + Math.min(high / 2, 15)];
}"""


@pytest.fixture(scope="module")
def spoken():
    """Ten words, one clip after the other, as they are recognised, and when each is said."""
    clips = [cifviz.load_clip(name) for name in ("digits_five", "digits_pause")]
    rate = clips[0].waveform.sample_rate
    samples = np.concatenate([clip.waveform.samples for clip in clips])
    words = [*clips[0].words, *clips[1].words.shifted(clips[0].waveform.duration)]
    transcription = cifviz.load_model("digits").transcribe(Waveform(samples, rate))
    assert len(transcription.tokens) == len(words) == 10
    return transcription, Alignment(tuple(words))


@pytest.fixture(scope="module")
def written(spoken, tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "spoken.html"
    return to_html(spoken[0], path, reference=spoken[1])


@pytest.fixture
def opened(opening, written):
    return opening(written)


def shown(opened):
    return opened.evaluate("cifvizExplorer.seen.shown.tokens")


def corrected(opened):
    return opened.evaluate("cifvizExplorer.state.corrected")


def at(opened, lane, seconds):
    return opened.evaluate(PLACE, [lane, seconds])


def says(opened, text):
    """Wait until a screen reader is told this."""
    opened.get_by_role("status").get_by_text(text).wait_for()


def drag(opened, start, end):
    opened.mouse.move(*start)
    opened.mouse.down()
    opened.mouse.move(end[0] + 20, end[1])  # too far, and back
    opened.mouse.move(*end)
    opened.mouse.up()


def targets(spoken):
    """Every edge, from left to right, with the time at which it should be."""
    for index, token in enumerate(spoken[1].tokens):
        yield index, "start", token.start
        yield index, "end", token.end


def are_near(tokens, spoken):
    for index, edge, time in targets(spoken):
        assert tokens[index][edge] == pytest.approx(time, abs=NEAR), (index, edge)


def texts_are_those_of_the_library(opened, folder):
    """What is saved, in every format, has the corrected tokens, and CIF's where it has tiers."""
    state = opened.evaluate("cifvizExplorer.state")
    reference = opened.evaluate("cifvizExplorer.data.utterance.reference")
    tiers = {"tokens": state["corrected"], "CIF": state["alignment"], "reference": reference}
    tiers = {name: alignment_of(tokens) for name, tokens in tiers.items()}
    for kind in KINDS:
        with opened.expect_download() as arriving:
            opened.get_by_role("button", name=f"save {kind}").click()
        name = arriving.value.suggested_filename
        is_one = f".{name.partition('.')[2]}" in ONE_TIER | RECORDINGS
        path = write_alignments(
            folder / name,
            tiers["tokens"] if is_one else tiers,
            opened.evaluate("cifvizExplorer.data.utterance.duration"),
            details={"settings": state["settings"]},
        )
        assert arriving.value.path().read_bytes() == path.read_bytes(), kind


def alignment_of(tokens):
    return Alignment(
        tuple(TimedToken(one["label"], float(one["start"]), float(one["end"])) for one in tokens)
    )


# Twenty edges


@pytest.mark.smoke
def test_twenty_edges_by_keys_alone(opened, spoken, tmp_path):
    own = shown(opened)
    while opened.evaluate("document.activeElement.getAttribute('role')") != "listbox":
        opened.keyboard.press("Tab")
    moved = 0
    for index, edge, time in targets(spoken):
        while opened.evaluate("cifvizExplorer.selected") != index:
            opened.keyboard.press("ArrowDown")
        opened.keyboard.press(edge[0])
        off = round(1000 * (time - shown(opened)[index][edge]))
        moved += off != 0
        for key, times in (("Shift+Arrow", abs(off) // 10), ("Arrow", abs(off) % 10)):
            for _ in range(times):
                opened.keyboard.press(f"{key}{'Right' if off > 0 else 'Left'}")
    after = shown(opened)
    are_near(after, spoken)
    assert [one["label"] for one in after] == [one["label"] for one in own]
    for _ in range(moved):
        assert corrected(opened) is not None
        opened.keyboard.press("Control+z")
    assert corrected(opened) is None and shown(opened) == own
    for _ in range(moved):
        opened.keyboard.press("Control+Shift+z")
    assert corrected(opened) == after
    texts_are_those_of_the_library(opened, tmp_path)


@pytest.mark.smoke
def test_twenty_edges_by_mouse_alone(opened, spoken, tmp_path):
    own = shown(opened)
    for index, edge, time in targets(spoken):
        x, y = at(opened, "tokens", shown(opened)[index][edge])
        inside = 1 if edge == "start" else -1  # of two that touch, this one
        target = at(opened, "tokens", time)[0]
        drag(opened, (x + inside, y), (target + inside, y))
    after = shown(opened)
    are_near(after, spoken)
    undo = opened.get_by_role("button", name="undo")
    while undo.get_attribute("aria-disabled") == "false":
        undo.click()
    assert corrected(opened) is None and shown(opened) == own
    redo = opened.get_by_role("button", name="redo")
    while redo.get_attribute("aria-disabled") == "false":
        redo.click()
    assert corrected(opened) == after
    texts_are_those_of_the_library(opened, tmp_path)


# Keys


def test_an_edge_is_chosen_moved_and_let_go(opened):
    opened.get_by_role("listbox").focus()
    before = shown(opened)
    opened.keyboard.press("e")
    says(opened, f"end of {before[0]['label']}: {before[0]['end']:.3f} s")
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        opened.keyboard.press(key)
    end = shown(opened)[0]["end"]
    assert end == pytest.approx(before[0]["end"] + 0.010, abs=1e-6)
    says(opened, "+10 ms against CIF")
    assert opened.evaluate("cifvizExplorer.editing.edge") == "end"
    opened.keyboard.press("ArrowDown")
    assert opened.evaluate("[cifvizExplorer.selected, cifvizExplorer.editing.edge]") == [1, "end"]
    opened.keyboard.press("Escape")
    assert opened.evaluate("cifvizExplorer.editing.edge") is None
    opened.keyboard.press("ArrowLeft")
    assert opened.evaluate("cifvizExplorer.selected") == 0
    assert "end +10 ms against CIF" in opened.get_by_role("listbox").inner_text()


def test_neighbours_move_along_unless_alt_is_held(opened):
    opened.evaluate("""() => cifvizExplorer.editing.take([
        { label: 'a', start: 0.2, end: 0.5 }, { label: 'b', start: 0.5, end: 0.9 },
        { label: 'c', start: 1, end: 1.2 }])""")
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("Home")
    opened.keyboard.press("e")
    opened.keyboard.press("Shift+ArrowRight")
    assert [shown(opened)[0]["end"], shown(opened)[1]["start"]] == [0.51, 0.51]
    opened.keyboard.press("Alt+ArrowLeft")
    opened.keyboard.press("Alt+Shift+ArrowLeft")
    assert [shown(opened)[0]["end"], shown(opened)[1]["start"]] == [0.499, 0.51]
    opened.keyboard.press("Control+z")
    assert [shown(opened)[0]["end"], shown(opened)[1]["start"]] == [0.51, 0.51]
    opened.keyboard.down("Alt")
    x, y = at(opened, "tokens", 0.51)
    drag(opened, (x + 1, y), (at(opened, "tokens", 0.6)[0], y))
    opened.keyboard.up("Alt")
    first, second, third = shown(opened)
    assert first["end"] == 0.51 and second["start"] == pytest.approx(0.6, abs=0.01)
    drag(opened, at(opened, "tokens", 0.9), at(opened, "tokens", 1.1))
    assert shown(opened)[1]["end"] == shown(opened)[2]["start"] == pytest.approx(1.1, abs=0.01)
    assert shown(opened)[2]["end"] == third["end"]


def test_an_edge_snaps_to_a_valley_and_to_an_onset(opened):
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("End")
    opened.keyboard.press("s")
    opened.keyboard.press("v")
    grid = opened.evaluate("cifvizExplorer.data.utterance.grid")
    place = (shown(opened)[-1]["start"] - grid["start"]) / grid["shift"]
    assert 2 * place == pytest.approx(round(2 * place), abs=1e-3)  # a middle of frames
    alpha = opened.evaluate("[...cifvizExplorer.seen.aligned.alpha]")
    first = int(place - 0.5 if 2 * round(place) != round(2 * place) else place - 1)
    assert alpha[first - 1] > alpha[first]
    opened.keyboard.press("Home")
    opened.keyboard.press("s")
    before = shown(opened)[0]["start"]
    for _ in range(3):
        opened.keyboard.press("Shift+ArrowLeft")
    opened.keyboard.press("o")
    assert opened.get_by_role("status").inner_text().startswith("start of")
    assert shown(opened)[0]["start"] == pytest.approx(before, abs=0.025)


def test_split_rename_merge_delete_and_add(opened):
    opened.get_by_role("listbox").focus()
    before = shown(opened)
    opened.keyboard.press("x")
    half = (before[0]["start"] + before[0]["end"]) / 2
    assert [one["end"] for one in shown(opened)[:2]] == pytest.approx(
        [half, before[0]["end"]], abs=1e-6
    )
    opened.keyboard.press("Escape")
    opened.keyboard.press("F2")
    opened.keyboard.type("<b>one</b>")
    opened.keyboard.press("Enter")
    says(opened, "Label: <b>one</b>")
    assert [one["label"] for one in shown(opened)[:2]] == ["<b>one</b>", before[0]["label"]]
    assert opened.evaluate("cifvizExplorer.root.querySelector('b')") is None
    assert opened.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    opened.keyboard.press("F2")
    opened.keyboard.type("never")
    opened.keyboard.press("Escape")
    assert shown(opened)[0]["label"] == "<b>one</b>"
    opened.keyboard.press("m")
    assert shown(opened)[0]["label"] == f"<b>one</b> {before[0]['label']}"
    opened.keyboard.press("Delete")
    says(opened, "Deleted")
    assert len(shown(opened)) == len(before) - 1
    opened.mouse.click(*at(opened, "waveform", half))
    opened.keyboard.press("n")
    opened.keyboard.type("new")
    opened.keyboard.press("Enter")
    first = shown(opened)[0]
    assert first["label"] == "new"
    assert [first["start"], first["end"]] == pytest.approx([half - 0.05, half + 0.05], abs=0.01)
    for _ in range(6):
        opened.keyboard.press("Control+z")
    assert corrected(opened) is None and shown(opened) == before


def test_an_empty_label_is_refused(opened):
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("F2")
    opened.keyboard.press("Backspace")
    opened.keyboard.press("Enter")
    says(opened, "A token needs a label")
    assert corrected(opened) is None


def test_no_key_of_a_correction_reaches_the_notebook(opened):
    opened.evaluate(
        """() => { window.reached = [];
        document.addEventListener('keydown', event => reached.push(event.key));
        window.kept = [];
        addEventListener('keydown', event => kept.push(
            event.target.hasAttribute('data-lm-suppress-shortcuts')), true); }"""
    )
    opened.get_by_role("listbox").focus()
    keys = (
        "s ArrowRight Shift+ArrowLeft Alt+ArrowRight e v o Control+z Control+y Escape x m n".split()
    )
    for key in [
        *keys,
        "Control+Shift+z",
        "F2",
        "a",
        "Control+z",
        "Control+a",
        "Escape",
        "Delete",
        " ",
    ]:
        opened.keyboard.press(key)
    opened.get_by_role("slider", name="threshold β").focus()
    opened.keyboard.press(" ")
    opened.keyboard.press("Control+z")
    # Of keys that are held, only themselves.
    assert set(opened.evaluate("reached")) <= {"Shift", "Alt", "Control"}


def test_every_key_is_in_the_help(opened):
    opened.get_by_text("what the lanes show").click()
    help_text = opened.locator(".cifviz-help").inner_text()
    for words in ("choose the start", "snap the chosen edge", "rename", "split", "merge", "delete",
                  "undo", "redo", "by 10 ms", "alone", "play the region", "loop",
                  "end of a region"):  # fmt: skip
        assert words in help_text


# Mouse


def test_a_drag_selects_a_region_and_plays_it(opened):
    opened.get_by_role("button", name="loop").click()
    drag(opened, at(opened, "logMel", 0.5), at(opened, "waveform", 1.5))
    wait_for_sound(opened)
    region = opened.evaluate("cifvizExplorer.marking.region")
    assert [region["start"], region["end"]] == pytest.approx([0.5, 1.5], abs=0.01)
    (played,) = opened.evaluate("started")
    assert played["loop"] is True and played["offset"] == pytest.approx(region["start"])
    opened.keyboard.press(" ")
    assert opened.evaluate("cifvizExplorer.playback.player.now") is None
    opened.get_by_role("slider", name="threshold β").focus()
    opened.keyboard.press(" ")  # from anywhere
    opened.wait_for_function("() => started.length === 2")
    assert opened.evaluate("started[1].offset") == pytest.approx(region["start"])
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("Escape")
    assert opened.evaluate(
        "[cifvizExplorer.marking.region, cifvizExplorer.playback.player.now]"
    ) == [None, None]


def test_a_region_by_keys_alone_is_set_played_looped_and_cleared(opened):
    message = "cifvizExplorer.live.textContent"
    opened.get_by_role("listbox").focus()
    start = opened.evaluate("cifvizExplorer.seen.shown.tokens[0].start")
    for _ in range(3):
        opened.keyboard.press("Shift+ArrowRight")
    opened.keyboard.press("a")  # to the end of the view
    end = opened.evaluate("cifvizExplorer.scale.end")
    region = opened.evaluate("cifvizExplorer.marking.region")
    assert [region["start"], region["end"]] == pytest.approx([start + 0.03, end])
    for _ in range(20):
        opened.keyboard.press("Shift+ArrowRight")
    opened.keyboard.press("b")
    region = opened.evaluate("cifvizExplorer.marking.region")
    assert [region["start"], region["end"]] == pytest.approx([start + 0.03, start + 0.23])
    assert opened.evaluate(message) == f"region from {start + 0.03:.3f} to {start + 0.23:.3f} s"
    opened.keyboard.press("l")
    assert opened.get_by_role("button", name="loop").get_attribute("aria-pressed") == "true"
    opened.keyboard.press(" ")
    wait_for_sound(opened)
    (played,) = opened.evaluate("started")
    assert played["loop"] is True and played["offset"] == pytest.approx(region["start"])
    opened.keyboard.press(" ")
    assert opened.evaluate("cifvizExplorer.playback.player.now") is None
    opened.keyboard.press("Escape")
    marking = opened.evaluate("[cifvizExplorer.marking.region, cifvizExplorer.marking.cursor]")
    assert marking == [None, None]


def test_the_ends_of_a_region_by_keys_are_in_order_and_in_the_recording(opened):
    opened.get_by_role("listbox").focus()
    one = opened.evaluate("cifvizExplorer.seen.shown.tokens[0]")
    opened.keyboard.press("b")  # without a cursor, of the selected token
    region = opened.evaluate("cifvizExplorer.marking.region")
    assert region == {"start": 0, "end": one["end"]}
    opened.keyboard.press("a")
    region = opened.evaluate("cifvizExplorer.marking.region")
    assert region == {"start": one["start"], "end": one["end"]}
    opened.evaluate("cifvizExplorer.marking.moveCursor(-99)")
    opened.keyboard.press("b")
    assert "No region ends at the start" in opened.evaluate("cifvizExplorer.live.textContent")
    assert opened.evaluate("cifvizExplorer.marking.region") == region
    opened.evaluate("cifvizExplorer.marking.moveCursor(99)")
    opened.keyboard.press("a")
    assert "No region starts at the end" in opened.evaluate("cifvizExplorer.live.textContent")
    assert opened.evaluate("cifvizExplorer.marking.region") == region


def test_a_click_sets_the_cursor_from_which_space_plays(opened):
    opened.mouse.click(*at(opened, "waveform", 1.0))
    assert opened.evaluate("cifvizExplorer.marking.cursor") == pytest.approx(1.0, abs=0.01)
    assert opened.evaluate("started.length") == 0
    opened.keyboard.press("Shift+ArrowRight")
    opened.keyboard.press(" ")
    wait_for_sound(opened)
    (played,) = opened.evaluate("started")
    assert played["offset"] == pytest.approx(opened.evaluate("cifvizExplorer.marking.cursor"))
    end = opened.evaluate("cifvizExplorer.scale.end")
    assert played["offset"] + played["duration"] == pytest.approx(end)


def test_shift_and_a_drag_move_the_view_and_an_edge_says_so(opened):
    opened.evaluate("cifvizExplorer.zoom(0.5)")
    begin, end = opened.evaluate("[cifvizExplorer.scale.begin, cifvizExplorer.scale.end]")
    middle = (begin + end) / 2
    x, y = at(opened, "weights", middle)
    opened.keyboard.down("Shift")
    drag(opened, (x, y), (x - 200, y))
    opened.keyboard.up("Shift")
    density = opened.evaluate("cifvizExplorer.scale.density")
    assert opened.evaluate("cifvizExplorer.scale.begin") == pytest.approx(begin + 200 / density)
    assert opened.evaluate("cifvizExplorer.marking.region") is None
    begin, end = opened.evaluate("[cifvizExplorer.scale.begin, cifvizExplorer.scale.end]")
    token = next(one for one in shown(opened) if begin + 0.05 < one["start"] < end - 0.05)
    x, y = at(opened, "tokens", token["start"])
    for off, shape in ((0, "ew-resize"), (3, "ew-resize"), (-1, "ew-resize"), (20, "pointer")):
        opened.mouse.move(x + off, y)
        assert opened.evaluate("cifvizExplorer.stage.style.cursor") == shape


def test_a_double_click_renames(opened):
    token = shown(opened)[2]
    opened.mouse.dblclick(*at(opened, "tokens", (token["start"] + token["end"]) / 2))
    opened.get_by_label("label of token 3").wait_for()
    opened.keyboard.type("drei")
    opened.mouse.click(*at(opened, "waveform", 0.05))  # leaves the field
    assert shown(opened)[2]["label"] == "drei"


def test_a_press_on_an_edge_chooses_it_for_the_keys(opened):
    token = shown(opened)[3]
    x, y = at(opened, "tokens", token["end"])
    opened.mouse.click(x - 2, y)
    assert opened.evaluate("[cifvizExplorer.selected, cifvizExplorer.editing.edge]") == [3, "end"]
    assert corrected(opened) is None
    opened.keyboard.press("ArrowLeft")
    assert shown(opened)[3]["end"] == pytest.approx(token["end"] - 0.001, abs=1e-6)


def test_buttons_say_what_they_need(opened):
    for name, text in (
        ("undo", "nothing to undo"),
        ("split", "Select a token first"),
        ("snap to valley", "Choose an edge first"),
        ("new token", "Select a region"),
        ("discard corrections", "Nothing is corrected"),
    ):
        button = opened.get_by_role("button", name=name)
        assert button.get_attribute("aria-disabled") == "true"
        button.click(force=True)
        says(opened, text)


# Corrected and CIF's own


def correct_one(opened):
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("s")
    opened.keyboard.press("Shift+ArrowRight")


def test_corrections_stay_while_settings_move_cif(opened):
    correct_one(opened)
    before = corrected(opened)
    lanes = opened.evaluate("cifvizExplorer.picture.lanes.map(([name, { title }]) => title)")
    assert lanes[lanes.index("corrected") + 1] == "CIF"
    opened.get_by_text("Corrected tokens stay as they are").wait_for()
    slide(opened, "threshold β", 0.5)
    assert corrected(opened) == before
    assert len(opened.evaluate("cifvizExplorer.state.alignment")) > len(before)
    opened.get_by_role("button", name="reset").click()
    assert corrected(opened) == before
    opened.get_by_role("button", name="discard corrections").click()
    assert corrected(opened) is None
    assert "CIF" not in opened.evaluate(
        "cifvizExplorer.picture.lanes.map(([name, { title }]) => title)"
    )
    opened.keyboard.press("Control+z")  # on a button, too
    assert corrected(opened) == before


def test_differences_from_cif_stand_in_the_table_and_below(opened):
    opened.get_by_text("tokens as a table").click()
    correct_one(opened)
    quiet(opened)
    rows = opened.locator(".cifviz-table tbody tr")
    cells = rows.nth(0).locator("td").all_inner_texts()
    assert cells[-2:] == ["10", "0"]
    assert rows.nth(1).locator("td").all_inner_texts()[-2:] == ["0", "0"]
    assert "1 of 20, by 10 ms on average" in opened.locator(".cifviz-readout").last.inner_text()


def test_a_page_keeps_corrections(opening, spoken, tmp_path):
    transcription, reference = spoken
    path = to_html(transcription, tmp_path / "kept.html", corrected=reference)
    opened = opening(path)
    assert [one["label"] for one in corrected(opened)] == [one.token for one in reference]
    assert [one["start"] for one in corrected(opened)] == pytest.approx(
        [one.start for one in reference], abs=1e-6
    )
    opened.evaluate("cifvizExplorer.editing.undo()")
    assert corrected(opened) is None
