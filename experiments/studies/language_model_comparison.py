"""What a pretrained encoder and a pretrained language model do for a CIF: "w2v-cif-bert".

Errors, counts and edges are those of the published runs of the recipe. What its language model
changes is measured here, from the weights of the runs: what fires stays as it is, and the same
fires are decoded by the acoustic side alone and by both sides, with several weights.

References
----------
Yi, Zhou & Xu (2021), arXiv:2101.06699. What stands in for its parts, `W2VCIFBertRecognizer` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.published import read_results, read_study
from cifviz.systems.w2v_cif_bert import W2VCIFBertRecognizer
from cifviz.text_tables import markdown_table
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.studies.paired_seeds import folders_by_seed
from experiments.studies.study import Study
from experiments.studies.variant_tables import Claim, claim_table, variant_table

NAME = "language-model-comparison"
RECIPE = "w2v-cif-bert"

_MOONSHINE, _TUNED, _LOG_MEL = "Moonshine", "Moonshine, 2 layers tuned", "none: log-mel"
_ALL, _TENTH = "100 %", "10 %"
TITLES: Mapping[str, tuple[str, str, str]] = {
    "none": (_MOONSHINE, "none", _ALL),
    "": (_MOONSHINE, "MiniLM", _ALL),
    "smollm2-none": (_MOONSHINE, "none, SmolLM2's pieces", _ALL),
    "smollm2": (_MOONSHINE, "SmolLM2, 6 layers", _ALL),
    "table": (_MOONSHINE, "MiniLM's table as output", _ALL),
    "moonshine-none": (_MOONSHINE, "none, Moonshine's pieces", _ALL),
    "moonshine-table": (_MOONSHINE, "table of Moonshine's decoder as output", _ALL),
    "log-mel-none": (_LOG_MEL, "none", _ALL),
    "log-mel": (_LOG_MEL, "MiniLM", _ALL),
    "slow-none": (_MOONSHINE, "none, small steps", _ALL),
    "tuned-encoder-none": (_TUNED, "none, small steps", _ALL),
    "slow": (_MOONSHINE, "MiniLM, small steps", _ALL),
    "tuned-encoder": (_TUNED, "MiniLM, small steps", _ALL),
    "tuned": (_MOONSHINE, "MiniLM, tuned, small steps", _ALL),
    "tenth-none": (_MOONSHINE, "none", _TENTH),
    "tenth": (_MOONSHINE, "MiniLM", _TENTH),
    "tenth-smollm2": (_MOONSHINE, "SmolLM2, 6 layers", _TENTH),
    "tenth-log-mel-none": (_LOG_MEL, "none", _TENTH),
    "predictor": (_MOONSHINE, "MiniLM; weights of a predictor", _ALL),
    "unflattened": (_MOONSHINE, "MiniLM; peaks not flattened", _ALL),
}
"""Pretrained encoder, language model and share of the real prompts, by variant."""

JUDGED = ("", "smollm2", "tuned", "tenth", "log-mel")
"""Variants whose language model is looked at."""
WEIGHTS = (0.0, 0.2, 0.5, 1.0)
"""Of the language model's logits; the acoustic ones have the rest. The recipe has 0.2."""
THRESHOLDS = (0.5, 0.8, 1.0)
"""Confidence above which the language model is given a token and not what was fired; above 1 is
never. The recipe has 0.8."""
COUNTED = ("tokens", "repaired", "spoiled", "swapped", "given")
MOST_EXAMPLES = 12

_PAPER = "arXiv:2101.06699"
_HERE = "expected here"
_LESS = (
    ("a pretrained encoder makes fewer errors than log-mel", _PAPER, "none", "log-mel-none"),
    ("with a tenth of the real speech as well", _PAPER, "tenth-none", "tenth-log-mel-none"),
    ("MiniLM behind the CIF makes fewer errors than no language model", _PAPER, "", "none"),
    ("with a tenth of the real speech as well", _PAPER, "tenth", "tenth-none"),
    ("SmolLM2 makes fewer errors than no language model", _HERE, "smollm2", "smollm2-none"),
    ("tuning layers of the encoder makes fewer errors", _PAPER, "tuned-encoder", "slow"),
    ("without a language model as well", _PAPER, "tuned-encoder-none", "slow-none"),
    ("tuning the language model makes fewer errors", _PAPER, "tuned", "slow"),
    (
        "the table of the encoder's own decoder as output makes fewer errors than a random one",
        _HERE,
        "moonshine-table",
        "moonshine-none",
    ),
    ("weights of a channel make fewer errors than those of a predictor", _HERE, "", "predictor"),
)
CLAIMS = (
    *(Claim(text, source, (first,), (second,)) for text, source, first, second in _LESS),
    Claim(
        "MiniLM helps more with a tenth of the real speech than with all of it",
        _PAPER,
        ("tenth", "tenth-none"),
        ("", "none"),
    ),
    Claim("flattened peaks give more exact edges", _HERE, ("",), ("unflattened",), "edges ms, raw"),
)
UNTESTED = (
    "Not testable here: the error rates of the paper (15 hours of telephone conversations each in "
    "Mandarin and English, wav2vec 2.0 base and BERT-base, none of which is in reach); what a head "
    "for masked words adds, since MiniLM has none; the whole encoder tuned."
)


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Decode what the finished runs fire with and without their language model."""
    measured, examples = [], []
    utterances: dict[tuple[str, ...], list[LabelledUtterance]] = {}
    for variant in JUDGED:
        recipe = find_recipe(RECIPE, variant)
        for seed, folder in folders_by_seed(recipe, runs).items():
            vocabulary = recipe.config.vocabulary
            if vocabulary not in utterances:
                utterances[vocabulary] = recipe.dev()
            found = decisions(loaded(recipe, folder), utterances[vocabulary])
            measured += [{"variant": variant, "seed": seed, **one} for one in found["settings"]]
            if seed == 0:
                examples += [{"variant": variant, **one} for one in found["examples"]]
    require(bool(measured), f"no finished run of {RECIPE!r} in {runs}", DataError)
    return {"recipe": RECIPE, "decisions": measured, "examples": examples}


@torch.inference_mode()
def decisions(
    model: W2VCIFBertRecognizer, utterances: Sequence[LabelledUtterance], batch_size: int = 16
) -> dict[str, Any]:
    """What the language model of a system changes in what the acoustic side reads.

    Parameters
    ----------
    model : W2VCIFBertRecognizer
        With a language model, in evaluation mode; its configuration is left as it was.
    utterances : sequence of LabelledUtterance
        Places are compared in those of which as many tokens fire as there are.

    Returns
    -------
    dict
        ``settings``: for each weight and each threshold ``tokens`` that are compared, those
        ``repaired``, ``spoiled`` and ``swapped`` (wrong before and after, but changed) beside the
        acoustic side alone, and ``given``, the number of places where the language model was given
        a token. ``examples``, where the sides differ: ``reference``, ``acoustic``, ``language``
        (the language model alone, given the same) and ``both``, texts in pieces.
    """
    # 1. Each weight with the usual threshold, and each threshold with the usual weight.
    usual = (model.config.fusion.lambda_lm, model.config.fusion.infer_threash)
    settings = [(weight, usual[1]) for weight in WEIGHTS]
    settings += [(usual[0], limit) for limit in THRESHOLDS]
    counts = {one: dict.fromkeys(COUNTED, 0) for one in [*settings, usual]}
    examples: list[dict[str, str]] = []

    # 2. The same fires, decoded with each.
    for start in range(0, len(utterances), batch_size):
        part = utterances[start : start + batch_size]
        encoded = model.encoded(model.sounds([one.waveform for one in part]))
        firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
        alone, scores = _decoded(model, firing, encoded, (0.0, usual[1]))
        expected, _ = _decoded(model, firing, encoded, (1.0, usual[1]))
        fires = firing.num_fires.tolist()
        for setting, count in counts.items():
            ids, _ = _decoded(model, firing, encoded, setting)
            for row, one in enumerate(part):
                wanted = [token.token for token in one.words]
                if fires[row] != len(wanted):
                    continue
                before, after = (_tokens(model, found[row, : fires[row]]) for found in (alone, ids))
                _count(count, wanted, before, after)
                count["given"] += int((scores[row, : fires[row]] > setting[1]).sum())
                if setting == usual and before != after and len(examples) < MOST_EXAMPLES:
                    guessed = _tokens(model, expected[row, : fires[row]])
                    texts = {"reference": wanted, "acoustic": before}
                    texts |= {"language": guessed, "both": after}
                    examples.append({name: " ".join(text) for name, text in texts.items()})
    rows = [
        {"lambda_lm": weight, "infer_threash": limit, **count}
        for (weight, limit), count in counts.items()
    ]
    return {"settings": rows, "examples": examples}


def _tokens(model: W2VCIFBertRecognizer, ids: Tensor) -> list[str]:
    return [model.config.vocabulary[index] for index in ids.tolist()]


def _decoded(model: Any, firing: Any, encoded: Any, setting: tuple[float, float]) -> Any:
    """Tokens and probabilities of a firing with another weight of the language model."""
    weight, limit = setting
    config = model.config
    fusion = replace(config.fusion, lambda_am=1 - weight, lambda_lm=weight, infer_threash=limit)
    model.config = replace(config, fusion=fusion)
    found = model.decode(firing, encoded)
    model.config = config
    return found


def _count(
    counts: dict[str, int], wanted: Sequence[str], before: Sequence[str], after: Sequence[str]
) -> None:
    """Add the places of one utterance."""
    for token, first, second in zip(wanted, before, after, strict=True):
        counts["tokens"] += 1
        counts["repaired"] += first != token == second
        counts["spoiled"] += first == token != second
        counts["swapped"] += first != second and token not in (first, second)


def read(folder: Path) -> dict[str, Any]:
    """The published decisions, and under "runs" the published runs of the recipe."""
    runs = [one for one in read_results(folder) if one["recipe"] == RECIPE]
    return {**read_study(folder, NAME), "runs": runs}


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other."""
    heads = ["pretrained encoder", "language model", "real prompts"]
    parts = [variant_table(found["runs"], TITLES, heads), decision_table(found["decisions"])]
    parts.append(claim_table(found["runs"], CLAIMS, UNTESTED))
    return "\n\n".join(part for part in parts if part)


def decision_table(measured: Sequence[Mapping[str, Any]]) -> str:
    """What the language model repairs, spoils and swaps, in % of the places compared."""
    heads = ["language model's weight and threshold", "seeds", "repaired %", "spoiled %"]
    heads += ["wrong before and after %", "given a token %"]
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in measured:
        key = (one["variant"], one["lambda_lm"], one["infer_threash"])
        groups.setdefault(key, []).append(one)
    rows = []
    for (variant, weight, limit), ones in groups.items():
        encoder, language, share = TITLES[variant]
        title = f"{language}, {encoder}, {share}: {weight:g}, {limit:g}"
        shares = [
            [100 * one[name] / max(1, one["tokens"]) for one in ones]
            for name in ("repaired", "spoiled", "swapped", "given")
        ]
        rows.append([title, str(len(ones)), *(spread(values, digits=1) for values in shares)])
    return markdown_table(heads, rows) if rows else ""


STUDY = Study(run, read, table, ("prompts",))
