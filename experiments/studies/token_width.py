"""How sharp the weights of trained recognisers are, and what they look like on one recording.

Of the ways to make weights that `cifviz results weights` compares. Sharpness is no virtue in
itself: a token may be made of its whole word, or of the one frame that gave it away.
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
from cifviz.formats import read_json
from cifviz.metrics import row_entropies
from cifviz.published import keep_result, read_result
from cifviz.systems.checkpoints import load_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.timing import FrameGrid
from experiments.model_card import spread
from experiments.provenance import checksum, commit
from experiments.tables import MADE
from experiments.training_data import spoken_strings

SHARPNESS = "sharpness/digits.json"
"""Where it lies in a folder of results."""
RECORDING = "digits_jackson_pauses"
"""The recording whose weights are kept."""
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


def measure(*, runs: Path, data: Path) -> str:
    """Measure every finished run of digits that makes or teaches its weights in another way.

    Parameters
    ----------
    runs : Path
        Where `cifviz train digits --variant …` kept them.
    data : Path
        Gets the result, under ``results``.

    Returns
    -------
    str
        What `sharpness_table` makes of it.

    Raises
    ------
    DataError
        If there is no finished run, or the recordings are not at hand.
    """
    names = [f"digits-{variant}-seed*" for variant in MADE]
    found = [path for name in names for path in sorted(runs.glob(f"{name}/result.json"))]
    require(bool(found), f"no finished run {' or '.join(names)} in {runs}", DataError)
    recording = load_recording(RECORDING)
    waveforms = [spoken.waveform for spoken in spoken_strings("test")]
    measured = []
    for path in found:
        model: Any = load_model(path.parent / "model")
        result = read_result(path)
        heard = model.transcribe_features(recording.log_mel, duration=recording.duration)
        measured.append(
            {
                "variant": result["variant"],
                "seed": result["seed"],
                **measure_weights(model, waveforms),
                "shift": model.config.grid.shift,
                "alpha": [round(float(weight), 4) for weight in heard.firing.alpha[0]],
            }
        )
    path = data / "results" / SHARPNESS
    made = {
        "command": "cifviz sharpness",
        "commit": commit(),
        "data": {"digits": checksum("digits")},
    }
    keep_result(path, {**made, "recording": RECORDING, "runs": measured})
    return sharpness_table(data / "results")


def read_sharpness(folder: Path) -> list[dict[str, Any]]:
    """The published runs in a folder of results.

    Returns
    -------
    list of dict
        Each with ``variant``, ``seed``, ``width`` (s), ``heaviest``, ``shift`` (s), and ``alpha``,
        the weights of the recording `RECORDING`.

    Raises
    ------
    DataError
        If there is none.
    """
    path = folder / SHARPNESS
    require(path.is_file(), f"expected {path}: run `cifviz sharpness`", DataError)
    runs: list[dict[str, Any]] = read_json(path)["runs"]
    return runs


def sharpness_table(folder: Path) -> str:
    """Ways to make weights beside each other, as Markdown, from a folder of results."""
    runs = read_sharpness(folder)
    heads = "| digits, test set | seeds | width of a token ms | heaviest weight |"
    lines = [heads, "|---|---|---|---|"]
    for variant, title in MADE.items():
        of_it = [one for one in runs if one["variant"] == variant]
        if of_it:
            widths = spread([1000 * one["width"] for one in of_it], digits=0)
            heaviest = spread([one["heaviest"] for one in of_it])
            lines.append(f"| {title} | {len(of_it)} | {widths} | {heaviest} |")
    return "\n".join(lines)
