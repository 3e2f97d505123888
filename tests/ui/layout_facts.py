"""What stands where in the picture of the explorer: every text that is written, in pixels.

Measured from outside, by the calls of the canvas, so that nothing that draws is asked whether it
drew well. ``python -m tests.ui.layout_facts`` prints the facts at all widths.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.firing import integrate_and_fire
from cifviz.explorer.data import view_data
from cifviz.explorer.page import page
from cifviz.timing import FrameGrid

WIDTHS = (1600, 1280, 768, 400, 320)
WORDS = (
    "she had your dark suit in greasy wash water all year and nobody ever asked why it was there "
    "yesterday"
).split()
PHONES = "ʃ iː h æ d j ɔː d ɑː k s uː t ɪ n ɡ r iː s i w ɒ ʃ w ɔː t ə ɔː l j ɪə n d tʃ".split()
CASES: dict[str, tuple[float, int, list[str]]] = {
    "1 s": (1.0, 3, WORDS),
    "11 s": (11.0, 21, WORDS),
    "24 s": (24.0, 100, PHONES),
}
"""Seconds, number of tokens, and their names in turn."""
SHIFT = 0.04

WRITTEN = """() => {
    const { picture, scale } = cifvizExplorer;
    const texts = [];
    const before = [];
    for (const kind of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
        const { fillText } = kind.prototype;
        before.push([kind.prototype, fillText]);
        kind.prototype.fillText = function (text, x, y) {
            const size = this.measureText(text);
            const unit = this.canvas.width / picture.width;
            const matrix = this.getTransform();
            const corners = [
                [x - size.actualBoundingBoxLeft, y - size.actualBoundingBoxAscent],
                [x + size.actualBoundingBoxRight, y + size.actualBoundingBoxDescent],
            ].map(([left, top]) => matrix.transformPoint({ x: left, y: top }));
            const [xs, ys] = ['x', 'y'].map(axis => corners.map(one => one[axis] / unit));
            texts.push({ text, left: Math.min(...xs), right: Math.max(...xs),
                top: Math.min(...ys), bottom: Math.max(...ys) });
            fillText.call(this, text, x, y);
        };
    }
    picture.drawn = [];
    picture.draw();
    for (const [prototype, fillText] of before) prototype.fillText = fillText;
    const { width, height, gutter, strips } = picture;
    const lanes = Object.fromEntries(picture.lanes.map(([name, lane]) => [name, {
        ...strips[name], title: lane.title,
        spans: lane.spans ? lane.spans(cifvizExplorer.seen).filter(one => {
            const middle = scale.x((one.start + one.end) / 2);
            return middle >= 0 && middle <= scale.width;
        }).map(one => one.label) : null,
    }]));
    return { texts, lanes, width, height, gutter, laneWidth: scale.width };
}"""
"""Draws the picture, and returns every text with the box of its ink, and the lanes."""

PITCH = 11
"""Pixels of an upright name: where all names of a lane have so many, none may be missing."""


@dataclass(frozen=True)
class Facts:
    """What is wrong in a picture, and how many ticks each lane has."""

    overlapping: list[tuple[str, str]]
    clipped: list[str]
    nameless: list[str]
    """Names that are not there although there would be room."""
    hidden: int
    """Names that are not there, which the picture says."""
    shortened: int
    without_ticks: list[str]
    cut_titles: list[str]
    """Of the explorer's own lanes; the names of compared alignments may be of any length."""


def made(seconds: float, tokens: int, names: list[str]) -> dict[str, Any]:
    """Data of made-up speech: a bump of weight for each token, noise for sound."""
    rng = np.random.default_rng(1)
    frames = round(seconds / SHIFT)
    step = frames / tokens
    place = (np.arange(frames) + 0.5) % step - step / 2
    weights = np.exp(-0.5 * (place / (step / 5)) ** 2) + 0.02 * rng.random(frames)
    weights *= rng.gamma(8, 1 / 8, frames)
    alpha = torch.tensor(weights * (tokens + 0.001) / weights.sum(), dtype=torch.float32)[None]
    gap = seconds / tokens
    labels = tuple(names[index % len(names)] for index in range(tokens))
    spans = [((n + 0.1) * gap, (n + 0.9) * gap) for n in range(tokens)]
    reference = Alignment(
        tuple(TimedToken(label, *span) for label, span in zip(labels, spans, strict=True))
    )
    model = cifviz.load_model("digits")
    transcription = replace(
        model.transcribe(cifviz.load_clip("digits_two").waveform),
        tokens=labels,
        scores=(1.0,) * tokens,
        alignment=reference,
        firing=integrate_and_fire(alpha, torch.zeros(1, frames, 1)),
        grid=FrameGrid(SHIFT),
        duration=seconds,
        log_mel=torch.tensor(rng.normal(size=(round(seconds * 100), 40)), dtype=torch.float32),
        waveform=cifviz.Waveform(rng.uniform(-1, 1, round(seconds * 8000)).astype("f4"), 8000),
    )
    return {
        **view_data(transcription, reference=reference, compare={"CTC": reference}),
        "begin": {},
    }


def write_case(name: str, folder: Path) -> Path:
    """The page of one of `CASES`."""
    path = folder / f"{name}.html"
    path.write_text(page(made(*CASES[name]), title=name), "utf-8")
    return path


def facts_of(opened: Any) -> Facts:
    """Measure the picture that a page shows."""
    found = opened.evaluate(WRITTEN)
    texts, lanes, gutter = found["texts"], found["lanes"], found["gutter"]
    written = {one["text"] for one in texts}
    nameless, hidden, shortened = [], 0, 0
    for lane in lanes.values():
        if lane["spans"] is None:
            continue
        missing, cut = _missing(lane, texts, gutter)
        shortened += cut
        if len(lane["spans"]) * PITCH <= found["laneWidth"]:
            nameless += missing
        else:
            hidden += len(missing)
    return Facts(
        overlapping=[
            (one["text"], other["text"])
            for index, one in enumerate(texts)
            for other in texts[index + 1 :]
            if _overlap(one, other)
        ],
        clipped=[one["text"] for one in texts if _is_clipped(one, found)],
        nameless=nameless,
        hidden=hidden,
        shortened=shortened,
        without_ticks=[
            name
            for name, lane in lanes.items()
            if lane["spans"] is None and len(_inside(lane, texts, lambda x: x < gutter)) < 2
        ],
        cut_titles=[
            lane["title"]
            for name, lane in lanes.items()
            if not name.startswith("compare") and lane["title"] not in written
        ],
    )


def _inside(lane: dict[str, Any], texts: list[dict[str, Any]], wanted: Any) -> list[str]:
    """Texts of a lane, by where their middle is; its title is none of them."""
    return [
        one["text"]
        for one in texts
        if lane["top"] - 4 <= (one["top"] + one["bottom"]) / 2 <= lane["top"] + lane["height"] + 4
        and wanted((one["left"] + one["right"]) / 2)
        and one["text"] != lane["title"]
    ]


def _missing(
    lane: dict[str, Any], texts: list[dict[str, Any]], gutter: float
) -> tuple[list[str], int]:
    """Names of spans in view that are not written, and the number of those that are cut."""
    there = Counter(_inside(lane, texts, lambda x: x > gutter))
    missing = list((Counter(name for name in lane["spans"] if name.strip()) - there).elements())
    cut = [text[:-1] for text in there.elements() if text.endswith("…")]
    for start in cut:
        whole = next((name for name in missing if name.startswith(start)), None)
        if whole is not None:
            missing.remove(whole)
    return missing, len(cut)


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    wide = min(one["right"], other["right"]) - max(one["left"], other["left"])
    high = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return wide > 0.5 and high > 0.5


def _is_clipped(one: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether it leaves the canvas, or its lane, which clips what is drawn in it."""
    if one["left"] < -0.5 or one["right"] > found["width"] + 0.5:
        return True
    if one["top"] < -0.5 or one["bottom"] > found["height"] + 0.5:
        return True
    if (one["left"] + one["right"]) / 2 < found["gutter"]:
        return False
    for lane in found["lanes"].values():
        end = lane["top"] + lane["height"]
        if lane["spans"] is not None and lane["top"] <= one["top"] < end:
            return one["bottom"] > end + 3 or one["left"] < found["gutter"] - 0.5
    return False


def main() -> None:
    """Print the facts at all widths."""
    from tempfile import TemporaryDirectory

    from playwright.sync_api import sync_playwright

    from tests.ui import browser

    with TemporaryDirectory() as folder, sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser.executable(), args=browser.QUIET)
        for name in CASES:
            path = write_case(name, Path(folder))
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    window = started.new_page(
                        viewport={"width": width, "height": 900}, color_scheme=scheme
                    )
                    window.goto(path.as_uri())
                    facts = facts_of(window)
                    print(
                        f"{name:5} {width:5} {scheme:5}  overlapping {len(facts.overlapping)}  "
                        f"clipped {len(facts.clipped)}  nameless {len(facts.nameless)}  "
                        f"hidden {facts.hidden}  shortened {facts.shortened}  "
                        f"without ticks {len(facts.without_ticks)}  "
                        f"cut titles {len(facts.cut_titles)}",
                        flush=True,
                    )
                    if facts.overlapping or facts.clipped or facts.nameless:
                        print("   ", facts.overlapping[:4], facts.clipped[:4], facts.nameless[:4])
                    window.close()
        started.close()


if __name__ == "__main__":
    main()
