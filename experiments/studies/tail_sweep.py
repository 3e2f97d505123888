"""What each tail rule costs: words lost and words added.

The rules are those of `cifviz.core.tail`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cifviz.core.dialects import TailContributions, tail_rules
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.metrics import spread, token_errors
from cifviz.published import (
    ERROR_KINDS,
    SPLITS,
    THRESHOLDS,
    TailSweep,
    best_thresholds,
    read_tail_sweep,
    total_errors,
)
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.text_tables import markdown_table
from experiments.recipes import find_recipe
from experiments.runs import finished_runs, loaded
from experiments.studies.study import Study
from experiments.training_data import labelled_strings


def all_rules(slack: float) -> dict[str, TailContributions]:
    """The rules for every τ of `THRESHOLDS`, those of one kind side by side.

    >>> list(all_rules(0.01))[:3]
    ['drop', 'above 0.1', 'above 0.2']
    """
    each = [tail_rules(threshold, slack=slack).items() for threshold in THRESHOLDS]
    return dict(rule for alike in zip(*each, strict=True) for rule in alike)


def sweep(model: CIFRecognizer, utterances: Sequence[LabelledUtterance]) -> dict[str, Any]:
    """Every rule on every utterance.

    Returns
    -------
    dict
        ``full``: tokens that fire without a tail, of each utterance; ``rests``: their residuals,
        below 0 where the last token borrowed. Under ``rules`` for each the numbers of
        ``deletions``, ``insertions`` and ``substitutions``, of utterances with as many tokens as
        words (``right_counts``), and of those that are right but for a missing last word
        (``last_lost``).
    """
    rules = all_rules(model.cif.config.slack)
    references = [tuple(word.token for word in one.words) for one in utterances]
    full, residuals = [], []
    hypotheses: dict[str, list[tuple[str, ...]]] = {name: [] for name in rules}
    for one in utterances:
        firing, tokens = decode_by_tail_rule(model, model.config.features(one.waveform), rules)
        full.append(int(firing.num_fires))
        residuals.append(round(float(firing.residual), 4))
        for name in rules:
            hypotheses[name].append(tokens[name])
    found: dict[str, dict[str, int]] = {}
    for name in rules:
        errors = token_errors(references, hypotheses[name])
        pairs = list(zip(references, hypotheses[name], strict=True))
        found[name] = {
            **{kind: getattr(errors, kind) for kind in ERROR_KINDS},
            "right_counts": sum(len(one) == len(other) for one, other in pairs),
            "last_lost": sum(one[:-1] == other for one, other in pairs if one),
        }
    return {"full": full, "rests": residuals, "rules": found}


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Sweep the rules over the strings of digits, with the plain CIFs of all seeds."""
    recipe = find_recipe("digits", "plain")
    sets = {split: labelled_strings(split) for split in SPLITS}
    measured = []
    for folder, seed in finished_runs(recipe, runs).items():
        model = loaded(recipe, folder)
        swept = {split: sweep(model, utterances) for split, utterances in sets.items()}
        measured.append({"seed": seed, **swept})
    words = {split: [len(one.words) for one in utterances] for split, utterances in sets.items()}
    return {"variant": recipe.variant, "said": words, "runs": measured}


def table(found: TailSweep) -> str:
    """The rules beside each other, and which τ is best."""
    heads = [
        "tail rule",
        "seeds",
        "dev: errors %",
        "test: errors %",
        "deleted %",
        "inserted %",
        "substituted %",
        "right count %",
        "only the last word lost %",
    ]
    swept = found["runs"][0]["dev"]["rules"]  # a rule that came later is none of them
    names = [name for name in all_rules(0.0) if name in swept]
    # Where "at least τ" counts as "above τ" in every run, its row would say nothing new.
    same = [
        name
        for name in names
        if "at least" in name and all(_is_counted_as_above(one, name) for one in found["runs"])
    ]
    rows = [_row(found, name) for name in names if name not in same]
    lines = [markdown_table(heads, rows), ""]
    if same:
        lines.append(f"Counted as with above in every run: {', '.join(same)}.")
    return "\n".join([*lines, *_best(found)])


def _is_counted_as_above(one: dict[str, Any], name: str) -> bool:
    above = name.replace("at least", "above")
    return all(one[split]["rules"][name] == one[split]["rules"][above] for split in SPLITS)


def _row(found: TailSweep, name: str) -> list[str]:
    """Errors by one rule, of all runs."""
    rules = {split: [one[split]["rules"][name] for one in found["runs"]] for split in SPLITS}
    words = {split: sum(found["said"][split]) for split in SPLITS}
    cells = [name, str(len(found["runs"]))]
    for split in SPLITS:
        cells.append(spread([100 * total_errors(one) / words[split] for one in rules[split]]))
    for kind in ERROR_KINDS:
        cells.append(spread([100 * one[kind] / words["test"] for one in rules["test"]]))
    for kind in ("right_counts", "last_lost"):
        share = [100 * one[kind] / len(found["said"]["test"]) for one in rules["test"]]
        cells.append(spread(share, digits=1))
    return cells


def _best(found: TailSweep) -> Iterator[str]:
    """The τ with the fewest errors on each set, of each run and of all together."""
    runs = found["runs"]
    for split in SPLITS:
        best = [(f"seed {one['seed']}", best_thresholds([one], split)) for one in runs]
        best.append(("together", best_thresholds(runs, split)))
        named = "; ".join(f"{who} " + ", ".join(f"{t:g}" for t in which) for who, which in best)
        yield f"Fewest errors on {split} ({sum(found['said'][split])} words) at τ: {named}."


STUDY = Study(run, read_tail_sweep, table, ("digits",))
