"""What the recipes can train: a CIF recogniser, remedies, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cifviz.alignment.boundary_readout import (
    ATTENTION_READOUTS,
    CIF_READOUTS,
    CTC_READOUTS,
    BoundaryReadout,
)
from cifviz.systems.baselines import BaselineConfig, make_baseline
from cifviz.systems.cif import Recognizer, RecognizerConfig
from cifviz.systems.remedies import BlankWeightedRecognizer, UpsampledRecognizer

ATTENTION_LAYERS = 2
"""One alone cannot look behind where it looked for the token before."""
PRIOR_WEIGHT = 0.1
"""How much of the label priors CTC takes off where it does."""


@dataclass(frozen=True)
class System:
    """One kind of recogniser, and the ways to read word edges off it."""

    build: Callable[[RecognizerConfig], Any]
    """A module that trains on a batch and transcribes."""
    readouts: Mapping[str, BoundaryReadout]
    counts: bool
    """Whether its weights add up to a count, so that it can be told the usual one to start at."""


def _ctc(prior_weight: float = 0.0) -> Callable[[RecognizerConfig], Any]:
    return lambda config: make_baseline(
        BaselineConfig(
            "ctc", config.vocabulary, config.features, config.encoder, prior_weight=prior_weight
        )
    )


def _attention(config: RecognizerConfig) -> Any:
    decoder = replace(config.decoder, layers=ATTENTION_LAYERS)
    return make_baseline(
        BaselineConfig("attention", config.vocabulary, config.features, config.encoder, decoder)
    )


SYSTEMS: Mapping[str, System] = {
    "cif": System(Recognizer, CIF_READOUTS, counts=True),
    "upsampled": System(UpsampledRecognizer, CIF_READOUTS, counts=True),
    "blank-weighted": System(BlankWeightedRecognizer, CIF_READOUTS, counts=True),
    "ctc": System(_ctc(), CTC_READOUTS, counts=False),
    "ctc-priors": System(_ctc(PRIOR_WEIGHT), CTC_READOUTS, counts=False),
    "attention": System(_attention, ATTENTION_READOUTS, counts=False),
}
"""By name."""
