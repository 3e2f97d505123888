"""The perturbation changes what it says, by as much as it says, and finds what hangs on that."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cifviz.course.exercises import EXERCISE
from cifviz.notebooks.execution import RunError
from cifviz.notebooks.media_types import RECORD
from cifviz.notebooks.records import read_records
from tests.lessons import perturbation as under_test
from tests.lessons.perturbation import MACHINES, SIZE, Perturbation, complaints, noises

CELL = """
import torch
from safetensors.torch import load_file

import cifviz
from cifviz.core.weights import LinearWeights
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.resources import resource
from cifviz.corpora.feature_excerpts import NUMBERS
from cifviz.course import record


def change(now, before):
    return (now.double() / before.double() - 1)[before != 0].abs().max()


kept = load_file(resource("recordings") / NUMBERS)["digits_george/alpha"]
alpha = cifviz.load_recording("digits_george").alpha
again = cifviz.load_recording("digits_george").alpha
torch.manual_seed(0)
predictor, frames = LinearWeights(4), torch.randn(1, 50, 4)
with torch.inference_mode():
    weights = predictor(frames, torch.tensor([50]))
    plain = predictor.forward(frames, torch.tensor([50]))  # past the hooks
    encoder = Encoder(EncoderConfig(n_mels=8, channels=8, dilations=(1,))).eval()
    sound = torch.randn(1, 40, 8), torch.tensor([40])
    encoded, lengths = encoder(*sound)
    plain_encoded, _ = encoder.forward(*sound)
record(
    of_recording=change(alpha, kept),
    of_weights=change(weights, plain),
    of_encoder=change(encoded, plain_encoded),
    lengths_stay=lengths.tolist() == [10],
    same_each_time=torch.equal(alpha, again),
    capability=torch.backends.cpu.get_cpu_capability(),
    threads=torch.get_num_threads(),
    drawn=torch.rand(1),
)
"""


@pytest.mark.slow
def test_everything_is_changed_by_a_millionth_and_chance_is_left_alone():
    notebook = new_notebook(cells=[new_code_cell(CELL, id="cell")])
    where = {"ATEN_CPU_CAPABILITY": "default"}
    executed = under_test.run_perturbed(notebook, Perturbation("all", where, threads=2, seed=1))
    assert len(notebook.cells) == 1
    found = {name: one.value for name, one in read_records(executed).items()}
    for what in ("of_recording", "of_weights", "of_encoder"):
        assert 0.5 * SIZE < found[what] < 1.2 * SIZE, what  # float32 adds a rounding of its own
    assert found["lengths_stay"] and found["same_each_time"]
    assert (found["capability"], found["threads"]) == ("DEFAULT", 2)
    unchanged = under_test.run_perturbed(notebook, Perturbation("none"))
    before = {name: one.value for name, one in read_records(unchanged).items()}
    assert before["of_recording"] == before["of_weights"] == before["of_encoder"] == 0
    assert found["drawn"] == pytest.approx(before["drawn"], abs=1e-6)


def fake_run(monkeypatch, result):
    """Let every lesson run to this; an exception is raised."""

    def run(notebook, perturbation):
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(under_test, "run_perturbed", run)


@pytest.fixture
def committed():
    path = under_test.product("01_integrate_and_fire", "solved")
    return nbformat.read(path, as_version=4)


def test_a_lesson_that_stays_the_same_gives_no_complaint(monkeypatch, committed):
    fake_run(monkeypatch, committed)
    numbers, found = complaints("01_integrate_and_fire", MACHINES[0])
    assert numbers["fires"] == 2
    assert found == []


def test_a_number_that_moves_and_a_wrong_answer_are_complaints(monkeypatch, committed):
    for cell in committed.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            kept = data.get(RECORD, {})
            if "residual" in kept.get("numbers", ()):
                kept["numbers"]["residual"] += 2 * kept["tolerance"]
            if data.get(EXERCISE, {}).get("exercise") == "01.2":
                data[EXERCISE]["state"] = "wrong"
    fake_run(monkeypatch, committed)
    _, found = complaints("01_integrate_and_fire", MACHINES[0])
    assert found[0] == "exercise 01.2 is wrong"
    assert found[1].startswith("residual is 0.300002, committed 0.3 ")


def test_a_cell_that_fails_is_a_complaint(monkeypatch):
    fake_run(monkeypatch, RunError("cell 3 fails with AssertionError", "the traceback"))
    numbers, found = complaints("01_integrate_and_fire", MACHINES[0])
    assert (numbers, found) == ({}, ["cell 3 fails with AssertionError\nthe traceback"])


def test_the_table_shows_how_much_of_a_tolerance_is_used():
    runs = [{"residual": 0.3}, {"residual": 0.3 + 5e-7}, {}]
    table = under_test.report("01_integrate_and_fire", runs)
    (row,) = (line.split() for line in table.splitlines() if line.startswith("residual"))
    assert row[-1] == "50%"


def test_each_noise_is_another():
    first, second = (one.cell for one in noises(2))
    assert first != second
    assert "torch.rand" not in MACHINES[0].cell
