"""Makes docs/animation.gif, the picture in README.md that moves:  python docs/animation.py

It plays a clip under its CIF at half its speed: everything after the moment is covered.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

import cifviz
from cifviz.plot import panel

CLIP, MODEL = "digits_four", "digits"
LANES = ("waveform", "weights", "accumulation", "contributions", "tokens")
PER_SECOND = 12.5
"""Pictures; a frame of the recogniser lasts 40 ms, and the clip is played at half its speed."""
STEP = 0.04
"""Seconds of the clip from picture to picture."""
STAYS = 2500
"""Milliseconds for which the whole panel is seen at the end."""
WIDTH = 9.0
"""Inches, of 100 pixels."""
COLOURS = 96
LARGEST = 1_000_000
"""Bytes."""


def pictures() -> list[Image.Image]:
    """The panel at one moment after the other, all in the same colours."""
    clip = cifviz.load_clip(CLIP)
    transcription = cifviz.load_model(MODEL).transcribe(clip.waveform)
    figure, axes = panel(transcription, lanes=LANES, width=WIDTH)
    end, timed = transcription.duration, axes.values()
    covers = [ax.axvspan(0, end, color="white", alpha=0.88, lw=0, zorder=50) for ax in timed]
    lines = [ax.axvline(0, color="#b35900", lw=1.5, zorder=51) for ax in timed]
    found = []
    for step in range(round(end / STEP) + 2):
        now = min(step * STEP, end)
        for cover, line in zip(covers, lines, strict=True):
            cover.set(x=now, width=max(end - now, 0))
            line.set(xdata=[now, now], visible=now < end)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        found.append(Image.open(buffer).convert("RGB"))
    both = Image.new("RGB", (found[0].width, 2 * found[0].height))  # covered and not
    both.paste(found[len(found) // 2])
    both.paste(found[-1], (0, found[0].height))
    palette = both.quantize(COLOURS, dither=Image.Dither.NONE)
    return [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in found]


def main() -> None:
    """Write the animation beside this file, and say how large it is."""
    first, *others = pictures()
    path = Path(__file__).with_suffix(".gif")
    shown = [round(1000 / PER_SECOND)] * len(others) + [STAYS]
    first.save(path, save_all=True, append_images=others, duration=shown, loop=0, optimize=True)
    size = path.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{path} has {size} bytes, more than {LARGEST}")
    print(f"{path}: {len(shown)} pictures, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
