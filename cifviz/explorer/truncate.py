"""The first seconds of a transcription, for pictures of long sound."""

from __future__ import annotations

from dataclasses import replace

import torch

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.firing import Firing
from cifviz.systems.transcription import Transcription


def truncate(transcription: Transcription, seconds: float) -> Transcription:
    """The first seconds of a transcription; all of it if it is not longer.

    Parameters
    ----------
    transcription : Transcription
    seconds : float > 0
        Length to keep, rounded to the nearest frame.

    Returns
    -------
    Transcription
        Sound, features and frames of that length, and the tokens that have fired by then. Their
        times, contributions and embeddings do not change.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_five")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> transcription.text, truncate(transcription, 1.0).text
    ('two seven one eight two', 'two seven')
    """
    if transcription.duration <= seconds:
        return transcription
    whole, grid = transcription.require_firing(), transcription.grid
    frames = min(round(grid.frame(seconds)), whole.alpha.shape[1])
    end = grid.seconds(frames)
    firing = truncate_firing(whole, frames)
    fires = int(firing.num_fires)
    waveform = transcription.waveform
    log_mel = transcription.log_mel
    if log_mel is not None:
        log_mel = log_mel[: round(transcription.config.features.grid.frame(end))]
    labels = transcription.given_labels
    return replace(
        transcription,
        tokens=transcription.tokens[:fires],
        scores=transcription.scores[:fires],
        alignment=Alignment(transcription.alignment.tokens[:fires]),
        words=transcription.words and truncate_alignment(transcription.words, end),
        firing=firing,
        duration=end,
        log_mel=log_mel,
        given_labels=None if labels is None else labels[:fires],
        waveform=None if waveform is None else waveform.cut(0.0, end),
    )


def truncate_alignment(alignment: Alignment, seconds: float) -> Alignment:
    """The timed tokens that begin before a moment.

    >>> from cifviz import TimedToken
    >>> two = Alignment((TimedToken("one", 0.1, 0.4), TimedToken("two", 0.4, 0.8)))
    >>> truncate_alignment(two, 0.3).text
    'one'
    """
    return Alignment(tuple(token for token in alignment.timed if (token.start or 0.0) < seconds))


def truncate_firing(firing: Firing, frames: int) -> Firing:
    """The first frames of the firing of one utterance, and the tokens that have fired by then.

    Examples
    --------
    After three frames the first of two tokens has fired, and the second is half full:

    >>> from cifviz.core.firing import integrate_and_fire
    >>> cut = truncate_firing(integrate_and_fire(torch.full((1, 4), 0.5), torch.eye(4)[None]), 3)
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
