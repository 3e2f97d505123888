"""The lane of pictures in a real JupyterLab: a lip reader and a drawn mouth."""

import numpy as np
import pytest

from cifviz.corpora.clips import load_clip
from cifviz.corpora.drawn_mouth import HEIGHT, WIDTH
from cifviz.timing import FrameGrid
from tests.ui import browser, jupyter
from tests.ui.browser import wait_until
from tests.ui.explored import window

pytestmark = [browser.needed, pytest.mark.long]

SETUP = """
import numpy as np
import cifviz
from cifviz.corpora.drawn_mouth import clip_video

clip = cifviz.load_clip("grid_place")
video = clip_video(clip, np.random.default_rng(0))
model = cifviz.load_model("drawn-lips")
result = model.transcribe(clip.waveform, video=video)
cifviz.explore(result, reference=clip.words, model=model)
"""
SHIFT = 0.04
DRAWN = """
window.drawn = [];
for (const kind of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    const { drawImage } = kind.prototype;
    kind.prototype.drawImage = function (source, ...numbers) {
        const [x, y, width, height, left, top, wide, high] = numbers;
        const { a: unit, e: right, f: below } = this.getTransform();
        const place = { left: left + right / unit, top: top + below / unit, wide, high };
        if (numbers.length === 8) window.drawn.push({ x, y, width, height, ...place });
        return drawImage.call(this, source, ...numbers);
    };
}
"""
"""Keeps which part of a sheet is drawn where."""
COLOURS = """({ left, top, wide, high }) => {
    const canvas = document.querySelector('.cifviz-picture canvas, canvas.cifviz-picture');
    const unit = canvas.width / canvas.getBoundingClientRect().width;
    const { data } = canvas.getContext('2d').getImageData(
        left * unit, top * unit, wide * unit, high * unit);
    return new Set(new Uint32Array(data.buffer)).size;
}"""
"""Number of colours in a part of the picture."""


def strip_of(page):
    """Which pictures were drawn last, by their numbers, and where, from left to right."""
    columns, found = 2048 // WIDTH, {}
    for one in reversed(page.evaluate("drawn")):
        if one["width"] != WIDTH:
            continue
        if found and one["left"] >= min(other["left"] for other in found.values()):
            break  # an older drawing, perhaps of another width
        number = round(one["y"] / HEIGHT) * columns + round(one["x"] / WIDTH)
        found[number] = one
    return found


def test_pictures_of_a_mouth_are_seen_at_their_times(jupyter_server, chromium):
    folder, address = jupyter_server("lab")
    jupyter.write_notebook(folder / "lips.ipynb", SETUP)
    clip = load_clip("grid_place")
    with window(chromium, viewport={"width": 1300, "height": 1200}) as page:
        page.add_init_script(DRAWN)
        notebook = jupyter.OpenNotebook(page, address("lips.ipynb"))
        notebook.run(0)
        page.wait_for_selector(".cifviz-explorer canvas")
        wait_until(lambda: len(strip_of(page)) > 4)

        # 1. As many as have room, in their order, each the one of its time.
        strip = strip_of(page)
        assert all(0 <= number < 60 for number in strip)
        ordered = [strip[number]["left"] for number in sorted(strip)]
        assert ordered == sorted(ordered)
        middles = [strip[number]["left"] + strip[number]["wide"] / 2 for number in sorted(strip)]
        times = FrameGrid(SHIFT).seconds(np.array(sorted(strip)) + 0.5)
        slope, start = np.polyfit(times, middles, 1)
        assert np.abs(np.polyval((slope, start), times) - middles).max() < SHIFT * slope
        assert slope * clip.waveform.duration > 500

        # 2. A mouth, and the lane says which picture is under the cursor.
        page.locator(".cifviz-picture").first.scroll_into_view_if_needed()
        assert all(page.evaluate(COLOURS, one) > 10 for one in strip.values())
        box = page.locator(".cifviz-picture").first.bounding_box()
        one = strip[sorted(strip)[3]]
        x, y = one["left"] + one["wide"] / 2, one["top"] + one["high"] / 2
        page.mouse.move(box["x"] + x, box["y"] + y)
        under = page.locator(".cifviz-under > div")
        wait_until(lambda: any("picture" in text for text in under.all_inner_texts()))
        [shown] = [text for text in under.all_inner_texts() if text.startswith("picture")]
        assert abs(int(shown.split()[-1]) - sorted(strip)[3]) <= 1
        assert notebook.outside == []
