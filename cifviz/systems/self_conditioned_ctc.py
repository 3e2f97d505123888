"""Like `intermediate_ctc`, but what inner blocks recognise is an input of the blocks behind."""

from __future__ import annotations

from torch import Tensor, nn

from cifviz.systems.intermediate_ctc import (
    IntermediateCTCRecognizer,
    IntermediateCTCRecognizerConfig,
)


class SelfConditionedCTCRecognizer(IntermediateCTCRecognizer):
    """Like `IntermediateCTCRecognizer`, but later blocks are told what inner ones recognise.

    Behind an inner block, ``h + W · softmax(head(norm(h))) + b`` takes the place of its output h,
    in training and in transcription: frames no longer give their labels independently of the labels
    of others.

    Parameters
    ----------
    config : IntermediateCTCRecognizerConfig
        What to build.

    Attributes
    ----------
    feed_back : nn.Linear
        W and b, the same behind all inner blocks.

    Notes
    -----
    Paper: Nozaki & Komatsu (2021, arXiv 2104.02724). That W is shared, and the gradient not
    stopped, is as in ESPnet (github.com/espnet/espnet, espnet2/asr/encoder/conformer_encoder.py).

    Examples
    --------
    With all parameters zero but W, all three labels have the probability 1/3:

    >>> import torch
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> encoder = EncoderConfig(channels=2, dilations=(1, 2))
    >>> config = IntermediateCTCRecognizerConfig(("no", "yes"), encoder=encoder)
    >>> model = SelfConditionedCTCRecognizer(config)
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> with torch.no_grad():
    ...     model.feed_back.weight[0] = torch.tensor([3.0, 6.0, 9.0])
    ...     model.condition(torch.zeros(1, 1, 2)).round()
    tensor([[[6., 0.]]])
    """

    def __init__(self, config: IntermediateCTCRecognizerConfig):
        super().__init__(config)
        self.feed_back = nn.Linear(len(config.vocabulary) + 1, config.encoder.channels)

    def condition(self, output: Tensor) -> Tensor:
        """``W · softmax(head(output)) + b`` (batch, frames, channels)."""
        added: Tensor = self.feed_back(self.ctc(output).exp())
        return added
