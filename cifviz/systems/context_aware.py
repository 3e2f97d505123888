"""Like `cif`, but a second decoder, the contextual one, corrects the first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.errors import require_choice
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import (
    LABEL_SMOOTHING,
    PARALLEL,
    DecoderConfig,
    ParallelDecoder,
    most_likely,
    token_cross_entropy,
)
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.unmasked_decoder import UnmaskedDecoder

CONTEXTUAL_INPUTS = ("hidden", "tokens")


@dataclass(frozen=True)
class ContextAwareConfig(CIFRecognizerConfig):
    """Everything that makes a `ContextAwareRecognizer`, but for its weights.

    The `decoder` is the first one, of a kind that gives all tokens at once.
    """

    contextual: DecoderConfig = field(default_factory=DecoderConfig)
    """The second decoder; its kind is not looked at."""
    contextual_input: str = "hidden"
    """What the second decoder is given of each fire: "hidden", what the first one made of it before
    its logits; "tokens", the embedding of its most likely token and what was fired, added up."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("kind of the first decoder", self.decoder.kind, PARALLEL)
        require_choice("contextual_input", self.contextual_input, CONTEXTUAL_INPUTS)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.contextual.layers


class ContextAwareRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but a second decoder corrects what the first one made of the fires.

    The first decoder knows of the sound what was fired. The second, an `UnmaskedDecoder`, sees all
    tokens of the first at once and attends to the encoder's frames again. Decoding is one pass
    through both, and the tokens are those of the second.

    Parameters
    ----------
    config : ContextAwareConfig
        What to build.

    Attributes
    ----------
    decoder : ParallelDecoder
        The first decoder; what it would say is ``decoder.decode(firing.embeddings,
        firing.num_fires)``. Its parameters, and all others of a `CIFRecognizer`, have the names
        that they have there.
    contextual : UnmaskedDecoder
        The second one.

    Notes
    -----
    One more loss: "cross_entropy" is that of the second decoder, "first_cross_entropy" that of the
    first; its usual weight is 0.5.

    The idea, a contextual decoder behind the decoder of a CIF: Yu et al. (2021, arXiv 2104.04702).
    How the two are joined here is a reconstruction: the input of the second decoder, its
    cross-attention, the sines and cosines of the tokens' places that are added to its input, and
    the weight of the first cross-entropy are choices of this implementation. The same paper lets
    the spikes of CTC guide the weights; for that, training of any CIF may ask for the loss "spikes"
    or "spike_segments", see `ALIGNMENT_LOSSES`.

    Examples
    --------
    Of three frames with half a token each comes one token. The first decoder would say "no"; the
    second says "yes", three times as likely:

    >>> import math
    >>> import torch
    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = ContextAwareConfig(
    ...     vocabulary=("no", "yes"),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = ContextAwareRecognizer(config).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> with torch.no_grad():
    ...     _ = model.decoder.output.bias.copy_(torch.tensor([9.0, 0.0]))
    ...     _ = model.output.bias.copy_(torch.tensor([0.0, math.log(3)]))
    >>> found = model.transcribe(Waveform([0.0] * 1600))
    >>> found.tokens, [round(score, 4) for score in found.scores]
    (('yes',), [0.75])
    """

    Config = ContextAwareConfig
    config: ContextAwareConfig
    decoder: ParallelDecoder
    loss_weights: Mapping[str, float] = {**CIFRecognizer.loss_weights, "first_cross_entropy": 0.5}

    def __init__(self, config: ContextAwareConfig):
        super().__init__(config)
        dim, vocabulary = config.contextual.dim, len(config.vocabulary)
        by_tokens = config.contextual_input == "tokens"
        width = config.cif.embedding_dim if by_tokens else self.decoder.output.in_features
        self.embed = nn.Embedding(vocabulary, dim) if by_tokens else None
        self.project = nn.Linear(width, dim)
        self.contextual = UnmaskedDecoder(config.contextual, config.encoder.channels)
        self.output = nn.Linear(dim, vocabulary)

    def adapt(self, embeddings: Tensor, firing: Firing, encoded: Encoded) -> Tensor:
        """What the first decoder makes of each fire, before its logits (batch, fires, features)."""
        return self.decoder.hidden(embeddings, firing.num_fires)

    def token_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        label_smoothing: float = LABEL_SMOOTHING,
    ) -> Tensor:
        """Cross-entropy of each token, by the second decoder."""
        return token_cross_entropy(
            self._corrected(firing, adapted, encoded),
            firing.num_fires,
            encoded.batch.targets,
            label_smoothing=label_smoothing,
        )

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """Cross-entropy of the first decoder's tokens, "first_cross_entropy"."""
        batch = encoded.batch
        losses = token_cross_entropy(
            self.decoder.output(adapted),
            firing.num_fires,
            batch.targets,
            label_smoothing=LABEL_SMOOTHING,
        )
        return {"first_cross_entropy": losses.sum() / batch.target_lengths.sum().clamp(min=1)}

    def decode(self, firing: Firing, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Most likely tokens of the second decoder and their probabilities, each (batch, fires)."""
        adapted = self.adapt(firing.embeddings, firing, encoded)
        return most_likely(self._corrected(firing, adapted, encoded))

    def _corrected(self, firing: Firing, adapted: Tensor, encoded: Encoded) -> Tensor:
        """Logits of the second decoder (batch, fires, vocabulary)."""
        if self.embed is None:
            tokens = self.project(adapted)
        else:
            first, _ = most_likely(self.decoder.output(adapted))
            tokens = self.embed(first) + self.project(firing.embeddings)
        frames = encoded.encoder_out, encoded.frame_lengths
        hidden = self.contextual(tokens, firing.num_fires, *frames)
        logits: Tensor = self.output(hidden)
        return logits
