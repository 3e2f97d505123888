"""Named numbers that a lesson arrives at, kept in the notebook, so that a test can compare them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from cifviz.errors import CIFError, require, shown
from cifviz.notebooks.cell_output import emit
from cifviz.notebooks.media_types import RECORD
from cifviz.text_tables import text_table

Value = bool | int | float | str

LONGEST_TEXT = 60
"""Characters of a text that a table shows."""


@dataclass(frozen=True)
class Recorded:
    """One named number of a lesson, or a short text."""

    value: Value
    tolerance: float
    """How far another run may be from `value`; counts and texts must be the same."""


@dataclass(frozen=True)
class Comparison:
    """One name in two records."""

    name: str
    committed: Value | None
    """None where the committed notebook does not have it."""
    now: Value | None
    """None where this run does not have it."""
    tolerance: float

    @property
    def agrees(self) -> bool:
        """True if both are there, of one kind, and no further apart than `tolerance`."""
        if isinstance(self.committed, float) and isinstance(self.now, float):
            return math.isclose(self.committed, self.now, rel_tol=0, abs_tol=self.tolerance)
        return type(self.committed) is type(self.now) and self.committed == self.now


def record(*, tolerance: float = 1e-3, **numbers: Any) -> None:
    """Keep named numbers of a lesson in the output of this cell.

    Parameters
    ----------
    tolerance : float >= 0
        How far another run may be from the floats among them, in their own unit.
    **numbers : bool, int, float or str, by name
        Arrays and tensors of one element count as a number.

    Raises
    ------
    CIFError
        If there is nothing to record, or a value is none of these or not finite.

    Examples
    --------
    >>> record(fires=3, weight_sum=3.1234)
    Recorded: fires = 3, weight_sum = 3.1234
    """
    require(bool(numbers), "record needs at least one named number")
    require(tolerance >= 0, f"tolerance must be >= 0, got {tolerance}")
    values = {name: _plain(name, value) for name, value in numbers.items()}
    words = ", ".join(f"{name} = {_shown(value)}" for name, value in values.items())
    emit(
        {
            RECORD: {"numbers": values, "tolerance": float(tolerance)},
            "text/plain": f"Recorded: {words}",
        }
    )


def read_records(notebook: Any) -> dict[str, Recorded]:
    """Everything that the cells of an executed notebook recorded, by name.

    Raises
    ------
    CIFError
        If two cells record the same name, or a record is not what `record` makes.
    """
    found: dict[str, Recorded] = {}
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            values, tolerance = _contents(number, data[RECORD]) if RECORD in data else ({}, 0.0)
            for name, value in values.items():
                require(name not in found, f"the notebook records {shown(name)} twice")
                found[name] = Recorded(value, tolerance)
    return found


def _contents(number: int, kept: Any) -> tuple[Mapping[str, Value], float]:
    """Values and tolerance of a record; a file may hold anything in its place."""
    match kept:
        case {"numbers": dict(values), "tolerance": int() | float() as tolerance} if (
            tolerance >= 0 and all(isinstance(value, Value) for value in values.values())
        ):
            return values, tolerance
    raise CIFError(
        f"cell {number} holds a damaged record: expected numbers and a tolerance >= 0, "
        f"got {shown(kept)}"
    )


def compare_records(
    committed: Mapping[str, Recorded], now: Mapping[str, Recorded]
) -> list[Comparison]:
    """Lay two records side by side, name by name, with the committed tolerance."""
    missing = Recorded("", 0.0)
    return [
        Comparison(
            name,
            committed[name].value if name in committed else None,
            now[name].value if name in now else None,
            (committed.get(name) or now.get(name) or missing).tolerance,
        )
        for name in [*committed, *(name for name in now if name not in committed)]
    ]


def comparison_table(comparisons: list[Comparison]) -> str:
    """A table *name, committed, now, tolerance*; what differs is marked.

    >>> print(comparison_table([Comparison("fires", 3, 4, 0.001)]))
    name   committed  now  tolerance
    fires  3          4    exact      differs
    """
    rows = [
        [
            one.name,
            _shown(one.committed),
            _shown(one.now),
            f"± {one.tolerance:g}" if isinstance(one.committed, float) else "exact",
            "" if one.agrees else "differs",
        ]
        for one in comparisons
    ]
    return text_table(["name", "committed", "now", "tolerance", ""], rows)


def _plain(name: str, value: Any) -> Value:
    """A value that JSON can hold."""
    if hasattr(value, "item"):
        try:
            value = value.item()
        except (ValueError, RuntimeError) as error:
            raise CIFError(f"{name} must be one number, got an array of several") from error
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    require(isinstance(value, Real), f"{name} must be a number or a text, got {value!r}")
    require(math.isfinite(value), f"{name} must be finite, got {value!r}")
    # Nine digits: what lies behind them depends on the machine.
    return float(f"{float(value):.9g}")


def _shown(value: Value | None) -> str:
    if value is None:
        return "(missing)"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(str(value).split())[:LONGEST_TEXT]
