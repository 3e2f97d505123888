"""What `torch.compile` does where the number of tokens, a size, is read off the weights.

In one graph (``fullgraph=True``, `torch.export`) it is a size that is not known yet. By default
PyTorch breaks the graph there, and makes graphs of what comes before and of what comes behind, and
new ones for other sizes. Here what comes before is left to run as it stands, and what comes behind
is told at once that sizes vary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])


def without_graph(function: Function) -> Function:
    """Let no graph be made of a function that a graph broke in, nor of what it calls.

    Where nothing in it breaks a graph it is traced as any other; `torch.compiler.disable` would
    refuse that.

    >>> @without_graph
    ... def twice(number):
    ...     return 2 * number
    >>> twice(3)
    6
    """
    try:
        from torch._C._dynamo import eval_frame

        skip = eval_frame._FrameAction.SKIP
        strategy = eval_frame._FrameExecStrategy(skip, skip)
        eval_frame.set_code_exec_strategy(function.__code__, strategy)
    except (ImportError, AttributeError):  # another PyTorch: more graphs, the same results
        pass
    return function


def sizes_vary(*values: Any) -> None:
    """Say behind a broken graph that the first two sizes of tensors are no constants of the next.

    Other values than tensors are left alone, and so is everything within a graph.
    """
    if not torch.compiler.is_compiling():
        from torch import _dynamo

        for tensor in values:
            if isinstance(tensor, Tensor):
                for axis in range(min(2, tensor.ndim)):
                    _dynamo.maybe_mark_dynamic(tensor, axis)
