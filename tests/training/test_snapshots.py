"""Training snapshots keep a model at a step, and measure it as it would be measured on its own."""

import copy

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.training.snapshots import (
    CURVES,
    SnapshotRecorder,
    TrainingSnapshots,
    fallen,
    held_out_metrics,
    snapshot_steps,
)
from tests.systems.tiny import VOCABULARY, tiny_recognizer

SMALL = {"n_mels": 6, "down_sampling": 2}


def spoken(*targets, seed=0):
    """A batch of noise in which somebody is said to have said `targets`."""
    rng = np.random.default_rng(seed)
    features = [torch.from_numpy(rng.normal(size=(30, 6))).float() for _ in targets]
    return Batch.collate(features, targets)


@torch.inference_mode()
def hypothesis(model, batch):
    """What a model hears, utterance by utterance."""
    firing = model.cif(*model.encoder(batch.features, batch.lengths))
    ids, _ = model.decoder.decode(firing.embeddings, firing.num_fires)
    return [row[:n].tolist() for row, n in zip(ids, firing.num_fires, strict=True)], firing


def test_a_model_that_is_told_what_it_hears_makes_no_error():
    model = tiny_recognizer(**SMALL)
    reference, firing = hypothesis(model, spoken([0], [0]))
    found = held_out_metrics(model, spoken(*reference))
    assert found["token_error_rate"] == 0
    tokens = sum(map(len, reference))
    assert found["mass"] == pytest.approx(float(firing.weight_sum.sum()) / tokens)


def test_another_system_is_refused():
    model = CTCRecognizer(CTCRecognizerConfig(("a",))).eval()
    with pytest.raises(CIFError, match="model must be a CIFRecognizer, got CTCRecognizer"):
        held_out_metrics(model, Batch.collate([torch.zeros(9, 40)], [[0]]))


def test_errors_are_counted_by_tokens():
    model = tiny_recognizer(**SMALL)
    (reference, *_), _ = hypothesis(model, spoken([0]))
    wrong = [(token + 1) % len(VOCABULARY) for token in reference[:1]] + reference[1:]
    assert held_out_metrics(model, spoken(wrong))["token_error_rate"] == pytest.approx(
        1 / len(reference)
    )


def test_quantity_is_a_mean_over_tokens_and_mass_a_ratio():
    model = tiny_recognizer(**SMALL)
    batch = spoken([0, 1, 2], [3])
    _, firing = hypothesis(model, batch)
    sums = firing.weight_sum.tolist()
    found = held_out_metrics(model, batch)
    assert found["quantity"] == pytest.approx((abs(sums[0] - 3) + abs(sums[1] - 1)) / 4)
    assert found["mass"] == pytest.approx(sum(sums) / 4)


def test_measuring_draws_no_random_number():
    model, batch = tiny_recognizer(**SMALL), spoken([0, 1])
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    held_out_metrics(model, batch)
    assert torch.equal(torch.rand(3), expected)


def test_a_camera_takes_a_copy_at_its_steps_alone():
    model = tiny_recognizer(**SMALL)
    before = copy.deepcopy(model.state_dict())
    recorder = SnapshotRecorder(spoken([0, 1]), [0, 2])
    for step in range(4):
        recorder(step, model)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1.0)
    assert [one.step for one in recorder.snapshots] == [0, 2]
    first, second = (one.model.state_dict() for one in recorder.snapshots)
    assert all(torch.equal(first[name], before[name]) for name in before)
    torch.testing.assert_close(second["ctc.bias"], before["ctc.bias"] + 2.0)


def test_a_film_gives_its_curves_and_its_last_model():
    model = tiny_recognizer(**SMALL)
    recorder = SnapshotRecorder(spoken([0, 1]), [0, 7])
    recorder(0, model)
    recorder(7, model)
    trained = TrainingSnapshots(tuple(recorder.snapshots), ())
    assert trained.steps == [0, 7]
    assert trained.model is recorder.snapshots[1].model
    for name in CURVES:
        assert trained.curve(name) == [getattr(one, name) for one in recorder.snapshots]
    with pytest.raises(CIFError, match="curve must be one of 'quantity'.*got 'loss'"):
        trained.curve("loss")


def test_a_camera_needs_somebody_who_speaks():
    with pytest.raises(CIFError, match="the held-out utterances have no token"):
        SnapshotRecorder(spoken([]), [0])
    with pytest.raises(CIFError, match="a step must be an integer >= 0, got -1"):
        SnapshotRecorder(spoken([0]), [-1])


@pytest.mark.parametrize("steps", [1, 3, 300])
def test_exposures_begin_before_the_first_step_and_end_with_the_last(steps):
    found = snapshot_steps(steps, 10)
    assert found[0] == 0 and found[-1] == steps
    assert found == sorted(set(found)) and len(found) <= 10


def test_a_curve_that_never_falls_has_fallen_from_the_start():
    assert fallen([1.0, 1.0], [0, 9]) == 0


def test_a_dip_is_not_yet_the_fall():
    assert fallen([8, 0, 8, 0], [0, 1, 2, 3]) == 2.5


def test_a_curve_needs_a_step_for_each_value():
    with pytest.raises(CIFError, match="expected a step for each of two values or more"):
        fallen([1.0, 0.0], [0])
