"""How fast the explorer follows a slider, a pan and a zoom: a minute of speech, and an hour."""

from __future__ import annotations

import base64
import math
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.opus import opus_of
from cifviz.core.firing import integrate_and_fire
from cifviz.course.live_figures import LiveFigure, Slider
from cifviz.explorer.data import view_data
from cifviz.explorer.page import page
from cifviz.timing import FrameGrid

SHIFT = 0.04
"""Seconds of a frame."""
RATE = 16_000
"""Samples per second."""

GOALS = {
    "minute: handler": 8.0,
    "minute: next paint": 34.0,
    "hour: built": 300.0,
    "hour, all in view: handler": 150.0,
    "hour, 10 s in view: handler": 150.0,
    "hour, 10 s in view: drawing": 8.0,
    "hour, pan of 10 s in view": 34.0,
    "hour, pan of 1 min in view": 34.0,
    "hour, pan of 30 min in view": 34.0,
    "hour, zoom from all to 10 s": 34.0,
    "controls of a lesson: picture": 100.0,
}
"""Milliseconds on a machine that does nothing else. Handlers and paints are the 95th percentile of
many movements, pans and zooms too, from the movement to the end of its paint; a drawing is the
median, a picture the quickest."""

INPUTS = """async (count) => {
    const input = document.querySelector('input[type=range]');
    const handled = [], painted = [];
    for (let i = 0; i < count; i += 1) {
        input.value = String(0.8 + (0.4 * ((i * 37) % 100)) / 100);
        const began = performance.now();
        input.dispatchEvent(new Event('input', { bubbles: true }));
        handled.push(performance.now() - began);
        // Behind the next paint's frame callbacks comes the paint, and behind the paint this.
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        painted.push(performance.now() - began);
    }
    return { handled, painted };
}"""
"""Moves the slider of the threshold."""

MOVES = """async ([count, begin, length, factor]) => {
    const { scale } = cifvizExplorer;
    scale.look(begin, length);
    cifvizExplorer.look();
    const painted = [];
    for (let i = 0; i < count; i += 1) {
        const began = performance.now();
        if (factor) scale.zoom(i % 16 < 8 ? factor : 1 / factor, begin + length / 2);
        else scale.pan((i % 20 < 10 ? 0.03 : -0.03) * length);
        cifvizExplorer.look();
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        painted.push(performance.now() - began);
    }
    return painted;
}"""
"""Pans by 3 % of the view to and fro, or zooms in by a factor eight times, and out again."""

BUILD = """() => { const began = performance.now();
    new cifvizExplorer.constructor(cifvizExplorer.root, cifvizExplorer.data).close();
    return performance.now() - began; }"""

DRAW = """(count) => { const times = [];
    for (let i = 0; i < count; i += 1) {
        const began = performance.now();
        cifvizExplorer.picture.draw();
        times.push(performance.now() - began);
    }
    return times; }"""


def look_at(begin: float) -> str:
    """What lets ten seconds fill the view."""
    return f"() => {{ cifvizExplorer.scale.look({begin}, 10); cifvizExplorer.look(); }}"


def explorer_of(seconds: int, tokens: int, folder: Path) -> Path:
    """A page of made-up speech with a reference, another alignment, and a minute of noise."""
    rng = np.random.default_rng(0)
    weights = rng.gamma(2.0, 1.0, round(seconds / SHIFT))
    weights[rng.random(len(weights)) < 0.3] *= 0.02
    alpha = torch.tensor(weights * tokens / weights.sum(), dtype=torch.float32)[None]
    minute = rng.uniform(-1, 1, 60 * RATE).astype(np.float32)
    step = seconds / tokens
    output = Alignment(
        tuple(TimedToken(f"w{n}", n * step, (n + 0.85) * step) for n in range(tokens))
    )
    hypothesis = cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_two").waveform)
    made = replace(
        hypothesis,
        tokens=tuple(token.token for token in output.tokens),
        scores=(1.0,) * tokens,
        alignment=output,
        firing=integrate_and_fire(alpha, torch.zeros(1, alpha.shape[1], 1)),
        grid=FrameGrid(SHIFT),
        duration=seconds,
        log_mel=torch.tensor(rng.normal(size=(round(seconds * 100), 40)), dtype=torch.float32),
        waveform=cifviz.Waveform(np.tile(minute, math.ceil(seconds / 60))[: seconds * RATE], RATE),
    )
    data = {**view_data(made, reference=output, compare={"CTC": output}), "begin": {}}
    data["sound"]["piece"] = len(minute)
    piece = base64.b64encode(opus_of(cifviz.Waveform(minute, RATE))).decode("ascii")
    data["sound_pieces"] = [piece] * math.ceil(seconds / 60)
    path = folder / f"{seconds}.html"
    path.write_text(page(data, title=f"{seconds} s"), "utf-8")
    return path


def measured(executable: str | None, *, inputs: int = 100) -> dict[str, float]:
    """Milliseconds, by the names of `GOALS`."""
    found = {"controls of a lesson: picture": picture_of_a_lesson()}
    with TemporaryDirectory(prefix="cifviz-") as folder, _browser(executable) as browser:
        window = browser.new_page(viewport={"width": 1200, "height": 900})
        window.set_default_timeout(0)
        window.goto(explorer_of(60, 500, Path(folder)).as_uri())
        found["minute: handler"], found["minute: next paint"] = _moved(window, inputs)
        window.goto(explorer_of(3600, 12_000, Path(folder)).as_uri())
        found["hour: built"] = window.evaluate(BUILD)
        window.reload()
        found["hour, all in view: handler"], _ = _moved(window, inputs // 2)
        for name, length in (("10 s", 10), ("1 min", 60), ("30 min", 1800)):
            moves = [inputs, 900, length, 0]
            found[f"hour, pan of {name} in view"] = _percentile(window.evaluate(MOVES, moves))
        moves = [inputs, 0, 3600, (10 / 3600) ** (1 / 8)]
        found["hour, zoom from all to 10 s"] = _percentile(window.evaluate(MOVES, moves))
        window.evaluate(look_at(1800))
        found["hour, 10 s in view: handler"], _ = _moved(window, inputs // 2)
        found["hour, 10 s in view: drawing"] = statistics.median(window.evaluate(DRAW, inputs))
    return {name: found[name] for name in GOALS}


def picture_of_a_lesson() -> float:
    """Milliseconds for a picture of 10 s of speech with three tokens a second."""
    grid = FrameGrid(0.04)
    weights = torch.rand(1, 250, generator=torch.Generator().manual_seed(0)) * 0.24
    frames = torch.zeros(1, 250, 1)

    def draw(ax: Any, *, threshold: float) -> None:
        firing = integrate_and_fire(weights, frames, threshold=threshold)
        cifviz.plot.accumulation(firing, grid, ax=ax)

    static = [{"threshold": threshold} for threshold in (1.0, 1.5, 2.0)]
    slider = Slider(0.9, 2.0, 0.01, 2.0)
    one = LiveFigure(draw, {"threshold": slider}, static=static, alt="Accumulated weight.")
    return 1000 * min(one.seconds() for _ in range(4))


def table(result: dict[str, Any]) -> str:
    """What was measured, beside the goals."""
    rows = ["| | ms | goal |", "|---|---:|---:|"]
    measured, goals = result["measured"], result["goals"]
    rows += [f"| {name} | {measured[name]:.1f} | {goal:g} |" for name, goal in goals.items()]
    return "\n".join(rows)


def _moved(window: Any, count: int) -> tuple[float, float]:
    """95th percentiles of handler and next paint, after a few inputs to get warm."""
    window.evaluate(INPUTS, max(count // 5, 1))
    times = window.evaluate(INPUTS, count)
    return _percentile(times["handled"]), _percentile(times["painted"])


def _percentile(times: list[float]) -> float:
    """The 95th."""
    return sorted(times)[int(0.95 * len(times))]


@contextmanager
def _browser(executable: str | None) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=executable)
        yield started
        started.close()
