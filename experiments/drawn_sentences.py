"""Utterances of a drawn mouth: endless ones for training, and fixed sets; synthetic throughout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.drawn_mouth import STEP, TimedPhone, spoken_phones, video_of
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import require
from cifviz.training.augmentation import Augmentation, Example, Recording

DrawnSentence = Callable[[np.random.Generator], list[str]]
"""Draws the words of a sentence."""
Spoken = Callable[[Sequence[str], np.random.Generator], tuple[list[TimedPhone], Alignment, float]]
"""Gives words their phones and times: `spoken_phones` with its settings."""


class DrawnSentences:
    """Endless training utterances: an `ExampleMaker` that needs no recordings.

    Parameters
    ----------
    groups, shares, augmentation
        Of an `ExampleMaker`; none is looked at.
    sentence : DrawnSentence
    vocabulary : sequence of str
    bands : int
        Values of a feature frame: features are nothing but the clock.
    every : int
        Feature frames of a picture.
    spoken : callable
        Words with drawn durations, see `spoken_phones`.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[Recording]],
        shares: Mapping[str, float],
        augmentation: Augmentation,
        *,
        sentence: DrawnSentence,
        vocabulary: Sequence[str],
        bands: int,
        every: int = 4,
        spoken: Spoken = spoken_phones,
    ):
        self.sentence, self.every, self.bands, self.spoken = sentence, every, bands, spoken
        self.ids = {word: index for index, word in enumerate(vocabulary)}

    def __call__(self, rng: np.random.Generator) -> Example:
        """One utterance."""
        words = self.sentence(rng)
        phones, _, duration = self.spoken(words, rng)
        video = torch.from_numpy(video_of(phones, duration, rng, every=self.every))
        frames = round(duration / STEP)
        unknown = torch.full((len(words), 2), -1.0, dtype=torch.float64)
        ids = [self.ids[word] for word in words]
        return Example(torch.zeros(frames, self.bands), ids, unknown, {"video": video})


def drawn_utterances(
    sentence: DrawnSentence,
    count: int,
    seed: int,
    *,
    every: int = 4,
    spoken: Spoken = spoken_phones,
) -> list[LabelledUtterance]:
    """So many utterances, silent, with their videos; the same in every call."""
    require(count >= 0, f"expected a number of utterances, got {count}")
    made = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        phones, words, duration = spoken(sentence(rng), rng)
        video = torch.from_numpy(video_of(phones, duration, rng, every=every))
        samples = round(duration / STEP) * round(STEP * SAMPLE_RATE)
        silence = Waveform(np.zeros(samples, np.float32), SAMPLE_RATE)
        made.append(LabelledUtterance(silence, words, "drawn", {"video": video}))
    return made
