"""Named pre-trained models: weights as safetensors, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors.torch import save
from torch import nn

from cifviz.core.interop.state_dicts import shapes
from cifviz.errors import CheckpointError, CIFError, require, shown
from cifviz.formats import read_json
from cifviz.resources import resource, writing
from cifviz.systems.baselines import Baseline, BaselineConfig, make_baseline
from cifviz.systems.cif import Recognizer, RecognizerConfig
from cifviz.systems.domain import STATISTICS, ClassStatistics
from cifviz.systems.weight_files import read_weights, stored_shapes

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
BASELINE_FOLDER = "baselines"
"""Where baselines are kept among the models that come along."""

LARGEST_CONFIG = 16 * 1024 * 1024
"""Bytes of a configuration; that of a vocabulary of a million words has fewer."""

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
    folder = _find(name, resource("checkpoints"))
    model = _load(folder, "recogniser", _recognizer, Recognizer)
    model.name = folder.resolve().name
    if model.config.domain is not None:
        model.statistics = ClassStatistics.load(folder, model.config.cif.embedding_dim)
    return model


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


def save_model(
    model: Recognizer | Baseline, folder: Path, card: str, *, overwrite: bool = False
) -> None:
    """Write weights, configuration and model card into a folder.

    Parameters
    ----------
    model : Recognizer or baseline
        What to keep.
    folder : Path
        Made if it is not there.
    card : str
        Markdown: data, seeds, command and measured results.
    overwrite : bool
        Whether the files of a model that stands there may be replaced, all or none.

    Raises
    ------
    DataError
        If a file stands there that may not be replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous().cpu() for key, value in model.state_dict().items()}
    values = model.config.to_dict()
    content = {WEIGHTS: save(weights)}
    if isinstance(model, Recognizer):
        if model.statistics is None:
            values["domain"] = None  # a bound means nothing without what it bounds
        else:
            content[STATISTICS] = model.statistics.to_bytes()
    config = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    content[CONFIG] = config.encode("utf-8", "backslashreplace")
    content[CARD] = card.encode("utf-8", "backslashreplace")
    with writing([folder / name for name in content], overwrite=overwrite) as parts:
        for part, data in zip(parts, content.values(), strict=True):
            part.write_bytes(data)


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
    model.load_state_dict(read_weights(path, stored_shapes(path), expected))


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
    stored = stored_shapes(weights_path)
    # Each layer has a weight of its own: so many more would take long even to describe.
    require(
        config.num_layers <= len(stored),
        f"{weights_path} holds {len(stored)} weights, which cannot be those of the "
        f"{config.num_layers} layers of {path}",
        CheckpointError,
    )
    try:
        expected = shapes(lambda: build(config))
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not a configuration of a {what}: {error}") from error
    weights = read_weights(weights_path, stored, expected)
    model = build(config)
    model.load_state_dict(weights)
    return model.eval()


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
