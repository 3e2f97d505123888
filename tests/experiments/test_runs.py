"""A whole recipe on two invented words: train, measure, publish, load."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.module import CIFConfig
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import CheckpointError, CIFError, DataError
from cifviz.systems.checkpoints import load_model
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.configuration import SystemConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.registry import SYSTEMS
from cifviz.training.augmentation import Augmentation, CutAndJoin, Recording
from cifviz.training.fit import FitConfig
from experiments import publish, recipes, runs
from experiments.command_line import app
from experiments.model_card import model_card, results_table
from experiments.provenance import commit
from experiments.run_tables import summary
from experiments.training_data import recordings
from tests.repeats import others_long
from tests.systems.hinted import HintedConfig, HintedRecognizer


def tones(words, speaker):
    """One tone of 0.2 s for each word, 0.1 s of silence around each."""
    samples, tokens = [np.zeros(1600)], []
    for word in words:
        start = sum(map(len, samples)) / 16000
        frequency = {"low": 300, "high": 2000}[word]
        samples += [np.sin(np.arange(3200) * frequency * 2 * np.pi / 16000), np.zeros(1600)]
        tokens.append(TimedToken(word, start, start + 0.2))
    return LabelledUtterance(Waveform(np.concatenate(samples)), Alignment(tuple(tokens)), speaker)


def two_speakers():
    return [tones(["low", "high", "high"], "ann"), tones(["high", "low"], "bob")]


@pytest.fixture
def recipe():
    config = CIFRecognizerConfig(
        vocabulary=("low", "high"),
        encoder=EncoderConfig(channels=16, dilations=(1,)),
        cif=CIFConfig(encoder_embed_dim=16, conv_cif_output_channels_num=16),
        decoder=DecoderConfig(dim=16),
    )
    return recipes.Recipe(
        name="tones",
        config=config,
        real=two_speakers,
        synthetic=lambda: [tones(["low"], "robot")],
        dev=two_speakers,
        synthetic_dev=lambda: [tones(["high"], "robot")] * 2,
        test=two_speakers,
        fit=FitConfig(steps=3, batch_size=2),
        sources="sines",
    )


def test_train_writes_a_model_and_what_it_measured(recipe, tmp_path):
    result = runs.run(recipe, folder=tmp_path / "tones-seed0", progress=False)
    assert json.loads((tmp_path / "tones-seed0/result.json").read_text("utf-8"))["seed"] == 0
    assert result["test"]["utterances"] == 2
    assert result["recordings"] == {"real": 2, "synthetic": 1}
    assert len(result["history"]) == 1
    model = load_model(tmp_path / "tones-seed0/model")
    assert model.config.edges.onset_shift == result["edges"]["shipped"]["onset_shift"]


def test_a_new_system_is_trained_measured_and_tabled(recipe, tmp_path, monkeypatch):
    """By one line in the registry; the system itself is tests/systems/hinted.py."""
    monkeypatch.setitem(SYSTEMS, "hinted", HintedRecognizer)
    config, fit = HintedConfig(**vars(recipe.config)), replace(recipe.fit, steps=50)
    hinted = replace(recipe, system="hinted", config=config, fit=fit)
    result = runs.run(hinted, folder=tmp_path / "tones-seed0", progress=False)
    assert result["system"] == "hinted"
    assert "size" in result["history"][0]
    assert result["test"]["counts"]["spoken"] == 5
    assert "mean_absolute" in result["test"]["edges"]["centroid, unshifted"]["both"]
    assert type(load_model(tmp_path / "tones-seed0/model")) is HintedRecognizer
    row = summary([result]).splitlines()[-1]
    assert row.startswith("| tones") and "| 1 |" in row
    assert "onset error in ms, shipped" in results_table([result], "test")


def test_extras_of_the_data_reach_training_and_measuring(recipe, tmp_path, monkeypatch):
    """By a maker of utterances of the recipe's own, and by the usual one without silence."""
    monkeypatch.setitem(SYSTEMS, "hinted", HintedRecognizer)
    monkeypatch.setattr(runs, "labelled_clips", lambda domain: [])
    asked, made = [], []
    adapt = HintedRecognizer.adapt

    def seen(model, embeddings, firing, encoded):
        asked.append("hints" in encoded.batch.extras)
        return adapt(model, embeddings, firing, encoded)

    def hinted_utterances():
        extras = {"hints": torch.tensor([1, 2])}
        return [replace(one, extras=extras) for one in two_speakers()]

    def maker(*parts):
        made.append(CutAndJoin(*parts))
        return made[-1]

    monkeypatch.setattr(HintedRecognizer, "adapt", seen)
    sets = ("real", "synthetic", "dev", "synthetic_dev", "test")
    hinted = replace(
        recipe,
        name="hinted tones",
        system="hinted",
        config=HintedConfig(**vars(recipe.config)),
        augmentation=Augmentation(empty=0.0),
        example_maker=maker,
        **dict.fromkeys(sets, hinted_utterances),
    )
    runs.run(hinted, folder=tmp_path / "run", progress=False)
    assert len(made) == 1
    assert asked and all(asked)


def test_a_finished_run_is_measured_again_and_not_trained(recipe, tmp_path):
    first = runs.run(recipe, folder=tmp_path / "run", progress=False)
    weights = (tmp_path / "run/model/model.safetensors").read_bytes()
    assert runs.run(recipe, folder=tmp_path / "run", progress=False) == first
    assert (tmp_path / "run/model/model.safetensors").read_bytes() == weights


def test_a_finished_run_with_other_settings_is_left_alone(recipe, tmp_path):
    runs.run(recipe, folder=tmp_path / "run", progress=False)
    other = replace(recipe, synthetic_share=0.5)
    with pytest.raises(
        CheckpointError, match=r"finished run with other settings \(synthetic_share"
    ):
        runs.run(other, folder=tmp_path / "run", progress=False)


def test_a_run_made_before_a_setting_existed_had_its_default(recipe, tmp_path):
    runs.run(recipe, folder=tmp_path / "run", progress=False)
    path = tmp_path / "run/result.json"
    result = json.loads(path.read_text("utf-8"))
    del result["config"]["cif"]["smooth_factor"], result["fit"]["loss_weights"]
    path.write_text(json.dumps(result), "utf-8")
    runs.run(recipe, folder=tmp_path / "run", progress=False)
    assert json.loads(path.read_text("utf-8"))["config"]["cif"]["smooth_factor"] == 1.0


def test_a_speaker_left_out_is_tested_and_not_trained_on(recipe, tmp_path):
    result = runs.run(recipe, folder=tmp_path / "run", leave_out="bob", progress=False)
    assert result["recordings"] == {"real": 1, "synthetic": 1}
    assert result["test"]["tokens"] == 2
    assert result["dev"]["tokens"] == 3


def test_edges_are_learned_on_as_many_synthesised_as_real_utterances(recipe, tmp_path, monkeypatch):
    learned_on = []

    def learn_edges(model, pairs):
        learned_on.append([words.text for _, words in pairs])
        return Edges()

    def all_of_them(transcriptions, references):
        return list(zip(transcriptions, references, strict=True))

    monkeypatch.setattr(CIFRecognizer, "learn_edges", learn_edges)
    monkeypatch.setattr(runs, "comparable", all_of_them)
    runs.run(recipe, folder=tmp_path / "all", progress=False)
    assert learned_on[-1] == ["low high high", "high low", "high", "high"]
    runs.run(recipe, folder=tmp_path / "less", leave_out="bob", progress=False)
    assert learned_on[-1] == ["low high high", "high"]


def test_cepstral_utterances_join_the_others_half_of_which_are_made_as_smooth(recipe, tmp_path):
    def cepstral(config):
        frames = np.zeros((40, config.features.n_mels), np.float32)
        return [Recording(frames, (0, 1), None, "cy")]

    with_cepstra = replace(recipe, cepstral=cepstral, cepstral_share=0.5)
    result = runs.run(with_cepstra, folder=tmp_path / "run", progress=False)
    assert result["cepstral_share"] == 0.5
    assert result["recordings"] == {
        "real": 2,
        "real, smoothed": 2,
        "synthetic": 1,
        "synthetic, smoothed": 1,
        "cepstral": 1,
    }


def test_phones_are_learned_from_all_words_and_thrown_away(recipe, tmp_path):
    def cepstral(config):
        frames = np.zeros((40, config.features.n_mels), np.float32)
        return [Recording(frames, tokens, None, "cy") for tokens in ((0, 1), (1, 2))]

    phonetic = replace(
        recipe,
        cepstral=cepstral,
        pronunciations=lambda config: [(0,), (1, 0), (2, 1)],
        phonetic_share=0.5,
        fit=FitConfig(steps=3, batch_size=8),
    )
    result = runs.run(phonetic, folder=tmp_path / "run", progress=False)
    assert result["phonetic_share"] == 0.5
    assert result["recordings"]["cepstral"] == 1
    assert result["recordings"]["cepstral, all words"] == 2
    assert result["history"][-1]["phones"] > 0
    weights = load_model(tmp_path / "run/model").state_dict()
    assert not any("phones" in name for name in weights)


def test_finished_runs_are_measured_again_by_their_names(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    for variant in ("", "ctc"):
        name = runs.run_name("tones", 0, None, variant)
        runs.run(find(variant), folder=tmp_path / name, progress=False)
    (tmp_path / "tones-seed1").mkdir()  # has not ended
    first = (tmp_path / "tones-seed0/result.json").read_bytes()
    result = CliRunner().invoke(app, ["measure", "tones", "--runs", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
    folders = [tmp_path / "tones-ctc-seed0", tmp_path / "tones-seed0"]
    assert result.stdout.splitlines() == [f"written to {folder}" for folder in folders]
    assert (tmp_path / "tones-seed0/result.json").read_bytes() == first


def test_utterances_without_times_are_trained_on_and_measured(recipe, tmp_path):
    def untimed():
        words = Alignment(tuple(TimedToken(one) for one in ("low", "high", "high")))
        return [replace(two_speakers()[0], words=words)]

    (one,) = recordings("untimed", untimed, recipe.config, tmp_path / "cache")
    assert (one.tokens, one.spans) == ((0, 1, 1), None)
    unknown = replace(recipe, name="untimed", real=untimed, dev=untimed, test=untimed)
    result = runs.run(unknown, folder=tmp_path / "run", progress=False)
    assert result["test"]["tokens"] == 3
    assert result["test"]["share_in_silence"] is None
    assert result["test"]["edges"]["shipped"]["both"]["count"] == 0


def test_a_speaker_nobody_knows_is_refused(recipe, tmp_path):
    with pytest.raises(CIFError, match="leave_out must be one of 'ann', 'bob', got 'eve'"):
        runs.run(recipe, folder=tmp_path / "run", leave_out="eve", progress=False)


def test_publish_ships_the_seed_that_is_best_on_dev(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "tones", recipe)
    folder, data = tmp_path / "runs", tmp_path / "data"
    for seed in (0, 1):
        seeded = replace(recipe, fit=replace(recipe.fit, seed=seed))
        runs.run(seeded, folder=folder / f"tones-seed{seed}", progress=False)
    for seed, rate in ((0, 0.5), (1, 0.25)):
        path = folder / f"tones-seed{seed}/result.json"
        result = json.loads(path.read_text("utf-8"))
        result["dev"]["token_error_rate"] = rate
        path.write_text(json.dumps(result), "utf-8")
    result = CliRunner().invoke(
        app, ["publish", "tones", "--runs", str(folder), "--data", str(data)]
    )
    assert result.exit_code == 0, result.output
    assert "Seed 1 of seeds 0, 1" in (data / "checkpoints/tones/README.md").read_text("utf-8")
    assert sorted(path.name for path in (data / "results").iterdir()) == [
        "tones-seed0.json",
        "tones-seed1.json",
    ]
    shipped = load_model(data / "checkpoints/tones").state_dict()
    best = load_model(folder / "tones-seed1/model").state_dict()
    assert all((shipped[name] == best[name]).all() for name in best)


def test_publish_replaces_and_removes_results_of_its_own_alone(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "tones", recipe)
    kept = tmp_path / "data" / "results"
    kept.mkdir(parents=True)
    run = runs.run(recipe, folder=tmp_path / "tones-seed0", progress=False)
    (kept / "tones-seed7.json").write_text(json.dumps(run), "utf-8")  # of a run that is no more
    (kept / "tones-notes.json").write_text('{"mine": 1}', "utf-8")
    publish.publish("tones", runs=tmp_path, data=tmp_path / "data")
    left = ["tones-notes.json", "tones-seed0.json"]
    assert sorted(path.name for path in kept.iterdir()) == left
    (kept / "tones-seed0.json").write_text("mine", "utf-8")
    with pytest.raises(DataError, match=r"tones-seed0\.json is no result"):
        publish.publish("tones", runs=tmp_path, data=tmp_path / "data")
    assert (kept / "tones-seed0.json").read_text("utf-8") == "mine"


def test_a_recipe_that_is_there_to_compare_ships_no_weights(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "tones", recipe)
    monkeypatch.setattr(publish, "RESULTS_ALONE", {"tones"})
    runs.run(recipe, folder=tmp_path / "tones-seed0", progress=False)
    table = publish.publish("tones", runs=tmp_path, data=tmp_path / "data")
    assert table.startswith("| test | 1 seed |")
    assert [path.name for path in (tmp_path / "data").rglob("*.*")] == ["tones-seed0.json"]


def test_of_a_recipe_that_ships_alone_no_variant_ships(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    monkeypatch.setattr(publish, "SHIPPED_ALONE", {"tones"})
    for variant in ("", "ctc"):
        name = runs.run_name("tones", 0, None, variant)
        runs.run(find(variant), folder=tmp_path / "runs" / name, progress=False)
    publish.publish("tones", runs=tmp_path / "runs", data=tmp_path / "data")
    assert [path.name for path in (tmp_path / "data/checkpoints").iterdir()] == ["tones"]


def test_runs_are_added_to_published_ones_and_no_weights_ship(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    monkeypatch.setattr(publish, "SHIPPED_ALONE", {"tones"})
    kept, further = tmp_path / "runs", tmp_path / "further"
    for folder, variant in ((kept, ""), (further, "ctc")):
        name = runs.run_name("tones", 0, None, variant)
        runs.run(find(variant), folder=folder / name, progress=False)
    data = tmp_path / "data"
    publish.publish("tones", runs=kept, data=data)
    before = {path: path.read_bytes() for path in data.rglob("*.*")}
    added = data / "results/tones-ctc-seed0.json"
    assert publish.publish("tones", runs=further, data=data, add=True) == f"written to {added}"
    after = {path: path.read_bytes() for path in data.rglob("*.*")}
    assert after == {**before, added: (further / "tones-ctc-seed0/result.json").read_bytes()}
    with pytest.raises(DataError, match="every finished run of 'tones' is published"):
        publish.publish("tones", runs=further, data=data, add=True)


def test_no_run_is_added_whose_weights_might_ship(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "tones", recipe)
    runs.run(recipe, folder=tmp_path / "tones-seed0", progress=False)
    with pytest.raises(DataError, match="tones-seed0 is of a variant that ships: publish all"):
        publish.publish("tones", runs=tmp_path, data=tmp_path / "data", add=True)
    assert not list(tmp_path.glob("data/*/*"))


def test_a_recipe_whose_name_begins_with_anothers_is_another(recipe, tmp_path, monkeypatch):
    small = replace(recipe, name="tones-small")
    for one in (recipe, small):
        monkeypatch.setitem(recipes.RECIPES, one.name, one)
        runs.run(one, folder=tmp_path / f"{one.name}-seed0", progress=False)
    for one in (small, recipe):
        publish.publish(one.name, runs=tmp_path, data=tmp_path / "data")
        assert runs.measure_again(one.name, runs=tmp_path) == [tmp_path / f"{one.name}-seed0"]
    kept = sorted(path.name for path in (tmp_path / "data/results").iterdir())
    assert kept == ["tones-seed0.json", "tones-small-seed0.json"]


def test_publish_ships_no_model_over_files_of_somebody(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "tones", recipe)
    runs.run(recipe, folder=tmp_path / "tones-seed0", progress=False)
    card = tmp_path / "data/checkpoints/tones/README.md"
    card.parent.mkdir(parents=True)
    card.write_text("mine")
    with pytest.raises(DataError, match=r"README\.md exists"):
        publish.publish("tones", runs=tmp_path, data=tmp_path / "data")
    assert [path.read_text() for path in card.parent.iterdir()] == ["mine"]


def test_a_run_begins_only_where_it_can_end(recipe, tmp_path, monkeypatch):
    (tmp_path / "run/model").mkdir(parents=True)
    (tmp_path / "run/model/README.md").write_text("mine")
    monkeypatch.setattr(runs, "_trained", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(DataError, match=r"README\.md exists"):
        runs.run(recipe, folder=tmp_path / "run", progress=False)


def variants(monkeypatch, recipe):
    """The recipe "tones", with which `find_recipe` finds variants too."""
    monkeypatch.setitem(recipes.RECIPES, "tones", recipe)

    def find(variant, seed=0):
        found = recipes.find_recipe("tones", variant)
        return replace(found, fit=replace(found.fit, seed=seed))

    return find


def test_a_variant_of_inference_alone_uses_the_weights_of_another(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    runs.run(find("plain"), folder=tmp_path / "tones-plain-seed0", progress=False)
    result = runs.run(find("pauses"), folder=tmp_path / "tones-pauses-seed0", progress=False)
    assert result["config"]["cif"]["pause_frames"] == 5
    assert result["command"] == "python -m experiments train tones --seed 0 --variant pauses"
    plain, pauses = (
        load_model(tmp_path / f"tones-{name}-seed0/model") for name in ("plain", "pauses")
    )
    assert (plain.cif.config.pause_frames, pauses.cif.config.pause_frames) == (0, 5)
    assert all((plain.state_dict()[k] == v).all() for k, v in pauses.state_dict().items())
    assert not (tmp_path / "tones-pauses-seed0/last.ckpt").exists()


def test_weights_of_a_run_that_nobody_made_are_asked_for(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    with pytest.raises(DataError, match="tones-plain-seed0"):
        runs.run(find("pauses"), folder=tmp_path / "tones-pauses-seed0", progress=False)


def test_training_begins_with_the_encoder_of_another_variant(recipe, tmp_path, monkeypatch):
    """With a learning rate of 0 it stays what the other one learned; the rest is its own."""
    find = variants(monkeypatch, recipe)
    unmoved = replace(find("ctc"), encoder_of="plain")
    unmoved = replace(
        unmoved, fit=replace(unmoved.fit, steps=2, learning_rate=0.0, weight_decay=0.0)
    )
    with pytest.raises(DataError, match="tones-plain-seed0"):
        runs.run(unmoved, folder=tmp_path / "tones-ctc-seed0", progress=False)
    runs.run(find("plain"), folder=tmp_path / "tones-plain-seed0", progress=False)
    result = runs.run(unmoved, folder=tmp_path / "tones-ctc-seed0", progress=False)
    assert result["encoder_of"] == "plain"
    plain, other = (load_model(tmp_path / f"tones-{name}-seed0/model") for name in ("plain", "ctc"))
    taught = other.encoder.state_dict()
    assert all((taught[name] == value).all() for name, value in plain.encoder.state_dict().items())


PHRASES = {
    **{name: {"context"} for name in ("coldec", "coldec-purified", "finecos", "seaco")},
    "coldec-tokens": {"context", "span_alignment"},
}
"""Losses of the variants with a context network."""


@pytest.mark.parametrize("variant", others_long(*PHRASES))
def test_a_context_network_is_trained_beside_the_recipe_s_own_recogniser(
    recipe, tmp_path, monkeypatch, variant
):
    monkeypatch.setattr(runs, "PHRASE_UTTERANCES", 40)
    find = variants(monkeypatch, replace(recipe, phrase_example_maker=CutAndJoin))
    body = runs.run(find(""), folder=tmp_path / "tones-seed0", progress=False)
    needed = [find(variant).weights_of] if find(variant).weights_of else []
    for name in [*needed, variant]:
        short = replace(find(name), fit=replace(find(name).fit, steps=3))
        result = runs.run(short, folder=tmp_path / f"tones-{name}-seed0", progress=False)
    assert result["history"][0].keys() == {"step", "loss", *PHRASES[variant]}
    errors = ("deletions", "insertions", "substitutions", "tokens")
    for split in ("dev", "test"):
        assert [result[split][one] for one in errors] == [body[split][one] for one in errors]
    model, frozen = (
        load_model(tmp_path / f"{name}/model") for name in (f"tones-{variant}-seed0", "tones-seed0")
    )
    kept = model.state_dict()
    assert all((kept[name] == value).all() for name, value in frozen.state_dict().items())


def test_a_context_network_asks_for_its_body(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    with pytest.raises(DataError, match="tones-seed0"):
        runs.run(find("coldec"), folder=tmp_path / "tones-coldec-seed0", progress=False)


def test_what_a_body_fires_is_kept_for_the_next_context_network(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "PHRASE_UTTERANCES", 40)
    find = variants(monkeypatch, recipe)
    runs.run(find(""), folder=tmp_path / "tones-seed0", progress=False)
    fired = []
    make = runs.fired_examples

    def counted(*given, **settings):
        fired.append(settings)
        return make(*given, **settings)

    monkeypatch.setattr(runs, "fired_examples", counted)
    for name in ("coldec", "finecos"):
        short = replace(find(name), fit=replace(find(name).fit, steps=1))
        runs.run(short, folder=tmp_path / f"tones-{name}-seed0", progress=False)
    assert fired == [{"count": 40, "seed": 0}]


@pytest.mark.parametrize(
    "variant", others_long("ctc", "ctc-priors", "attention", "upsampled", "spikes")
)
def test_whatever_is_compared_trains_and_is_measured_again(recipe, tmp_path, monkeypatch, variant):
    found = variants(monkeypatch, recipe)(variant)
    first = runs.run(found, folder=tmp_path / "run", progress=False)
    assert first["variant"] == variant
    readouts = SYSTEMS[found.system].readouts
    assert readouts.keys() <= first["test"]["edges"].keys()
    assert runs.run(found, folder=tmp_path / "run", progress=False) == first


def test_some_variants_ship_beside_the_recipe(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    folder, data = tmp_path / "runs", tmp_path / "data"
    for variant in ("", "ctc", "plain"):
        name = runs.run_name("tones", 0, None, variant)
        runs.run(find(variant), folder=folder / name, progress=False)
    card = publish.publish("tones", runs=folder, data=data)
    assert card.startswith("# tones\n")
    assert sorted(path.name for path in (data / "checkpoints").iterdir()) == ["tones", "tones-ctc"]
    shipped = load_model(data / "checkpoints/tones-ctc")
    assert isinstance(shipped, SYSTEMS["ctc"])
    card = (data / "checkpoints/tones-ctc/README.md").read_text("utf-8")
    assert card.startswith("# tones-ctc\n")
    assert "offset error in ms, path, shifted" in card
    assert len(list((data / "results").iterdir())) == 3


def test_a_variant_may_ship_beside_a_recipe_that_ships_nothing(recipe, tmp_path, monkeypatch):
    find = variants(monkeypatch, recipe)
    monkeypatch.setattr(publish, "RESULTS_ALONE", {"tones"})
    monkeypatch.setattr(publish, "SHIPPED_BESIDE", {"tones": ("plain",)})
    for variant in ("", "ctc", "plain"):
        name = runs.run_name("tones", 0, None, variant)
        runs.run(find(variant), folder=tmp_path / "runs" / name, progress=False)
    publish.publish("tones", runs=tmp_path / "runs", data=tmp_path / "data")
    shipped = [path.name for path in (tmp_path / "data/checkpoints").iterdir()]
    assert shipped == ["tones-plain"]


def test_a_result_says_where_it_comes_from(recipe, tmp_path):
    result = runs.run(recipe, folder=tmp_path / "run", progress=False)
    assert result["command"] == "python -m experiments train tones --seed 0"
    assert result["data"] == {}
    assert result["commit"] == commit()


def test_nothing_to_publish_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match="run `python -m experiments train digits`"):
        publish.publish("digits", runs=tmp_path, data=tmp_path)


def test_unknown_recipe_is_answered_with_the_known_ones(tmp_path):
    result = CliRunner().invoke(app, ["train", "poetry"])
    assert result.exit_code == 1
    known = ", ".join(map(repr, recipes.RECIPES))
    assert f"recipe must be one of {known}, got 'poetry'" in result.stderr


def measured(rate, tokens=100):
    errors = {"deletions": 0, "insertions": 0, "substitutions": round(rate * tokens)}
    edges = {"signed_mean": 0.01, "mean_absolute": 0.02, "median_absolute": 0.015, "count": 9}
    return {
        "token_error_rate": rate,
        "tokens": tokens,
        "count_accuracy": 1.0,
        "weight_sum_error": {"mean": 0.0, "mean_absolute": 0.1},
        "edges": {"shipped": {"onset": edges, "offset": edges}},
        **errors,
    }


def test_tables_give_mean_and_standard_deviation_of_the_seeds():
    table = results_table([{"test": measured(rate)} for rate in (0.01, 0.02, 0.03)], "test")
    assert "| test | 3 seeds |" in table
    assert "| token error rate | 2.00 ± 1.00 % |" in table
    assert (
        "| offset error in ms, shipped | signed mean 10.00 ± 0.00, mean absolute 20.00 ± 0.00"
        in table
    )


def test_summary_has_a_row_for_each_set():
    run = {"recipe": "tones", "variant": "", "leave_out": None}
    table = summary(
        [
            {**run, "dev": measured(0.5), "test": measured(0.01)},
            {**run, "dev": measured(0.5), "test": measured(0.03)},
            {**run, "leave_out": "ann", "dev": measured(0.5), "test": measured(0.2)},
            {**run, "recipe": "bells", "dev": measured(0.04)},
            {**run, "variant": "plain", "dev": measured(0.5), "test": measured(0.5)},
        ]
    )
    rows = [row.split(" | ")[:4] for row in table.splitlines()[2:]]
    assert rows == [
        ["| bells: dev set", "1", "4.00 %", "0.00, 0.00, 4.00 %"],
        ["| tones: test set", "2", "2.00 ± 1.41 %", "0.00 ± 0.00, 0.00 ± 0.00, 2.00 ± 1.41 %"],
        ["| tones: test set, ann not in training", "1", "20.00 %", "0.00, 0.00, 20.00 %"],
    ]


def test_a_card_names_frames_where_there_is_an_encoder(recipe):
    run = {"seconds": 60, "versions": {"torch": "2"}, "seed": 0, "leave_out": None}
    results = [{**run, "dev": measured(0.0)}]
    assert "Vocabulary: low high. Encoder frames of 40 ms.\n" in model_card(recipe, results, 0)
    without = replace(recipe, config=SystemConfig(("low", "high")))
    assert "Vocabulary: low high.\n" in model_card(without, results, 0)


def test_a_card_has_intervals_and_a_note_where_there_are(recipe):
    side = {"edges": 10, "covered": 0.9, "width": 0.08, "error_by_width": [0.01, 0.02, 0.03]}
    found = {"level": 0.8, "sets": {"tones": {"onset": side, "offset": side}}}
    run = {"seconds": 60, "versions": {"torch": "2"}, "seed": 0, "leave_out": None}
    results = [{**run, "dev": measured(0.0), "intervals": found}]
    card = model_card(replace(recipe, note="Tones alone"), results, 0)
    assert "Intervals of 80 %." in card and "| tones | 20 | 90.0 % | 80 ms |" in card
    assert "\n\nTones alone.\n" in card
    assert "Intervals" not in model_card(recipe, [{**run, "dev": measured(0.0)}], 0)


def test_card_pools_the_speakers_left_out(recipe):
    run = {"seconds": 60, "versions": {"torch": "2"}, "seed": 0}
    results = [
        {**run, "leave_out": None, "dev": measured(0.0), "test": measured(0.0)},
        {**run, "leave_out": "ann", "dev": measured(0.0), "test": measured(0.1, tokens=100)},
        {**run, "leave_out": "bob", "dev": measured(0.0), "test": measured(0.02, tokens=300)},
    ]
    card = model_card(recipe, results, 0)
    assert "| ann | 0 | 10.00 % |" in card
    assert "| all together |  | 4.00 % |" in card
