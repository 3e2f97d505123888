"""Learn which sound is out of domain: ``python -m experiments.studies.domain_flag NAME``.

Class statistics come from training utterances, real and synthesised. The bound is the quantile
`WITHIN` of the mean distances of development utterances: real ones and synthesised ones, as they
are and altered. Weights are left as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.datasets import human_aligned
from cifviz.errors import require
from cifviz.published import keep_result
from cifviz.systems.checkpoints import CARD, load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.domain import ClassStatistics, DomainConfig
from cifviz.systems.transcription import Transcription
from experiments.measure import Spoken, transcribe_all
from experiments.provenance import checksum, commit
from experiments.recipes import RECIPES, find_recipe
from experiments.studies.robustness_sets import pink_noise
from experiments.training_data import spoken_sentences, spoken_strings

WITHIN = 0.98
"""Share of the development utterances whose mean distance is within the bound."""
RESULTS = "domain"
"""Folder of the measurements, in a folder of results."""
TRAINING: dict[str, Callable[[], list[Spoken]]] = {
    "digits": lambda: spoken_strings("train"),
    "grid": lambda: spoken_sentences("train"),
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


def learn_statistics(heard: Sequence[Transcription]) -> ClassStatistics:
    """Class statistics of what a recogniser heard; a class is a token of the vocabulary.

    Raises
    ------
    CIFError
        If there are too few tokens.
    """
    embeddings = [
        one.require_firing().embeddings[0, : len(one.tokens)] for one in heard if one.tokens
    ]
    require(bool(embeddings), "expected utterances in which something fires, got none")
    names = {token: index for index, token in enumerate(heard[0].config.vocabulary)}
    classes = [names[token] for one in heard for token in one.tokens]
    return ClassStatistics.fit(torch.cat(embeddings), torch.tensor(classes))


def learn_domain(name: str, *, data: Path) -> str:
    """Learn the domain of a shipped recogniser, and keep it and what it flags.

    Parameters
    ----------
    name : str
        The recipe, and the model under ``checkpoints``.
    data : Path
        Holds ``checkpoints/<name>``, which gets ``domain.safetensors`` and ``domain`` in its
        ``config.json``; gets ``results/domain/<name>.json``.

    Returns
    -------
    str
        What `domain_table` makes of it.

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
    path = data / "results" / RESULTS / f"{name}.json"
    corpora = sorted({*recipe.corpora, "human_aligned"})
    result = {
        "command": f"python -m experiments.studies.domain_flag {name}",
        "commit": commit(),
        "data": {corpus: checksum(corpus) for corpus in corpora},
        "training": len(training),
        "within": WITHIN,
        "bound_from": list(inside),
        "bound": bound,
        "sets": sets,
    }
    keep_result(path, result)
    return domain_table(result)


def measured(model: CIFRecognizer, waveforms: Sequence[Waveform]) -> dict[str, Any]:
    """Number of sounds; mean distances and mean scores of those in which something fires."""
    spoken = [Spoken(one, Alignment()) for one in waveforms]
    heard = [one for one in transcribe_all(model, spoken) if one.domain_distance is not None]
    return {
        "sounds": len(waveforms),
        "distances": [round(one.domain_distance, 2) for one in heard],
        "mean_scores": [round(one.mean_score, 3) for one in heard],
    }


def domain_table(result: dict[str, Any]) -> str:
    """What is flagged in each set, as Markdown."""
    lines = [
        f"Bound of the mean distance: {result['bound']:.2f}, within which are "
        f"{100 * result['within']:g} % of: {'; '.join(result['bound_from'])}.",
        "",
        "| set | sounds | nothing fired | flagged | distance, median | mean score, median |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in result["sets"].items():
        distances = np.array(found["distances"])
        flagged = int((distances > result["bound"]).sum())
        row = [
            name,
            found["sounds"],
            found["sounds"] - len(distances),
            flagged,
            f"{np.median(distances):.1f}" if len(distances) else "–",
            f"{np.median(found['mean_scores']):.2f}" if len(distances) else "–",
        ]
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines)


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


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.studies.domain_flag",
        description="Learn the domain of a recogniser.",
    )
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, default=Path("data"), help="holds checkpoints/")
    options = parser.parse_args(arguments)
    print(learn_domain(options.name, data=options.data))


if __name__ == "__main__":
    main()
