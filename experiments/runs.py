"""Running recipes: `run` trains one seed and measures it, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.alignment.boundary_readout import align_all, comparable, cross_aligned, learn
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.errors import CheckpointError, DataError, require, require_choice
from cifviz.published import PROGRAM, read_result
from cifviz.resources import check_target
from cifviz.systems.checkpoints import CARD, CONFIG, WEIGHTS, load_weights, save_model
from cifviz.systems.configuration import EncoderSystemConfig
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.systems.phrase_learner import PhraseLearner
from cifviz.systems.registry import SYSTEMS
from cifviz.systems.transcription import Transcription
from cifviz.training.augmentation import Example, Recording
from cifviz.training.fired_examples import KeptExamples, fired_examples
from cifviz.training.fit import FitConfig, Schedule, fit
from experiments.measure import measure_transcriptions, transcribe_all
from experiments.provenance import checksum, commit
from experiments.recipes import RECIPES, Recipe, find_recipe
from experiments.recipes.variants import ATTENTION_LAYERS, PRIOR_WEIGHT
from experiments.result_files import keep_result
from experiments.training_data import labelled_clips, recordings, smoothed_recordings

PHRASE_UTTERANCES = 6000
"""Utterances by which a context network learns, fired once."""


def run(
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
        If nobody knows the speaker to leave out, or the folder holds a run with other settings, or
        anything else where a file of the run belongs.
    """
    settings = settings_of(recipe, leave_out)
    place = folder / "model"
    replaced = (place / WEIGHTS).is_file()
    for file in (WEIGHTS, CONFIG, CARD):  # before hours of work, not after
        check_target(place / file, overwrite=replaced)
    if recipe.weights_of is not None:
        twin = replace(find_recipe(recipe.name, recipe.weights_of), fit=recipe.fit)
        other, trained = _run_of(twin, folder.parent, leave_out)
        model = loaded(recipe, other)
    elif (folder / "result.json").exists():
        model, trained = _finished(recipe, folder, settings)
    else:
        model, trained = _trained(recipe, folder, leave_out, progress)
    model, measured = _measured(recipe, model, leave_out)
    result = {
        "command": _command(recipe, leave_out),
        "measured_at": commit(),
        "data": {corpus: checksum(corpus) for corpus in recipe.corpora},
        **settings,
        **trained,
        **measured,
    }
    save_model(model, place, f"# {folder.name}\n", overwrite=replaced)
    keep_result(folder / "result.json", result)
    return result


def settings_of(recipe: Recipe, leave_out: str | None) -> dict[str, Any]:
    """Everything that one run of a recipe was asked to do, as JSON gives it back."""
    settings: dict[str, Any] = {
        "recipe": recipe.name,
        "variant": recipe.variant,
        "system": recipe.system,
        "seed": recipe.fit.seed,
        "leave_out": leave_out,
        "fit": asdict(recipe.fit),
        "augmentation": asdict(recipe.augmentation),
        "synthetic_share": recipe.synthetic_share,
        "config": recipe.config.to_dict(),
    }
    if recipe.encoder_of is not None:
        settings["encoder_of"] = recipe.encoder_of
    if recipe.cepstral:
        settings["cepstral_share"] = recipe.cepstral_share
    if recipe.pronunciations:
        settings["phonetic_share"] = recipe.phonetic_share
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def differing(result: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """Settings in which a result differs; one made before a setting existed had its default."""
    result = translated(result)
    config = SYSTEMS[result["system"]].Config.from_dict(result["config"]).to_dict()
    fitted = {**asdict(FitConfig()), **result["fit"]}
    result = {**result, "config": json.loads(json.dumps(config)), "fit": fitted}
    return [name for name in settings if result.get(name) != settings[name]]


def translated(result: dict[str, Any]) -> dict[str, Any]:
    """A result as it would be written today.

    The first edition named each weight of a loss in the settings of `fit`, had one configuration
    for all systems, that of a CIF, and took CTC with label priors for a system of its own.
    """
    fit, config, system = dict(result["fit"]), dict(result["config"]), result.get("system", "cif")
    if "alignment" in fit:
        loss, weight = fit.pop("alignment"), fit.pop("alignment_weight", 1.0)
        start = fit.pop("alignment_from", 0.0)
        schedule = asdict(Schedule(weight, start)) if start else weight
        weights = {} if loss == "none" else {loss: schedule}
        if fit.pop("quantity_weight", 1.0) != 1.0:
            weights["quantity"] = result["fit"]["quantity_weight"]
        fit["loss_weights"] = weights
    if system in ("ctc", "ctc-priors", "attention") and "cif" in config:
        known = ("vocabulary", "features", "encoder", *["decoder"] * (system == "attention"))
        config = {name: config[name] for name in known}
    if system == "attention" and "cif" in result["config"]:
        config["decoder"] = {**config["decoder"], "layers": ATTENTION_LAYERS}
    if system == "ctc-priors":
        system, config["prior_weight"] = "ctc", PRIOR_WEIGHT
    return {**result, "fit": fit, "config": config, "system": system}


def _command(recipe: Recipe, leave_out: str | None) -> str:
    """The command line of a run."""
    words = [PROGRAM, "train", recipe.name, "--seed", str(recipe.fit.seed)]
    if recipe.variant:
        words += ["--variant", recipe.variant]
    usual = RECIPES[recipe.name].fit if recipe.name in RECIPES else recipe.fit
    for option in ("steps", "devices"):
        if getattr(recipe.fit, option) != getattr(usual, option):
            words += [f"--{option}", str(getattr(recipe.fit, option))]
    if leave_out:
        words += ["--leave-out", leave_out]
    return " ".join(words)


def _trained(
    recipe: Recipe, folder: Path, leave_out: str | None, progress: bool
) -> tuple[Any, dict[str, Any]]:
    """Train, or go on training; the model and what is known of its training."""
    began = time.perf_counter()
    groups, shares = _groups(recipe, leave_out, folder.parent / "cache")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.fit.seed)
    model: Any = SYSTEMS[recipe.system](recipe.config)
    if recipe.begin is not None:
        recipe.begin(model)
    if recipe.encoder_of is not None:
        _begin_with_encoder(recipe, model, folder.parent, leave_out)
    make_example = recipe.example_maker(groups, shares, recipe.augmentation)
    learner = model
    if recipe.body is not None:
        maker = (recipe.phrase_example_maker or recipe.example_maker)(
            groups, shares, recipe.augmentation
        )
        make_example = _fired_by_the_body(recipe, model, maker, folder.parent, leave_out)
        learner = PhraseLearner(model)
    elif isinstance(recipe.config, EncoderSystemConfig):
        model.start_at(_tokens_per_frame(make_example, recipe.config))
    if recipe.pronunciations and recipe.body is None:
        learner = PhoneticLearner(model, recipe.pronunciations(recipe.config))
    learner, history = fit(learner, make_example, recipe.fit, folder=folder, progress=progress)
    model = getattr(learner, "recognizer", learner)
    return model, {
        "commit": commit(),
        "recordings": {name: len(group) for name, group in groups.items()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "seconds": round(time.perf_counter() - began),
        "history": history,
    }


def _begin_with_encoder(recipe: Recipe, model: Any, runs: Path, leave_out: str | None) -> None:
    """Give a model the encoder of another variant, of a finished run of the same seed."""
    other = find_recipe(recipe.name, recipe.encoder_of or "")
    other = replace(other, fit=replace(other.fit, seed=recipe.fit.seed))
    folder, _ = _run_of(other, runs, leave_out)
    model.encoder.load_state_dict(loaded(other, folder).encoder.state_dict())


def _fired_by_the_body(
    recipe: Recipe,
    model: Any,
    make_example: Callable[[np.random.Generator], Example],
    runs: Path,
    leave_out: str | None,
) -> KeptExamples:
    """Give a model the weights of its body; the training utterances as that fires them, cached."""
    from joblib import Memory

    # 1. The body, a finished run of the same seed.
    body = find_recipe(recipe.name, recipe.body or "")
    body = replace(body, fit=replace(body.fit, seed=recipe.fit.seed))
    folder, _ = _run_of(body, runs, leave_out)
    missing, further = model.load_state_dict(loaded(body, folder).state_dict(), strict=False)
    other = [name for name in missing if not name.startswith("context.")] + further
    require(not other, f"{folder} is no body of {recipe.system!r}: {other}", CheckpointError)

    # 2. What it fires, the same for every context network.
    weights = hashlib.sha256((folder / "model" / WEIGHTS).read_bytes()).hexdigest()
    fired = Memory(runs / "cache", verbose=0).cache(_fired, ignore=["frozen", "make_example"])
    makes = f"{recipe.phrase_example_maker or recipe.example_maker} {recipe.augmentation}"
    key = f"{recipe.name} {makes}", weights, PHRASE_UTTERANCES, recipe.fit.seed
    return KeptExamples(fired(*key, frozen=model.eval(), make_example=make_example))


def _fired(
    name: str, weights: str, count: int, seed: int, *, frozen: Any, make_example: Any
) -> list[Example]:
    """`fired_examples`; other utterances or another body need another name or other weights."""
    return fired_examples(frozen, make_example, count=count, seed=seed)


def _groups(
    recipe: Recipe, leave_out: str | None, cache: Path
) -> tuple[dict[str, list[Recording]], dict[str, float]]:
    """What is trained on, in groups, and how often each is drawn from."""
    real = recordings(f"{recipe.name} {recipe.real_set}", recipe.real, recipe.config, cache)
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


def _run_of(recipe: Recipe, runs: Path, leave_out: str | None) -> tuple[Path, dict[str, Any]]:
    """Folder of a finished run with these settings, and what is known of its training."""
    folder = runs / run_name(recipe.name, recipe.fit.seed, leave_out, recipe.variant)
    return folder, _finished(recipe, folder, settings_of(recipe, leave_out))[1]


def _finished(recipe: Recipe, folder: Path, settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The same of a run that is finished; its settings must be the ones asked for."""
    result = read_result(folder / "result.json")
    other = differing(result, settings)
    require(
        not other,
        f"{folder} holds a finished run with other settings ({', '.join(other)}); "
        "train in another folder",
        CheckpointError,
    )
    kept = ("commit", "recordings", "versions", "seconds", "history")
    trained = {name: result[name] for name in kept}
    return loaded(recipe, folder), trained


def loaded(recipe: Recipe, folder: Path) -> Any:
    """The model of a finished run."""
    model = SYSTEMS[recipe.system](recipe.config)
    load_weights(model, folder / "model")
    return model.eval()


def _measured(recipe: Recipe, model: Any, leave_out: str | None) -> tuple[Any, dict[str, Any]]:
    """The model, a CIF with its edges learned on development utterances, and what it measures."""
    # 1. The sets, their references and transcriptions. No clip has further inputs.
    development = recipe.dev()
    clips = [] if any(one.extras for one in development) else labelled_clips(recipe.name)
    sets = {
        "dev": development,
        "test": recipe.test() if recipe.test else [],
        "joined": recipe.joined() if recipe.joined and not leave_out else [],
        "clips": clips,
    }
    if leave_out:
        sets["dev"] = [one for one in sets["dev"] if one.speaker != leave_out]
        sets["test"] = [one for one in sets["test"] if one.speaker == leave_out]
    references = {name: [one.words for one in utterances] for name, utterances in sets.items()}
    found = {name: transcribe_all(model, utterances) for name, utterances in sets.items()}

    # 2. Edges by every boundary read-out, learned on development utterances.
    dev = comparable(found["dev"], references["dev"])
    alignments = {
        name: {
            way: cross_aligned(readout, found[name], references[name])
            if name == "dev"
            else align_all(readout, found[name], dev)
            for way, readout in model.readouts.items()
        }
        for name in sets
    }
    measured: dict[str, Any] = {
        "edges": {way: learn(readout, dev).to_dict() for way, readout in model.readouts.items()}
    }

    # 3. The edges that a system keeps.
    # Real and synthesised speech mark a word's edges by other rules; the model serves both.
    made = recipe.synthetic_dev()[: len(sets["dev"])]
    synthetic = comparable(transcribe_all(model, made), [one.words for one in made])
    pairs = recipe.edge_pairs(model) if recipe.edge_pairs else dev + synthetic
    edges = model.learn_edges(pairs)
    if edges is not None:
        measured["edges"]["shipped"] = asdict(edges)
        for name in sets:
            alignments[name]["shipped"] = [_aligned(one, edges) for one in found[name]]

    if recipe.intervals is not None:
        measured["intervals"] = recipe.intervals(model)

    # 4. Scores of each set.
    scores = {
        name: measure_transcriptions(utterances, found[name], alignments[name], model.metrics)
        for name, utterances in sets.items()
        if utterances
    }
    return model, {**measured, **scores}


def _aligned(one: Transcription, edges: Edges) -> Alignment:
    """The alignment that a transcription carries with these edges."""
    return Alignment.from_firing(
        one.require_firing(), one.tokens, one.grid, edges=edges, duration=one.duration
    )


def _tokens_per_frame(
    make_example: Callable[[np.random.Generator], Example], config: EncoderSystemConfig
) -> float:
    """Mean tokens in an encoder frame of the training utterances."""
    examples = [make_example(np.random.default_rng([0, index])) for index in range(200)]
    frames = sum(len(one.features) for one in examples) / config.encoder.down_sampling
    return sum(len(one.tokens) for one in examples) / frames


def run_name(name: str, seed: int, leave_out: str | None, variant: str = "") -> str:
    """Name of a run's folder and of its result.

    >>> run_name("digits", 0, "george")
    'digits-without-george-seed0'
    >>> run_name("digits", 1, None, "ctc")
    'digits-ctc-seed1'
    """
    parts = [name, variant, f"without-{leave_out}" if leave_out else "", f"seed{seed}"]
    return "-".join(part for part in parts if part)


def finished_runs(recipe: Recipe, runs: Path) -> dict[Path, int]:
    """Folders of a recipe's finished runs of all speakers, and their seeds.

    Raises
    ------
    DataError
        If there is none.
    """
    folders = sorted(runs.glob(f"{run_name(recipe.name, 0, None, recipe.variant)[:-1]}?"))
    finished = [folder for folder in folders if (folder / "result.json").exists()]
    system = recipe.variant or recipe.system
    require(bool(finished), f"no finished run of {system!r} in {runs}", DataError)
    return {folder: read_result(folder / "result.json")["seed"] for folder in finished}


def results_of(name: str, runs: Path) -> dict[Path, dict[str, Any]]:
    """Results of the finished runs of a recipe and its variants, by their folders, sorted.

    A recipe's name may begin with another's: the result says whose it is.
    """
    paths = sorted(runs.glob(f"{name}-*/result.json"))
    results = {path.parent: read_result(path) for path in paths}
    return {folder: one for folder, one in results.items() if one["recipe"] == name}


def measure_again(name: str, *, runs: Path) -> list[Path]:
    """Measure every finished run of a recipe and its variants once more.

    Returns
    -------
    list of Path
        Their folders, whose results are new.

    Raises
    ------
    DataError
        If there is none.
    """
    results = results_of(name, runs)
    require(bool(results), f"no finished run of {name!r} in {runs}", DataError)
    for folder, result in results.items():
        recipe = find_recipe(name, result["variant"])
        seeded = replace(recipe, fit=replace(recipe.fit, seed=result["seed"]))
        run(seeded, folder=folder, leave_out=result["leave_out"])
    return list(results)
