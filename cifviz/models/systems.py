"""What the recipes can train: a CIF recogniser, remedies, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cifviz.models.baselines import BaselineConfig, make_baseline
from cifviz.models.readings import ATTENTION_READINGS, CIF_READINGS, CTC_READINGS, Reading
from cifviz.models.recognizer import Recognizer, RecognizerConfig
from cifviz.models.remedies import BlankWeightedRecognizer, UpsampledRecognizer

PRIOR_WEIGHT = 0.3
"""How much of the label priors CTC takes off where it does."""


@dataclass(frozen=True)
class System:
    """One kind of recogniser, and the ways to read word edges off it."""

    build: Callable[[RecognizerConfig], Any]
    """A module that trains on a batch and transcribes."""
    readings: Mapping[str, Reading]
    counts: bool
    """Whether its weights add up to a count, so that it can be told the usual one to start at."""


def _baseline(kind: str, **settings: Any) -> Callable[[RecognizerConfig], Any]:
    def build(config: RecognizerConfig) -> Any:
        return make_baseline(
            BaselineConfig(
                kind=kind,
                vocabulary=config.vocabulary,
                features=config.features,
                encoder=config.encoder,
                decoder=config.decoder,
                **settings,
            )
        )

    return build


SYSTEMS: Mapping[str, System] = {
    "cif": System(Recognizer, CIF_READINGS, counts=True),
    "upsampled": System(UpsampledRecognizer, CIF_READINGS, counts=True),
    "blank-weighted": System(BlankWeightedRecognizer, CIF_READINGS, counts=True),
    "ctc": System(_baseline("ctc"), CTC_READINGS, counts=False),
    "ctc-priors": System(_baseline("ctc", prior_weight=PRIOR_WEIGHT), CTC_READINGS, counts=False),
    "attention": System(_baseline("attention"), ATTENTION_READINGS, counts=False),
}
"""By name."""
