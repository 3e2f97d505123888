"""`fit` learns, and a run that was interrupted goes on as if it had not been."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from cifviz.errors import CheckpointError, CIFError
from cifviz.models.recognizer import Batch
from cifviz.models.training import FitConfig, fit, learning_rate
from tests.models.tiny import VOCABULARY, tiny_recognizer

SETTINGS = FitConfig(
    steps=30, batch_size=4, learning_rate=5e-3, warmup=5, averaging=0.5, save_every=10
)
SMALL = {"n_mels": 6, "down_sampling": 2}


def example(rng: np.random.Generator):
    """A word is a band that is loud for eight frames, with silence around it."""
    tokens = rng.integers(len(VOCABULARY), size=rng.integers(1, 4)).tolist()
    features = -torch.ones(12 * len(tokens) + 4, 6)
    for place, token in enumerate(tokens):
        features[12 * place + 4 : 12 * place + 12, token] = 1
    return features, tokens


class Interrupted(Exception):
    pass


def interrupted_at(step, make=example, settings=SETTINGS):
    """Like `make`, but breaks off in the middle of making the batch of a step."""
    made = 0

    def make_example(rng):
        nonlocal made
        made += 1
        if made > step * settings.batch_size + 2:
            raise Interrupted(f"at step {step}")
        return make(rng)

    return make_example


def run(folder, settings=SETTINGS, make=example, seed=0, **options):
    model = tiny_recognizer(seed, **SMALL)
    return fit(model, make, settings, folder=folder, progress=False, **options)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_thirty_steps_lower_every_loss(tmp_path):
    model, history = run(tmp_path)
    rng = np.random.default_rng(99)
    features, targets = zip(*(example(rng) for _ in range(16)), strict=True)
    batch = Batch.collate(features, targets)
    with torch.no_grad():
        before, after = tiny_recognizer(**SMALL)(batch), model(batch)
    for name in ("loss", "cross_entropy", "ctc", "quantity"):
        assert after[name] < 0.9 * before[name], name
    assert not model.training
    assert history[-1]["step"] == 30
    assert history[-1].keys() == {"step", *after}


def test_an_interrupted_run_gives_the_weights_of_one_that_was_not(tmp_path):
    """Stopped at step 17, it goes on from step 10, to the last bit."""
    whole, _ = run(tmp_path / "whole")
    with pytest.raises(Interrupted, match="at step 17"):
        run(tmp_path / "broken", make=interrupted_at(17))
    assert (tmp_path / "broken" / "last.ckpt").is_file()
    steps = []

    def counted(rng):
        steps.append(1)
        return example(rng)

    resumed, _ = run(tmp_path / "broken", make=counted)
    assert len(steps) == 20 * SETTINGS.batch_size
    assert torch.equal(weights(resumed), weights(whole))


def test_an_interrupted_run_tells_the_history_of_one_that_was_not(tmp_path):
    """A mean over 50 steps counts the steps before the interruption too."""
    settings = replace(SETTINGS, steps=60, save_every=20, batch_size=1)
    _, whole = run(tmp_path / "whole", settings)
    with pytest.raises(Interrupted, match="at step 33"):
        run(tmp_path / "broken", settings, make=interrupted_at(33, settings=settings))
    _, resumed = run(tmp_path / "broken", settings)
    assert [entry["step"] for entry in resumed] == [50, 60]
    assert resumed == whole


def test_resume_false_starts_again(tmp_path):
    with pytest.raises(Interrupted, match="at step 17"):
        run(tmp_path, make=interrupted_at(17))
    steps = []

    def counted(rng):
        steps.append(1)
        return example(rng)

    run(tmp_path, make=counted, resume=False)
    assert len(steps) == 30 * SETTINGS.batch_size


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"steps": 40}, {"learning_rate": 1e-3}, {"batch_size": 5}]
)
def test_other_settings_do_not_go_on_from_an_interrupted_run(tmp_path, change):
    with pytest.raises(Interrupted, match="at step 12"):
        run(tmp_path, make=interrupted_at(12))
    with pytest.raises(CheckpointError, match=r"last\.ckpt was made with .*, asked for "):
        run(tmp_path, replace(SETTINGS, **change))


def test_another_model_does_not_go_on_from_an_interrupted_run(tmp_path):
    with pytest.raises(Interrupted, match="at step 12"):
        run(tmp_path, make=interrupted_at(12))
    other = tiny_recognizer(n_mels=6, down_sampling=4)
    with pytest.raises(CheckpointError, match=r"last\.ckpt"):
        fit(other, example, SETTINGS, folder=tmp_path, progress=False)


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match=r"last\.ckpt"):
        run(tmp_path)


def test_a_saved_run_leaves_no_partial_file(tmp_path):
    run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_same_seed_same_weights_other_seed_other_weights(tmp_path):
    short = replace(SETTINGS, steps=3)
    one, two = (run(tmp_path / name, short)[0] for name in ("one", "two"))
    other, _ = run(tmp_path / "other", replace(short, seed=1))  # from the same start
    assert torch.equal(weights(one), weights(two))
    assert not torch.allclose(weights(one), weights(other))


def test_what_comes_out_is_the_moving_average(tmp_path):
    """A decay of nearly 1 keeps the weights after the first step; one of 0 the last ones."""
    first, _ = run(tmp_path / "a", replace(SETTINGS, steps=1))
    slow, _ = run(tmp_path / "b", replace(SETTINGS, steps=8, averaging=1 - 1e-9, warmup=8))
    fast, _ = run(tmp_path / "c", replace(SETTINGS, steps=8, averaging=0.0, warmup=8))
    assert (weights(fast) - weights(first)).abs().max() > 1e-2
    assert (weights(slow) - weights(first)).abs().max() < 1e-2


def test_every_step_learns_from_other_examples(tmp_path):
    drawn = []

    def recorded(rng):
        drawn.append(rng.random())
        return example(rng)

    run(tmp_path, make=recorded)
    assert len(set(drawn)) == len(drawn) == 30 * SETTINGS.batch_size


def test_a_run_starts_slowly(tmp_path):
    """AdamW's first step moves a weight by the learning rate: here a hundredth of the full one."""
    slow = replace(SETTINGS, steps=1, warmup=100, averaging=0.0, weight_decay=0.0)
    moved = (weights(run(tmp_path, slow)[0]) - weights(tiny_recognizer(**SMALL))).abs().max()
    assert moved.item() == pytest.approx(SETTINGS.learning_rate / 100, rel=0.01)


def test_learning_rate_rises_then_falls():
    config = FitConfig(steps=100, warmup=10, learning_rate=1.0)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.505)
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert 0.01 <= rates[-1] < 0.02


def test_warmup_as_long_as_the_run_is_legal():
    assert learning_rate(FitConfig(steps=5, warmup=5, learning_rate=1.0), 4) == 1.0


def test_steps_must_be_above_zero(tmp_path):
    with pytest.raises(CIFError, match="steps must be an integer > 0, got 0"):
        run(tmp_path, replace(SETTINGS, steps=0))


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    def broken(rng):
        features, tokens = example(rng)
        return features * float("nan"), tokens

    with pytest.raises((RuntimeError, CIFError), match="non-finite|finite and >= 0"):
        run(tmp_path, make=broken)


TWO_PROCESSES = """
import sys
from pathlib import Path
from dataclasses import replace
from tests.models.test_training import SETTINGS, run

model, history = run(Path(sys.argv[1]), replace(SETTINGS, steps=6, devices=2))
print("trained", history[-1]["step"])
"""


def test_two_devices_train_one_model(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(TWO_PROCESSES)
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("trained 6") == 1
