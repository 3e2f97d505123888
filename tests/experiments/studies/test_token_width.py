"""How sharp weights are: by hand, on a tiny recogniser, and what is published."""

import json
import math

import numpy as np
import pytest
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.corpora.feature_excerpts import load_recording
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError
from cifviz.published import WIDTH_RECORDING, read_results, read_token_widths, study_path
from cifviz.resources import resource
from cifviz.systems.checkpoints import save_model
from cifviz.timing import FrameGrid
from experiments import studies
from experiments.run_tables import WEIGHT_TITLES
from experiments.studies import run_study, token_width
from experiments.studies.token_width import measure_weights, table, token_widths
from tests.systems.synthetic import aligned
from tests.systems.tiny import noise, tiny_recognizer

SOUNDS = [noise(0.7, seed) for seed in range(3)]


def fired(*alpha):
    return integrate_and_fire(torch.tensor([alpha]), torch.eye(len(alpha))[None])


@pytest.mark.parametrize("frames", [1, 2, 5, 8])
def test_evenly_spread_a_token_is_as_wide_as_its_frames(frames):
    (width,) = token_widths(fired(*[1 / frames] * frames, 1e-6), FrameGrid(0.04))
    assert width == pytest.approx(0.04 * frames)


def test_the_more_one_frame_gives_the_narrower_a_token_is():
    widths = [
        token_widths(fired(heavy, 1 - heavy), FrameGrid(1.0))[0] for heavy in (0.5, 0.75, 0.875)
    ]
    assert widths == sorted(widths, reverse=True)
    assert 1 < widths[-1] < widths[0] == 2


def test_the_clock_does_not_matter_where_weight_is_spread_evenly():
    fine, coarse = fired(*[0.125] * 16), fired(*[0.25] * 8)
    np.testing.assert_allclose(
        token_widths(fine, FrameGrid(0.02)), token_widths(coarse, FrameGrid(0.04))
    )


def test_a_model_is_measured_over_all_tokens():
    model = tiny_recognizer()
    hypothesis = [model.transcribe(one) for one in SOUNDS]
    widths = np.concatenate([token_widths(one.firing, one.grid) for one in hypothesis])
    found = measure_weights(model, SOUNDS)
    assert found["width"] == pytest.approx(widths.mean(), rel=1e-5)
    heaviest = np.mean([float(one.firing.alpha.max()) for one in hypothesis])
    assert found["heaviest"] == pytest.approx(heaviest, rel=1e-5)


def test_where_nothing_fires_there_is_nothing_to_measure():
    model = tiny_recognizer()
    torch.nn.init.constant_(model.cif.weights.weight_proj.bias, -50.0)
    assert all(math.isnan(number) for number in measure_weights(model, SOUNDS).values())
    assert all(math.isnan(number) for number in measure_weights(model, []).values())


def finished_run(folder, seed, variant):
    save_model(tiny_recognizer(seed), folder / "model", "a tiny one")
    needed = ("recipe", "leave_out", "fit", "recordings", "versions", "history")
    result = {**dict.fromkeys(needed), "variant": variant, "seed": seed}
    (folder / "result.json").write_text(json.dumps(result), "utf-8")


def test_every_finished_run_that_is_compared_is_measured(tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    for seed in (0, 1):
        finished_run(runs / f"digits-plain-seed{seed}", seed, "plain")
    finished_run(runs / "digits-linear-seed0", 0, "linear")
    finished_run(runs / "digits-ctc-seed0", 0, "ctc")  # has no weights
    (runs / "digits-dense-seed0").mkdir()  # has not ended
    strings = [LabelledUtterance(one, aligned(("one", 0.1, 0.2))) for one in SOUNDS]
    monkeypatch.setattr(token_width, "labelled_strings", {"test": strings}.__getitem__)
    monkeypatch.setattr(studies, "checksum", lambda corpus: f"of {corpus}")
    text = run_study("token-width", runs=runs, data=tmp_path / "data")
    found = read_token_widths(tmp_path / "data" / "results")
    assert [(one["variant"], one["seed"]) for one in found] == [
        ("linear", 0),
        ("plain", 0),
        ("plain", 1),
    ]
    recording = load_recording(WIDTH_RECORDING)
    hypothesis = tiny_recognizer(1).transcribe_features(
        recording.log_mel, duration=recording.duration
    )
    np.testing.assert_allclose(found[2]["alpha"], hypothesis.firing.alpha[0], atol=1e-4)
    assert found[2]["width"] == pytest.approx(measure_weights(tiny_recognizer(1), SOUNDS)["width"])
    assert text == table(found)
    assert text.count("\n") == 3
    assert "| convolution, width 3 | 2 |" in text


def test_what_was_not_measured_is_said(tmp_path):
    with pytest.raises(DataError, match="run `python -m experiments study token-width`"):
        read_token_widths(tmp_path)
    with pytest.raises(DataError, match=r"no finished run digits-linear-seed\* or"):
        token_width.run(runs=tmp_path, data=tmp_path)


# What is published

FOUND = read_token_widths(resource("results"))


def test_published_are_the_runs_that_the_tables_compare():
    runs = {
        (one["variant"], one["seed"])
        for one in read_results(resource("results"))
        if one["recipe"] == "digits"
        and one["leave_out"] is None
        and one["variant"] in WEIGHT_TITLES
    }
    assert {(one["variant"], one["seed"]) for one in FOUND} == runs
    assert len(FOUND) == len(runs)


def test_published_weights_cover_the_recording():
    duration = load_recording(WIDTH_RECORDING).duration
    for one in FOUND:
        assert len(one["alpha"]) == math.ceil(round(duration / one["shift"], 6))
        assert all(0 <= weight < 1 for weight in one["alpha"])
        assert one["shift"] <= one["width"]
    assert study_path(resource("results"), "token-width").stat().st_size < 100_000
