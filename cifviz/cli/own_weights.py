"""What commands are told of a CIF of one's own: its weights in a file, its tokens, its rule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifviz.cli.sound_input import sound_source
from cifviz.errors import DataError, printable, require
from cifviz.resources import read_text

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription

LARGEST_FILE = 2**24
"""Bytes of a file of tokens, at most."""
NAMES = ("alpha", "alphas", "weights")
"""What the weights are called in a file of several arrays, the first one that is there."""

Alpha = Annotated[
    Path | None,
    typer.Option(
        help="Weights of the frames, as your own model made them: a file .npy, .npz or "
        ".safetensors; no model of cifviz is run."
    ),
]
Array = Annotated[
    str | None,
    typer.Option(help="With --alpha: name of the array, if the file has several."),
]
Tokens = Annotated[
    Path | None,
    typer.Option(help="With --alpha: UTF-8 text of the model's tokens, separated by white space."),
]
FrameShift = Annotated[
    float | None,
    typer.Option(help="With --alpha: seconds from one frame to the next, such as 0.04."),
]
Threshold = Annotated[
    float | None, typer.Option(help="With --alpha: weight at which a token fires; by default 1.")
]
Tail = Annotated[
    str | None,
    typer.Option(
        help='With --alpha: what the weight left at the end becomes, such as "above 0.5" or '
        '"appended 0.45"; by default it is dropped.'
    ),
]
DialectName = Annotated[
    str | None,
    typer.Option(
        "--dialect", help="With --alpha: fire as another code base does, such as cif_pytorch."
    ),
]


@dataclass(frozen=True)
class OwnWeights:
    """Weights of one's own, and how they fire."""

    alpha: Path
    frame_shift: float
    array: str | None = None
    tokens: Path | None = None
    threshold: float | None = None
    tail: str | None = None
    dialect: str | None = None

    @classmethod
    def of_options(
        cls,
        alpha: Path | None,
        array: str | None,
        tokens: Path | None,
        frame_shift: float | None,
        threshold: float | None,
        tail: str | None,
        dialect: str | None,
    ) -> OwnWeights | None:
        """What the options say, None without --alpha; raises `CIFError` if they contradict."""
        others = {
            "--array": array,
            "--tokens": tokens,
            "--frame-shift": frame_shift,
            "--threshold": threshold,
            "--tail": tail,
            "--dialect": dialect,
        }
        if alpha is None:
            given = [name for name, value in others.items() if value is not None]
            require(not given, f"{', '.join(given)}: expected --alpha with it, which is not given")
            return None
        if frame_shift is None:
            raise DataError("--alpha needs --frame-shift, the seconds from one frame to the next")
        return cls(alpha, frame_shift, array, tokens, threshold, tail, dialect)

    @property
    def files(self) -> list[Path]:
        """The files that are read."""
        return [self.alpha, *([] if self.tokens is None else [self.tokens])]

    def read(self, sound: Path | None) -> Transcription:
        """The transcription of these weights, with the sound if there is any."""
        from cifviz.audio.waveform import load_waveform
        from cifviz.formats.array_files import array_named, only_array, read_arrays
        from cifviz.systems.transcription import Transcription

        tokens = None
        if self.tokens is not None:
            tokens = read_text(self.tokens, "file of tokens", at_most=LARGEST_FILE).split()
        arrays = read_arrays(self.alpha)
        if self.array is None:
            weights = only_array(arrays, self.alpha, NAMES)
        else:
            weights = array_named(self.array, arrays, self.alpha)
        return Transcription.from_alpha(
            weights,
            tokens,
            frame_shift=self.frame_shift,
            waveform=None if sound is None else load_waveform(sound_source(sound)),
            threshold=1.0 if self.threshold is None else self.threshold,
            tail="drop" if self.tail is None else self.tail,
            dialect=self.dialect or "",
            model=printable(self.alpha.name),
        )
