"""CIF: an encoder, continuous integrate-and-fire and a decoder; CTC beside it in training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.alignment.boundary_readout import CIF_READOUTS, learn_edges
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.errors import require
from cifviz.metrics import mass_in_silence, weight_sum_error
from cifviz.systems.alignment_losses import ALIGNMENT_LOSSES
from cifviz.systems.base import Batch, Metric
from cifviz.systems.configuration import EncoderSystemConfig, SystemConfig
from cifviz.systems.decoders import (
    LABEL_SMOOTHING,
    Decoder,
    DecoderConfig,
    make_decoder,
    token_cross_entropy,
)
from cifviz.systems.domain import STATISTICS, ClassStatistics, mean_distance
from cifviz.systems.encoder_system import Encoded, EncoderSystem, Sound, require_finite
from cifviz.systems.transcription import Transcription


@dataclass(frozen=True)
class CIFRecognizerConfig(EncoderSystemConfig):
    """Everything that makes a `CIFRecognizer`, but for its weights."""

    cif: CIFConfig = field(default_factory=CIFConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    edges: Edges = field(default_factory=Edges)
    """Where token times are read; shifts learned on a development set."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.encoder.channels == self.cif.encoder_embed_dim,
            f"the CIF expects frames of {self.cif.encoder_embed_dim} channels, "
            f"the encoder gives {self.encoder.channels}",
        )

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        convolutions = self.cif.conv_cif_layer_num * (self.cif.produce_weight_type == "conv")
        context = self.cif.cif_ctxt_layers * self.cif.add_cif_ctxt_layers
        return super().num_layers + convolutions + context + self.decoder.layers


def _weight_sum_error(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> dict[str, float]:
    """Mean and mean absolute value of Σα − N, in tokens."""
    firings = [one.require_firing() for one in transcriptions]
    sums = [float(one.weight_sum) / one.threshold for one in firings]
    return weight_sum_error(sums, [len(words) for words in references])


def _share_in_silence(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> float | None:
    """Share of the weight that lies outside of the reference's tokens; None without weight.

    Utterances of which a reference token is untimed do not count.
    """
    timed = [
        (one.require_firing(), one.grid, words)
        for one, words in zip(transcriptions, references, strict=True)
        if words.timed == words.tokens
    ]
    weight = sum(float(firing.weight_sum) / firing.threshold for firing, _, _ in timed)
    silent = sum(mass_in_silence(*one) / one[0].threshold for one in timed)
    return silent / weight if weight else None


class CIFRecognizer(EncoderSystem):
    """Encoder → CIF → decoder, with CTC beside it in training.

    Parameters
    ----------
    config : CIFRecognizerConfig
        What to build.

    Attributes
    ----------
    statistics : ClassStatistics or None
        What its embeddings were like on its training data; None where that was not measured.

    Notes
    -----
    Paper: Dong & Xu (2020). The usual loss is ``cross_entropy + 0.5 · ctc + quantity``, each per
    token. Training may ask for losses on where the weights lie, see `ALIGNMENT_LOSSES`.

    CIF-NAR is this system with the decoder "nar" or "projection", and with or without context
    layers (`CIFConfig.add_cif_ctxt_layers`); CIF-AR is this system with the decoder "ar".
    """

    Config = CIFRecognizerConfig
    config: CIFRecognizerConfig
    loss_weights: Mapping[str, float] = {"cross_entropy": 1.0, "ctc": 0.5, "quantity": 1.0}
    further_losses = tuple(ALIGNMENT_LOSSES)
    readouts = CIF_READOUTS
    metrics: ClassVar[Mapping[str, Metric]] = {
        "weight_sum_error": _weight_sum_error,
        "share_in_silence": _share_in_silence,
    }

    def __init__(self, config: CIFRecognizerConfig):
        super().__init__(config)
        self.statistics: ClassStatistics | None = None
        self.cif = CIF(config.cif)
        self.decoder = self.make_decoder()
        self.ctc = nn.Linear(config.encoder.channels, len(config.vocabulary) + 1)

    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained model add up to about as many tokens as there are."""
        self.cif.start_at(tokens_per_frame)

    def make_decoder(self) -> Decoder:
        """The decoder of the configuration; a system with another one overrides this."""
        config = self.config
        return make_decoder(config.decoder, config.cif.embedding_dim, len(config.vocabulary))

    def fired_targets(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the model fires for, one fire each: the targets, unless a system overrides this.

        The hook of systems whose fires are not the tokens that the decoder gives. The weights are
        scaled to these, and the quantity loss, CTC and the losses on where weights lie are theirs.
        The decoder is taught `Batch.targets`, see `token_losses`. Where it does not give one token
        for each fire, a system overrides `transcriptions` too.

        Parameters
        ----------
        batch : Batch

        Returns
        -------
        ids : Tensor (batch, tokens)
            Padded with −1; of the vocabulary of the CTC layer.
        lengths : Tensor (batch,)
        """
        return batch.targets, batch.target_lengths

    def adapt(self, embeddings: Tensor, firing: Firing, encoded: Encoded) -> Tensor:
        """What the decoder is given for the fired embeddings, in training and in transcription.

        The hook of systems that put something between firing and decoder: context, a translation,
        a policy. Here nothing is changed.

        Parameters
        ----------
        embeddings : Tensor (batch, fires, dim)
            Those of `firing`.
        firing : Firing
            Of the whole batch.
        encoded : Encoded
            The batch with its further inputs, and the encoder's frames.

        Returns
        -------
        Tensor (batch, fires, dim)
        """
        return embeddings

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """Losses of a system that derives from this one, per token and by name; here none.

        Parameters
        ----------
        firing : Firing
            Scaled to the number of `fired_targets`.
        adapted : Tensor (batch, fires, dim)
            What `adapt` gave for it.
        encoded : Encoded
        wanted : collection of str
            Which of `further_losses` training asks for.
        """
        return {}

    def logits(
        self, adapted: Tensor, num_fires: Tensor, targets: Tensor, encoded: Encoded
    ) -> Tensor:
        """What the decoder gives where it is told the tokens before, in `token_losses`.

        The hook of systems whose decoder looks at more than the embeddings; they override `decode`
        too.

        Parameters
        ----------
        adapted : Tensor (batch, fires, dim)
            What `adapt` gave.
        num_fires : Tensor (batch,)
            Fires of each utterance.
        targets : Tensor (batch, fires)
            The tokens, 0 behind the last one.
        encoded : Encoded

        Returns
        -------
        Tensor (batch, fires, vocabulary)
        """
        logits: Tensor = self.decoder(adapted, num_fires, targets)
        return logits

    def token_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        label_smoothing: float = LABEL_SMOOTHING,
    ) -> Tensor:
        """Cross-entropy of each token, where the decoder is told those before.

        The hook of systems that teach some of the tokens only, such as a glancing sampler. The loss
        "cross_entropy" is the sum over the batch, divided by its number of targets.

        Parameters
        ----------
        firing : Firing
            Scaled to the number of `fired_targets`.
        adapted : Tensor (batch, fires, dim)
            What `adapt` gave for it.
        encoded : Encoded
        label_smoothing : float
            Share of a target that is given to all tokens alike.

        Returns
        -------
        Tensor (batch, tokens)
            0 where an utterance has no fire or no target. Without scaling as many tokens come out
            as fire: of fires and targets the smaller number.
        """
        targets, fires = encoded.batch.targets, adapted.shape[1]
        told = F.pad(targets, (0, max(0, fires - targets.shape[1])))[:, :fires].clamp(min=0)
        logits = self.logits(adapted, firing.num_fires.clamp(max=fires), told, encoded)
        return token_cross_entropy(
            logits, firing.num_fires, targets, label_smoothing=label_smoothing
        )

    def losses(
        self,
        encoded: Encoded,
        *,
        wanted: Collection[str] = (),
        label_smoothing: float = LABEL_SMOOTHING,
    ) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        # 1. Fire, and decode what fired.
        batch, encoder_out, frame_lengths = (
            encoded.batch,
            encoded.encoder_out,
            encoded.frame_lengths,
        )
        fired = self._fired(batch, wanted)
        firing = self.cif(encoder_out, frame_lengths, target_lengths=fired.target_lengths)
        quantity = quantity_loss(firing, fired.target_lengths)
        adapted = self.adapt(firing.embeddings, firing, encoded)
        losses = self.token_losses(firing, adapted, encoded, label_smoothing=label_smoothing)
        cross_entropy = losses.sum() / batch.target_lengths.sum().clamp(min=1)

        # 2. CTC on the same encoder.
        log_probs = self.ctc(encoder_out).log_softmax(dim=2)
        missing = int(not log_probs.shape[1])  # it takes no batch without any frame
        ctc = F.ctc_loss(
            F.pad(log_probs, (0, 0, 0, missing)).transpose(0, 1),
            fired.targets.clamp(min=0),
            frame_lengths,
            fired.target_lengths,
            blank=log_probs.shape[2] - 1,
            reduction="sum",
            zero_infinity=True,
        )

        # 3. What else training asks for.
        shrink = self.config.encoder.down_sampling
        where = {
            name: loss(firing, fired, log_probs, shrink)
            for name, loss in ALIGNMENT_LOSSES.items()
            if name in wanted
        }
        own = self.own_losses(firing, adapted, encoded, wanted=wanted)
        ctc = ctc / fired.target_lengths.sum().clamp(min=1)
        usual = {"cross_entropy": cross_entropy, "ctc": ctc, "quantity": quantity}
        return {**usual, **where, **own}

    @torch.inference_mode()
    def fire(self, waveforms: Sequence[Waveform], **request: Sequence[Any]) -> Firing:
        """Weights and fires of a batch of waveforms, without decoding them."""
        encoded = self.encoded(self.sounds(waveforms), **request)
        firing: Firing = self.cif(encoded.encoder_out, encoded.frame_lengths)
        return firing

    def decode(self, firing: Firing, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Most likely tokens of a firing and their probabilities, each (batch, fires)."""
        adapted = self.adapt(firing.embeddings, firing, encoded)
        return self.decoder.decode(adapted, firing.num_fires)

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, from the encoder's frames of all of them."""
        fired: Firing = self.cif(encoded.encoder_out, encoded.frame_lengths)
        return self.decoded(sounds, encoded, fired)

    def decoded(
        self, sounds: Sequence[Sound], encoded: Encoded, fired: Firing
    ) -> list[Transcription]:
        """Like `transcriptions`, but of a firing that is given, such as one scaled to a count."""
        return self.transcribed(sounds, fired, *self.decode(fired, encoded))

    def transcribed(
        self, sounds: Sequence[Sound], fired: Firing, ids: Tensor, scores: Tensor
    ) -> list[Transcription]:
        """The transcriptions of sounds whose firing is decoded: ids and scores (batch, fires)."""
        require_finite(scores)
        made = []
        for sound, one, row, sure in zip(sounds, fired, ids.tolist(), scores.tolist(), strict=True):
            fires = int(one.num_fires)
            tokens = [self.config.vocabulary[index] for index in row[:fires]]
            made.append(self.transcription(sound, one.cpu(), tokens, sure[:fires]))
        return made

    def transcription(
        self, sound: Sound, firing: Firing, tokens: Sequence[str], scores: Sequence[float]
    ) -> Transcription:
        """The transcription of a sound whose firing is decoded, with the learned edges."""
        return Transcription.of_system(
            firing,
            tokens,
            scores=scores,
            grid=self.config.grid,
            edges=self.config.edges,
            domain_distance=mean_distance(self.statistics, firing.embeddings[0, : len(tokens)]),
            **self.fields(sound),
        )

    def learn_edges(self, pairs: Sequence[tuple[Transcription, Alignment]]) -> Edges:
        """Learn where token edges are read, and keep it in the configuration."""
        edges = learn_edges(pairs)
        self.config = replace(self.config, edges=edges)
        return edges

    def kept(self) -> tuple[SystemConfig, dict[str, bytes]]:
        """The configuration to be saved, and `statistics` if there are any."""
        if self.statistics is None:  # a bound means nothing without what it bounds
            return replace(self.config, domain=None), {}
        return self.config, {STATISTICS: self.statistics.to_bytes()}

    def restore(self, folder: Path) -> None:
        """Read the statistics beside the weights, if the configuration has a bound for them."""
        if self.config.domain is not None:
            self.statistics = ClassStatistics.load(folder, self.config.cif.embedding_dim)

    def _fired(self, batch: Batch, wanted: Collection[str]) -> Batch:
        """The batch with `fired_targets` in place of its targets; spans are known of targets."""
        ids, lengths = self.fired_targets(batch)
        if ids is batch.targets:
            return batch
        require("even" not in wanted, 'the loss "even" needs spans, and of fired targets are none')
        return replace(batch, targets=ids, target_lengths=lengths)
