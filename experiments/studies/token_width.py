"""Token width: over how much time trained CIFs spread a token, and their weights on one recording.

It covers the ways to make weights that the table "weights" compares. Narrow is not better in
itself: a token may be made of its whole word, or of the one frame that is enough to tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.audio.waveform import Waveform
from cifviz.core.firing import Firing
from cifviz.corpora.feature_excerpts import load_recording
from cifviz.errors import DataError, require
from cifviz.metrics import row_entropies, spread
from cifviz.published import WIDTH_RECORDING, TokenWidths, read_result, read_token_widths
from cifviz.systems.checkpoints import load_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.text_tables import markdown_table
from cifviz.timing import FrameGrid
from experiments.run_tables import WEIGHT_TITLES
from experiments.studies.study import Study
from experiments.training_data import labelled_strings

BATCH = 16


def token_widths(firing: Firing, grid: FrameGrid) -> np.ndarray:
    """Over how much time each token is spread, in seconds (fires,).

    Parameters
    ----------
    firing : Firing
        Of one utterance.
    grid : FrameGrid
        Clock of its frames.

    Returns
    -------
    array (fires,)
        ``2^H · shift``, H being the entropy of the token's row of W: its number of frames, if they
        share it evenly, and less if some of them give more.

    Examples
    --------
    Two frames share the first token evenly, the second has one of its own:

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.5, 1.0]]), torch.eye(3)[None])
    >>> token_widths(firing, FrameGrid(0.25))
    array([0.5 , 0.25])
    """
    return np.asarray(2 ** row_entropies(firing) * grid.shift)


def measure_weights(model: CIFRecognizer, waveforms: Sequence[Waveform]) -> dict[str, float]:
    """How wide tokens and how heavy frames are, over some utterances.

    Returns
    -------
    dict
        ``width``: mean of `token_widths` over all tokens, s; ``heaviest``: the largest weight of an
        utterance, the mean over those in which something fires. nan where nothing does.
    """
    firings = [
        firing.cpu()
        for start in range(0, len(waveforms), BATCH)
        for firing in model.fire(waveforms[start : start + BATCH])
    ]
    firings = [firing for firing in firings if int(firing.num_fires)]
    if not firings:
        return {"width": float("nan"), "heaviest": float("nan")}
    widths = np.concatenate([token_widths(firing, model.config.grid) for firing in firings])
    heaviest = [float(firing.alpha.max()) for firing in firings]
    return {"width": float(widths.mean()), "heaviest": float(np.mean(heaviest))}


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Measure every finished run of digits that makes or teaches its weights in another way."""
    names = [f"digits-{variant}-seed*" for variant in WEIGHT_TITLES]
    found = [path for name in names for path in sorted(runs.glob(f"{name}/result.json"))]
    require(bool(found), f"no finished run {' or '.join(names)} in {runs}", DataError)
    recording = load_recording(WIDTH_RECORDING)
    waveforms = [one.waveform for one in labelled_strings("test")]
    measured = []
    for path in found:
        model: Any = load_model(path.parent / "model")
        result = read_result(path)
        shown = model.transcribe_features(recording.log_mel, duration=recording.duration)
        measured.append(
            {
                "variant": result["variant"],
                "seed": result["seed"],
                **measure_weights(model, waveforms),
                "shift": model.config.grid.shift,
                "alpha": [round(float(weight), 4) for weight in shown.firing.alpha[0]],
            }
        )
    return {"recording": WIDTH_RECORDING, "runs": measured}


def table(runs: Sequence[TokenWidths]) -> str:
    """Ways to make weights beside each other."""
    rows = []
    for variant, title in WEIGHT_TITLES.items():
        group = [one for one in runs if one["variant"] == variant]
        if group:
            widths = spread([1000 * one["width"] for one in group], digits=0)
            rows.append([title, len(group), widths, spread([one["heaviest"] for one in group])])
    return markdown_table(["digits, test set", "seeds", "token width ms", "heaviest weight"], rows)


STUDY = Study(run, read_token_widths, table, ("digits",))
