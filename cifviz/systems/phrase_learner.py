"""Training a context network in minutes: the recogniser is frozen, so what it fires is kept."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor

from cifviz.systems.base import Batch, Learner
from cifviz.systems.coldec import ColDecRecognizer


class PhraseLearner(Learner):
    """Like training a `ColDecRecognizer`, but on embeddings that it fired before.

    The features of a batch are what was fired for the targets of each utterance (batch, fires, dim)
    and its lengths are their numbers.

    Parameters
    ----------
    recognizer : ColDecRecognizer
        Of which the context network is trained.
    """

    def __init__(self, recognizer: ColDecRecognizer):
        super().__init__(recognizer.config)
        self.recognizer = recognizer
        self.loss_weights = recognizer.loss_weights

    def forward(self, batch: Batch, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """The losses by their names, see `ColDecRecognizer.context_losses`."""
        fired = batch.features, batch.lengths, batch.targets
        return self.recognizer.context_losses(*fired, wanted=wanted)
