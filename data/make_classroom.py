"""Make the takes that a lesson trains on: ``python data/make_classroom.py``.

Needs eSpeak NG (``pip install -e .[train]``). Each take is one digit in one voice, as log-mel
features in steps of an eighth of a neper; `takes.json` says which frames it has and when in them
the word sounds. The same versions of the libraries make the same bytes each time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save

from cifviz.corpora.synthesis import VOICES, synthesize
from cifviz.corpora.word_lists import DIGITS
from cifviz.course.classroom import ENTRIES, FEATURES, NUMBERS, quantised
from cifviz.formats import write_json
from cifviz.resources import write_atomically

RATES = (125, 160, 215)
"""Words per minute: slow, as eSpeak NG likes it, fast."""
PITCHES = (35, 50, 65)
"""Each voice says each digit at all rates and all pitches; which goes with which is the voice's
own affair and tells nothing about the digit."""


def main() -> None:
    """Make all takes in the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Make the takes that a lesson trains on.")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "classroom", help="where to write"
    )
    make(parser.parse_args().folder)


def make(folder: Path) -> None:
    """Make both files in an existing folder."""
    numbers, entries = [], []
    for index, voice in enumerate(VOICES):
        for word in DIGITS:
            for turn, rate in enumerate(RATES):
                pitch = PITCHES[(turn + index) % len(PITCHES)]
                spoken = synthesize(word, voice=voice, rate=rate, pitch=pitch)
                numbers.append(quantised(FEATURES(spoken.waveform)))
                frames = [FEATURES.grid.frame(time) for time in spoken.words.spans[0]]
                entries.append(
                    {
                        "word": word,
                        "voice": voice,
                        "rate": rate,
                        "pitch": pitch,
                        "frames": len(numbers[-1]),
                        "start": round(frames[0], 3),
                        "end": round(min(frames[1], len(numbers[-1])), 3),
                    }
                )
    takes = {"log_mel": torch.cat(numbers)}
    write_atomically(folder / NUMBERS, lambda part: part.write_bytes(save(takes)), overwrite=True)
    write_json(folder / ENTRIES, entries, overwrite=True)


if __name__ == "__main__":
    main()
