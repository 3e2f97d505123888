"""Like `simultaneous`, but a segment is a fixed number of frames: wait-k, to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cifviz.core.validation import valid_mask
from cifviz.errors import require_integer
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.segment_translator import Segments, SegmentTranslator, SegmentTranslatorConfig


@dataclass(frozen=True)
class WaitKConfig(SegmentTranslatorConfig):
    """Everything that makes a `WaitKTranslator`, but for its weights."""

    segment_frames: int = 7
    """Encoder frames of a segment; of 40 ms each, 7 are 280 ms."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("segment_frames", self.segment_frames, above=0)


class WaitKTranslator(SegmentTranslator):
    """Reads k segments, then writes a token for each further one.

    A segment is the mean of its frames. How many there are does not depend on what is spoken, so
    that the lag grows or shrinks where speech is slower or faster than the clock.

    Parameters
    ----------
    config : WaitKConfig
        What to build; `wait` is k, in training and in inference.

    Notes
    -----
    Papers: Ma et al. (2019) for the policy; Ma, Pino & Koehn (2020) for a fixed number of frames in
    place of a word ("fixed pre-decision"). The usual loss is ``cross_entropy + 0.3 · ctc``, each
    per token.
    """

    Config = WaitKConfig
    config: WaitKConfig
    loss_weights: Mapping[str, float] = {"cross_entropy": 1.0, "ctc": 0.3}

    def segments(self, encoded: Encoded, target_lengths: Tensor | None = None) -> Segments:
        """Means of `segment_frames` frames each; the last one, of fewer, when the sound ends."""
        size, lengths = self.config.segment_frames, encoded.frame_lengths
        frames = encoded.encoder_out.shape[1]
        real = valid_mask(lengths, frames)
        segment = torch.arange(-(-frames // size), device=real.device)
        frame = torch.arange(frames, device=real.device)
        inside = (frame // size == segment.unsqueeze(1)) & real.unsqueeze(1)
        rows = inside.double() / inside.sum(dim=2, keepdim=True).clamp(min=1)
        ends = torch.minimum((segment + 1) * size, lengths.unsqueeze(1))
        embeddings = rows.to(encoded.encoder_out.dtype) @ encoded.encoder_out
        return Segments(embeddings, -(-lengths // size), lengths // size, ends, rows)
