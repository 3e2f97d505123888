"""The checks of `cifviz.diagnose`, one file each, and `CHECKS`, which names them all.

Each file says what it looks for, and its limits with where they come from. To add one, write a file
with a `CHECK`, and name it in `check_registry.py`.
"""

from __future__ import annotations

from cifviz.diagnosis.checks.check_registry import CHECKS

__all__ = ["CHECKS"]
