"""`CorpusRun`: model, code and settings of a run over a corpus, and where its files are."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cifviz
from cifviz.errors import CheckpointError, CIFError, require
from cifviz.resources import read_file
from cifviz.systems.base import System
from cifviz.systems.checkpoints import CARD, load_model, model_folder

CODE = (
    *("alignment", "audio", "core", "corpora", "corpus_alignment", "formats", "systems"),
    *("errors.py", "resources.py", "timing.py"),
)
"""Packages and modules of the library that results depend on."""
LIBRARIES = ("torch", "numpy", "av", "soxr", "moonshine-voice", "onnxruntime")
"""What else they depend on; the last two where they are installed."""
DESCRIPTION = "corpus.json"
"""The file that says whose results a folder holds."""
PARTS = "parts"
"""The folder of the Parquet files, in that of the results."""
EXTRA = "aligning a corpus needs the extra: pip install 'cifviz[corpus]'"


@dataclass(frozen=True)
class CorpusRun:
    """What is the same for all rows of a run; it travels to the workers."""

    out: str
    """The folder of the results, as an absolute path."""
    model: str
    """A name that comes with the library, or the absolute path of a folder."""
    model_hash: str
    """SHA-256 of the model's files."""
    code: str
    """Versions of the library and of what it computes with."""
    settings: str
    """What was asked for, as JSON."""
    token: str = ""
    """Of one call, so that a worker can tell its traces from those of a call that was killed."""
    retry_failed: bool = False
    """Whether rows that failed in an earlier call are tried again."""

    @functools.cached_property
    def key(self) -> str:
        """SHA-256 of all that changes results."""
        content = json.dumps([self.model_hash, self.code, self.settings])
        return hashlib.sha256(content.encode()).hexdigest()

    @functools.cached_property
    def options(self) -> dict[str, Any]:
        """The settings."""
        found: dict[str, Any] = json.loads(self.settings)
        return found

    @property
    def identity(self) -> dict[str, str]:
        """What stands in each row."""
        return {
            "model": self.model,
            "model_hash": self.model_hash,
            "code": self.code,
            "settings": self.settings,
        }

    def require_same_code(self) -> None:
        """Raise `CIFError` if a worker computes with other versions, or other weights."""
        here = code_version()
        require(here == self.code, f"a worker has {here}, the run was started with {self.code}")
        require(
            _loaded(self.model)[1] == self.model_hash,
            f"a worker has other weights of the model {self.model} than the run was started with",
        )

    def load(self) -> System:
        """The model, once in a process."""
        return _loaded(self.model)[0]


@functools.lru_cache(maxsize=2)
def _loaded(model: str) -> tuple[System, str]:
    return load_model(model), model_hash(model)


def model_hash(model: str | Path) -> str:
    """SHA-256 of the files of a model but its card: weights, configuration, what lies beside them.

    Raises
    ------
    CheckpointError
        If it has no files.
    """
    folder = model_folder(model)
    paths = sorted(path for path in folder.glob("*") if path.is_file() and path.name != CARD)
    require(bool(paths), f"no model {str(model)!r}", CheckpointError)
    return _digest((path.name, read_file(path, "model", CheckpointError)) for path in paths)


@functools.cache
def code_version() -> str:
    """The library's version, with a hash of its code, and those of what it computes with.

    >>> code_version().startswith("cifviz ")
    True
    """
    package = Path(cifviz.__file__).parent
    paths = [path for name in CODE for path in _modules(package / name)]
    digest = _digest((path.relative_to(package).as_posix(), path.read_bytes()) for path in paths)
    versions = [f"cifviz {cifviz.__version__} ({digest[:12]})"]
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(versions)


def require_corpus_extra() -> None:
    """Raise `CIFError` unless what a run over a corpus needs is installed."""
    try:
        import distributed  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise CIFError(EXTRA) from error


def _modules(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 of files, each with its name and length."""
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
