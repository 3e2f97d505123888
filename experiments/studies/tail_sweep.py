"""What each tail rule costs: words lost and words too many, measured.

The rules are those of `cifviz.core.tail`. Encoder, weights and decoder stay as they
are, so that only the rule differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from cifviz.core.dialects import TailContributions, tail_rules
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.errors import DataError, require
from cifviz.formats import read_json
from cifviz.metrics import token_errors
from cifviz.systems.cif import Batch, Recognizer, normalise
from experiments.measure import Spoken
from experiments.model_card import spread

TAILS = "tails/digits.json"
"""Where it lies in a folder of results."""
THRESHOLDS = tuple(tenths / 10 for tenths in range(1, 10))
"""τ: 0.1, 0.2, … 0.9."""
SPLITS = ("dev", "test")
ERRORS = ("deletions", "insertions", "substitutions")


def all_rules(slack: float) -> dict[str, TailContributions]:
    """The rules for every τ of `THRESHOLDS`, those with a τ side by side.

    >>> list(all_rules(0.01))[:3]
    ['drop', 'above 0.1', 'above 0.2']
    """
    found: dict[str, TailContributions] = {}
    for threshold in THRESHOLDS:
        found |= tail_rules(threshold, slack=slack)
    order = (
        "drop",
        *(f"above {one:g}" for one in THRESHOLDS),
        *(f"at least {one:g}" for one in THRESHOLDS),
    )
    return {name: found.pop(name) for name in order} | found


@torch.inference_mode()
def heard_by_rule(
    model: Recognizer, log_mel: Tensor, rules: Mapping[str, TailContributions] | None = None
) -> tuple[Firing, dict[str, tuple[str, ...]]]:
    """Which words a recogniser hears, by the rule for the rest.

    Parameters
    ----------
    model : Recognizer
        In evaluation mode. Phrases are not rounded, whatever its configuration says.
    log_mel : Tensor (feature_frames, n_mels)
        Features of one utterance, as ``model.config.features`` gives them.
    rules : mapping of str to callable, optional
        Default: `tail_rules` with the model's slack.

    Returns
    -------
    firing : Firing
        Without any tail: its `residual` is what the rules decide about.
    words : dict of str to tuple of str
        By the name of the rule.
    """
    rules = tail_rules(slack=model.cif.config.slack) if rules is None else rules
    batch = Batch.collate([normalise(log_mel)], [[]])
    encoder_out, frame_lengths = model.encoder(batch.features, batch.lengths)
    alpha = model.cif(encoder_out, frame_lengths).alpha
    firing = integrate_and_fire(alpha, encoder_out, slack=model.cif.config.slack)
    embeddings = [rule(alpha).to(encoder_out.dtype) @ encoder_out[0] for rule in rules.values()]
    num_fires = torch.tensor([len(one) for one in embeddings])
    ids, _ = model.decoder.decode(pad_sequence(embeddings, batch_first=True), num_fires)
    words = {
        name: tuple(model.config.vocabulary[index] for index in row[:fires])
        for name, row, fires in zip(rules, ids.tolist(), num_fires.tolist(), strict=True)
    }
    return firing, words


def sweep(model: Recognizer, utterances: Sequence[Spoken]) -> dict[str, Any]:
    """Every rule on every utterance.

    Returns
    -------
    dict
        ``full``: tokens that fire without a tail, of each utterance; ``rests``: the weight that
        they leave, below 0 where the last one borrowed. Under ``rules`` for each the numbers of
        ``deletions``, ``insertions`` and ``substitutions``, of utterances with as many tokens as
        words (``right_counts``), and of those heard as said but for a missing last word
        (``last_lost``).
    """
    rules = all_rules(model.cif.config.slack)
    said = [tuple(word.token for word in spoken.words) for spoken in utterances]
    full, rests = [], []
    heard: dict[str, list[tuple[str, ...]]] = {name: [] for name in rules}
    for spoken in utterances:
        firing, words = heard_by_rule(model, model.config.features(spoken.waveform), rules)
        full.append(int(firing.num_fires))
        rests.append(round(float(firing.residual), 4))
        for name in rules:
            heard[name].append(words[name])
    found: dict[str, dict[str, int]] = {}
    for name in rules:
        errors = token_errors(said, heard[name])
        pairs = list(zip(said, heard[name], strict=True))
        found[name] = {
            **{kind: getattr(errors, kind) for kind in ERRORS},
            "right_counts": sum(len(one) == len(other) for one, other in pairs),
            "last_lost": sum(one[:-1] == other for one, other in pairs if one),
        }
    return {"full": full, "rests": rests, "rules": found}


def read_tails(folder: Path) -> dict[str, Any]:
    """The published sweep in a folder of results.

    Raises
    ------
    DataError
        If there is none.
    """
    path = folder / TAILS
    require(
        path.is_file(), f"expected a sweep of tail rules at {path}: run `cifviz tails`", DataError
    )
    found: dict[str, Any] = read_json(path)
    return found


def errors_of(rule: Mapping[str, int]) -> int:
    """Deletions, insertions and substitutions together.

    >>> errors_of({"deletions": 1, "insertions": 2, "substitutions": 3, "right_counts": 9})
    6
    """
    return sum(rule[kind] for kind in ERRORS)


def best_thresholds(runs: Sequence[Mapping[str, Any]], split: str) -> list[float]:
    """Every τ of "above τ" with the fewest errors, of all these runs together on one set.

    >>> errors = {f"above {t:g}": {"deletions": 0, "insertions": t < 0.4} for t in THRESHOLDS}
    >>> rules = {name: {**one, "substitutions": 0} for name, one in errors.items()}
    >>> best_thresholds([{"dev": {"rules": rules}}], "dev")
    [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    """
    errors = {
        threshold: sum(errors_of(one[split]["rules"][f"above {threshold:g}"]) for one in runs)
        for threshold in THRESHOLDS
    }
    return [threshold for threshold in THRESHOLDS if errors[threshold] == min(errors.values())]


def tails_table(folder: Path) -> str:
    """The rules beside each other, and which τ is best, as Markdown, from a folder of results."""
    found = read_tails(folder)
    runs, said = found["runs"], found["said"]
    words = {split: sum(said[split]) for split in SPLITS}
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
    lines = [_line(heads), _line(["---"] * len(heads))]
    same = []
    for name in all_rules(0.0):
        rules = {split: [one[split]["rules"][name] for one in runs] for split in SPLITS}
        twin = name.replace("at least", "above")
        if name != twin and all(
            rules[split] == [one[split]["rules"][twin] for one in runs] for split in SPLITS
        ):
            same.append(name)
            continue
        per_word = {
            split: [100 * errors_of(one) / words[split] for one in rules[split]] for split in SPLITS
        }
        cells = [spread(per_word[split]) for split in SPLITS]
        for kind in ERRORS:
            cells.append(spread([100 * one[kind] / words["test"] for one in rules["test"]]))
        for kind in ("right_counts", "last_lost"):
            share = [100 * one[kind] / len(said["test"]) for one in rules["test"]]
            cells.append(spread(share, digits=1))
        lines.append(_line([name, str(len(runs)), *cells]))
    lines.append("")
    if same:
        lines.append(f"Counted as with above in every run: {', '.join(same)}.")
    for split in SPLITS:
        best = [(f"seed {one['seed']}", best_thresholds([one], split)) for one in runs]
        best.append(("together", best_thresholds(runs, split)))
        named = "; ".join(f"{who} " + ", ".join(f"{t:g}" for t in which) for who, which in best)
        lines.append(f"Fewest errors on {split} ({words[split]} words) at τ: {named}.")
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
