"""Whether derivatives are being taken in forward mode, as by `torch.func.jvp`."""

from __future__ import annotations

import torch
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


def in_transform() -> bool:
    """True inside of any transform of `torch.func`, and in forward mode.

    >>> in_transform(), torch.func.grad(lambda number: number * in_transform())(torch.tensor(2.0))
    (False, tensor(1.))
    """
    return in_forward_mode() or torch._C._are_functorch_transforms_active()
