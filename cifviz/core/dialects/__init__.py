"""CIF as other code bases run it, faults included, and a table of where they differ.

A dialect runs in its source's order of operations and in float32, and is held to recorded outputs
of its source. Each module says in its docstring what sets it apart from another one.

>>> DIALECTS["torch_cif"].source
'torch-cif 0.2.0'
"""

from __future__ import annotations

from cifviz.core.dialects.comparison import ComparedDialect, Comparison, compare, fire_positions
from cifviz.core.dialects.contract import Contributions, Dialect
from cifviz.core.dialects.registry import DIALECTS

__all__ = [
    "DIALECTS",
    "ComparedDialect",
    "Comparison",
    "Contributions",
    "Dialect",
    "compare",
    "fire_positions",
]
