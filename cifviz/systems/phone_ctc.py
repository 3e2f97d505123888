"""Learning words and their phones at once, from more speech than holds the recogniser's words.

A handful of words is told apart by whatever differs in a handful of speakers. Phones are shared by
all words, so utterances of any words can teach the encoder to distinguish them. The layer that
learns them is thrown away after training.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from cifviz.errors import require
from cifviz.systems.base import Batch, Learner
from cifviz.systems.ctc_head import CTCHead
from cifviz.systems.encoder_system import EncoderSystem


class PhoneticLearner(Learner):
    """A recogniser with a second task: CTC over phones, on its encoder.

    Parameters
    ----------
    recognizer : EncoderSystem
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
    >>> from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = CIFRecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> learner = PhoneticLearner(CIFRecognizer(config), [(0, 1), (1, 0, 2)])
    >>> learner.phones.blank, "the blank's id, after three phones"
    (3, "the blank's id, after three phones")
    """

    def __init__(self, recognizer: EncoderSystem, pronunciations: Sequence[Sequence[int]]):
        super().__init__(recognizer.config)
        require(
            len(pronunciations) >= len(recognizer.config.vocabulary),
            "expected a pronunciation for each of the recogniser's "
            f"{len(recognizer.config.vocabulary)} tokens, got {len(pronunciations)}",
        )
        self.recognizer = recognizer
        self.loss_weights = {**recognizer.loss_weights, "phones": 1.0}
        self.further_losses, self.extras = recognizer.further_losses, recognizer.extras
        self.pronunciations = [tuple(phones) for phones in pronunciations]
        count = 1 + max(phone for phones in self.pronunciations for phone in phones)
        self.phones = CTCHead(recognizer.config.encoder.channels, count)

    def forward(self, batch: Batch, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """The recogniser's losses on the utterances whose words it knows, and ``phones``.

        ``phones`` is the CTC loss per phone over all utterances.
        """
        # 1. The recogniser's own, where its vocabulary has the words.
        encoded = self.recognizer.encode(batch)
        known = (batch.targets < len(self.config.vocabulary)).all(dim=1)
        losses: dict[str, Tensor] = {}
        if known.any():
            losses = self.recognizer.losses(encoded.select(known), wanted=wanted)

        # 2. The phones of all words.
        targets = [
            torch.tensor([phone for word in words[:count] for phone in self.pronunciations[word]])
            for words, count in zip(
                batch.targets.tolist(), batch.target_lengths.tolist(), strict=True
            )
        ]
        device = batch.targets.device
        phones = self.phones.loss(
            encoded.encoder_out,
            encoded.frame_lengths,
            pad_sequence(targets, batch_first=True).long().to(device),
            torch.tensor([len(one) for one in targets], device=device),
        )
        return {**losses, "phones": phones}
