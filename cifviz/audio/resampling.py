"""Sound at another sample rate, block by block: by soxr, which librosa uses, too."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def resample(blocks: Iterable[np.ndarray], rate: int, sample_rate: int) -> np.ndarray:
    """Join blocks of samples, at another rate; the time of the first sample stays.

    Parameters
    ----------
    blocks : iterable of float32 arrays (time,)
        The sound, in order.
    rate, sample_rate : int > 0
        Of the blocks and of the result, in Hz.

    Returns
    -------
    float32 array (time,)
        Of ``ceil(samples · sample_rate / rate)`` samples. Memory is bounded by it: a block is
        dropped before the next one is asked for.

    Examples
    --------
    >>> resample([np.zeros(8, np.float32), np.zeros(3, np.float32)], 8000, 16000).shape
    (22,)
    """
    if rate == sample_rate:
        return np.concatenate([np.zeros(0, np.float32), *blocks])
    import soxr

    stream = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
    pieces, count = [], 0
    for block in blocks:
        pieces.append(stream.resample_chunk(block))
        count += len(block)
    pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    missing = -(-count * sample_rate // rate) - sum(map(len, pieces))  # soxr rounds to the nearest
    return np.concatenate([*pieces, np.zeros(max(0, missing), np.float32)])
