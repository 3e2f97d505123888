"""Firings kept in a file: what `cifviz.capture` yields, as arrays alone.

An .npz archive of NumPy arrays, without pickles. The contributions, nearly all zeros, are kept as
a list of those that are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.core.firing import Firing
from cifviz.core.interop.recorded_firing import RecordedAxis, RecordedFiring
from cifviz.errors import DataError, is_number, require, require_type, shown
from cifviz.formats.array_files import LARGEST, read_arrays
from cifviz.resources import write_atomically
from cifviz.timing import FrameGrid

FORMAT = "cifviz firings 1"
HEADER = "cifviz_firings"
"""Name of the array that holds the header: JSON in UTF-8, byte by byte."""
SUFFIX = ".npz"
_FRAMES = ("alpha", "scaled_alpha", "running")
_FIRES = ("positions", "fill")
_EDGES = ("ends", "reach")
_SCALARS = ("threshold", "slack", "residual")


@dataclass(frozen=True, eq=False)
class SavedFirings:
    """Firings of single utterances by name, and what was kept with them."""

    firings: Mapping[str, Firing]
    """Each a batch of one; its embeddings are not kept and have no dimension."""
    tokens: Mapping[str, tuple[str, ...]]
    """The tokens of those utterances of which they were given."""
    grid: FrameGrid | None
    """Clock of the frames; None where it was not given."""

    def __len__(self) -> int:
        return len(self.firings)


def utterances_of(firings: Firing | Sequence[Firing]) -> Iterator[Firing]:
    """The single utterances of firings, batches taken apart, in order.

    Raises
    ------
    CIFError
        If something else than a firing is among them.
    """
    if isinstance(firings, Firing):
        firings = [firings]
    require_type("firings", firings, Sequence)
    for firing in firings:
        require_type("firing", firing, Firing)
        yield from firing


def numbered(number: int) -> list[str]:
    """Names of utterances that were given none.

    >>> numbered(2)
    ['utterance 0', 'utterance 1']
    """
    return [f"utterance {index}" for index in range(number)]


def save_firings(
    firings: Firing | Sequence[Firing],
    path: str | Path,
    *,
    names: Sequence[str] | None = None,
    tokens: Sequence[Sequence[str] | None] | None = None,
    grid: FrameGrid | float | None = None,
    overwrite: bool = False,
) -> Path:
    """Keep firings in a file, such as those that `cifviz.capture` yielded.

    Parameters
    ----------
    firings : Firing or sequence of Firing
        Batches or single utterances.
    path : str or Path
        An .npz file, in a folder that exists.
    names : sequence of str, optional
        A name of its own for each utterance, in order. Default: "utterance 0" and so on.
    tokens : sequence of sequences of str, optional
        The tokens of each utterance; None of one whose are not known.
    grid : FrameGrid or float, optional
        Clock of the frames, or the length of a frame in seconds.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        Of the file. It holds weights, contributions, fires and all else but the embeddings.

    Raises
    ------
    CIFError
        If there are not as many names or token sequences as utterances, or a name comes twice.
    DataError
        If the file cannot be written, see `cifviz.resources.check_target`.

    Examples
    --------
    >>> import tempfile
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.6, 0.6, 0.6]]), torch.eye(3)[None])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_firings(firing, f"{folder}/a.npz", names=["a"], grid=0.04)
    ...     kept = load_firings(path)
    >>> kept.firings["a"].fire_positions, kept.grid.shift
    (tensor([[1.6667]], dtype=torch.float64), 0.04)
    """
    # 1. What each is called.
    every = [one.cpu() for one in utterances_of(firings)]
    names = numbered(len(every)) if names is None else [str(name) for name in names]
    require(
        len(names) == len(every), f"expected {len(every)} names, one an utterance, got {len(names)}"
    )
    require(len(set(names)) == len(names), "names must differ, one comes twice")
    given = [None] * len(every) if tokens is None else [_words(row) for row in tokens]
    require(
        len(given) == len(every),
        f"expected {len(every)} token sequences, one an utterance, got {len(given)}",
    )
    clock = grid if isinstance(grid, FrameGrid) or grid is None else FrameGrid(grid)

    # 2. All numbers, end to end.
    header: dict[str, Any] = {
        "format": FORMAT,
        "clock": None if clock is None else [clock.shift, clock.start],
        "utterances": [
            _entry(name, words, one) for name, words, one in zip(names, given, every, strict=True)
        ],
    }
    arrays: dict[str, np.ndarray] = {
        HEADER: np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    }
    parts = [_arrays(one) for one in every]
    for key in (*_FRAMES, *_FIRES, *_EDGES, "fire", "frame", "share"):
        arrays[key] = np.concatenate([part[key] for part in parts] or [np.zeros(0)])
    path = Path(path)
    require(path.suffix == SUFFIX, f"the file must end in {SUFFIX}, got {path.name}")

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    return write_atomically(path, write, overwrite=overwrite)


def _words(tokens: object) -> list[str] | None:
    if tokens is None:
        return None
    require_type("tokens", tokens, Sequence)
    require(not isinstance(tokens, str | bytes), "tokens must be sequences of str, got one str")
    return [str(one) for one in tokens]  # type: ignore[attr-defined]  # checked above


def _entry(name: str, tokens: Sequence[str] | None, firing: Firing) -> dict[str, Any]:
    """What the header says of an utterance."""
    return {
        "name": name,
        "tokens": None if tokens is None else list(tokens),
        "frames": firing.alpha.shape[1],
        "fires": int(firing.num_fires[0]),
        "contributions": int((firing.contributions != 0).sum()),
        "tail_fired": bool(firing.tail_fired[0]),
        "dtype": str(firing.alpha.dtype).removeprefix("torch."),
        "threshold": float(firing.threshold),
        "slack": float(firing.slack),
        "residual": float(firing.residual[0]),
    }


def _arrays(firing: Firing) -> dict[str, np.ndarray]:
    """The numbers of an utterance."""
    axis, given = firing.axis, firing.contributions[0]
    fire, frame = given.nonzero(as_tuple=True)
    tensors = {
        "alpha": firing.alpha[0],
        "scaled_alpha": firing.scaled_alpha[0],
        "running": axis.running[0],
        "positions": firing.fire_positions[0],
        "fill": axis.fill[0],
        "ends": axis.ends[0],
        "reach": axis.reach[0],
        "share": given[fire, frame],
    }
    found = {name: value.double().numpy() for name, value in tensors.items()}
    return found | {"fire": fire.numpy(), "frame": frame.numpy()}


def is_saved_firings(arrays: Mapping[str, Tensor]) -> bool:
    """Whether the arrays of a file are those of firings."""
    return HEADER in arrays


def load_firings(path: str | Path) -> SavedFirings:
    """Read what `save_firings` kept.

    Parameters
    ----------
    path : str or Path
        The file, which need not be trusted.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged, or none of firings.

    Examples
    --------
    See `save_firings`.
    """
    arrays = read_arrays(path)
    require(
        is_saved_firings(arrays), f"{path} holds no firings: save_firings makes such", DataError
    )
    return firings_of(arrays, path)


def firings_of(arrays: Mapping[str, Tensor], path: str | Path) -> SavedFirings:
    """The firings in the arrays of a file; raises `DataError` if they contradict each other."""
    header = _header(arrays, path)
    try:
        entries = list(header["utterances"])
        clock = header["clock"]
        grid = None if clock is None else FrameGrid(*clock)
        sizes = _sizes(entries)
        pieces = {name: _cut(arrays, name, sizes, path) for name in _columns()}
        firings = {
            str(entry["name"]): _firing(entry, {name: pieces[name][at] for name in pieces})
            for at, entry in enumerate(entries)
        }
        tokens = {
            str(one["name"]): tuple(map(str, one["tokens"]))
            for one in entries
            if one["tokens"] is not None
        }
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise DataError(f"{path} is a damaged file of firings") from error
    require(len(firings) == len(entries), f"{path} has two utterances of one name", DataError)
    return SavedFirings(firings, tokens, grid)


def _header(arrays: Mapping[str, Tensor], path: str | Path) -> dict[str, Any]:
    try:
        header = json.loads(arrays[HEADER].numpy().astype(np.uint8).tobytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} has a damaged header") from error
    require(
        isinstance(header, dict) and header.get("format") == FORMAT,
        f"{path} must be of the format {FORMAT!r}",
        DataError,
    )
    return dict(header)


def _columns() -> dict[str, str]:
    """Of which number of the header each array holds as many values."""
    columns = dict.fromkeys(_FRAMES, "frames") | dict.fromkeys(_FIRES, "fires")
    columns |= dict.fromkeys(_EDGES, "edges")
    return columns | dict.fromkeys(("fire", "frame", "share"), "contributions")


def _sizes(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """How many frames, fires and contributions each utterance has."""
    sizes: dict[str, list[int]] = {name: [] for name in ("frames", "fires", "contributions")}
    for entry in entries:
        for name, values in sizes.items():
            value = entry[name]
            require(
                isinstance(value, int) and not isinstance(value, bool) and value >= 0,
                f"{name} must be a number >= 0, got {shown(value)}",
                DataError,
            )
            values.append(value)
        for name in _SCALARS:
            require(is_number(entry[name]), f"{name} must be a number", DataError)
        require(entry["threshold"] > 0, "threshold must be above 0", DataError)
    # The contributions are matrices again, which no compression makes small.
    pairs = zip(sizes["frames"], sizes["fires"], strict=True)
    require(
        8 * sum(frames * fires for frames, fires in pairs) <= LARGEST,
        "there are too many fires in too many frames",
        DataError,
    )
    return sizes | {"edges": [fires + 1 for fires in sizes["fires"]]}


def _cut(
    arrays: Mapping[str, Tensor], name: str, sizes: Mapping[str, list[int]], path: str | Path
) -> list[Tensor]:
    """An array as one piece an utterance."""
    lengths = sizes[_columns()[name]]
    array = arrays[name]
    require(
        array.ndim == 1 and len(array) == sum(lengths),
        f"{name} must have {sum(lengths)} values, got {tuple(array.shape)}",
        DataError,
    )
    return list(array.split(lengths)) if lengths else []


def _firing(entry: Mapping[str, Any], parts: Mapping[str, Tensor]) -> Firing:
    """A firing of one utterance."""
    # 1. The contributions, and the type of the weights.
    frames, fires = entry["frames"], entry["fires"]
    given = torch.zeros(fires, frames, dtype=torch.float64)
    fire, frame = parts["fire"].long(), parts["frame"].long()
    inside = (fire >= 0) & (fire < fires) & (frame >= 0) & (frame < frames)
    require(bool(inside.all()), "a contribution is of no fire or frame", DataError)
    given[fire, frame] = parts["share"].double()
    kind = getattr(torch, str(entry["dtype"]))
    require(
        isinstance(kind, torch.dtype) and kind.is_floating_point,
        f"dtype must be one of floating point, got {shown(entry['dtype'])}",
        DataError,
    )

    # 2. All else.
    def row(name: str) -> Tensor:
        return parts[name].double().unsqueeze(0)

    axis = RecordedAxis(
        running=row("running"),
        frame_lengths=torch.tensor([frames]),
        ends=row("ends"),
        reach=row("reach"),
        fill=row("fill"),
        given=given.unsqueeze(0),
        positions=row("positions"),
    )
    return RecordedFiring(
        alpha=row("alpha").to(kind),
        scaled_alpha=row("scaled_alpha"),
        threshold=float(entry["threshold"]),
        slack=float(entry["slack"]),
        embeddings=torch.zeros(1, fires, 0),
        num_fires=torch.tensor([fires]),
        tail_fired=torch.tensor([bool(entry["tail_fired"])]),
        residual=torch.tensor([float(entry["residual"])], dtype=torch.float64),
        axis=axis,
    )
