"""The explorer in a real JupyterLab and a real Notebook 7, in a real browser."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import cifviz
from tests.ui import browser, jupyter
from tests.ui.browser import wait_until
from tests.ui.explored import SPOKEN, window

pytestmark = browser.needed

SETUP = """
import cifviz
clip = cifviz.load_clip("digits_five")
model = cifviz.load_model("digits")
transcription = model.transcribe(clip.waveform)
w = cifviz.explore(transcription, reference=clip.words, model=model)
w
"""
EVIL = """
from dataclasses import replace
evil = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "a", "b", "c")
names = {"<b onclick=alert(3)>": clip.words}
bad = cifviz.explore(replace(transcription, tokens=evil), compare=names)
bad
"""
HOUR = """
from tests.explorer.hours import an_hour
hour = cifviz.explore(an_hour(transcription))
hour
"""

TITLES = 72
"""Pixels of the picture that the names of its lanes take."""

FRONTENDS = ["lab", pytest.param("notebook", marks=pytest.mark.long)]
"""Notebook 7 is made of the same parts: the long suite is soon enough for it."""


@pytest.fixture(scope="module", params=FRONTENDS)
def server(request, jupyter_server):
    """The folder of a Jupyter, and where it shows a notebook by its name."""
    return jupyter_server(request.param)


@pytest.fixture(scope="module")
def folder(server):
    return server[0]


@pytest.fixture(scope="module")
def notebook(server, chromium):
    """A notebook whose first cell has run and shows an explorer."""
    folder, address = server
    later = ["print(w.selection)", "", EVIL, HOUR]
    jupyter.write_notebook(folder / "explorer.ipynb", SETUP, *later)
    with window(chromium, viewport={"width": 1300, "height": 1200}) as page:
        opened = jupyter.OpenNotebook(page, address("explorer.ipynb"))
        opened.run(0)
        page.wait_for_selector(".cifviz-explorer canvas")
        yield opened


JUPYTER_ITSELF = (
    "Could not restore the debugger state",
    "Canceled future for",
    "Cannot read properties of undefined (reading 'schema')",  # Notebook 7, of its settings
)
"""How complaints begin that Jupyter makes whatever a notebook holds, when it is opened again."""


@pytest.fixture(autouse=True)
def nothing_wrong(notebook):
    """Nobody outside was asked for anything, and nothing was complained about."""
    yield
    assert [one for one in notebook.faults if not one.startswith(JUPYTER_ITSELF)] == []
    assert notebook.outside == []


def python(notebook, code):
    """Run code in the notebook's second free cell, and return what it printed."""
    notebook.write(2, code)
    return notebook.run(2).strip()


def readout(page, index=0):
    shown = page.locator(".cifviz-readout:not(.cifviz-under)").nth(index)
    return shown.inner_text().replace("\n", " ")


@pytest.mark.smoke
def test_a_click_on_a_token_is_sent_to_python_and_played(notebook):
    page = notebook.page
    page.get_by_role("button", name="play what is in view").wait_for()
    start, end = json.loads(python(notebook, "print(list(w.alignment.spans[2]))"))
    canvas = page.locator(".cifviz-picture").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    share = (start + end) / 2 / cifviz.load_clip("digits_five").waveform.duration
    x = box["x"] + TITLES + (box["width"] - TITLES) * share
    page.mouse.click(x, box["y"] + box["height"] - 99)
    played = wait_until(lambda: page.evaluate("started"))[0]
    assert played["offset"] == pytest.approx(start, abs=1e-6)
    assert played["duration"] == pytest.approx(end - start, abs=1e-6)
    wait_until(lambda: notebook.run(1).strip() == "2")


def test_settings_that_python_sets_are_shown(notebook):
    page = notebook.page
    before = readout(page)
    python(notebook, "w.selection = 2; w.settings = {'threshold': 0.5, 'scaling': 'as given'}")
    wait_until(lambda: "fires 10" in readout(page))
    wait_until(lambda: "3 of 10" in page.get_by_role("listbox").inner_text())
    assert "fires 5" in before
    assert page.get_by_label("threshold β").input_value() == "0.5"
    python(notebook, "w.settings = {'threshold': 1, 'scaling': 'phrases'}; w.selection = 4")
    wait_until(lambda: "fires 5" in readout(page))
    wait_until(lambda: "5 of 5" in page.get_by_role("listbox").inner_text())


def test_a_slider_is_sent_to_python(notebook):
    page = notebook.page
    page.get_by_label("threshold β").fill("0.8")
    wait_until(lambda: threshold(notebook) == 0.8)
    assert python(notebook, "print(len(w.alignment))") in readout(page)
    page.get_by_role("button", name="reset").click()
    wait_until(lambda: threshold(notebook) == 1)


SEND = """([id, state]) => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    return kernel._comms.get(id).send({ method: 'update', state, buffer_paths: [] }).done;
}"""
"""What a view would send that is out of its mind."""


def test_values_that_python_refuses_change_nothing(notebook):
    page = notebook.page
    before = python(notebook, "print(w.settings, w.selection, w.placed, w.alignment.spans)")
    model = python(notebook, "print(w.model_id)")
    for state in (
        {"settings": {"threshold": -1}},
        {"settings": {"treshold": 1}, "selection": 2},
        {"selection": 99},
        {"placed": {"labels": []}},
        {"data": "{}"},
    ):
        page.evaluate(SEND, [model, state])
    after = python(notebook, "print(w.settings, w.selection, w.placed, w.alignment.spans)")
    assert after == before
    page.get_by_label("threshold β").fill("0.7")
    wait_until(lambda: threshold(notebook) == 0.7)
    assert python(notebook, "print(len(w.alignment))") in readout(page)
    page.get_by_role("button", name="reset").click()
    wait_until(lambda: threshold(notebook) == 1)


def test_an_alignment_that_python_sets_is_shown(notebook):
    page = notebook.page
    page.get_by_text("tokens as a table").click()
    python(
        notebook,
        "w.alignment = cifviz.Alignment((cifviz.TimedToken('<i>', 0.25, 0.5),))",
    )
    wait_until(lambda: page.locator(".cifviz-table tbody tr").count() == 1)
    assert page.locator(".cifviz-table tbody th").inner_text() == "<i>"
    page.get_by_role("button", name="reset").click()
    wait_until(lambda: page.locator(".cifviz-table tbody tr").count() == 5)


def test_keys_stay_with_the_explorer(notebook):
    """In a notebook b makes a cell, j and arrows go to another one, Enter begins to write."""
    page = notebook.page
    where = """() => {
        const { content } = window.jupyterapp.shell.currentWidget;
        return [content.activeCellIndex, content.widgets.length, content.mode];
    }"""
    page.get_by_label("threshold β").focus()
    before = page.evaluate(where)
    for name in ("threshold β", "scaling"):
        page.get_by_label(name).focus()
        for key in ("ArrowDown", "ArrowUp", "b", "j"):
            page.keyboard.press(key)
    page.get_by_role("listbox").focus()
    for key in ("End", "Enter", "b", "j", " ", "ArrowUp", "Home"):
        page.keyboard.press(key)
    assert page.evaluate(where) == before
    assert "1 of" in page.get_by_role("listbox").inner_text()
    page.get_by_role("button", name="reset").click()


def threshold(notebook):
    """What Python knows of the slider."""
    return float(python(notebook, "print(w.settings['threshold'])"))


def test_settings_are_copied_as_python(notebook):
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("threshold β").fill("0.8")
    page.get_by_role("button", name="copy settings").click()
    page.get_by_text("It is in the clipboard.").wait_for()
    # Whoever sets last is right: what the view says must have come before Python sets.
    wait_until(lambda: threshold(notebook) == 0.8)
    page.get_by_role("button", name="reset").click()
    wait_until(lambda: threshold(notebook) == 1)
    python(notebook, page.evaluate("navigator.clipboard.readText()"))
    wait_until(lambda: page.get_by_label("threshold β").input_value() == "0.8")
    page.get_by_role("button", name="reset").click()
    wait_until(lambda: threshold(notebook) == 1)


def test_a_textgrid_is_saved(notebook, folder):
    with notebook.page.expect_download() as made:
        notebook.page.get_by_role("button", name="save TextGrid").click()
    path = folder / "made.TextGrid"
    made.value.save_as(path)
    tiers = cifviz.formats.read_textgrid(path)
    assert [token.token for token in tiers["tokens"]] == "two seven one eight two".split()
    assert list(tiers) == ["tokens", "reference"]


def test_labels_with_markup_are_text(notebook):
    page = notebook.page
    notebook.run(3)
    wait_until(lambda: page.locator(".cifviz-explorer").count() == 2)
    second = page.locator(".cifviz-explorer").nth(1)
    second.get_by_text("tokens as a table").click()
    table = second.get_by_role("table").filter(has_text="times in seconds")
    labels = table.locator("tbody th")
    wait_until(lambda: labels.count() == 5)
    assert labels.nth(0).inner_text() == "<img src=x onerror=alert(1)>"
    assert labels.nth(1).inner_text() == "</script><script>alert(2)</script>"
    assert second.locator("img, script, b").count() == 0
    assert notebook.dialogs == []


def test_a_recording_of_the_microphone_is_transcribed(notebook):
    page = notebook.page
    first = page.locator(".cifviz-explorer").first
    first.get_by_role("button", name="record").click()
    page.wait_for_timeout(3000)  # sound takes its time: this is how long somebody speaks
    first.get_by_role("button", name="stop recording").click()
    wait_until(lambda: "Transcription: " in first.locator(".cifviz-live").inner_text())
    text = python(notebook, "print(w.alignment.text)")
    assert text == " ".join(cifviz.load_clip(SPOKEN).tokens)


def test_a_closed_view_releases_the_microphone(notebook):
    page = notebook.page
    page.evaluate(
        """() => {
            const { mediaDevices } = navigator;
            const lend = mediaDevices.getUserMedia.bind(mediaDevices);
            window.lent = [];
            mediaDevices.getUserMedia = async (what) => {
                const stream = await lend(what);
                window.lent.push(...stream.getTracks());
                return stream;
            };
        }"""
    )
    states = "lent.map(track => track.readyState)"
    page.locator(".cifviz-explorer").first.get_by_role("button", name="record").click()
    wait_until(lambda: page.evaluate(states) == ["live"])
    notebook.run(0)
    wait_until(lambda: page.evaluate(states) == ["ended"])


def test_a_large_file_arrives_whole(notebook, folder):
    """15 MB, in four pieces."""
    page, rate = notebook.page, 16000
    waveform = cifviz.load_clip("digits_two").waveform
    samples = np.zeros(rate * 470, dtype=np.float32)
    samples[: len(waveform.samples)] = waveform.samples
    path = folder / "large.wav"
    soundfile.write(path, samples, rate)
    assert path.stat().st_size > 15_000_000
    first = page.locator(".cifviz-explorer").first
    first.get_by_label("transcribe a file").set_input_files(path)
    wait_until(lambda: python(notebook, "print(w.transcription.duration)") == "470.0")


def test_a_dropped_file_is_transcribed(notebook):
    """Of a kind that Python does not know: the browser decodes it."""
    first = notebook.page.locator(".cifviz-explorer").first
    content = io.BytesIO()
    waveform = cifviz.load_clip("digits_one").waveform
    soundfile.write(content, waveform.samples, waveform.sample_rate, format="WAV")
    data = notebook.page.evaluate_handle(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], "mine.strange"));
            return data;
        }""",
        list(content.getvalue()),
    )
    first.dispatch_event("drop", {"dataTransfer": data})
    tokens = " ".join(cifviz.load_clip("digits_one").tokens)
    wait_until(lambda: python(notebook, "print(w.alignment.text)") == tokens)


def test_a_file_that_cannot_be_transcribed_is_reported(notebook, folder):
    path = folder / "no.wav"
    path.write_bytes(b"no sound")
    first = notebook.page.locator(".cifviz-explorer").first
    first.get_by_label("transcribe a file").set_input_files(path)
    wait_until(lambda: "no.wav was not transcribed" in first.locator(".cifviz-live").inner_text())


def test_an_hour_is_shown_and_the_notebook_stays_small(notebook, folder):
    page = notebook.page
    notebook.save()
    before = wait_until(lambda: (folder / "explorer.ipynb").stat().st_size)
    notebook.write(2, HOUR.replace("\nhour\n", ""))
    notebook.run(2)
    notebook.write(4, "hour")
    shown = page.locator(".cifviz-explorer").count()
    notebook.run(4)
    wait_until(lambda: page.locator(".cifviz-explorer").count() == shown + 1)
    state = int(python(notebook, "import json; print(len(json.dumps(hour.get_state())))"))
    notebook.save()
    wait_until(lambda: (folder / "explorer.ipynb").stat().st_size > before)
    grown = (folder / "explorer.ipynb").stat().st_size - before
    print(f"state {state / 1e6:.2f} MB, notebook {grown / 1e6:.2f} MB larger")
    assert state < 5_000_000
    program = (Path(cifviz.explorer.__file__).parent / "static/widget.js").stat().st_size
    assert grown - program < 900_000


MOVE_AND_SAVE = """explorer => {
    const slider = explorer.querySelector("input[type=range]");
    slider.value = "0.7";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    [...explorer.querySelectorAll("button")]
        .find(button => button.ariaLabel === "save TextGrid").click();
}"""


@pytest.mark.smoke
def test_a_reload_and_a_restart_leave_something_to_use(notebook):
    page = notebook.page
    notebook.run(0)
    first = page.locator(".cifviz-explorer").first
    # JupyterLab saves the states of widgets that are there: not of one that is about to come.
    first.get_by_role("button", name="play what is in view").wait_for()
    notebook.save()
    notebook.open()
    first.get_by_role("button", name="play what is in view").wait_for()
    notebook.restart()
    page.evaluate("() => { started.length = 0; }")
    first.get_by_label("threshold β").fill("2")
    wait_until(lambda: "2" in first.locator(".cifviz-value").first.inner_text())
    before = readout(page)
    first.get_by_label("threshold β").fill("0.5")
    wait_until(lambda: readout(page) != before)
    first.get_by_role("listbox").focus()
    page.keyboard.press("Enter")
    wait_until(lambda: page.evaluate("started"))
    # What is saved is written without Python, right after a movement, too.
    with page.expect_download() as made:
        first.evaluate(MOVE_AND_SAVE)
    assert made.value.suggested_filename.endswith(".TextGrid")
    # Python has forgotten it; the notebook has not.
    notebook.open()
    first.get_by_label("threshold β").fill("0.5")
    wait_until(lambda: readout(page) != before)
