"""Reads safetensors files that are not trusted: what they hold is checked before it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from cifviz.core.interop.state_dicts import floats
from cifviz.errors import CheckpointError, require

MOST_NAMED = 8
"""Weights that a message names."""

Shapes = dict[str, tuple[int, ...]]
Read = TypeVar("Read")


def stored_shapes(path: Path) -> Shapes:
    """Names and shapes of the tensors in a file, from its header.

    Raises
    ------
    CheckpointError
        If there is no such file, it cannot be read, or it is not a safetensors file.
    """

    def header(path: Path) -> Shapes:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118

    return _read(path, header)


def read_weights(
    path: Path, stored: Shapes, expected: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    """The tensors in a file in float32, if they are those that are expected.

    Raises
    ------
    CheckpointError
        If one is missing, unknown, of another shape, no floating point numbers or not finite.
    """
    missing, unknown = (
        sorted(expected.keys() - stored.keys()),
        sorted(stored.keys() - expected.keys()),
    )
    require(
        not missing and not unknown,
        f"{path} does not fit its configuration: missing {_listed(missing)}, "
        f"unknown {_listed(unknown)}",
        CheckpointError,
    )
    for name, shape in expected.items():
        require(
            stored[name] == tuple(shape),
            f"{path}: {name} must be {tuple(shape)}, got {stored[name]}",
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
