"""Like `ctc`, but a CTC loss on blocks inside the encoder too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from cifviz.errors import require, require_integer, require_type, shown
from cifviz.systems.base import Batch
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.encoder_system import Encoded


@dataclass(frozen=True)
class IntermediateCTCRecognizerConfig(CTCRecognizerConfig):
    """Everything that makes an `IntermediateCTCRecognizer`, but for its weights."""

    intermediate_blocks: tuple[int, ...] | None = None
    """Blocks of the encoder whose output has a loss too, from 0, ascending, without the last; None:
    the one in the middle. See `inner_blocks`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        blocks = len(self.encoder.dilations)
        require(blocks > 1, f"intermediate CTC needs an encoder of 2 blocks or more, got {blocks}")
        if self.intermediate_blocks is None:
            return
        require_type("intermediate_blocks", self.intermediate_blocks, Sequence)
        given = tuple(self.intermediate_blocks)
        object.__setattr__(self, "intermediate_blocks", given)
        for block in given:
            require_integer("each of intermediate_blocks", block, at_least=0, at_most=blocks - 2)
        require(
            bool(given) and all(one < another for one, another in pairwise(given)),
            f"intermediate_blocks must be at least one block, ascending, got {shown(given)}",
        )

    @property
    def inner_blocks(self) -> tuple[int, ...]:
        """`intermediate_blocks`, or the block that ends the first half: of 6 blocks, block 2."""
        return self.intermediate_blocks or (len(self.encoder.dilations) // 2 - 1,)


class IntermediateCTCRecognizer(CTCRecognizer):
    """Like `CTCRecognizer`, but blocks inside the encoder have to give the tokens as well.

    Their output passes the encoder's last norm and the same CTC head as that of the last block.
    Transcription is that of `CTCRecognizer`.

    Parameters
    ----------
    config : IntermediateCTCRecognizerConfig
        What to build. Its parameters are those of a `CTCRecognizer`, under the same names.

    Notes
    -----
    The usual loss is ``(1 − w) · ctc + w · intermediate_ctc``, w = 1/2, each per token;
    "intermediate_ctc" is the mean of the losses of the inner blocks. Label priors are learned from
    the last block alone.

    Papers: Graves et al. (2006); Lee & Watanabe (2021, arXiv 2102.03216), who attach the loss to an
    intermediate layer. That norm and head are shared, and that several losses are averaged, is as
    in ESPnet (github.com/espnet/espnet, espnet2/asr: encoder/conformer_encoder.py,
    maskctc_model.py). The weight of 1/2 is a choice made here.

    Examples
    --------
    >>> import torch
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> encoder = EncoderConfig(channels=8, dilations=(1, 2, 4, 1, 2, 4))
    >>> model = IntermediateCTCRecognizer(
    ...     IntermediateCTCRecognizerConfig(("no", "yes"), encoder=encoder)
    ... )
    >>> model.config.inner_blocks
    (2,)
    >>> sorted(model(Batch.collate([torch.zeros(40, 40)], [[0]])))
    ['ctc', 'intermediate_ctc']
    """

    Config = IntermediateCTCRecognizerConfig
    config: IntermediateCTCRecognizerConfig
    loss_weights: Mapping[str, float] = {"ctc": 0.5, "intermediate_ctc": 0.5}

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames of a batch, and what its inner blocks give."""
        seen: list[Tensor] = []

        def see(output: Tensor) -> Tensor | None:
            seen.append(output)
            return self.condition(output)

        after = dict.fromkeys(self.config.inner_blocks, see)
        encoder_out, lengths = self.encoder(batch.features, batch.lengths, after=after)
        return Encoded(batch, encoder_out, lengths, tuple(seen))

    def condition(self, output: Tensor) -> Tensor | None:
        """What is added to the input of the block behind an inner one; here nothing.

        The hook of systems in which later blocks know what earlier ones recognised.

        Parameters
        ----------
        output : Tensor (batch, frames, channels)
            Of an inner block, normalised.
        """
        return None

    def losses(self, encoded: Encoded, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        # Before the priors learn from the last block.
        _, *utterances = encoded.with_targets
        inner = [self.ctc.loss_of(self.ctc(one), *utterances) for one in encoded.intermediate]
        losses = super().losses(encoded, wanted=wanted)
        return {**losses, "intermediate_ctc": torch.stack(inner).mean()}
