"""Named pre-trained recognisers: weights as safetensors, everything else as JSON. Never pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cifviz.errors import CheckpointError
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.resources import resource, write_atomically

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


def list_models() -> list[str]:
    """Names that `load_model` knows."""
    folder = resource("checkpoints")
    return sorted(path.parent.name for path in folder.glob(f"*/{WEIGHTS}"))


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
        If there is no such model, a file is damaged, or weights are missing, unknown or of the
        wrong shape.

    Examples
    --------
    >>> load_model("digits").config.vocabulary[:3]
    ('zero', 'one', 'two')
    """
    if not isinstance(name, str | Path):
        raise CheckpointError(f"a model is a name or a folder, got {type(name).__name__} {name!r}")
    folder = Path(name)
    if isinstance(name, str) and name in list_models():
        folder = resource("checkpoints") / name
    if not (folder / WEIGHTS).is_file() or not (folder / CONFIG).is_file():
        known = ", ".join(list_models()) or "none"
        raise CheckpointError(
            f"no model {str(name)!r}: expected one of those that come with cifviz ({known}) "
            f"or a folder with {CONFIG} and {WEIGHTS}"
        )
    try:
        config = RecognizerConfig.from_dict(json.loads((folder / CONFIG).read_text("utf-8")))
        model = Recognizer(config)
    except (ValueError, KeyError, TypeError, RuntimeError, AssertionError) as error:
        raise CheckpointError(f"{folder / CONFIG} is not a configuration: {error}") from error
    _load_weights(model, folder / WEIGHTS)
    return model.eval()


def save_model(model: Recognizer, folder: Path, card: str) -> None:
    """Write weights, configuration and model card into a folder.

    Parameters
    ----------
    model : Recognizer
        What to keep.
    folder : Path
        Made if it is not there. Each file is written to a temporary one first.
    card : str
        Markdown: data, seeds, command and measured results.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous().cpu() for key, value in model.state_dict().items()}
    config = json.dumps(model.config.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(weights)))
    write_atomically(folder / CONFIG, lambda path: path.write_text(config, "utf-8"))
    write_atomically(folder / CARD, lambda path: path.write_text(card, "utf-8"))


def _load_weights(model: Recognizer, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

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
