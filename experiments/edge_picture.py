"""The picture of docs/alignment.md: why fires are poor word edges."""

from __future__ import annotations

from pathlib import Path

from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.plot import edge_panel
from cifviz.resources import Inputs, check_target, write_atomically
from cifviz.systems.checkpoints import load_model, model_folder
from experiments.measure import transcribe_all
from experiments.training_data import labelled_strings


def draw_edges(model: str, out: Path, *, overwrite: bool = False) -> str:
    """Draw edges of the development strings of "digits", and one string of five words.

    Parameters
    ----------
    model : str
        A recogniser of digits: its name, or a folder.
    out : Path
        The picture, PNG.
    overwrite : bool
        Whether a file that stands there may be replaced.

    Returns
    -------
    str
        What the picture shows.
    """
    inputs = Inputs([model_folder(model), corpus_folder("digits")])
    check_target(out, overwrite=overwrite, inputs=inputs)
    utterances = labelled_strings("dev")
    found = transcribe_all(load_model(model), utterances)
    references = [one.words for one in utterances]
    five = [
        len(words) == 5 and one.text == words.text
        for one, words in zip(found, references, strict=True)
    ]
    picture = edge_panel(found, references, show=five.index(True) if any(five) else 0)
    write_atomically(
        out,
        lambda part: part.write_bytes(picture.fig.png()),
        overwrite=overwrite,
        inputs=inputs,
    )
    alt: str = picture.fig.alt
    return alt
