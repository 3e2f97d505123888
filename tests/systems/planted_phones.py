"""Evidence of phones that were planted: what they are and where is known."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from cifviz.systems.phone_evidence import PhoneEvidence

SILENT = 5
"""The state of silence; phones are 0 … 4."""


def planted(
    rows: Sequence[int], alpha: Sequence[float] | None = None, sure: float = 8.0
) -> PhoneEvidence:
    """A frame for each row, of that phone; by default each stretch of a phone weighs one.

    The classifier's logits are the share of each phone in a stretch, times `sure`.
    """
    weights = np.zeros(len(rows)) if alpha is None else np.array(alpha, float)
    if alpha is None:
        for first, last, phone in stretches(rows):
            weights[first:last] = 0.0 if phone == SILENT else 1 / (last - first)
    states = torch.eye(SILENT + 1)[list(rows)]
    labels = torch.tensor([*range(SILENT), SILENT])
    ctc = torch.full((len(rows), SILENT + 1), -6.0)
    for first, last, phone in stretches(rows):
        middle = (first + last) // 2
        ctc[first:last, SILENT] = 3.0
        if phone != SILENT:
            ctc[middle] = torch.where(labels == phone, 3.0, -6.0)
    return PhoneEvidence(
        weights,
        sure * states,
        ctc.log_softmax(dim=1),
        lambda embeddings: embeddings[:, :SILENT].log_softmax(dim=1),
    )


def stretches(rows: Sequence[int]) -> list[tuple[int, int, int]]:
    """First frame, the one after the last, and phone of each run of equal rows."""
    changes = [i for i in range(1, len(rows)) if rows[i] != rows[i - 1]]
    edges = [0, *changes, len(rows)] if len(rows) else []
    return [(a, b, rows[a]) for a, b in itertools.pairwise(edges)]


def spoken(rows: Sequence[int]) -> tuple[list[int], np.ndarray]:
    """The phones of some rows, and the frames of each (phones, 2)."""
    found = [one for one in stretches(rows) if one[2] != SILENT]
    return [phone for *_, phone in found], np.array([one[:2] for one in found]).reshape(-1, 2)
