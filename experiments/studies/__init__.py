"""Studies, one file each, and the one table in which they are found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require, require_choice
from cifviz.published import PROGRAM, read_study, study_path
from experiments.provenance import checksum, commit
from experiments.result_files import keep_result
from experiments.studies import (
    boundary_losses,
    count_rescoring,
    count_rules,
    distillation,
    domain_flag,
    english_alignment,
    english_intervals,
    english_presence,
    fire_probe,
    language_model_comparison,
    lip_reading,
    long_recordings,
    nar_comparison,
    phrase_biasing,
    phrase_choice,
    prompt_translation,
    robustness_comparison,
    simultaneous_translation,
    spiking_neurons,
    tail_sweep,
    token_width,
    vocabulary_coverage,
)
from experiments.studies.study import Study

STUDIES: dict[str, Study] = {
    "boundary-losses": boundary_losses.STUDY,
    "count-rescoring": count_rescoring.STUDY,
    "count-rules": count_rules.STUDY,
    "distillation": distillation.STUDY,
    "english-alignment": english_alignment.STUDY,
    "english-intervals": english_intervals.STUDY,
    "fire-probe": fire_probe.STUDY,
    "language-model-comparison": language_model_comparison.STUDY,
    "lip-reading": lip_reading.STUDY,
    "long-recordings": long_recordings.STUDY,
    "english-presence": english_presence.STUDY,
    "nar-comparison": nar_comparison.STUDY,
    "phrase-biasing": phrase_biasing.STUDY,
    "phrase-choice": phrase_choice.STUDY,
    "prompt-translation": prompt_translation.STUDY,
    "robustness-comparison": robustness_comparison.STUDY,
    "simultaneous-translation": simultaneous_translation.STUDY,
    "spiking-neurons": spiking_neurons.STUDY,
    "tail-sweep": tail_sweep.STUDY,
    "token-width": token_width.STUDY,
    "vocabulary-coverage": vocabulary_coverage.STUDY,
    "domain-flag-digits": domain_flag.study("digits"),
    "domain-flag-grid": domain_flag.study("grid"),
}
"""By name."""


def run_study(name: str, *, runs: Path, data: Path, add: bool = False) -> str:
    """Run a study, publish what it measured under ``data/results``, and return its table.

    Parameters
    ----------
    name : str
        The study.
    runs, data : Path
        See `Run`.
    add : bool
        Add the runs that are not published yet to what is published, which stays as it is; without
        it, what is published is replaced.

    Raises
    ------
    DataError
        If runs or recordings are missing; with `add` if nothing is published, a study has no rows
        of single runs, or the recordings are not those of what is published.
    """
    require_choice("study", name, list(STUDIES))
    study = STUDIES[name]
    results = data / "results"
    sums = {corpus: checksum(corpus) for corpus in study.corpora}
    published = read_study(results, name) if add else None
    if published is not None:
        require(bool(study.rows), f"{name} measures all at once: nothing can be added", DataError)
        same = published["data"] == sums
        require(same, f"{name} was measured on other recordings: nothing can be added", DataError)
    measured = study.run(runs=runs, data=data)
    if published is None:
        made = {"command": f"{PROGRAM} study {name}", "commit": commit(), "data": sums, **measured}
    else:
        made = {
            **published,
            **with_added_rows(published, measured, study.rows),
            "added": [*published.get("added", ()), commit()],
        }
    keep_result(study_path(results, name), made)
    return study_table(name, results)


def with_added_rows(
    published: Mapping[str, Any], measured: Mapping[str, Any], rows: Mapping[str, tuple[str, ...]]
) -> dict[str, list[Any]]:
    """The published rows, then those measured rows that no published row has the names of.

    >>> with_added_rows(
    ...     {"runs": [{"seed": 0, "errors": 3}]},
    ...     {"runs": [{"seed": 0, "errors": 4}, {"seed": 1, "errors": 2}]},
    ...     {"runs": ("seed",)},
    ... )
    {'runs': [{'seed': 0, 'errors': 3}, {'seed': 1, 'errors': 2}]}
    """
    found = {}
    for name, keys in rows.items():
        known = {tuple(row[key] for key in keys) for row in published[name]}
        new = [row for row in measured[name] if tuple(row[key] for key in keys) not in known]
        found[name] = [*published[name], *new]
    return found


def study_table(name: str, folder: Path) -> str:
    """The table of a study, as Markdown, from a folder of results."""
    return STUDIES[name].table(STUDIES[name].read(folder))


__all__ = ["STUDIES", "Study", "run_study", "study_table", "with_added_rows"]
