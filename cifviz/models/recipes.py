"""The recipes that made the checkpoints: which data, which model, how long, how measured.

`train` runs one recipe with one seed and writes what it measured to ``data/results``; `publish`
ships the seed that did best on the development set, with a model card made from the results.
"""

from __future__ import annotations

import hashlib
import math
import platform
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.core.module import CIFConfig
from cifviz.errors import DataError, require, require_choice
from cifviz.models.augmentation import Augmentation, CutAndJoin, Recording
from cifviz.models.cards import model_card
from cifviz.models.checkpoints import load_model, save_model
from cifviz.models.decoders import DecoderConfig
from cifviz.models.encoder import EncoderConfig
from cifviz.models.evaluation import Spoken, evaluate, learn_shifts
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.models.training import FitConfig, fit
from cifviz.speech import datasets
from cifviz.speech.audio import LogMel
from cifviz.speech.formats import read_json, write_json
from cifviz.speech.synthesis import VOICES, spoken_text, synthesize

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GRID = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    DIGITS,
    ("again", "now", "please", "soon"),
)
"""The grammar of a grid sentence: one word of each group, in this order."""


@dataclass(frozen=True)
class Recipe:
    """Everything that is fixed before training starts."""

    name: str
    config: RecognizerConfig
    real: Callable[[], list[Spoken]]
    """Real training utterances."""
    synthetic: Callable[[], list[Spoken]]
    """Synthesised training utterances."""
    dev: Callable[[], list[Spoken]]
    test: Callable[[], list[Spoken]] | None
    """None where only a development set exists."""
    fit: FitConfig = field(default_factory=FitConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    synthetic_share: float = 0.25
    sources: str = ""
    """Data sets and their licences, for the model card."""


def _spoken_takes() -> list[Spoken]:
    return [
        Spoken(*datasets.take_waveform(take), take.speaker)
        for take in datasets.digit_takes()
        if take.split == "train"
    ]


def _spoken_strings(split: str) -> list[Spoken]:
    return [
        Spoken(*datasets.digit_string_waveform(string), string.speaker)
        for string in datasets.digit_strings(split)
    ]


def _spoken_sentences(split: str) -> list[Spoken]:
    return [
        Spoken(sentence.waveform(), sentence.words, "s1")
        for sentence in datasets.grid_sentences(split)
    ]


def _synthetic(tokens: Callable[[random.Random], list[str]], count: int) -> list[Spoken]:
    """Utterances in all voices, at several rates and pitches."""
    rng = random.Random(0)
    spoken = []
    for index in range(count):
        voice = VOICES[index % len(VOICES)]
        words = tokens(rng)
        utterance = synthesize(
            spoken_text(words),
            tokens=words,
            voice=voice,
            rate=rng.randint(120, 200),
            pitch=rng.randint(25, 75),
        )
        spoken.append(Spoken(utterance.waveform, utterance.words, voice))
    return spoken


def _digit_string(rng: random.Random) -> list[str]:
    return rng.choices(DIGITS, k=rng.randint(1, 8))


def _grid_sentence(rng: random.Random) -> list[str]:
    return [rng.choice(group) for group in GRID]


def _recognizer(
    vocabulary: Sequence[str], *, f_max: float, n_mels: int, channels: int, decoder: str
) -> RecognizerConfig:
    return RecognizerConfig(
        vocabulary=tuple(vocabulary),
        features=LogMel(n_mels=n_mels, f_max=f_max),
        encoder=EncoderConfig(n_mels=n_mels, channels=channels),
        cif=CIFConfig(
            encoder_embed_dim=channels,
            conv_cif_output_channels_num=channels,
            conv_cif_activation=True,
        ),
        decoder=DecoderConfig(decoder, dim=channels),
    )


RECIPES = {
    "digits": Recipe(
        name="digits",
        # The recordings hold nothing above 4 kHz, so nothing above is looked at.
        config=_recognizer(DIGITS, f_max=4000.0, n_mels=40, channels=144, decoder="nar"),
        real=_spoken_takes,
        synthetic=lambda: _synthetic(_digit_string, 1400),
        dev=lambda: _spoken_strings("dev"),
        test=lambda: _spoken_strings("test"),
        fit=FitConfig(steps=1500),
        augmentation=Augmentation(max_tokens=8),
        synthetic_share=0.4,
        sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers; "
        "digit strings synthesised with eSpeak NG",
    ),
    "grid": Recipe(
        name="grid",
        config=_recognizer(
            [word for group in GRID for word in group],
            f_max=7600.0,
            n_mels=56,
            channels=144,
            decoder="ar",
        ),
        real=lambda: _spoken_sentences("train"),
        synthetic=lambda: _synthetic(_grid_sentence, 1400),
        dev=lambda: _spoken_sentences("dev"),
        test=None,
        fit=FitConfig(steps=2500),
        # One speaker and one microphone: what is varied serves the synthesised voices.
        augmentation=Augmentation(tempo=0.12, warp=0.08, noise=0.4, hush=0.0),
        synthetic_share=0.2,
        sources="GRID corpus, talker 1 (Cooke, Barker, Cunningham & Shao 2006, CC BY 4.0 as its "
        "users state); sentences of its grammar synthesised with eSpeak NG",
    ),
}
"""Recipes by name."""


def find_recipe(name: str) -> Recipe:
    """The recipe of that name; an unknown one is answered with the known ones."""
    require_choice("recipe", name, list(RECIPES))
    return RECIPES[name]


def train(
    recipe: Recipe,
    *,
    folder: Path,
    leave_out: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Run a recipe with the seed of its `FitConfig` and measure what came out.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    folder : Path
        For this run alone: cached features, the checkpoint to resume from and, at the end,
        ``model/`` and ``result.json``.
    leave_out : str, optional
        Speaker to keep out of training; the development and test sets then hold that one alone.
    progress : bool
        Show progress bars.

    Returns
    -------
    dict
        Command, settings, versions, losses and results; what ``result.json`` holds.
    """
    began = time.perf_counter()
    cache = folder.parent / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    real = recordings(recipe, "real", cache)
    if leave_out is not None:
        require_choice("leave_out", leave_out, sorted({one.speaker for one in real}))
    groups = {
        "real": [one for one in real if one.speaker != leave_out],
        "synthetic": recordings(recipe, "synthetic", cache),
    }
    torch.manual_seed(recipe.fit.seed)
    model = Recognizer(recipe.config)
    shares = {"real": 1 - recipe.synthetic_share, "synthetic": recipe.synthetic_share}
    make_example = CutAndJoin(groups, shares, recipe.augmentation)
    model.cif.start_at(_tokens_per_frame(make_example, recipe.config))
    model, history = fit(model, make_example, recipe.fit, folder=folder, progress=progress)

    dev = recipe.dev()
    test = recipe.test() if recipe.test else []
    if leave_out:
        dev = [spoken for spoken in dev if spoken.speaker != leave_out]
        test = [spoken for spoken in test if spoken.speaker == leave_out]
    edges = learn_shifts(model, dev)
    model.config = replace(model.config, edges=edges)
    result: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": recipe.fit.seed,
        "leave_out": leave_out,
        "fit": asdict(recipe.fit),
        "augmentation": asdict(recipe.augmentation),
        "synthetic_share": recipe.synthetic_share,
        "config": recipe.config.to_dict(),
        "edges": asdict(edges),
        "recordings": {name: len(group) for name, group in groups.items()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "dev": evaluate(model, dev),
        "history": history,
    }
    if test:
        result["test"] = evaluate(model, test)
    result["seconds"] = round(time.perf_counter() - began)
    save_model(model, folder / "model", f"# {recipe.name}, seed {recipe.fit.seed}\n")
    write_json(folder / "result.json", result)
    return result


def recordings(recipe: Recipe, group: str, cache: Path) -> list[Recording]:
    """Features and frames of a recipe's training utterances, computed once and cached."""
    from joblib import Memory

    require_choice("group", group, ("real", "synthetic"))
    made = Memory(cache, verbose=0).cache(_recordings, ignore=["spoken"])
    key = f"{recipe.name} {group} {_fingerprint()}"
    return made(key, recipe.config.features, recipe.config.vocabulary, getattr(recipe, group))


def _fingerprint() -> str:
    """Hash of the code that makes training utterances: other code, other cache."""
    from cifviz.speech import synthesis

    files = [__file__, datasets.__file__, synthesis.__file__]
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()


def _recordings(
    key: str, features: LogMel, vocabulary: tuple[str, ...], spoken: Callable[[], list[Spoken]]
) -> list[Recording]:
    ids = {token: index for index, token in enumerate(vocabulary)}
    made = []
    for one in spoken():
        log_mel = features(one.waveform).numpy()
        spans = [
            (
                max(0, math.floor(features.grid.frame(start))),
                min(len(log_mel), math.ceil(features.grid.frame(end))),
            )
            for start, end in one.words.spans
        ]
        tokens = tuple(ids[word.token] for word in one.words.timed)
        made.append(Recording(log_mel, tokens, tuple(spans), one.speaker))
    return made


def _tokens_per_frame(make_example: CutAndJoin, config: RecognizerConfig) -> float:
    """Mean tokens in an encoder frame of the training utterances."""
    examples = [make_example(np.random.default_rng([0, index])) for index in range(200)]
    frames = sum(len(features) for features, _ in examples) / config.encoder.down_sampling
    return sum(len(tokens) for _, tokens in examples) / frames


def run_name(name: str, seed: int, leave_out: str | None) -> str:
    """Name of a run's folder and of its result.

    >>> run_name("digits", 0, "george")
    'digits-without-george-seed0'
    """
    return f"{name}-without-{leave_out}-seed{seed}" if leave_out else f"{name}-seed{seed}"


def publish(name: str, *, runs: Path, data: Path) -> str:
    """Keep the results of a recipe's runs and ship the best seed.

    Parameters
    ----------
    name : str
        The recipe.
    runs : Path
        Where the runs' folders are.
    data : Path
        Gets ``results/*.json`` and ``checkpoints/<name>/``.

    Returns
    -------
    str
        The model card. The shipped seed is the one with the lowest token error rate on the
        development set; test sets are only reported.

    Raises
    ------
    DataError
        If no finished run of all speakers is there.
    """
    recipe = find_recipe(name)
    results = {path.parent: read_json(path) for path in sorted(runs.glob(f"{name}-*/result.json"))}
    whole = {folder: one for folder, one in results.items() if one["leave_out"] is None}
    require(
        bool(whole), f"no finished run of {name!r} in {runs}: run `cifviz train {name}`", DataError
    )
    best = min(whole, key=lambda folder: (whole[folder]["dev"]["token_error_rate"], str(folder)))
    (data / "results").mkdir(parents=True, exist_ok=True)
    for folder, result in results.items():
        write_json(data / "results" / f"{folder.name}.json", result)
    card = model_card(recipe, list(results.values()), whole[best]["seed"])
    save_model(load_model(best / "model"), data / "checkpoints" / name, card)
    return card
