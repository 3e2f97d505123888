"""What systems share that write tokens while they still read: segments, a policy and delays.

A segment is what was read and made one vector. The policy is the same for all of them: token i is
written as soon as i + k − 1 segments are complete. Only then is more read.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.core.firing import Firing
from cifviz.errors import require_choice, require_integer, require_number
from cifviz.metrics import (
    average_lagging,
    average_proportion,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
)
from cifviz.systems.base import Batch, Metric
from cifviz.systems.causal_encoder import CausalEncoder
from cifviz.systems.configuration import EncoderSystemConfig
from cifviz.systems.ctc_head import CTCHead
from cifviz.systems.decoders import LABEL_SMOOTHING, DecoderConfig
from cifviz.systems.encoder_system import Encoded, EncoderSystem, Sound, require_finite
from cifviz.systems.feature_normalisation import running_normalise
from cifviz.systems.segment_decoder import LOOK_BACK, USES, SegmentDecoder
from cifviz.systems.transcription import ATTENTION, CONTRIBUTIONS, Transcription

DELAYS = "delays"
"""The key of `Transcription.extras` for the delay of each token: seconds of sound that were read
when it was written, an array (tokens,)."""
END = "(end)"
"""Name of the segment at which the writing ended."""
SPARE_TOKENS = 10
"""Writing stops at so many more tokens than there are segments."""


@dataclass(frozen=True)
class SegmentTranslatorConfig(EncoderSystemConfig):
    """Everything that makes a `SegmentTranslator`, but for its weights."""

    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    """Its kind is not looked at."""
    uses: str = LOOK_BACK
    """What a token is made of: "look-back", all segments that were there in time; "fusion", the
    segment of its own place alone."""
    wait: int = 1
    """k: token i, counted from 1, is written when i + k − 1 segments are complete."""
    overshoot: float = 1.0
    """Added to the logit of the end for each token beyond the number of segments."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("uses", self.uses, USES)
        require_integer("wait", self.wait, above=0)
        require_number("overshoot", self.overshoot, at_least=0)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.decoder.layers

    @property
    def edges(self) -> Edges | None:
        """None: its tokens are not those of the sound, and have no times in it."""
        return None


class Segments(NamedTuple):
    """The segments of a batch."""

    embeddings: Tensor
    """(batch, segments, channels)"""
    counts: Tensor
    """Segments of each utterance (batch,)."""
    complete: Tensor
    """Those that are complete before the sound ends (batch,)."""
    ends: Tensor
    """Frames that were read when each is complete (batch, segments)."""
    rows: Tensor
    """What each is the mean of: shares of the frames (batch, segments, frames)."""
    firing: Firing | None = None
    """The firing that made them, if one did."""


class Written(NamedTuple):
    """A token as it is written."""

    token: str
    score: float
    """Its probability."""
    frames: int
    """Encoder frames that were read by then."""


def _lagging(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> dict[str, float | None]:
    """Mean AL, LAAL, DAL, in seconds, and AP, over the utterances of which there are any."""
    measured: dict[str, list[float]] = {"AL": [], "LAAL": [], "DAL": [], "AP": []}
    for one, words in zip(transcriptions, references, strict=True):
        delays, whole = one.extras[DELAYS].tolist(), one.duration
        for name, value in {
            "AL": average_lagging(delays, whole, len(words)),
            "LAAL": length_adaptive_average_lagging(delays, whole, len(words)),
            "DAL": differentiable_average_lagging(delays, whole),
            "AP": average_proportion(delays, whole, len(words)),
        }.items():
            measured[name] += [] if math.isnan(value) else [value]
    return {name: sum(found) / len(found) if found else None for name, found in measured.items()}


class SegmentTranslator(EncoderSystem):
    """A causal encoder, segments of its frames, and a decoder that writes while sound comes.

    A subclass says what the segments are: `segments`, and in training `losses`. Tokens need not be
    those of the sound, nor in their order: its targets are a translation.

    Parameters
    ----------
    config : SegmentTranslatorConfig
        What to build.

    Notes
    -----
    *The end* is a token like others: the decoder learns it, and writing ends where it is written,
    whether the sound has ended or not. When the sound has ended, tokens are written until the end
    is, the last segment standing for those that lack; behind the number of segments the end becomes
    more likely by `overshoot` with each token. Source of that rule: github.com/George0828Zhang/
    simulst.

    *Delays* count whole encoder frames, as read. What the analysis window of the features reaches
    beyond them, and the time that computing takes, is not in them.
    """

    config: SegmentTranslatorConfig
    readouts: ClassVar[Mapping[str, Any]] = {}
    metrics: ClassVar[Mapping[str, Metric]] = {"lagging": _lagging}

    def __init__(self, config: SegmentTranslatorConfig):
        super().__init__(config)
        channels, vocabulary = config.encoder.channels, len(config.vocabulary)
        self.decoder = SegmentDecoder(config.decoder, channels, vocabulary, uses=config.uses)
        self.ctc = CTCHead(channels, vocabulary + 1)  # with the end

    def make_encoder(self) -> CausalEncoder:
        """An encoder that sees no frame before it is there."""
        return CausalEncoder(self.config.encoder)

    def inputs(self, sound: Sound) -> Tensor:
        """Log-mel relative to the loudest frame so far."""
        return running_normalise(sound.log_mel)

    def segments(self, encoded: Encoded, target_lengths: Tensor | None = None) -> Segments:
        """The segments of a batch.

        Parameters
        ----------
        encoded : Encoded
        target_lengths : Tensor (batch,), optional
            In training: the number of tokens with the end, where segments depend on it.
        """
        raise NotImplementedError

    def with_end(self, batch: Batch) -> Batch:
        """The batch with the mark of the end behind the targets of each utterance."""
        lengths = batch.target_lengths
        marked = F.pad(batch.targets, (0, 1), value=-1)
        marked = marked.scatter(1, lengths.unsqueeze(1), self.decoder.mark)
        spans = torch.full((*marked.shape, 2), -1.0, dtype=torch.float64, device=marked.device)
        return replace(batch, targets=marked, target_lengths=lengths + 1, spans=spans)

    def losses(self, encoded: Encoded, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already; per token, ends included."""
        batch = self.with_end(encoded.batch)
        log_probs = self.ctc(encoded.encoder_out)
        segments = self.segments(encoded, batch.target_lengths)
        return {
            "cross_entropy": self.cross_entropy(segments, batch),
            "ctc": self.ctc.loss_of(
                log_probs, encoded.frame_lengths, batch.targets, batch.target_lengths
            ),
            **self.segment_losses(segments, batch, log_probs, wanted=wanted),
        }

    def segment_losses(
        self, segments: Segments, batch: Batch, log_probs: Tensor, *, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """Further losses, per token and by name; here none.

        Parameters
        ----------
        segments : Segments
        batch : Batch
            With the ends.
        log_probs : Tensor (batch, frames, vocabulary + 2)
            Of CTC.
        wanted : collection of str
            Which of `further_losses` training asks for.
        """
        return {}

    def cross_entropy(self, segments: Segments, batch: Batch) -> Tensor:
        """Of the tokens and the end, each told those before it and the segments it would see."""
        targets, lengths = batch.targets, batch.target_lengths
        previous = F.pad(targets[:, :-1], (1, 0), value=self.decoder.mark).clamp(min=0)
        logits, _ = self.decoder(
            previous, segments.embeddings, segments.counts, wait=self.config.wait
        )
        losses = F.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=-1,
            label_smoothing=LABEL_SMOOTHING,
            reduction="sum",
        )
        return losses / lengths.sum().clamp(min=1)

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, whose tokens are those of the translation, untimed."""
        # 1. What is written.
        segments = self.segments(encoded)
        ids, scores, shares, counts = self._write(segments)
        require_finite(scores)

        # 2. When, and from which frames.
        place = torch.arange(1, ids.shape[1] + 1, device=ids.device)
        needed = (place + self.config.wait - 1).expand_as(ids)
        in_time = needed <= segments.complete.unsqueeze(1)
        ends = F.pad(segments.ends, (0, 1))  # something to take where there is no segment
        read = ends.take_along_dim((needed - 1).clamp(max=ends.shape[1] - 1), dim=1)
        read = torch.where(in_time, read, encoded.frame_lengths.unsqueeze(1))
        rows = shares.double() @ segments.rows

        # 3. One by one.
        made = []
        for index, sound in enumerate(sounds):
            count, frames = int(counts[index]), int(encoded.frame_lengths[index])
            tokens = [self.config.vocabulary[one] for one in ids[index, :count].tolist()]
            seconds = self.grid.seconds(read[index, :count].double())
            one = self.from_rows(
                sound,
                ids[index, :count].tolist(),
                scores[index, :count].tolist(),
                rows[index, :count, :frames],
                kind=ATTENTION if self.config.uses == LOOK_BACK else CONTRIBUTIONS,
            )
            firing = segments.firing.utterance(index).cpu() if segments.firing else None
            fires = int(segments.counts[index]) if segments.firing else 0
            named = [*tokens, END, *(str(n + 1) for n in range(count + 1, fires))][:fires]
            delays = seconds.clamp(0, sound.duration).cpu()
            made.append(
                replace(
                    one,
                    firing=firing,
                    given_labels=tuple(named) if segments.firing else None,
                    extras={DELAYS: delays},
                )
            )
        return made

    def next_token(self, previous: Tensor, segments: Tensor, counts: Tensor) -> Any:
        """Probabilities of what follows the last token (batch, vocabulary + 1), and shares.

        Parameters
        ----------
        previous : Tensor (batch, steps)
            The mark, and the tokens so far.
        segments : Tensor (batch, segments, channels)
        counts : Tensor (batch,)
            Segments that are complete, or all when the sound has ended.
        """
        logits, shares = self.decoder(previous, segments, counts, wait=self.config.wait)
        beyond = (previous.shape[1] - counts).clamp(min=0) * self.config.overshoot
        logits = logits[:, -1].clone()
        logits[:, self.decoder.mark] += beyond.to(logits.dtype)
        return logits.softmax(dim=1), shares[:, -1]

    def _write(self, segments: Segments) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Greedy tokens, their probabilities (batch, tokens), shares of segments, numbers."""
        counts, mark = segments.counts, self.decoder.mark
        limits = (counts + SPARE_TOKENS) * (counts > 0)
        written = torch.zeros_like(counts)
        going_on = written < limits
        previous = counts.new_full((len(counts), 1), mark)
        scores: list[Tensor] = [segments.embeddings.new_zeros(len(counts), 0)]
        shares = [segments.embeddings.new_zeros(len(counts), 0, segments.embeddings.shape[1])]
        while going_on.any():
            chances, share = self.next_token(previous, segments.embeddings, counts)
            best = chances.max(dim=1)
            going_on = going_on & (best.indices != mark)
            written = written + going_on
            going_on = going_on & (written < limits)
            previous = torch.cat([previous, best.indices.unsqueeze(1)], dim=1)
            scores.append(best.values.unsqueeze(1))
            shares.append(share.unsqueeze(1))
        return previous[:, 1:], torch.cat(scores, 1), torch.cat(shares, 1), written
