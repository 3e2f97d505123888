"""Every lesson that is committed: built from its source, as a lesson should be, and still true."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from cifviz.corpora.corpus_registry import DATA_VARIABLE
from cifviz.course.build import NOTEBOOKS, lessons, product, title_and_minutes
from cifviz.course.exercises import exercises, read_verdicts
from cifviz.course.inspection import inspect, lesson_problems
from cifviz.course.lesson_sources import derive, read_source
from cifviz.course.live_figures import redraw_efforts
from cifviz.notebooks.execution import SealedKernel, execute
from cifviz.notebooks.links import is_local, targets
from cifviz.notebooks.media_types import WIDGET_VIEW
from cifviz.notebooks.normalise import normalise
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import outputs, read_notebook, tags
from cifviz.notebooks.records import compare_records, comparison_table, read_records
from cifviz.notebooks.run_inputs import ROOT
from cifviz.notebooks.run_limits import Limits
from cifviz.notebooks.verification import verify
from cifviz.resources import resource
from tests.lessons import perturbation

SECONDS = 60
"""CPU time that a lesson takes at most with `fast`."""
REDRAW = 8.0
"""Times of the kernel that empty axes take, in which a control answers."""

KEEP = ROOT / "build" / "notebooks"
"""Where a failing notebook is left, to be looked at or kept by CI."""

COPIES = ["student", "solved"]

OTHER = {
    "00_start_here": {
        "seed": 1,
        "fast": False,
        "clip": "silence",  # "On your own" suggests it
        "recording": "sentence_bin",
        "own_file": str(resource("clips") / "digits_two.flac"),
        "own_model": "digits",
    },
    "01_integrate_and_fire": {
        "seed": 1,
        "fast": False,
        "recording": "sentence_bin",
        "threshold": 0.5,
    },
    "02_scaling": {
        "seed": 1,
        "fast": False,
        "recording": "sentence_set",
    },
    "03_training_film": {
        "seed": 1,
        "fast": False,
        "clip": "digits_five",
        "recording": "digits_yweweler",
    },
    "04_weights": {
        "seed": 1,
        "fast": False,
        "recording": "sentence_bin",
    },
    "05_tail_handling": {
        "seed": 1,
        "fast": False,
        "clip": "digits_two",
        "clip_model": "digits",
        "recording": "digits_george_long",
        "tail_threshold": 0.7,
    },
    "06_how_good_is_it": {
        "seed": 1,
        "fast": False,
        "recording": "digits_yweweler_long",
        "clip": "digits_repeated",
    },
    "07_thresholds_and_dialects": {
        "seed": 1,
        "fast": False,
        "recording": "sentence_place",
        "carried": 0.9,
    },
    "08_nar_decoding": {
        "seed": 1,
        "fast": False,
        "sentence": "grid_place",
        "clip": "digits_repeated",
        "recording": "digits_nicolas_repeated",
    },
    "09_contextual_biasing": {
        "seed": 1,
        "noise": 0,
        "fast": False,
        "clip": "digits_pause",
        "recording": "digits_george_long",
        "phone_book": ["one two three"],
    },
    "10_open_speech": {
        "seed": 1,
        "fast": False,
        "clip": "natural_lake",
        "own_file": str(resource("clips") / "natural_river.flac"),
        "own_text": "When morning comes, we walk along the river.",
    },
    "11_encoder_and_language_model": {
        "seed": 1,
        "fast": False,
        "clip": "natural_lake",  # "On your own" suggests it
        "sentence": "MiniLM 0",
    },
    "12_distillation": {
        "seed": 1,
        "fast": False,
    },
    "13_lipreading": {
        "seed": 1,
        "fast": False,
        "clip": "grid_set",
    },
    "14_simultaneous_translation": {
        "seed": 1,
        "fast": False,
        "recording": "digits_jackson_pauses",
    },
    "15_spiking_neurons": {
        "seed": 1,
        "fast": False,
        "clip": "digits_slow",  # "On your own" suggests it
    },
    "16_your_own_model": {
        "seed": 1,
        "fast": False,
        "clip": "digits_repeated",  # "On your own" suggests it
        "own_alpha": str(Path(__file__).with_name("own_alpha.npy")),
        "own_frame_shift": 0.08,
        "onnx": True,
    },
}
"""What else a reader may set: no lesson is made for its own parameters alone."""

LOOSE = {
    # What a small recogniser learns that is trained on the spot: something else on each machine.
    "02_scaling": {"live_counts"},
    "03_training_film": {
        "mass_at_the_end",
        "quantity_at_the_end",
        "token_error_rate",
        "errors_at_a_constant_rate",
        "steps_to_a_constant_rate",
        "weight_in_silence_at_the_end",
        "people_in_silence",
        "people_mass",
        "people_token_errors",
    },
    # Whether rounding loses a token is a coin's toss; a thousand utterances toss.
    "07_thresholds_and_dialects": {
        "lost_float32",
        "lost_float64",
        "lost_float32_at_0_000001",
        "lost_funasr_cif",
        "lost_funasr_cif_v1",
        "exact_float16_at_0999",
        "exact_bfloat16_at_099",
        "exact_bfloat16_all_at_090",
    },
}
"""Recorded numbers that a change of one percent does not break, and why."""
NOTHING = 1e-6
"""A number below it is zero up to rounding, and has no percent."""

QUICK = ("00_start_here", "01_integrate_and_fire")
"""Lessons that `make test` runs; `make test-long` runs the others."""
RUNS = [
    pytest.param(name, marks=pytest.mark.slow if name in QUICK else pytest.mark.long)
    for name in lessons()
]

each_lesson = pytest.mark.parametrize("name", lessons())
each_copy = pytest.mark.parametrize("copy", COPIES)


def source_of(name):
    return read_source(NOTEBOOKS / "source" / f"{name}.py")


@each_copy
@each_lesson
def test_it_is_fresh_and_built_as_a_lesson(name, copy):
    path = product(name, copy)
    assert path.is_file(), "run make notebooks"
    found = inspect(path)
    assert not found, "\n".join(found)


@each_lesson
def test_one_changed_character_is_found_without_a_kernel(name, tmp_path, monkeypatch):
    monkeypatch.setattr(SealedKernel, "start_kernel", lambda *_, **__: pytest.fail("a kernel"))
    path = shutil.copy(product(name, "student"), tmp_path)
    text = (NOTEBOOKS / "source" / f"{name}.py").read_text(encoding="utf-8")
    before, after = text.rsplit(".", maxsplit=1)
    changed = tmp_path / "source" / f"{name}.py"
    changed.parent.mkdir()
    changed.write_text(f"{before}!{after}", encoding="utf-8")
    found = inspect(Path(path))
    assert any("stale outputs: source changed" in one for one in found)


@pytest.mark.parametrize("name", RUNS)
def test_it_runs_and_arrives_at_the_same(name, monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)  # papermill has the real recordings at hand
    solved, keep = product(name, "solved"), KEEP / f"{name}-solved.ipynb"
    # What is trained on the spot is something else on each machine: recorded numbers decide.
    complaints = verify(solved, keep=keep, limits=Limits(cpu=SECONDS), contents=False)
    assert not complaints, "\n".join(complaints)


@each_lesson
@pytest.mark.long
def test_papermill_arrives_at_the_same(name, tmp_path):
    """As in the CI of somebody else: the open copy, the kernel that is installed, a parameter."""
    given, copy = product(name, "student"), tmp_path / "ran.ipynb"
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--no-log-output"]
    command += ["--kernel", "python3", "--cwd", str(tmp_path), "-p", "seed", "0"]
    ran = subprocess.run(
        [*command, str(given), str(copy)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    kept, found = (read_records(read_notebook(path)) for path in (given, copy))
    compared = compare_records(kept, found)
    assert compared and all(one.agrees for one in compared), comparison_table(compared)


@each_lesson
@pytest.mark.long
def test_it_arrives_at_the_same_with_other_last_digits(name):
    _, found = perturbation.complaints(name, perturbation.noises(1)[0])
    assert found == []


@each_lesson
@pytest.mark.long
def test_it_runs_with_other_parameters(name):
    notebook = derive(source_of(name), name, "solved")
    keep = KEEP / f"{name}-other.ipynb"
    parameters = dict(OTHER[name])
    if "listen" in read_parameters(notebook) and DATA_VARIABLE in os.environ:
        parameters["listen"] = True  # nothing of it is kept
    raw = execute(notebook, parameters=parameters, keep=keep)
    live = [output for _, output in outputs(raw) if WIDGET_VIEW in output.get("data", {})]
    assert live, "a lesson has something to play with: live_figure(…)"
    assert all(effort < REDRAW for effort in redraw_efforts(raw)), redraw_efforts(raw)
    executed = normalise(raw)
    # Papermill puts the parameters, and with them a path, into a cell of their own.
    expected = ("papermill injected parameters", "cell 3 names an absolute path")
    usual = ": nothing computes, records or cites "  # the text tells numbers of the usual ones
    found = [
        complaint
        for complaint in lesson_problems(executed)
        if not complaint.startswith(expected) and usual not in complaint
    ]
    assert found == []


@each_lesson
def test_a_change_of_one_percent_breaks_what_is_recorded(name):
    recorded = read_records(read_notebook(product(name, "solved")))
    loose = {
        key
        for key, one in recorded.items()
        if isinstance(one.value, float)
        and abs(one.value) > NOTHING
        and one.tolerance > 0.01 * abs(one.value)
    }
    assert loose == LOOSE.get(name, set())


@each_lesson
def test_other_parameters_are_really_other(name):
    known = read_parameters(source_of(name))
    assert OTHER[name].keys() <= known.keys()
    assert all(known[key] != value for key, value in OTHER[name].items())


@each_lesson
def test_every_exercise_is_asked_and_every_question_has_a_checker(name):
    notebook = nbformat.read(product(name, "solved"), as_version=4)
    assert list(read_verdicts(notebook)) == list(exercises(name.split("_")[0]))


@pytest.mark.parametrize("name", [name for name in lessons() if name < "08"])
def test_every_exercise_of_the_first_lessons_has_three_hints(name):
    cells = nbformat.read(product(name, "student"), as_version=4).cells
    places = [number for number, cell in enumerate(cells) if "exercise" in tags(cell)]
    hinted = [number for number in places if cells[number + 1].source.count("<summary>Hint ") == 3]
    assert places and hinted == places


@each_lesson
def test_every_solution_begins_as_its_stub_asks(name):
    """The name that a stub leaves open is the name that the solution sets."""
    cells = source_of(name).cells
    for stub, solution in pairwise(cells):
        if "exercise" in stub.metadata.get("tags", ()):
            asked = stub.source.strip().splitlines()
            answered = solution.source.strip().splitlines()
            assert asked[0].split("=")[0].split("(")[0] == answered[0].split("=")[0].split("(")[0]
            assert asked[-1] == answered[-1]
            assert asked[-1].startswith("check(")


def test_lessons_lead_to_one_another():
    """And each calls its neighbours by their titles."""
    for before, after in pairwise(lessons()):
        for here, there in ((before, after), (after, before)):
            opening = " ".join(source_of(here).cells[0].source.split())
            title, _ = title_and_minutes(source_of(there))
            assert f"[{there[:2]} {title}]({there}.ipynb)" in opening


def test_nothing_is_committed_but_lessons():
    built = {path.stem for path in NOTEBOOKS.rglob("*.ipynb") if "checkpoint" not in path.name}
    assert built <= set(lessons())


def test_the_code_points_back_to_lessons_that_there_are():
    """Docstrings name the lesson that teaches what they document."""
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "cifviz").rglob("*.py")]
    named = {name for page in pages for name in re.findall(r"Notebook: notebooks/(\w+)\.", page)}
    assert named and named <= set(lessons())


@each_copy
@each_lesson
def test_links_lead_to_what_is_on_github_too(name, copy):
    """That is, to files that git keeps."""
    path = product(name, copy)
    cells = nbformat.read(path, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    local = {
        target.partition("#")[0] for text in texts for target in targets(text) if is_local(target)
    }
    files = [str((path.parent / target).resolve().relative_to(ROOT)) for target in sorted(local)]
    if not ((ROOT / ".git").exists() and shutil.which("git")):
        pytest.skip("a copy without its history: nobody knows what git keeps")
    command = ["git", "check-ignore", "--no-index", *files]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout == ""
