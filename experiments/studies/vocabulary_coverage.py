"""How much of the speech aligned by hand is in the vocabularies of the shipped models."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform
from cifviz.corpora.datasets import human_aligned
from cifviz.metrics import pair_by_label
from cifviz.published import read_study
from cifviz.systems.checkpoints import list_models, load_model
from cifviz.systems.lip_reading import LipConfig
from cifviz.text_tables import markdown_table
from experiments.recipes import RECIPES
from experiments.studies.study import Study


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Find the words that a model knows in the utterances aligned by hand, and measure those."""
    utterances = human_aligned()
    words = [
        name
        for name, recipe in RECIPES.items()
        if recipe.edge_pairs is None and not isinstance(recipe.config, LipConfig)
    ]
    shipped = [name for name in words if name in list_models()]  # others know any word
    return {
        "utterances": {name: words.text for name, (_, words) in utterances.items()},
        "models": {name: covered(load_model(name), utterances) for name in shipped},
    }


def covered(model: Any, utterances: dict[str, tuple[Waveform, Alignment]]) -> dict[str, Any]:
    """Utterances with words of a model's vocabulary, and the errors of their edges in seconds."""
    rows = []
    for name, (waveform, words) in utterances.items():
        known = [word.token for word in words if word.token in model.config.vocabulary]
        if not known:
            continue
        found = model.transcribe(waveform).alignment
        errors = [
            [found.spans[j][side] - words.spans[i][side] for side in (0, 1)]
            for i, j in pair_by_label(words, found)
        ]
        rows.append({"utterance": name, "known": known, "heard": found.text, "errors": errors})
    return {"vocabulary": len(model.config.vocabulary), "rows": rows}


def table(found: dict[str, Any]) -> str:
    """Which utterances hold words of which model."""
    references = found["utterances"]
    heads = ["model", "utterance", "reference", "words it knows", "hypothesis"]
    heads.append("errors of onset, offset in ms")
    rows = []
    for model, measured in found["models"].items():
        for row in measured["rows"]:
            errors = "; ".join(
                ", ".join(f"{1000 * error:+.0f}" for error in pair) for pair in row["errors"]
            )
            cells = [model, row["utterance"], references[row["utterance"]]]
            rows.append([*cells, ", ".join(row["known"]), row["heard"] or "–", errors or "–"])
    words = sum(len(text.split()) for text in references.values())
    whole = [
        row["utterance"]
        for measured in found["models"].values()
        for row in measured["rows"]
        if len(row["known"]) == len(references[row["utterance"]].split())
    ]
    sizes = [f"{one['vocabulary']} words ({name})" for name, one in found["models"].items()]
    return (
        f"{markdown_table(heads, rows)}\n\n"
        f"{len(references)} utterances, {words} words, aligned by hand. With words of one model's "
        f"vocabulary alone: {', '.join(whole) or 'none'}. The models know {', '.join(sizes)}; on "
        "an utterance with other words no model can be measured."
    )


STUDY = Study(
    run, partial(read_study, name="vocabulary-coverage"), table, corpora=("human_aligned",)
)
