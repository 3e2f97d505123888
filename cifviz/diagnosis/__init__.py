"""What is wrong with a CIF: `diagnose` finds it, says it in words, and shows it.

Each check is a file in `checks/`; `faults` plants what they look for into healthy utterances.
"""

from __future__ import annotations

from cifviz.diagnosis.checks import CHECKS
from cifviz.diagnosis.diagnosing import diagnose, examine
from cifviz.diagnosis.findings import Check, Diagnosis, Finding, Picture
from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.diagnosis.saved_firings import SavedFirings, load_firings, save_firings

__all__ = [
    "CHECKS",
    "Check",
    "Diagnosis",
    "Finding",
    "ObservedUtterance",
    "Picture",
    "SavedFirings",
    "diagnose",
    "examine",
    "load_firings",
    "save_firings",
]
