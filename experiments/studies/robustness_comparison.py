"""Robustness comparison: label- and frame-synchronous recognisers on data unlike the training data.

A label-synchronous model (an attention decoder) takes a step for each token. It has to find the
place of each token, and the end, by itself. A frame-synchronous one (CIF, CTC) goes along the
frames. So they should fail differently where length, repetition or gaps differ from what they were
trained on: on the sets of `experiments.robustness_sets`.

References
----------
Dong, Yi, Wang, Zhou, Xu, Jia & Xu (2020), *A Comparison of Label-Synchronous and Frame-Synchronous
End-to-End Models for Speech Recognition*, arXiv:2005.10113. Its abstract, which is all that is
quoted of it here, compares a Transformer with a CIF model on three public data sets and one of
12 000 hours: each has "respective advantages that are consistent with their synchronous mode".
The abstract does not name the advantages: what `verdict` expects is derived from the modes here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from cifviz.audio.waveform import Waveform
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import require
from cifviz.metrics import spread
from cifviz.metrics.statistics import median
from cifviz.published import (
    ERROR_KINDS,
    ComparedRun,
    read_robustness_comparison,
    verdict,
)
from cifviz.text_tables import markdown_table
from experiments.measure import error_scores
from experiments.recipes import find_recipe
from experiments.robustness_sets import robustness_sets
from experiments.runs import finished_runs, loaded
from experiments.studies.study import Study

SOURCE = (
    "Dong et al. (2020), arXiv:2005.10113, compared a Transformer with a CIF model. Of its results "
    "only what the abstract says is taken as known: both have advantages that are consistent with "
    "their synchronous mode. The test sets and what is expected of them are this project's."
)
"""What is the paper's and what is not."""

SYSTEMS = {"attention": "attention", "cif": "", "ctc": "ctc"}
"""Variants of "digits" that are compared, by the name of the system."""


class HasTokens(Protocol):
    """What is needed of a transcription."""

    @property
    def tokens(self) -> Sequence[str]:
        """The recognised tokens, in order."""


class Transcriber(Protocol):
    """A recogniser of any kind, `CIFRecognizer` among them."""

    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> Sequence[HasTokens]:
        """A transcription of each waveform."""


def measure_sets(
    model: Transcriber, sets: Mapping[str, Sequence[LabelledUtterance]]
) -> dict[str, dict[str, float]]:
    """Errors of a recogniser on each set, and how long it takes, one utterance at a time.

    Parameters
    ----------
    model : Transcriber
        In evaluation mode.
    sets : mapping of str to sequence of LabelledUtterance
        At least one word in each set, and sound in each utterance.

    Returns
    -------
    dict of str to dict
        For each set ``utterances``; ``tokens`` of the reference; ``token_error_rate``,
        ``(D + I + S) / tokens`` with its counts ``deletions``, ``insertions``, ``substitutions``;
        ``length_ratio``, tokens of the hypothesis per token of the reference;
        ``seconds_per_utterance`` and ``real_time_factor`` (seconds per second of sound), medians
        over utterances, the first one transcribed once before; ``threads`` of torch. Times are for
        comparing systems that were measured in one go on an idle machine.

    Raises
    ------
    CIFError
        If a set has no word or an utterance no sound.
    """
    return {name: _measure(model, name, utterances) for name, utterances in sets.items()}


def _measure(
    model: Transcriber, name: str, utterances: Sequence[LabelledUtterance]
) -> dict[str, float]:
    references = [[word.token for word in one.words] for one in utterances]
    durations = [one.waveform.duration for one in utterances]
    require(any(references), f"expected at least one word in {name!r}, got none")
    require(all(durations), f"expected sound in each utterance of {name!r}, got one without")
    model.transcribe_batch([utterances[0].waveform])
    hypotheses, seconds = [], []
    for utterance in utterances:
        began = time.perf_counter()
        (one,) = model.transcribe_batch([utterance.waveform])
        seconds.append(time.perf_counter() - began)
        hypotheses.append(list(one.tokens))
    errors = error_scores(references, hypotheses)
    factors = [taken / lasted for taken, lasted in zip(seconds, durations, strict=True)]
    return {
        "utterances": len(utterances),
        **errors,
        "length_ratio": sum(map(len, hypotheses)) / errors["tokens"],
        "seconds_per_utterance": median(seconds),
        "real_time_factor": median(factors),
        "threads": torch.get_num_threads(),
    }


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Measure the finished runs of all seeds of `SYSTEMS`, in one go."""
    sets = robustness_sets()
    measured: list[dict[str, Any]] = []
    for system, variant in SYSTEMS.items():
        recipe = find_recipe("digits", variant)
        for folder, seed in finished_runs(recipe, runs).items():
            found = measure_sets(loaded(recipe, folder), sets)
            measured.append({"system": system, "seed": seed, "conditions": found})
    return {"runs": measured}


def comparison_table(results: Sequence[ComparedRun]) -> str:
    """Systems beside each other on each set: mean ± standard deviation over seeds; `SOURCE`."""
    heads = [
        "set",
        "system",
        "runs",
        "token errors, %",
        "deleted, %",
        "inserted, %",
        "substituted, %",
        "hypothesis / reference tokens",
        "ms per utterance",
    ]
    rows = []
    for name in dict.fromkeys(name for one in results for name in one["conditions"]):
        for system in dict.fromkeys(one["system"] for one in results):
            measured = [
                one["conditions"][name]
                for one in results
                if one["system"] == system and name in one["conditions"]
            ]
            if not measured:
                continue
            cells = [
                [100 * one["token_error_rate"] for one in measured],
                *([100 * one[kind] / one["tokens"] for one in measured] for kind in ERROR_KINDS),
                [one["length_ratio"] for one in measured],
                [1000 * one["seconds_per_utterance"] for one in measured],
            ]
            rows.append([name, system, len(measured), *map(spread, cells)])
    return f"{markdown_table(heads, rows)}\n\n{SOURCE}"


def table(results: Sequence[ComparedRun]) -> str:
    """The comparison, and what it says of CIF and of CTC."""
    claims = [claim for frame in ("cif", "ctc") for claim in verdict(results, frame=frame)]
    return "\n".join([comparison_table(results), "", *(f"- {claim}" for claim in claims)])


STUDY = Study(run, read_robustness_comparison, table, ("digits",))
