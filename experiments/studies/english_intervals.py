"""How many true edges lie in the intervals of the model `english`: those set by hand, and others.

The model learned its intervals when its run was measured, see `experiments.interval_learning`.
Utterances with boundaries set by hand took no part in it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cifviz.published import read_study
from cifviz.systems.checkpoints import load_model
from experiments.interval_learning import aligned_pairs_of, covered, learned_intervals
from experiments.interval_tables import interval_table
from experiments.studies.english_alignment import hand_labelled
from experiments.studies.study import Study

NAME, MODEL = "english-intervals", "english"
HAND = "hand labels"


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Measure the intervals of the shipped model.

    Parameters
    ----------
    runs : Path
        Not used.
    data : Path
        Holds ``checkpoints/english``.

    Raises
    ------
    CheckpointError
        If there is no such model, or the extra ``cifviz[english]`` is not installed.
    DataError
        If recordings or pocketsphinx are missing.
    """
    model: Any = load_model(data / "checkpoints" / MODEL)
    on_hand_labels = covered(aligned_pairs_of(model, hand_labelled()))
    learned = learned_intervals(model)
    return {**learned, "sets": {**learned["sets"], HAND: on_hand_labels}}


CORPORA = ("prompts", "grid", "samples", "human_aligned")
STUDY = Study(run, partial(read_study, name=NAME), interval_table, CORPORA)
