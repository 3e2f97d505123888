"""Studies, one file each, and the one table in which they are found."""

from __future__ import annotations

from pathlib import Path

from cifviz.errors import require_choice
from cifviz.published import PROGRAM, study_path
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


def run_study(name: str, *, runs: Path, data: Path) -> str:
    """Run a study, publish what it measured under ``data/results``, and return its table."""
    require_choice("study", name, list(STUDIES))
    study = STUDIES[name]
    measured = study.run(runs=runs, data=data)
    made = {
        "command": f"{PROGRAM} study {name}",
        "commit": commit(),
        "data": {corpus: checksum(corpus) for corpus in study.corpora},
    }
    keep_result(study_path(data / "results", name), {**made, **measured})
    return study_table(name, data / "results")


def study_table(name: str, folder: Path) -> str:
    """The table of a study, as Markdown, from a folder of results."""
    return STUDIES[name].table(STUDIES[name].read(folder))


__all__ = ["STUDIES", "Study", "run_study", "study_table"]
