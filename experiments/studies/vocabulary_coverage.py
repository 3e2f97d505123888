"""What the shipped recognisers can say about speech that people aligned by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifviz.corpora.datasets import human_aligned
from cifviz.formats import read_json
from cifviz.metrics import pair_by_label
from cifviz.published import keep_result
from cifviz.systems.checkpoints import load_model
from experiments.provenance import checksum, commit
from experiments.recipes import RECIPES

COVERAGE = "coverage/human_aligned.json"
"""Where it lies in a folder of results."""


def cover(*, data: Path) -> str:
    """Find the words that a model knows in the utterances aligned by hand, and measure those.

    Parameters
    ----------
    data : Path
        Gets the result, under ``results``.

    Returns
    -------
    str
        What `coverage_table` makes of it.
    """
    utterances = human_aligned()
    found: dict[str, Any] = {
        "command": "cifviz cover",
        "commit": commit(),
        "data": {"human_aligned": checksum("human_aligned")},
        "utterances": {name: words.text for name, (_, words) in utterances.items()},
        "models": {},
    }
    for model_name in RECIPES:
        model = load_model(model_name)
        rows = []
        for name, (waveform, words) in utterances.items():
            known = [word.token for word in words if word.token in model.config.vocabulary]
            if not known:
                continue
            heard = model.transcribe(waveform).alignment
            errors = [
                [heard.spans[j][side] - words.spans[i][side] for side in (0, 1)]
                for i, j in pair_by_label(words, heard)
            ]
            rows.append({"utterance": name, "known": known, "heard": heard.text, "errors": errors})
        found["models"][model_name] = {"vocabulary": len(model.config.vocabulary), "rows": rows}
    path = data / "results" / COVERAGE
    keep_result(path, found)
    return coverage_table(data / "results")


def coverage_table(folder: Path) -> str:
    """Which utterances hold words of which model, as Markdown, from a folder of results."""
    found = read_json(folder / COVERAGE)
    said = found["utterances"]
    words = sum(len(text.split()) for text in said.values())
    lines = [
        "| model | utterance | said | words it knows | heard | errors of onset, offset in ms |",
        "|---|---|---|---|---|---|",
    ]
    for model, covered in found["models"].items():
        for row in covered["rows"]:
            errors = "; ".join(
                ", ".join(f"{1000 * error:+.0f}" for error in pair) for pair in row["errors"]
            )
            cells = [
                model,
                row["utterance"],
                said[row["utterance"]],
                ", ".join(row["known"]),
                row["heard"] or "nothing",
                errors or "–",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    whole = [
        row["utterance"]
        for covered in found["models"].values()
        for row in covered["rows"]
        if len(row["known"]) == len(said[row["utterance"]].split())
    ]
    lines += [
        "",
        f"{len(said)} utterances, {words} words, aligned by hand. Said in words of one model's "
        f"vocabulary alone: {', '.join(whole) or 'none'}. The models know "
        + ", ".join(f"{one['vocabulary']} words ({name})" for name, one in found["models"].items())
        + "; of an utterance with other words they can say nothing that would measure them.",
    ]
    return "\n".join(lines)
