"""Phones that fire anew in stretches of the sound: those of a transcript, or whatever is there.

A path gives each phone of a known transcript its frames; without one `free_segments` does. The
weights are scaled to a mass of one inside the stretch of each phone, and to nothing outside.
It is the scaling by which a CIF is trained, for each phone instead of for the whole utterance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.alignment.boundary_readout import OFFSET_QUANTILES, ONSET_QUANTILES, best_of
from cifviz.alignment.joined_tokens import joined
from cifviz.alignment.mass_times import times_at
from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.errors import require, require_choice, require_type, shown
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.decoders import ProjectionDecoder
from cifviz.systems.doubtful_words import PRESENCE, UNEXPLAINED, UNEXPLAINED_MASS
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.free_segments import free_segments
from cifviz.systems.phone_evidence import SMALLEST, PhoneEvidence
from cifviz.systems.phone_paths import PATHS, path_spans
from cifviz.systems.transcription import Transcription
from cifviz.systems.word_presence import Presence, misfit, word_presence

MOST_PHONES = 40.0
"""In a second. Nobody speaks more; fast speech has 20."""
ROUNDING = 1e-6
"""Slack of the firing: what rounding may take off the sum of a stretch, so that its phone does not
wait for the next one's weights."""
FREE_WEIGHTS, COUNTS = "free_weights", "phone_counts"
"""Keys of `Transcription.extras`: the weights as they were before scaling (frames,), and the number
of phones of each word."""


def phone_evidence(model: CIFRecognizer, encoded: Encoded, index: int = 0) -> PhoneEvidence:
    """What a model says about one encoded sound.

    Parameters
    ----------
    model : CIFRecognizer
        With a decoder "projection" and without context layers: a phone is judged from its own
        embedding.
    encoded : Encoded
        A batch.
    index : int
        Which of the batch.

    Raises
    ------
    CIFError
        If the model has another decoder.
    """
    length = encoded.frame_lengths[index : index + 1]
    hidden = encoded.encoder_out[index, : int(length)]
    firing = model.cif(hidden[None], length)
    return PhoneEvidence(
        alpha=firing.alpha[0].double().cpu().numpy(),
        hidden=hidden.float().cpu(),
        ctc=model.ctc(hidden).float().log_softmax(dim=1).cpu(),
        classify=_pointwise(model),
    )


def _pointwise(model: CIFRecognizer) -> Callable[[Tensor], Tensor]:
    """The decoder as a function of a single embedding."""
    decoder = model.decoder
    if not isinstance(decoder, ProjectionDecoder):
        kind = model.config.decoder.kind
        require(False, f'phones are judged one by one by the decoder "projection", got "{kind}"')
    require(model.cif.context is None, "phones are judged one by one without context layers")

    def classify(embeddings: Tensor) -> Tensor:
        device = next(model.parameters()).device
        embeddings = embeddings.to(device)
        if model.cif.output is not None:
            embeddings = model.cif.output(embeddings)
        many = torch.tensor([len(embeddings)], device=device)
        logits: Tensor = decoder(embeddings[None], many, many)[0]
        return logits.float().log_softmax(dim=1).cpu()

    return classify


def scaled_to_spans(alpha: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Weights that come to one in each stretch, and to nothing outside.

    Parameters
    ----------
    alpha : array (frames,)
        Weights >= 0.
    spans : array (tokens, 2)
        First and last fractional frame of each, in order and disjoint.

    Returns
    -------
    array (frames,)
        In a stretch without mass all frames weigh alike.

    Examples
    --------
    The first token takes a frame and a half:

    >>> scaled_to_spans(np.array([1.0, 1.0, 5.0]), np.array([[0, 1.5], [1.5, 2]])).tolist()
    [0.6666666666666666, 1.3333333333333333, 0.0]
    """
    scaled = np.zeros(len(alpha))
    for first, last in spans:
        start = min(int(first), len(alpha) - 1)
        stop = max(int(np.ceil(last)), start + 1)
        frames = np.arange(start, stop)
        share = np.minimum(frames + 1, last) - np.maximum(frames, first)
        share = share if share.sum() > SMALLEST else np.ones(len(frames))
        mass = share * alpha[start:stop]
        mass = mass if mass.sum() > SMALLEST else share
        scaled[start:stop] += mass / mass.sum()
    return scaled


def fired_in(
    evidence: PhoneEvidence,
    spans: np.ndarray,
    ids: Sequence[int],
    *,
    target_lengths: Tensor | None = None,
) -> tuple[Firing, list[float]]:
    """Scale the weights in each stretch to one, and fire again.

    Parameters
    ----------
    evidence : PhoneEvidence
    spans : array (phones, 2)
        See `scaled_to_spans`.
    ids : sequence of int (phones,)
        Which phone each stretch is.
    target_lengths : Tensor (1,), optional
        Of weights that are scaled to so many fires, where there are no stretches.

    Returns
    -------
    firing : Firing
        Of one utterance, a fire for each stretch.
    scores : list of float (phones,)
        The probability that the decoder gives each phone in its stretch.
    """
    firing = integrate_and_fire(
        torch.from_numpy(scaled_to_spans(evidence.alpha, spans))[None],
        evidence.hidden[None].double(),
        target_lengths=target_lengths,
        slack=ROUNDING,
    )
    scores = [0.0] * len(ids)
    if len(spans):
        judged = evidence.log_probs(spans)[np.arange(len(ids)), list(ids)]
        scores = np.exp(judged).clip(0, 1).tolist()
    return firing, scores


def recognised(model: CIFRecognizer, sound: Sound, evidence: PhoneEvidence) -> Transcription:
    """The phones of a sound without a transcript: `free_segments`, one fire for each.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode.
    sound : Sound
    evidence : PhoneEvidence
        What the model says about it.

    Returns
    -------
    Transcription
        With the weights as they were, under `FREE_WEIGHTS`.
    """
    ids, spans = free_segments(evidence)
    firing, scores = fired_in(evidence, spans, ids.tolist())
    tokens = [model.config.vocabulary[phone] for phone in ids]
    found = model.transcription(sound, firing, tokens, scores)
    free = torch.from_numpy(evidence.alpha)
    return replace(found, extras={**found.extras, FREE_WEIGHTS: free})


def aligned(
    model: CIFRecognizer,
    sound: Sound,
    encoded: Encoded,
    words: Sequence[SpokenWord],
    *,
    path: str,
) -> Transcription:
    """The phones of the words, timed by a path.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode.
    sound : Sound
    encoded : Encoded
        The sound as a batch of one.
    words : sequence of SpokenWord
        The transcript; their phones are of the model's vocabulary.
    path : str
        Of `PATHS`.

    Returns
    -------
    Transcription
        Of the phones, with the `words` joined from them. A score is the probability that the
        decoder gives the phone in its stretch. All are untimed where there is no mass, or more than
        40 phones come on a second. Its `misfit` says whether the transcript fits the sound.

    Raises
    ------
    CIFError
        If there is no such path, or a phone is not in the vocabulary.
    """
    # 1. The phones, their evidence and a path through it.
    require_choice("path", path, list(PATHS))
    tokens = [phone for word in words for phone in word.phones]
    for token in dict.fromkeys(tokens):
        require_choice("phone", token, model.config.vocabulary)
    ids = [model.config.vocabulary.index(token) for token in tokens]
    counts = [len(word.phones) for word in words]
    evidence = phone_evidence(model, encoded)
    fits = evidence.has_mass and len(ids) <= MOST_PHONES * max(sound.duration, 1.0)
    spans = path_spans(path, evidence, ids, counts) if fits else np.zeros((0, 2))

    # 2. Fire again; where nothing fits, rows and all else stay as many as there are phones.
    without = None if fits else torch.tensor([len(ids)])
    firing, scores = fired_in(evidence, spans, ids, target_lengths=without)

    # 3. Phones and words with their times.
    found = model.transcription(sound, firing, tokens, scores)
    if len(tokens) and not fits:
        untimed = tuple(TimedToken(token, score=0.0) for token in tokens)
        found = replace(found, alignment=Alignment(untimed))

    # 4. Which words are there, and what besides.
    presence = (
        word_presence(evidence, ids, counts) if fits else Presence((0.0,) * len(words), (), 0)
    )
    grid = model.config.grid
    extras: dict[str, Any] = {
        FREE_WEIGHTS: torch.from_numpy(evidence.alpha),
        COUNTS: tuple(counts),
        PRESENCE: presence.probabilities,
        UNEXPLAINED: tuple((grid.seconds(a), grid.seconds(b)) for a, b in presence.unexplained),
        UNEXPLAINED_MASS: presence.free_mass,
    }
    return replace(
        found,
        words=joined(found.alignment, [word.text for word in words], counts),
        misfit=misfit(presence, len(ids), sound.duration),
        extras={**found.extras, **extras},
    )


def aligned_pairs(
    pairs: Sequence[tuple[Transcription, Alignment]],
) -> list[tuple[Transcription, Alignment]]:
    """Pairs to learn from, checked.

    Parameters
    ----------
    pairs : sequence of (Transcription, Alignment)
        What `aligned` gave for development utterances, and the true times of their words.

    Raises
    ------
    CIFError
        If one is something else, or there are not as many words in both.
    """
    require_type("pairs", pairs, Iterable)
    made = list(pairs)
    for number, pair in enumerate(made):
        require(
            isinstance(pair, Sequence) and len(pair) == 2,
            f"pair {number} must be a Transcription and an Alignment, got {shown(pair)}",
        )
        found, words = pair
        require_type(f"the first of pair {number}", found, Transcription)
        require_type(f"the second of pair {number}", words, Alignment)
        require(
            COUNTS in found.extras,
            f"pair {number}: expected what align gave for a transcript, got a transcription of "
            "phones without words",
        )
        count = len(found.extras[COUNTS])
        require(count == len(words), f"expected the times of {count} words, got {len(words)}")
    return made


def learn_word_edges(pairs: Sequence[tuple[Transcription, Alignment]]) -> Edges:
    """Like `learn_edges`, but the true times are those of words: edges of some phones alone.

    Parameters
    ----------
    pairs : sequence of (Transcription, Alignment)
        What `aligned` gave for development utterances, and the true times of their words.
        Utterances with an untimed word are passed over.

    Returns
    -------
    Edges
        The quantiles and shifts with the least mean absolute error; the default ones, read at the
        fires, without any pair.

    Raises
    ------
    CIFError
        If one was not aligned, or there are not as many words in both.
    """
    errors: list[list[np.ndarray]] = [[], []]
    for found, words in aligned_pairs(pairs):
        counts = found.extras[COUNTS]
        if words.timed != words.tokens or len(found.alignment.timed) < sum(counts):
            continue
        last = np.cumsum(counts) - 1
        places = (last - np.array(counts) + 1, last)
        for side, quantiles in enumerate((ONSET_QUANTILES, OFFSET_QUANTILES)):
            times = times_at(found.require_firing(), found.grid, quantiles, cut="fires").numpy()
            errors[side].append(times[places[side]] - np.array(words.spans)[:, side : side + 1])
    if not errors[0]:
        return Edges(cut="fires")
    (onset, onset_shift, _), (offset, offset_shift, _) = (
        best_of(np.concatenate(one)) for one in errors
    )
    return Edges(
        ONSET_QUANTILES[onset], OFFSET_QUANTILES[offset], onset_shift, offset_shift, cut="fires"
    )
