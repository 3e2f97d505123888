"""`fit` learns, and a run that was interrupted goes on as if it had not been."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from cifviz.errors import CheckpointError, CIFError
from cifviz.systems.base import Batch, Learner
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, Schedule, fit, learning_rate, total_loss
from tests.systems.tiny import VOCABULARY, tiny_recognizer

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
    spans = torch.tensor([(12 * place + 4, 12 * place + 12) for place in range(len(tokens))])
    return Example(features, tokens, spans.double())


class Interrupted(Exception):
    pass


def interrupted_at(step, make=example, settings=SETTINGS):
    """Like `make`, but breaks off while it makes the examples of the block that a step is in."""
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


@pytest.mark.parametrize("further", [[], ["segments"], ["even"]], ids=str)
def test_thirty_steps_lower_every_loss(tmp_path, further):
    model, history = run(tmp_path, replace(SETTINGS, loss_weights=dict.fromkeys(further, 1.0)))
    rng = np.random.default_rng(99)
    batch = Batch.collate(*zip(*(example(rng) for _ in range(16)), strict=True))
    with torch.no_grad():
        before = tiny_recognizer(**SMALL)(batch, wanted=further)
        after = model(batch, wanted=further)
    for name in after:
        assert after[name] < 0.9 * before[name], name
    assert not model.training
    assert history[-1]["step"] == 30
    assert history[-1].keys() == {"step", "loss", *after}


def test_an_interrupted_run_gives_the_weights_of_one_that_was_not(tmp_path):
    """Stopped at step 17, it goes on from step 10, in the middle of a block, to the last bit."""
    whole, _ = run(tmp_path / "whole")
    with pytest.raises(Interrupted, match="at step 17"):
        run(tmp_path / "broken", make=interrupted_at(17))
    assert (tmp_path / "broken" / "last.ckpt").is_file()
    made = []

    def counted(rng):
        made.append(1)
        return example(rng)

    resumed, _ = run(tmp_path / "broken", make=counted)
    assert len(made) == len(range(8, 32)) * SETTINGS.batch_size  # whole blocks: steps 8 to 31
    assert torch.equal(weights(resumed), weights(whole))


def test_an_interrupted_run_tells_the_history_of_one_that_was_not(tmp_path):
    """A mean over 50 steps counts the steps before the interruption too."""
    settings = replace(SETTINGS, steps=60, save_every=18, batch_size=1)
    _, whole = run(tmp_path / "whole", settings)
    with pytest.raises(Interrupted, match="at step 33"):
        run(tmp_path / "broken", settings, make=interrupted_at(33, settings=settings))
    _, resumed = run(tmp_path / "broken", settings)
    assert [entry["step"] for entry in resumed] == [50, 60]
    assert resumed == whole


def test_resume_false_starts_again(tmp_path):
    with pytest.raises(Interrupted, match="at step 17"):
        run(tmp_path, make=interrupted_at(17))
    made = []

    def counted(rng):
        made.append(1)
        return example(rng)

    run(tmp_path, make=counted, resume=False)
    assert len(made) == len(range(32)) * SETTINGS.batch_size  # whole blocks of 4 steps


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"steps": 40},
        {"learning_rate": 1e-3},
        {"batch_size": 5},
        {"block": 2},
        {"loss_weights": {"even": 1.0}},
        {"loss_weights": {"quantity": Schedule(0.5, end=0.5)}},
    ],
    ids=str,
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
    path = tmp_path / "last.ckpt"
    message = "last.ckpt is not the checkpoint of a run, or is damaged; nothing in it was run"
    for content in (b"", b"not a checkpoint", b"PK\x03\x04", pickle.dumps({"config": print})):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            run(tmp_path)
    torch.save([1], path)
    with pytest.raises(CheckpointError, match=message):
        run(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CheckpointError, match="last.ckpt is not a file"):
        run(tmp_path)


@pytest.mark.parametrize("change", [{"step": "three"}, {"history": None}, {"optimizer": 3}])
def test_a_checkpoint_that_says_something_else_is_named(tmp_path, change):
    with pytest.raises(Interrupted, match="at step 17"):
        run(tmp_path, make=interrupted_at(17))
    path = tmp_path / "last.ckpt"
    torch.save(torch.load(path, weights_only=True) | change, path)
    with pytest.raises(CheckpointError, match="last.ckpt is not the checkpoint of a run"):
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

    def noted(rng):
        drawn.append(rng.random())
        return example(rng)

    run(tmp_path, make=noted)
    assert len(set(drawn)) == len(drawn) == 32 * SETTINGS.batch_size


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
        one = example(rng)
        return one._replace(features=one.features * float("nan"))

    with pytest.raises((RuntimeError, CIFError), match="non-finite|finite and >= 0"):
        run(tmp_path, make=broken)


@pytest.mark.parametrize("name", ["steps", "batch_size", "block", "save_every", "devices"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3"])
def test_what_is_counted_is_above_zero(name, value):
    with pytest.raises(CIFError, match=f"{name} must be an integer > 0, got {value!r}"):
        FitConfig(**{name: value})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"evn": 1.0}, "loss must be one of 'cross_entropy', 'ctc', 'quantity', .* got 'evn'"),
        ({"fine_quantity": 1.0}, "loss must be one of .*, got 'fine_quantity'"),
    ],
)
def test_a_loss_that_the_model_does_not_have_is_refused(tmp_path, weights, message):
    with pytest.raises(CIFError, match=message):
        run(tmp_path, replace(SETTINGS, loss_weights=weights))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"ctc": "much"}, "weight of the loss 'ctc' must be a number, got 'much'"),
        ([("ctc", 1.0)], "loss_weights must be a Mapping"),
    ],
)
def test_weights_are_numbers_by_name(weights, message):
    with pytest.raises(CIFError, match=message):
        FitConfig(loss_weights=weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": -0.1}, "Schedule.start must be a number >= 0 and <= 1, got -0.1"),
        ({"start": 0.5, "end": 0.4}, "Schedule.end must be a number >= 0.5 and <= 1, got 0.4"),
        ({"value": "1"}, "Schedule.value must be a number"),
    ],
)
def test_a_schedule_lies_within_the_training(settings, message):
    with pytest.raises(CIFError, match=message):
        Schedule(**settings)


def test_a_loss_without_a_weight_is_refused():
    with pytest.raises(CIFError, match="computes losses without a weight: mine"):
        total_loss({"mine": torch.zeros(()), "ctc": torch.zeros(())}, {"ctc": 1.0})


def test_settings_can_be_written_as_json():
    config = FitConfig(loss_weights={"even": 0.5, "segments": Schedule(2.0, start=0.25)})
    assert json.loads(json.dumps(asdict(config)))["loss_weights"] == {
        "even": 0.5,
        "segments": {"value": 2.0, "start": 0.25, "end": 1.0},
    }


# What each step is given


class Recorder(Learner):
    """Learns nothing, and notes what it is given: batches, wanted losses, gradients."""

    further_losses = ("other",)

    def __init__(self):
        super().__init__(tiny_recognizer(**SMALL).config)
        self.loss_weights, self.extras = {"own": 1.0}, {"mark": torch.stack}
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches, self.wanted, self.shares = [], [], []
        self.weight.register_hook(lambda gradient: self.shares.append(float(gradient)))

    def forward(self, batch, *, wanted):
        self.batches.append(batch)
        self.wanted.append(list(wanted))
        return {"own": self.weight}  # whose gradient is what the loss is multiplied by


def recorded(folder, make=example, **settings):
    """What a model is given in each step."""
    recorder = Recorder()
    config = replace(SETTINGS, **{"clip": 1e9, **settings})
    fit(recorder, make, config, folder=folder, progress=False)
    return recorder


def marked(rng):
    """An example of random length, which carries a random number in each frame."""
    length, tokens = int(rng.integers(3, 40)), rng.integers(5, size=rng.integers(4)).tolist()
    features = torch.full((length, 6), rng.random())
    return Example(features, tokens, torch.zeros(len(tokens), 2, dtype=torch.float64))


def marks(batches):
    """The random numbers of the examples of batches."""
    return [features[0, 0].item() for batch in batches for features in batch.features]


def blocks(recorder, size=4):
    batches = recorder.batches
    return [batches[start : start + size] for start in range(0, len(batches), size)]


def test_a_block_shares_out_all_the_examples_that_are_made_for_it(tmp_path):
    made = []

    def noted(rng):
        made.append(marked(rng))
        return made[-1]

    recorder = recorded(tmp_path, noted, steps=12)
    for number, block in enumerate(blocks(recorder)):
        mine = made[16 * number : 16 * (number + 1)]
        assert sorted(marks(block)) == sorted(example.features[0, 0].item() for example in mine)
        assert {len(batch.features) for batch in block} == {4}


def test_neighbours_in_length_share_a_batch(tmp_path):
    for block in blocks(recorded(tmp_path, marked, steps=40)):
        ranges = sorted((int(b.lengths.min()), int(b.lengths.max())) for b in block)
        assert all(longest <= shortest for (_, longest), (shortest, _) in pairwise(ranges))
        assert ranges[0] != ranges[-1]


def test_batches_of_a_block_come_in_random_order(tmp_path):
    """Else the longest utterances would come last, time and again."""
    order = [
        tuple(np.argsort([int(batch.lengths.max()) for batch in block]))
        for block in blocks(recorded(tmp_path, marked, steps=80))
    ]
    assert len(set(order)) > 8
    assert {one[0] for one in order} == {one[-1] for one in order} == {0, 1, 2, 3}


def test_every_token_of_a_block_counts_the_same(tmp_path):
    """A loss is a mean over the tokens of its batch: it counts for as many as there are."""
    recorder = recorded(tmp_path, marked, steps=40)
    shares = np.array(recorder.shares).reshape(-1, 4)
    tokens = np.array([max(1, int(b.target_lengths.sum())) for b in recorder.batches])
    tokens = tokens.reshape(-1, 4)
    assert len(set(tokens.flatten())) > 3
    assert shares == pytest.approx(tokens / tokens.mean(axis=1, keepdims=True), rel=1e-6)
    assert shares.mean(axis=1) == pytest.approx(np.ones(10))


def test_without_tokens_all_batches_count_the_same(tmp_path):
    def empty(rng):
        return Example(torch.zeros(int(rng.integers(3, 9)), 6), [], torch.zeros(0, 2))

    assert recorded(tmp_path, empty, steps=4).shares == [1.0] * 4


def test_a_block_of_one_step_is_a_batch_as_it_is_made(tmp_path):
    recorder = recorded(tmp_path, marked, steps=6, block=1)
    assert recorder.shares == [1.0] * 6
    rng = np.random.default_rng([SETTINGS.seed, 5, 0])
    assert sorted(marks(recorder.batches[5:])) == sorted(
        marked(rng).features[0, 0].item() for _ in range(4)
    )


@pytest.mark.parametrize(("save_every", "first"), [(4, 8), (5, 5), (6, 6), (7, 7)])
def test_a_resumed_run_is_given_what_one_that_was_not_interrupted_is(tmp_path, save_every, first):
    """Wherever in a block it goes on."""
    settings = {"steps": 11, "save_every": save_every}
    whole = recorded(tmp_path / "whole", marked, **settings)
    with pytest.raises(Interrupted, match="at step 8"):
        recorded(tmp_path / "broken", interrupted_at(8, marked), **settings)
    resumed = recorded(tmp_path / "broken", marked, **settings)
    assert len(resumed.batches) == 11 - first
    assert marks(resumed.batches) == marks(whole.batches[first:])
    assert resumed.shares == whole.shares[first:]


def test_spans_reach_the_model(tmp_path):
    for batch in recorded(tmp_path, steps=4).batches:
        for spans, count in zip(batch.spans, batch.target_lengths.tolist(), strict=True):
            assert spans[:count].tolist() == [[12 * n + 4, 12 * n + 12] for n in range(count)]
            assert (spans[count:] == -1).all()


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [(0.0, 1.0, 0, 8), (0.25, 1.0, 2, 8), (0.3, 0.75, 3, 6), (1.0, 1.0, 8, 8)],
)
def test_a_loss_is_wanted_while_its_schedule_lasts(tmp_path, start, end, first, last):
    recorder = recorded(tmp_path, steps=8, loss_weights={"other": Schedule(0.5, start, end)})
    wanted = ["own", "other"]
    assert recorder.wanted == [["own"]] * first + [wanted] * (last - first) + [["own"]] * (8 - last)


@pytest.mark.parametrize(("weight", "share"), [(0.0, 0.0), (0.5, 0.5), (Schedule(2.0), 2.0)])
def test_a_weight_multiplies_its_loss(tmp_path, weight, share):
    recorder = recorded(tmp_path, steps=4, block=1, loss_weights={"own": weight})
    assert recorder.shares == [share] * 4


def test_a_loss_of_weight_0_is_measured_and_teaches_nothing(tmp_path):
    settings = replace(SETTINGS, steps=3, averaging=0.0, weight_decay=0.0)
    nothing = dict.fromkeys(("cross_entropy", "ctc", "quantity"), 0.0)
    model, history = run(tmp_path, replace(settings, loss_weights=nothing))
    assert torch.equal(weights(model), weights(tiny_recognizer(**SMALL)))
    assert history[-1]["loss"] == 0 and history[-1]["quantity"] > 0


def test_extra_inputs_reach_the_model_by_their_own_collate(tmp_path):
    def marked_twice(rng):
        one = marked(rng)
        return one._replace(extras={"mark": one.features[0, :1]})

    for batch in recorded(tmp_path, marked_twice, steps=4).batches:
        assert torch.equal(batch.extras["mark"], batch.features[:, 0, :1])


def test_an_extra_input_that_the_model_does_not_take_is_refused(tmp_path):
    with pytest.raises(CIFError, match="extra input must be one of 'mark', got 'video'"):
        recorded(tmp_path, lambda rng: example(rng)._replace(extras={"video": 1}), steps=1)


TWO_PROCESSES = """
import sys
from pathlib import Path
from dataclasses import asdict, replace
from tests.training.test_fit import SETTINGS, run

model, history = run(Path(sys.argv[1]), replace(SETTINGS, steps=6, devices=2))
print("trained", history[-1]["step"])
"""


@pytest.mark.slow
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


def test_who_watches_sees_every_step_and_what_would_come_out(tmp_path):
    seen = []

    def watch(step, model):
        seen.append((step, model.training, weights(model).clone()))

    trained, _ = run(tmp_path, watch=watch)
    assert [step for step, _, _ in seen] == list(range(SETTINGS.steps + 1))
    assert not any(training for _, training, _ in seen)
    assert torch.equal(seen[0][2], weights(tiny_recognizer(**SMALL)))
    assert torch.equal(seen[-1][2], weights(trained))
    assert not torch.equal(seen[0][2], seen[1][2])


def test_watching_changes_nothing(tmp_path):
    alone, history = run(tmp_path / "alone")
    watched, told = run(tmp_path / "watched", watch=lambda step, model: torch.rand(step + 1))
    assert torch.equal(weights(watched), weights(alone))
    assert told == history


def test_who_watches_a_resumed_run_sees_the_rest(tmp_path):
    with pytest.raises(Interrupted, match="at step 17"):
        run(tmp_path, make=interrupted_at(17))
    steps = []
    run(tmp_path, watch=lambda step, model: steps.append(step))
    assert steps == list(range(10, 31))
