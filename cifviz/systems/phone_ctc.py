"""Learning words and their phones at once, from more speech than holds the recogniser's words.

A handful of words is told apart by whatever differs in a handful of speakers. Phones are shared by
all words, so utterances of any words can teach the encoder to hear them; what learns them is thrown
away after training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.errors import require
from cifviz.systems.cif import Batch, Recognizer, RecognizerConfig


class PhoneticLearner(nn.Module):
    """A recogniser with a second task: CTC over phones, on its encoder.

    Parameters
    ----------
    recognizer : Recognizer
        What is trained.
    pronunciations : sequence of sequences of int >= 0
        The phones of each word: first of the recogniser's tokens by id, then of other words.

    Notes
    -----
    Targets of a batch may hold ids of the other words. Utterances with one of them teach phones
    alone.

    Examples
    --------
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = RecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> learner = PhoneticLearner(Recognizer(config), [(0, 1), (1, 0, 2)])
    >>> learner.phones.out_features, "three phones and the blank"
    (4, 'three phones and the blank')
    """

    def __init__(self, recognizer: Recognizer, pronunciations: Sequence[Sequence[int]]):
        super().__init__()
        require(
            len(pronunciations) >= len(recognizer.config.vocabulary),
            "expected a pronunciation for each of the recogniser's "
            f"{len(recognizer.config.vocabulary)} tokens, got {len(pronunciations)}",
        )
        self.recognizer = recognizer
        self.pronunciations = [tuple(phones) for phones in pronunciations]
        self.blank = 1 + max(phone for phones in self.pronunciations for phone in phones)
        self.phones = nn.Linear(recognizer.config.encoder.channels, self.blank + 1)

    @property
    def config(self) -> RecognizerConfig:
        """The recogniser's."""
        return self.recognizer.config

    def forward(self, batch: Batch, **settings: Any) -> dict[str, Tensor]:
        """The recogniser's losses on the utterances whose words it knows, and ``phones``.

        ``phones`` is the CTC loss per phone over all utterances; it is part of ``loss``.
        """
        encoder_out, frame_lengths = self.recognizer.encoder(batch.features, batch.lengths)
        known = (batch.targets < len(self.config.vocabulary)).all(dim=1)
        losses: dict[str, Tensor] = {}
        if known.any():
            losses = self.recognizer.losses(
                Batch(**{name: value[known] for name, value in vars(batch).items()}),
                encoder_out[known],
                frame_lengths[known],
                **settings,
            )
        spoken = [
            [phone for word in words[:count] for phone in self.pronunciations[word]]
            for words, count in zip(
                batch.targets.tolist(), batch.target_lengths.tolist(), strict=True
            )
        ]
        lengths = torch.tensor([len(phones) for phones in spoken], device=frame_lengths.device)
        phones = F.ctc_loss(
            self.phones(encoder_out).log_softmax(dim=2).transpose(0, 1),
            torch.tensor([phone for phones in spoken for phone in phones], device=lengths.device),
            frame_lengths,
            lengths,
            blank=self.blank,
            reduction="sum",
            zero_infinity=True,
        )
        phones = phones / lengths.sum().clamp(min=1)
        return {**losses, "loss": losses.get("loss", 0) + phones, "phones": phones}
