"""The beginning of a transcription: what a picture of bearable width can show of an hour."""

from __future__ import annotations

from dataclasses import replace

import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.systems.transcription import Transcription


def opening(transcription: Transcription, seconds: float) -> Transcription:
    """The first seconds of a transcription; all of it where it is not longer.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser heard.
    seconds : float > 0
        How much to keep, to the nearest frame.

    Returns
    -------
    Transcription
        Sound, features and frames up to there, and the tokens that have fired by then, with their
        times, contributions and embeddings as they were.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_five")
    >>> heard = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> heard.text, opening(heard, 1.0).text
    ('two seven one eight two', 'two seven')
    """
    if transcription.duration <= seconds:
        return transcription
    grid, clock = transcription.grid, transcription.config.features.grid
    frames = min(round(grid.frame(seconds)), transcription.require_firing().alpha.shape[1])
    end = grid.seconds(frames)
    firing = first_frames(transcription.require_firing(), frames)
    fires = int(firing.num_fires)
    waveform = transcription.waveform
    return replace(
        transcription,
        tokens=transcription.tokens[:fires],
        scores=transcription.scores[:fires],
        alignment=Alignment(transcription.alignment.tokens[:fires]),
        firing=firing,
        duration=end,
        log_mel=transcription.log_mel[: round(clock.frame(end))],
        waveform=None if waveform is None else waveform.cut(0.0, end),
    )


def first_frames(firing: Firing, frames: int) -> Firing:
    """The firing of one utterance up to a frame: the tokens that have fired by then, unchanged.

    Examples
    --------
    Of two tokens the second is still on its way after three frames, and half full:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> cut = first_frames(integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None]), 3)
    >>> cut.contributions.tolist(), cut.residual.tolist()
    ([[[0.5, 0.5, 0.0]]], [0.5])
    """
    fires = (firing.fire_positions <= frames).sum(dim=1)
    tail_fired = firing.tail_fired & (fires == firing.num_fires)
    full = fires - tail_fired.long()
    mass = firing.axis.running[:, :frames].amax(dim=1) if frames else torch.zeros(1)
    shorter = replace(
        firing,
        num_fires=fires,
        tail_fired=tail_fired,
        residual=mass.double() - full * firing.threshold,
        axis=replace(firing.axis, frame_lengths=torch.tensor([frames])),
    )
    return shorter.utterance(0)
