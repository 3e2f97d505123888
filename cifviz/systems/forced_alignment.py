"""Forced alignment: where in the sound the tokens of a known transcript lie.

By count alone a CIF finds as many places as there are tokens, whichever words are there: a token
too many or too few in the transcript moves all that follow, and only the scores show it. By CTC the
tokens decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.errors import require, require_choice, require_type
from cifviz.systems.base import for_one
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.transcription import Transcription


@torch.inference_mode()
def align_by_count(
    model: CIFRecognizer, waveform: Waveform, tokens: Sequence[str], **request: Any
) -> Transcription:
    """Scale the weights so that as many tokens fire as the transcript has.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode.
    waveform : Waveform
        At the model's sample rate.
    tokens : sequence of str
        The transcript, in words of the model's vocabulary.
    **request
        As for `System.transcribe`.

    Returns
    -------
    Transcription
        Of exactly these tokens, with the edges that the model reads. A score is the probability
        that the decoder gives a token on the embedding fired for it: low where the sound is of
        another word.

    Raises
    ------
    CIFError
        If a token is not in the vocabulary or the model is in training mode, does not scale its
        weights, or has no such further input.

    See Also
    --------
    align_by_ctc : looks at which tokens they are.

    Notes
    -----
    FunASR's timestamp model aligns so, with weights of its own: it never sees the tokens.
    """
    ids = _ids(model, waveform, tokens)
    require(model.config.cif.apply_scaling, "the model's CIF must scale its weights to a count")
    sounds = model.sounds([waveform])
    encoded = model.encoded(sounds, **for_one(request)).labelled(ids)
    counts = encoded.batch.target_lengths
    firing = model.cif(encoded.encoder_out, encoded.frame_lengths, target_lengths=counts)
    adapted = model.adapt(firing.embeddings, firing, encoded)
    losses = model.token_losses(firing, adapted, encoded, label_smoothing=0.0)
    return Transcription.of_system(
        firing,
        tokens,
        scores=losses[0].neg().exp().tolist(),
        grid=model.config.grid,
        edges=model.config.edges,
        **model.fields(sounds[0]),
    )


@torch.inference_mode()
def align_by_ctc(
    model: CIFRecognizer, waveform: Waveform, tokens: Sequence[str], **request: Any
) -> Alignment:
    """The most likely path of the model's CTC head through the tokens.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode; its CTC head was trained beside its CIF, on the same encoder.
    waveform : Waveform
        At the model's sample rate.
    tokens : sequence of str
        The transcript, in words of the model's vocabulary.
    **request
        As for `System.transcribe`.

    Returns
    -------
    Alignment
        A token lasts from its first frame on the path to its last; CTC makes that shorter than the
        word. A score is the mean probability of the token in these frames. Untimed, all of them,
        where the sound has too few frames for the tokens.

    Raises
    ------
    CIFError
        If a token is not in the vocabulary, or the model is in training mode or has no such further
        input.

    See Also
    --------
    align_by_count : a CIF, which counts.
    """
    ids = _ids(model, waveform, tokens)
    sounds = model.sounds([waveform])
    encoded = model.encoded(sounds, **for_one(request)).labelled(ids)
    log_probs = model.ctc(encoded.encoder_out).log_softmax(dim=2)
    _, *utterance = encoded.with_targets
    spans = ctc_viterbi(log_probs, *utterance, blank=len(model.config.vocabulary))
    timed = []
    for token, number, (first, end) in zip(tokens, ids[0].tolist(), spans[0].tolist(), strict=True):
        if first < 0:
            timed.append(TimedToken(token))
            continue
        start, stop = (
            min(max(model.config.grid.seconds(float(frame)), 0.0), waveform.duration)
            for frame in (first, end)
        )
        score = float(log_probs[0, first:end, number].exp().mean())
        timed.append(TimedToken(token, start, stop, min(score, 1.0)))
    return Alignment(tuple(timed))


def _ids(model: CIFRecognizer, waveform: Waveform, tokens: Sequence[str]) -> Tensor:
    """Ids of the tokens (1, tokens), once all arguments are sure to be right."""
    require_type("model", model, CIFRecognizer)
    require_type("waveform", waveform, Waveform)
    require(not model.training, "call .eval() before aligning: dropout is still on")
    for token in tokens:
        require_choice("token", token, model.config.vocabulary)
    ids = [model.config.vocabulary.index(token) for token in tokens]
    return torch.tensor(ids, dtype=torch.long).view(1, len(ids))
