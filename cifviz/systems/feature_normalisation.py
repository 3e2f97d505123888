"""Feature normalisation: level and colour of a recording are taken off its log-mel frames."""

from __future__ import annotations

from torch import Tensor

DYNAMIC_RANGE = 12.0
"""Log-mel power is kept from its maximum down to this much below (nepers of power; 52 dB)."""
LOUD = 8.0
"""Frames this close to the loudest (nepers of power) make up the mean spectrum."""
QUIET = -12.0
"""Log-mel power that counts as the maximum where nothing is louder: silence stays silent."""


def normalise(features: Tensor) -> Tensor:
    """Log-mel relative to its loudest frame and its mean spectrum, scaled to about [−1, 1].

    Parameters
    ----------
    features : Tensor (frames, n_mels)
        Natural logarithm of mel power.

    Returns
    -------
    Tensor (frames, n_mels)
        ``(max(features − loudest − tilt, −12) + 6) / 6``. An utterance's loudest frame becomes the
        reference, unless it is quieter than `QUIET`; `DYNAMIC_RANGE` below it all is silence. The
        tilt is the mean of its `LOUD` frames, less the mean of that: speaker and microphone.

    Examples
    --------
    Two frames of the same colour, one 3 nepers below the other: the colour goes, the step stays.

    >>> import torch
    >>> normalise(torch.tensor([[1.0, -1.0], [-2.0, -4.0]]))
    tensor([[1.0000, 1.0000],
            [0.5000, 0.5000]])
    """
    if not len(features):
        return features
    level = features.mean(dim=1)
    loudest = level.max().clamp(min=QUIET)
    relative = (features - loudest).clamp(min=-DYNAMIC_RANGE)
    loud = level > loudest - LOUD
    if loud.any():
        spectrum = relative[loud].mean(dim=0)
        relative = (relative - (spectrum - spectrum.mean())).clamp(min=-DYNAMIC_RANGE)
    half = DYNAMIC_RANGE / 2
    return (relative + half) / half


def running_normalise(features: Tensor, loudest: float = QUIET) -> Tensor:
    """Like `normalise`, but nothing is known of a frame's future: for systems that stream.

    Parameters
    ----------
    features : Tensor (frames, n_mels)
        Natural logarithm of mel power.
    loudest : float
        Level of the loudest frame before these, the mean of its bands.

    Returns
    -------
    Tensor (frames, n_mels)
        ``(max(features − loudest so far, −12) + 6) / 6``, where the frame itself counts. Speaker
        and microphone are left in: a mean spectrum is not known at the beginning.

    Examples
    --------
    The first frame is the loudest so far, the second one too, by 3 nepers; the third is behind it:

    >>> import torch
    >>> running_normalise(torch.tensor([[-2.0, -4.0], [1.0, -1.0], [-2.0, -4.0]]))
    tensor([[1.1667, 0.8333],
            [1.1667, 0.8333],
            [0.6667, 0.3333]])
    """
    if not len(features):
        return features
    level = features.mean(dim=1).clamp(min=loudest).cummax(dim=0).values
    half = DYNAMIC_RANGE / 2
    return ((features - level.unsqueeze(1)).clamp(min=-DYNAMIC_RANGE) + half) / half
