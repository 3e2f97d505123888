"""What commands read: a sound file or standard input, and a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from cifviz.errors import AudioError
from cifviz.resources import resource


def sound_source(path: Path) -> Path | BinaryIO:
    """Where a sound is read from: "-" is standard input."""
    if path != Path("-"):
        return path
    if sys.stdin is None or sys.stdin.isatty():
        raise AudioError("expected a sound on standard input, it is not a file or a pipe")
    return sys.stdin.buffer


def stem_of(path: Path) -> str:
    """What results are named after."""
    return "stdin" if path == Path("-") else path.stem


def model_folder(model: str) -> Path:
    """Where the files of a model are."""
    from cifviz.systems.checkpoints import list_models

    return resource("checkpoints") / model if model in list_models() else Path(model)
