"""Arrays by name from .npy, .npz and .safetensors files that are not trusted.

Nothing in a file is run (no pickles), and no memory is taken for what a header promises and the
file does not hold.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.errors import DataError, require, shown
from cifviz.resources import read_file

SUFFIXES = (".npy", ".npz", ".safetensors")
LARGEST = 2**31
"""Bytes of a file's arrays, at most: two days of weights each hundredth of a second are 70 MB."""
MOST_ARRAYS = 100_000
MOST_LISTED = 8
"""Names of arrays that a message lists."""


def read_arrays(path: str | Path) -> dict[str, Tensor]:
    """The arrays in a file, by name.

    Parameters
    ----------
    path : str or Path
        A file of one of `SUFFIXES`. The only array of a .npy file has its stem as name.

    Returns
    -------
    dict of str to Tensor
        In the order of the file, of the types in it: half precision stays half precision.

    Raises
    ------
    DataError
        If there is no such file, it is damaged, larger than `LARGEST`, holds objects (pickles) or
        texts, or is of another kind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/alpha.npy", np.array([0.5, 0.75]))
    ...     read_arrays(f"{folder}/alpha.npy")
    {'alpha': tensor([0.5000, 0.7500], dtype=torch.float64)}
    """
    require(isinstance(path, str | Path), f"expected a path, got {shown(path)}", DataError)
    path = Path(path)
    kind = path.suffix.lower()
    require(
        kind in SUFFIXES,
        f"expected a file of arrays ({', '.join(SUFFIXES)}), got {path}",
        DataError,
    )
    content = read_file(path, "file of arrays", at_most=LARGEST)
    if kind == ".safetensors":
        return _safetensors(content, path)
    if kind == ".npy":
        return {path.stem: _array(content, path.stem, path)}
    return _archive(content, path)


def array_named(name: str, arrays: Mapping[str, Tensor], path: str | Path) -> Tensor:
    """The array of that name among those of a file; raises `DataError` with the names if none is.

    >>> array_named("alphas", {"alpha": torch.ones(2), "peak": torch.ones(2)}, "my.npz")
    Traceback (most recent call last):
    ...
    cifviz.errors.DataError: my.npz has no array 'alphas', but 'alpha', 'peak'
    """
    if name not in arrays:
        raise DataError(f"{path} has no array {shown(name)}, but {_listed(arrays)}")
    return arrays[name]


def only_array(arrays: Mapping[str, Tensor], path: str | Path, usual: Iterable[str]) -> Tensor:
    """The only array of a file, or the first that has a usual name.

    Raises `DataError`, with the names there are, if there is neither.
    """
    names = list(arrays) if len(arrays) == 1 else [name for name in usual if name in arrays]
    if not names:
        raise DataError(
            f"expected one array in {path}, or one named {', '.join(usual)}; got "
            f"{_listed(arrays)}: choose one by its name (--array NAME)"
        )
    return arrays[names[0]]


def _listed(arrays: Mapping[str, Tensor]) -> str:
    listed = ", ".join(map(shown, list(arrays)[:MOST_LISTED])) or "none"
    more = len(arrays) - MOST_LISTED
    return f"{listed} and {more} more" if more > 0 else listed


def _archive(content: bytes, path: Path) -> dict[str, Tensor]:
    """The arrays of an .npz file: a zip archive of .npy files."""
    found: dict[str, Tensor] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            require(
                len(members) <= MOST_ARRAYS and sum(one.file_size for one in members) <= LARGEST,
                f"{path} must hold at most {MOST_ARRAYS} arrays and {LARGEST} bytes",
                DataError,
            )
            for member in members:
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as file:
                    data = file.read(member.file_size + 1)
                require(name not in found, f"{path} has two arrays named {shown(name)}", DataError)
                found[name] = _array(data, name, path)
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{path} is no .npz file, or is damaged") from error
    except (RuntimeError, OSError, ValueError) as error:  # encrypted, or lengths that contradict
        raise DataError(f"{path} cannot be read: it is encrypted or damaged") from error
    return found


def _array(content: bytes, name: str, path: Path) -> Tensor:
    """An array in NumPy's format, if it is one of numbers."""
    where = f"array {shown(name)} of {path}"
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        require(version in read, f"{where} is of an unknown version", DataError)
        shape, in_columns, dtype = read[version](file)
    except DataError:
        raise
    except Exception as error:  # whatever a damaged header may raise
        raise DataError(f"{where} is no .npy file, or is damaged") from error
    require(
        dtype.kind in "fiub" and not dtype.hasobject,
        f"{where} must hold numbers, got the type {shown(str(dtype))}",
        DataError,
    )
    size = math.prod(shape) * dtype.itemsize
    rest = content[file.tell() :]
    require(
        all(length >= 0 for length in shape) and len(rest) == size,
        f"{where} must hold {size} bytes for its shape {shape}, got {len(rest)}",
        DataError,
    )
    values = np.frombuffer(rest, dtype=dtype).reshape(shape, order="F" if in_columns else "C")
    return _tensor(values, where)


def _tensor(values: np.ndarray[Any, Any], where: str) -> Tensor:
    """In the byte order of this machine, and of a type that PyTorch has."""
    values = np.ascontiguousarray(values).reshape(values.shape)
    native = values.astype(values.dtype.newbyteorder("="))
    if native.dtype.kind == "f" and native.dtype.itemsize > 8:
        native = native.astype(np.float64)
    try:
        return torch.from_numpy(native)
    except TypeError as error:
        raise DataError(f"{where} must hold numbers, got the type {values.dtype}") from error


def _safetensors(content: bytes, path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(load(content))
    except (SafetensorError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise DataError(f"{path} is not a safetensors file, or is damaged") from error
