"""CIF as other code bases run it, faults included, and a table of where they differ.

A dialect runs in its source's order of operations and in float32. Each module says in its docstring
what sets it apart from another one. All are tested against recorded outputs of their sources, but
for `paraformer_dynamic`: its paper published no code, so a loop over exact fractions is the test.

>>> DIALECTS["torch_cif"].source
'torch-cif 0.2.0'
"""

from __future__ import annotations

from cifviz.core.dialects._comparison import ComparedDialect, Comparison, compare, fire_positions
from cifviz.core.dialects._contract import Contributions, Dialect
from cifviz.core.dialects._dialect_registry import DIALECTS
from cifviz.core.dialects._tail_rules import TailContributions, tail_rules

__all__ = [
    "DIALECTS",
    "ComparedDialect",
    "Comparison",
    "Contributions",
    "Dialect",
    "TailContributions",
    "compare",
    "fire_positions",
    "tail_rules",
]
