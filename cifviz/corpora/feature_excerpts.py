"""Features of real utterances that ship with the library; their sound does not.

`data/make_recordings.py` makes them: log-mel features, the weights that a shipped model gives for
them, and the times of the words.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.corpora.datasets import digit_string_waveform, digit_strings, grid_sentences
from cifviz.corpora.named_entries import read_entries
from cifviz.errors import CIFError, DataError, require, require_choice, require_number
from cifviz.formats import alignment_from_json
from cifviz.resources import resource
from cifviz.timing import FrameGrid

NUMBERS, ENTRIES = "recordings.safetensors", "recordings.json"
"""Arrays, and all other values, of all recordings."""


@dataclass(frozen=True, eq=False)
class RecordedUtterance:
    """Features, weights and reference of a real utterance whose sound does not ship."""

    name: str
    description: str
    """Its special property."""
    corpus: str
    """The data set that it is from, a key of `cifviz.corpora.corpus_registry.REGISTRY`."""
    id: str
    """Its name there."""
    speaker: str
    duration: float
    """Seconds."""
    words: Alignment
    """The reference of the data set."""
    log_mel: Tensor
    """Natural logarithm of mel power (feature_frames, n_mels), float32; kept in half precision. For
    `cifviz.systems.cif.CIFRecognizer.transcribe_features`."""
    feature_grid: FrameGrid
    """Clock of the frames of `log_mel`."""
    alpha: Tensor
    """The weights that `model` gives for `log_mel` (frames,), float32."""
    grid: FrameGrid
    """Clock of the frames of `alpha`."""
    model: str
    """Name of a model that ships with the library."""
    source: str
    """The official address of the data set, for people."""
    licence: str
    """Of these values, as of the sound."""
    attribution: str
    sha256: str
    """Of the sound: see `sound_hash`."""

    def waveform(self) -> Waveform:
        """The sound, where the data set is available.

        Raises
        ------
        DataError
            If it is not, or has another sound; the message says how to get it.
        """
        sound, _, _ = corpus_utterance(self.corpus, self.id)
        found = sound_hash(sound)
        require(
            found == self.sha256,
            f"recording {self.name!r}: the sound of {self.id} in data set {self.corpus!r} is "
            f"another one, expected sha256 {self.sha256}, got {found}",
            DataError,
        )
        return sound


def list_recordings() -> list[str]:
    """Names of the real utterances whose features ship with the library.

    Examples
    --------
    >>> "digits_george" in list_recordings()
    True
    """
    return list(read_entries(resource("recordings") / ENTRIES))


def load_recording(name: str) -> RecordedUtterance:
    """Read the features of a real utterance that ship with the library.

    Parameters
    ----------
    name : str
        One of `list_recordings`.

    Raises
    ------
    CIFError
        If there is no recording of that name; the message lists those that there are.
    DataError
        If the files are missing or damaged.

    Examples
    --------
    >>> recording = load_recording("digits_george")
    >>> recording.speaker, recording.words.text
    ('george', 'seven four one four seven')
    """
    from safetensors import SafetensorError, safe_open

    folder = resource("recordings")
    path = folder / NUMBERS
    entries = read_entries(folder / ENTRIES)
    require_choice("recording", name, entries)
    entry = entries[name]
    try:
        with safe_open(path, framework="pt") as arrays:
            log_mel, alpha = (arrays.get_tensor(f"{name}/{one}") for one in ("log_mel", "alpha"))
    except (SafetensorError, OSError) as error:
        raise DataError(f"cannot read recording {name!r} from {path}: {error}") from error
    try:
        recording = RecordedUtterance(
            words=alignment_from_json(entry.pop("words")),
            log_mel=log_mel.float(),
            feature_grid=FrameGrid(entry.pop("feature_shift")),
            alpha=alpha,
            grid=FrameGrid(entry.pop("shift")),
            **entry,
        )
        _require_sound(recording)
    except (CIFError, KeyError, TypeError) as error:
        raise DataError(f"recording {name!r} in {folder / ENTRIES}: {error}") from error
    return recording


def corpus_utterance(corpus: str, id: str) -> tuple[Waveform, Alignment, str]:
    """One utterance of a data set that recordings are taken from: sound, words and speaker.

    Parameters
    ----------
    corpus : {"digits", "grid"}
        A test string of digits or a development sentence of GRID, talker 1.
    id : str
        Its name there.

    Raises
    ------
    CIFError
        If there is no such data set.
    DataError
        If it is not available, or does not have the utterance.
    """
    require_choice("corpus", corpus, _CORPORA)
    found = _CORPORA[corpus](id)
    if found is None:
        raise DataError(f"data set {corpus!r} has no utterance {id!r}")
    return found


def sound_hash(waveform: Waveform) -> str:
    """Hash of the samples as 16-bit integers, low byte first: the same for every file format.

    >>> sound_hash(Waveform(np.zeros(0, np.float32)))[:8]
    'e3b0c442'
    """
    samples = np.round(waveform.samples * 32768).clip(-32768, 32767).astype("<i2")
    return hashlib.sha256(samples.tobytes()).hexdigest()


def _digits(id: str) -> tuple[Waveform, Alignment, str] | None:
    for string in digit_strings("test"):
        if string.id == id:
            return (*digit_string_waveform(string), string.speaker)
    return None


def _grid(id: str) -> tuple[Waveform, Alignment, str] | None:
    for sentence in grid_sentences("dev"):
        if sentence.id == id:
            return sentence.waveform(), sentence.words, "s1"
    return None


_CORPORA: dict[str, Callable[[str], tuple[Waveform, Alignment, str] | None]] = {
    "digits": _digits,
    "grid": _grid,
}


def _require_sound(recording: RecordedUtterance) -> None:
    """Raise unless shapes, times and values fit each other."""
    duration = require_number("duration", recording.duration, above=0)
    frames = math.ceil(round(recording.feature_grid.frame(duration), 6))
    for name, tensor, axes in (("log_mel", recording.log_mel, 2), ("alpha", recording.alpha, 1)):
        require(
            tensor.is_floating_point() and tensor.ndim == axes and bool(tensor.isfinite().all()),
            f"{name} must be finite numbers with {axes} axes, got {tensor.dtype} "
            f"{tuple(tensor.shape)}",
        )
    require(
        len(recording.log_mel) == frames,
        f"{duration:g} s are {frames} frames of log_mel, got {len(recording.log_mel)}",
    )
    last = max([end for _, end in recording.words.spans], default=0.0)
    require(last <= duration, f"the last word ends at {last:g} s, after all {duration:g} s")
