"""Named trained models: weights as safetensors, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import nn

from cifviz.core.interop.state_dicts import shapes
from cifviz.errors import CheckpointError, CIFError, require, require_choice, shown
from cifviz.formats import read_json
from cifviz.resources import resource, writing
from cifviz.systems.base import System
from cifviz.systems.configuration import SystemConfig
from cifviz.systems.registry import SYSTEMS, system_name
from cifviz.systems.weight_files import read_weights, stored_shapes

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"

SYSTEM = "system"
"""The key of the configuration under which the system's name stands."""

LARGEST_CONFIG = 16 * 1024 * 1024
"""Bytes of a configuration; that of a vocabulary of a million words has fewer."""


def list_models() -> list[str]:
    """Names that `load_model` knows, of whatever system."""
    return sorted(path.parent.name for path in resource("checkpoints").glob(f"*/{WEIGHTS}"))


def load_model(name: str | Path) -> System:
    """Load a trained model, ready to transcribe.

    Parameters
    ----------
    name : str or Path
        A name that comes with the library ("digits", "grid", "digits-ctc" …), or a folder that
        `save_model` wrote.

    Returns
    -------
    System
        Of the class that its configuration names, in evaluation mode, on the CPU, in float32,
        whichever floating point type was stored.

    Raises
    ------
    CheckpointError
        If there is no such model, a file cannot be read or is damaged, the configuration is none or
        names no system, or weights are missing, unknown, of another shape than it says, no floating
        point numbers or not finite. Nothing of its sizes is built before the weights fit.

    Examples
    --------
    >>> load_model("digits").config.vocabulary[:3]
    ('zero', 'one', 'two')
    """
    # 1. The configuration, and the system that it names.
    folder = _find(name)
    path, weights_path = folder / CONFIG, folder / WEIGHTS
    kind, config = _configuration(path)

    # 2. What the weights would have to be, without building it.
    stored = stored_shapes(weights_path)
    # Each layer has a weight of its own: so many more would take long even to describe.
    require(
        config.num_layers <= len(stored),
        f"{weights_path} holds {len(stored)} weights, which cannot be those of the "
        f"{config.num_layers} layers of {path}",
        CheckpointError,
    )
    try:
        expected = shapes(lambda: kind(config))
    except CheckpointError as error:
        raise CheckpointError(f"{path} is not a configuration of a model: {error}") from error

    # 3. The model, with them.
    weights = read_weights(weights_path, stored, expected)
    model = kind(config)
    model.load_state_dict(weights)
    model.name = folder.resolve().name
    model.restore(folder)
    return model.eval()


def save_model(model: System, folder: Path, card: str, *, overwrite: bool = False) -> None:
    """Write weights, configuration and model card into a folder.

    Parameters
    ----------
    model : System
        What to keep; of a registered class. ``model.half()`` is kept in half precision.
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
    CIFError
        If its class is no registered system.
    """
    weights = {key: value.contiguous().cpu() for key, value in model.state_dict().items()}
    config, files = model.kept()
    values = {SYSTEM: system_name(model), **config.to_dict()}
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    content = {
        WEIGHTS: save(weights),
        **files,
        CONFIG: text.encode("utf-8", "backslashreplace"),
        CARD: card.encode("utf-8", "backslashreplace"),
    }
    folder.mkdir(parents=True, exist_ok=True)
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


def model_folder(name: str | Path) -> Path:
    """Where the files of a model belong: one of `list_models`, or any folder."""
    is_shipped = isinstance(name, str) and name in list_models()
    return resource("checkpoints") / name if is_shipped else Path(name)


def _find(name: str | Path) -> Path:
    """The folder of a model; `CheckpointError` if there is none."""
    if not isinstance(name, str | Path):
        raise CheckpointError(f"a model is a name or a folder, got {shown(name)}")
    folder = model_folder(name)
    try:
        is_model = (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()
    except OSError:  # a name too long, a folder that must not be read
        is_model = False
    if not is_model:
        known = ", ".join(list_models()) or "none"
        raise CheckpointError(
            f"no model {str(name)!r}: expected one of those that come with cifviz ({known}) "
            f"or a folder with {CONFIG} and {WEIGHTS}"
        )
    return folder


def _configuration(path: Path) -> tuple[type[System], SystemConfig]:
    """The system that a file names, and its configuration."""
    try:
        values = read_json(path, at_most=LARGEST_CONFIG)
        if not isinstance(values, Mapping):
            raise CIFError(f"model configuration must be a Mapping, got {shown(values)}")
        if SYSTEM not in values:
            known = ", ".join(map(repr, SYSTEMS))
            raise CIFError(
                f'it does not name its system: add "{SYSTEM}": "cif" to it, or another of {known}'
            )
        require_choice(SYSTEM, values[SYSTEM], SYSTEMS)
        kind = SYSTEMS[values[SYSTEM]]
        rest = {name: value for name, value in values.items() if name != SYSTEM}
        return kind, kind.Config.from_dict(rest)
    except CIFError as error:
        raise CheckpointError(f"{path} is not a configuration of a model: {error}") from error
