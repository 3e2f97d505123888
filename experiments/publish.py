"""Publishing runs: `publish` keeps measurements and ships weights, the others measure more.

`compare` measures synchronies, `try_tails` rules for the weight left at the end. Measurements lie
in ``data/results``, the weights that ship in ``data/checkpoints``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.formats import write_json
from cifviz.published import check_result, keep_result, read_result
from cifviz.resources import writing
from cifviz.systems.checkpoints import WEIGHTS, load_model, save_model
from experiments.model_card import model_card
from experiments.provenance import checksum, commit
from experiments.recipes import Recipe, find_recipe
from experiments.runs import differing, loaded, run_name, settings_of
from experiments.studies.label_vs_frame import COMPARISON, comparison_table, measure_conditions
from experiments.studies.robustness_sets import conditions
from experiments.studies.tail_sweep import SPLITS, TAILS, sweep, tails_table
from experiments.training_data import spoken_strings

SHIPPED_VARIANTS = {"ctc", "ctc-priors", "attention"}
"""Variants of which the best weights ship too."""


def publish(name: str, *, runs: Path, data: Path) -> str:
    """Keep the results of a recipe's runs and ship the best seed.

    Parameters
    ----------
    name : str
        The recipe.
    runs : Path
        Where the runs' folders are.
    data : Path
        Gets ``results/*.json``, in place of older ones of the recipe, ``checkpoints/<name>/`` and,
        of some variants, ``checkpoints/<name>-<variant>/``. Nothing else is replaced or removed
        there.

    Returns
    -------
    str
        The model card. What ships makes the fewest errors on the bundled clips and, among equals,
        on the development set; test sets are only reported.

    Raises
    ------
    DataError
        If there is no finished run of all speakers, one was made with other settings than the
        recipe's, or something else stands where a file belongs.
    """
    results = {
        path.parent: read_result(path) for path in sorted(runs.glob(f"{name}-*/result.json"))
    }
    for folder, result in results.items():
        recipe = find_recipe(name, result["variant"])
        seeded = replace(recipe, fit=replace(recipe.fit, seed=result["seed"]))
        asked = settings_of(seeded, result["leave_out"])
        other = differing(result, asked)
        require(not other, f"{folder} was made with other settings ({', '.join(other)})", DataError)
    by_variant: dict[str, dict[Path, dict[str, Any]]] = {}
    for folder, result in results.items():
        by_variant.setdefault(result["variant"], {})[folder] = result
    whole = [one for one in by_variant.get("", {}).values() if one["leave_out"] is None]
    require(
        bool(whole), f"no finished run of {name!r} in {runs}: run `cifviz train {name}`", DataError
    )
    kept = data / "results"
    kept.mkdir(parents=True, exist_ok=True)
    targets = {kept / f"{folder.name}.json": result for folder, result in results.items()}
    for target, result in targets.items():
        check_result(target, result["command"])
    with writing(targets, overwrite=True) as parts:
        for part, result in zip(parts, targets.values(), strict=True):
            write_json(part, result)
    for old in set(kept.glob(f"{name}-*.json")) - targets.keys():
        if _is_of(name, old):
            old.unlink()
    for variant in sorted(SHIPPED_VARIANTS & by_variant.keys()):
        place = data / "checkpoints" / f"{name}-{variant}"
        _ship(find_recipe(name, variant), by_variant[variant], place)
    return _ship(find_recipe(name), by_variant[""], data / "checkpoints" / name)


def _is_of(name: str, path: Path) -> bool:
    """Whether a file is the result of a run of a recipe."""
    try:
        return bool(read_result(path)["recipe"] == name)
    except DataError:
        return False


def _ship(recipe: Recipe, results: dict[Path, dict[str, Any]], place: Path) -> str:
    """Keep the weights of the best of some runs, and return their card."""

    def errors(folder: Path) -> tuple[float, float, str]:
        clips = results[folder].get("clips", {"token_error_rate": 0.0})
        dev = results[folder]["dev"]
        return clips["token_error_rate"], dev["token_error_rate"], folder.name

    best = min((one for one in results if results[one]["leave_out"] is None), key=errors)
    card = model_card(recipe, list(results.values()), results[best]["seed"])
    # In half precision, in which tokens stay the same and times move by less than 0.1 ms.
    model = load_model(best / "model").half()
    save_model(model, place, card, overwrite=(place / WEIGHTS).is_file())
    return card


def compare(*, runs: Path, data: Path) -> str:
    """Compare label- and frame-synchronous recognisers of digits, of all seeds, in one go.

    Parameters
    ----------
    runs : Path
        Where the runs' folders are.
    data : Path
        Gets the measurements, under ``results``.

    Returns
    -------
    str
        The table.

    Raises
    ------
    DataError
        If one of the systems has no finished run.
    """
    sets = conditions()
    measured: list[dict[str, Any]] = []
    for system, variant in {"attention": "attention", "cif": "", "ctc": "ctc"}.items():
        recipe = find_recipe("digits", variant)
        for folder, seed in _seeds(recipe, runs).items():
            model = loaded(recipe, folder)
            found = measure_conditions(model, sets)
            measured.append({"system": system, "seed": seed, "conditions": found})
    path = data / "results" / COMPARISON
    made = {"command": "cifviz compare", "commit": commit(), "data": {"digits": checksum("digits")}}
    keep_result(path, {**made, "runs": measured})
    return comparison_table(measured)


def try_tails(*, runs: Path, data: Path) -> str:
    """Sweep the rules for the rest over the strings of digits, with the plain CIFs of all seeds.

    Parameters
    ----------
    runs : Path
        Where the runs' folders are.
    data : Path
        Gets the measurements, under ``results``.

    Returns
    -------
    str
        The table.

    Raises
    ------
    DataError
        If there is no finished run.
    """
    recipe = find_recipe("digits", "plain")
    sets = {split: spoken_strings(split) for split in SPLITS}
    measured = []
    for folder, seed in _seeds(recipe, runs).items():
        model = loaded(recipe, folder)
        swept = {split: sweep(model, utterances) for split, utterances in sets.items()}
        measured.append({"seed": seed, **swept})
    path = data / "results" / TAILS
    made = {"command": "cifviz tails", "commit": commit(), "data": {"digits": checksum("digits")}}
    said = {split: [len(one.words) for one in utterances] for split, utterances in sets.items()}
    keep_result(path, {**made, "variant": recipe.variant, "said": said, "runs": measured})
    return tails_table(data / "results")


def _seeds(recipe: Recipe, runs: Path) -> dict[Path, int]:
    """Folders of a recipe's finished runs of all speakers, and their seeds."""
    folders = sorted(runs.glob(f"{run_name(recipe.name, 0, None, recipe.variant)[:-1]}?"))
    finished = [folder for folder in folders if (folder / "result.json").exists()]
    system = recipe.variant or recipe.system
    require(bool(finished), f"no finished run of {system!r} in {runs}", DataError)
    return {folder: read_result(folder / "result.json")["seed"] for folder in finished}
