"""Align long recordings with the model `english`: drift, memory and time.

A recording consists of prompts, sentences of GRID and other recordings in random order, with
silence between some of them, and its transcript of theirs. The times of words are pocketsphinx's,
of each utterance alone. Nothing of it was trained on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.metrics import drift, edge_errors
from cifviz.published import read_study
from cifviz.systems.checkpoints import load_model
from cifviz.systems.doubtful_words import doubtful_words
from cifviz.systems.long_sound import align_long
from cifviz.text_tables import markdown_table
from experiments.english_words import TranscribedUtterance, kept_out_words
from experiments.interval_learning import samples
from experiments.studies.study import Study

NAME, MODEL = "long-recordings", "english"
MINUTES = (5, 60)
"""Lengths of the recordings; the short one first, so that the peak of memory is its own."""
SILENCE_SHARE, SILENCES = 0.02, (2, 10, 60)
"""How often silence follows an utterance, and its seconds, each as often."""
FAR = 0.3
"""Seconds from which on an edge is elsewhere."""


def recording(
    utterances: Sequence[TranscribedUtterance], minutes: float, seed: int
) -> TranscribedUtterance:
    """Utterances in random order, again and again, until the sound is long enough."""
    rng = np.random.default_rng(seed)
    pieces: list[np.ndarray] = []
    words: list[SpokenWord] = []
    tokens: list[TimedToken] = []
    total = 0
    while total < minutes * 60 * SAMPLE_RATE:
        one = utterances[int(rng.integers(len(utterances)))]
        words += one.words
        tokens += one.times.shifted(total / SAMPLE_RATE).tokens
        pieces.append(one.waveform.samples)
        if rng.random() < SILENCE_SHARE:
            pieces.append(np.zeros(int(rng.choice(SILENCES)) * SAMPLE_RATE, np.float32))
        total = sum(map(len, pieces))
    sound = Waveform(np.concatenate(pieces))
    return TranscribedUtterance(
        f"{minutes:g} minutes", sound, tuple(words), Alignment(tuple(tokens))
    )


def measured(model: Any, one: TranscribedUtterance) -> dict[str, Any]:
    """Errors, drift, memory and time of aligning one recording."""
    began, cpu = time.perf_counter(), time.process_time()
    found = align_long(model, one.waveform, one.words, path="segments", progress=True)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    pairs = [
        (word, true)
        for word, true in zip(found.words, one.times, strict=True)
        if word.is_timed and true.is_timed
    ]
    own, true = (np.array([(w.start, w.end) for w in group]) for group in zip(*pairs, strict=True))
    errors = own - true
    return {
        "seconds": round(one.waveform.duration, 1),
        "words": len(found.words),
        "untimed": len(found.words) - len(found.words.timed),
        "doubtful": len(doubtful_words(found)),
        "windows": len(found.windows),
        "longest_word": max(word.duration for word in found.words.timed),
        "errors": [edge_errors(errors[:, side]) for side in (0, 1)],
        "far": int((np.abs(errors) > FAR).any(axis=1).sum()),
        "drift": [drift(errors[:, side], true[:, side]) for side in (0, 1)],
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(seconds, 1),
        "sound_mb": round(one.waveform.samples.nbytes / 1e6, 1),
        "peak_mb": round(_peak(), 1),
    }


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Align recordings of `MINUTES` with the shipped model.

    Parameters
    ----------
    runs : Path
        Not used.
    data : Path
        Holds ``checkpoints/english``.

    Raises
    ------
    CheckpointError
        If there is no such model, or the extra ``cifviz[english]`` is not installed.
    DataError
        If recordings or pocketsphinx are missing.
    """
    model: Any = load_model(data / "checkpoints" / MODEL)
    utterances = [*(one for group in kept_out_words().values() for one in group), *samples()]
    model.align(utterances[0].waveform, "a")  # what is loaded once does not count
    return {
        "recordings": {
            f"{minutes} min": measured(model, recording(utterances, minutes, minutes))
            for minutes in MINUTES
        }
    }


def table(result: dict[str, Any]) -> str:
    """Errors, drift, memory and time of each recording."""
    heads = ["recording", "words", "untimed", "> 0.3 s off", "error, mean / median"]
    heads += ["drift, onsets / offsets", "CPU time / length", "sound", "process, at most"]
    rows = []
    for name, found in result["recordings"].items():
        both = found["errors"]
        sizes = [
            np.mean([side[key] for side in both]) for key in ("mean_absolute", "median_absolute")
        ]
        rows.append(
            [
                name,
                found["words"],
                found["untimed"],
                found["far"],
                " / ".join(f"{1000 * size:.0f}" for size in sizes) + " ms",
                " / ".join(f"{one:.1f}" for one in found["drift"]) + " ms a minute",
                f"{found['cpu_seconds'] / found['seconds']:.3f}",
                f"{found['sound_mb']:.0f} MB",
                f"{found['peak_mb']:.0f} MB",
            ]
        )
    return markdown_table(heads, rows)


def _peak() -> float:
    """The most memory that this process has had so far, MB."""
    import resource  # there is none on Windows

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1e6 if sys.platform == "darwin" else 1e3)


STUDY = Study(run, partial(read_study, name=NAME), table, ("prompts", "grid", "samples"))
