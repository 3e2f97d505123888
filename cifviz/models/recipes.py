"""The recipes that made the checkpoints: which data, which model, how long, how measured.

`train` runs one recipe with one seed and writes what it measured to ``data/results``; `publish`
ships the seed that did best on the development set, with a model card made from the results.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.core.module import CIFConfig
from cifviz.errors import CheckpointError, DataError, require, require_choice
from cifviz.models.augmentation import Augmentation, CutAndJoin
from cifviz.models.cards import model_card
from cifviz.models.checkpoints import load_model, save_model
from cifviz.models.decoders import DecoderConfig
from cifviz.models.encoder import EncoderConfig
from cifviz.models.evaluation import FIRES, Spoken, evaluate, learn_shifts
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.models.training import FitConfig, fit
from cifviz.models.training_data import (
    DIGITS,
    GRID,
    digit_string,
    grid_sentence,
    recordings,
    spoken_sentences,
    spoken_strings,
    spoken_takes,
    synthetic,
)
from cifviz.speech.audio import LogMel
from cifviz.speech.formats import read_json, write_json


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


def _recognizer(
    vocabulary: Sequence[str],
    *,
    f_max: float,
    n_mels: int,
    dilations: tuple[int, ...],
    decoder: str,
    channels: int = 144,
) -> RecognizerConfig:
    return RecognizerConfig(
        vocabulary=tuple(vocabulary),
        features=LogMel(n_mels=n_mels, f_max=f_max),
        encoder=EncoderConfig(n_mels=n_mels, channels=channels, dilations=dilations),
        cif=CIFConfig(
            encoder_embed_dim=channels,
            conv_cif_output_channels_num=channels,
            conv_cif_activation=True,
            noise_threshold=0.005,
        ),
        decoder=DecoderConfig(decoder, dim=channels),
    )


RECIPES = {
    "digits": Recipe(
        name="digits",
        # The recordings hold nothing above 4 kHz, so nothing above is looked at.
        # Sees 0.4 s to either side, about a word.
        config=_recognizer(
            DIGITS, f_max=4000.0, n_mels=40, dilations=(1, 1, 1, 1, 1), decoder="nar"
        ),
        real=spoken_takes,
        synthetic=lambda: synthetic(digit_string, 1400),
        dev=lambda: spoken_strings("dev"),
        test=lambda: spoken_strings("test"),
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
            dilations=(1, 2, 4, 1, 2, 4),
            decoder="ar",
        ),
        real=lambda: spoken_sentences("train"),
        synthetic=lambda: synthetic(grid_sentence, 1400),
        dev=lambda: spoken_sentences("dev"),
        test=None,
        fit=FitConfig(steps=2500),
        # One speaker and one microphone: what is varied serves the synthesised voices.
        augmentation=Augmentation(tempo=0.12, warp=0.08, noise=0.4, hush=0.0),
        synthetic_share=0.35,
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

    A run that was interrupted goes on where it was; a finished one is only measured again.

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
    real = recordings(f"{recipe.name} real", recipe.real, recipe.config, cache)
    if leave_out is not None:
        require_choice("leave_out", leave_out, sorted({one.speaker for one in real}))
    groups = {
        "real": [one for one in real if one.speaker != leave_out],
        "synthetic": recordings(f"{recipe.name} synthetic", recipe.synthetic, recipe.config, cache),
    }
    settings: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": recipe.fit.seed,
        "leave_out": leave_out,
        "fit": asdict(recipe.fit),
        "augmentation": asdict(recipe.augmentation),
        "synthetic_share": recipe.synthetic_share,
        "config": recipe.config.to_dict(),
        "recordings": {name: len(group) for name, group in groups.items()},
    }
    if (folder / "result.json").exists():
        trained = _finished(folder, settings)
        model = load_model(folder / "model")
    else:
        torch.manual_seed(recipe.fit.seed)
        model = Recognizer(recipe.config)
        shares = {"real": 1 - recipe.synthetic_share, "synthetic": recipe.synthetic_share}
        make_example = CutAndJoin(groups, shares, recipe.augmentation)
        model.cif.start_at(_tokens_per_frame(make_example, recipe.config))
        model, history = fit(model, make_example, recipe.fit, folder=folder, progress=progress)
        trained = {
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
            "seconds": round(time.perf_counter() - began),
            "history": history,
        }

    dev = recipe.dev()
    test = recipe.test() if recipe.test else []
    if leave_out:
        dev = [spoken for spoken in dev if spoken.speaker != leave_out]
        test = [spoken for spoken in test if spoken.speaker == leave_out]
    edges = learn_shifts(model, dev, recipe.config.edges)
    rules = {
        "fire": FIRES,
        "fire, shifted": learn_shifts(model, dev, FIRES),
        "calibrated": edges,
    }
    model.config = replace(model.config, edges=edges)
    result = {
        "command": f"cifviz train {recipe.name} --seed {recipe.fit.seed}"
        + (f" --leave-out {leave_out}" if leave_out else ""),
        **settings,
        **trained,
        "edges": {name: asdict(rule) for name, rule in rules.items()},
        "dev": evaluate(model, dev, rules),
    }
    if test:
        result["test"] = evaluate(model, test, rules)
    save_model(model, folder / "model", f"# {recipe.name}, seed {recipe.fit.seed}\n")
    write_json(folder / "result.json", result)
    return result


def _finished(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What a finished run says of its training; its settings must be the ones asked for."""
    result = read_json(folder / "result.json")
    asked = json.loads(json.dumps(settings))
    other = [name for name in asked if result.get(name) != asked[name]]
    if other:
        raise CheckpointError(
            f"{folder} holds a finished run with other settings ({', '.join(other)}); "
            "train in another folder"
        )
    return {name: result[name] for name in ("versions", "seconds", "history")}


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


def read_results(folder: Path) -> list[dict[str, Any]]:
    """What all published runs measured, in the order of their names."""
    return [read_json(path) for path in sorted(folder.glob("*.json"))]


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
