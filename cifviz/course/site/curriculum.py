"""What the index says of each lesson: its question, and what its opening cell promises."""

from __future__ import annotations

from dataclasses import dataclass

from nbformat import NotebookNode

from cifviz.course.build import title_and_minutes
from cifviz.errors import DataError, require

QUESTIONS = {
    "00_start_here": "What does CIF hear in this clip?",
    "01_integrate_and_fire": "How do weights become tokens?",
    "02_scaling": "Why scale in training, and what does it hide?",
    "03_training_film": "How is an alignment learned?",
    "04_weights": "Where do the weights come from?",
    "05_tail_handling": "What happens to the residual?",
    "06_how_good_is_it": "How far is a fire from the word's edge?",
    "07_thresholds_and_dialects": "Why 0.99? Are all CIFs one CIF?",
    "08_nar_decoding": "Can all tokens come at once?",
    "09_contextual_biasing": "How does it learn my names?",
    "10_open_speech": "Where are the words in my sentence?",
    "11_encoder_and_language_model": "What joins an acoustic and a language model?",
    "12_distillation": "What can a language model teach fired embeddings?",
    "13_lipreading": "Can it read lips?",
    "14_simultaneous_translation": "When is it time to speak?",
    "15_spiking_neurons": "Is CIF a neuron?",
    "16_your_own_model": "What does my own CIF do?",
}
"""The one question that each lesson answers, in the order of the course."""


@dataclass(frozen=True)
class Opening:
    """What a reader should know before beginning a lesson."""

    number: str
    title: str
    question: str
    """Empty for a lesson that is not in `QUESTIONS`."""
    task: str
    """What the reader does, in Markdown."""
    minutes: str


def read_opening(notebook: NotebookNode, name: str) -> Opening:
    """The opening of a lesson.

    Parameters
    ----------
    notebook : NotebookNode
        Its first cell is text with a title, **What you'll do:** and **Time:**.
    name : str
        Of the lesson: "01_integrate_and_fire".

    Raises
    ------
    DataError
        If one of these is missing.
    """
    title, minutes = title_and_minutes(notebook)
    first = notebook.cells[0].source if notebook.cells else ""
    written = first.partition("**What you'll do:**")[2].partition("\n\n")[0]
    task = " ".join(written.split())
    for label, there in (("a title", title), ("What you'll do", task), ("Time", minutes)):
        require(bool(there), f"the first cell of {name} lacks {label}", DataError)
    number = name.partition("_")[0]
    return Opening(number, title, QUESTIONS.get(name, ""), task[:1].upper() + task[1:], minutes)
