"""What commands read: a sound file or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from cifviz.errors import AudioError


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
