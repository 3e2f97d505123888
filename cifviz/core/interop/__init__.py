"""CIFs of other code bases: load what was trained there, and `capture` what they really do.

One file for each code base holds both: FunASR's predictors, CIF-PyTorch's middleware, torch_cif's
function. Each is known by its name, so that none of their packages is needed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FunctionType

import torch
from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.core.interop import cif_pytorch, funasr, torch_cif, weights_output
from cifviz.core.interop.cif_pytorch import load_cif_pytorch
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.interop.funasr import load_funasr
from cifviz.core.module import CIF
from cifviz.core.tail import TailRule
from cifviz.errors import require, require_type

__all__ = ["capture", "load_cif_pytorch", "load_funasr"]

Watch = Callable[[nn.Module, list[Firing], ExitStack], None]
CLASSES: dict[str, Watch] = dict.fromkeys(funasr.CLASSES, funasr.watch)
CLASSES |= dict.fromkeys(cif_pytorch.CLASSES, cif_pytorch.watch)
"""How to watch a module, by the name of its class."""


@contextmanager
def capture(
    model: nn.Module,
    *,
    at: str | None = None,
    threshold: float = 1.0,
    tail: TailRule | str = "drop",
    dialect: str = "",
    frame_lengths: Tensor | Sequence[int] | None = None,
) -> Iterator[list[Firing]]:
    """Record what the CIF inside a model does, as long as the context lasts.

    Parameters
    ----------
    model : nn.Module
        A model with a known CIF in it, or one itself: CIF-PyTorch's and fairseq's `CifMiddleware`;
        FunASR's `CifPredictor`, `CifPredictorV2`, `CifPredictorV3` and WeNet's `Cif`; subclasses of
        them; or any model that calls torch_cif's `cif_function`. Classes and the function are known
        by their names. A module that is not called as one is not seen (FunASR's ``forward_chunk``
        and ``get_upsample_timestamp``), nor is the function where a `functools.partial` or a list
        holds it.
    at : str, optional
        For a CIF of any other name: the module that returns the weights, such as
        "encoder.predictor". The weights are found in its output, a tensor (batch, frames) or
        tuples and dicts with one in them; where there are several, the error lists them, and
        "encoder.predictor[2]" or "encoder.predictor['alphas']" chooses. `RecordedFiring.source`
        says which part was taken.
    threshold, tail, dialect
        With `at`: how the weights fire, as of `Transcription.from_alpha`. Of a module that only
        makes weights, nothing shows how they fire.
    frame_lengths : Tensor or sequence of integers (batch,), optional
        With `at`: real frames of each utterance of the batch, the same one in each call. Without
        them all frames count; of a batch of several, `RecordedFiring.has_lengths` is then False,
        and what is shown of its utterances says so.

    Yields
    ------
    list of Firing
        One more for each call by this model, a batch, on the CPU. Its `contributions` are those
        that the model used: its own code runs again on the same weights and an identity in place of
        the encoder output, and what comes out times the encoder output must be what the model made
        of it. A function runs once more; a `CifMiddleware` ``⌈frames / (dim − 1)⌉`` times, and its
        attributes, buffers and PyTorch's random numbers are put back. Where that code
        cannot be told from the rest of the module, the dialect takes its place. An utterance
        reaches as far as a frame gives to its tokens, into the padding if need be.

        Where FunASR appends a frame of zeros with the tail's weight, all have frames + 1 columns,
        the weight is in `scaled_alpha` but not in `alpha`, and the frame that carries it, the first
        padded one of each utterance, counts in `frame_lengths`: a token that fires in it has its
        position behind the speech. `embeddings` are the model's.

    Raises
    ------
    CIFError
        If there is no known CIF in the model, or no module `at`; inside the context, if a model did
        something else than these contributions say, or cannot be read; at its end, if the model
        might only have called torch_cif's function, and did not.

    Examples
    --------
    A predictor of FunASR's shape that gives every frame a weight of 0.4, on four frames: frame 2
    completes a token with 0.2 and keeps 0.2 for the next one.

    >>> from cifviz.core.reference import integrate_and_fire
    >>> def cif(hidden, alphas, threshold):
    ...     contributions, _, _ = integrate_and_fire(alphas[0].tolist(), threshold)
    ...     return torch.tensor(contributions)[None] @ hidden, None
    >>> class CifPredictor(nn.Module):
    ...     def forward(self, hidden):
    ...         alphas = torch.full(hidden.shape[:2], 0.4)
    ...         embeddings, peaks = cif(hidden, alphas, 1.0)
    ...         return embeddings, alphas.sum(dim=1), alphas, peaks
    >>> model = CifPredictor()
    >>> with capture(model) as firings:
    ...     output = model(torch.randn(1, 4, 8))
    >>> firings[0].contributions.float()
    tensor([[[0.4000, 0.4000, 0.2000, 0.0000]]])
    >>> firings[0].fire_positions.float()
    tensor([[2.5000]])
    """
    require_type("model", model, nn.Module)
    firings: list[Firing] = []
    require(at is not None or frame_lengths is None, "frame_lengths: expected at=… with it")
    if at is not None:
        lengths = None if frame_lengths is None else torch.as_tensor(frame_lengths)
        rule = FiringRule.from_settings(threshold, tail, dialect)
        with ExitStack() as stack:
            weights_output.watch(model, at, rule, lengths, firings, stack)
            yield firings
            require(bool(firings), f"nothing was captured: {at} was not called")
        return
    calls: list[FunctionType] = []
    with ExitStack() as stack:
        known = 0
        for module in model.modules():
            names = [base.__name__ for base in type(module).__mro__ if base.__name__ in CLASSES]
            if names:
                CLASSES[names[0]](module, firings, stack)
                known += 1
        require(
            known > 0 or not any(isinstance(module, CIF) for module in model.modules()),
            f"there is nothing to capture in {type(model).__name__}: call cifviz's own CIF, it "
            "returns its Firing",
        )
        expected = (
            f"expected a module of a class named {', '.join(CLASSES)}, or calls of a function "
            f"named {torch_cif.FUNCTION} with inputs and alpha"
        )
        how = (
            'a module that returns the weights is captured by its name, capture(model, at="NAME"), '
            f"here perhaps {weights_output.likely_modules(model)}"
        )
        places = torch_cif.watch(model, firings, calls, stack)
        require(known + places > 0, f"{type(model).__name__} holds no known CIF: {expected}; {how}")
        yield firings
        require(
            known > 0 or bool(calls),
            f"nothing was captured, for {type(model).__name__} holds no known CIF or was not "
            f"called: {expected}, which no partial and no list hides; {how}",
        )
