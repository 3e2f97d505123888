"""What a language model repairs and spoils, with a system whose both sides are known."""

import json

import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError
from cifviz.published import study_path
from experiments.studies import language_model_comparison as study
from experiments.studies.language_model_comparison import (
    SHOWN_WEIGHTS,
    decision_table,
    decisions,
    heard,
    nearness,
    picture,
)
from tests.experiments.studies.word_piece_runs import results
from tests.systems.test_w2v_cif_bert import fake_layers, tiny
from tests.systems.tiny import noise

__all__ = ["fake_layers"]


@pytest.fixture
def model(fake_layers):
    """The acoustic side says "one" everywhere, the language model "two", and more surely so."""
    made = tiny("masked").eval()
    made.start_at(0.2)
    with torch.no_grad():
        made.decoder.output.weight.zero_()
        made.language_output.weight.zero_()
        made.decoder.output.bias.copy_(torch.tensor([0.0, 1, 0, 0, 0]))
        made.language_output.bias.copy_(torch.tensor([0.0, 0, 5, 0, 0]))
    return made


def fired(model, utterances):
    return heard(model, utterances, model.sounds([one.waveform for one in utterances]))


def utterance(model, *tokens):
    """As many tokens as fire: the given ones, again and again."""
    sound = noise(1.0)
    count = int(model.fire([sound]).num_fires[0])
    assert count >= 2
    chosen = (tokens * count)[:count]
    return LabelledUtterance(sound, Alignment(tuple(TimedToken(one) for one in chosen)), "ann")


def test_what_is_repaired_spoiled_and_swapped(model):
    """With a weight of 0.2 the acoustic 0.8 · 1 loses against 0.2 · 5."""
    config = model.config
    utterances = [utterance(model, token) for token in ("one", "two", "four")]
    fires = len(utterances[0].words)
    found = decisions(model, fired(model, utterances))
    settings = {(one["lambda_lm"], one["infer_threash"]): one for one in found["settings"]}
    assert settings.keys() >= {(0.0, 0.8), (0.2, 0.8), (0.2, 0.5), (1.0, 0.8)}
    usual = settings[0.2, 0.8]
    assert usual["tokens"] == 3 * fires
    assert usual["repaired"] == usual["spoiled"] == usual["swapped"] == fires
    alone = settings[0.0, 0.8]
    assert alone["repaired"] == alone["spoiled"] == alone["swapped"] == 0
    # The acoustic side is sure to e / (e + 4) = 0.40.
    assert usual["given"] == settings[0.2, 0.5]["given"] == 0
    assert found["examples"][0]["acoustic"] == " ".join(["one"] * fires)
    assert found["examples"][0]["both"] == " ".join(["two"] * fires)
    assert found["examples"][0]["language"] == found["examples"][0]["both"]
    assert model.config is config


def test_utterances_with_another_count_are_left_out(model):
    one = utterance(model, "one")
    longer = Alignment((*one.words, TimedToken("one")))
    found = decisions(model, fired(model, [LabelledUtterance(one.waveform, longer, "ann")]))
    assert all(row["tokens"] == 0 for row in found["settings"]) and not found["examples"]
    table = decision_table([{"variant": "", "seed": 0, **row} for row in found["settings"]])
    assert "0.0" in table


def test_an_example_is_decoded_again_from_what_is_kept(model):
    """With all weights that the study shows, the kept tokens win that win in the vocabulary."""
    torch.manual_seed(3)
    with torch.no_grad():
        model.decoder.output.bias.copy_(torch.tensor([0.0, 1, 0.9, 0, -1]))
        model.language_output.bias.copy_(torch.tensor([-3.0, 0, 0.6, 0, 5]))
    one = utterance(model, "one")
    (example,) = decisions(model, fired(model, [one]))["examples"]
    assert len(example["places"]) == len(one.words)
    acoustic = torch.tensor([0.0, 1, 0.9, 0, -1]).log_softmax(0)
    language = torch.tensor([-3.0, 0, 0.6, 0, 5]).log_softmax(0)
    vocabulary = model.config.vocabulary
    for place in example["places"]:
        assert not place["given"]
        ids = [vocabulary.index(token) for token in place["tokens"]]
        assert place["acoustic"] == pytest.approx(acoustic[ids].tolist(), abs=1e-3)
        assert place["language"] == pytest.approx(language[ids].tolist(), abs=1e-3)
        for weight in SHOWN_WEIGHTS:
            wins = int(((1 - weight) * acoustic + weight * language).argmax())
            sums = [
                (1 - weight) * heard + weight * guessed
                for heard, guessed in zip(place["acoustic"], place["language"], strict=True)
            ]
            assert ids[sums.index(max(sums))] == wins


def test_how_near_fires_are_to_embeddings(model):
    """With a projection to one direction all fires are the embedding of "one"."""
    with torch.no_grad():
        model.decoder.project.weight.zero_()
        model.decoder.project.bias.copy_(torch.eye(12)[1])
    utterances = [utterance(model, "one"), utterance(model, "four")]
    table = torch.eye(12)[: len(model.config.vocabulary)]
    four = model.config.vocabulary.index("four")
    assert model.config.vocabulary.index("one") == 1 != four
    found = nearness(model, table, fired(model, utterances))
    assert found["own"] == found["top_1"] == pytest.approx(0.5)
    # Of five embeddings the four others are at 0 from "one"; from "four" one of them is at 1.
    assert found["others"] == pytest.approx((0 + 1 / 4) / 2)


def test_a_picture_of_cosines(model, monkeypatch):
    """As many fire as there are tokens, whatever the weights say; all of them are "one" here."""
    with torch.no_grad():
        model.decoder.project.weight.zero_()
        model.decoder.project.bias.copy_(torch.eye(12)[1] + torch.eye(12)[2])
    monkeypatch.setattr(study, "PICTURED", (2, 3))
    vocabulary = model.config.vocabulary
    table = torch.eye(12)[: len(vocabulary)]
    utterances = [
        LabelledUtterance(noise(1.0), Alignment(tuple(map(TimedToken, tokens))), "ann")
        for tokens in ((vocabulary[0],), (vocabulary[1],) * 2, (vocabulary[1], "unknown"))
    ]
    sounds = model.sounds([one.waveform for one in utterances])
    assert picture(model, table, list(zip(utterances, sounds, strict=True))) == {}
    tokens = (vocabulary[1], vocabulary[3])
    wanted = LabelledUtterance(noise(1.0), Alignment(tuple(map(TimedToken, tokens))), "ann")
    found = picture(model, table, [(wanted, sounds[0])])
    assert found["tokens"] == list(tokens)
    assert found["cosines"] == [pytest.approx([0.707, 0.0], abs=1e-3)] * 2


def test_without_a_right_count_nothing_is_near(model):
    one = utterance(model, "one")
    longer = Alignment((*one.words, TimedToken("one")))
    batches = fired(model, [LabelledUtterance(one.waveform, longer, "ann")])
    with pytest.raises(DataError, match="fire in no utterance"):
        nearness(model, torch.eye(12)[:5], batches)


def test_without_runs_there_is_nothing(tmp_path):
    with pytest.raises(DataError, match="no finished run of 'w2v-cif-bert'"):
        study.run(runs=tmp_path, data=tmp_path)


def test_the_tables_of_what_was_published(tmp_path):
    names = {name: {} for name in ("fit", "recordings", "versions", "history", "command")}
    for one in results("w2v-cif-bert", _=0.3, none=0.4):
        name = f"w2v-cif-bert-{one['variant']}-{one['seed']}.json"
        (tmp_path / name).write_text(json.dumps({**names, **one}), "utf-8")
    path = study_path(tmp_path, study.NAME)
    path.parent.mkdir()
    row = {"variant": "", "seed": 0, "lambda_lm": 0.2, "infer_threash": 0.8}
    row |= {"tokens": 200, "repaired": 20, "spoiled": 10, "swapped": 4, "given": 100}
    near = {"variant": "", "seed": 0, "own": 0.5, "others": 0.25, "top_1": 0.75}
    path.write_text(json.dumps({"decisions": [row], "examples": [], "nearness": [near]}), "utf-8")
    printed = study.table(study.read(tmp_path))
    assert "| Moonshine | MiniLM | 100 % | 3 | 31.0 ± 1.0 |" in printed
    assert "| MiniLM, Moonshine, 100 %: 0.2, 0.8 | 1 of 3 | 10.0 | 5.0 | 2.0 | 50.0 |" in printed
    assert "| MiniLM, Moonshine, 100 % | 1 of 3 | 0.50 | 0.25 | 75.0 |" in printed
    assert "-10.00 ± 0.00, less | reproduced |" in printed
