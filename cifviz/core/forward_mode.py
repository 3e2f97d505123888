"""Whether derivatives are being taken in forward mode, as by `torch.func.jvp`."""

from __future__ import annotations

from torch.autograd import forward_ad


def in_forward_mode() -> bool:
    """True inside of `torch.func.jvp` and `jacfwd`, and of a level of `torch.autograd.forward_ad`.

    An `autograd.Function` drops the derivatives of an outer level: PyTorch switches forward mode
    off while it runs a ``jvp`` method. There, ordinary operations must do.

    >>> from torch.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     in_forward_mode()
    True
    >>> in_forward_mode()
    False
    """
    return forward_ad._current_level >= 0
