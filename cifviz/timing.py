"""`FrameGrid`, the clock of a sequence of frames: the only place where frames become seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from cifviz.errors import is_number, require, require_number, shown

if TYPE_CHECKING:
    import numpy as np
    import torch

Times = TypeVar("Times", float, "np.ndarray", "torch.Tensor")
"""A number, or an array or tensor of numbers, that comes back as what it was."""


@dataclass(frozen=True)
class FrameGrid:
    """Equally spaced frames on the time axis.

    Frame t covers the half-open interval ``[start + t·shift, start + (t+1)·shift)``. Positions may
    be fractional: 2.5 is the middle of frame 2.

    Parameters
    ----------
    shift : float > 0
        Length of a frame in seconds.
    start : float
        Time at which frame 0 begins, in seconds.

    Raises
    ------
    CIFError
        If `shift` is not a positive finite number or `start` is not finite.

    Examples
    --------
    >>> grid = FrameGrid(shift=0.04)
    >>> grid.seconds(2.5)
    0.1
    >>> grid.frame(0.1)
    2.5
    """

    shift: float
    start: float = 0.0

    def __post_init__(self) -> None:
        require(
            is_number(self.shift) and self.shift > 0,
            f"FrameGrid.shift must be a positive number of seconds, got {shown(self.shift)}",
        )
        require(
            is_number(self.start),
            f"FrameGrid.start must be a finite number of seconds, got {shown(self.start)}",
        )
        object.__setattr__(self, "shift", float(self.shift))  # NumPy's numbers are not JSON's
        object.__setattr__(self, "start", float(self.start))

    def seconds(self, frame: Times) -> Times:
        """Time in seconds of a (fractional) frame position: ``start + frame · shift``.

        Arrays and tensors are converted element by element.

        See Also
        --------
        frame : the inverse.
        """
        return self.start + frame * self.shift

    def frame(self, seconds: Times) -> Times:
        """Fractional frame position of a time in seconds: ``(seconds − start) / shift``.

        See Also
        --------
        seconds : the inverse.
        """
        return (seconds - self.start) / self.shift

    def downsampled(self, factor: int) -> FrameGrid:
        """The clock of frames `factor` times as long that begin at the same time.

        >>> FrameGrid(0.01).downsampled(4)
        FrameGrid(shift=0.04, start=0.0)
        """
        return FrameGrid(self.shift * require_number("factor", factor, above=0), self.start)
