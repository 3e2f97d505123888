"""Lanes of the explorer that some systems alone have: pictures, spikes, a membrane, a staircase."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from cifviz.core.neurons import Membrane
from cifviz.errors import require, require_type
from cifviz.metrics.latency import validate
from cifviz.systems.lip_reading import VIDEO
from cifviz.systems.segment_translator import DELAYS
from cifviz.systems.spiking import RASTER, membrane_of
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

THUMBNAIL = (64, 128)
"""Pixels of a thumbnail at most, height and width."""
MAX_PIXELS = 1_000_000
"""Of all thumbnails together: of more pictures every second, third … is kept."""
SHEET_WIDTH = 2048
"""Pixels of the sheet on which thumbnails lie row by row, at most."""
MAX_COLUMNS, MAX_ROWS = 8192, 256
"""Of a raster: of more frames or neurons, neighbours are put together."""


def system_lanes(transcription: Transcription) -> dict[str, Any]:
    """What the lanes show for which a transcription has something.

    Parameters
    ----------
    transcription : Transcription
        Its ``extras`` may have "video" (pictures, height, width), bytes; "raster" (frames,
        neurons), 0 where a neuron does not spike; "delays" (tokens,), seconds that were read when
        each token was written. The membrane is that of its neuron, see
        `cifviz.systems.spiking.membrane_of`.

    Returns
    -------
    dict
        "pictures", "spikes", "membrane" and "written", each only where it is there: `WrittenLanes`
        in ``js/types.d.ts``.

    Raises
    ------
    CIFError
        If one of them has another shape or type, or delays fall, are negative or not as many as
        tokens.
    """
    extras, grid = transcription.extras, transcription.grid
    found: dict[str, Any] = {}
    if VIDEO in extras:
        found["pictures"] = pictures_of(extras[VIDEO], grid)
    if RASTER in extras:
        found["spikes"] = spikes_of(extras[RASTER], grid)
    membrane = membrane_of(transcription)
    if membrane is not None:
        found["membrane"] = _trace_of(membrane)
    if DELAYS in extras:
        found["written"] = written_of(transcription, extras[DELAYS])
    return {name: one for name, one in found.items() if one is not None}


def pictures_of(video: object, grid: FrameGrid) -> dict[str, Any] | None:
    """Thumbnails of a video, side by side on one sheet; None without pictures.

    Parameters
    ----------
    video : array or tensor (pictures, height, width) of bytes
        Grey: 0 is black.
    grid : FrameGrid
        Picture n lasts as long as frame n.

    Returns
    -------
    dict
        ``sheet``, a PNG in base64, on which ``count`` thumbnails of ``height`` and ``width`` pixels
        lie in rows of ``columns``; thumbnail n is picture ``every`` · n. ``start`` and ``shift`` of
        the pictures, seconds, and their number ``pictures``.

    Examples
    --------
    >>> made = pictures_of(np.zeros((3, 8, 12), np.uint8), FrameGrid(0.04))
    >>> [made[name] for name in ("pictures", "count", "every", "columns", "height", "width")]
    [3, 3, 1, 3, 8, 12]
    """
    frames = _array("video", video)
    is_video = frames.ndim == 3 and frames.dtype == np.uint8
    expected = "the video must be grey pictures as bytes (pictures, height, width)"
    require(is_video, f"{expected}, got {frames.dtype} {frames.shape}")
    if not frames.size:
        return None
    # 1. Their size, and how many.
    pictures, high, wide = frames.shape
    factor = min(1.0, THUMBNAIL[0] / high, THUMBNAIL[1] / wide)
    height, width = max(1, round(high * factor)), max(1, round(wide * factor))
    every = math.ceil(pictures * height * width / MAX_PIXELS)
    kept = frames[::every]
    if factor < 1:
        kept = np.stack([_smaller(one, height, width) for one in kept])
    # 2. The sheet.
    columns = min(len(kept), SHEET_WIDTH // width)
    padded = np.pad(kept, ((0, -len(kept) % columns), (0, 0), (0, 0)))
    sheet = padded.reshape(-1, columns, height, width).swapaxes(1, 2).reshape(-1, columns * width)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    return {
        "sheet": base64.b64encode(file.getvalue()).decode("ascii"),
        "count": len(kept),
        "columns": columns,
        "height": height,
        "width": width,
        "every": every,
        "pictures": pictures,
        "start": grid.start,
        "shift": grid.shift,
    }


def _smaller(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    smaller = Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)
    return np.asarray(smaller)


def spikes_of(raster: object, grid: FrameGrid) -> dict[str, Any] | None:
    """A raster of spikes, packed; None without frames or neurons.

    Parameters
    ----------
    raster : array or tensor (frames, neurons), integers or booleans
        0 where a neuron does not spike.
    grid : FrameGrid
        Clock of the frames.

    Returns
    -------
    dict
        ``values``, base64: a bit for each neuron of each column, column by column, from the highest
        bit of a byte on. ``columns`` of ``pooled`` frames each, ``rows`` of ``pooledNeurons`` each:
        a bit is 1 if there is any spike. ``neurons``, ``start``, and ``shift`` of a column.

    Examples
    --------
    >>> made = spikes_of(np.array([[0, 1, 0], [1, 0, 0]]), FrameGrid(0.04))
    >>> made["columns"], made["rows"], base64.b64decode(made["values"])  # 010 100
    (2, 3, b'P')
    """
    spikes = _array("raster", raster)
    is_raster = spikes.ndim == 2 and spikes.dtype.kind in "biu"
    expected = "the raster must be (frames, neurons) of integers"
    require(is_raster, f"{expected}, got {spikes.dtype} {spikes.shape}")
    if not spikes.size:
        return None
    neurons = spikes.shape[1]
    pooled, together = (
        math.ceil(size / most)
        for size, most in zip(spikes.shape, (MAX_COLUMNS, MAX_ROWS), strict=True)
    )
    spare = [(0, -size % by) for size, by in zip(spikes.shape, (pooled, together), strict=True)]
    padded = np.pad(spikes != 0, spare)
    rows = padded.shape[1] // together
    blocks = padded.reshape(-1, pooled, rows, together)
    any_spike = np.asarray(blocks.any(axis=(1, 3)))
    return {
        "values": _base64(np.packbits(any_spike), "u1"),
        "columns": len(any_spike),
        "rows": rows,
        "pooled": pooled,
        "pooledNeurons": together,
        "neurons": neurons,
        "start": grid.start,
        "shift": grid.shift * pooled,
    }


def written_of(transcription: Transcription, delays: object) -> dict[str, Any] | None:
    """What a simultaneous system wrote, and when; None without tokens.

    Parameters
    ----------
    transcription : Transcription
        Its tokens are those that were written.
    delays : array or tensor (tokens,)
        Seconds of sound that were read when each was written.

    Returns
    -------
    dict
        ``labels`` and ``delays``, to the microsecond.
    """
    times = validate(_array("delays", delays), transcription.duration)
    tokens = transcription.tokens
    require(
        len(times) == len(tokens),
        f"expected a delay for each of {len(tokens)} tokens, got {len(times)}",
    )
    if not tokens:
        return None
    return {"labels": list(tokens), "delays": [round(time, 6) for time in times.tolist()]}


def _trace_of(membrane: Membrane) -> dict[str, str]:
    """Its numbers of each frame as base64."""
    peak, potential, threshold, spikes = (one[0].cpu().numpy() for one in membrane)
    return {
        "peak": _base64(peak, "<f4"),
        "potential": _base64(potential, "<f4"),
        "threshold": _base64(threshold, "<f4"),
        "spikes": _base64(spikes.clip(0, 255), "u1"),
    }


def _array(name: str, values: Any) -> np.ndarray:
    """An array or a tensor of any device, as an array."""
    if isinstance(values, Tensor):
        return values.detach().cpu().numpy()
    require_type(name, values, np.ndarray)
    return values


def _base64(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode("ascii")
