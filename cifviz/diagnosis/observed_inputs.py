"""Whatever a user has of a CIF, as a list of `ObservedUtterance`: arrays, files, firings, results.

Each utterance has a name. What is given beside the weights (tokens, sounds, references) belongs to
an utterance by its name, or by its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.tail import TailRule
from cifviz.diagnosis.observed import ObservedUtterance, observed_firing
from cifviz.diagnosis.saved_firings import (
    SavedFirings,
    firings_of,
    is_saved_firings,
    numbered,
    utterances_of,
)
from cifviz.errors import (
    CIFError,
    require,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.formats.array_files import read_arrays
from cifviz.systems.given_cif import length_of
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

LENGTHS = ("frame_lengths", "lengths", "alpha_lengths")
"""What the lengths of a padded batch may be called in a file."""


def observe(
    source: Any,
    *,
    frame_lengths: Any = None,
    threshold: float = 1.0,
    tail: TailRule | str | None = None,
) -> list[ObservedUtterance]:
    """The utterances in arrays, a file, firings or transcriptions.

    Parameters
    ----------
    source
        See `cifviz.diagnose`, but no model.
    frame_lengths, threshold, tail
        As there; of weights alone.

    Raises
    ------
    CIFError
        If it is none of these, or lengths do not fit.
    DataError
        If it is a file that cannot be read, or is damaged.
    """
    # 1. What is in a file, or one alone.
    if tail is not None and not isinstance(tail, TailRule):
        tail = TailRule.from_text(tail)
    if isinstance(source, str | Path):
        arrays = read_arrays(source)
        if is_saved_firings(arrays):
            return _saved(firings_of(arrays, source))
        source = arrays
    if isinstance(source, SavedFirings):
        return _saved(source)
    if isinstance(source, Transcription):
        return [_transcribed(source, "utterance 0")]
    if isinstance(source, Firing):
        source = [source]
    # 2. Several, by name or in order.
    if isinstance(source, Mapping):
        return _mapped(source, frame_lengths, threshold, tail)
    if isinstance(source, Sequence) and not isinstance(source, str | bytes) and len(source):
        if all(isinstance(one, Firing) for one in source):
            every = list(utterances_of(source))
            return [
                observed_firing(one, name=name)
                for one, name in zip(every, numbered(len(every)), strict=True)
            ]
        if all(isinstance(one, Transcription) for one in source):
            labels = numbered(len(source))
            return [_transcribed(one, name) for one, name in zip(source, labels, strict=True)]
        if all(isinstance(one, ObservedUtterance) for one in source):
            return list(source)
        if any(isinstance(one, Sequence | np.ndarray | Tensor) for one in source):
            source = dict(zip(numbered(len(source)), source, strict=True))
            return _mapped(source, frame_lengths, threshold, tail)
    # 3. Weights.
    require(
        not isinstance(source, nn.Module),
        f"cifviz cannot run {type(source).__name__}: run it within cifviz.capture(model) or "
        "capture(model, at=...), and pass what that yields",
    )
    weights, dtype = weights_of("alpha", source)
    if weights.ndim == 1:
        weights = weights[None]
    names = numbered(len(weights))
    return _batch(names, weights, dtype, frame_lengths, threshold, tail)


def _saved(saved: SavedFirings) -> list[ObservedUtterance]:
    return [
        observed_firing(firing, name=name, tokens=saved.tokens.get(name), grid=saved.grid)
        for name, firing in saved.firings.items()
    ]


def _transcribed(transcription: Transcription, name: str) -> ObservedUtterance:
    """What a transcription tells of its CIF; raises `CIFError` if it has none."""
    reference = transcription.reference
    return observed_firing(
        transcription.require_firing(),
        name=name,
        tokens=transcription.tokens,
        grid=transcription.grid,
        waveform=transcription.waveform,
        **({"reference": reference, "expected": len(reference)} if reference is not None else {}),
    )


def _mapped(
    source: Mapping[Any, Any], frame_lengths: Any, threshold: float, tail: TailRule | None
) -> list[ObservedUtterance]:
    """Arrays, firings or transcriptions by name."""
    entries = {str(name): value for name, value in source.items()}
    given = [name for name in LENGTHS if name in entries]
    if given and len(entries) == len(given) + 1:
        frame_lengths = entries.pop(given[0]) if frame_lengths is None else frame_lengths
    found: list[ObservedUtterance] = []
    for name, value in entries.items():
        if isinstance(value, Firing):
            (one,) = _only(list(utterances_of(value)), name)
            found.append(observed_firing(one, name=name))
        elif isinstance(value, Transcription):
            found.append(_transcribed(value, name))
        else:
            weights, dtype = weights_of(name, value)
            rows = weights[None] if weights.ndim == 1 else weights
            names = [name] if len(rows) == 1 else [f"{name} {at}" for at in range(len(rows))]
            found += _batch(names, rows, dtype, frame_lengths, threshold, tail)
    return found


def _only(every: list[Firing], name: str) -> list[Firing]:
    require(len(every) == 1, f"{name} must be a firing of one utterance, got {len(every)}")
    return every


def weights_of(name: str, value: Any) -> tuple[np.ndarray, str]:
    """Weights in float64, (frames,) or (batch, frames), and the type in which they came.

    Raises
    ------
    CIFError
        If it is no array of real numbers with one or two axes, a third of length 1 aside.
    """
    dtype = ""
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        is_plain = value.layout == torch.strided and not value.is_quantized and not value.is_meta
        require(is_plain, f"{name} must be a dense tensor with values: pass one of to_dense()")
        require(not value.is_complex(), f"{name} must hold real numbers, got {value.dtype}")
        value = value.detach().cpu().double().numpy()
    try:
        array = np.asarray(value)
        require(
            array.dtype.kind in "fiub",
            f"{name} must be an array of weights, got {shown(value)}",
        )
        weights = array.astype(np.float64)
    except CIFError:
        raise
    except (TypeError, ValueError) as error:
        raise CIFError(f"{name} must be an array of weights, got {shown(value)}") from error
    if weights.ndim == 3 and weights.shape[2] == 1:
        weights = weights[:, :, 0]
    require(
        weights.ndim in (1, 2),
        f"{name} must be (frames,) or (batch, frames), got {weights.shape}",
    )
    return weights, dtype or str(array.dtype)


def _batch(
    names: Sequence[str],
    weights: np.ndarray,
    dtype: str,
    frame_lengths: Any,
    threshold: float,
    tail: TailRule | None,
) -> list[ObservedUtterance]:
    """A row of weights for each utterance, cut to its length."""
    # 1. How long each is.
    threshold = require_number("threshold", threshold, above=0)
    lengths = [weights.shape[1]] * len(weights)
    if frame_lengths is not None:
        given = np.asarray(
            frame_lengths.cpu() if isinstance(frame_lengths, Tensor) else frame_lengths
        ).reshape(-1)
        require(
            len(given) == len(weights) and given.dtype.kind in "iu",
            f"frame_lengths must be {len(weights)} integers, got {shown(frame_lengths)}",
        )
        lengths = [
            require_integer("frame_lengths", int(one), at_least=0, at_most=weights.shape[1])
            for one in given
        ]
    # 2. Each cut to its length.
    found = []
    for name, row, length in zip(names, weights, lengths, strict=True):
        alpha = row[:length]
        one = ObservedUtterance(
            name=name,
            alpha=alpha,
            used=alpha,
            dtype=dtype,
            threshold=threshold,
            padding=row[length:] if length < len(row) else None,
        )
        found.append(_fired(one, tail))
    return found


def _fired(utterance: ObservedUtterance, tail: TailRule | None) -> ObservedUtterance:
    """With the fires that a tail rule makes, if there is one."""
    if tail is None or not utterance.is_valid:
        return utterance
    alpha = torch.from_numpy(utterance.alpha)[None]
    firing = integrate_and_fire(
        alpha, alpha.new_zeros(*alpha.shape, 0), threshold=utterance.threshold, tail=tail
    )
    fired = observed_firing(firing, name=utterance.name)
    return replace(utterance, used=fired.used, fires=fired.fires, tail_fired=fired.tail_fired)


def by_name(
    what: str,
    values: Any,
    names: Sequence[str],
    is_one: Callable[[Any], bool],
) -> dict[str, Any]:
    """What was given beside the weights, by the name of its utterance.

    Parameters
    ----------
    what : str
        What it is, for messages.
    values
        A mapping by name, a sequence of one for each utterance, or the one of the only utterance.
    names : sequence of str
        Of the utterances.
    is_one : callable
        Whether something is what belongs to a single utterance.

    Raises
    ------
    CIFError
        If a name is that of no utterance, or there are not as many as utterances.
    """
    if values is None:
        return {}
    if isinstance(values, Mapping):
        unknown = [str(name) for name in values if str(name) not in names]
        require(
            not unknown,
            f"{what} must be named after the utterances ({_some(names)}), got {_some(unknown)}",
        )
        return {str(name): value for name, value in values.items()}
    if is_one(values):
        values = [values]
    is_list = isinstance(values, Iterable) and not isinstance(values, str | bytes)
    require(is_list, f"{what} must be one for each utterance, got {shown(values)}")
    values = list(values)
    require(
        len(values) == len(names),
        f"{what} must be one for each of {len(names)} utterances, got {len(values)}",
    )
    return dict(zip(names, values, strict=True))


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:5])) + (" …" if len(names) > 5 else "")


def with_what_is_known(
    utterances: Sequence[ObservedUtterance],
    *,
    tokens: Any = None,
    grid: FrameGrid | None = None,
    waveforms: Any = None,
    reference: Any = None,
    alone: Sequence[ObservedUtterance] = (),
) -> list[ObservedUtterance]:
    """The same utterances, with what was given beside their weights.

    Raises
    ------
    CIFError
        If something belongs to no utterance or is of another type, or the frames of an utterance
        do not fit its sound.
    """
    # 1. What belongs to whom.
    names = [one.name for one in utterances]
    require(len(set(names)) == len(names), "the names of utterances must differ, one comes twice")
    words = by_name("tokens", tokens, names, lambda one: _is_tokens(one, len(names)))
    sounds = by_name("waveforms", waveforms, names, lambda one: isinstance(one, Waveform))
    truth = by_name("reference", reference, names, lambda one: isinstance(one, Alignment))
    single = _alone(utterances, alone)
    # 2. Each with its own.
    found = []
    for one in utterances:
        given: dict[str, Any] = {}
        if grid is not None:
            given["grid"] = grid
        if one.name in sounds:
            require_type("waveforms", sounds[one.name], Waveform)
            given["waveform"] = sounds[one.name]
        if one.name in truth:
            require_type("reference", truth[one.name], Alignment)
            given |= {"reference": truth[one.name], "expected": len(truth[one.name])}
        if one.name in words:
            given |= _tokens(words[one.name])
        elif one.expected is None and one.tokens is not None and "expected" not in given:
            given["expected"] = len(one.tokens)
        if one.name in single:
            given["alone"] = single[one.name]
        if grid is not None and "waveform" in given:
            try:
                length_of(len(one.alpha), grid, given["waveform"])
            except CIFError as error:
                raise CIFError(f"{shown(one.name)}: {error}") from error
        found.append(replace(one, **given))
    return found


def _is_tokens(value: Any, utterances: int) -> bool:
    """Whether this is what belongs to one utterance: tokens, or how many there are."""
    if isinstance(value, int):
        return True
    if utterances != 1 or not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return False
    return all(isinstance(one, str) for one in value)


def _tokens(value: Any) -> dict[str, Any]:
    """Tokens, or their number alone."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return {"expected": require_integer("tokens", value, at_least=0)}
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    require(is_list, f"tokens must be texts, or a number of tokens, got {shown(value)}")
    for one in value:
        require_type("token", one, str)
    return {"tokens": tuple(value), "expected": len(value)}


def _alone(
    utterances: Sequence[ObservedUtterance], alone: Sequence[ObservedUtterance]
) -> dict[str, np.ndarray]:
    """The weights of the same utterances alone, by name; by place if there are no names in common.

    Raises
    ------
    CIFError
        If none of them can be one of the utterances.
    """
    if not alone:
        return {}
    names = {one.name for one in utterances}
    common = {one.name: one.alpha for one in alone if one.name in names}
    if common:
        return common
    require(
        len(alone) == len(utterances),
        f"alone must hold the same {len(utterances)} utterances by name or place, got {len(alone)}",
    )
    return {one.name: other.alpha for one, other in zip(utterances, alone, strict=True)}
