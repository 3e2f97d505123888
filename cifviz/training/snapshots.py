"""Training snapshots: what a recogniser was after some of its steps, and what it could do by then.

A `Snapshot` keeps the model itself, so that any utterance can be transcribed with it later.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from cifviz.core.validation import valid_mask
from cifviz.errors import (
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
)
from cifviz.metrics import token_errors
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer

CURVES = ("quantity", "cross_entropy", "token_error_rate", "mass")
"""What a `Snapshot` measures."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A recogniser in training, and how it does on utterances that it does not train on."""

    step: int
    """Steps of training done."""
    model: CIFRecognizer
    """A copy, ready to transcribe."""
    quantity: float
    """Quantity loss, ``Σ |Σα − N| / Σ N``: tokens too many or too few, per token."""
    cross_entropy: float
    """In nats per token, without label smoothing, the number of tokens being given."""
    token_error_rate: float
    """Where the number of tokens is *not* given; can exceed 1."""
    mass: float
    """All weight over all tokens, ``Σ Σα / Σ N``: 1 where they are as many as they weigh."""


@dataclass(frozen=True, eq=False)
class TrainingSnapshots:
    """Snapshots of one training, in order.

    See Also
    --------
    SnapshotRecorder : takes them.
    """

    snapshots: tuple[Snapshot, ...]
    history: tuple[Mapping[str, float], ...]
    """Losses in training, as `cifviz.training.fit.fit` gives them."""

    @property
    def steps(self) -> list[int]:
        """When the snapshots were taken, in steps done."""
        return [snapshot.step for snapshot in self.snapshots]

    @property
    def model(self) -> CIFRecognizer:
        """What came out in the end."""
        return self.snapshots[-1].model

    def curve(self, name: str) -> list[float]:
        """One of `CURVES`, a number for each snapshot."""
        require_choice("curve", name, CURVES)
        return [getattr(snapshot, name) for snapshot in self.snapshots]


class SnapshotRecorder:
    """Takes snapshots: give it to `cifviz.training.fit.fit` as ``watch``.

    Parameters
    ----------
    held_out : Batch
        Utterances that are not trained on, at least one token in all.
    at : iterable of int >= 0
        The steps after which to take one; 0 is before the first.
    """

    def __init__(self, held_out: Batch, at: Iterable[int]):
        require(int(held_out.target_lengths.sum()) > 0, "the held-out utterances have no token")
        self.held_out = held_out
        self.at = frozenset(require_integer("a step", step, at_least=0) for step in at)
        self.snapshots: list[Snapshot] = []

    def __call__(self, step: int, model: CIFRecognizer) -> None:
        """Look at a model after so many steps."""
        if step in self.at:
            kept = copy.deepcopy(model).cpu().eval()
            self.snapshots.append(Snapshot(step, kept, **held_out_metrics(kept, self.held_out)))


@torch.inference_mode()
def held_out_metrics(model: CIFRecognizer, batch: Batch) -> dict[str, float]:
    """What a `Snapshot` holds of a model in evaluation mode.

    Parameters
    ----------
    model : CIFRecognizer
        On the CPU.
    batch : Batch
        Utterances with their tokens, at least one.

    Returns
    -------
    dict
        Of `CURVES`.

    Raises
    ------
    CIFError
        If the model is another system, or one whose CIF is not trained.
    """
    require_type("model", model, CIFRecognizer)
    encoded = model.encode(batch)
    losses = model.losses(encoded, label_smoothing=0.0)
    require(
        "quantity" in losses,
        f"expected a model whose CIF is trained, got a {type(model).__name__}, which has the "
        f"losses {list(losses)}",
    )
    firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
    ids, _ = model.decode(firing, encoded)
    _, fires = model.fired_targets(batch)
    return {
        "quantity": float(losses["quantity"]),
        "cross_entropy": float(losses["cross_entropy"]),
        "token_error_rate": token_errors(
            _sequences(batch.targets, batch.target_lengths), _sequences(ids, firing.num_fires)
        ).rate,
        "mass": float(firing.weight_sum.sum() / (firing.threshold * fires.sum())),
    }


def snapshot_steps(steps: int, count: int) -> list[int]:
    """Steps at which to take snapshots: densely at first, where most changes.

    Parameters
    ----------
    steps : int > 0
        Length of the training; there is a snapshot at its end and one before it begins.
    count : int > 1
        Snapshots, or fewer where there are not so many steps.

    Returns
    -------
    list of int
        ``steps · (k / (count − 1))^1.5`` for k from 0, rounded.

    Examples
    --------
    >>> snapshot_steps(400, 6)
    [0, 36, 101, 186, 286, 400]
    """
    require_integer("steps", steps, above=0)
    require_integer("count", count, above=1)
    return sorted({round(steps * (k / (count - 1)) ** 1.5) for k in range(count)})


def fallen(curve: Sequence[float], steps: Sequence[int], share: float = 0.5) -> float:
    """When a curve has fallen for good through a share of the way from its height to its end.

    Parameters
    ----------
    curve : sequence of float
        At least two values.
    steps : sequence of int
        When each was measured, rising.
    share : float in (0, 1)
        Of the way from the highest value to the last one.

    Returns
    -------
    float
        The time from which on the curve stays below ``highest − share · (highest − last)``, between
        two measurements by linear interpolation.

    Examples
    --------
    From 8 to 0; it is at 4 for the last time halfway between steps 20 and 30:

    >>> fallen([8, 2, 6, 2, 0], [0, 10, 20, 30, 40])
    25.0
    """
    require(
        len(curve) == len(steps) > 1, f"expected a step for each of two values or more, got {steps}"
    )
    share = require_number("share", share, above=0, below=1)
    level = max(curve) - share * (max(curve) - curve[-1])
    above = [index for index, value in enumerate(curve) if value > level]
    if not above:
        return float(steps[0])
    last = above[-1]
    part = (curve[last] - level) / (curve[last] - curve[last + 1])
    return steps[last] + part * (steps[last + 1] - steps[last])


def _sequences(ids: torch.Tensor, lengths: torch.Tensor) -> list[list[str]]:
    real = valid_mask(lengths, ids.shape[1])
    return [[str(one) for one in row[kept].tolist()] for row, kept in zip(ids, real, strict=True)]
