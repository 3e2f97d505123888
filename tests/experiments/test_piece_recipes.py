"""The recipes in word pieces: their data, their teacher's states, and a few steps of each."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.moonshine import DIM
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.errors import CIFError
from cifviz.systems.registry import SYSTEMS
from cifviz.systems.state_input import StatesConfig
from cifviz.systems.text_models import TextModel, has_text_model
from cifviz.training.augmentation import Recording
from cifviz.training.fit import fit
from experiments import piece_speech, runs, training_data
from experiments.english_speech import PhonedUtterance
from experiments.recipes import find_recipe, hieradist, variants_of, w2v_cif_bert
from experiments.recipes.english import whole_utterances
from tests.systems.pretrained import FakeMoonshine

needs_minilm = pytest.mark.skipif(not has_text_model("minilm"), reason="MiniLM is not installed")


class FakeText:
    """Words of more than three letters are two pieces; a state counts the letters."""

    loads = 0

    def pieces(self, text):
        word = text.strip()
        return [word] if len(word) < 4 else [word[:2], f"##{word[2:]}"]

    def states(self, pieces):
        return torch.tensor([[float(len(one)), k] for k, one in enumerate(pieces)]).reshape(-1, 2)


@pytest.fixture
def fake_text(monkeypatch):
    monkeypatch.setattr(piece_speech, "text_model", lambda name: FakeText())


def words(*tokens):
    times = ((token, 0.2 * k, 0.2 * k + 0.2) for k, token in enumerate(tokens))
    return Alignment(tuple(TimedToken(*one) for one in times))


def spoken(*tokens):
    samples = 0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    sound = Waveform(samples.astype(np.float32), SAMPLE_RATE)
    return PhonedUtterance(sound, words(*tokens), words(), "ann")


def test_a_piece_has_the_time_of_its_letters():
    """Of "today", from 0.2 s to 0.4 s: "to" has two of five letters."""
    found = piece_speech.in_pieces(words("go", "today"), FakeText())
    assert [one.token for one in found] == ["go", "to", "##day"]
    assert np.array(found.spans) == pytest.approx(np.array([(0, 0.2), (0.2, 0.28), (0.28, 0.4)]))
    untimed = piece_speech.in_pieces(Alignment((TimedToken("today"),)), FakeText())
    assert [one.start for one in untimed] == [None, None]


@pytest.mark.usefixtures("fake_text")
def test_states_of_a_teacher_are_computed_once(tmp_path, monkeypatch):
    first = piece_speech.teacher_states("fake", [("a", "b"), (), ("a", "b")], tmp_path)
    assert len(first) == 1 and first.width == 2
    file = tmp_path / "fake.safetensors"
    assert file.is_file()
    more = piece_speech.teacher_states("fake", [("c",)], tmp_path)
    assert len(more) == 2

    def missing(name):
        raise AssertionError("computed again")

    monkeypatch.setattr(piece_speech, "text_model", missing)
    again = piece_speech.teacher_states("fake", [("c",), ("a", "b")], tmp_path)
    assert torch.equal(again.of(("a", "b")), first.of(("a", "b")))
    with pytest.raises(CIFError, match="no transcript of which other could have states"):
        piece_speech.teacher_states("other", [()], tmp_path)


@pytest.mark.usefixtures("fake_text")
def test_utterances_carry_the_states_of_their_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(piece_speech, "TEACHERS", tmp_path)
    monkeypatch.setattr(training_data, "load_moonshine", FakeMoonshine)
    utterances = piece_speech.labelled_in_pieces([spoken("go", "today")], FakeText())
    (one,) = piece_speech.taught(utterances, "fake")
    assert one.extras["teacher"].dtype == np.float16
    assert one.extras["teacher"][:, 0].tolist() == [2, 2, 5]
    config = replace(find_recipe("hieradist").config, vocabulary=("go", "to", "##day"))
    (kept,) = training_data.recordings("x", lambda: [one], config, tmp_path / "cache")
    assert kept.features.shape == (40, DIM) and kept.tokens == (0, 1, 2)
    example = whole_utterances({"a": [kept]}, {"a": 1.0}, None)(np.random.default_rng(0))
    assert torch.as_tensor(example.extras["teacher"]).shape == (3, 2)


@pytest.mark.usefixtures("fake_text")
def test_variations_leave_out_what_has_no_times():
    made = piece_speech.variations([spoken("go"), None], 2, seed=0)
    assert len(made) == 2 and all(len(one.words) >= 1 for one in made)


def example_maker(recipe, width):
    """Noise with two to five pieces of known times."""

    def make(rng):
        count = int(rng.integers(2, 6))
        bands = recipe.config.input_dim
        features = rng.standard_normal((20 * count, bands)).astype(np.float16)
        spans = tuple((20.0 * k, 20.0 * k + 15) for k in range(count))
        tokens = tuple(rng.integers(len(recipe.config.vocabulary), size=count).tolist())
        extras = {"teacher": rng.standard_normal((count, width)).astype(np.float16)}
        one = Recording(features, tokens, spans, "ann", extras if width else {})
        return whole_utterances({"all": [one]}, {"all": 1.0}, recipe.augmentation)(rng)

    return make


def steps_of(name, variant, tmp_path, *, steps=2):
    recipe = find_recipe(name, variant)
    recipe = replace(recipe, fit=replace(recipe.fit, steps=steps, batch_size=2, warmup=1))
    torch.manual_seed(0)
    model = SYSTEMS[recipe.system](recipe.config)
    width = hieradist.WIDTH if name == "hieradist" else 0
    model, history = fit(
        model, example_maker(recipe, width), recipe.fit, folder=tmp_path, progress=False
    )
    return model, history[-1]


@pytest.mark.parametrize("variant", ["", *hieradist.VARIANTS])
def test_a_few_steps_of_hieradist(variant, tmp_path):
    if variant.startswith(("temperature", "token-", "decoder-")):
        recipe, other = find_recipe("hieradist"), find_recipe("hieradist", variant)
        assert recipe.config.distillation != other.config.distillation
        return
    model, losses = steps_of("hieradist", variant, tmp_path)
    distilled = {"acoustic", "linguistic"} & losses.keys()
    expected = {"none": set(), "token": {"acoustic"}, "decoder": {"linguistic"}}
    assert distilled == expected.get(variant, {"acoustic", "linguistic"})
    assert ("constraint" in losses) == (variant == "constrained")
    assert all(np.isfinite(value) for value in losses.values())
    assert not model.training


@pytest.mark.parametrize("variant", ["none", "moonshine-none", "log-mel-none"])
def test_a_few_steps_without_a_language_model(variant, tmp_path):
    model, losses = steps_of("w2v-cif-bert", variant, tmp_path)
    assert model.language is None and np.isfinite(losses["loss"])


@needs_minilm
@pytest.mark.slow
@pytest.mark.parametrize("variant", ["", "tuned", "log-mel"])
def test_a_few_steps_with_minilm(variant, tmp_path):
    model, losses = steps_of("w2v-cif-bert", variant, tmp_path)
    assert model.updates == 2 and np.isfinite(losses["loss"])


@pytest.mark.slow
def test_a_few_steps_with_layers_of_the_encoder(tmp_path):
    """What they are given is noised less, and has all of its values."""
    pytest.importorskip("transformers", reason="the extra cifviz[lm] is not installed")
    recipe = find_recipe("w2v-cif-bert", "tuned-encoder-none")
    one = Recording(np.ones((4, DIM), np.float16), (0,), ((0.0, 1.0),), "ann", {})
    make = recipe.example_maker({"all": [one]}, {"all": 1.0}, recipe.augmentation)
    assert (make(np.random.default_rng(0)).features == 1).all()
    model, losses = steps_of("w2v-cif-bert", "tuned-encoder-none", tmp_path)
    assert model.updates == 2 and np.isfinite(losses["loss"])
    assert len(model.last_layers.layers) == 2


def test_recordings_of_lower_layers_are_kept_apart(tmp_path, monkeypatch):
    """Where layers are trained, a recording holds what they are given."""
    asked = []

    def lower(tuned):
        asked.append(tuned)
        return FakeMoonshine()

    monkeypatch.setattr(training_data, "load_lower_layers", lower)
    monkeypatch.setattr(training_data, "load_moonshine", FakeMoonshine)
    utterances = piece_speech.labelled_in_pieces([spoken("go")], FakeText())
    config = replace(find_recipe("w2v-cif-bert", "none").config, vocabulary=("go",))
    tuned = replace(config, states=StatesConfig(tuned_layers=2))
    for one in (config, tuned, tuned):
        training_data.recordings("x", lambda: utterances, one, tmp_path / "cache")
    assert asked == [2]


@pytest.mark.usefixtures("fake_text")
def test_words_touch_and_do_not_overlap():
    """Of 0.1 + 0.2 s the last piece must not end a bit behind 0.3 s, where the next word begins."""
    times = Alignment((TimedToken("today", 0.1, 0.1 + 0.2), TimedToken("go", 0.1 + 0.2, 0.5)))
    found = piece_speech.in_pieces(times, FakeText())
    assert found.spans[1][1] == found.spans[2][0] == 0.1 + 0.2


@needs_minilm
@pytest.mark.slow
def test_minilm_fits_the_recipe():
    text = TextModel.load("minilm")
    known = text.layers.config.to_dict()
    for name, value in w2v_cif_bert.MINILM.settings.items():
        assert known[name] == value, name
    model = SYSTEMS["w2v-cif-bert"](find_recipe("w2v-cif-bert").config)
    model.fill(text)
    assert text.states(["the"]).shape[1] == hieradist.WIDTH


def test_a_recipe_may_begin_with_pretrained_weights(monkeypatch, tmp_path):
    began = []
    recipe = find_recipe("w2v-cif-bert", "none")
    recipe = replace(
        recipe,
        begin=began.append,
        fit=replace(recipe.fit, steps=1, batch_size=1, warmup=1),
    )
    make = example_maker(recipe, 0)
    monkeypatch.setattr(runs, "_groups", lambda *args: ({}, {}))
    recipe = replace(recipe, example_maker=lambda *args: make)
    runs._trained(recipe, tmp_path / "run", None, False)
    assert len(began) == 1 and type(began[0]) is SYSTEMS["w2v-cif-bert"]


def test_a_tenth_is_a_set_of_its_own():
    """Recordings are kept by this name, the frames and the vocabulary."""
    for variant in variants_of("w2v-cif-bert"):
        recipe = find_recipe("w2v-cif-bert", variant)
        assert (recipe.real_set == "tenth") == variant.startswith("tenth")


@pytest.mark.parametrize("name", ["hieradist", "w2v-cif-bert"])
def test_variants_change_what_they_say(name):
    recipe = find_recipe(name)
    for variant in variants_of(name):
        other = find_recipe(name, variant)
        assert other.system == recipe.system
        asked = [(one.config, one.real, one.begin, one.fit) for one in (other, recipe)]
        assert asked[0] != asked[1]
