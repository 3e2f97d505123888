"""Losses on where a CIF's weights lie, by name; training asks for them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.core.firing import Firing
from cifviz.core.losses import (
    border_mass_loss,
    even_mass_loss,
    segment_mass_loss,
    spike_mass_loss,
    spike_segment_mass_loss,
)
from cifviz.systems.base import Batch

AlignmentLoss = Callable[[Firing, Batch, Tensor, int], Tensor]
"""Of the firing, the reference, CTC's log-probabilities (batch, frames, vocabulary + 1; the blank
comes last) and the feature frames in a frame."""


def _spans(firing: Firing, batch: Batch, log_probs: Tensor) -> Tensor:
    return ctc_viterbi(
        log_probs,
        firing.frame_lengths,
        batch.targets,
        batch.target_lengths,
        blank=log_probs.shape[2] - 1,
    )


ALIGNMENT_LOSSES: dict[str, AlignmentLoss] = {
    "segments": lambda firing, batch, log_probs, shrink: segment_mass_loss(
        firing, _spans(firing, batch, log_probs), batch.target_lengths
    ),
    "spikes": lambda firing, batch, log_probs, shrink: spike_mass_loss(
        firing, _spans(firing, batch, log_probs), batch.target_lengths
    ),
    "spike_segments": lambda firing, batch, log_probs, shrink: spike_segment_mass_loss(
        firing, _spans(firing, batch, log_probs), batch.target_lengths
    ),
    "borders": lambda firing, batch, log_probs, shrink: border_mass_loss(
        firing, log_probs[:, :, -1].detach().exp(), batch.target_lengths
    ),
    "even": lambda firing, batch, log_probs, shrink: even_mass_loss(
        firing, batch.spans / shrink, batch.target_lengths
    ),
}
"""All but "even", which is taught known times, follow the model's own CTC."""
