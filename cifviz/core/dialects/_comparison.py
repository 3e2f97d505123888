"""`compare`: the same weights through every dialect, and a table of where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._dialect_registry import DIALECTS
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.mass_axis import token_ends
from cifviz.core.tail import DEFAULT
from cifviz.core.validation import require_tensor, valid_mask
from cifviz.errors import require, require_choice, require_type

REFERENCE = "cifviz"
"""Name of the first row: `integrate_and_fire`, to which the others are compared."""

ROUNDING = 1e-6
"""A weight below this is rounding."""

SETTINGS = ("threshold", "tail_threshold")
"""What may be set of a dialect, if it has it."""
REFERENCE_SETTINGS = ("threshold", "tail", "slack")
"""What may be set of the reference."""

COLUMNS = {
    "dialect": "{0.dialect}",
    "tokens": "{0.tokens}",
    "lost": "{0.lost}",
    "extra": "{0.extra}",
    "negative": "{0.negative}",
    "lowest": "{0.lowest:.3f}",
    "above 1": "{0.above_one}",
    "highest": "{0.highest:.3f}",
    "mean shift": "{0.mean_shift:.2f}",
    "max shift": "{0.max_shift:.2f}",
}
"""What a printed row shows, and how."""


@dataclass(frozen=True, eq=False)
class ComparedDialect:
    """What one dialect makes of the weights, and how that differs from the reference."""

    dialect: str
    """Key in `DIALECTS`, or "cifviz" for the reference."""
    num_fires: Tensor
    """Tokens of each utterance (batch,)."""
    weights: Tensor
    """W (batch, fires, frames); rows that are no token are zero."""
    fire_positions: Tensor
    """Ends of the tokens in fractional frames, float64 (batch, fires)."""
    lost: int
    """Tokens that the reference has and the dialect has not."""
    extra: int
    """Tokens that the dialect has and the reference has not."""
    negative: int
    """Weights below 0."""
    lowest: float
    """The lowest weight, 0 if none is below it."""
    above_one: int
    """Weights above 1: a frame that gives one token more than a token's mass."""
    highest: float
    """The highest weight."""
    mean_shift: float
    """Mean distance between the ends of tokens here and in the reference, in frames; NaN if the
    two have no token in common."""
    max_shift: float
    """The largest such distance."""

    @property
    def tokens(self) -> int:
        """Tokens of all utterances."""
        return int(self.num_fires.sum())


@dataclass(frozen=True, eq=False)
class Comparison:
    """A table, one row for each dialect; ``print`` shows it.

    Rows come by number or by name, and one by one in a loop.
    """

    alpha: Tensor
    """The weights that were compared, zero at padded frames (batch, frames)."""
    frame_lengths: Tensor
    """(batch,)."""
    rows: tuple[ComparedDialect, ...]
    """The reference first."""

    def __iter__(self) -> Iterator[ComparedDialect]:
        return iter(self.rows)

    def __len__(self) -> int:
        """Number of rows, the reference included."""
        return len(self.rows)

    def __getitem__(self, name: int | str) -> ComparedDialect:
        """A row by its number or its dialect."""
        if isinstance(name, int):
            return self.rows[name]
        named = {row.dialect: row for row in self.rows}
        require_choice("dialect", name, named)
        return named[name]

    def __str__(self) -> str:
        lines = [list(COLUMNS)] + [
            [form.format(row) for form in COLUMNS.values()] for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if index else cell.ljust(width)
                for index, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )


def compare(
    alpha: Tensor,
    frame_lengths: Tensor | None = None,
    *,
    target_lengths: Tensor | None = None,
    dialects: Iterable[str] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Comparison:
    """Run the same weights through the dialects and the mass axis.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weight of each frame, before any scaling.
    frame_lengths : Tensor (batch,), integers, optional
        Real frames of each utterance. Default: all.
    target_lengths : Tensor (batch,), integers, optional
        Number of tokens of each utterance, to compare what happens in training.
    dialects : iterable of str, optional
        Which ones, in this order. Default: all of `DIALECTS`.
    settings : mapping of str to mapping, optional
        Thresholds other than a dialect's own, by its name: ``{"cif_pytorch": {"threshold": 0.9}}``.
        The reference, ``"cifviz"``, takes those of `integrate_and_fire`; by default threshold 1,
        slack 0 and, in inference, the tail rule ``above(0.5)``.

    Returns
    -------
    Comparison
        The reference first, then the dialects.

    Raises
    ------
    CIFError
        If a name is unknown, or a dialect refuses its input.

    Examples
    --------
    Seven frames of 0.4 come to 2.8 tokens. CIF-PyTorch sees the tail only where a padded frame
    follows, and none does here:

    >>> table = compare(torch.full((1, 7), 0.4), dialects=["cif_pytorch", "torch_cif"])
    >>> print(table)
    dialect      tokens  lost  extra  negative  lowest  above 1  highest  mean shift  max shift
    cifviz            3     0      0         0   0.000        0    0.500        0.00       0.00
    cif_pytorch       2     1      0         0   0.000        0    0.400        0.00       0.00
    torch_cif         3     0      0         0   0.000        0    0.500        0.00       0.00
    >>> table["cif_pytorch"].lost
    1
    """
    settings = {} if settings is None else settings
    names = list(dict.fromkeys(DIALECTS if dialects is None else dialects))
    for name in names:
        require_choice("dialect", name, DIALECTS)
    for name, given in settings.items():
        require_choice("settings", name, [REFERENCE, *names])
        require_type(f"settings of {name}", given, Mapping)
        for key in given:
            known = REFERENCE_SETTINGS if name == REFERENCE else SETTINGS
            require_choice(f"a setting of {name}", key, known)
    firing = _reference(alpha, frame_lengths, target_lengths, settings.get(REFERENCE, {}))
    expected = _row(
        REFERENCE, firing.contributions, firing.num_fires, firing.fire_positions, firing
    )
    rows = [expected]
    for name in names:
        dialect = DIALECTS[name]
        result = dialect.contributions(
            firing.alpha,
            firing.frame_lengths,
            target_lengths=target_lengths,
            **settings.get(name, {}),
        )
        is_token = valid_mask(result.num_fires, result.weights.shape[1]).unsqueeze(2)
        positions = fire_positions(dialect, result)
        rows.append(_row(name, result.weights * is_token, result.num_fires, positions, firing))
    return Comparison(firing.alpha, firing.frame_lengths, tuple(rows))


def fire_positions(dialect: Dialect, contributions: Contributions) -> Tensor:
    """Ends of the tokens in fractional frames, read off what the frames give.

    Parameters
    ----------
    dialect : Dialect
        What made the contributions.
    contributions : Contributions
        They come as one, not as weights and peaks side by side, so no two tensors can be swapped.

    Returns
    -------
    Tensor (batch, fires), float64
        As of a captured model, by `cifviz.core.mass_axis.token_ends`:
        ``f + share``, with f the last frame that gives to the token and share the part of its
        weight that this and earlier tokens take; the end of that frame if the token borrows there
        or was put off. Where tokens overlap: the number of frames that belong to this and earlier
        tokens, each frame shared among its tokens.

    Raises
    ------
    CIFError
        If either is something else.

    Examples
    --------
    >>> dialect = DIALECTS["funasr_cif"]
    >>> fire_positions(dialect, dialect.contributions(torch.tensor([[0.6, 0.8, 0.6]])))
    tensor([[1.5000, 3.0000]], dtype=torch.float64)
    """
    require_type("dialect", dialect, Dialect)
    require(
        isinstance(contributions, Contributions),
        "contributions must be Contributions, what a dialect gives, got "
        f"{type(contributions).__name__}: weights or peaks alone do not say where tokens end",
    )
    weights, num_fires = contributions.weights.detach().double(), contributions.num_fires
    if not dialect.overlapping:
        return token_ends(weights, contributions.alpha, num_fires)
    is_token = valid_mask(num_fires, weights.shape[1]).unsqueeze(2)
    until = (weights * is_token).cumsum(dim=1)
    shares = torch.where(until[:, -1:] > 0, until / until[:, -1:], 0.0)
    return (shares * is_token).sum(dim=2)


def _reference(
    alpha: Tensor,
    frame_lengths: Tensor | None,
    target_lengths: Tensor | None,
    settings: Mapping[str, Any],
) -> Firing:
    """The mass axis on the same weights."""
    return integrate_and_fire(
        alpha,
        require_tensor("alpha", alpha, "batch", "frames").unsqueeze(2),  # nothing to integrate
        frame_lengths=frame_lengths,
        target_lengths=target_lengths,
        **{"tail": DEFAULT, **settings},
    )


def _row(
    name: str, weights: Tensor, num_fires: Tensor, positions: Tensor, reference: Firing
) -> ComparedDialect:
    """Count and measure."""
    weights = weights.detach().double()
    missing = reference.num_fires - num_fires
    common = min(positions.shape[1], reference.fire_positions.shape[1])
    in_both = valid_mask(torch.minimum(num_fires, reference.num_fires), common)
    shift = positions[:, :common] - reference.fire_positions[:, :common]
    shift = shift[in_both].abs()
    return ComparedDialect(
        dialect=name,
        num_fires=num_fires,
        weights=weights,
        fire_positions=positions,
        lost=int(missing.clamp(min=0).sum()),
        extra=int((-missing).clamp(min=0).sum()),
        negative=int((weights < -ROUNDING).sum()),
        lowest=float(weights.min().clamp(max=0)) if weights.numel() else 0.0,
        above_one=int((weights > 1 + ROUNDING).sum()),
        highest=float(weights.max()) if weights.numel() else 0.0,
        mean_shift=float(shift.mean()),
        max_shift=float(shift.max()) if len(shift) else float("nan"),
    )
