"""Read sound from a file, a pipe or memory as mono samples."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np

from cifviz.audio.decoding import sound_blocks
from cifviz.audio.resampling import resample
from cifviz.errors import AudioError, require, shown

Source: TypeAlias = str | os.PathLike[str] | IO[bytes]
"""What a sound is read from: a path, or a binary file."""
LARGEST_PIPED = 1 << 30
"""Bytes that are read from what cannot seek, such as a pipe."""
CANCELLED = 0.25
"""Channels cancel each other if their mean has less than this share of the power that it would have
if they were unrelated: Σ power / channels²."""


def read_mono(source: Source, sample_rate: int) -> np.ndarray:
    """Read a sound as float32 (time,) at a sample rate in Hz: see `cifviz.load_waveform`."""
    with _opened(source) as (file, name):

        def read(mix: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            blocks = sound_blocks(file, name)
            first = next(blocks, None)
            if first is None:
                raise AudioError(f"expected at least one sample, found none in {name}")
            return resample(
                (mix(block) for _, block in chain([first], blocks)), first[0], sample_rate
            )

        mean = _Mean()
        samples = read(mean)
        if mean.is_cancelled:
            loudest = mean.loudest
            samples = read(lambda block: block[loudest].copy())
        return samples


class _Mean:
    """The mean of the channels, block by block, and the power of all about their mean values."""

    def __init__(self) -> None:
        self.count = 0
        self.sums: np.ndarray | float = 0.0
        self.squares: np.ndarray | float = 0.0

    def __call__(self, block: np.ndarray) -> np.ndarray:
        mean = block.mean(axis=0)
        rows = np.vstack([block, mean], dtype=np.float64)
        self.count += len(mean)
        self.sums = self.sums + rows.sum(axis=1)
        self.squares = self.squares + np.einsum("ct,ct->c", rows, rows)
        return mean

    @property
    def _power(self) -> np.ndarray:
        """Of each channel, and of the mean, which comes last."""
        return np.asarray(self.squares / self.count - np.square(self.sums / self.count))

    @property
    def is_cancelled(self) -> bool:
        """Whether the channels cancel each other in the mean, as where one is inverted."""
        *channels, mean = self._power
        return bool(mean < CANCELLED * sum(channels) / len(channels) ** 2)

    @property
    def loudest(self) -> int:
        """The channel with the most power."""
        return int(self._power[:-1].argmax())


@contextmanager
def _opened(source: Source) -> Iterator[tuple[IO[bytes], str]]:
    """A binary file that can seek, and its name as a message shows it."""
    is_path = isinstance(source, str | os.PathLike)
    if not is_path and not isinstance(source, io.RawIOBase | io.BufferedIOBase):
        raise AudioError(f"expected a path (str or Path) or a binary file, got {shown(source)}")
    name = str(source if is_path else getattr(source, "name", "the sound"))
    # A file's name may hold bytes that are no text: Python opens it, a message has them escaped.
    name = "".join(char if char.isprintable() else repr(char)[1:-1] for char in name)
    try:
        with _open(source) as file:
            yield (file if file.seekable() else _in_memory(file, name)), name
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioError(f"no such audio file: {name}") from error
    except OSError as error:
        if isinstance(source, str | os.PathLike) and os.path.isdir(source):
            reason = "it is a folder"
        elif isinstance(error, PermissionError):
            reason = "there is no permission to"
        else:
            reason = f"the system says {error.strerror!r}"
        raise AudioError(
            f"expected a sound file (WAV, FLAC, MP3, Ogg, M4A …), cannot read {name}: {reason}"
        ) from error


def _open(source: Source) -> AbstractContextManager[IO[bytes]]:
    """Open a path; a file that is open already stays so."""
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    try:
        return Path(source).open("rb")
    except ValueError as error:  # a NUL, or a surrogate that is no byte
        raise FileNotFoundError from error


def _in_memory(file: IO[bytes], name: str) -> IO[bytes]:
    """The whole content of a pipe."""
    held = io.BytesIO()
    while chunk := file.read(1 << 20):
        held.write(chunk)
        require(
            held.tell() <= LARGEST_PIPED,
            f"expected at most {LARGEST_PIPED >> 20} MB from a pipe, {name} gives more",
            AudioError,
        )
    return held
