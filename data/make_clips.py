"""Make the clips that ship with the library: ``python data/make_clips.py``.

Needs eSpeak NG (``pip install -e .[train]``). Each clip is a FLAC file, a TextGrid with the tiers
"words" and "phones", and an entry in ``clips.json``. The same versions of the libraries make the
same bytes each time; a sentence whose words eSpeak NG counts differently is an error.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.synthesis import spoken_text, synthesize
from cifviz.formats import write_json, write_textgrid
from cifviz.resources import write_atomically

MARGIN = 0.2
"""Seconds of digital silence before and after the words."""


@dataclass(frozen=True)
class ClipRecipe:
    """One clip: its tokens, in groups with a pause between them, and how they are said."""

    name: str
    domain: str
    description: str
    groups: tuple[tuple[str, ...], ...]
    voice: str
    language: str = "en"
    texts: tuple[str, ...] = ()
    """What to say for each group where that is not its tokens with spaces between them."""
    rate: int = 160
    pitch: int = 50
    pause: float = 0.0
    """Seconds between groups."""
    decibels: float = 0.0
    """Added to the level."""


def _words(name: str, domain: str, text: str, voice: str, **more: object) -> ClipRecipe:
    """A clip of one group of words; its description is its words unless another is given."""
    more.setdefault("description", text)
    return ClipRecipe(name, domain, groups=(tuple(text.split()),), voice=voice, **more)


CLIPS = (
    _words("digits_one", "digits", "seven", "en-us"),
    _words("digits_two", "digits", "four two", "en-gb+f4"),
    _words("digits_three", "digits", "three one four", "en-us+f2"),
    _words("digits_four", "digits", "nine zero eight five", "en-gb-scotland+m1", pitch=45),
    _words("digits_five", "digits", "two seven one eight two", "en-us-nyc+Nguyen"),
    _words(
        "digits_repeated",
        "digits",
        "five five five one six zero zero",
        "en-us+aunty",
        description="the same digit several times in a row",
    ),
    _words(
        "digits_fast",
        "digits",
        "eight six seven five three zero nine two",
        "en-us+m3",
        rate=230,
        description="eight digits, spoken fast",
    ),
    _words(
        "digits_slow",
        "digits",
        "zero four one",
        "en-gb-x-rp+f3",
        rate=90,
        description="three digits, spoken slowly",
    ),
    ClipRecipe(
        name="digits_pause",
        domain="digits",
        description="two digits, 1.8 s of silence, three digits",
        groups=(("one", "two"), ("three", "four", "five")),
        voice="en-us",
        pause=1.8,
    ),
    _words(
        "digits_quiet",
        "digits",
        "six three nine",
        "en-us+f5",
        decibels=-35.0,
        description="three digits, 35 dB down",
    ),
    _words("grid_bin", "grid", "bin blue at f two now", "en-gb"),
    _words("grid_place", "grid", "place red by a nine please", "en-gb+f4", rate=150),
    _words("grid_set", "grid", "set white with z zero again", "en-gb+m7"),
    _words("grid_lay", "grid", "lay green in o four soon", "en-gb-x-rp+Lee", pitch=45),
    _words("grid_bin_fast", "grid", "bin green with h eight soon", "en-us+m4", rate=210),
    _words("grid_set_high", "grid", "set blue in x one please", "en-us+f2", pitch=65),
    ClipRecipe(
        name="natural_lake",
        domain="natural",
        description="a sentence of everyday English",
        groups=(tuple("the small boat drifted slowly across a quiet lake".split()),),
        texts=("The small boat drifted slowly across a quiet lake.",),
        voice="en-us",
    ),
    ClipRecipe(
        name="natural_river",
        domain="natural",
        description="everyday English with a comma, which is a pause of its own",
        groups=(tuple("when morning comes we walk along the river".split()),),
        texts=("When morning comes, we walk along the river.",),
        voice="en-gb+f4",
    ),
    ClipRecipe(
        name="mandarin_school",
        domain="natural",
        description="Mandarin: we go to school today, one token for each character",
        groups=(tuple("我们今天去学校"),),
        texts=("我们今天去学校",),
        voice="cmn",
        language="zh",
    ),
)


def main() -> None:
    """Make all clips in the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Make the clips that ship with cifviz.")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "clips", help="where to write them"
    )
    make(parser.parse_args().folder)


def make(folder: Path) -> None:
    """Make all clips and their manifest in an existing folder."""
    entries = []
    for recipe in CLIPS:
        waveform, words, phones, text = speak(recipe)
        save(folder, recipe.name, waveform, words, phones)
        entries.append(
            {
                "name": recipe.name,
                "domain": recipe.domain,
                "description": recipe.description,
                "language": recipe.language,
                "text": text,
                "tokens": [token for group in recipe.groups for token in group],
                "voice": recipe.voice,
                "rate": recipe.rate,
                "pitch": recipe.pitch,
            }
        )
    save(folder, "silence", nearly_silent(), Alignment(), Alignment())
    entries.append(
        {
            "name": "silence",
            "domain": "none",
            "description": "two seconds of faint noise and mains hum; nobody speaks",
            "language": "en",
            "text": "",
            "tokens": [],
            "voice": "",
            "rate": None,
            "pitch": None,
        }
    )
    write_json(folder / "clips.json", entries, overwrite=True)


def speak(recipe: ClipRecipe) -> tuple[Waveform, Alignment, Alignment, str]:
    """The sound of a clip, its words, its phones, and the text that was spoken."""
    texts = recipe.texts or tuple(spoken_text(group) for group in recipe.groups)
    pieces: list[np.ndarray] = [np.zeros(round(MARGIN * SAMPLE_RATE), np.float32)]
    words: list[TimedToken] = []
    phones: list[TimedToken] = []
    for index, (text, tokens) in enumerate(zip(texts, recipe.groups, strict=True)):
        if index:
            pieces.append(np.zeros(round(recipe.pause * SAMPLE_RATE), np.float32))
        begin = sum(len(piece) for piece in pieces) / SAMPLE_RATE
        utterance = synthesize(
            text, voice=recipe.voice, rate=recipe.rate, pitch=recipe.pitch, tokens=tokens
        )
        pieces.append(utterance.waveform.samples)
        words += utterance.words.shifted(begin)
        phones += utterance.phones.shifted(begin)
    pieces.append(pieces[0])
    samples = np.concatenate(pieces) * 10 ** (recipe.decibels / 20)
    return (
        Waveform(samples, SAMPLE_RATE),
        Alignment(tuple(words)),
        Alignment(tuple(phones)),
        " ".join(texts),
    )


def nearly_silent() -> Waveform:
    """Two seconds of faint noise and hum, about 1e-4 of full scale."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(0).normal(scale=1e-4, size=len(time))
    return Waveform(noise + 1e-4 * np.sin(2 * np.pi * 50 * time), SAMPLE_RATE)


def save(folder: Path, name: str, waveform: Waveform, words: Alignment, phones: Alignment) -> None:
    """Write the sound and the times of a clip."""
    # Rounded here, so that the bytes do not hang on how a library converts floats.
    samples = np.round(waveform.samples.clip(-1, 1) * 32767).astype(np.int16)
    write_atomically(
        folder / f"{name}.flac",
        lambda part: soundfile.write(part, samples, waveform.sample_rate, subtype="PCM_16"),
        overwrite=True,
    )
    tiers = {"words": words, "phones": phones}
    write_textgrid(folder / f"{name}.TextGrid", tiers, waveform.duration, overwrite=True)


if __name__ == "__main__":
    main()
