"""What a pretrained encoder and a pretrained language model do for a CIF: "w2v-cif-bert".

Errors, counts and edges are those of the published runs of the recipe. Two things are measured
here, from the weights of the runs. What its language model changes: what fires stays as it is, and
the same fires are decoded by the acoustic side alone and by both sides, with several weights. And
how near what fires is to the embeddings of the language model, which reads it as such.

References
----------
Yi, Zhou & Xu (2021), arXiv:2101.06699. What stands in for its parts, `W2VCIFBertRecognizer` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.core.firing import Firing
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_results, read_study
from cifviz.systems.decoders import most_likely
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.w2v_cif_bert import W2VCIFBertRecognizer
from cifviz.text_tables import markdown_table
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.studies.paired_seeds import folders_by_seed
from experiments.studies.study import Study
from experiments.studies.variant_tables import Claim, claim_table, seeds_cell, variant_table

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
SHOWN_WEIGHTS = tuple(step / 20 for step in range(21))
"""Weights of the language model for which an example can be decoded again from what is kept."""
LEADING = 3
"""Tokens that each side finds the most likely, kept of each place of an example."""
UNTOLD = "none"
"""The variant that knows nothing of the language model: how near it is to the embeddings by
chance."""
PICTURED = (6, 12)
"""Tokens of the utterance whose cosines are kept, at least and at most."""

_PAPER = "arXiv:2101.06699"
_HERE = "expected here"
_LESS = (
    ("a pretrained encoder makes fewer errors than log-mel", _PAPER, "none", "log-mel-none"),
    (
        "a pretrained encoder makes fewer errors than log-mel, with a tenth of the real speech",
        _PAPER,
        "tenth-none",
        "tenth-log-mel-none",
    ),
    ("MiniLM behind the CIF makes fewer errors than no language model", _PAPER, "", "none"),
    (
        "MiniLM behind the CIF makes fewer errors than no language model, with a tenth",
        _PAPER,
        "tenth",
        "tenth-none",
    ),
    (
        "SmolLM2, with its own pieces, makes fewer errors than no language model",
        _HERE,
        "smollm2",
        "none",
    ),
    ("tuning layers of the encoder makes fewer errors", _PAPER, "tuned-encoder", "slow"),
    (
        "tuning layers of the encoder makes fewer errors, without a language model",
        _PAPER,
        "tuned-encoder-none",
        "slow-none",
    ),
    ("tuning the language model makes fewer errors", _PAPER, "tuned", "slow"),
    (
        "the table of the encoder's own decoder as output, with its pieces, makes fewer errors "
        "than a random output",
        _HERE,
        "moonshine-table",
        "none",
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
    measured, examples, near, pictures = [], [], [], {}
    utterances: dict[tuple[str, ...], list[LabelledUtterance]] = {}
    sounds: dict[Any, list[Sound]] = {}
    tables: dict[tuple[str, ...], Tensor] = {}
    for variant in (*JUDGED, UNTOLD):
        recipe = find_recipe(RECIPE, variant)
        for seed, folder in folders_by_seed(recipe, runs).items():
            vocabulary = recipe.config.vocabulary
            if vocabulary not in utterances:
                utterances[vocabulary] = recipe.dev()
            model = loaded(recipe, folder)
            # The same prompts in whichever pieces: encoded once for all that hear them alike.
            kind = (model.config.input, model.config.states, model.config.features)
            if kind not in sounds:
                waveforms = [one.waveform for one in utterances[vocabulary]]
                sounds[kind] = model.sounds(waveforms)
            batches = heard(model, utterances[vocabulary], sounds[kind])
            if model.language is not None:
                found = decisions(model, batches)
                measured += [{"variant": variant, "seed": seed, **one} for one in found["settings"]]
                if seed == 0:
                    examples += [{"variant": variant, **one} for one in found["examples"]]
                tables[vocabulary] = model.language.embed.weight[: len(vocabulary)].detach()
            if vocabulary in tables:
                is_near = nearness(model, tables[vocabulary], batches)
                near.append({"variant": variant, "seed": seed, **is_near})
                if seed == 0:
                    pairs = zip(utterances[vocabulary], sounds[kind], strict=True)
                    pictures[variant] = picture(model, tables[vocabulary], list(pairs))
    require(bool(measured), f"no finished run of {RECIPE!r} in {runs}", DataError)
    return {
        "recipe": RECIPE,
        "decisions": measured,
        "examples": examples,
        "nearness": near,
        "pictures": pictures,
    }


class Heard(NamedTuple):
    """Utterances with what a system fires for them."""

    utterances: Sequence[LabelledUtterance]
    encoded: Encoded
    firing: Firing

    def counted(self) -> Iterator[tuple[int, list[str]]]:
        """Place in the batch and tokens of those of which as many tokens fire as there are."""
        fires = self.firing.num_fires.tolist()
        for row, one in enumerate(self.utterances):
            wanted = [token.token for token in one.words]
            if fires[row] == len(wanted):
                yield row, wanted


@torch.inference_mode()
def heard(
    model: W2VCIFBertRecognizer,
    utterances: Sequence[LabelledUtterance],
    sounds: Sequence[Sound],
    batch_size: int = 16,
) -> list[Heard]:
    """What a system fires, batch by batch; `sounds` are what its `sounds` gives for them."""
    found = []
    for start in range(0, len(utterances), batch_size):
        encoded = model.encoded(sounds[start : start + batch_size])
        firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
        found.append(Heard(utterances[start : start + batch_size], encoded, firing))
    return found


@torch.inference_mode()
def decisions(model: W2VCIFBertRecognizer, batches: Sequence[Heard]) -> dict[str, Any]:
    """What the language model of a system changes in what the acoustic side reads.

    Parameters
    ----------
    model : W2VCIFBertRecognizer
        With a language model, in evaluation mode; its configuration is left as it was.
    batches : sequence of Heard
        What it fires. Places are compared in utterances of which as many tokens fire as there are.

    Returns
    -------
    dict
        ``settings``: for each weight and each threshold ``tokens`` that are compared, those
        ``repaired``, ``spoiled`` and ``swapped`` (wrong before and after, but changed) beside the
        acoustic side alone, and ``given``, the number of places where the language model was given
        a token. ``examples``, the first where the sides differ: ``reference``, ``acoustic``,
        ``language`` (the language model alone, given the same) and ``both``, texts in pieces, and
        ``places``, see `leading_tokens`.
    """
    # 1. Each weight with the usual threshold, and each threshold with the usual weight.
    usual = (model.config.fusion.lambda_lm, model.config.fusion.infer_threash)
    settings = [(weight, usual[1]) for weight in WEIGHTS]
    settings += [(usual[0], limit) for limit in THRESHOLDS]
    counts = {one: dict.fromkeys(COUNTED, 0) for one in [*settings, usual]}
    examples: list[dict[str, Any]] = []

    # 2. The same fires, decoded with each.
    for one in batches:
        acoustic, language = (_logits(model, one, (side, usual[1])) for side in (0.0, 1.0))
        alone, scores = most_likely(acoustic)
        for setting, count in counts.items():
            ids, _ = most_likely(_logits(model, one, setting))
            for row, wanted in one.counted():
                fires = len(wanted)
                before, after = (_tokens(model, found[row, :fires]) for found in (alone, ids))
                _count(count, wanted, before, after)
                sure = scores[row, :fires] > setting[1]
                count["given"] += int(sure.sum())
                if setting == usual and before != after and len(examples) < MOST_EXAMPLES:
                    guessed = _tokens(model, language[row, :fires].argmax(dim=1))
                    texts = {"reference": wanted, "acoustic": before}
                    texts |= {"language": guessed, "both": after}
                    places = leading_tokens(
                        model, acoustic[row, :fires], language[row, :fires], sure
                    )
                    examples.append(
                        {name: " ".join(text) for name, text in texts.items()} | {"places": places}
                    )
    rows = [
        {"lambda_lm": weight, "infer_threash": limit, **count}
        for (weight, limit), count in counts.items()
    ]
    return {"settings": rows, "examples": examples}


def leading_tokens(
    model: W2VCIFBertRecognizer, acoustic: Tensor, language: Tensor, given: Tensor
) -> list[dict[str, Any]]:
    """The tokens that matter in each place, with what both sides say of them.

    Parameters
    ----------
    model : W2VCIFBertRecognizer
        Whose tokens they are.
    acoustic, language : Tensor (places, vocabulary)
        Logits.
    given : Tensor (places,), bool
        Whether the language model was given a token.

    Returns
    -------
    list of dict
        Of each place the ``tokens`` that win with one of `SHOWN_WEIGHTS` or are among the first of
        a side, with the logarithm of their probability by the ``acoustic`` side and by the
        ``language`` model; and ``given``.
    """
    sides = [one.log_softmax(dim=1) for one in (acoustic, language)]
    mixed = [(1 - weight) * sides[0] + weight * sides[1] for weight in SHOWN_WEIGHTS]
    winners = torch.stack([one.argmax(dim=1) for one in mixed], dim=1)
    leading = [one.topk(min(LEADING, one.shape[1]), dim=1).indices for one in sides]
    kept = torch.cat([winners, *leading], dim=1)
    found = []
    for place, ids in enumerate(kept.tolist()):
        chosen = torch.tensor(list(dict.fromkeys(ids)))
        said, guessed = (
            [round(value, 3) for value in one[place, chosen].tolist()] for one in sides
        )
        found.append(
            {
                "tokens": _tokens(model, chosen),
                "acoustic": said,
                "language": guessed,
                "given": bool(given[place]),
            }
        )
    return found


@torch.inference_mode()
def nearness(
    model: W2VCIFBertRecognizer, table: Tensor, batches: Sequence[Heard]
) -> dict[str, Any]:
    """How near what fires is to the embeddings of its tokens.

    Parameters
    ----------
    model : W2VCIFBertRecognizer
    table : Tensor (vocabulary, language.dim)
        Embeddings of a language model; it need not be that of the system.
    batches : sequence of Heard
        What it fires. Looked at are utterances of which as many tokens fire as there are.

    Returns
    -------
    dict
        Means over all places: the cosine to the ``own`` embedding and to those of all ``others``
        of the vocabulary, and ``top_1``, the share of places whose own embedding is the nearest.
    """
    ids = {token: number for number, token in enumerate(model.config.vocabulary)}
    unit = F.normalize(table.float(), dim=1)
    own: list[float] = []
    others: list[float] = []
    hits: list[float] = []
    for one in batches:
        vectors = model.read_as(one.firing, one.encoded)
        for row, wanted in one.counted():
            known = [place for place, token in enumerate(wanted) if token in ids]
            if not known:
                continue
            tokens = torch.tensor([ids[wanted[place]] for place in known])
            cosines = F.normalize(vectors[row, known].float(), dim=1) @ unit.T
            right = cosines.gather(1, tokens.unsqueeze(1)).squeeze(1)
            own += right.tolist()
            others += ((cosines.sum(dim=1) - right) / max(1, len(unit) - 1)).tolist()
            hits += (cosines.argmax(dim=1) == tokens).double().tolist()
    require(bool(own), "as many tokens as there are fire in no utterance", DataError)
    return {"own": mean(own), "others": mean(others), "top_1": mean(hits)}


@torch.inference_mode()
def picture(
    model: W2VCIFBertRecognizer,
    table: Tensor,
    pairs: Sequence[tuple[LabelledUtterance, Sound]],
) -> dict[str, Any]:
    """Cosines of what fires for the tokens of one utterance to the embedding of each of them.

    Its weights are scaled to its number of tokens, so that it can be the same utterance for all
    systems: the first of them whose tokens are all known and all different, of a length of
    `PICTURED`.

    Returns
    -------
    dict
        ``tokens``, and ``cosines`` (tokens, tokens), a row for each fire; empty if there is no such
        utterance.
    """
    ids = {token: number for number, token in enumerate(model.config.vocabulary)}
    least, most = PICTURED
    for one, sound in pairs:
        tokens = [token.token for token in one.words]
        known = [ids[token] for token in tokens if token in ids]
        if least <= len(tokens) <= most and len(set(known)) == len(tokens):
            encoded = model.encoded([sound])
            firing = model.cif(
                encoded.encoder_out,
                encoded.frame_lengths,
                target_lengths=torch.tensor([len(tokens)]),
            )
            vectors = F.normalize(model.read_as(firing, encoded)[0].float(), dim=1)
            cosines = vectors @ F.normalize(table[known].float(), dim=1).T
            return {
                "tokens": tokens,
                "cosines": [[round(value, 3) for value in line] for line in cosines.tolist()],
            }
    return {}


def _tokens(model: W2VCIFBertRecognizer, ids: Tensor) -> list[str]:
    return [model.config.vocabulary[index] for index in ids.tolist()]


def _logits(model: W2VCIFBertRecognizer, one: Heard, setting: tuple[float, float]) -> Tensor:
    """Logits of a firing with another weight of the language model, and another threshold."""
    weight, limit = setting
    config = model.config
    fusion = replace(config.fusion, lambda_am=1 - weight, lambda_lm=weight, infer_threash=limit)
    model.config = replace(config, fusion=fusion)
    found = model.logits(one.firing, one.encoded)
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
    parts.append(nearness_table(found["nearness"]))
    parts.append(claim_table(found["runs"], CLAIMS, UNTESTED))
    return "\n\n".join(part for part in parts if part)


def nearness_table(measured: Sequence[Mapping[str, Any]]) -> str:
    """How near what fires is to the embeddings of its tokens: a row for each variant."""
    heads = ["system", "seeds", "cosine to the own embedding", "to all others"]
    heads.append("own is the nearest %")
    rows = []
    for variant, (encoder, language, share) in TITLES.items():
        ones = [one for one in measured if one["variant"] == variant]
        scores = [spread([one[name] for one in ones]) for name in ("own", "others") if ones]
        hits = [100 * one["top_1"] for one in ones]
        if ones:
            title = f"{language}, {encoder}, {share}"
            rows.append([title, seeds_cell(len(ones)), *scores, spread(hits, digits=1)])
    return markdown_table(heads, rows) if rows else ""


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
        if not weight:  # what the others are compared with
            continue
        encoder, language, share = TITLES[variant]
        title = f"{language}, {encoder}, {share}: {weight:g}, {limit:g}"
        shares = [
            [100 * one[name] / max(1, one["tokens"]) for one in ones]
            for name in ("repaired", "spoiled", "swapped", "given")
        ]
        cells = (spread(values, digits=1) for values in shares)
        rows.append([title, seeds_cell(len(ones)), *cells])
    return markdown_table(heads, rows) if rows else ""


STUDY = Study(run, read, table, ("prompts",))
