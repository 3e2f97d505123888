"""How probable candidates of tokens are for a sound, told by a decoder that is given the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from cifviz.audio.waveform import Waveform
from cifviz.errors import require, require_choice, require_type
from cifviz.systems.attention import AttentionRecognizer
from cifviz.systems.base import for_one
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.encoder_system import Encoded, EncoderSystem, Sound

Utterance = Waveform | Sound
"""A waveform, or features of which no sound is given."""


class SequenceScorer(Protocol):
    """Judges candidates for the tokens of one utterance."""

    def __call__(self, utterance: Utterance, candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Logarithms of probabilities, for each candidate a tensor (terms,) of numbers <= 0.

        A term is a token of the candidate, given the sound and the tokens before it; behind the
        tokens there may be one for the end of the utterance.
        """


@dataclass(frozen=True, eq=False)
class CIFScorer:
    """Judges candidates by the decoder of a CIF, its weights scaled to the length of each.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode. With a decoder of kind "ar" a token is judged given those before it,
        with one of kind "nar" given the sound alone.

    Notes
    -----
    There are as many terms as tokens. None of them says how probable it is that there are so many,
    and a candidate without tokens has no term.
    """

    model: CIFRecognizer

    def __post_init__(self) -> None:
        require_type("model", self.model, CIFRecognizer)
        self.model.require_evaluation_mode()
        require_scaling(self.model)

    @torch.inference_mode()
    def __call__(self, utterance: Utterance, candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Logarithms of the probabilities of the tokens of each candidate; see `SequenceScorer`."""
        model, encoded = self.model, labelled(self.model, utterance, candidates)
        _, counts = model.fired_targets(encoded.batch)
        firing = model.cif(encoded.encoder_out, encoded.frame_lengths, target_lengths=counts)
        adapted = model.adapt(firing.embeddings, firing, encoded)
        losses = model.token_losses(firing, adapted, encoded, label_smoothing=0.0)
        return [-row[: len(one)].cpu() for row, one in zip(losses, candidates, strict=True)]


@dataclass(frozen=True, eq=False)
class AttentionScorer:
    """Like `CIFScorer`, but a decoder with attention judges, and the end of the utterance too.

    Parameters
    ----------
    model : AttentionRecognizer
        In evaluation mode.

    Notes
    -----
    The last term is the mark behind the tokens: a candidate that ends too early or too late is
    improbable. A candidate without tokens has that term alone.
    """

    model: AttentionRecognizer

    def __post_init__(self) -> None:
        require_type("model", self.model, AttentionRecognizer)
        self.model.require_evaluation_mode()

    @torch.inference_mode()
    def __call__(self, utterance: Utterance, candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Logarithms of the probabilities of tokens and end of each; see `SequenceScorer`."""
        encoded = labelled(self.model, utterance, candidates)
        losses = self.model.decoder.token_losses(*encoded.with_targets, label_smoothing=0.0)
        return [-row[: len(one) + 1].cpu() for row, one in zip(losses, candidates, strict=True)]


def labelled(
    model: EncoderSystem,
    utterance: Utterance,
    candidates: Sequence[Sequence[str]],
    **request: Any,
) -> Encoded:
    """An utterance, encoded once and repeated, with each of the candidates as its targets.

    Further inputs of the model are those of `System.transcribe`.

    Raises
    ------
    CIFError
        If a token is not in the model's vocabulary.
    """
    vocabulary = {token: index for index, token in enumerate(model.config.vocabulary)}
    for token in (token for one in candidates for token in one):
        require_choice("token of a candidate", token, vocabulary)
    sound = as_sound(model, utterance)
    encoded = repeated(model.encoded([sound], **for_one(request)), len(candidates))
    targets = torch.full((len(candidates), max(map(len, candidates), default=0)), -1)
    for row, one in zip(targets, candidates, strict=True):
        row[: len(one)] = torch.tensor([vocabulary[token] for token in one])
    return encoded.labelled(targets.to(encoded.encoder_out.device))


def repeated(encoded: Encoded, times: int) -> Encoded:
    """The first utterance of a batch, so many times."""
    return encoded.select(torch.zeros(times, dtype=torch.long, device=encoded.encoder_out.device))


def as_sound(model: EncoderSystem, utterance: Utterance) -> Sound:
    """An utterance as the model takes it; raises `AudioError` if the sample rate is not its own."""
    return utterance if isinstance(utterance, Sound) else model.sounds([utterance])[0]


def require_scaling(model: CIFRecognizer) -> None:
    """Raise `CIFError` unless the model can scale its weights to a number of tokens."""
    require(
        model.cif.config.apply_scaling,
        "expected a model that scales its weights to a number of tokens, "
        "got one with apply_scaling = False",
    )
