"""Fired embeddings as training examples: a frozen recogniser fires once, not in every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer
from cifviz.training.augmentation import Example


@torch.inference_mode()
def fired_examples(
    model: CIFRecognizer,
    make_example: Callable[[np.random.Generator], Example],
    *,
    count: int,
    seed: int,
    batch_size: int = 32,
) -> list[Example]:
    """Training utterances as a recogniser fires them, scaled to their numbers of tokens.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode.
    make_example : callable
        Makes one training utterance from a random generator.
    count : int >= 0
        How many utterances to make.
    seed : int
        Of the generator.
    batch_size : int > 0
        How many are fired at once.

    Returns
    -------
    list of Example
        Their features are the fired embeddings (tokens, dim), as a
        `cifviz.systems.phrase_learner.PhraseLearner` takes them; their spans are unknown. Sorted by
        length. Utterances without a token are left out, and those for which another number fires
        than they have tokens.
    """
    model.require_evaluation_mode()
    rng = np.random.default_rng(seed)
    made = [one for one in (make_example(rng) for _ in range(count)) if one.tokens]
    made.sort(key=lambda one: len(one.features))
    fired = []
    for start in range(0, len(made), batch_size):
        part = made[start : start + batch_size]
        fired += _fired(model, part)
    return fired


def _fired(model: CIFRecognizer, examples: Sequence[Example]) -> list[Example]:
    """Some examples as they fire."""
    batch = Batch.collate([one.features for one in examples], [one.tokens for one in examples])
    encoded = model.encode(batch)
    firing = model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )
    return [
        Example(
            embeddings[: len(one.tokens)].clone(),
            one.tokens,
            torch.full((len(one.tokens), 2), -1.0),
            {},
        )
        for one, embeddings, fires in zip(
            examples, firing.embeddings, firing.num_fires.tolist(), strict=True
        )
        if fires == len(one.tokens)
    ]


class KeptExamples:
    """One of some examples, drawn from a random generator: what `fit` takes.

    Parameters
    ----------
    examples : sequence of Example
        At least one.

    Examples
    --------
    >>> one = Example(torch.zeros(2, 4), [7, 8], torch.zeros(2, 2))
    >>> KeptExamples([one])(np.random.default_rng(0)).tokens
    [7, 8]
    """

    def __init__(self, examples: Sequence[Example]):
        self.examples = examples

    def __call__(self, rng: np.random.Generator) -> Example:
        """One of them."""
        return self.examples[int(rng.integers(len(self.examples)))]
