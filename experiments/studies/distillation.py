"""What a language model teaches a CIF: "hieradist" without and with its losses.

Errors, counts and edges are those of the published runs of the recipe. How far students point to
their teacher is measured here, from the weights of the runs, in batches of prompts that nothing is
trained on: by the projection that was trained with a model, and by a linear layer that is fitted
afterwards, which all models get, those that nobody taught as well. And whether what is fired is
alike where the teacher's states are.

References
----------
Han et al. (2023), arXiv:2301.13003. What stands in for its parts, `HieraDistRecognizer` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_results, read_study
from cifviz.systems.base import Batch
from cifviz.systems.distillation_losses import retrieval
from cifviz.systems.hieradist import ACOUSTIC, LINGUISTIC, TEACHER, HieraDistRecognizer
from cifviz.text_tables import markdown_table
from experiments import piece_speech
from experiments.recipes import find_recipe
from experiments.recipes.hieradist import TEACHER as TEACHER_NAME
from experiments.runs import loaded
from experiments.studies.paired_seeds import folders_by_seed
from experiments.studies.study import Study
from experiments.studies.variant_tables import Claim, claim_table, seeds_cell, variant_table
from experiments.training_data import recordings

NAME = "distillation"
RECIPE = "hieradist"
TITLES: Mapping[str, tuple[str]] = {
    "none": ("none",),
    "token": ("token-level (acoustic contrast)",),
    "decoder": ("decoder-level (linguistic regression)",),
    "": ("both: τ = 0.02, λ = 1 and 0.01",),
    "temperature-0.05": ("both, τ = 0.05",),
    "temperature-0.1": ("both, τ = 0.1",),
    "temperature-0.5": ("both, τ = 0.5",),
    "token-0.1": ("both, λ of the contrast 0.1",),
    "token-0.3": ("both, λ of the contrast 0.3",),
    "decoder-0.001": ("both, λ of the regression 0.001",),
    "decoder-0.1": ("both, λ of the regression 0.1",),
    "constrained": ("both, CTC-constrained CIF",),
}
"""What is distilled, by variant."""
BATCH = 16
"""Utterances among whose tokens the right one is to be found."""
FITTED = 400
"""Training utterances on which the linear layer is fitted."""
RIDGE = 1.0
"""Its penalty, on inputs of variance 1."""
PICTURED = 24
"""Tokens whose similarities are kept, of the first utterances of the development set."""

_PAPER = "arXiv:2301.13003"
_HERE = "expected here"
_LESS = (
    ("token-level distillation makes fewer errors than none", "token", "none"),
    ("decoder-level distillation makes fewer errors than none", "decoder", "none"),
    ("both make fewer errors than none", "", "none"),
    ("both make fewer errors than the token level alone", "", "token"),
    ("both make fewer errors than the decoder level alone", "", "decoder"),
)
CLAIMS = (
    *(Claim(text, _PAPER, (first,), (second,), "piece errors %") for text, first, second in _LESS),
    Claim(
        "the CTC constraint brings Σα nearer to the number of tokens",
        _HERE,
        ("constrained",),
        ("",),
        "mean |Σα − N|",
    ),
)
UNTESTED = (
    "Not testable here: the error rates of the paper (AISHELL-1, BERT-base for Chinese, a "
    "Conformer of 47 million parameters); what its teacher, which fills gaps, gives more than "
    "MiniLM, which was trained to tell sentences apart."
)


class Fired(NamedTuple):
    """What a model fires for some utterances, scaled to their numbers of tokens."""

    embeddings: Tensor
    """(batch, tokens, dim)"""
    students: dict[str, Tensor]
    """Projected by the model (batch, tokens, width), by the losses that it was trained with."""
    teacher: Tensor
    """(batch, tokens, width)"""
    targets: Tensor
    """(batch, tokens), padded with −1."""


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Retrieval of the finished runs, and similarities of the first seed of two of them."""
    utterances = piece_speech.taught(piece_speech.kept_out(TEACHER_NAME), TEACHER_NAME)
    recipe = find_recipe(RECIPE)
    known = recordings(f"{RECIPE} {recipe.real_set}", recipe.real, recipe.config, runs / "cache")
    chosen = np.random.default_rng(0).permutation(len(known))[:FITTED]
    training = [known[place] for place in chosen]
    measured, pictures, chance = [], {}, 0.0
    tests: list[Batch] = []
    trains = training_batches(training)
    for variant in TITLES:
        recipe = find_recipe(RECIPE, variant)
        for seed, folder in folders_by_seed(recipe, runs).items():
            model = loaded(recipe, folder)
            # All variants hear alike and have the same tokens.
            tests = tests or development_batches(model, utterances)
            probe = fitted_projection([fired(model, batch) for batch in trains])
            judged = [fired(model, batch) for batch in tests]
            found = {**retrievals(judged, probe), "geometry": shared_geometry(judged)}
            measured.append({"variant": variant, "seed": seed, **found})
            chance = blind_top_1(judged)
            if seed == 0 and variant in ("none", "token", ""):
                pictures[variant or "both"] = similarities(judged[0], probe, model)
    require(bool(measured), f"no finished run of {RECIPE!r} in {runs}", DataError)
    return {
        "recipe": RECIPE,
        "chance": chance,
        "retrieval": measured,
        "similarities": pictures,
    }


def development_batches(
    model: HieraDistRecognizer, utterances: Sequence[LabelledUtterance]
) -> list[Batch]:
    """Batches of sounds as they are, with their targets and their teacher's states."""
    ids = {token: number for number, token in enumerate(model.config.vocabulary)}
    made = []
    for start in range(0, len(utterances), BATCH):
        part = [
            one
            for one in utterances[start : start + BATCH]
            if all(word.token in ids for word in one.words)
        ]
        if part:
            features = [model.inputs(one) for one in model.sounds([one.waveform for one in part])]
            targets = [[ids[word.token] for word in one.words] for one in part]
            states = [{TEACHER: torch.as_tensor(one.extras[TEACHER]).float()} for one in part]
            made.append(Batch.collate(features, targets, extras=states, by=model.extras))
    return made


def training_batches(known: Sequence[Any]) -> list[Batch]:
    """Batches of recordings."""
    made = []
    for start in range(0, len(known), BATCH):
        part = known[start : start + BATCH]
        features = [torch.as_tensor(one.features).float() for one in part]
        states = [{TEACHER: torch.as_tensor(one.extras[TEACHER]).float()} for one in part]
        targets = [list(one.tokens) for one in part]
        extras = HieraDistRecognizer.extras
        made.append(Batch.collate(features, targets, extras=states, by=extras))
    return made


@torch.inference_mode()
def fired(model: HieraDistRecognizer, batch: Batch) -> Fired:
    """What a model fires for a batch that is scaled to its numbers of tokens."""
    encoded = model.encode(batch)
    firing = model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )
    adapted = model.adapt(firing.embeddings, firing, encoded)
    students = model.students(firing, adapted, encoded)
    tokens = batch.targets.shape[1]
    embeddings, *projected = (
        F.pad(one, (0, 0, 0, max(0, tokens - one.shape[1])))[:, :tokens]
        for one in (firing.embeddings, *students.values())
    )
    named = dict(zip(students, projected, strict=True))
    return Fired(embeddings, named, batch.extras[TEACHER].float(), batch.targets)


def fitted_projection(found: Sequence[Fired]) -> Tensor:
    """A linear layer from fired embeddings to teacher's states, by ridge regression.

    Returns
    -------
    Tensor (dim + 1, width), float64
        The last row is the bias.
    """
    inputs = torch.cat([one.embeddings[one.targets >= 0] for one in found]).double()
    wished = torch.cat([one.teacher[one.targets >= 0] for one in found]).double()
    padded = F.pad(inputs, (0, 1), value=1.0)
    scale = inputs.square().mean()
    penalty = RIDGE * scale * torch.eye(padded.shape[1], dtype=torch.float64)
    return torch.linalg.solve(padded.T @ padded + penalty, padded.T @ wished)


def projected(embeddings: Tensor, projection: Tensor) -> Tensor:
    """Embeddings in the space of the teacher (…, width), float64."""
    made: Tensor = F.pad(embeddings.double(), (0, 1), value=1.0) @ projection
    return made


def retrievals(found: Sequence[Fired], projection: Tensor) -> dict[str, dict[str, float]]:
    """Retrieval by each projection, means over the tokens of all batches.

    Returns
    -------
    dict
        Under "fitted" and, as far as the model was trained with them, `ACOUSTIC` and `LINGUISTIC`:
        ``top_1``, the share of tokens whose nearest state is that of the same token, and
        ``reciprocal_rank``, the mean of 1 / rank of the first one that is.
    """
    measured = {}
    for name in ("fitted", *found[0].students):
        ranks: list[float] = []
        for one in found:
            student = (
                projected(one.embeddings, projection) if name == "fitted" else one.students[name]
            )
            ranks += retrieval(student, one.teacher.to(student), one.targets).tolist()
        measured[name] = {
            "top_1": mean([float(rank == 1) for rank in ranks]),
            "reciprocal_rank": mean([1 / rank for rank in ranks]),
        }
    return measured


def blind_top_1(found: Sequence[Fired]) -> float:
    """Share of tokens whose right state a blind choice among those of the batch would find."""
    shares: list[float] = []
    for one in found:
        ids = one.targets[one.targets >= 0]
        shares += (ids.unsqueeze(1) == ids).double().mean(dim=1).tolist()
    return mean(shares)


def shared_geometry(found: Sequence[Fired]) -> float:
    """Whether what is fired is alike where the teacher's states are.

    Returns
    -------
    float
        Pearson's correlation of the cosines among what fired, less its mean, and those among the
        teacher's states, less theirs, over all pairs of different tokens in a batch; mean over the
        batches.
    """
    correlations = []
    for one in found:
        ids = one.targets[one.targets >= 0]
        sides = []
        for vectors in (one.embeddings, one.teacher):
            flat = vectors[one.targets >= 0].double()
            centred = flat - flat.mean(dim=0)
            sides.append(_cosines(centred, centred)[ids.unsqueeze(1) != ids])
        if sides[0].numel() > 1:
            correlations.append(float(torch.corrcoef(torch.stack(sides))[0, 1]))
    require(bool(correlations), "no batch has two different tokens", DataError)
    return mean(correlations)


def similarities(
    found: Fired, projection: Tensor, model: HieraDistRecognizer
) -> dict[str, list[Any]]:
    """Cosines for a picture, of the first `PICTURED` tokens.

    Returns
    -------
    dict
        ``tokens``, and of each to each ``student_teacher``, ``fitted_teacher``, ``fires`` (less
        their mean) and ``teacher``. Students of a model without the loss are those of the fitted
        layer, which "fitted_teacher" has of all.
    """
    is_token = found.targets >= 0
    ids = found.targets[is_token][:PICTURED]
    fires, teacher = (
        one[is_token][:PICTURED].double() for one in (found.embeddings, found.teacher)
    )
    student = found.students.get(ACOUSTIC)
    fitted = projected(fires, projection)
    pairs = {
        "student_teacher": (fitted if student is None else student[is_token][:PICTURED], teacher),
        "fitted_teacher": (fitted, teacher),
        "fires": (fires - fires.mean(dim=0), fires - fires.mean(dim=0)),
        "teacher": (teacher, teacher),
    }
    made: dict[str, list[Any]] = {
        name: np.round(_cosines(*pair).numpy(), 3).tolist() for name, pair in pairs.items()
    }
    return {"tokens": [model.config.vocabulary[one] for one in ids.tolist()], **made}


def _cosines(first: Tensor, second: Tensor) -> Tensor:
    ours, theirs = (F.normalize(one.double(), dim=1) for one in (first, second))
    return ours @ theirs.T


def read(folder: Path) -> dict[str, Any]:
    """The published retrieval, and under "runs" the published runs of the recipe."""
    runs = [one for one in read_results(folder) if one["recipe"] == RECIPE]
    return {**read_study(folder, NAME), "runs": runs}


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other."""
    parts = [
        variant_table(found["runs"], TITLES, ["distilled"]),
        retrieval_table(found["retrieval"], found["chance"]),
        claim_table(found["runs"], CLAIMS, UNTESTED),
    ]
    return "\n\n".join(part for part in parts if part)


def retrieval_table(measured: Sequence[Mapping[str, Any]], chance: float) -> str:
    """Retrieval of the right token among a batch: mean ± standard deviation over seeds."""
    columns = {"fitted": "fitted", ACOUSTIC: "trained, of fires", LINGUISTIC: "trained, of states"}
    heads = ["distilled", "seeds"]
    heads += [f"{title}: {kind}" for title in columns.values() for kind in ("top-1 %", "MRR")]
    heads.append("alike where the teacher is")
    rows = []
    for variant, (title,) in TITLES.items():
        ones = [one for one in measured if one["variant"] == variant]
        cells: list[str] = []
        for name in columns:
            known = [one[name] for one in ones if name in one]
            cells.append(spread([100 * one["top_1"] for one in known], digits=1) if known else "–")
            cells.append(spread([one["reciprocal_rank"] for one in known]) if known else "–")
        if ones:
            alike = spread([one["geometry"] for one in ones])
            rows.append([title, seeds_cell(len(ones)), *cells, alike])
    if not rows:
        return ""
    blind = f"A blind choice among the states of a batch would be right in {100 * chance:.1f} %."
    return f"{markdown_table(heads, rows)}\n\n{blind}"


STUDY = Study(run, read, table, ("prompts",))
