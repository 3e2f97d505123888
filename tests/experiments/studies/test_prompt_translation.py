"""The study of telephone prompts: by hand, and with a translator that hardly learned."""

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError
from experiments.studies import prompt_translation
from experiments.studies.prompt_translation import (
    LANGUAGES,
    Pair,
    measured,
    prompt_pairs,
    remembered,
    table,
    text_scores,
    trained,
)
from tests.systems.tiny import noise


def pair(english, other, seed=0):
    words = Alignment(tuple(TimedToken(word) for word in other.split()))
    return Pair(english, LabelledUtterance(noise(0.8, seed), words, "prompts"))


TRAIN = [
    pair("Agent logged in.", "agente conectado", 1),
    pair("Please enter your number.", "por favor ingrese su numero", 2),
]


def test_without_sacrebleu_the_study_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu", None)
    with pytest.raises(DataError, match="needs the package sacrebleu: `pip install sacrebleu`"):
        prompt_translation.run(runs=None, data=None)


def test_the_memory_takes_the_most_similar_english_text():
    pytest.importorskip("sacrebleu")
    assert remembered(TRAIN, "Agent logged off.") == "agente conectado"
    assert remembered(TRAIN, "Please enter the number") == "por favor ingrese su numero"


def test_what_is_right_scores_100_and_short_ones_are_apart():
    pytest.importorskip("sacrebleu")
    texts = ["a b c d e", "f g"]
    found = text_scores(texts, texts)
    assert found["long"] == {"sentences": 1, "BLEU": pytest.approx(100), "chrF": pytest.approx(100)}
    assert found["all"]["sentences"] == 2
    worse = text_scores(texts, ["a b c d x", "f g"])["long"]
    assert 0 < worse["BLEU"] < 100
    assert text_scores(["f g"], ["f"])["long"] == {"sentences": 0, "BLEU": None, "chrF": None}


def test_a_translator_knows_the_words_of_its_pairs_alone(monkeypatch):
    monkeypatch.setattr(prompt_translation, "STEPS", 2)
    model = trained(TRAIN)
    assert model.config.vocabulary == tuple(
        sorted("agente conectado por favor ingrese su numero".split())
    )
    assert "delays" in model.transcribe(noise(0.5)).extras


@pytest.mark.slow
def test_a_language_is_measured_and_warned_of(monkeypatch):
    pytest.importorskip("sacrebleu")
    parts = {"train": TRAIN, "dev": [pair("Agent number?", "agente numero del cliente", 3)]}
    monkeypatch.setattr(prompt_translation, "STEPS", 2)
    monkeypatch.setattr(prompt_translation, "prompt_pairs", lambda _, part: parts[part])
    found = measured("es")
    assert (found["pairs"], found["judged"], found["vocabulary"]) == (2, 1, 7)
    assert found["unknown_words"] == 0.5
    text = table({"languages": [found, {**found, "language": "ru", "pairs": 5}]})
    assert "| Spanish | 2 | 50 | CIF-IL, 4 words or more | 1 |" in text
    assert "| Russian | 5 | 50 | memory, all | 1 |" in text
    assert "Read no translation quality out of these numbers: 2 to 5 pairs" in text


@pytest.mark.slow
@pytest.mark.usefixtures("cifviz_data")
def test_real_pairs_have_words_in_both_languages():
    """Judged prompts are none of those in training; about a tenth. Cyrillic letters are letters."""
    train, dev = (prompt_pairs("ru", part) for part in ("train", "dev"))
    assert len(train) > 300 and 10 < len(dev) < 100
    assert not {one.english for one in train} & {one.english for one in dev}
    assert all(len(one.utterance.words) for one in [*train, *dev])
    assert set(LANGUAGES) == {"es", "fr", "it", "ru"}
