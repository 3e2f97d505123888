"""Comparison of autoregressive and non-autoregressive systems on one small encoder.

Errors, counts and edges are those of the published runs of the recipes in `TASKS` and `UNITS`. How
long decoding takes is measured here, on strings of `LENGTHS` digits.

References
----------
Higuchi et al. (2021), arXiv:2110.05249, compare such systems in one setting; Yu et al. (2021),
arXiv:2104.04702, guide the weights by CTC and add a contextual decoder; Gao et al. (2022),
arXiv:2206.08317, is Paraformer. What is expected of each, and where that is from, stands in
`experiments.studies.nar_claims`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.benchmark import Timer

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_results, read_study
from cifviz.text_tables import markdown_table
from experiments.recipes import find_recipe
from experiments.recipes.variants import STEPS_FACTOR
from experiments.runs import loaded, run_name
from experiments.structured_digits import grammar_strings, markov_digit
from experiments.studies.error_columns import ERROR_HEADS, error_cells
from experiments.studies.nar_claims import claim_table
from experiments.studies.paired_seeds import TASKS
from experiments.studies.study import Study

NAME = "nar-comparison"
UNITS = {"markov-digits": "words", "markov-merged": "merged units", "markov-phones": "phones"}
"""The same utterances in other units, by recipe."""
TIMED = "markov-digits"
"""The recipe whose models are timed."""
NOT_TIMED = ("ctc-longer", "nar-longer", "ar-longer", "context-aware-longer", "paraformer-0")
"""Variants that differ in training alone from one that is timed."""
LENGTHS = (5, 10, 20, 40)
"""Digits of the strings that are timed: one of each speaker and length."""
SEED = 153
"""Of the generator that draws them."""
LEAST_SECONDS = 0.1
"""Each is decoded again and again for so long, at least."""


class Compared(NamedTuple):
    """A system, and where its token edges are read."""

    title: str
    raw: str
    """The read-out in which nothing is learned."""
    learned: str
    """One that learned from development utterances."""


_CIF = ("fire", "valleys, quantiles")
_CTC = ("path", "path, shifted")

SYSTEMS = {
    "ctc": Compared("CTC", *_CTC),
    "ctc-longer": Compared("CTC", *_CTC),
    "intermediate-ctc": Compared("intermediate CTC", *_CTC),
    "self-conditioned-ctc": Compared("self-conditioned CTC", *_CTC),
    "mask-ctc": Compared("Mask-CTC, 10 passes", *_CTC),
    "projection": Compared("CIF-NAR, projection", *_CIF),
    "": Compared("CIF-NAR", *_CIF),
    "nar-longer": Compared("CIF-NAR", *_CIF),
    "nar-context": Compared("CIF-NAR, context layers", *_CIF),
    "context-aware": Compared("CIF-NAR, contextual decoder", *_CIF),
    "context-aware-longer": Compared("CIF-NAR, contextual decoder", *_CIF),
    "paraformer-0": Compared("Paraformer without sampler", *_CIF),
    "paraformer": Compared("Paraformer, λ = 0.75", *_CIF),
    "ar": Compared("CIF-AR", *_CIF),
    "ar-longer": Compared("CIF-AR", *_CIF),
    "attention": Compared("attention", "centroid", "quantiles"),
}
"""By variant."""

SAMPLERS = {
    "paraformer-0": "λ = 0",
    "paraformer-0.25": "λ = 0.25",
    "paraformer-0.5": "λ = 0.5",
    "paraformer": "λ = 0.75",
    "paraformer-1": "λ = 1",
}
"""How often the sampler of the Paraformer gives tokens away, by variant."""


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Time the first seed of every system that is finished, one after the other."""
    utterances = [
        grammar_strings("test", markov_digit, np.random.default_rng([SEED, length]), [length] * 4)
        for length in LENGTHS
    ]
    timed = []
    for variant in SYSTEMS:
        if variant in NOT_TIMED:
            continue
        folder = runs / run_name(TIMED, 0, None, variant)
        if (folder / "result.json").is_file():
            model = loaded(find_recipe(TIMED, variant), folder)
            times = decoding_times(model, [one for group in utterances for one in group])
            timed.append({"variant": variant, "seed": 0, **times})
    require(bool(timed), f"no finished run of {TIMED!r} in {runs}", DataError)
    return {"processor": processor(), "threads": 1, "recipe": TIMED, "times": timed}


def decoding_times(model: Any, utterances: Sequence[LabelledUtterance]) -> dict[str, list[float]]:
    """How long an encoder and what comes behind it take for each utterance, alone.

    Parameters
    ----------
    model : EncoderSystem
        In evaluation mode.
    utterances : sequence of LabelledUtterance

    Returns
    -------
    dict
        For each utterance ``reference`` and ``hypothesis``, the numbers of their tokens,
        and ``encoder`` and ``decoding``, medians in milliseconds: of features to frames, and of
        frames to a transcription. It is the processor's time of one thread, not that of the clock,
        so that other programs do not count.
    """
    times: dict[str, list[float]] = {
        "reference": [],
        "hypothesis": [],
        "encoder": [],
        "decoding": [],
    }
    with torch.inference_mode():
        for one in utterances:
            sounds = model.sounds([one.waveform])
            encoded = model.encoded(sounds)
            (found,) = model.transcriptions(sounds, encoded)
            times["reference"].append(len(one.words))
            times["hypothesis"].append(len(found.tokens))
            times["encoder"].append(milliseconds(partial(model.encoded, sounds)))
            decode = partial(model.transcriptions, sounds, encoded)
            times["decoding"].append(milliseconds(decode))
    return times


def milliseconds(call: Callable[[], object]) -> float:
    """Median processor time of a call on one thread; other programs do not count."""
    timer = Timer("call()", globals={"call": call}, timer=time.process_time, num_threads=1)
    return round(1000 * timer.blocked_autorange(min_run_time=LEAST_SECONDS).median, 4)


def processor() -> str:
    """Name of the processor.

    >>> bool(processor())
    True
    """
    table = Path("/proc/cpuinfo")
    lines = table.read_text("utf-8").splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def line_fit(tokens: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Slope of a line through some values by least squares, and its standard error.

    >>> slope, error = line_fit([0, 1, 2, 3], [1.0, 3.0, 5.0, 7.0])
    >>> round(slope, 6), error < 1e-6
    (2.0, True)
    """
    fitted, covariance = np.polyfit(tokens, values, 1, cov=True)
    return float(fitted[0]), float(np.sqrt(covariance[0, 0]))


def title_of(variant: str) -> str:
    """Of a system, with how much longer it trains than the others."""
    factor = STEPS_FACTOR.get(variant, 1)
    return SYSTEMS[variant].title + f", {factor} × the steps" * (factor > 1)


def read(folder: Path) -> dict[str, Any]:
    """The published times, and under "runs" the published runs of the recipes that are compared."""
    names = {*TASKS, *UNITS}
    runs = [
        one for one in read_results(folder) if one["recipe"] in names and one["leave_out"] is None
    ]
    return {**read_study(folder, NAME), "runs": runs}


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other."""
    runs, parts = found["runs"], []
    for recipe in TASKS:
        parts.append(system_table(runs, recipe, found["times"] if recipe == TIMED else ()))
    parts += [unit_table(runs), time_table(found)]
    parts += [sampler_table(runs, recipe) for recipe in TASKS]
    parts.append(claim_table(runs))
    return "\n\n".join(part for part in parts if part)


def measured(runs: Sequence[Mapping[str, Any]], recipe: str, variant: str) -> list[dict[str, Any]]:
    """Scores of all seeds on the set of `TASKS`, or on the test set."""
    split = TASKS.get(recipe, "test")
    return [one[split] for one in runs if (one["recipe"], one["variant"]) == (recipe, variant)]


def system_table(
    runs: Sequence[Mapping[str, Any]], recipe: str, times: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Systems beside each other on one task: mean ± standard deviation over seeds."""
    heads = [f"{recipe}, {TASKS[recipe]} set", "seeds", *ERROR_HEADS, "right count %"]
    heads += ["edges ms, raw", "edges ms, learned"]
    rows = []
    for variant, (_, *readouts) in SYSTEMS.items():
        found = measured(runs, recipe, variant)
        if found:
            edges = [_edges(found, readout) for readout in readouts]
            cells = [*error_cells(found), _counts(found), *edges]
            rows.append([title_of(variant), str(len(found)), *cells])
    return markdown_table(heads, rows) if rows else ""


def _counts(found: Sequence[Mapping[str, Any]]) -> str:
    return spread([100 * one["count_accuracy"] for one in found])


def _edges(found: Sequence[Mapping[str, Any]], readout: str) -> str:
    """Mean absolute error of onsets and offsets of equal tokens, pooled."""
    errors = [one["edges"].get(readout, {}).get("both", {}).get("mean_absolute") for one in found]
    if None in errors:
        return "–"
    return spread([1000 * error for error in errors], digits=0)


def unit_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """The same utterances in words, merged units and phones."""
    heads = ["units", "system", "seeds", *ERROR_HEADS, "right count %"]
    rows = []
    for recipe, units in UNITS.items():
        for variant in SYSTEMS:
            found = measured(runs, recipe, variant)
            if found and all(measured(runs, name, variant) for name in UNITS):
                cells = [*error_cells(found), _counts(found)]
                rows.append([units, title_of(variant), str(len(found)), *cells])
    return markdown_table(heads, rows) if rows else ""


def time_table(found: Mapping[str, Any]) -> str:
    """How long decoding takes, and how much longer with each token."""
    heads = ["system", *(f"{length} tokens: ms" for length in LENGTHS)]
    heads += ["ms per token", "encoder: ms per token"]
    rows = []
    for one in found["times"]:
        of_length = {
            length: [
                t
                for t, tokens in zip(one["decoding"], one["reference"], strict=True)
                if tokens == length
            ]
            for length in LENGTHS
        }
        fits = [line_fit(one["reference"], one[part]) for part in ("decoding", "encoder")]
        rows.append(
            [
                SYSTEMS[one["variant"]].title,
                *(f"{mean(values):.2f}" for values in of_length.values()),
                *(f"{slope:.3f} ± {error:.3f}" for slope, error in fits),
            ]
        )
    speakers = len(found["times"][0]["reference"]) // len(LENGTHS)
    note = (
        f"Processor time of one utterance alone, behind the encoder; {found['processor']}, "
        f"{found['threads']} thread. Mean over {speakers} speakers; "
        "slope of a line by least squares ± its standard error."
    )
    slopes = {
        one["variant"]: line_fit(one["reference"], one["decoding"])[0] for one in found["times"]
    }
    if {"", "ar"} <= slopes.keys():
        note += (
            f" A token costs CIF-AR {slopes['ar'] / slopes['']:.1f} times what it costs CIF-NAR."
        )
    return f"{markdown_table(heads, rows)}\n\n{note}"


def sampler_table(runs: Sequence[Mapping[str, Any]], recipe: str) -> str:
    """Errors of `SAMPLERS` by kind."""
    title = f"{recipe}: sampler of the Paraformer"
    heads = [title, "seeds", *ERROR_HEADS, "right count %"]
    rows = []
    for variant, named in SAMPLERS.items():
        found = measured(runs, recipe, variant)
        if found:
            rows.append([named, str(len(found)), *error_cells(found), _counts(found)])
    return markdown_table(heads, rows) if len(rows) > 1 else ""


STUDY = Study(run, read, table, ("digits",))
