"""What a fire of the phone book's recogniser knows, by a linear layer; how often it counts wrong.

The context networks see what the body fires and nothing else. A linear layer is fitted on the fires
of one half of the test utterances to tell the digit that a fire stands for, the one before and the
one behind, and judged by the other half, and the other way round. Only utterances in which as many
fire as were said say which fire is which digit; the share of the others is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import DataError, require
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.published import read_study
from cifviz.text_tables import markdown_table
from experiments import phone_book
from experiments.recipes import find_recipe
from experiments.runs import loaded
from experiments.studies.paired_seeds import folders_by_seed
from experiments.studies.phrase_biasing import fire
from experiments.studies.study import Study

NAME = "fire-probe"
VARIANT = "coldec-tokens"
"""Any that has the frozen body."""
PLACES = {"its own digit": 0, "the digit before": -1, "the digit behind": 1}
RIDGE = 1.0
"""Added to the squares of the standardised fires."""


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Probe the body of each seed."""
    recipe = find_recipe(phone_book.TASK.recipe, VARIANT)
    folders = folders_by_seed(recipe, runs)
    require(bool(folders), f"no finished run of {recipe.name}, {VARIANT}", DataError)
    made = [
        {"recipe": recipe.name, "variant": VARIANT, "seed": seed, **probed(loaded(recipe, folder))}
        for seed, folder in sorted(folders.items())
    ]
    return {"runs": made}


@torch.inference_mode()
def probed(model: Any) -> dict[str, Any]:
    """Shares that a linear layer tells, by the names of `PLACES`, and of wrong counts."""
    calls = phone_book.TASK.calls()
    fired = fire(model, [call.utterance.waveform for call in calls])
    known = [
        (one.embeddings, [DIGITS.index(token) for token in call.tokens])
        for call, one in zip(calls, fired, strict=True)
        if len(one.embeddings) == len(call.tokens)
    ]
    told = {name: share_told(known, place) for name, place in PLACES.items()}
    return {"told": told, "wrong_counts": 1 - len(known) / len(calls)}


def share_told(known: Sequence[tuple[Tensor, Sequence[int]]], place: int) -> float:
    """The share of digits that a linear layer tells from the fires that stand so far from them.

    Parameters
    ----------
    known : sequence of (Tensor (fires, dim), sequence of int)
        What fires in an utterance, and its digits.
    place : int
        0 for the digit of the fire itself, −1 for the one before.

    Examples
    --------
    Fires that say their own digit, 0 or 1, and nothing of the one before:

    >>> eye = torch.eye(10)
    >>> utterances = [(eye[:2], [0, 1])] * 4
    >>> share_told(utterances, 0)
    1.0
    """
    halves = [_pairs(known[parity::2], place) for parity in (0, 1)]
    right = []
    for (fires, digits), (others, wanted) in (halves, halves[::-1]):
        middle, around = fires.mean(dim=0), fires.std(dim=0) + 1e-6
        inputs, judged = (
            torch.nn.functional.pad((some - middle) / around, (0, 1), value=1.0)
            for some in (fires, others)
        )
        squares = inputs.T @ inputs + RIDGE * torch.eye(inputs.shape[1])
        wished = torch.nn.functional.one_hot(digits, len(DIGITS)).to(inputs)
        weights = torch.linalg.solve(squares, inputs.T @ wished)
        right += ((judged @ weights).argmax(dim=1) == wanted).tolist()
    return mean(right)


def _pairs(known: Sequence[tuple[Tensor, Sequence[int]]], place: int) -> tuple[Tensor, Tensor]:
    """Fires and the digits that stand so far from them, where there is one."""
    fires, digits = [], []
    for embeddings, tokens in known:
        for index, embedding in enumerate(embeddings):
            if 0 <= index + place < len(tokens):
                fires.append(embedding.double())
                digits.append(tokens[index + place])
    return torch.stack(fires), torch.tensor(digits)


def read(folder: Path) -> dict[str, Any]:
    """What is published, from a folder of results; errors as of `read_study`."""
    found: dict[str, Any] = read_study(folder, NAME)
    return found


def table(found: Mapping[str, Any]) -> str:
    """The shares over seeds, in %."""
    heads = ["a linear layer tells from a fire, %", *PLACES, "utterances with a wrong number, %"]
    runs = found["runs"]
    cells = [spread([100 * one["told"][name] for one in runs], digits=1) for name in PLACES]
    cells.append(spread([100 * one["wrong_counts"] for one in runs], digits=1))
    return markdown_table(heads, [[f"code-digits, {len(runs)} seeds", *cells]])


STUDY = Study(run, read, table, ("digits",))
