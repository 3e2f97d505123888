"""Collaborative decoding: the tokens of a recogniser and those of a context network, combined."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cifviz.errors import require_choice
from cifviz.systems.decoders import Decoder, ParallelDecoder

ALONE, SHARED = "alone", "shared"
NO_BIAS_MASS = (ALONE, SHARED)
"""What becomes of the probability that the context network gives to "no bias"."""

Combine = Callable[[Tensor, slice], Tensor]
"""Of the recogniser's log-probabilities at some fires (batch, steps, vocabulary) and which fires
these are: the scores that decide (batch, steps, vocabulary)."""


def combined(asr: Tensor, context: Tensor, weight: Tensor, *, no_bias_mass: str) -> Tensor:
    """Log-probabilities of a recogniser and of a context network, interpolated.

    Parameters
    ----------
    asr : Tensor (batch, fires, vocabulary)
        Log-probabilities of the recogniser.
    context : Tensor (batch, fires, vocabulary + 1)
        Log-probabilities of the context network; the last is that of "no bias".
    weight : Tensor (batch,)
        λ in [0, 1].
    no_bias_mass : str
        "alone": where "no bias" is the most likely, the recogniser decides alone. "shared": the
        probability of "no bias" is shared among the tokens as the recogniser would share it.

    Returns
    -------
    Tensor (batch, fires, vocabulary)
        Not normalised. ``(1 − λ) log P + λ log Q``, where P is the recogniser's and Q is, of
        "alone", the context network's, or P where "no bias" is its most likely; of "shared",
        ``Q(y) = C(y) + C(no bias) P(y)`` with its probabilities C.

    Raises
    ------
    CIFError
        If `no_bias_mass` is neither.

    Notes
    -----
    λ and the interpolation of the two: Han et al. (2021, arXiv 2012.09466). What becomes of "no
    bias" is not published with code: both ways are reconstructions. "alone" is what FunASR's
    SeACo-Paraformer does.

    Examples
    --------
    Two tokens. The recogniser is undecided; the context network has 0.3 and 0.1 for them, 0.6 for
    "no bias". Alone, the recogniser stays undecided. Shared: 0.3 + 0.6 · 0.5 = 0.6 and
    0.1 + 0.6 · 0.5 = 0.4.

    >>> asr = torch.tensor([[[0.5, 0.5]]]).log()
    >>> context = torch.tensor([[[0.3, 0.1, 0.6]]]).log()
    >>> one = torch.ones(1)
    >>> combined(asr, context, one, no_bias_mass="alone").exp()
    tensor([[[0.5000, 0.5000]]])
    >>> combined(asr, context, one, no_bias_mass="shared").exp()
    tensor([[[0.6000, 0.4000]]])
    """
    require_choice("no_bias_mass", no_bias_mass, NO_BIAS_MASS)
    tokens, no_bias = context[..., :-1], context[..., -1:]
    if no_bias_mass == SHARED:
        biased = torch.logaddexp(tokens, no_bias + asr)
    else:
        biased = torch.where(no_bias >= tokens.max(dim=-1, keepdim=True).values, asr, tokens)
    weight = weight.to(asr.dtype).view(-1, 1, 1)
    # Of two infinities a share of 0 makes NaN.
    return torch.where(weight < 1, (1 - weight) * asr, 0) + torch.where(
        weight > 0, weight * biased, 0
    )


def decode_combined(
    decoder: Decoder, embeddings: Tensor, num_fires: Tensor, combine: Combine
) -> tuple[Tensor, Tensor]:
    """Most likely tokens by combined scores, and their probabilities.

    A decoder that gives all tokens at once is asked once; another is asked for each token anew,
    and told what was decided so far.

    Parameters
    ----------
    decoder : Decoder
        Of the recogniser.
    embeddings : Tensor (batch, fires, dim)
        What the decoder is given.
    num_fires : Tensor (batch,)
        Fires of each utterance; what stands behind them is ignored.
    combine : callable
        Gives the scores that decide, see `Combine`.

    Returns
    -------
    ids : Tensor (batch, fires), int64
    scores : Tensor (batch, fires)
        The softmax of the combined scores.
    """
    batch, fires, _ = embeddings.shape
    ids = torch.zeros(batch, fires, dtype=torch.long, device=embeddings.device)
    scores = embeddings.new_zeros(batch, fires)
    step = max(fires, 1) if isinstance(decoder, ParallelDecoder) else 1
    for first in range(0, fires, step):
        now = slice(first, first + step)
        log_probs = decoder(embeddings, num_fires, ids)[:, now].log_softmax(dim=2)
        best = combine(log_probs, now).softmax(dim=2).max(dim=2)
        ids[:, now], scores[:, now] = best.indices, best.values
    return ids, scores
