"""How a CIF counts in inference: by a fixed threshold, by rounding, by the ceiling.

Training scales the weights to the number of tokens, inference does not. What it does instead is a
tail rule, see `cifviz.core.tail`; weights and decoder stay as they are.

References
----------
Gao et al. (2022), arXiv:2206.08317 (Paraformer), have a dynamic threshold, Σα / ⌈Σα⌉. E-Paraformer
rounds instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cifviz.core.tail import above, drop, dynamic, rounded
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_study
from cifviz.systems.cif import CIFRecognizer
from cifviz.text_tables import markdown_table
from experiments.measure import error_scores, transcribe_all
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.studies.error_columns import ERROR_HEADS, error_cells, error_rates
from experiments.studies.paired_seeds import (
    LEAST_SEEDS,
    TASKS,
    differences,
    folders_by_seed,
    grouped,
    judged,
    judged_utterances,
    with_judgement,
)
from experiments.studies.study import Study

NAME = "count-rules"
SYSTEMS = {"": "CIF-NAR", "paraformer": "Paraformer"}
"""By variant."""
RULES = {
    "above": (above(0.5), "fixed, a residual above ½ is a token"),
    "drop": (drop, "fixed, the residual is dropped"),
    "rounded": (rounded, "dynamic, by rounding"),
    "dynamic": (dynamic, "dynamic, by the ceiling"),
}
"""By name: the rule, and what it is called."""
AS_TRAINED = "above"
"""What the recipes do."""

EXPECTED = (
    "Expected of a ceiling: the quantity loss, |Σα − N|, is smallest where as many utterances "
    "weigh more than N as weigh less. ⌈Σα⌉ is N + 1 wherever Σα is a little more than N: for half "
    "of the utterances, half a token too many in the mean. Dropping the residual loses as much, "
    "rounding neither."
)


def count_by_rule(
    model: CIFRecognizer, utterances: Sequence[LabelledUtterance]
) -> dict[str, dict[str, Any]]:
    """Decode every utterance under every rule.

    Returns
    -------
    dict
        By rule what `error_scores` gives, ``right_counts`` (utterances) and ``count_error``: how
        many tokens too many, mean over utterances.
    """
    references = [[word.token for word in one.words] for one in utterances]
    config, found = model.cif.config, {}
    for name, (rule, _) in RULES.items():
        model.cif.config = replace(config, apply_tail_handling=True, tail_rule=rule)
        tokens = [one.tokens for one in transcribe_all(model, utterances)]
        extra = [
            len(one) - len(reference) for one, reference in zip(tokens, references, strict=True)
        ]
        found[name] = {
            **error_scores(references, tokens),
            "right_counts": sum(one == 0 for one in extra),
            "count_error": mean(extra),
        }
    model.cif.config = config
    return found


def weight_sums(model: CIFRecognizer, utterances: Sequence[LabelledUtterance]) -> list[float]:
    """Σα of each utterance, in tokens."""
    firings = (one.require_firing() for one in transcribe_all(model, utterances))
    return [round(float(one.weight_sum) / one.threshold, 3) for one in firings]


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Every rule with the finished runs of all seeds."""
    words, measured = {}, []
    for name in TASKS:
        utterances = judged_utterances(find_recipe(name))
        words[name] = [len(one.words) for one in utterances]
        for variant in SYSTEMS:
            recipe = find_recipe(name, variant)
            for seed, folder in folders_by_seed(recipe, runs).items():
                model = loaded(recipe, folder)
                measured.append(
                    {
                        "recipe": name,
                        "variant": variant,
                        "seed": seed,
                        "sums": weight_sums(model, utterances),
                        "rules": count_by_rule(model, utterances),
                    }
                )
    require(bool(measured), f"no finished run of {' or '.join(TASKS)} in {runs}", DataError)
    return {"words": words, "runs": measured}


def table(found: Mapping[str, Any]) -> str:
    """The rules beside each other, then what the ceiling was expected to do and does."""
    groups = grouped(found["runs"], "recipe", "variant")
    heads = ["task", "system", "rule", "seeds", *ERROR_HEADS, "right count %", "count error"]
    heads.append("change of token errors, points")
    rows = []
    for (recipe, variant), by_seed in groups.items():
        utterances = len(found["words"][recipe])
        usual = _errors(by_seed, AS_TRAINED)
        for name, (_, title) in RULES.items():
            runs = [one["rules"][name] for one in by_seed.values()]
            errors = _errors(by_seed, name)
            cells = [recipe, SYSTEMS[variant], title, str(len(runs)), *error_cells(runs)]
            right = [100 * one["right_counts"] / utterances for one in runs]
            cells += [spread(right, digits=1), spread([one["count_error"] for one in runs])]
            cells.append("" if name == AS_TRAINED else with_judgement(differences(errors, usual)))
            rows.append(cells)
    parts = [markdown_table(heads, rows), "", EXPECTED, ""]
    lines = [*bias_of_the_ceiling(found), *verdicts(groups)]
    return "\n".join([*parts, *(f"- {line}" for line in lines)])


def _errors(by_seed: Mapping[int, Mapping[str, Any]], rule: str) -> dict[int, float]:
    """Token errors under a rule in %, by seed."""
    return error_rates({seed: one["rules"][rule] for seed, one in by_seed.items()})


def bias_of_the_ceiling(found: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each task and system: where the sums lie, and what the ceiling adds."""
    for (recipe, variant), by_seed in grouped(found["runs"], "recipe", "variant").items():
        words = found["words"][recipe]
        apart = {
            seed: [total - count for total, count in zip(one["sums"], words, strict=True)]
            for seed, one in by_seed.items()
        }
        heavier = [100 * mean([one > 0 for one in values]) for values in apart.values()]
        off = spread([mean(values) for values in apart.values()])
        extra = {
            rule: {seed: one["rules"][rule]["count_error"] for seed, one in by_seed.items()}
            for rule in ("dynamic", "rounded")
        }
        added = differences(extra["dynamic"], extra["rounded"])
        says = {
            "more": "the bias shows",
            "less": "the contrary shows",
            "no difference": "no bias shows",
            "open": f"{len(by_seed)} of {LEAST_SEEDS} seeds: nothing is claimed",
        }[judged(added)]
        yield (
            f"{recipe}, {SYSTEMS[variant]}: Σα − N is {off} in the mean and above 0 in "
            f"{spread(heavier, digits=0)} % of the utterances. Count error by the ceiling "
            f"{spread([*extra['dynamic'].values()])}, by rounding "
            f"{spread([*extra['rounded'].values()])}: {says}."
        )


CLAIMS = {
    "dynamic": "by the ceiling (claimed in arXiv:2206.08317 of 20 000 hours)",
    "rounded": "by rounding (expected here)",
}
"""Dynamic thresholds that should make fewer errors than the fixed one, by rule."""


def verdicts(groups: Mapping[tuple[Any, ...], Mapping[int, Any]]) -> Iterator[str]:
    """Whether a dynamic threshold makes fewer errors: a sentence for each rule, task and system."""
    says = {
        "less": "yes",
        "more": "no, more",
        "no difference": "no difference",
        "open": f"open, fewer than {LEAST_SEEDS} seeds",
    }
    for rule, claim in CLAIMS.items():
        for (recipe, variant), by_seed in groups.items():
            apart = differences(_errors(by_seed, rule), _errors(by_seed, AS_TRAINED))
            yield (
                f"Fewer token errors by a dynamic threshold than by a fixed one, {claim}, "
                f"{recipe}, {SYSTEMS[variant]}: {says[judged(apart)]}."
            )


STUDY = Study(run, partial(read_study, name=NAME), table, ("digits", "grid"))
