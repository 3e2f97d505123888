"""Finished runs of tiny recognisers, and utterances to judge them by."""

import functools
import json

import pytest

from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.published import read_results, read_study, study_path
from cifviz.resources import resource
from tests.systems.synthetic import aligned
from tests.systems.tiny import noise

NEEDED = ("leave_out", "fit", "recordings", "versions", "history")


def finished_run(runs, recipe, variant, seed, **measured):
    """A folder with what studies read of a run; without a model. Its path."""
    name = "-".join(part for part in (recipe, variant, f"seed{seed}") if part)
    folder = runs / name
    folder.mkdir(parents=True)
    settings = {"recipe": recipe, "variant": variant, "seed": seed}
    result = {**dict.fromkeys(NEEDED), **settings, **measured}
    (folder / "result.json").write_text(json.dumps(result), "utf-8")
    return folder


def noisy_string(*words, seconds=0.9, seed=0):
    """Noise in which these words are said, one behind the other."""
    length = seconds / max(1, len(words))
    spans = [(word, i * length, (i + 1) * length) for i, word in enumerate(words)]
    return LabelledUtterance(noise(seconds, seed), aligned(*spans))


@functools.cache
def published_runs():
    """Those of the clone, read once; tests only look at them."""
    return read_results(resource("results"))


def published_run(recipe, variant, seed):
    """The published result of a run; skips the test where the run is not published yet."""
    found = [
        one
        for one in published_runs()
        if (one["recipe"], one["variant"], one["seed"], one["leave_out"])
        == (recipe, variant, seed, None)
    ]
    return found[0] if found else pytest.skip("the run is not published")


def published_study(name):
    """The published runs of a study, each a parameter of a test; none before it has run."""
    folder = resource("results")
    runs = read_study(folder, name)["runs"] if study_path(folder, name).is_file() else []
    labels = ("recipe", "condition", "variant", "seed")
    return [
        pytest.param(one, id=" ".join(str(one[label]) for label in labels if label in one))
        for one in runs
    ]
