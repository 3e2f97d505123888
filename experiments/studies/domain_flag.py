"""Learn which sound is out of domain of a shipped recogniser, and measure what is flagged.

Class statistics come from training utterances, real and synthesised. The bound is the quantile
`WITHIN` of the mean distances of development utterances: real ones and synthesised ones, as they
are and altered. Weights are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.noise import pink_noise
from cifviz.audio.waveform import Waveform
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.datasets import human_aligned
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import require
from cifviz.metrics.statistics import median
from cifviz.published import read_study
from cifviz.systems.checkpoints import CARD, load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.domain import ClassStatistics, DomainConfig
from cifviz.systems.transcription import Transcription
from cifviz.text_tables import markdown_table
from experiments.measure import transcribe_all
from experiments.recipes import find_recipe
from experiments.studies.study import Study
from experiments.training_data import labelled_sentences, labelled_strings

WITHIN = 0.98
"""Share of the development utterances whose mean distance is within the bound."""
TRAINING: dict[str, Callable[[], list[LabelledUtterance]]] = {
    "digits": lambda: labelled_strings("train"),
    "grid": lambda: labelled_sentences("train"),
}
"""Real training utterances of each recipe, words in a row as users bring them."""
NOISE_LEVEL = -15.0
"""Of added noise: dB relative to the sound."""
SLOPE = 4.0
"""Of another channel: dB per octave."""
ECHO_SECONDS, ECHO_LEVEL = 0.3, -10.0
"""Time in which a room's reverberation falls by 60 dB, and its energy relative to the sound."""


def altered(waveform: Waveform, kind: int, rng: np.random.Generator) -> Waveform:
    """The same sound with pink noise, through another channel, or in a room.

    Parameters
    ----------
    waveform : Waveform
    kind : int
        Modulo 4: noise at `NOISE_LEVEL`, a spectrum that rises or falls by `SLOPE`, or
        reverberation.
    rng : numpy Generator
        Draws the noise and the reverberation.

    Returns
    -------
    Waveform
        As long, at the same rate.
    """
    samples, rate = waveform.samples.astype(np.float64), waveform.sample_rate
    if not len(samples):
        return waveform
    way = kind % 4
    if way == 0:
        loudness = np.sqrt(np.mean(samples**2)) * 10 ** (NOISE_LEVEL / 20)
        changed = samples + loudness * pink_noise(len(samples), rate, rng)
    elif way in (1, 2):
        octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / rate), 60.0) / 1000)
        gain = 10 ** ((SLOPE if way == 1 else -SLOPE) / 20 * octaves)
        changed = np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))
    else:
        count = round(ECHO_SECONDS * rate)
        tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
        tail *= 10 ** (ECHO_LEVEL / 20) / np.sqrt(np.sum(tail**2))
        size = len(samples) + count
        echo = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)
        changed = samples + echo[: len(samples)]
    return Waveform(changed.astype(np.float32), rate)


def learn_statistics(transcriptions: Sequence[Transcription]) -> ClassStatistics:
    """Class statistics of transcriptions of one recogniser; a class is a token of its vocabulary.

    Raises
    ------
    CIFError
        If there are too few tokens.
    """
    embeddings = [
        one.require_firing().embeddings[0, : len(one.tokens)]
        for one in transcriptions
        if one.tokens
    ]
    require(bool(embeddings), "expected utterances in which something fires, got none")
    names = {token: index for index, token in enumerate(transcriptions[0].config.vocabulary)}
    classes = [names[token] for one in transcriptions for token in one.tokens]
    return ClassStatistics.fit(torch.cat(embeddings), torch.tensor(classes))


def run(name: str, *, runs: Path, data: Path) -> dict[str, Any]:
    """Learn the domain of a shipped recogniser, keep it in its checkpoint, and measure it.

    Parameters
    ----------
    name : str
        The recipe, and the model under ``checkpoints``.
    runs : Path
        Not used.
    data : Path
        Holds ``checkpoints/<name>``, which gets ``domain.safetensors`` and ``domain`` in its
        ``config.json``.

    Raises
    ------
    CheckpointError
        If there is no such model.
    DataError
        If the recordings are not at hand.
    """
    recipe, folder = find_recipe(name), data / "checkpoints" / name
    model: Any = load_model(folder)
    training = [*TRAINING[name](), *recipe.synthetic()]
    model.statistics = learn_statistics(transcribe_all(model, training))

    # 1. The bound, on development utterances; without a test set half of them are kept for it.
    dev = recipe.dev()
    learned, judged = (dev, recipe.test()) if recipe.test else (dev[::2], dev[1::2])
    made = recipe.synthetic_dev()[: len(learned)]
    rng = np.random.default_rng(0)
    inside = {
        "dev": [one.waveform for one in learned],
        "synthetic dev": [one.waveform for one in made],
    }
    for key, waveforms in list(inside.items()):
        inside[f"{key}, altered"] = [altered(one, i, rng) for i, one in enumerate(waveforms)]
    sets = {key: measured(model, waveforms) for key, waveforms in inside.items()}
    distances = [one for found in sets.values() for one in found["distances"]]
    bound = round(float(np.quantile(distances, WITHIN)), 2)

    # 2. What it flags elsewhere.
    sets["test" if recipe.test else "dev, other half"] = measured(
        model, [one.waveform for one in judged]
    )
    sets |= {key: measured(model, waveforms) for key, waveforms in _others().items()}
    _keep_bound(model, folder, DomainConfig(bound, recipe.grammar))
    return {
        "training": len(training),
        "within": WITHIN,
        "bound_from": list(inside),
        "bound": bound,
        "sets": sets,
    }


def measured(model: CIFRecognizer, waveforms: Sequence[Waveform]) -> dict[str, Any]:
    """Number of sounds; mean distances and mean scores of those in which something fires."""
    utterances = [LabelledUtterance(one, Alignment()) for one in waveforms]
    found = [one for one in transcribe_all(model, utterances) if one.domain_distance is not None]
    return {
        "sounds": len(waveforms),
        "distances": [round(one.domain_distance, 2) for one in found],
        "mean_scores": [round(one.mean_score, 3) for one in found],
    }


def table(result: dict[str, Any]) -> str:
    """What is flagged in each set."""
    heads = ["set", "sounds", "nothing fired", "flagged", "distance, median", "mean score, median"]
    rows = []
    for name, found in result["sets"].items():
        distances = found["distances"]
        cells = [name, found["sounds"], found["sounds"] - len(distances)]
        cells.append(sum(distance > result["bound"] for distance in distances))
        medians = ["–", "–"]
        if distances:
            medians = [f"{median(distances):.1f}", f"{median(found['mean_scores']):.2f}"]
        rows.append([*cells, *medians])
    return (
        f"Bound of the mean distance: {result['bound']:.2f}, within which are "
        f"{100 * result['within']:g} % of: {'; '.join(result['bound_from'])}.\n\n"
        + markdown_table(heads, rows)
    )


def _others() -> dict[str, list[Waveform]]:
    """Sound that took no part in learning, by what it is."""
    clips: dict[str, list[Waveform]] = {}
    for clip in map(load_clip, list_clips()):
        clips.setdefault(f"clips, {clip.domain}", []).append(clip.waveform)
    return {**clips, "human_aligned": [waveform for waveform, _ in human_aligned().values()]}


def _keep_bound(model: CIFRecognizer, folder: Path, domain: DomainConfig) -> None:
    """Write the domain into a checkpoint; weights and card stay as they are."""
    model.config = replace(model.config, domain=domain)
    save_model(model, folder, (folder / CARD).read_text("utf-8"), overwrite=True)


def study(name: str) -> Study:
    """The study of one shipped recogniser."""
    read = partial(read_study, name=f"domain-flag-{name}")
    corpora = (*find_recipe(name).corpora, "human_aligned")
    return Study(partial(run, name), read, table, corpora)
