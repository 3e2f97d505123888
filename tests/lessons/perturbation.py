"""Runs lessons as another machine would: with the last digits of their numbers changed.

Other processors, other versions of MKL and other numbers of threads add up the same floats in
another order. What comes out differs from about the seventh digit on, and a training makes much of
it. Here a cell is put before a lesson that changes as much on purpose: it multiplies all encoder
output and all frame weights, those of models and those of `load_recording`, by 1 + 1e-6 · noise,
or it lets torch use other instructions or threads. The numbers that the lesson records must stay
within their tolerances, every assertion in it must hold and every solution must be right.

    python -m tests.lessons.perturbation 02 06 --seeds 3

prints a table for each lesson, and exits with 1 where anything differs. For a test: `complaints`.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from cifviz.course.build import NOTEBOOKS, lessons, product
from cifviz.course.exercises import read_verdicts
from cifviz.course.lesson_sources import derive, read_source
from cifviz.notebooks.execution import RunError, execute
from cifviz.notebooks.reader import read_notebook
from cifviz.notebooks.records import Value, compare_records, read_records
from cifviz.text_tables import text_table

SIZE = 1e-6
"""Largest relative change of an encoder output or of a frame weight: some eight units in the last
place of float32."""

NOISE = """
import dataclasses
import torch
import cifviz
from cifviz.core.weights import WeightPredictor
from cifviz.systems.encoder import Encoder
from cifviz.corpora import feature_excerpts

def _changed(values, of=0):
    # The same shape gets the same noise: a machine, too, gives the same for the same.
    draw = torch.Generator().manual_seed({seed} * 1_000_003 + 1009 * of + values.numel())
    noise = 2 * torch.rand(values.shape, generator=draw, dtype=torch.float64) - 1
    return values * (1 + {size} * noise).to(values)

def _change_output(module, _, output):
    if isinstance(module, WeightPredictor):
        return _changed(output)
    if isinstance(module, Encoder):
        return _changed(output[0]), *output[1:]

torch.nn.modules.module.register_module_forward_hook(_change_output)
_load_recording = feature_excerpts.load_recording

def _load_changed(name):
    recording = _load_recording(name)
    return dataclasses.replace(recording, alpha=_changed(recording.alpha, of=len(name)))

cifviz.load_recording = feature_excerpts.load_recording = _load_changed
"""
"""What changes the numbers; for `str.format`."""


@dataclass(frozen=True)
class Perturbation:
    """How a machine differs from the one that built the lessons."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that torch reads when it is imported."""
    threads: int | None = None
    seed: int | None = None
    """Of the noise; None for none."""

    @property
    def cell(self) -> str:
        """The code that stands before a lesson."""
        lines = ["import os", f"os.environ.update({dict(self.environment)!r})"]
        if self.threads is not None:
            lines += ["import torch", f"torch.set_num_threads({self.threads})"]
        if self.seed is not None:
            lines.append(NOISE.format(seed=self.seed, size=SIZE))
        return "\n".join(lines)


MACHINES = (
    Perturbation("as it is"),
    Perturbation("two threads", {"OMP_NUM_THREADS": "2"}, threads=2),
    Perturbation("compatible MKL", {"MKL_CBWR": "COMPATIBLE"}),
    Perturbation("no vector instructions", {"ATEN_CPU_CAPABILITY": "default"}),
)
"""This machine, and what it can pretend to be."""


def noises(count: int) -> tuple[Perturbation, ...]:
    """So many perturbations of `SIZE`."""
    return tuple(Perturbation(f"noise {seed}", seed=seed) for seed in range(1, count + 1))


def run_perturbed(notebook: NotebookNode, perturbation: Perturbation) -> NotebookNode:
    """Execute a notebook on such a machine; it is not changed.

    Raises
    ------
    RunError
        If a cell fails: an assertion does not hold, for one.
    """
    notebook = copy.deepcopy(notebook)
    notebook.cells.insert(0, new_code_cell(perturbation.cell, id="perturbation"))
    return execute(notebook)


def complaints(name: str, perturbation: Perturbation) -> tuple[dict[str, Value], list[str]]:
    """Run the source of a lesson, solved, on such a machine.

    Returns
    -------
    dict
        What it records, by name; nothing if a cell fails.
    list of str
        What differs from what is committed, and exercises whose solution is not right.
    """
    committed = read_records(read_notebook(product(name, "solved")))
    lesson = derive(read_source(NOTEBOOKS / "source" / f"{name}.py"), name, "solved")
    try:
        executed = run_perturbed(lesson, perturbation)
    except RunError as error:
        return {}, [f"{error}\n{error.details}"]
    now, verdicts = read_records(executed), read_verdicts(executed)
    found = [f"exercise {one} is {state}" for one, state in verdicts.items() if state != "right"]
    found += [
        f"{one.name} is {one.now}, committed {one.committed} ± {one.tolerance:g}"
        for one in compare_records(committed, now)
        if not one.agrees
    ]
    return {key: recorded.value for key, recorded in now.items()}, found


def report(name: str, runs: Sequence[Mapping[str, Value]]) -> str:
    """A table: each recorded number, how far the runs went, and what share of the tolerance."""
    committed = read_records(read_notebook(product(name, "solved")))
    rows = []
    for key, recorded in committed.items():
        seen = [run[key] for run in runs if key in run]
        if isinstance(recorded.value, float):
            numbers = [float(one) for one in seen]
            far = max((abs(one - recorded.value) for one in numbers), default=0.0)
            share = f"{far / recorded.tolerance:.0%}" if recorded.tolerance else "-"
            spread = f"{min(numbers):.7g} … {max(numbers):.7g}" if numbers else "-"
            rows.append([key, f"{recorded.value:.7g}", spread, f"{recorded.tolerance:g}", share])
        else:
            spread = ", ".join(sorted({str(one) for one in seen}))
            rows.append([key, str(recorded.value), spread, "exact", ""])
    return text_table([f"{name[:2]}: name", "committed", "seen", "tolerance", "used"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run lessons on all of these machines; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", help="numbers, such as 03; default all")
    parser.add_argument("--seeds", type=int, default=3, help="of the noise")
    parser.add_argument("--noise-alone", action="store_true", help="on this machine alone")
    asked = parser.parse_args(arguments)
    machines = (() if asked.noise_alone else MACHINES) + noises(asked.seeds)
    failed = False
    for name in lessons():
        if asked.lessons and name[:2] not in asked.lessons:
            continue
        runs = []
        for perturbation in machines:
            numbers, found = complaints(name, perturbation)
            runs.append(numbers)
            failed |= bool(found)
            for complaint in found:
                print(f"{name}, {perturbation.name}: {complaint}", flush=True)
        print(report(name, runs), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
