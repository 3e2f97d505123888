"""Like decoding at the number of tokens that fires, but at others too; a scorer chooses.

A CIF decides about the number of tokens before any of them is known, by the sum of its weights. A
decoder that gives all tokens at once cannot correct that. But weights can be scaled to any number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from cifviz.errors import require, require_integer, require_type
from cifviz.systems.base import for_one
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.sequence_scorers import (
    SequenceScorer,
    Utterance,
    as_sound,
    repeated,
    require_scaling,
)
from cifviz.systems.transcription import Transcription

LARGEST_COUNT = 10_000
"""Tokens of a candidate, at most: as many as in an hour of speech."""
LARGEST_REACH = 100
"""Largest reach: twice as many candidates are decoded and judged at once."""


@dataclass(frozen=True, eq=False)
class CountHypothesis:
    """What an utterance is decoded to at one number of tokens, and how probable that is."""

    count: int
    transcription: Transcription
    log_probs: tuple[float, ...]
    """What the scorer says of each token, and of the end if it judges that."""

    @property
    def log_prob(self) -> float:
        """Sum of `log_probs`: the logarithm of the candidate's probability, by the scorer."""
        return math.fsum(self.log_probs)

    @property
    def score(self) -> float:
        """Mean of `log_probs`, so that long candidates compare with short ones; −inf of none."""
        return self.log_prob / len(self.log_probs) if self.log_probs else -math.inf


@dataclass(frozen=True, eq=False)
class CountHypotheses:
    """Candidates for one utterance, by their number of tokens."""

    fired: int
    """m̂: tokens that fire by themselves."""
    candidates: tuple[CountHypothesis, ...]
    """From the smallest count to the largest."""

    @property
    def best(self) -> CountHypothesis:
        """The candidate of the highest score; of equals the one nearest to m̂, then the shorter.

        Raises `CIFError` where there is no candidate.
        """
        require(bool(self.candidates), "expected at least one candidate to choose from, got none")
        return max(
            self.candidates,
            key=lambda one: (one.score, -abs(one.count - self.fired), -one.count),
        )

    @property
    def transcription(self) -> Transcription:
        """That of the best candidate."""
        return self.best.transcription

    def within(self, reach: int) -> CountHypotheses:
        """The same with a smaller b, without decoding anew."""
        reach = require_integer("reach", reach, at_least=0)
        kept = tuple(one for one in self.candidates if abs(one.count - self.fired) <= reach)
        return replace(self, candidates=kept)


@torch.inference_mode()
def decode_at_counts(
    model: CIFRecognizer, utterance: Utterance, counts: Sequence[int], **request: Any
) -> list[Transcription]:
    """Decode an utterance at given numbers of tokens, whatever number fires by itself.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode.
    utterance : Waveform or Sound
        At the model's sample rate.
    counts : sequence of int >= 0
        Numbers of tokens, at most `LARGEST_COUNT` each.
    **request
        As for `System.transcribe`.

    Returns
    -------
    list of Transcription
        One for each count, with so many tokens: the weights α are scaled to
        ``α · count / Σα``, and a decoder that gives all tokens at once gives those of all counts
        at once, in one batch. No tail is left, and no pause is rounded.

    Raises
    ------
    CIFError
        If the model is in training mode or its configuration has no scaling, or a count is not an
        integer from 0 to `LARGEST_COUNT`.

    Examples
    --------
    What a model without training says is chance, but not how many tokens:

    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.systems.cif import CIFRecognizerConfig
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = CIFRecognizerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8),
    ... )
    >>> model = CIFRecognizer(config).eval()
    >>> [one.text for one in decode_at_counts(model, Waveform([0.0] * 16_000), [0, 1, 3])]
    ['', 'no', 'no no no']
    """
    counts = [
        require_integer("count", count, at_least=0, at_most=LARGEST_COUNT) for count in counts
    ]
    sound, encoded = _encoded(model, utterance, request)
    return _at_counts(model, sound, encoded, counts)


@torch.inference_mode()
def count_hypotheses(
    model: CIFRecognizer,
    utterance: Utterance,
    scorer: SequenceScorer,
    *,
    reach: int,
    **request: Any,
) -> CountHypotheses:
    """Decode an utterance at several numbers of tokens, and let a scorer choose.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode; with a decoder that gives all tokens at once, it gives those of all
        candidates at once.
    utterance : Waveform or Sound
        At the sample rate of model and scorer.
    scorer : SequenceScorer
        Such as `CIFScorer` of a model whose decoder is autoregressive: given the tokens, it judges
        all candidates at once too.
    reach : int >= 0
        b: the candidates' counts are m̂ − b … m̂ + b, none below 0. At most `LARGEST_REACH`.
    **request
        Further inputs of the model, as for `System.transcribe`.

    Returns
    -------
    CountHypotheses
        The count m̂ is the number of tokens that fire by themselves, tail and pause rounding
        included. The candidate of that count is what `System.transcribe` gives, of weights that
        are not scaled; those of the others come from `decode_at_counts`. Where nothing fires, that
        is the only candidate.

    Raises
    ------
    CIFError
        If the model is in training mode or its configuration has no scaling, `reach` is not an
        integer from 0 to `LARGEST_REACH`, or the scorer does not know a token.

    See Also
    --------
    decode_at_counts : without a scorer.

    Notes
    -----
    The idea is the noisy parallel decoding of FastLR (Liu et al. 2020, arXiv 2008.02516): several
    numbers of tokens, decoded in parallel, judged by an autoregressive model. The details are a
    reconstruction, not taken from the paper: that the count which fires is not scaled, that a score
    is the mean of the logarithms, and which of equals wins. The scorer has an encoder of its own.
    """
    reach = require_integer("reach", reach, at_least=0, at_most=LARGEST_REACH)
    sound, encoded = _encoded(model, utterance, request)
    (plain,) = model.transcriptions([sound], encoded)
    fired = len(plain.tokens)
    others = [
        count
        for count in range(max(0, fired - reach), fired + reach + 1)
        if count != fired and fired > 0
    ]
    found = {fired: plain}
    found |= dict(zip(others, _at_counts(model, sound, encoded, others), strict=True))
    log_probs = scorer(utterance, [one.tokens for one in found.values()])
    candidates = [
        CountHypothesis(count, one, tuple(terms.tolist()))
        for (count, one), terms in zip(found.items(), log_probs, strict=True)
    ]
    return CountHypotheses(fired, tuple(sorted(candidates, key=lambda one: one.count)))


def _encoded(
    model: CIFRecognizer, utterance: Utterance, request: Mapping[str, Any]
) -> tuple[Sound, Encoded]:
    """An utterance as the model takes it, and its frames; raises unless the model can scale."""
    require_type("model", model, CIFRecognizer)
    model.require_evaluation_mode()
    require_scaling(model)
    sound = as_sound(model, utterance)
    return sound, model.encoded([sound], **for_one(request))


def _at_counts(
    model: CIFRecognizer, sound: Sound, encoded: Encoded, counts: Sequence[int]
) -> list[Transcription]:
    """A transcription for each count, all decoded in one batch."""
    if not counts:
        return []
    encoded = repeated(encoded, len(counts))
    lengths = torch.tensor(counts, device=encoded.encoder_out.device)
    fired = model.cif(encoded.encoder_out, encoded.frame_lengths, target_lengths=lengths)
    return model.decoded([sound] * len(counts), encoded, fired)
