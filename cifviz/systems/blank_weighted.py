"""Like `cif`, but a frame weighs the less, the surer its CTC head is of a blank there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig


class BlankWeightedRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but weights are multiplied by the probability that there is no blank.

    ``α_t · (1 − P(blank | frame t))`` takes the place of α_t wherever weights are used: in every
    loss, in firing and in what edges are read off. What `CIFConfig.noise_threshold` takes off is
    taken off the product. No gradient flows into the probabilities: CTC alone teaches them.

    Parameters
    ----------
    config : CIFRecognizerConfig
        What to build. Its parameters are those of a `CIFRecognizer`, under the same names.

    Examples
    --------
    With all parameters zero, every weight is 1/2, and so is the probability of a blank:

    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = CIFRecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = BlankWeightedRecognizer(config).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> model.transcribe(Waveform([0.0] * 1600)).firing.alpha
    tensor([[0.2500, 0.2500, 0.2500]])
    """

    def __init__(self, config: CIFRecognizerConfig):
        super().__init__(config)
        self.cif.weights.register_forward_hook(self._weigh)

    def _weigh(self, predictor: nn.Module, inputs: tuple[Tensor, Tensor], alpha: Tensor) -> Tensor:
        """What the weight predictor gives, multiplied."""
        encoder_out, _ = inputs
        with torch.no_grad():
            blank = self.ctc(encoder_out).softmax(dim=2)[:, :, -1]
        return alpha * (1 - blank)
