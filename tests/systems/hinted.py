"""Like `cif`, but the decoder is told how many times each token is hinted at: a system for tests.

It has a further input (of each utterance the number of hints at each token), something between
firing and decoder, a loss, a read-out and a metric of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from cifviz.alignment.boundary_readout import CENTROID, CIF_READOUTS, BoundaryReadout
from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.core.validation import valid_mask
from cifviz.systems.base import Collate, Metric
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.transcription import Transcription


@dataclass(frozen=True)
class HintedConfig(CIFRecognizerConfig):
    """Everything that makes a `HintedRecognizer`, but for its weights."""

    hint_weight: float = 1.0
    """What hints are multiplied by."""


def _hinted_share(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> dict[str, int]:
    """How many tokens were recognised, and how many there are."""
    return {
        "recognised": sum(len(one.tokens) for one in transcriptions),
        "spoken": sum(len(words) for words in references),
    }


class HintedRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but hints at its tokens are added to the fired embeddings."""

    Config = HintedConfig
    config: HintedConfig
    extras: Mapping[str, Collate] = {"hints": torch.stack}
    loss_weights: Mapping[str, float] = {**CIFRecognizer.loss_weights, "size": 0.01}
    further_losses = (*CIFRecognizer.further_losses, "unhinted")
    readouts: ClassVar[Mapping[str, BoundaryReadout]] = {
        **CIF_READOUTS,
        "centroid, unshifted": BoundaryReadout(CENTROID, CENTROID, shifted=False),
    }
    metrics: ClassVar[Mapping[str, Metric]] = {**CIFRecognizer.metrics, "counts": _hinted_share}

    def __init__(self, config: HintedConfig):
        super().__init__(config)
        self.hint = nn.Linear(len(config.vocabulary), config.cif.embedding_dim, bias=False)

    def adapt(self, embeddings: Tensor, firing: Firing, encoded: Encoded) -> Tensor:
        """Fired embeddings, each with the hints of its utterance."""
        extras = encoded.batch.extras
        if "hints" not in extras:
            return embeddings
        hints = self.config.hint_weight * self.hint(extras["hints"].float())
        return embeddings + hints.unsqueeze(1)

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """The mean square of the embeddings, and of what hints change where that is wanted."""
        fired = valid_mask(firing.num_fires, adapted.shape[1]).unsqueeze(2)
        tokens = encoded.batch.target_lengths.sum().clamp(min=1)
        losses = {"size": (adapted.square() * fired).mean(dim=2).sum() / tokens}
        if "unhinted" in wanted:
            change: Any = (adapted - firing.embeddings).square() * fired
            losses["unhinted"] = change.mean(dim=2).sum() / tokens
        return losses
