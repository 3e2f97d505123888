"""The lanes of neurons, a raster of spikes and a membrane, in a real JupyterLab."""

import pytest

import cifviz
from tests.ui import browser, jupyter, system_pages
from tests.ui.browser import wait_until
from tests.ui.explored import window
from tests.ui.test_lab import JUPYTER_ITSELF, TITLES

pytestmark = [browser.needed, pytest.mark.long]

MADE_UP = """
import cifviz
from tests.ui import system_pages
made = cifviz.explore(system_pages.made("neuron", 3))
made
"""
TRAINED = """
clip = cifviz.load_clip("digits_pause")
found = cifviz.load_model("spiking-digits").transcribe(clip.waveform)
trained = cifviz.explore(found, reference=clip.words)
trained
"""
COLOURS = """index => {
    const canvas = document.querySelectorAll('.cifviz-explorer .cifviz-picture')[index];
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4)
        colours.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2]);
    return colours.size;
}"""
"""Number of colours in the picture of an explorer."""


@pytest.fixture(scope="module")
def notebook(jupyter_server, chromium):
    """A notebook whose two cells show an explorer each: made up with a leak, and trained."""
    folder, address = jupyter_server("lab")
    jupyter.write_notebook(folder / "neurons.ipynb", MADE_UP, TRAINED, "")
    with window(chromium, viewport={"width": 1300, "height": 1400}) as page:
        opened = jupyter.OpenNotebook(page, address("neurons.ipynb"))
        opened.run(0)
        opened.run(1)
        page.wait_for_function(
            "() => document.querySelectorAll('.cifviz-explorer canvas.cifviz-picture').length === 2"
        )
        yield opened


@pytest.fixture(autouse=True)
def nothing_wrong(notebook):
    """Nobody outside was asked for anything, and nothing was complained about."""
    yield
    assert [one for one in notebook.faults if not one.startswith(JUPYTER_ITSELF)] == []
    assert notebook.outside == []


def under_cursor(notebook, index, share):
    """What an explorer reads out with the mouse at a share of its time, by name."""
    page = notebook.page
    explorer = page.locator(".cifviz-explorer").nth(index)
    picture = explorer.locator(".cifviz-picture").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.move(box["x"] + TITLES + (box["width"] - TITLES) * share, box["y"] + 60)
    rows = explorer.locator(".cifviz-under > div").all()
    return {one.locator("dt").inner_text(): one.locator("dd").inner_text() for one in rows}


def at_share(notebook, index, share, grid):
    """The frame below the mouse, and what is read out there."""
    found = wait_until(
        lambda: (read := under_cursor(notebook, index, share)).get("spikes", "–") != "–" and read
    )
    return int(float(found["time"].removesuffix(" s")) / grid.shift), found


def test_spikes_and_potential_of_a_neuron_that_leaks(notebook):
    one = system_pages.made("neuron", 3)
    trace, _, _ = one.config.neuron.run(one.firing.scaled_alpha)
    frame, found = at_share(notebook, 0, 20.5 * one.grid.shift / one.duration, one.grid)
    assert abs(frame - 20) <= 5
    count = int(one.extras["raster"][frame].sum())
    assert found["spikes"] == f"{count} of {system_pages.NEURONS} neurons"
    potential, of = found["potential"].split(" of ")
    assert float(potential) == pytest.approx(float(trace.peak[0, frame]), abs=0.006)
    assert of.startswith("θ 1")
    assert notebook.page.evaluate(COLOURS, 0) > 10


def test_spikes_of_the_network_that_ships(notebook):
    """It ends in a CIF: the raster is there, and no membrane."""
    clip = cifviz.load_clip("digits_pause")
    one = cifviz.load_model("spiking-digits").transcribe(clip.waveform)
    raster = one.extras["raster"]
    frame, found = at_share(notebook, 1, 0.5, one.grid)
    assert abs(frame - len(raster) / 2) <= 5
    assert found["spikes"] == f"{int(raster[frame].sum())} of {raster.shape[1]} neurons"
    assert "potential" not in found
    assert notebook.page.evaluate(COLOURS, 1) > 10


def test_python_selects_a_token_and_the_view_follows(notebook):
    notebook.write(2, "made.selection = 2; print(made.alignment.tokens[2].token)")
    label = notebook.run(2).strip()
    listbox = notebook.page.locator(".cifviz-explorer").nth(0).get_by_role("listbox")
    wait_until(lambda: label in listbox.inner_text() and "3 of" in listbox.inner_text())
