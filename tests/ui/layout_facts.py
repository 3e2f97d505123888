"""What stands where in the picture of the explorer: every text that is written, in pixels.

Measured from outside, by the calls of the canvas, so that nothing that draws is asked whether it
drew well. ``python -m tests.ui.layout_facts`` prints the facts of all layouts; with ``--pictures
FOLDER`` it also saves a picture of each state of each; ``--case`` and ``--width`` take a part.
With ``--keep`` it only writes where lanes and ticks are, to which a test holds them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
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
    "5 min": (300.0, 800, WORDS),
    "1 h": (3600.0, 9000, WORDS),
}
"""Seconds, number of tokens, and their names in turn."""
SHIFT = 0.04
LAYOUTS = [
    (name, width, scheme) for name in CASES for width in WIDTHS for scheme in ("light", "dark")
]

KEPT = Path(__file__).with_suffix(".json")
"""Where lanes and ticks are, by layout, and the width of some text, which the font decides."""
NEAR = 4
"""Pixels by which they may be elsewhere."""
LEAST = 4.5
"""Contrast of text, by criterion 1.4.3 of WCAG 2.2."""


def _low(opened: Any) -> None:
    opened.evaluate("() => cifvizExplorer.set({ threshold: 0.5, scaling: 'as given' })")


def _close(opened: Any) -> None:
    opened.evaluate("() => { cifvizExplorer.zoom(0.1); cifvizExplorer.select(1); }")


def _touched(opened: Any) -> None:
    opened.evaluate(
        """() => {
            const { picture, scale } = cifvizExplorer;
            const { top, height } = picture.strips.logMel;
            cifvizExplorer.select(0);
            cifvizExplorer.point(picture.at(picture.gutter + scale.width / 3, top + height / 2));
        }"""
    )


def _open(opened: Any) -> None:
    opened.evaluate(
        """() => {
            for (const one of document.querySelectorAll('details')) one.open = true;
            [...document.querySelectorAll('button')]
                .find(one => one.textContent === 'drag weights').click();
        }"""
    )


AXISLESS = ("pictures",)
"""Lanes whose height means nothing."""

STATES: dict[str, Callable[[Any], None]] = {
    "at first": lambda opened: None,
    "lower threshold": _low,
    "close": _close,
    "values": _touched,
    "all open": _open,
}
"""What is done to a page, one after the other."""

WRITTEN = """() => {
    const { picture, scale } = cifvizExplorer;
    const texts = [];
    const before = [];
    const pixel = new OffscreenCanvas(1, 1).getContext('2d');
    const luminance = ([red, green, blue]) => {
        const [r, g, b] = [red, green, blue].map(one => one / 255)
            .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    // Of the colour of a text and the one that is most often behind it.
    const contrastIn = (canvas, { left, right, top, bottom }, unit) => {
        const [x, y] = [Math.floor(left * unit), Math.floor(top * unit)];
        const [wide, high] = [right - left, bottom - top].map(one => Math.ceil(one * unit) || 1);
        const found = new Uint32Array(canvas.getImageData(x, y, wide, high).data.buffer);
        const counts = new Map();
        for (const colour of found) counts.set(colour, (counts.get(colour) ?? 0) + 1);
        const [most] = [...counts].reduce((one, other) => other[1] > one[1] ? other : one);
        const behind = [most & 255, (most >> 8) & 255, (most >> 16) & 255];
        pixel.globalAlpha = 1;
        pixel.fillStyle = `rgb(${behind})`;
        pixel.fillRect(0, 0, 1, 1);
        pixel.globalAlpha = canvas.globalAlpha;
        pixel.fillStyle = canvas.fillStyle;
        pixel.fillRect(0, 0, 1, 1);
        const [dark, light] = [behind, pixel.getImageData(0, 0, 1, 1).data]
            .map(luminance).sort((one, other) => one - other);
        return (light + 0.05) / (dark + 0.05);
    };
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
            const box = { left: Math.min(...xs), right: Math.max(...xs),
                top: Math.min(...ys), bottom: Math.max(...ys) };
            texts.push({ text, ...box, contrast: contrastIn(this, box, unit) });
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
    const { ink, faint, accent, paper } = picture.look;
    const shades = [paper, ink, faint, accent].map(colour => {
        pixel.globalAlpha = 1;
        pixel.fillStyle = paper;
        pixel.fillRect(0, 0, 1, 1);
        pixel.fillStyle = colour;
        pixel.fillRect(0, 0, 1, 1);
        return luminance(pixel.getImageData(0, 0, 1, 1).data);
    });
    const lines = shades.slice(1).map(one =>
        (Math.max(one, shades[0]) + 0.05) / (Math.min(one, shades[0]) + 0.05));
    pixel.font = '100px system-ui, sans-serif';
    const { width: letters } = pixel.measureText('sphinx of black quartz');
    return { texts, lanes, width, height, gutter, laneWidth: scale.width, lines, letters };
}"""
"""Draws the picture, and returns every text with the box of its ink, and the lanes."""

PALE = """() => {
    const pixel = new OffscreenCanvas(1, 1).getContext('2d');
    const luminance = ([red, green, blue]) => {
        const [r, g, b] = [red, green, blue].map(one => one / 255)
            .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const painted = colours => {
        pixel.clearRect(0, 0, 1, 1);
        for (const colour of ['white', ...colours]) {
            pixel.fillStyle = colour;
            pixel.fillRect(0, 0, 1, 1);
        }
        return luminance(pixel.getImageData(0, 0, 1, 1).data);
    };
    const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const one = walker.currentNode.parentElement;
        const isRead = walker.currentNode.data.trim() && one.checkVisibility()
            && getComputedStyle(one).visibility === 'visible' && !one.closest('option, :disabled');
        if (!isRead) continue;
        const behind = [];
        for (let at = one; at; at = at.parentElement) {
            behind.unshift(getComputedStyle(at).backgroundColor);
        }
        const [dark, light] = [painted(behind), painted([...behind, getComputedStyle(one).color])]
            .sort((a, b) => a - b);
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < LEAST) found.push(`${walker.currentNode.data.trim()}: ${contrast}`);
    }
    return found;
}""".replace("LEAST", str(LEAST))
"""Texts beside the picture that are too pale, where the page itself says what is behind them."""

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
    pale: list[str]
    """Texts and lines with too little contrast."""

    @property
    def faults(self) -> list[object]:
        """Everything that must not be."""
        return [
            *self.overlapping,
            *self.clipped,
            *self.nameless,
            *self.without_ticks,
            *self.cut_titles,
            *self.pale,
        ]


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
        clipped=[one["text"] for one in texts if one["text"] == "…" or _is_clipped(one, found)],
        nameless=nameless,
        hidden=hidden,
        shortened=shortened,
        without_ticks=[
            name
            for name, lane in lanes.items()
            if lane["spans"] is None
            and name not in AXISLESS
            and len(_inside(lane, texts, lambda x: x < gutter)) < 2
        ],
        cut_titles=[
            lane["title"]
            for name, lane in lanes.items()
            if not name.startswith("compare") and lane["title"] not in written
        ],
        pale=[
            *(f"{one['text']}: {one['contrast']}" for one in texts if one["contrast"] < LEAST),
            *(f"lines: {contrast}" for contrast in found["lines"] if contrast < 3),
            *opened.evaluate(PALE),
        ],
    )


def places_of(opened: Any) -> dict[str, Any]:
    """Where lanes begin and end, and where their ticks are: what a test keeps."""
    found = opened.evaluate(WRITTEN)
    return {
        "letters": round(found["letters"]),
        "height": round(found["height"]),
        "gutter": found["gutter"],
        "lanes": {
            name: [round(lane["top"]), round(lane["height"])]
            for name, lane in found["lanes"].items()
        },
        "ticks": [
            [one["text"], round((one["left"] + one["right"]) / 2), round(one["top"])]
            for one in found["texts"]
            if one["right"] <= found["gutter"] or one["text"].endswith(" s")
        ],
    }


def moved(places: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    """What is elsewhere than it was by more than `NEAR` pixels, or is new, or is gone."""
    found = []
    for part in ("height", "gutter"):
        if abs(places[part] - kept[part]) > NEAR:
            found.append(f"{part} {kept[part]}, now {places[part]}")
    for name in {**kept["lanes"], **places["lanes"]}:
        was, now = kept["lanes"].get(name), places["lanes"].get(name)
        if was is None or now is None or _far(was, now):
            found.append(f"lane {name} {was}, now {now}")
    was, now = kept["ticks"], places["ticks"]
    if [one[0] for one in was] != [one[0] for one in now]:
        return [*found, f"ticks {was}, now {now}"]
    pairs = zip(was, now, strict=True)
    return found + [f"{one}, now {other}" for one, other in pairs if _far(one[1:], other[1:])]


def _far(one: list[int], other: list[int]) -> bool:
    return any(abs(a - b) > NEAR for a, b in zip(one, other, strict=True))


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
    """Print the facts of all layouts in all states, or keep where lanes and ticks are."""
    from tempfile import TemporaryDirectory

    from playwright.sync_api import sync_playwright

    from tests.ui import browser

    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--pictures", type=Path, help="a folder, for a picture of each state")
    given.add_argument("--keep", action="store_true", help=f"only write {KEPT.name}")
    given.add_argument("--case", action="append", choices=CASES, help="one of them")
    given.add_argument("--width", action="append", choices=WIDTHS, type=int, help="one of them")
    asked = given.parse_args()
    if asked.keep and (asked.case or asked.width):
        given.error(f"{KEPT.name} holds all layouts: --keep takes neither --case nor --width")
    kept: dict[str, Any] = {}
    with TemporaryDirectory() as folder, sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser.executable(), args=browser.QUIET)
        for name, width, scheme in LAYOUTS:
            if name not in (asked.case or CASES) or width not in (asked.width or WIDTHS):
                continue
            if asked.keep and scheme != "light":
                continue
            path = Path(folder) / f"{name}.html"
            if not path.exists():
                write_case(name, Path(folder))
            window = started.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            window.set_default_timeout(1000 * browser.PATIENCE)
            window.goto(path.as_uri())
            if asked.keep:
                kept[f"{name} {width}"] = places_of(window)
            else:
                _report(window, (name, width, scheme), asked.pictures)
            window.close()
        started.close()
    if asked.keep:
        lines = (
            f"{json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}"
            for name, one in kept.items()
        )
        KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _report(window: Any, layout: tuple[str, int, str], pictures: Path | None) -> None:
    """Print the facts of a page in each state, and save its pictures."""
    name, width, scheme = layout
    for state, act in STATES.items():
        act(window)
        print(f"{name:5} {width:5} {scheme:5} {state:15} {_line(facts_of(window))}", flush=True)
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            file = f"{name} {width} {scheme} {state}.png".replace(" ", "-")
            window.screenshot(path=pictures / file, full_page=True)


def _line(facts: Facts) -> str:
    """The facts in a line, and the first faults in another one."""
    counts = (
        f"overlapping {len(facts.overlapping)}  clipped {len(facts.clipped)}  "
        f"nameless {len(facts.nameless)}  hidden {facts.hidden}  shortened {facts.shortened}  "
        f"without ticks {len(facts.without_ticks)}  cut titles {len(facts.cut_titles)}  "
        f"pale {len(facts.pale)}"
    )
    return f"{counts}\n    {facts.faults[:6]}" if facts.faults else counts


if __name__ == "__main__":
    main()
