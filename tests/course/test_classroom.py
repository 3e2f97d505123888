"""What a lesson trains on is whole, and training on it is quick, repeatable and good enough."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import cifviz
from cifviz.corpora.synthesis import VOICES
from cifviz.corpora.word_lists import DIGITS
from cifviz.course import classroom
from cifviz.errors import DataError
from cifviz.formats import read_json
from cifviz.resources import resource

MAKE_CLASSROOM = Path(__file__).parents[2] / "data" / "make_classroom.py"


@pytest.fixture(scope="module")
def trained():
    """A training of a few steps."""
    return classroom.train(steps=8, snapshots=3)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_every_voice_says_every_digit_and_some_voices_are_held_out():
    training, held_out = classroom.takes(), classroom.takes(held_out=True)
    reference = {(take.speaker, take.tokens) for take in training + held_out}
    assert reference == {(voice, (digit,)) for voice in VOICES for digit in range(len(DIGITS))}
    assert {take.speaker for take in held_out} == set(classroom.HELD_OUT)
    assert not {take.speaker for take in training} & set(classroom.HELD_OUT)


def test_a_word_lies_inside_its_take_and_is_its_loud_part():
    for take in classroom.takes() + classroom.takes(held_out=True):
        ((start, end),) = take.spans
        assert 0 <= start < end <= len(take.features)
        power = np.exp(take.features).sum(axis=1)
        inside = power[int(start) : int(np.ceil(end))]
        assert inside.sum() > 0.95 * power.sum()


def test_the_files_fit_into_a_wheel():
    assert sum(path.stat().st_size for path in resource("classroom").iterdir()) < 1_000_000


def test_nothing_about_a_take_but_its_sound_tells_which_digit_it_is():
    pairs = {}
    for entry in read_json(resource("classroom") / classroom.ENTRIES):
        pairs.setdefault(entry["word"], []).append((entry["rate"], entry["pitch"]))
    assert len(pairs) == len(DIGITS)
    assert len({tuple(sorted(each)) for each in pairs.values()}) == 1


def test_a_byte_holds_a_band_to_a_sixteenth_of_a_neper():
    log_mel = torch.linspace(-22.9, 8.8, 1000)
    again = classroom.quantised(log_mel).float() * classroom.RESOLUTION + classroom.QUIETEST
    assert (again - log_mel).abs().max() <= classroom.RESOLUTION / 2 + 1e-5


def test_strings_are_the_same_each_time_and_others_with_another_seed():
    once, again = (classroom.strings(3, held_out=True) for _ in range(2))
    assert [one.tokens for one in once] == [one.tokens for one in again]
    assert all(
        torch.equal(one.features, other.features) for one, other in zip(once, again, strict=True)
    )
    other = classroom.strings(3, seed=1, held_out=True)
    assert [one.tokens for one in other] != [one.tokens for one in once]


def test_the_edges_of_a_string_are_known_exactly():
    """Of a string of one digit without anything around it they are those of its take."""
    for one in classroom.strings(20):
        starts, ends = one.spans[:, 0], one.spans[:, 1]
        assert (starts < ends).all() and (ends[:-1] <= starts[1:] + 1e-9).all()
        assert len(one.spans) == len(one.tokens) and ends[-1] <= len(one.features)
        levels = one.features.mean(dim=1)
        spoken = torch.zeros(len(levels), dtype=torch.bool)
        for start, end in one.spans.tolist():
            spoken[int(start) : int(np.ceil(end))] = True
        assert levels[spoken].mean() > levels[~spoken].mean() + 0.3


def test_a_film_hears_clips_and_recordings(trained):
    assert trained.steps == [0, 3, 8]
    clip = cifviz.load_clip("digits_two")
    for snapshot in trained.snapshots:
        hypothesis = snapshot.model.transcribe(clip.waveform)
        assert hypothesis.firing.alpha.shape[1] == -(-len(hypothesis.log_mel) // 4)
    recording = cifviz.load_recording("digits_george")
    hypothesis = trained.model.transcribe_features(recording.log_mel, duration=recording.duration)
    assert hypothesis.grid.shift == pytest.approx(0.04)


def test_features_are_those_of_the_model_that_hears_the_recordings():
    assert cifviz.load_model("digits").config.features == classroom.FEATURES
    assert cifviz.load_recording("digits_george").model == "digits"


def test_the_same_seed_trains_the_same_model_on_any_number_of_threads(trained):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before + 1)
        again = classroom.train(steps=8, snapshots=3)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert torch.equal(weights(again.model), weights(trained.model))
    other = classroom.train(steps=8, snapshots=3, seed=1)
    assert not torch.equal(weights(other.model), weights(trained.model))


def test_informed_weights_begin_at_about_one_per_token_and_others_at_a_half(trained):
    assert trained.curve("mass")[0] == pytest.approx(1, abs=0.3)
    alone = classroom.train(steps=1, snapshots=2, informed=False)
    clip = cifviz.load_clip("digits_two")
    alpha = alone.snapshots[0].model.transcribe(clip.waveform).firing.alpha
    assert float(alpha.mean()) == pytest.approx(0.5, abs=0.15)


def test_without_its_weight_the_quantity_loss_is_told_but_not_learned():
    with_it, without = (
        classroom.train(steps=8, snapshots=2, quantity_weight=weight) for weight in (1.0, 0.0)
    )
    assert without.history[-1]["quantity"] > 0
    bias = "cif.weights.weight_proj.bias"
    assert not torch.equal(with_it.model.state_dict()[bias], without.model.state_dict()[bias])


def test_unscaled_is_what_the_model_says():
    assert not classroom.train(
        steps=1, snapshots=2, apply_scaling=False
    ).model.config.cif.apply_scaling


@pytest.mark.long
def test_a_lesson_long_training_hears_most_digits_of_voices_it_never_heard():
    trained = classroom.train()
    assert trained.curve("token_error_rate")[-1] < 0.2
    assert trained.curve("mass")[-1] == pytest.approx(1, abs=0.1)


def test_damaged_takes_are_refused(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "classroom"
    folder.mkdir(parents=True)
    (folder / classroom.ENTRIES).write_bytes(
        (resource("classroom") / classroom.ENTRIES).read_bytes()
    )
    (folder / classroom.NUMBERS).write_bytes(b"no tensors")
    monkeypatch.setattr("cifviz.resources._PACKAGE", tmp_path / "cifviz")
    classroom.all_takes.cache_clear()
    try:
        with pytest.raises(DataError, match="cannot read the takes in .*classroom"):
            classroom.takes()
    finally:
        classroom.all_takes.cache_clear()


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="making takes needs espeakng-loader (pip install cifviz[train])",
)
def test_the_recipe_makes_the_takes_that_ship(tmp_path):
    spec = importlib.util.spec_from_file_location("make_classroom", MAKE_CLASSROOM)
    recipe = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "make_classroom", recipe)
        spec.loader.exec_module(recipe)
        recipe.make(tmp_path)
    shipped = resource("classroom")
    made = (tmp_path / classroom.ENTRIES).read_bytes()
    assert made == (shipped / classroom.ENTRIES).read_bytes()
    from safetensors.torch import load_file

    new, old = (load_file(folder / classroom.NUMBERS)["log_mel"] for folder in (tmp_path, shipped))
    # Another version of librosa may round a band to the other side.
    assert (new.int() - old.int()).abs().max() <= 1
