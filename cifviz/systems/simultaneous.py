"""Like `cif`, but it translates while it listens: its fires say when a token may be written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.streaming import CIFState
from cifviz.core.tail import TailRule
from cifviz.core.validation import check_lengths, described, valid_mask
from cifviz.errors import require, require_number, require_type
from cifviz.systems.alignment_losses import ALIGNMENT_LOSSES
from cifviz.systems.base import Batch
from cifviz.systems.causal_encoder import CausalEncoder
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.feature_normalisation import QUIET, running_normalise
from cifviz.systems.segment_translator import (
    SPARE_TOKENS,
    Segments,
    SegmentTranslator,
    SegmentTranslatorConfig,
    Written,
)

LARGEST_THRESHOLD = 16.0
"""Mass of a token in inference, at most."""


@dataclass(frozen=True)
class SimultaneousConfig(SegmentTranslatorConfig):
    """Everything that makes a `SimultaneousTranslator`, but for its weights."""

    cif: CIFConfig = field(default_factory=lambda: CIFConfig(r_order=0))
    """Its weights must not depend on what comes: a convolution has ``r_order=0``."""
    threshold: float = 1.0
    """β in inference; training fires at 1. Below 1 there are more fires, and they come earlier."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("threshold", self.threshold, above=0, at_most=LARGEST_THRESHOLD)
        cif = self.cif
        require(
            self.encoder.channels == cif.encoder_embed_dim == cif.embedding_dim,
            f"the CIF must take and give vectors of {self.encoder.channels} channels, as the "
            f"encoder does, got {cif.encoder_embed_dim} and {cif.embedding_dim}",
        )
        looks = cif.produce_weight_type in ("conv", "depthwise") and cif.conv_cif_width > 1
        require(
            not looks or (cif.r_order == 0 and cif.conv_cif_layer_num == 1),
            "the weights of a simultaneous CIF must not depend on what comes: expected r_order = 0 "
            f"and conv_cif_layer_num = 1, got {cif.r_order} and {cif.conv_cif_layer_num}",
        )
        require(
            not (cif.pause_frames or cif.add_cif_ctxt_layers or cif.tail.scales),
            "a simultaneous CIF fires before the sound ends: it has no pause_frames, no "
            "add_cif_ctxt_layers and no tail_rule that scales all weights",
        )

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + (self.cif.produce_weight_type == "conv")


class SimultaneousTranslator(SegmentTranslator):
    """Segments are what a CIF fires: a token is written when there are more fires than tokens.

    Parameters
    ----------
    config : SimultaneousConfig
        What to build.

    Notes
    -----
    Paper: Chang & Lee (2022, arXiv 2204.09595); formulas and rules are those of their code
    (github.com/George0828Zhang/simulst). The fires are counted with the end: training scales the
    weights to N + 1. With ``uses="fusion"`` it is CIF-F, with ``uses="look-back"`` CIF-IL, with
    ``wait > 1`` wait-k on fires. Other than there: the encoder is a convolutional one without any
    look-ahead in place of an Emformer; CTC is taught the end too; a segment is divided by β, so
    that it is as large in inference as in training; and an end that is written before the sound
    ends, ends the writing.

    The usual loss is ``cross_entropy + 0.3 · ctc + quantity``, each per token. Training may ask for
    "latency", see `latency_loss`, and for the losses of `ALIGNMENT_LOSSES` that follow CTC:
    "spikes" is the paper's quantity loss "align", in place of "quantity", its "sum".
    """

    Config = SimultaneousConfig
    config: SimultaneousConfig
    encoder: CausalEncoder
    loss_weights: Mapping[str, float] = {"cross_entropy": 1.0, "ctc": 0.3, "quantity": 1.0}
    further_losses = ("latency", *(name for name in ALIGNMENT_LOSSES if name != "even"))

    def __init__(self, config: SimultaneousConfig):
        super().__init__(config)
        self.cif = CIF(config.cif)

    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained model add up to about as many tokens as there are."""
        self.cif.start_at(tokens_per_frame)

    def segments(self, encoded: Encoded, target_lengths: Tensor | None = None) -> Segments:
        """What the CIF fires, at β in inference; divided by β."""
        firing = self.fired(encoded, target_lengths)
        place = torch.arange(1, firing.embeddings.shape[1] + 1, device=firing.alpha.device)
        before = firing.axis.fired.unsqueeze(1) < place[:, None]
        ends = torch.minimum(before.sum(dim=2) + 1, encoded.frame_lengths.unsqueeze(1))
        return Segments(
            firing.embeddings / firing.threshold,
            firing.num_fires,
            firing.num_fires - firing.tail_fired.long(),
            ends,
            firing.contributions / firing.threshold,
            firing,
        )

    def fired(self, encoded: Encoded, target_lengths: Tensor | None = None) -> Firing:
        """What fires: scaled to the numbers of tokens in training, at β in inference."""
        frames, lengths = encoded.encoder_out, encoded.frame_lengths
        firing: Firing = self.cif(frames, lengths, target_lengths=target_lengths)
        if target_lengths is not None:
            return firing
        return integrate_and_fire(
            firing.alpha,
            frames,
            frame_lengths=lengths,
            threshold=self.config.threshold,
            slack=self.slack,
            tail=self.tail,
        )

    @property
    def slack(self) -> float:
        """δ in inference, the same share of β as in training."""
        return self.config.threshold * self.config.cif.slack

    @property
    def tail(self) -> TailRule:
        """The tail rule in inference: its value is a share of β."""
        tail = self.config.cif.tail
        if tail.value is None:
            return tail
        return TailRule(tail.rule, tail.value * self.config.threshold)

    def segment_losses(
        self, segments: Segments, batch: Batch, log_probs: Tensor, *, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """The quantity loss, and what training asks for."""
        firing, lengths = segments.firing, batch.target_lengths
        assert firing is not None
        losses = {"quantity": quantity_loss(firing, lengths)}
        for name, loss in ALIGNMENT_LOSSES.items():
            if name in wanted and name in self.further_losses:
                losses[name] = loss(firing, batch, log_probs, self.config.encoder.down_sampling)
        if "latency" in wanted:
            losses["latency"] = latency_loss(firing, lengths)
        return losses

    def stream(self) -> TranslationStream:
        """One utterance that is fed piece by piece."""
        return TranslationStream(self)


def latency_loss(firing: Firing, target_lengths: Tensor) -> Tensor:
    """Differentiable average lagging of the expected delays, per token.

    Parameters
    ----------
    firing : Firing
        Scaled to the numbers of tokens.
    target_lengths : Tensor (batch,), integers
        Number of tokens of each utterance, N.

    Returns
    -------
    Tensor ()
        ``Σ_b max(0, DAL_b) / max(1, Σ_b N_b)``: DAL of the delays ``d_i = Σ_t W[i, t] · (t + 1) /
        β``, in frames, as `cifviz.metrics.differentiable_average_lagging` defines it.

    Examples
    --------
    Two tokens in four frames. For the mass of the first one 1.5 frames are read in the mean; for
    that of the second 3.5, of which an ideal system waits for 2. A lag of 1.5 each, for two tokens:

    >>> firing = integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None])
    >>> latency_loss(firing, torch.tensor([2]))
    tensor(0.7500)

    Notes
    -----
    Source: github.com/George0828Zhang/simulst, where it is a sum over the batch that is divided by
    the number of its tokens.
    """
    require_type("firing", firing, Firing)
    lengths = check_lengths("target_lengths", target_lengths, firing.alpha)
    weights = firing.contributions / firing.threshold
    frame = torch.arange(1, weights.shape[2] + 1, device=weights.device, dtype=weights.dtype)
    delays = weights @ frame
    counts = firing.num_fires
    place = torch.arange(delays.shape[1], device=delays.device)
    step = firing.frame_lengths.double() / counts.clamp(min=1)
    lags = delays - place * step.unsqueeze(1)
    if lags.shape[1]:  # it takes no empty axis
        lags = lags.cummax(dim=1).values
    lagging = (lags * valid_mask(counts, lags.shape[1])).sum(dim=1) / counts.clamp(min=1)
    return (lagging.clamp(min=0).sum() / lengths.sum().clamp(min=1)).to(firing.alpha.dtype)


class TranslationStream:
    """A translation that is written while log-mel frames come.

    How the frames come in, one by one or all at once, makes no difference to the fires, not even in
    the last bit: they are encoded one encoder frame after the other. What is kept grows by a vector
    for each fire, not with the frames.

    Parameters
    ----------
    model : SimultaneousTranslator
        In evaluation mode.

    Attributes
    ----------
    frames : int
        Encoder frames that were read.
    fire_positions : list of float
        Where the fires lie, in fractional encoder frames.
    tokens : list of Written
        All that was written.
    """

    def __init__(self, model: SimultaneousTranslator):
        require_type("model", model, SimultaneousTranslator)
        model.require_evaluation_mode()
        self.model = model
        weight = model.encoder.norm.weight
        channels = len(weight)
        cif = model.config.cif
        looks = cif.produce_weight_type in ("conv", "depthwise")
        self._pending = weight.new_zeros(0, model.config.encoder.n_mels)
        self._loudest = QUIET
        self._encoder = model.encoder.start()
        self._window = weight.new_zeros(1, cif.conv_cif_width if looks else 1, channels)
        self._cif = CIFState.start(
            1,
            channels,
            threshold=model.config.threshold,
            slack=model.slack,
            device=weight.device,
        )
        self._segments = weight.new_zeros(1, 0, channels)
        self._previous = torch.full((1, 1), model.decoder.mark, device=weight.device)
        self._ended = self._finished = False
        self.frames = 0
        self.fire_positions: list[float] = []
        self.tokens: list[Written] = []

    @torch.inference_mode()
    def feed(self, log_mel: Tensor) -> list[Written]:
        """Read the next frames; what is written by the end of them.

        Parameters
        ----------
        log_mel : Tensor (feature_frames, n_mels)
            Natural logarithm of mel power, not normalised; there may be none.

        Raises
        ------
        CIFError
            If it is no such tensor of finite numbers, or the stream is finished.
        """
        require(not self._finished, "the stream is finished: begin another one")
        bands = self.model.config.encoder.n_mels
        require(
            isinstance(log_mel, Tensor) and log_mel.ndim == 2 and log_mel.shape[1] == bands,
            f"log_mel must be a tensor (feature_frames, {bands}), got {described(log_mel)}",
        )
        require(bool(log_mel.isfinite().all()), "log_mel must be finite, got NaN or inf")
        before, new = len(self.tokens), log_mel.to(self._pending)
        features = running_normalise(new, self._loudest)
        if len(new):
            self._loudest = max(self._loudest, float(new.mean(dim=1).max()))
        self._pending = torch.cat([self._pending, features])
        size = self.model.config.encoder.down_sampling
        while len(self._pending) >= size:
            self._read(self._pending[:size])
            self._pending = self._pending[size:]
        return self.tokens[before:]

    @torch.inference_mode()
    def finish(self) -> list[Written]:
        """The sound has ended: the tail fires or not, and the rest is written."""
        require(not self._finished, "the stream is finished: begin another one")
        before, self._finished = len(self.tokens), True
        if len(self._pending):
            self._read(self._pending)
        fired, self._cif = self._cif.flush(self.model.tail)
        self._keep(fired.embeddings, fired.fire_positions)
        limit = self._segments.shape[1] + SPARE_TOKENS if self._segments.shape[1] else 0
        while not self._ended and len(self.tokens) < limit:
            self._write()
        return self.tokens[before:]

    def _read(self, features: Tensor) -> None:
        """Read an encoder frame, and write as long as there are more segments than needed."""
        frame, self._encoder = self.model.encoder.step(features, self._encoder)
        frame = frame[None, None]
        self._window = torch.cat([self._window[:, 1:], frame], dim=1)
        alpha = self.model.cif(self._window).alpha[:, -1:]
        fired, self._cif = self._cif.feed(alpha, frame)
        self.frames += 1
        self._keep(fired.embeddings, fired.fire_positions)
        wait = self.model.config.wait
        while not self._ended and self._segments.shape[1] >= len(self.tokens) + wait:
            self._write()

    def _keep(self, embeddings: Tensor, positions: Tensor) -> None:
        """Keep what fired."""
        new = embeddings / self.model.config.threshold
        self._segments = torch.cat([self._segments, new], dim=1)
        self.fire_positions += positions[0].tolist()

    def _write(self) -> None:
        """Write the next token, or the end."""
        counts = torch.tensor([self._segments.shape[1]], device=self._segments.device)
        chances, _ = self.model.next_token(self._previous, self._segments, counts)
        score, best = chances[0].max(dim=0)
        self._previous = torch.cat([self._previous, best.view(1, 1)], dim=1)
        self._ended = int(best) == self.model.decoder.mark
        if not self._ended:
            token = self.model.config.vocabulary[int(best)]
            self.tokens.append(Written(token, float(score), self.frames))
