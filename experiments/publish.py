"""Publish runs: results go to ``data/results``, the weights that ship to ``data/checkpoints``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cifviz.errors import DataError, require
from cifviz.published import PROGRAM, read_result
from cifviz.resources import writing
from cifviz.systems.checkpoints import WEIGHTS, load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.lip_reading import LipReader
from experiments.model_card import model_card, results_table
from experiments.recipes import Recipe, find_recipe
from experiments.result_files import check_result, write_result
from experiments.runs import differing, results_of, settings_of

SHIPPED_VARIANTS = {"ctc", "ctc-priors", "attention", "ar", "paraformer"}
"""Variants of which the best weights ship too."""
RESULTS_ALONE = {
    *("check-digits", "code-digits", "markov-merged", "markov-phones", "small-grid"),
    *("hieradist", "w2v-cif-bert"),
    *("drawn-phones", "reordered-grid", "spiking-phones"),
}
"""Recipes of which no weights ship, but for those of `SHIPPED_BESIDE`."""
SHIPPED_ALONE = {"drawn-lips", "reordered-digits"}
"""Recipes of which the weights ship, but those of no variant."""
SHIPPED_BESIDE = {"code-digits": ("coldec", "coldec-tokens", "finecos")}
"""Variants that ship where the recipe does not: without a list of phrases they are the recipe."""


def publish(name: str, *, runs: Path, data: Path, add: bool = False) -> str:
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
    add : bool
        Only add the results of runs that are not published yet, to those that are. Nothing is
        shipped, so they must be of variants that do not ship.

    Returns
    -------
    str
        The model card, or of a recipe of `RESULTS_ALONE` its table; with `add` the files that were
        written. What ships makes the fewest errors on the bundled clips and, among equals, on the
        development set; test sets are only reported.

    Raises
    ------
    DataError
        If there is no finished run of all speakers, one was made with other settings than the
        recipe's, or something else stands where a file belongs; with `add` also if a run that
        is not published is of a variant that ships, or if there is none.
    """
    results = _finished(name, runs)
    if add:
        return _add(name, results, data / "results")
    by_variant: dict[str, dict[Path, dict[str, Any]]] = {}
    for folder, result in results.items():
        by_variant.setdefault(result["variant"], {})[folder] = result
    whole = [one for one in by_variant.get("", {}).values() if one["leave_out"] is None]
    advice = f"run `{PROGRAM} train {name}`"
    require(bool(whole), f"no finished run of {name!r} in {runs}: {advice}", DataError)
    _keep(name, results, data / "results")
    for variant in sorted(_shipped_variants(name) & by_variant.keys()):
        place = data / "checkpoints" / f"{name}-{variant}"
        _ship(find_recipe(name, variant), by_variant[variant], place)
    if name in RESULTS_ALONE:
        return results_table(whole, "test" if "test" in whole[0] else "dev")
    return _ship(find_recipe(name), by_variant[""], data / "checkpoints" / name)


def _shipped_variants(name: str) -> set[str]:
    """Variants of a recipe whose best weights ship."""
    if name in SHIPPED_ALONE:
        return set()
    return set(SHIPPED_BESIDE.get(name, ()) if name in RESULTS_ALONE else SHIPPED_VARIANTS)


def _add(name: str, results: Mapping[Path, dict[str, Any]], kept: Path) -> str:
    """Keep results beside those that are there, and say which."""
    new = {
        kept / f"{folder.name}.json": result
        for folder, result in results.items()
        if not (kept / f"{folder.name}.json").exists()
    }
    require(bool(new), f"every finished run of {name!r} is published", DataError)
    shipped = _shipped_variants(name) | (set() if name in RESULTS_ALONE else {""})
    for target, result in new.items():
        ships = result["variant"] in shipped
        advice = "publish all of its runs, so that the best of them ships"
        require(not ships, f"{target.stem} is of a variant that ships: {advice}", DataError)
    _write(new)
    return "\n".join(f"written to {target}" for target in new)


def _finished(name: str, runs: Path) -> dict[Path, dict[str, Any]]:
    """Results of a recipe's runs; `DataError` if one was made with other settings."""
    results = results_of(name, runs)
    for folder, result in results.items():
        recipe = find_recipe(name, result["variant"])
        seeded = replace(recipe, fit=replace(recipe.fit, seed=result["seed"]))
        asked = settings_of(seeded, result["leave_out"])
        other = differing(result, asked)
        require(not other, f"{folder} was made with other settings ({', '.join(other)})", DataError)
    return results


def _keep(name: str, results: dict[Path, dict[str, Any]], kept: Path) -> None:
    """Write all results of a recipe, or none, and remove older ones of it."""
    kept.mkdir(parents=True, exist_ok=True)
    targets = {kept / f"{folder.name}.json": result for folder, result in results.items()}
    for target, result in targets.items():
        check_result(target, result["command"])
    _write(targets)
    for old in set(kept.glob(f"{name}-*.json")) - targets.keys():
        if _is_of(name, old):
            old.unlink()


def _write(targets: Mapping[Path, dict[str, Any]]) -> None:
    """Write all results, or none."""
    with writing(targets, overwrite=True) as parts:
        for part, result in zip(parts, targets.values(), strict=True):
            write_result(part, result)


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
    model = load_model(best / "model")
    # Tokens and times stay the same in half precision, but for a CIF: on the last digit of its
    # weights hangs whether it fires. A lip reader has no pauses that are rounded: on its 200 test
    # utterances the words are the same in half precision, and it is half as large.
    if not isinstance(model, CIFRecognizer) or isinstance(model, LipReader):
        model = model.half()
    save_model(model, place, card, overwrite=(place / WEIGHTS).is_file())
    return card
