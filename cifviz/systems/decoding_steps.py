"""`DecodingSteps`: which tokens of an utterance are known after each pass through the decoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from cifviz.audio.waveform import Waveform
from cifviz.errors import require, require_choice, require_type
from cifviz.systems.base import System
from cifviz.systems.mask_ctc import MaskCTCRecognizer
from cifviz.systems.transcription import Transcription


@dataclass(frozen=True)
class DecodingSteps:
    """How an utterance became known.

    Raises
    ------
    CIFError
        If rows differ in length, or there is not one time for each pass.
    """

    known: tuple[tuple[str | None, ...], ...]
    """Of each pass, the tokens after it; None where a token is not known yet. A pass may change
    a token."""
    seconds: tuple[float, ...] = ()
    """When each pass ended, since decoding began with the sound; empty where it was not measured.
    """

    def __post_init__(self) -> None:
        lengths = {len(row) for row in self.known}
        require(
            len(lengths) <= 1, f"expected as many tokens in each pass, got {sorted(lengths)} tokens"
        )
        require(
            len(self.seconds) in (0, self.passes),
            f"expected a time for each of {self.passes} passes, got {len(self.seconds)}",
        )

    @property
    def passes(self) -> int:
        """Passes through the decoder."""
        return len(self.known)

    @property
    def tokens(self) -> tuple[str | None, ...]:
        """Those after the last pass."""
        return self.known[-1] if self.known else ()

    @classmethod
    def of_passes(
        cls, tokens: Sequence[str], passes: int, *, seconds: Sequence[float] = ()
    ) -> Self:
        """All tokens at once in a single pass; in more passes one token in each.

        Passes beyond the last token give none: such as the one that finds the end.

        >>> DecodingSteps.of_passes(("a", "b"), 1).known
        (('a', 'b'),)
        >>> DecodingSteps.of_passes(("a", "b"), 3).known
        (('a', None), ('a', 'b'), ('a', 'b'))

        Raises
        ------
        CIFError
            If there are more tokens than passes, and more than one pass, or none.
        """
        count = len(tokens)
        require(
            passes >= count or passes == 1,
            f"expected one pass, or {count} and more, one for each token, got {passes}",
        )
        known = [count] if passes == 1 else [min(done, count) for done in range(1, passes + 1)]
        rows = [(*tokens[:done], *[None] * (count - done)) for done in known]
        return cls(tuple(rows), tuple(seconds))


def decoding_steps(
    model: System, waveform: Waveform, *, layer: str = "decoder.output", **request: Any
) -> DecodingSteps:
    """Transcribe one utterance, and count and time the passes through the decoder.

    Parameters
    ----------
    model : System
        In evaluation mode. One that gives its tokens all at once, or one in each pass; for
        Mask-CTC there is `filling_steps`.
    waveform : Waveform
        At the model's sample rate.
    layer : str
        Which of its layers runs once in each pass: the last of the decoder, by default as the
        decoders of `cif` and `attention` name it. That of `ctc` is "ctc.project".
    **request
        As for `System.transcribe`.

    Returns
    -------
    DecodingSteps
        With times by the clock of this machine, which include the encoder before the first pass.

    Raises
    ------
    CIFError
        If there is no such layer, or its passes are neither one nor as many as there are tokens.

    Notes
    -----
    With one token, all at once and one after the other are the same.
    """
    ends: list[float] = []
    found = _hooked(model, waveform, layer, lambda inputs, seconds: ends.append(seconds), request)
    return DecodingSteps.of_passes(found.tokens, len(ends), seconds=ends)


def filling_steps(model: MaskCTCRecognizer, waveform: Waveform, **request: Any) -> DecodingSteps:
    """Like `decoding_steps`, but of Mask-CTC: CTC first, then the passes that fill masks.

    Parameters
    ----------
    model : MaskCTCRecognizer
        In evaluation mode.
    waveform : Waveform
        At the model's sample rate.
    **request
        As for `System.transcribe`.

    Returns
    -------
    DecodingSteps
        The first pass is that of CTC; masks are None after it. Without times.

    Raises
    ------
    CIFError
        If the model is another system.
    """
    require_type("model", model, MaskCTCRecognizer)
    vocabulary, mask = model.config.vocabulary, model.decoder.mask
    known: list[tuple[str | None, ...]] = []

    def note(inputs: Any, seconds: float) -> None:
        ids = inputs[0][0].tolist()
        known.append(tuple(None if one == mask else vocabulary[one] for one in ids))

    found = _hooked(model, waveform, "decoder", note, request)
    return DecodingSteps((*known, found.tokens))


def _hooked(
    model: System,
    waveform: Waveform,
    layer: str,
    note: Callable[[Any, float], None],
    request: Mapping[str, Any],
) -> Transcription:
    """Transcribe; `note` is given the inputs of each call of a layer, and the seconds since begin.

    The layer's hook is taken off again, whatever happens.
    """
    layers = dict(model.named_modules())
    require_choice("layer", layer, layers)
    begin = time.perf_counter()

    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        note(inputs, time.perf_counter() - begin)

    handle = layers[layer].register_forward_hook(hook)
    try:
        return model.transcribe(waveform, **request)
    finally:
        handle.remove()
