"""English telephone prompts into four languages: how far a few hundred pairs carry.

The same prompts were recorded in English, Spanish, French, Italian and Russian. For each language a
CIF-IL learns on the pairs of the English part "train" and translates those of "dev". Beside it
stands a memory: of all prompts in training the one whose English text is most similar to the true
English text, with its translation. It hears nothing and translates nothing; where it does better,
scores say nothing of translation.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.corpora import datasets
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError
from cifviz.published import read_study
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.simultaneous import SimultaneousConfig, SimultaneousTranslator
from cifviz.text_tables import markdown_table
from cifviz.training.augmentation import Augmentation, Recording
from cifviz.training.fit import FitConfig, fit
from experiments.english_speech import english_prompts
from experiments.local_reordering import Language, TranslatedSentences
from experiments.measure import transcribe_all
from experiments.studies.study import Study

NAME = "prompt-translation"
LANGUAGES = {"es": "Spanish", "fr": "French", "it": "Italian", "ru": "Russian"}
LONG = 4
"""Words of a reference that is long enough for BLEU, which counts runs of four words."""
STEPS, BATCH_SIZE, SEED = 500, 12, 0
WARNING = (
    "Read no translation quality out of these numbers: {pairs} pairs teach a vocabulary of "
    "templates, most words of the prompts that are judged occur in few pairs or none, and a memory "
    "that hears nothing stands beside. BLEU of so few short sentences moves by points with one."
)


class Pair(NamedTuple):
    """A prompt in two languages."""

    english: str
    utterance: LabelledUtterance
    """The English sound; its reference are the words of the other language, untimed."""


def words_of(text: str) -> list[str]:
    """The words of a prompt in small letters, without punctuation and numbers.

    >>> words_of("L'agent, s'il vous plaît: 2 fois!")
    ["l'agent", "s'il", 'vous', 'plaît', 'fois']
    """
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", text.lower())


def prompt_pairs(language: str, part: str) -> list[Pair]:
    """The prompts of a part of the English ones that exist in a language and have words in both."""
    folder = datasets.corpus_folder("prompts")
    columns = {"prompt_id": str, "lang": str, "text": str}
    texts = {
        row["prompt_id"]: row["text"]
        for row in datasets.read_table(folder / "manifest.csv", columns)
        if row["lang"] == language
    }
    made = []
    for name, english, sound in english_prompts(part):
        words = words_of(texts.get(name, ""))
        if words and words_of(english):
            reference = Alignment(tuple(TimedToken(word) for word in words))
            made.append(Pair(english, LabelledUtterance(sound, reference, "prompts")))
    return made


def translator(vocabulary: Sequence[str]) -> SimultaneousTranslator:
    """A CIF-IL without training."""
    torch.manual_seed(SEED)
    features = LogMel(n_mels=40)
    return SimultaneousTranslator(
        SimultaneousConfig(
            vocabulary=tuple(vocabulary),
            features=features,
            encoder=EncoderConfig(n_mels=40, channels=96, dilations=(1, 2, 1, 2, 1)),
            cif=CIFConfig(
                encoder_embed_dim=96,
                conv_cif_output_channels_num=96,
                conv_cif_activation=True,
                noise_threshold=0.005,
                r_order=0,
            ),
            decoder=DecoderConfig(dim=96, layers=2),
        )
    )


def trained(pairs: Sequence[Pair]) -> SimultaneousTranslator:
    """A CIF-IL that learned on these pairs alone."""
    vocabulary = sorted({word.token for one in pairs for word in one.utterance.words})
    model = translator(vocabulary)
    ids = {word: index for index, word in enumerate(vocabulary)}
    recordings = [
        Recording(
            model.config.features(one.utterance.waveform).numpy(),
            tuple(ids[word.token] for word in one.utterance.words),
            None,
            one.utterance.speaker,
        )
        for one in pairs
    ]
    frames = sum(len(one.features) for one in recordings)
    tokens = sum(len(one.tokens) for one in recordings)
    model.start_at(model.config.encoder.down_sampling * tokens / frames)
    maker = TranslatedSentences(
        {"real": recordings},
        {"real": 1.0},
        Augmentation(max_tokens=6),
        language=Language(tuple(vocabulary), frozenset(), frozenset()),  # the order stays
    )
    config = FitConfig(steps=STEPS, batch_size=BATCH_SIZE, warmup=50, averaging=0.99, seed=SEED)
    with tempfile.TemporaryDirectory() as folder:
        model, _ = fit(model, maker, config, folder=Path(folder), progress=False)
    return model.eval()


def scorer() -> ModuleType:
    """The package sacrebleu.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        import sacrebleu
    except ImportError as error:
        raise DataError(
            "this study needs the package sacrebleu: `pip install sacrebleu`"
        ) from error
    module: ModuleType = sacrebleu
    return module


def text_scores(references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, Any]:
    """BLEU and chrF by sacrebleu, of all and of those with `LONG` words or more."""
    package = scorer()
    long = [place for place, one in enumerate(references) if len(one.split()) >= LONG]
    chosen = {"all": range(len(references)), "long": long}
    made: dict[str, Any] = {}
    for name, places in chosen.items():
        found = [hypotheses[place] for place in places]
        right = [[references[place] for place in places]]
        made[name] = {
            "sentences": len(places),
            "BLEU": package.corpus_bleu(found, right).score if found else None,
            "chrF": package.corpus_chrf(found, right).score if found else None,
        }
    return made


def remembered(train: Sequence[Pair], english: str) -> str:
    """The translation of the prompt in training whose English text is most similar, by chrF."""
    package = scorer()
    best = max(train, key=lambda one: package.sentence_chrf(one.english, [english]).score)
    return best.utterance.words.text


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Train and measure in each language; no finished runs are needed."""
    scorer()  # before minutes of training, not after
    return {"languages": [measured(language) for language in LANGUAGES]}


def measured(language: str) -> dict[str, Any]:
    """A translator and the memory on the prompts of "dev" of a language."""
    train, test = prompt_pairs(language, "train"), prompt_pairs(language, "dev")
    model = trained(train)
    found = transcribe_all(model, [one.utterance for one in test])
    references = [one.utterance.words for one in test]
    known = set(model.config.vocabulary)
    words = [word.token for reference in references for word in reference]
    texts = [reference.text for reference in references]
    return {
        "language": language,
        "pairs": len(train),
        "judged": len(test),
        "vocabulary": len(known),
        "unknown_words": sum(word not in known for word in words) / len(words),
        "translator": text_scores(texts, [" ".join(one.tokens) for one in found]),
        "memory": text_scores(texts, [remembered(train, one.english) for one in test]),
        "lagging": model.metrics["lagging"](found, references),
        "sacrebleu": scorer().__version__,
    }


def table(found: Mapping[str, Any]) -> str:
    """Scores of translator and memory in each language, with what they do not say."""
    heads = ["English to", "pairs", "unknown words %", "system", "sentences"]
    heads += ["BLEU", "chrF", "AL s", "LAAL s", "DAL s"]
    rows = []
    for one in found["languages"]:
        for system in ("translator", "memory"):
            for name, title in {"long": f"{LONG} words or more", "all": "all"}.items():
                scores = one[system][name]
                lags = (
                    [_number(one["lagging"][lag], 2) for lag in ("AL", "LAAL", "DAL")]
                    if system == "translator" and name == "all"
                    else [""] * 3
                )
                rows.append(
                    [
                        LANGUAGES[one["language"]],
                        str(one["pairs"]),
                        f"{100 * one['unknown_words']:.0f}",
                        f"{'CIF-IL' if system == 'translator' else 'memory'}, {title}",
                        str(scores["sentences"]),
                        *(_number(scores[metric], 1) for metric in ("BLEU", "chrF")),
                        *lags,
                    ]
                )
    counts = [one["pairs"] for one in found["languages"]]
    warning = WARNING.format(pairs=f"{min(counts)} to {max(counts)}")
    return f"{markdown_table(heads, rows)}\n\n{warning}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


STUDY = Study(run, partial(read_study, name=NAME), table, ("prompts",))
