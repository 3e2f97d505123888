"""Training a context network in minutes: the recogniser is frozen, so what it fires is kept."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor

from cifviz.systems.base import Batch, Learner
from cifviz.systems.coldec import ColDecRecognizer


class PhraseLearner(Learner):
    """Like training a `ColDecRecognizer`, but on fired embeddings, as `fired_examples` makes them.

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
        """The loss "context"; the features of the batch are fired embeddings."""
        model = self.recognizer
        return {"context": model.context_loss(batch.features, batch.lengths, batch.targets)}
