"""Like `cif`, but of neurons: an encoder that spikes, and fire rules with a leak or dynamics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.neurons import Membrane, NeuronFiring, NeuronRule
from cifviz.errors import require, require_choice
from cifviz.systems.base import Batch, Metric
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.spiking_encoder import GRUEncoder, SpikingEncoder
from cifviz.systems.transcription import Transcription

SPIKING, GRU = "spiking", "gru"
ENCODERS = (SPIKING, GRU)
SPIKES, OPERATIONS = "spikes", "operations"
"""Keys of `Transcription.extras`: spikes of the encoder, and its operations, of an utterance."""
RASTER = "raster"
"""The same for the spikes of the encoder's last layer (frames, neurons), 0 or 1, bytes; not there
where no neuron spikes, in a GRU."""


@dataclass(frozen=True)
class SpikingConfig(CIFRecognizerConfig):
    """Everything that makes a `SpikingRecognizer`, but for its weights."""

    neuron: NeuronRule = field(default_factory=NeuronRule)
    """The rule by which tokens fire."""
    network: str = SPIKING
    """The encoder: "spiking", or "gru" to compare with."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("network", self.network, ENCODERS)
        tail = self.cif.tail
        require(
            not self.cif.pause_frames and not tail.scales and (tail.fills or tail.rule == "drop"),
            "neurons know no pause_frames, and no tail_rule that scales all weights or appends one",
        )
        require(
            self.neuron.threshold == 1.0,
            f"the threshold of the neuron must be 1, as a CIF's, got {self.neuron.threshold}",
        )


def neuron_of(transcription: Transcription) -> NeuronRule | None:
    """The neuron that fired its tokens; None for a CIF, also as a neuron with ``integrate``."""
    rule = getattr(transcription.config, "neuron", None)
    is_other = isinstance(rule, NeuronRule) and rule.rule != "integrate"
    return rule if is_other and transcription.firing is not None else None


def membrane_of(transcription: Transcription) -> Membrane | None:
    """The membrane of `neuron_of` at the weights of a transcription; None without one."""
    rule = neuron_of(transcription)
    if rule is None:
        return None
    membrane, _, _ = rule.run(transcription.require_firing().scaled_alpha)
    return membrane


def _energy(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> dict[str, float | None]:
    """Spikes and operations of the encoder in a second of sound, over all utterances."""
    seconds = sum(one.duration for one in transcriptions)
    return {
        f"{name}_per_second": sum(one.extras[name] for one in transcriptions) / seconds
        if seconds
        else None
        for name in (SPIKES, OPERATIONS)
    }


class NeuronCIF(CIF):
    """Like `CIF`, but tokens fire by the rule of a neuron.

    Parameters
    ----------
    config : CIFConfig
        How weights are predicted, and the tail. Its `cif_threshold` is not looked at.
    neuron : NeuronRule
    """

    def __init__(self, config: CIFConfig, neuron: NeuronRule):
        super().__init__(config)
        self.neuron = neuron

    def forward(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor | None = None,
        *,
        target_lengths: Tensor | None = None,
        max_fires: int | None = None,
    ) -> Firing:
        """As of a `CIF`; with `target_lengths` as `NeuronRule.integrate` has it."""
        predicted = super().forward(encoder_out, frame_lengths)
        firing = self.neuron.integrate(
            predicted.alpha,
            encoder_out,
            frame_lengths=predicted.frame_lengths,
            target_lengths=target_lengths if self.config.apply_scaling else None,
            tail=self.config.tail,
        )
        if target_lengths is not None and not self.config.apply_scaling:
            firing = self.neuron.integrate(
                predicted.alpha, encoder_out, frame_lengths=predicted.frame_lengths
            )
        return self.layered(firing)


class SpikingRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but its encoder spikes and its tokens fire by the rule of a neuron.

    Parameters
    ----------
    config : SpikingConfig
        What to build.

    Notes
    -----
    A reconstruction of the idea of DyTr-SNN (Wang et al. 2023, arXiv 2302.01194), whose equations
    could not be read in full: a spiking encoder, and behind it one of several neuronal dynamics
    that turns its activity into tokens. The neurons of the encoder learn by surrogate gradients.
    The loss "quantity" is that of the soft count, see `NeuronFiring`. With the rule ``integrate``,
    or no leak, the tokens are those of a CIF whose `cif_threshold` is 1.

    Decoder and weights are no neurons: what is counted is the encoder alone, its spikes, and the
    additions at their synapses; of a GRU its multiplications and additions.
    """

    Config = SpikingConfig
    config: SpikingConfig
    metrics: ClassVar[Mapping[str, Metric]] = {**CIFRecognizer.metrics, "energy": _energy}

    def __init__(self, config: SpikingConfig):
        super().__init__(config)
        self.cif = NeuronCIF(config.cif, config.neuron)

    def make_encoder(self) -> nn.Module:
        """The encoder of the configuration."""
        kind = SpikingEncoder if self.config.network == SPIKING else GRUEncoder
        return kind(self.config.encoder)

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames of a batch, and the spikes of its layers."""
        made = self.encoder(batch.features, batch.lengths)
        return Encoded(batch, made.encoder_out, made.frame_lengths, made.spikes)

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """The quantity loss of the soft count: |count − N| per token."""
        assert isinstance(firing, NeuronFiring)
        _, lengths = self.fired_targets(encoded.batch)
        wrong = (firing.soft_count - lengths).abs().sum() / lengths.sum().clamp(min=1)
        return {"quantity": wrong.to(firing.alpha.dtype)}

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, with what its encoder did."""
        made = super().transcriptions(sounds, encoded)
        spikes, operations = self.activity(encoded)
        rasters = self.rasters(encoded)
        return [
            replace(one, extras={**one.extras, SPIKES: fired, OPERATIONS: done, **raster})
            for one, fired, done, raster in zip(
                made, spikes.tolist(), operations.tolist(), rasters, strict=True
            )
        ]

    def rasters(self, encoded: Encoded) -> list[dict[str, Any]]:
        """`RASTER` of each utterance, padding cut off; of a GRU nothing."""
        lengths = encoded.frame_lengths.tolist()
        if not encoded.intermediate:
            return [{} for _ in lengths]
        last = encoded.intermediate[-1].detach().to(torch.uint8).cpu().numpy()
        return [{RASTER: last[index, :length]} for index, length in enumerate(lengths)]

    def activity(self, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Spikes and operations of the encoder for each utterance, each (batch,)."""
        if isinstance(self.encoder, SpikingEncoder):
            return self.encoder.operations(encoded.intermediate)
        assert isinstance(self.encoder, GRUEncoder)
        lengths = encoded.frame_lengths.double()
        return 0 * lengths, self.encoder.operations_per_frame * lengths
