"""What every system has in common: `Batch`, `Learner` and `System`.

A system is a module with a frozen configuration and one way in and out, whatever it does inside:
named losses of a batch, and a `Transcription` of each utterance. Its name stands in
`cifviz.systems.registry` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from cifviz.alignment.boundary_readout import BoundaryReadout
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import Waveform
from cifviz.errors import require, require_choice
from cifviz.systems.configuration import SystemConfig
from cifviz.systems.long_transcription import LongTranscription
from cifviz.systems.transcription import Transcription

Collate = Callable[[list[Any]], Tensor]
"""Of one value for each utterance: a tensor whose first axis is the batch."""
Metric = Callable[[Sequence[Transcription], Sequence[Alignment]], Any]
"""Of transcriptions and their references, in the same order: what JSON can hold."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Padded utterances."""

    features: Tensor
    """What the encoder is given (batch, feature_frames, n_mels): normalised log-mel, or the states
    of a pretrained encoder."""
    lengths: Tensor
    """Feature frames of each utterance (batch,)."""
    targets: Tensor
    """Token ids, padded with −1 (batch, tokens)."""
    target_lengths: Tensor
    """Tokens of each utterance (batch,)."""
    spans: Tensor
    """Where each token begins and ends, in fractional feature frames (batch, tokens, 2); −1 where
    it is unknown, and behind the last token."""
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    """Further inputs of a system, by name; the first axis is the batch."""

    @classmethod
    def collate(
        cls,
        features: Sequence[Tensor],
        targets: Sequence[Sequence[int]],
        spans: Sequence[Tensor] | None = None,
        extras: Sequence[Mapping[str, Any]] | None = None,
        *,
        by: Mapping[str, Collate] | None = None,
    ) -> Self:
        """Pad a list of utterances to one batch.

        Parameters
        ----------
        features : sequence of Tensor (feature_frames, n_mels)
            What the encoder is given for each utterance.
        targets : sequence of sequence of int
            Its token ids.
        spans : sequence of Tensor (tokens, 2), optional
            Its spans; by default they are unknown.
        extras : sequence of mapping of str to Any, optional
            Its further inputs, the same names for all.
        by : mapping of str to Collate, optional
            How those are put together: `Learner.extras` of the model that takes them.

        Raises
        ------
        CIFError
            If the model does not take a further input, or an utterance lacks one that others have.
        """
        names = list(dict.fromkeys(name for one in extras or () for name in one))
        for name in names:
            require_choice("extra input", name, list(by or ()))
            lacking = sum(name not in one for one in extras or ())
            require(not lacking, f"{lacking} utterances of a batch lack the extra input {name!r}")
        ids = [torch.tensor(target, dtype=torch.long) for target in targets]
        if spans is None:
            spans = [torch.full((len(one), 2), -1.0, dtype=torch.float64) for one in ids]
        pad = nn.utils.rnn.pad_sequence
        return cls(
            pad(list(features), batch_first=True),
            torch.tensor([len(one) for one in features]),
            pad(ids, batch_first=True, padding_value=-1),
            torch.tensor([len(one) for one in ids]),
            pad(list(spans), batch_first=True, padding_value=-1.0),
            {name: (by or {})[name]([one[name] for one in extras or ()]) for name in names},
        )

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._changed(lambda value: value.to(device))

    def select(self, kept: Tensor) -> Self:
        """Some of the utterances: indices, or a mask (batch,)."""
        return self._changed(lambda value: value[kept])

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        values = {name: value for name, value in vars(self).items() if name != "extras"}
        extras = {name: change(value) for name, value in self.extras.items()}
        return type(self)(**{name: change(one) for name, one in values.items()}, extras=extras)


class Learner(nn.Module):
    """What `cifviz.training.fit.fit` trains: named losses of a batch, and what each counts.

    Parameters
    ----------
    config : SystemConfig
        What was built.

    Attributes
    ----------
    loss_weights : mapping of str to float
        The losses that are always computed, each with its usual weight.
    further_losses : collection of str
        Losses that are computed where training asks for them.
    extras : mapping of str to Collate
        Further inputs that a batch may hold, by name, and how those of several utterances are put
        together.
    """

    loss_weights: Mapping[str, float] = {}
    further_losses: Collection[str] = ()
    extras: Mapping[str, Collate] = {}

    def __init__(self, config: SystemConfig):
        super().__init__()
        self.config = config

    def forward(self, batch: Batch, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Losses per token, by name, none weighted: those of `loss_weights`, and `wanted` ones.

        Parameters
        ----------
        batch : Batch
            Utterances with their tokens.
        wanted : collection of str
            Which of `further_losses` to compute; other names are ignored.
        """
        raise NotImplementedError


class System(Learner):
    """One kind of recogniser: a module that trains on a batch, transcribes and can be kept.

    Attributes
    ----------
    Config : type of SystemConfig
        What it is built from.
    readouts : mapping of str to BoundaryReadout
        Ways to read token edges off its transcriptions.
    metrics : mapping of str to Metric
        What is measured of it beside tokens and edges.
    name : str
        Of the model, as it was found; empty where it was made in Python.
    """

    Config: ClassVar[type[SystemConfig]] = SystemConfig
    readouts: ClassVar[Mapping[str, BoundaryReadout]] = {}
    metrics: ClassVar[Mapping[str, Metric]] = {}

    def __init__(self, config: SystemConfig):
        super().__init__(config)
        self.name = ""

    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained CIF add up to about as many tokens as there are.

        By default nothing is done: not every system has weights that add up to a count.
        """

    def transcribe(self, waveform: Waveform, **request: Any) -> Transcription:
        """Recognise one utterance.

        Parameters
        ----------
        waveform : Waveform
            At the model's sample rate.
        **request
            Further inputs of the system, by name; see `extras`.

        Returns
        -------
        Transcription
            On the CPU. Silence gives one without tokens.

        Raises
        ------
        AudioError
            If the sample rate is not the model's.
        CIFError
            If the model is in training mode, or has no such further input.
        """
        return self.transcribe_batch([waveform], **for_one(request))[0]

    def transcribe_batch(
        self, inputs: Sequence[Waveform], **request: Sequence[Any]
    ) -> list[Transcription]:
        """Like `transcribe`, but several at once; the result of each is the same as alone.

        Of each further input there is one value for each utterance.
        """
        raise NotImplementedError

    def learn_edges(self, pairs: Sequence[tuple[Transcription, Alignment]]) -> Edges | None:
        """Learn where token edges are read, and keep it; by default nothing is learned.

        Parameters
        ----------
        pairs : sequence of (Transcription, Alignment)
            Development utterances and their references, see
            `cifviz.alignment.boundary_readout.comparable`.

        Returns
        -------
        Edges or None
            What was learned; None of a system that keeps nothing.
        """
        return None

    def kept(self) -> tuple[SystemConfig, dict[str, bytes]]:
        """The configuration to be saved, and files to be saved beside the weights, by name."""
        return self.config, {}

    def restore(self, folder: Path) -> None:
        """Read the files that `kept` gave; by default there are none.

        Raises
        ------
        CheckpointError
            If one is missing or damaged.
        """

    def require_evaluation_mode(self) -> None:
        """Raise `CIFError` if dropout is still on."""
        require(not self.training, "call .eval() before transcribing: dropout is still on")


@runtime_checkable
class TextAligner(Protocol):
    """A `System` that places the words of any text, and their phones: `Transcription.tiers`."""

    def align(
        self, waveform: Waveform, text: str, *, language: str = "en-us", progress: bool = False
    ) -> Transcription | LongTranscription:
        """Where each word of a text is in its sound; a text without words gives none."""
        ...

    def hear(
        self, waveform: Waveform, *, progress: bool = False
    ) -> Transcription | LongTranscription:
        """Recognise the words of a sound, and `align` them."""
        ...


def for_one(request: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The further inputs of one utterance as those of a batch of one.

    >>> for_one({"hints": ("one", "two")})
    {'hints': [('one', 'two')]}
    """
    return {name: [value] for name, value in request.items()}
