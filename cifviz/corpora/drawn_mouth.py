"""A drawn mouth that speaks: synthetic lip video, driven by phones and their times.

No video of a person is among the data. Here a phone is a *viseme*, what can be seen of it: some
phones look alike. Neighbours run into each other, heads move, faces and light differ. What a model
learns of it says something about counting and about what looks alike, and nothing about reading the
lips of people.

Notebook: notebooks/13_lipreading.ipynb
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.clips import Clip
from cifviz.corpora.phone_inventory import PHONES, reduced_phones
from cifviz.corpora.pronunciation import pronounce
from cifviz.errors import require_choice

HEIGHT, WIDTH = 16, 24
"""Pixels of a picture."""
STEP = 0.01
"""Seconds between two states of the mouth; pictures are some of them."""
PAUSE_SHARE = 0.3
"""How many words a pause follows."""


class Mouth(NamedTuple):
    """What a mouth does, each from 0 to 1."""

    opening: float
    spread: float
    """0: the lips are pushed forward and round; 1: the corners are far apart."""
    teeth: float
    """How much of the upper teeth is seen."""
    tongue: float
    """How much of the tongue is seen."""


SHUT = Mouth(0.0, 0.5, 0.0, 0.0)
_VISEMES: Mapping[str, tuple[str, Mouth]] = {
    "lips": ("p b m", SHUT),
    "lip and teeth": ("f v", Mouth(0.15, 0.5, 1.0, 0.0)),
    "tongue and teeth": ("θ ð", Mouth(0.3, 0.55, 0.4, 1.0)),
    "ridge": ("t d n l ɾ s z", Mouth(0.2, 0.65, 0.7, 0.2)),
    "palate": ("ʃ ʒ tʃ dʒ ɹ ɚ ɜː", Mouth(0.25, 0.2, 0.6, 0.0)),
    "back": ("k ɡ ŋ h", Mouth(0.4, 0.5, 0.2, 0.1)),
    "round": ("w uː ʊ", Mouth(0.2, 0.0, 0.0, 0.0)),
    "spread": ("j iː ɪ", Mouth(0.3, 1.0, 0.5, 0.1)),
    "half open": ("ɛ æ ə ʌ eɪ", Mouth(0.6, 0.75, 0.3, 0.2)),
    "open": ("ɑː aɪ aʊ", Mouth(1.0, 0.6, 0.2, 0.2)),
    "open and round": ("ɔː oʊ ɔɪ", Mouth(0.7, 0.15, 0.0, 0.0)),
}
VISEMES: Mapping[str, str] = {
    phone: name for name, (phones, _) in _VISEMES.items() for phone in phones.split()
}
"""What can be seen of each phone of `PHONES`; phones of one viseme look alike."""
_GLIDES = {"eɪ": "spread", "aɪ": "spread", "ɔɪ": "spread", "aʊ": "round", "oʊ": "round"}
"""The viseme that a diphthong ends with."""
VOWELS = frozenset(PHONES[25:])


@dataclass(frozen=True)
class Face:
    """How a mouth looks, in shares of the picture and in brightness from 0 to 1."""

    skin: float = 0.75
    lips: float = 0.45
    inside: float = 0.1
    size: float = 1.0
    thickness: float = 0.1
    """Of the lips, in heights of the picture."""
    tilt: float = 0.0
    """Radians."""
    light: float = 0.0
    """How much brighter the right side is than the left one."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Face:
        """Any face."""
        skin = rng.uniform(0.55, 0.9)
        return cls(
            skin=skin,
            lips=skin - rng.uniform(0.15, 0.35),
            inside=rng.uniform(0.0, 0.15),
            size=rng.uniform(0.85, 1.1),
            thickness=rng.uniform(0.07, 0.14),
            tilt=rng.normal(0, 0.06),
            light=rng.normal(0, 0.1),
        )


class TimedPhone(NamedTuple):
    """A phone and when it is spoken, in seconds."""

    phone: str
    start: float
    end: float


def movement(phones: Sequence[TimedPhone], duration: float, *, smoothing: float) -> np.ndarray:
    """What the mouth does over time.

    Parameters
    ----------
    phones : sequence of TimedPhone
        In order; where there is none the mouth is shut.
    duration : float
        Seconds.
    smoothing : float > 0
        Standard deviation of the Gaussian that each movement is smoothed by, seconds: a mouth is on
        its way to the next phone before this one ends, and does not get far in a short one
        (co-articulation).

    Returns
    -------
    array (states, 4)
        A `Mouth` each `STEP` seconds.
    """
    count = round(duration / STEP)
    targets = np.tile(np.array(SHUT), (count, 1))
    times = (np.arange(count) + 0.5) * STEP
    for phone, start, end in phones:
        require_choice("phone", phone, VISEMES)
        first = _VISEMES[VISEMES[phone]][1]
        last = _VISEMES[_GLIDES.get(phone, VISEMES[phone])][1]
        inside = (times >= start) & (times < end)
        early = inside & (times < (start + end) / 2)
        targets[inside], targets[early] = last, first
    if not count:
        return targets
    reach = max(1, round(3 * smoothing / STEP))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * STEP / smoothing) ** 2)
    padded = np.pad(targets, ((reach, reach), (0, 0)), mode="edge")
    smoothed = [np.convolve(padded[:, n], kernel / kernel.sum(), mode="valid") for n in range(4)]
    return np.stack(smoothed, axis=1)


def pictures(states: np.ndarray, face: Face, rng: np.random.Generator | None = None) -> np.ndarray:
    """Draw the mouth.

    Parameters
    ----------
    states : array (frames, 4)
        A `Mouth` for each picture.
    face : Face
    rng : numpy Generator, optional
        Moves the head, and adds noise; default: neither.

    Returns
    -------
    array of uint8 (frames, HEIGHT, WIDTH)
    """
    # 1. Where each pixel is, seen from the mouth.
    count = len(states)
    offset, noise = np.zeros((count, 2)), 0.0
    if rng is not None:
        offset = rng.normal(0, 0.4, 2) + np.cumsum(rng.normal(0, 0.08, (count, 2)), axis=0)
        noise = rng.uniform(0.01, 0.03)
    y, x = np.meshgrid(np.arange(HEIGHT) + 0.5, np.arange(WIDTH) + 0.5, indexing="ij")
    y = (y - HEIGHT / 2 - offset[:, 0, None, None]) / HEIGHT
    x = (x - WIDTH / 2 - offset[:, 1, None, None]) / WIDTH
    across = np.cos(face.tilt) * x - np.sin(face.tilt) * y
    down = np.sin(face.tilt) * x + np.cos(face.tilt) * y

    # 2. Two ellipses: the lips, and what is inside.
    opening, spread, teeth, tongue = (states[:, n, None, None] for n in range(4))
    half_width = face.size * (0.18 + 0.2 * spread)
    half_height = face.size * (0.01 + 0.28 * opening)
    pixel = 1.0 / HEIGHT

    def covered(grow: float) -> np.ndarray:
        """How much of each pixel is inside the mouth, grown by so much."""
        radius = np.hypot(across / (half_width + grow), down / (half_height + grow))
        edge = (1 - radius) * (half_height + grow) / pixel
        return np.clip(edge + 0.5, 0, 1)

    lips, inside = covered(face.thickness), covered(0.0) * np.clip(opening * 8, 0, 1)
    low = np.clip((down / np.maximum(half_height, pixel) + 0.2) * 2, 0, 1)
    dark = face.inside + 0.75 * teeth * (1 - low) * (down < 0) + 0.4 * tongue * low

    # 3. Skin, lips and inside; light and noise.
    image = face.skin + (face.lips - face.skin) * lips
    image = image + (dark - image) * inside
    image = image * (1 + face.light * x)
    if rng is not None:
        image = image + rng.normal(0, noise, image.shape)
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


@cache
def phones_of(word: str) -> tuple[str, ...]:
    """The phones of a word, by eSpeak NG; "a" is the letter, not the article.

    >>> phones_of("a")
    ('eɪ',)
    """
    if word == "a":
        return ("eɪ",)
    return tuple(itertools.chain.from_iterable(one.phones for one in pronounce(word)))


def spoken_phones(
    words: Sequence[str],
    rng: np.random.Generator,
    *,
    phones: Callable[[str], Sequence[str]] = phones_of,
    pause_share: float = PAUSE_SHARE,
) -> tuple[list[TimedPhone], Alignment, float]:
    """Words with drawn durations: their phones, their times and the duration of the whole.

    Parameters
    ----------
    words : sequence of str
    rng : numpy Generator
    phones : callable
        The phones of a word.
    pause_share : float in [0, 1]
        Share of the words that a pause follows.

    Returns
    -------
    phones : list of TimedPhone
    words : Alignment
    duration : float
        Seconds. Vowels last 80 to 180 ms, other phones 50 to 120 ms, at a tempo of its own;
        sometimes there is a pause between words.
    """
    tempo = float(np.exp(rng.normal(0, 0.15)))
    time = float(rng.uniform(0.1, 0.4))
    timed: list[TimedPhone] = []
    spans: list[TimedToken] = []
    for word in words:
        start = time
        for phone in phones(word):
            shortest, longest = (0.08, 0.18) if phone in VOWELS else (0.05, 0.12)
            end = time + float(rng.uniform(shortest, longest)) / tempo
            timed.append(TimedPhone(phone, time, end))
            time = end
        spans.append(TimedToken(word, start, time))
        time += float(rng.uniform(0.05, 0.3)) if rng.random() < pause_share else 0.0
    return timed, Alignment(tuple(spans)), time + float(rng.uniform(0.1, 0.4))


def video_of(
    phones: Sequence[TimedPhone], duration: float, rng: np.random.Generator, *, every: int = 4
) -> np.ndarray:
    """Pictures of a drawn mouth, of any face, each `every` states.

    >>> video_of([TimedPhone("m", 0.1, 0.2)], 0.4, np.random.default_rng(0)).shape
    (10, 16, 24)
    """
    states = movement(phones, duration, smoothing=rng.uniform(0.02, 0.04))
    middle = np.minimum(np.arange(every // 2, len(states) + every // 2, every), len(states) - 1)
    return pictures(states[middle], Face.drawn(rng), rng)


def clip_phones(clip: Clip) -> list[TimedPhone]:
    """The phones of an English clip as far as they can be drawn, with the times of its voice.

    >>> from cifviz.corpora.clips import load_clip
    >>> [one.phone for one in clip_phones(load_clip("digits_one"))]
    ['s', 'ɛ', 'v', 'ə', 'n']
    """
    made: list[TimedPhone] = []
    for one, (start, end) in zip(clip.phones.timed, clip.phones.spans, strict=True):
        symbols = reduced_phones(one.token)
        borders = np.linspace(start, end, len(symbols) + 1).tolist()
        made += map(TimedPhone, symbols, borders, borders[1:])
    return made


def clip_video(clip: Clip, rng: np.random.Generator, *, every: int = 4) -> np.ndarray:
    """A drawn mouth, of any face, that moves to the sound of an English clip.

    Parameters
    ----------
    clip : Clip
    rng : numpy Generator
        Draws the face, moves the head and adds noise.
    every : int
        States of `STEP` seconds from picture to picture; 4 are 25 pictures a second.

    Returns
    -------
    array of uint8 (pictures, HEIGHT, WIDTH)

    Examples
    --------
    2.3815 s are 238 states, of which every fourth is drawn:

    >>> from cifviz.corpora.clips import load_clip
    >>> clip_video(load_clip("grid_place"), np.random.default_rng(0)).shape
    (60, 16, 24)
    """
    return video_of(clip_phones(clip), clip.waveform.duration, rng, every=every)
