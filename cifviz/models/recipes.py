"""The recipes that made the checkpoints: which data, which model, how long, how measured.

`train` runs one recipe with one seed and keeps weights and measurements in a folder of its own;
`publish` collects the measurements of all seeds in ``data/results`` and ships the best one in
``data/checkpoints``, with a model card.
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
from cifviz.models.augmentation import Augmentation, CutAndJoin, Recording
from cifviz.models.cards import model_card
from cifviz.models.checkpoints import load_model, save_model
from cifviz.models.decoders import DecoderConfig
from cifviz.models.encoder import EncoderConfig
from cifviz.models.evaluation import FIRES, Spoken, evaluate, learn_edges
from cifviz.models.phonetics import PhoneticLearner
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.models.training import FitConfig, fit
from cifviz.models.training_data import (
    DIGITS,
    GRID,
    an4_phones,
    an4_recordings,
    digit_string,
    grid_sentence,
    recordings,
    smoothed_recordings,
    spoken_clips,
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
    synthetic_dev: Callable[[], list[Spoken]]
    """Synthesised utterances that nothing is trained on, as many as of the development set."""
    test: Callable[[], list[Spoken]] | None
    """None where only a development set exists."""
    fit: FitConfig = field(default_factory=FitConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    synthetic_share: float = 0.25
    cepstral: Callable[[RecognizerConfig], list[Recording]] | None = None
    """Utterances of many more speakers, of which only cepstra are published; ids beyond the
    vocabulary are other words."""
    cepstral_share: float = 0.2
    """Of those among them that hold nothing but the vocabulary."""
    pronunciations: Callable[[RecognizerConfig], list[tuple[int, ...]]] | None = None
    """Phones of each word, to be learned beside the words."""
    phonetic_share: float = 0.25
    """Of all of the cepstral ones, drawn for the sake of their phones."""
    sources: str = ""
    """Data sets and their licences, for the model card."""
    licence: str = ""
    """Of the weights."""


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
        synthetic_dev=lambda: synthetic(digit_string, 200, seed=1),
        test=lambda: spoken_strings("test"),
        cepstral=an4_recordings,
        pronunciations=an4_phones,
        fit=FitConfig(steps=1300, batch_size=32),
        augmentation=Augmentation(max_tokens=8),
        synthetic_share=0.4,
        licence="CC BY-SA 4.0, as the recordings",
        sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers; "
        "cepstra of CMU's AN4 (Carnegie Mellon University, BSD-style), 74 speakers, of other words "
        "than digits too, for their phones; digit strings synthesised with eSpeak NG",
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
        synthetic_dev=lambda: synthetic(grid_sentence, 100, seed=1),
        test=None,
        fit=FitConfig(steps=2500),
        # One speaker and one microphone: what is varied serves the synthesised voices.
        augmentation=Augmentation(tempo=0.12, warp=0.08, noise=0.4, hush=0.0),
        synthetic_share=0.35,
        licence="CC BY 4.0, as the recordings",
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
        For this run alone: the checkpoint to resume from and, at the end, ``model/`` and
        ``result.json``. Features are cached beside it, in ``cache``.
    leave_out : str, optional
        Speaker to keep out of training and of the development set; the test set is that one alone.
    progress : bool
        Show progress bars.

    Returns
    -------
    dict
        Command, settings, versions, losses and results; what ``result.json`` holds.

    Raises
    ------
    CIFError
        If nobody knows the speaker to leave out, or the folder holds a run with other settings.
    """
    settings = _settings(recipe, leave_out)
    if (folder / "result.json").exists():
        model, trained = _finished(folder, settings)
    else:
        model, trained = _trained(recipe, folder, leave_out, progress)
    model, measured = _measured(recipe, model, leave_out)
    result = {
        "command": _command(recipe, leave_out),
        **settings,
        **trained,
        **measured,
    }
    save_model(model, folder / "model", f"# {folder.name}\n")
    write_json(folder / "result.json", result)
    return result


def _settings(recipe: Recipe, leave_out: str | None) -> dict[str, Any]:
    """Everything that one run of a recipe was asked to do, as JSON gives it back."""
    settings: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": recipe.fit.seed,
        "leave_out": leave_out,
        "fit": asdict(recipe.fit),
        "augmentation": asdict(recipe.augmentation),
        "synthetic_share": recipe.synthetic_share,
        "config": recipe.config.to_dict(),
    }
    if recipe.cepstral:
        settings["cepstral_share"] = recipe.cepstral_share
    if recipe.pronunciations:
        settings["phonetic_share"] = recipe.phonetic_share
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def _differing(result: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """Settings in which a result differs; one made before a setting existed had its default."""
    config = RecognizerConfig.from_dict(result["config"]).to_dict()
    fitted = {**asdict(FitConfig()), **result["fit"]}
    result = {**result, "config": json.loads(json.dumps(config)), "fit": fitted}
    return [name for name in settings if result.get(name) != settings[name]]


def _command(recipe: Recipe, leave_out: str | None) -> str:
    """The command line of a run."""
    words = ["cifviz", "train", recipe.name, "--seed", str(recipe.fit.seed)]
    usual = RECIPES[recipe.name].fit if recipe.name in RECIPES else recipe.fit
    for option in ("steps", "devices"):
        if getattr(recipe.fit, option) != getattr(usual, option):
            words += [f"--{option}", str(getattr(recipe.fit, option))]
    if leave_out:
        words += ["--leave-out", leave_out]
    return " ".join(words)


def _trained(
    recipe: Recipe, folder: Path, leave_out: str | None, progress: bool
) -> tuple[Recognizer, dict[str, Any]]:
    """Train, or go on training; the model and what is known of its training."""
    began = time.perf_counter()
    groups, shares = _groups(recipe, leave_out, folder.parent / "cache")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.fit.seed)
    model = Recognizer(recipe.config)
    make_example = CutAndJoin(groups, shares, recipe.augmentation)
    model.cif.start_at(_tokens_per_frame(make_example, recipe.config))
    if recipe.pronunciations:
        learner = PhoneticLearner(model, recipe.pronunciations(recipe.config))
        learner, history = fit(learner, make_example, recipe.fit, folder=folder, progress=progress)
        model = learner.recognizer
    else:
        model, history = fit(model, make_example, recipe.fit, folder=folder, progress=progress)
    return model, {
        "recordings": {name: len(group) for name, group in groups.items()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "seconds": round(time.perf_counter() - began),
        "history": history,
    }


def _groups(
    recipe: Recipe, leave_out: str | None, cache: Path
) -> tuple[dict[str, list[Recording]], dict[str, float]]:
    """What is trained on, in groups, and how often each is drawn from."""
    real = recordings(f"{recipe.name} real", recipe.real, recipe.config, cache)
    if leave_out is not None:
        require_choice("leave_out", leave_out, sorted({one.speaker for one in real}))
    groups = {
        "real": [one for one in real if one.speaker != leave_out],
        "synthetic": recordings(f"{recipe.name} synthetic", recipe.synthetic, recipe.config, cache),
    }
    shares = {"real": 1 - recipe.synthetic_share, "synthetic": recipe.synthetic_share}
    if recipe.cepstral:
        # Half of the others is made as smooth, or the model would tell the groups apart by that.
        for name in ("real", "synthetic"):
            groups[f"{name}, smoothed"] = smoothed_recordings(groups[name])
            shares[name] *= (1 - recipe.cepstral_share) / 2
            shares[f"{name}, smoothed"] = shares[name]
        everything = recipe.cepstral(recipe.config)
        words = len(recipe.config.vocabulary)
        groups["cepstral"] = [one for one in everything if max(one.tokens) < words]
        shares["cepstral"] = recipe.cepstral_share
        if recipe.pronunciations:
            shares = {name: share * (1 - recipe.phonetic_share) for name, share in shares.items()}
            groups["cepstral, all words"] = everything
            shares["cepstral, all words"] = recipe.phonetic_share
    return groups, shares


def _finished(folder: Path, settings: dict[str, Any]) -> tuple[Recognizer, dict[str, Any]]:
    """The same of a run that is finished; its settings must be the ones asked for."""
    result = _read_result(folder / "result.json")
    other = _differing(result, settings)
    require(
        not other,
        f"{folder} holds a finished run with other settings ({', '.join(other)}); "
        "train in another folder",
        CheckpointError,
    )
    trained = {name: result[name] for name in ("recordings", "versions", "seconds", "history")}
    return load_model(folder / "model"), trained


def _measured(
    recipe: Recipe, model: Recognizer, leave_out: str | None
) -> tuple[Recognizer, dict[str, Any]]:
    """The model with its edges learned on development utterances, and all its measurements."""
    dev = recipe.dev()
    test = recipe.test() if recipe.test else []
    if leave_out:
        dev = [spoken for spoken in dev if spoken.speaker != leave_out]
        test = [spoken for spoken in test if spoken.speaker == leave_out]
    # Real and synthesised speech mark a word's edges by other rules; the model serves both.
    both = dev + recipe.synthetic_dev()[: len(dev)]
    rules = {
        "fire": FIRES,
        "fire, shifted": learn_edges(model, both, onset_quantiles=[0.0], offset_quantiles=[1.0]),
        "calibrated": learn_edges(model, both),
    }
    model.config = replace(model.config, edges=rules["calibrated"])
    sets = {"dev": dev, "test": test, "clips": spoken_clips(recipe.name)}
    measured = {name: evaluate(model, spoken, rules) for name, spoken in sets.items() if spoken}
    return model, {"edges": {name: asdict(rule) for name, rule in rules.items()}, **measured}


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
    """What all published runs measured, in the order of their names.

    Raises
    ------
    DataError
        If there is none, or one is not what `train` writes.
    """
    results = [_read_result(path) for path in sorted(folder.glob("*.json"))]
    require(bool(results), f"expected results (*.json) in {folder}, found none", DataError)
    return results


def _read_result(path: Path) -> dict[str, Any]:
    """A result, if it is one."""
    result = read_json(path)
    needed = {"recipe", "seed", "leave_out", "fit", "recordings", "versions", "history"}
    missing = needed - set(result if isinstance(result, dict) else ())
    require(not missing, f"{path} is no result of `cifviz train`: no {sorted(missing)}", DataError)
    return dict(result)


def publish(name: str, *, runs: Path, data: Path) -> str:
    """Keep the results of a recipe's runs and ship the best seed.

    Parameters
    ----------
    name : str
        The recipe.
    runs : Path
        Where the runs' folders are.
    data : Path
        Gets ``results/*.json``, in place of older ones of the recipe, and ``checkpoints/<name>/``.

    Returns
    -------
    str
        The model card. What ships makes the fewest errors on the bundled clips and, among equals,
        on the development set; test sets are only reported.

    Raises
    ------
    DataError
        If there is no finished run of all speakers, or one was made with other settings than the
        recipe's.
    """
    recipe = find_recipe(name)
    results = {
        path.parent: _read_result(path) for path in sorted(runs.glob(f"{name}-*/result.json"))
    }
    for folder, result in results.items():
        seeded = replace(recipe, fit=replace(recipe.fit, seed=result["seed"]))
        asked = _settings(seeded, result["leave_out"])
        other = _differing(result, asked)
        require(not other, f"{folder} was made with other settings ({', '.join(other)})", DataError)
    whole = [folder for folder, result in results.items() if result["leave_out"] is None]
    require(
        bool(whole), f"no finished run of {name!r} in {runs}: run `cifviz train {name}`", DataError
    )

    def errors(folder: Path) -> tuple[float, float, str]:
        clips = results[folder].get("clips", {"token_error_rate": 0.0})
        dev = results[folder]["dev"]
        return clips["token_error_rate"], dev["token_error_rate"], folder.name

    best = min(whole, key=errors)
    kept = data / "results"
    kept.mkdir(parents=True, exist_ok=True)
    for old in kept.glob(f"{name}-*.json"):
        old.unlink()
    for folder, result in results.items():
        write_json(kept / f"{folder.name}.json", result)
    card = model_card(recipe, list(results.values()), results[best]["seed"])
    save_model(load_model(best / "model"), data / "checkpoints" / name, card)
    return card
