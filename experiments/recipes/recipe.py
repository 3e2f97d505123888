"""`Recipe`: everything that is fixed before training starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.systems.configuration import SystemConfig
from cifviz.systems.transcription import Transcription
from cifviz.training.augmentation import Augmentation, CutAndJoin, Example, Recording
from cifviz.training.fit import FitConfig

ExampleMaker = Callable[
    [Mapping[str, Sequence[Recording]], Mapping[str, float], Augmentation],
    Callable[[np.random.Generator], Example],
]
"""Of recordings by group, how often each is drawn from and what is varied: see `CutAndJoin`."""


@dataclass(frozen=True)
class Recipe:
    """Everything that is fixed before training starts."""

    name: str
    config: SystemConfig
    real: Callable[[], list[LabelledUtterance]]
    """Real training utterances."""
    synthetic: Callable[[], list[LabelledUtterance]]
    """Synthesised training utterances."""
    dev: Callable[[], list[LabelledUtterance]]
    synthetic_dev: Callable[[], list[LabelledUtterance]]
    """Synthesised utterances that nothing is trained on, as many as of the development set."""
    test: Callable[[], list[LabelledUtterance]] | None
    """None where only a development set exists."""
    joined: Callable[[], list[LabelledUtterance]] | None = None
    """Utterances of the test set, joined to five minutes."""
    system: str = "cif"
    """The system that is trained, of `cifviz.systems.registry.SYSTEMS`."""
    variant: str = ""
    """Which of `VARIANTS` this is; the recipe itself has none."""
    weights_of: str | None = None
    """The variant whose weights it uses, where it differs in inference alone."""
    body: str | None = None
    """The variant whose recogniser it keeps as it is, where a context network alone is trained."""
    encoder_of: str | None = None
    """The variant whose encoder training begins with."""
    real_set: str = "real"
    """Name of the real utterances: another set of the same recipe needs another one."""
    begin: Callable[[Any], None] | None = None
    """Gives an untrained model pretrained weights."""
    fit: FitConfig = field(default_factory=FitConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    example_maker: ExampleMaker = CutAndJoin
    """Makes training utterances of the recordings."""
    phrase_example_maker: ExampleMaker | None = None
    """Makes those by which a context network learns; by default the same."""
    synthetic_share: float = 0.25
    cepstral: Callable[[SystemConfig], list[Recording]] | None = None
    """Utterances of many more speakers, of which only cepstra are published; ids beyond the
    vocabulary are other words."""
    cepstral_share: float = 0.2
    """Of those among them that hold nothing but the vocabulary."""
    pronunciations: Callable[[SystemConfig], list[tuple[int, ...]]] | None = None
    """Phones of each word, to be learned beside the words."""
    phonetic_share: float = 0.25
    """Of all of the cepstral ones, drawn for the sake of their phones."""
    edge_pairs: Callable[[Any], list[tuple[Transcription, Alignment]]] | None = None
    """What a model's edges are learned from, where that is not what it gives for the development
    set: its tokens may be phones, and the times known be those of words."""
    intervals: Callable[[Any], dict[str, Any]] | None = None
    """Lets a model learn how far off its edges may be, behind the edges themselves; gives what is
    measured of it."""
    corpora: tuple[str, ...] = ()
    """Data sets that it reads, whose checksums a result keeps."""
    sources: str = ""
    """Data sets and their licences, for the model card."""
    note: str = ""
    """What else the model card has to say."""
    licence: str = ""
    """Of the weights."""
    grammar: str = ""
    """Name of the grammar that the vocabulary is of."""
