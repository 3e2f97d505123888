"""Named pre-trained models: weights as safetensors, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from cifviz.core.state_dicts import floats, shapes
from cifviz.errors import CheckpointError, CIFError, require, shown
from cifviz.models.baselines import Baseline, BaselineConfig, make_baseline
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.resources import resource, write_atomically
from cifviz.speech.formats import read_json

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
BASELINE_FOLDER = "baselines"
"""Where baselines are kept among the models that come along."""

LARGEST_CONFIG = 16 * 1024 * 1024
"""Bytes of a configuration; that of a vocabulary of a million words has fewer."""
MOST_NAMED = 8
"""Weights that a message names."""

Shapes = dict[str, tuple[int, ...]]
Read = TypeVar("Read")
Model = TypeVar("Model", Recognizer, Baseline)
Config = TypeVar("Config", RecognizerConfig, BaselineConfig)


def list_models() -> list[str]:
    """Names that `load_model` knows."""
    return _names(resource("checkpoints"))


def list_baselines() -> list[str]:
    """Names that `load_baseline` knows."""
    return _names(resource("checkpoints") / BASELINE_FOLDER)


def load_model(name: str | Path) -> Recognizer:
    """Load a trained recogniser, ready to transcribe.

    Parameters
    ----------
    name : str or Path
        A name that comes with the library ("digits", "grid"), or a folder that `save_model` wrote.

    Returns
    -------
    Recognizer
        In evaluation mode, on the CPU, in float32, whichever floating point type was stored.

    Raises
    ------
    CheckpointError
        If there is no such model, it is a baseline, a file cannot be read or is damaged, the
        configuration is none, or weights are missing, unknown, of another shape than it says, no
        floating point numbers or not finite. Nothing of its sizes is built before the weights fit.

    Examples
    --------
    >>> load_model("digits").config.vocabulary[:3]
    ('zero', 'one', 'two')
    """
    return _load(_find(name, resource("checkpoints")), "recogniser", _recognizer, Recognizer)


def load_baseline(name: str | Path) -> Baseline:
    """Like `load_model`, but a baseline: one that comes with the library, or a folder.

    Returns
    -------
    CTCRecognizer or AttentionRecognizer
        In evaluation mode, on the CPU.

    Raises
    ------
    CheckpointError
        As of `load_model`; if it is no baseline.
    """
    folder = _find(name, resource("checkpoints") / BASELINE_FOLDER)
    return _load(folder, "baseline", _baseline, make_baseline)


def save_model(model: Recognizer | Baseline, folder: Path, card: str) -> None:
    """Write weights, configuration and model card into a folder.

    Parameters
    ----------
    model : Recognizer or baseline
        What to keep.
    folder : Path
        Made if it is not there. Each file is written to a temporary one first.
    card : str
        Markdown: data, seeds, command and measured results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous().cpu() for key, value in model.state_dict().items()}
    config = json.dumps(model.config.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(weights)))
    write_atomically(folder / CONFIG, lambda path: path.write_text(config, "utf-8"))
    write_atomically(folder / CARD, lambda path: path.write_text(card, "utf-8"))


def load_weights(model: nn.Module, folder: Path) -> None:
    """Give a model the weights that `save_model` wrote into a folder.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or weights are missing, unknown, of the wrong shape, no
        floating point numbers or not finite.
    """
    path = folder / WEIGHTS
    expected = {name: value.shape for name, value in model.state_dict().items()}
    model.load_state_dict(_weights(path, _held(path), expected))


def _names(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{WEIGHTS}"))


def _find(name: str | Path, shipped: Path) -> Path:
    """The folder of a model: one that is shipped, or any."""
    if not isinstance(name, str | Path):
        raise CheckpointError(f"a model is a name or a folder, got {shown(name)}")
    folder = Path(name)
    if isinstance(name, str) and name in _names(shipped):
        folder = shipped / name
    try:
        is_model = (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()
    except OSError:  # a name too long, a folder that must not be read
        is_model = False
    if not is_model:
        known = ", ".join(_names(shipped)) or "none"
        raise CheckpointError(
            f"no model {str(name)!r}: expected one of those that come with cifviz ({known}) "
            f"or a folder with {CONFIG} and {WEIGHTS}"
        )
    return folder


def _load(
    folder: Path,
    what: str,
    configure: Callable[[dict[str, Any]], Config],
    build: Callable[[Config], Model],
) -> Model:
    """Build what the configuration describes, once the weights fit it, and give them to it."""
    path = folder / CONFIG
    try:
        config = configure(read_json(path, at_most=LARGEST_CONFIG))
    except CIFError as error:
        raise CheckpointError(f"{path} is not a configuration of a {what}: {error}") from error
    weights_path = folder / WEIGHTS
    held = _held(weights_path)
    # Each layer has a weight of its own: so many more would take long even to describe.
    require(
        config.num_layers <= len(held),
        f"{weights_path} holds {len(held)} weights, which cannot be those of the "
        f"{config.num_layers} layers of {path}",
        CheckpointError,
    )
    try:
        expected = shapes(lambda: build(config))
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not a configuration of a {what}: {error}") from error
    weights = _weights(weights_path, held, expected)
    model = build(config)
    model.load_state_dict(weights)
    return model.eval()


def _held(path: Path) -> Shapes:
    """Names and shapes of the weights in a file, from its header."""

    def header(path: Path) -> Shapes:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118

    return _read(path, header)


def _weights(
    path: Path, held: Shapes, expected: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    """The weights in a file in float32, if they are those that are expected."""
    missing, unknown = sorted(expected.keys() - held.keys()), sorted(held.keys() - expected.keys())
    require(
        not missing and not unknown,
        f"{path} does not fit its configuration: missing {_listed(missing)}, "
        f"unknown {_listed(unknown)}",
        CheckpointError,
    )
    for name, shape in expected.items():
        require(
            held[name] == tuple(shape),
            f"{path}: {name} must be {tuple(shape)}, got {held[name]}",
            CheckpointError,
        )
    weights = _read(path, load_file)
    return {name: floats(weights[name], name, str(path)) for name in expected}


def _read(path: Path, read: Callable[[Path], Read]) -> Read:
    """What `read` finds in a safetensors file."""
    try:
        require(path.is_file(), f"there is no file {path}", CheckpointError)
        return read(path)
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or 'no access'}") from error
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path} is not a safetensors file, or is damaged") from error


def _listed(names: list[str]) -> str:
    """Names for a message, the first of many."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{[name[:80] for name in names[:MOST_NAMED]]}{more}" if names else "nothing"


def _recognizer(values: dict[str, Any]) -> RecognizerConfig:
    require(
        not isinstance(values, Mapping) or "kind" not in values,
        "it is of a baseline, which load_baseline loads",
    )
    return RecognizerConfig.from_dict(values)


def _baseline(values: dict[str, Any]) -> BaselineConfig:
    require(
        not isinstance(values, Mapping) or "kind" in values,
        "it is of a recogniser, which load_model loads",
    )
    return BaselineConfig.from_dict(values)
