"""What a transcription holds where no system of cifviz made it: weights or a firing that are given.

No recogniser is invented. Tokens have no scores, there is no vocabulary, and features are those of
the sound. Times are those of the fires. Where fires and tokens are not equally many, both are kept,
and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.alignment.mass_times import one_utterance
from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.core.firing import Firing
from cifviz.core.interop.firing_rule import FiringRule, rule_of
from cifviz.core.interop.recorded_firing import RecordedFiring
from cifviz.core.tail import drop
from cifviz.core.validation import require_weights
from cifviz.errors import (
    CIFError,
    is_number,
    printable,
    require,
    require_integer,
    require_type,
    shown,
)
from cifviz.timing import FrameGrid

Reference = Alignment | str | PathLike[str]
Sound = Waveform | str | PathLike[str]

MOST_OFF, FEW_FRAMES, MOST_SECONDS = 0.1, 10, 1.0
"""Share of the sound by which frames and sound may differ in length; of a short one number of
frames, and their seconds at most."""
MOST_SPARE = 5
"""Tokens without a fire that a sentence names."""


def weights_of(alpha: object) -> Tensor:
    """The weights of one utterance as a tensor (1, frames), checked.

    Parameters
    ----------
    alpha : array or tensor (frames,), (1, frames) or (frames, 1)
        Floating point, on any device.

    Raises
    ------
    CIFError
        If it is something else, or a weight is negative or not finite.

    Examples
    --------
    >>> weights_of([0.5, 0.25])
    tensor([[0.5000, 0.2500]], dtype=torch.float64)
    >>> weights_of(np.array([3, 1]))
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: alpha must hold floating point weights, got int64: a weight of ...
    """
    if isinstance(alpha, Tensor):
        is_plain = alpha.layout == torch.strided and not alpha.is_quantized and not alpha.is_meta
        require(is_plain, "alpha must be a dense tensor with values: pass alpha.to_dense()")
        given = alpha.detach().cpu()
    else:
        try:
            array = np.asarray(alpha)
        except (TypeError, ValueError, RuntimeError) as error:  # ragged
            raise CIFError(f"alpha must be an array (frames,): {error}") from error
        require(
            array.dtype.kind in "fiubc",
            f"alpha must hold floating point weights, got {array.dtype}",
        )
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            array = array.astype(np.float64)
        array = array.astype(array.dtype.newbyteorder("="))
        if array.dtype.kind == "u":  # PyTorch has few unsigned types
            array = array.astype(np.int64)
        given = torch.from_numpy(array.copy())
    kind = str(given.dtype).removeprefix("torch.")
    require(
        given.is_floating_point(),
        f"alpha must hold floating point weights, got {kind}: a weight of each frame, mostly "
        "between 0 and 1, before it is summed up",
    )
    shape = tuple(given.shape)
    if given.ndim == 2 and 1 in shape:
        given = given.reshape(-1)
    require(
        given.ndim == 1,
        f"alpha must be the weights of one utterance, (frames,) or (1, frames), got {shape}",
    )
    if given.dtype not in (torch.float32, torch.float64):
        given = given.float()
    return require_weights(given.unsqueeze(0))


def token_names(tokens: object) -> tuple[str, ...] | None:
    """The tokens as a tuple; None for none.

    >>> token_names("two one")
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: tokens must be a sequence of str, got one str: ... or list(...)
    """
    if tokens is None:
        return None
    require(
        not isinstance(tokens, str | bytes),
        "tokens must be a sequence of str, got one str: pass text.split() or list(text)",
    )
    require(
        isinstance(tokens, Collection) and not isinstance(tokens, Set | Mapping),  # in order
        f"tokens must be a sequence of str, got {type(tokens).__name__}",
    )
    assert isinstance(tokens, Collection)
    for index, token in enumerate(tokens):
        require_type(f"token {index}", token, str)
    return tuple(map(str, tokens))  # without NumPy's own kind of text


def labels_of_fires(tokens: Sequence[str] | None, fires: int) -> tuple[str, ...]:
    """A name for each fire: its token, or its number where it has none.

    >>> labels_of_fires(["a"], 2), labels_of_fires(None, 2)
    (('a', '#2'), ('1', '2'))
    """
    if tokens is None:
        return tuple(str(index + 1) for index in range(fires))
    return (*tokens[:fires], *(f"#{index + 1}" for index in range(len(tokens), fires)))


def mismatch(tokens: Sequence[str] | None, fires: int) -> str:
    """One sentence where fires and tokens are not equally many; empty where they are.

    >>> mismatch(["a", "b"], 1)
    '1 fire, but 2 tokens: names go by their order; no fire is left for “b”'
    """
    if tokens is None or len(tokens) == fires:
        return ""
    counts = f"{fires} fire{'' if fires == 1 else 's'}, but {len(tokens)} token"
    counts += "" if len(tokens) == 1 else "s"
    if len(tokens) < fires:
        first = len(tokens) + 1
        which = f"fire {first} has" if first == fires else f"fires {first} to {fires} have"
        return f"{counts}: names go by their order; {which} no token"
    spare = [f"“{printable(token, most=20)}”" for token in tokens[fires : fires + MOST_SPARE]]
    more = len(tokens) - fires - len(spare)
    listed = ", ".join(spare) + (f" and {more} more" if more else "")
    return f"{counts}: names go by their order; no fire is left for {listed}"


def length_of(frames: int, grid: FrameGrid, waveform: Waveform | None) -> float:
    """Length of the sound in seconds; that of the frames where there is no sound.

    Raises
    ------
    CIFError
        If the frames are by far too many or too few for the sound.

    Examples
    --------
    >>> length_of(100, FrameGrid(0.04), Waveform(np.zeros(16000)))
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: 100 frames of 0.04 s are 4 s, but the sound lasts 1 s: ...
    """
    end = max(grid.seconds(frames), 0.0)
    if waveform is None:
        return end
    sound = waveform.duration
    off = abs(end - sound)
    fitting = f"a frame_shift of {(sound - grid.start) / frames:.3g} s would fit" if frames else ""
    hint = fitting or "expected a frame at least"
    few = min(FEW_FRAMES * grid.shift, MOST_SECONDS)
    require(
        off <= max(MOST_OFF * sound, few) and (frames > 0 or not sound),
        f"{frames} frames of {grid.shift:g} s are {end:g} s, but the sound lasts {sound:g} s: "
        f"is this its frame_shift, in seconds, and is alpha without padding? {hint}",
    )
    return sound


def fire_times(
    firing: Firing, labels: Sequence[str], grid: FrameGrid, duration: float, edges: Edges | None
) -> Alignment:
    """Each token from the fire before to its own, or where `edges` reads it."""
    if edges is not None:
        return Alignment.from_firing(firing, labels, grid, edges=edges, duration=duration)
    ends = grid.seconds(firing.fire_positions[0].cpu())
    begins = torch.cat([torch.full_like(ends[:1], grid.seconds(0)), ends[:-1]])
    return Alignment.from_edges(labels, begins, ends, duration=duration)


def given_fields(
    firing: Firing,
    tokens: Sequence[str] | None,
    *,
    frame_shift: float,
    start: float = 0.0,
    waveform: Sound | None = None,
    reference: Reference | None = None,
    edges: Edges | None = None,
    rule: FiringRule | None = None,
    model: str = "",
) -> dict[str, Any]:
    """The fields of a transcription of one utterance whose firing is given.

    For the parameters see `Transcription.from_firing`.
    """
    # 1. The parts, checked.
    names = token_names(tokens)
    require(
        is_number(frame_shift) and frame_shift > 0,
        f"frame_shift must be a number of seconds above 0, got {shown(frame_shift)}",
    )
    grid = FrameGrid(frame_shift, start)
    require_type("model", model, str)
    if edges is not None:
        require_type("edges", edges, Edges)
    if rule is not None:
        require_type("rule", rule, FiringRule)
    sound = _sound(waveform)
    one = one_utterance(firing)
    duration = length_of(one.alpha.shape[1], grid, sound)
    # 2. The fires, their names and times; the tokens that none is left for.
    fires = int(one.num_fires)
    labels = labels_of_fires(names, fires)
    timed = fire_times(one, labels, grid, duration, edges)
    spare = tuple(TimedToken(token) for token in (names or ())[fires:])
    return {
        "tokens": labels if names is None else names,
        "scores": (),
        "alignment": Alignment((*timed.tokens, *spare)),
        "firing": one,
        "grid": grid,
        "duration": duration,
        "waveform": sound,
        "model": model,
        "misfit": mismatch(names, fires),
        "given_labels": labels,
        "reference": _reference(reference),
        "given_rule": rule_of(one, [] if rule is None else [rule]),
        "given_edges": edges,
    }


def captured_utterance(firings: object, utterance: int | None) -> Firing:
    """The one utterance of what `cifviz.capture` recorded.

    Parameters
    ----------
    firings : list of Firing, or Firing
    utterance : int, optional
        Index into the batch; may be left out where it has one alone.

    Raises
    ------
    CIFError
        If there is no firing, there are several, or a batch of several without an index.
    """
    if not isinstance(firings, Firing):
        require_type("firings", firings, Sequence)
        assert isinstance(firings, Sequence)
        require(len(firings) > 0, "nothing was captured: call the model inside the with block")
        require(
            len(firings) == 1,
            f"{len(firings)} calls of the CIF were captured: pass one of them, such as firings[0]",
        )
        (firings,) = firings
    require_type("firings", firings, Firing)
    assert isinstance(firings, Firing)
    if utterance is None:
        require(len(firings) > 0, "a batch of no utterance was captured")
        require(
            len(firings) == 1,
            f"a batch of {len(firings)} utterances was captured: pass utterance=0 to "
            f"{len(firings) - 1}",
        )
        utterance = 0
    return firings.utterance(require_integer("utterance", utterance))


def described_rule(firing: Firing, rule: FiringRule | None) -> str:
    """How the tokens came about, for one line.

    >>> described_rule(None, FiringRule(0.9, dialect="cif_pytorch"))
    'threshold 0.9, as cif_pytorch fires'
    """
    source = firing.source if isinstance(firing, RecordedFiring) else ""
    found = f"weights from {source}, " if source else ""
    if isinstance(firing, RecordedFiring) and not firing.has_lengths:
        found += "of a batch of unknown lengths: padding counts as speech, "
    if rule is None:
        return f"{found}threshold {firing.threshold:g}, by a rule that cifviz does not know"
    slack = f" less {rule.slack:g}" if rule.slack else ""
    is_silent = rule.dialect and rule.tail == drop
    tail = "" if is_silent else f", tail {rule.tail}"
    words = f", as {rule.dialect} fires" if rule.dialect else ""
    return f"{found}threshold {rule.threshold:g}{slack}{tail}{words}"


def _sound(waveform: object) -> Waveform | None:
    """The sound, or the file in which it is."""
    if waveform is None or isinstance(waveform, Waveform):
        return waveform
    require(
        isinstance(waveform, str | PathLike),
        "waveform must be a Waveform, Waveform(samples, sample_rate), or a file, got "
        f"{type(waveform).__name__}",
    )
    return load_waveform(Path(waveform))  # type: ignore[arg-type]  # checked above


def _reference(reference: object) -> Alignment | None:
    """The true times, or the first tier of the file in which they are."""
    if reference is None or isinstance(reference, Alignment):
        return reference
    from cifviz.formats import read_alignments

    require(
        isinstance(reference, str | PathLike),
        f"reference must be an Alignment or a file, got {type(reference).__name__}",
    )
    tiers = read_alignments(Path(reference))  # type: ignore[arg-type]  # checked above
    require(bool(tiers), f"expected a file with a tier, {reference} has none")
    return next(iter(tiers.values()))
