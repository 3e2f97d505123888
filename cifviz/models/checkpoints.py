"""Named pre-trained models: weights as safetensors, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from cifviz.errors import CheckpointError, require
from cifviz.models.baselines import Baseline, BaselineConfig, make_baseline
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.resources import resource, writing

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
BASELINE_FOLDER = "baselines"
"""Where baselines are kept among the models that come along."""

Model = TypeVar("Model", Recognizer, Baseline)


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
        In evaluation mode, on the CPU.

    Raises
    ------
    CheckpointError
        If there is no such model, it is a baseline, a file is damaged, or weights are missing,
        unknown or of the wrong shape.

    Examples
    --------
    >>> load_model("digits").config.vocabulary[:3]
    ('zero', 'one', 'two')
    """
    return _load(_find(name, resource("checkpoints")), "recogniser", _recognizer)


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
    return _load(_find(name, resource("checkpoints") / BASELINE_FOLDER), "baseline", _baseline)


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
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous().cpu() for key, value in model.state_dict().items()}
    config = json.dumps(model.config.to_dict(), indent=2, ensure_ascii=False) + "\n"
    content = {
        WEIGHTS: save(weights),
        CONFIG: config.encode("utf-8", "backslashreplace"),
        CARD: card.encode("utf-8", "backslashreplace"),
    }
    with writing([folder / name for name in content], overwrite=overwrite) as parts:
        for part, data in zip(parts, content.values(), strict=True):
            part.write_bytes(data)


def load_weights(model: nn.Module, folder: Path) -> None:
    """Give a model the weights that `save_model` wrote into a folder.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or weights are missing, unknown or of the wrong shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    try:
        weights = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a safetensors file: {error}") from error
    expected: dict[str, Any] = model.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    unknown = sorted(weights.keys() - expected.keys())
    if missing or unknown:
        raise CheckpointError(
            f"{path} does not fit its configuration: missing {missing or 'nothing'}, "
            f"unknown {unknown or 'nothing'}"
        )
    for key, value in weights.items():
        if value.shape != expected[key].shape:
            raise CheckpointError(
                f"{path}: {key} must be {tuple(expected[key].shape)}, got {tuple(value.shape)}"
            )
    model.load_state_dict(weights)


def _names(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{WEIGHTS}"))


def _find(name: str | Path, shipped: Path) -> Path:
    """The folder of a model: one that is shipped, or any."""
    if not isinstance(name, str | Path):
        raise CheckpointError(f"a model is a name or a folder, got {type(name).__name__} {name!r}")
    folder = Path(name)
    if isinstance(name, str) and name in _names(shipped):
        folder = shipped / name
    if not (folder / WEIGHTS).is_file() or not (folder / CONFIG).is_file():
        known = ", ".join(_names(shipped)) or "none"
        raise CheckpointError(
            f"no model {str(name)!r}: expected one of those that come with cifviz ({known}) "
            f"or a folder with {CONFIG} and {WEIGHTS}"
        )
    return folder


def _load(folder: Path, what: str, make: Callable[[dict[str, Any]], Model]) -> Model:
    """Build what the configuration describes and give it its weights."""
    try:
        model = make(json.loads((folder / CONFIG).read_text("utf-8")))
    except (ValueError, KeyError, TypeError, RuntimeError, AssertionError) as error:
        raise CheckpointError(
            f"{folder / CONFIG} is not a configuration of a {what}: {error}"
        ) from error
    load_weights(model, folder)
    return model.eval()


def _recognizer(values: dict[str, Any]) -> Recognizer:
    require("kind" not in values, "it is of a baseline, which load_baseline loads")
    return Recognizer(RecognizerConfig.from_dict(values))


def _baseline(values: dict[str, Any]) -> Baseline:
    require("kind" in values, "it is of a recogniser, which load_model loads")
    return make_baseline(BaselineConfig.from_dict(values))
