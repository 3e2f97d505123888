"""`export_onnx`: a CIF as an ONNX graph, in which no node is a loop.

The graph is that of `torch.export`: running sums, comparisons and one scatter. ONNX has no
``searchsorted``; here it is two sorts, see `_searchsorted`. What each runtime needs to know stands
in docs/export.md.
"""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

import cifviz
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.module import CIFConfig
from cifviz.core.tail import TailRule, drop
from cifviz.errors import (
    CIFError,
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.resources import check_target, write_atomically

OPSET = 18
"""Version of the ONNX operators: the first that scatters sums, and reduces over axes given."""
FLOAT = 1
"""ONNX's number for float32."""
DTYPES = (torch.float32, torch.float16)
OUTPUTS = ("embeddings", "num_fires", "fire_positions", "scaled_alpha", "residual")
"""Outputs of the graph: these attributes of a `Firing`."""


class Integrator(nn.Module):
    """`integrate_and_fire` as a module: for models that predict their weights themselves.

    Parameters
    ----------
    threshold, slack, tail
        As of `integrate_and_fire`.

    Raises
    ------
    CIFError
        If one of them is out of its range.

    Examples
    --------
    >>> alpha = torch.tensor([[0.6, 0.6, 0.6]])
    >>> Integrator()(alpha, torch.eye(3)[None], torch.tensor([3])).embeddings
    tensor([[[0.6000, 0.4000, 0.0000]]])
    """

    def __init__(self, *, threshold: float = 1.0, slack: float = 0.0, tail: TailRule = drop):
        super().__init__()
        self.threshold = require_number("threshold", threshold, above=0)
        self.slack = require_number(
            "slack (below the threshold)", slack, at_least=0, below=threshold
        )
        require_type("tail", tail, TailRule)
        self.tail = tail

    def forward(self, alpha: Tensor, encoder_out: Tensor, frame_lengths: Tensor) -> Firing:
        """Integrate weights (batch, frames) and encoder output (batch, frames, dim), and fire."""
        return integrate_and_fire(
            alpha,
            encoder_out,
            frame_lengths=frame_lengths,
            threshold=self.threshold,
            slack=self.slack,
            tail=self.tail,
        )


def export_onnx(
    module: nn.Module,
    path: str | Path,
    *,
    dtype: torch.dtype = torch.float32,
    dim: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a CIF as an ONNX file that takes batches and utterances of all sizes.

    Parameters
    ----------
    module : nn.Module
        A `CIF`; an `Integrator`, which takes weights; or any module that is called with encoder
        output (batch, frames, dim) and frame lengths (batch,) and returns a `Firing`. It is copied,
        and the copy is put into evaluation mode and float32.
    path : str or Path
        Where the file shall be, in a folder that exists.
    dtype : torch.float32 or torch.float16
        Of the inputs that are not lengths. The graph computes in float32, and running sums of
        weights in float64, whichever it is.
    dim : int > 0, optional
        Size of a frame. A CIF knows it, an `Integrator` takes any if it is not given.
    overwrite : bool
        Whether a file that stands there may be replaced.

    Returns
    -------
    Path
        `path`. Inputs of the graph: ``encoder_out`` and ``frame_lengths`` (int64), and before them
        ``alpha`` if the module is an `Integrator`. Outputs: those of `OUTPUTS`, as in `Firing`.
        The file's metadata holds the threshold, the slack, the tail rule and versions.

    Raises
    ------
    CIFError
        If the packages of ``cifviz[onnx]`` are missing, the module is none of these or cannot be
        exported, or the dtype is another.
    DataError
        If the file cannot be written.

    Examples
    --------
    >>> cifviz.export_onnx(cif, "cif.onnx")  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession("cif.onnx")  # doctest: +SKIP
    >>> inputs = {"encoder_out": states, "frame_lengths": lengths}  # doctest: +SKIP
    >>> embeddings, num_fires, *_ = session.run(None, inputs)  # doctest: +SKIP
    """
    # 1. Check what came.
    require_type("module", module, nn.Module)
    require_choice("dtype", dtype, DTYPES)
    config = getattr(module, "config", None)
    if dim is None and isinstance(config, CIFConfig):
        dim = config.encoder_embed_dim
    if not isinstance(module, Integrator):
        require(dim is not None, "dim must be given: the size of a frame that the module takes")
    if dim is not None:
        dim = require_integer("dim", dim, above=0)
    check_target(path, overwrite=overwrite, in_folder=True)
    path = Path(path)
    # 2. Trace it on an example: only sizes that are not said to be dynamic are kept.
    example = _example(module, dtype, dim)
    graph = _traced(module, example, dim)
    # 3. Keep the rules with it, and nothing about this machine.
    for name, value in _metadata(module, example, config).items():
        graph.metadata_props.add(key=name, value=value)
    _forget_sources(graph)
    return write_atomically(
        path, lambda part: part.write_bytes(graph.SerializeToString()), overwrite=overwrite
    )


class _Outputs(nn.Module):
    """What the graph computes, as a tuple of tensors."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = copy.deepcopy(module).cpu().float()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        ready = (each.float() if each.is_floating_point() else each for each in inputs)
        firing = self.module(*ready)
        require_type("what the module returns", firing, Firing)
        return tuple(getattr(firing, name) for name in OUTPUTS)


def _example(module: nn.Module, dtype: torch.dtype, dim: int | None) -> dict[str, Tensor]:
    """Inputs by name: two utterances of five and four frames."""
    size, frames, lengths = 2, 5, torch.tensor([5, 4])
    alpha = {"alpha": torch.full((size, frames), 0.75, dtype=dtype)}
    frame = torch.linspace(-1, 1, 7 if dim is None else dim, dtype=dtype)
    return {
        **(alpha if isinstance(module, Integrator) else {}),
        "encoder_out": frame.expand(size, frames, -1).contiguous(),
        "frame_lengths": lengths,
    }


def _traced(module: nn.Module, example: dict[str, Tensor], dim: int | None) -> Any:
    """The graph as an ``onnx.ModelProto``."""
    try:
        import onnx
        import onnxscript  # noqa: F401  (what PyTorch translates with)
    except ImportError as error:
        raise CIFError(
            f"export_onnx needs onnx and onnxscript ({error}): pip install cifviz[onnx] gets them"
        ) from error
    axes = {0: Dim("batch"), 1: Dim("frames"), **({2: Dim("dim")} if dim is None else {})}
    shapes = tuple(
        {axis: size for axis, size in axes.items() if axis < each.ndim} for each in example.values()
    )
    try:
        traced = torch.export.export(
            _Outputs(module).eval(),
            tuple(example.values()),
            dynamic_shapes={"inputs": shapes},
            strict=False,
        )
        with warnings.catch_warnings():  # of PyTorch about itself
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            program: Any = torch.onnx.export(
                traced,
                input_names=list(example),
                output_names=OUTPUTS,
                opset_version=OPSET,
                custom_translation_table={
                    torch.ops.aten.scalar_tensor.default: _exact_number,
                    torch.ops.aten.searchsorted.Tensor: _searchsorted,
                },
                optimize=False,  # it takes what is near 0 for 0, as the 1e-8 beside a sum
                verbose=False,
            )
    except CIFError:
        raise
    except Exception as error:  # whatever a module does, and PyTorch makes of it
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CIFError(
            f"this {type(module).__name__} cannot be exported to ONNX: {shown(reason)}"
        ) from error
    graph = program.model_proto
    onnx.checker.check_model(graph)
    return graph


def _exact_number(s: Any, dtype: int = FLOAT, **others: Any) -> Any:
    """A number of the graph in its own dtype: PyTorch would round it to float32 first.

    A threshold of 0.7 in float32 is another one, and a token that is full by it fires or does not.
    """
    import onnx
    from onnxscript import opset18

    return opset18.Constant(value=onnx.helper.make_tensor("number", int(dtype), (), [s]))


def _searchsorted(
    sorted_sequence: Any,
    self: Any,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Any:
    """`torch.searchsorted` of rows, both sorted, in ONNX operators.

    Both are put into one row and sorted: the place of each value, less the values before it, is how
    many of the sequence come first. Of equal numbers TopK puts the one that stands first before the
    others; the inverse of an order is the order of the order.
    """
    from onnxscript import opset18

    op: Any = opset18  # whose annotations ask for more than it does
    # 1. One row: of equal numbers the value comes first, or last with `right`.
    first, second = (sorted_sequence, self) if right else (self, sorted_sequence)
    row = op.Concat(first, second, axis=-1)
    last = op.Constant(value_ints=[-1])
    size, values = op.Gather(op.Shape(row), last), op.Gather(op.Shape(self), last)
    # 2. Where each number of it comes to stand.
    _, order = op.TopK(row, size, axis=-1, largest=0, sorted=1)
    _, place = op.TopK(order, size, axis=-1, largest=0, sorted=1)
    # 3. Less the values before it.
    begin = op.Sub(size, values) if right else op.Constant(value_ints=[0])
    mine = op.Slice(place, begin, op.Add(begin, values), last)
    zero, one = op.Constant(value_int=0), op.Constant(value_int=1)
    return op.Sub(mine, op.Range(zero, op.Squeeze(values), one))


def _metadata(module: nn.Module, example: dict[str, Tensor], config: Any) -> dict[str, str]:
    """The rules of a CIF, and what made the file."""
    with torch.no_grad():
        ready = [each.float() if each.is_floating_point() else each for each in example.values()]
        firing = copy.deepcopy(module).cpu().float().eval()(*ready)
    tail = getattr(config if isinstance(config, CIFConfig) else module, "tail", None)
    rule = json.dumps(tail.to_dict()) if isinstance(tail, TailRule) else "unknown"
    return {
        "cifviz.threshold": repr(float(firing.threshold)),
        "cifviz.slack": repr(float(firing.slack)),
        "cifviz.tail": rule,
        "cifviz.version": cifviz.__version__,
        "torch.version": str(torch.__version__),
    }


def _forget_sources(graph: Any) -> None:
    """Take out where in which file each node was traced: that names folders of this machine."""
    parts = [graph.graph, *graph.functions]
    for part in parts:
        for each in (part, *part.node, *part.value_info):
            del each.metadata_props[:]
    for each in (*graph.graph.input, *graph.graph.output, *graph.graph.initializer):
        del each.metadata_props[:]
