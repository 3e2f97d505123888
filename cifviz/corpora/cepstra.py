"""Speech of which only cepstra are published (AN4), and their conversion to log-mel.

The cepstra are those of the Sphinx front end: the natural logarithm of the power in 40 bands,
equally spaced in mel from 130 to 6800 Hz, and
``c_i = 1/40 · Σ_j log_power_j · cos(π i (j + 1/2) / 40)``. The first 13 of them keep the broad
shape of the spectrum, by which words differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifviz.audio.mel import mel_frequencies
from cifviz.audio.waveform import LogMel
from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.corpora.datasets import read_table
from cifviz.errors import DataError, require

BANDS, LOWEST, HIGHEST = 40, 130.0, 6800.0
"""Number of bands of the cepstra and the range they cover, Hz."""
FULL_SCALE = 12.0
"""Subtracted, since samples here are ±1 and those of AN4 16-bit integers. It is approximate:
recognisers use ratios."""


@dataclass(frozen=True, eq=False)
class CepstralUtterance:
    """An utterance without its sound: 13 cepstra at 100 frames a second."""

    id: str
    speaker: str
    words: tuple[str, ...]
    """In lower case."""
    cepstra: np.ndarray
    """(frames, 13)."""


def an4_utterances() -> list[CepstralUtterance]:
    """The training utterances of CMU's AN4: spelled words, digits and dates by 74 speakers.

    Raises
    ------
    DataError
        If the data set is missing or its files are damaged.
    """
    folder = corpus_folder("an4")
    path = folder / "mfcc13_100hz_f16.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            cepstra = archive["feats"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"expected the array 'feats' in {path}: {error}") from error
    require(
        cepstra.ndim == 2 and cepstra.shape[1] == 13,
        f"{path}: expected cepstra (frames, 13), got {cepstra.shape}",
        DataError,
    )
    columns: dict[str, Callable[[str], Any]] = {
        "id": str,
        "start_frame": int,
        "end_frame": int,
        "speaker": str,
        "text": lambda text: tuple(text.lower().split()),
    }
    return [
        CepstralUtterance(
            row["id"],
            row["speaker"],
            row["text"],
            cepstra[row["start_frame"] : row["end_frame"]],
        )
        for row in read_table(folder / "manifest.csv", columns)
    ]


def an4_pronunciations() -> dict[str, tuple[str, ...]]:
    """The phones of the words of AN4 (lower case), from the dictionary that comes with it.

    Of several pronunciations the first is taken, but for "a", which is the letter's name in AN4,
    and "one", whose first begins with an h that is never pronounced.

    Raises
    ------
    DataError
        If the data set is missing.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in (corpus_folder("an4") / "an4.dic").read_text("utf-8").lower().splitlines():
        entry, *phones = line.split()
        word, _, second = entry.partition("(")
        if not second or entry in ("a(2)", "one(2)"):
            found[word] = tuple(phones)
    return found


def log_mel_of_cepstra(cepstra: np.ndarray, features: LogMel) -> np.ndarray:
    """Log-mel power, as smooth as the cepstra make it.

    Parameters
    ----------
    cepstra : array (frames, coefficients)
        As described above, at most 40 of them.
    features : LogMel
        Their bands are those of the result.

    Returns
    -------
    array (frames, n_mels), float32
        ``c_0 + 2 Σ_{i>0} c_i cos(π i (x + 1/2) / 40)`` at the place x of each wanted band among the
        40, less 12 for the other scale of the samples.

    Examples
    --------
    Without any other coefficient the spectrum is flat:

    >>> log_mel_of_cepstra(np.array([[13.0, 0.0]]), LogMel(n_mels=4))
    array([[1., 1., 1., 1.]], dtype=float32)
    """

    def mel(frequency: np.ndarray | float) -> np.ndarray:
        return 2595 * np.log10(1 + np.asarray(frequency) / 700)

    wanted = mel_frequencies(features.n_mels + 2, features.f_min, features.f_max)
    step = (mel(HIGHEST) - mel(LOWEST)) / (BANDS + 1)
    places = np.clip((mel(wanted[1:-1]) - mel(LOWEST)) / step - 1, 0, BANDS - 1)
    waves = np.cos(np.pi * np.outer(np.arange(cepstra.shape[1]), places + 0.5) / BANDS)
    waves[1:] *= 2
    return (cepstra @ waves - FULL_SCALE).astype(np.float32)


def smoothed(log_mel: np.ndarray, coefficients: int) -> np.ndarray:
    """Log-mel power with only the first cepstra kept: as smooth as log-mel made from cepstra.

    Parameters
    ----------
    log_mel : array (frames, n_mels)
    coefficients : int > 0
        How many are kept.

    Examples
    --------
    One coefficient is the mean of a frame:

    >>> smoothed(np.array([[1.0, 3.0]]), 1).round(3).tolist()
    [[2.0, 2.0]]
    """
    bands = log_mel.shape[1]
    waves = np.cos(np.pi * np.outer(np.arange(coefficients), np.arange(bands) + 0.5) / bands)
    waves *= np.sqrt(2 / bands)
    waves[0] /= np.sqrt(2)
    return (log_mel @ waves.T @ waves).astype(np.float32)
