"""Forced alignment: where in the sound the tokens of a known transcript lie.

By count alone a CIF finds as many places as there are tokens, whatever is said there: a word too
many or too few moves all that follows, and only the scores tell. By CTC the tokens decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.errors import require, require_choice, require_type
from cifviz.systems.cif import Recognizer, Transcription, normalise


@torch.inference_mode()
def align_by_count(model: Recognizer, waveform: Waveform, tokens: Sequence[str]) -> Transcription:
    """Scale the weights so that as many tokens fire as were said.

    Parameters
    ----------
    model : Recognizer
        In evaluation mode.
    waveform : Waveform
        At the model's sample rate.
    tokens : sequence of str
        What was said, in words of the model's vocabulary.

    Returns
    -------
    Transcription
        Of exactly these tokens, with the edges that the model reads. A score is the probability
        that the decoder gives a token on the embedding fired for it: low where something else is
        heard.

    Raises
    ------
    CIFError
        If a token is not in the vocabulary or the model is in training mode, or does not scale its
        weights.

    See Also
    --------
    align_by_ctc : looks at which tokens they are.

    Notes
    -----
    FunASR's timestamp model aligns so, with weights of its own: it never sees the tokens.
    """
    ids = _ids(model, waveform, tokens)
    require(model.config.cif.apply_scaling, "the model's CIF must scale its weights to a count")
    log_mel = model.config.features(waveform)
    firing = model.cif(*_encoded(model, log_mel), target_lengths=torch.tensor([len(ids[0])]))
    logits = model.decoder(firing.embeddings, firing.num_fires, ids)
    probabilities = logits.softmax(dim=2).gather(2, ids.unsqueeze(2))
    scores = probabilities.flatten().tolist()
    alignment = Alignment.from_firing(
        firing,
        tokens,
        model.grid,
        edges=model.config.edges,
        scores=scores,
        duration=waveform.duration,
    )
    return Transcription(
        tokens=tuple(tokens),
        scores=tuple(scores),
        alignment=alignment,
        firing=firing,
        grid=model.grid,
        duration=waveform.duration,
        log_mel=log_mel,
        config=model.config,
        waveform=waveform,
        model=model.name,
    )


@torch.inference_mode()
def align_by_ctc(model: Recognizer, waveform: Waveform, tokens: Sequence[str]) -> Alignment:
    """The most likely path of the model's CTC head through the tokens.

    Parameters
    ----------
    model : Recognizer
        In evaluation mode; its CTC head was trained beside its CIF, on the same encoder.
    waveform : Waveform
        At the model's sample rate.
    tokens : sequence of str
        What was said, in words of the model's vocabulary.

    Returns
    -------
    Alignment
        A token lasts from its first frame on the path to its last; CTC makes that shorter than the
        word. A score is the mean probability of the token in these frames. Untimed, all of them,
        where the sound has too few frames for the tokens.

    Raises
    ------
    CIFError
        If a token is not in the vocabulary, or the model is in training mode.

    See Also
    --------
    align_by_count : a CIF, which counts.
    """
    ids = _ids(model, waveform, tokens)
    encoder_out, frame_lengths = _encoded(model, model.config.features(waveform))
    log_probs = model.ctc(encoder_out).log_softmax(dim=2)
    count = torch.tensor([len(ids[0])])
    spans = ctc_viterbi(log_probs, frame_lengths, ids, count, blank=len(model.config.vocabulary))
    timed = []
    for token, number, (first, end) in zip(tokens, ids[0].tolist(), spans[0].tolist(), strict=True):
        if first < 0:
            timed.append(TimedToken(token))
            continue
        start, stop = (
            min(max(model.grid.seconds(float(frame)), 0.0), waveform.duration)
            for frame in (first, end)
        )
        score = float(log_probs[0, first:end, number].exp().mean())
        timed.append(TimedToken(token, start, stop, min(score, 1.0)))
    return Alignment(tuple(timed))


def _ids(model: Recognizer, waveform: Waveform, tokens: Sequence[str]) -> Tensor:
    """Ids of the tokens (1, tokens), once all arguments are sure to be right."""
    require_type("model", model, Recognizer)
    require_type("waveform", waveform, Waveform)
    require(not model.training, "call .eval() before aligning: dropout is still on")
    for token in tokens:
        require_choice("token", token, model.config.vocabulary)
    ids = [model.config.vocabulary.index(token) for token in tokens]
    return torch.tensor(ids, dtype=torch.long).view(1, len(ids))


def _encoded(model: Recognizer, log_mel: Tensor) -> tuple[Tensor, Tensor]:
    features = normalise(log_mel)
    encoder_out, frame_lengths = model.encoder(features[None], torch.tensor([len(features)]))
    return encoder_out, frame_lengths
