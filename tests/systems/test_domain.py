"""Sound that is out of the domain of a recogniser is flagged, and what it was made for is not."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import SAMPLE_RATE, Waveform, load_waveform
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.datasets import (
    digit_string_waveform,
    digit_strings,
    grid_sentences,
    read_table,
)
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import CheckpointError, CIFError
from cifviz.resources import resource
from cifviz.systems.checkpoints import CONFIG, WEIGHTS, load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.domain import STATISTICS, ClassStatistics, DomainConfig, vocabulary_text
from experiments import studies
from experiments.measure import transcribe_all
from experiments.studies import STUDIES, domain_flag, run_study
from tests.systems.tiny import noise, tiny_config, tiny_recognizer

BOUND = DomainConfig(1.0, "TINY")


def tiny(distance):
    """A recogniser that fires in noise, with all its embeddings at a distance from their class."""
    model = tiny_recognizer(seed=3)
    model.cif.start_at(0.2)
    # Embeddings shrink to nothing beside the mean of the class.
    means, whitening = torch.zeros(1, 16), torch.zeros(16, 16)
    means[0, 0], whitening[0, 0] = 1e6 * distance, 1e-6
    model.statistics = ClassStatistics(means, whitening)
    model.config = replace(model.config, domain=BOUND)
    return model


def hypothesis(model, seconds=1.0):
    found = model.transcribe(noise(seconds))
    assert found.tokens
    return found


# --- statistics ----------------------------------------------------------------------------------


def test_distances_are_those_of_mahalanobis():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 5))
    centres = 3 * rng.normal(size=(3, 5))
    classes = rng.integers(0, 3, 300)
    embeddings = centres[classes] + rng.normal(size=(300, 5)) @ mixing
    statistics = ClassStatistics.fit(torch.tensor(embeddings), torch.tensor(10 * classes))
    means = np.stack([embeddings[classes == one].mean(axis=0) for one in range(3)])
    inside = embeddings - means[classes]
    covariance = inside.T @ inside / 297
    covariance = 0.9 * covariance + 0.1 * np.trace(covariance) / 5 * np.eye(5)
    away = rng.normal(size=(7, 5))
    expected = [
        min(np.sqrt((one - mean) @ np.linalg.inv(covariance) @ (one - mean)) for mean in means)
        for one in away
    ]
    found = statistics.distances(torch.tensor(away))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_statistics_need_several_embeddings_that_differ():
    with pytest.raises(CIFError, match=r"expected more embeddings than classes \(2\), got 2"):
        ClassStatistics.fit(torch.eye(2), torch.tensor([0, 1]))
    with pytest.raises(CIFError, match="the embeddings of each class are all the same"):
        ClassStatistics.fit(torch.ones(3, 2), torch.tensor([0, 0, 0]))


# --- flags ---------------------------------------------------------------------------------------


def test_beyond_the_bound_is_flagged_and_within_is_not():
    near, far = hypothesis(tiny(0.5)), hypothesis(tiny(1.5))
    assert near.domain_distance == pytest.approx(0.5, abs=1e-3)
    assert far.domain_distance == pytest.approx(1.5, abs=1e-3)
    assert (near.is_out_of_domain, far.is_out_of_domain) == (False, True)
    assert near.warning == ""
    assert far.warning == (
        "this sound is probably outside what the model knows (5 words of the TINY grammar); "
        f"mean score {np.mean(far.scores):.2f}"
    )


def test_without_statistics_or_bound_nothing_is_flagged():
    model = tiny(1.5)
    unbound = replace(hypothesis(model), config=tiny_config())
    model.statistics = None
    for found in (unbound, hypothesis(model)):
        assert not found.is_out_of_domain
        assert found.warning == ""
    assert hypothesis(model).domain_distance is None


def test_where_nothing_fires_nothing_is_flagged_and_that_is_said():
    found = load_model("digits").transcribe(load_clip("silence").waveform)
    assert found.tokens == ()
    assert found.domain_distance is None
    assert found.mean_score is None
    assert not found.is_out_of_domain
    assert found.summary == "model digits (10 words: zero … nine), no token fired"


def test_alone_and_in_a_batch_the_distance_is_the_same():
    model = load_model("digits")
    clips = [load_clip(name).waveform for name in ("digits_five", "natural_lake", "silence")]
    together = [one.domain_distance for one in model.transcribe_batch(clips)]
    alone = [model.transcribe(one).domain_distance for one in clips]
    assert together[:2] == pytest.approx(alone[:2], rel=1e-3)
    assert together[2] is alone[2] is None


# --- names and words -----------------------------------------------------------------------------


def test_a_loaded_model_has_a_name_and_one_made_here_has_none(tmp_path):
    save_model(tiny(0.5), tmp_path / "mine", "")
    assert load_model("digits").name == "digits"
    assert load_model(tmp_path / "mine").name == "mine"
    assert hypothesis(load_model(tmp_path / "mine")).model == "mine"
    model = tiny_recognizer(seed=3)
    model.cif.start_at(0.2)
    found = hypothesis(model)
    assert found.model == ""
    assert found.summary == f"model (5 words: zero … four), mean score {np.mean(found.scores):.2f}"


def test_a_summary_is_one_printable_line_whatever_the_words_are():
    config = replace(tiny_config(), vocabulary=("long" * 90, "b", "c", "d", "a word"))
    found = replace(hypothesis(tiny(1.5)), config=config, model="a\nb\ud800" + "c" * 99)
    assert found.summary.isprintable()
    assert len(found.summary) < 200
    assert "\\ud800" in found.summary


@pytest.mark.parametrize(
    ("name", "text"),
    [("digits", "10 words: zero … nine"), ("grid", "51 words of the GRID grammar")],
)
def test_vocabularies_of_the_shipped(name, text):
    assert load_model(name).config.vocabulary_text == text


def test_a_vocabulary_of_one_word():
    assert vocabulary_text(("yes",)) == "1 word: yes"


# --- checkpoints ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    save_model(tiny(1.5), tmp_path / "model", "")
    return tmp_path / "model"


def change(folder, values):
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    config.update(values)
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")


def test_what_is_saved_flags_when_it_is_loaded(folder):
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    assert config["domain"] == {"bound": 1.0, "grammar": "TINY"}
    found = hypothesis(load_model(folder))
    assert found.is_out_of_domain
    assert found.domain_distance == pytest.approx(1.5, abs=1e-3)


def test_an_old_checkpoint_loads_and_never_flags(folder):
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    del config["domain"]
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    (folder / STATISTICS).unlink()
    assert not hypothesis(load_model(folder)).is_out_of_domain


def test_a_bound_is_not_saved_without_statistics(tmp_path):
    model = tiny(1.5)
    again = CIFRecognizer(model.config)
    again.load_state_dict(model.state_dict())
    save_model(again.eval(), tmp_path / "model", "")
    assert load_model(tmp_path / "model").config.domain is None
    assert not (tmp_path / "model" / STATISTICS).exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file .*domain.safetensors"),
        (b"", "domain.safetensors is not a safetensors file"),
        (b"no safetensors", "domain.safetensors is not a safetensors file"),
    ],
)
def test_missing_or_damaged_statistics_are_refused(folder, content, message):
    (folder / STATISTICS).unlink()
    if content is not None:
        (folder / STATISTICS).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("means", torch.zeros(1, 8), r"means must be \(1, 16\), got \(1, 8\)"),
        ("means", torch.zeros(0, 16), r"expected means \(classes, 16\)"),
        ("means", torch.zeros(()), r"expected means \(classes, 16\)"),
        ("whitening", torch.zeros(16, 8), r"whitening must be \(16, 16\)"),
        ("whitening", torch.full((16, 16), torch.nan), "whitening of .* must be finite"),
        (
            "whitening",
            torch.zeros(16, 16, dtype=torch.int8),
            "of .* must be a floating point tensor",
        ),
        ("other", torch.zeros(1), "unknown .*other"),
    ],
)
def test_statistics_of_another_form_are_refused(folder, name, value, message):
    tensors = load_file(folder / STATISTICS)
    save_file({**tensors, name: value}, folder / STATISTICS)
    with pytest.raises(CheckpointError, match=message):
        load_model(folder)


@pytest.mark.parametrize("domain", [3, {"bound": 0}, {"bound": "1"}, {"grammar": ""}, {"b": 1}])
def test_a_domain_of_another_form_is_refused(folder, domain):
    change(folder, {"domain": domain})
    with pytest.raises(CheckpointError, match="config.json is not a configuration"):
        load_model(folder)


# --- how the bound is learned --------------------------------------------------------------------


def test_sounds_are_altered_as_documented():
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tones = {hertz: np.sin(2 * np.pi * hertz * time) for hertz in (500, 1000, 2000)}
    sound = Waveform(sum(tones.values()).astype(np.float32))

    def levels(waveform):
        return [20 * np.log10(2 * abs(np.mean(waveform.samples * tone))) for tone in tones.values()]

    noisy, risen, fallen, room = (domain_flag.altered(sound, kind, rng) for kind in range(4))
    added = noisy.samples - sound.samples
    ratio = np.mean(added.astype(float) ** 2) / np.mean(sound.samples.astype(float) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(domain_flag.NOISE_LEVEL, abs=0.01)
    assert levels(risen) == pytest.approx([-4, 0, 4], abs=0.1)
    assert levels(fallen) == pytest.approx([4, 0, -4], abs=0.1)
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[100] = 1
    echo = domain_flag.altered(Waveform(click), 3, rng).samples
    assert np.abs(echo[:100]).max() < 1e-6
    tail = np.sum(echo[101:].astype(float) ** 2)
    assert 10 * np.log10(tail) == pytest.approx(domain_flag.ECHO_LEVEL, abs=0.5)
    for one in (noisy, risen, fallen, room):
        assert len(one.samples) == len(sound.samples)
    assert domain_flag.altered(Waveform(np.zeros(0)), 0, rng).duration == 0


@pytest.fixture
def study(monkeypatch, tmp_path):
    """A recipe of noises, whose model is in `tmp_path`."""
    made = tiny_recognizer(seed=3)
    made.cif.start_at(0.2)
    save_model(made, tmp_path / "checkpoints" / "digits", "# A card\n")

    def noises(first, count):
        return [
            LabelledUtterance(noise(1.0, seed=seed), Alignment())
            for seed in range(first, first + count)
        ]

    recipe = SimpleNamespace(
        synthetic=lambda: noises(0, 20),
        dev=lambda: noises(100, 60),
        synthetic_dev=lambda: noises(200, 80),
        test=lambda: noises(300, 30),
        corpora=("digits",),
        grammar="",
    )
    monkeypatch.setattr(domain_flag, "find_recipe", lambda name: recipe)
    monkeypatch.setattr(studies, "checksum", lambda corpus: "none")
    monkeypatch.setattr(domain_flag, "human_aligned", dict)
    monkeypatch.setitem(domain_flag.TRAINING, "digits", lambda: noises(400, 20))
    return recipe


def test_the_bound_holds_most_of_the_development_utterances(study, tmp_path):
    folder = tmp_path / "checkpoints" / "digits"
    weights = (folder / WEIGHTS).read_bytes()
    text = run_study("domain-flag-digits", runs=tmp_path, data=tmp_path)
    assert (folder / WEIGHTS).read_bytes() == weights
    assert (folder / "README.md").read_text("utf-8") == "# A card\n"
    result = STUDIES["domain-flag-digits"].read(tmp_path / "results")
    distances = np.concatenate([result["sets"][name]["distances"] for name in result["bound_from"]])
    assert len(distances) == 240
    assert np.mean(distances <= result["bound"]) == pytest.approx(0.98, abs=0.005)
    model = load_model(folder)
    assert model.config.domain == DomainConfig(result["bound"])
    found = model.transcribe(noise(1.0, seed=300))
    first = result["sets"]["test"]["distances"][0]
    assert found.domain_distance == pytest.approx(first, abs=0.05)
    assert "| test | 30 | 0 |" in text
    assert result["command"] == "python -m experiments study domain-flag-digits"


def test_without_a_test_set_half_of_the_development_set_is_judged(study, tmp_path):
    study.test = None
    result = domain_flag.run("digits", runs=tmp_path, data=tmp_path)
    assert result["sets"]["dev"]["sounds"] == result["sets"]["dev, other half"]["sounds"] == 30
    assert result["sets"]["synthetic dev"]["sounds"] == 30


# --- what ships ----------------------------------------------------------------------------------


def clips(domain):
    return [clip for clip in map(load_clip, list_clips()) if clip.domain == domain]


def sounds_without_words():
    """A tone, a chord that is switched on and off, and clicks like those of a drum."""
    rng = np.random.default_rng(0)
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277.2, 329.6))
    clicks = np.zeros(4 * SAMPLE_RATE)
    for start in range(0, len(clicks) - 800, SAMPLE_RATE // 4):
        clicks[start : start + 800] += rng.normal(0, 0.5, 800) * np.exp(-np.arange(800) / 120)
    return {
        "tone": Waveform((0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)),
        "chord": Waveform((0.15 * (time * 3 % 1 < 0.5) * chord).astype(np.float32)),
        "clicks": Waveform(clicks.clip(-1, 1).astype(np.float32)),
    }


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_clips_of_its_words_are_not_flagged(name):
    model = load_model(name)
    found = {clip.name: model.transcribe(clip.waveform).domain_distance for clip in clips(name)}
    assert max(found.values()) < 0.99 * model.config.domain.bound, found


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_clips_of_other_speech_are_flagged(name):
    model = load_model(name)
    natural = clips("natural")
    assert len(natural) == 3
    found = {clip.name: model.transcribe(clip.waveform).domain_distance for clip in natural}
    assert min(found.values()) > 1.02 * model.config.domain.bound, found


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_sounds_without_words_are_flagged_or_empty(name):
    model = load_model(name)
    for sound, waveform in sounds_without_words().items():
        found = model.transcribe(waveform)
        assert found.is_out_of_domain or not found.tokens, sound


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_real_speech_of_other_words_is_flagged(name, cifviz_data):
    folder = cifviz_data / "samples"
    if not (folder / "manifest.csv").is_file():
        pytest.skip(f"{folder} is not there")
    model = load_model(name)
    rows = read_table(folder / "manifest.csv", {"id": str, "path": str, "text": str})
    spoken = {row["id"]: folder / row["path"] for row in rows if row["text"] != "six"}
    assert len(spoken) == 15
    flagged = [model.transcribe(load_waveform(path)).is_out_of_domain for path in spoken.values()]
    assert sum(flagged) >= 14


@pytest.mark.usefixtures("cifviz_data")
def test_real_strings_of_digits_are_not_flagged():
    strings = [LabelledUtterance(*digit_string_waveform(one)) for one in digit_strings("test")]
    found = transcribe_all(load_model("digits"), strings)
    assert np.mean([one.is_out_of_domain for one in found]) <= 0.02


@pytest.mark.usefixtures("cifviz_data")
def test_real_sentences_of_grid_are_not_flagged():
    sentences = [
        LabelledUtterance(one.waveform(), one.words) for one in grid_sentences("dev")[1::2]
    ]
    found = transcribe_all(load_model("grid"), sentences)
    assert np.mean([one.is_out_of_domain for one in found]) <= 0.02


@pytest.mark.parametrize("name", ["digits", "grid"])
def test_what_was_measured_is_what_ships(name):
    result = STUDIES[f"domain-flag-{name}"].read(resource("results"))
    model = load_model(name)
    assert result["bound"] == model.config.domain.bound
    inside = np.concatenate([result["sets"][one]["distances"] for one in result["bound_from"]])
    assert np.quantile(inside, result["within"]) == pytest.approx(result["bound"], abs=0.01)
    found = [model.transcribe(clip.waveform).domain_distance for clip in clips(name)]
    assert result["sets"][f"clips, {name}"]["distances"] == pytest.approx(found, abs=0.1)
    judged = result["sets"]["test" if name == "digits" else "dev, other half"]["distances"]
    assert np.mean(np.array(judged) > result["bound"]) <= 0.02
