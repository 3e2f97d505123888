"""Label- against frame-synchronous recognisers: who fares better where it is hard.

A label-synchronous model (an attention decoder) takes a step for each token and must find its place
in the sound and its end by itself; a frame-synchronous one (CIF, CTC) walks along the frames. So
they should fail apart where length, repetition or gaps differ from what they were trained on: in
`experiments.studies.robustness_sets`.

References
----------
Dong, Yi, Wang, Zhou, Xu, Jia & Xu (2020), *A Comparison of Label-Synchronous and Frame-Synchronous
End-to-End Models for Speech Recognition*, arXiv:2005.10113. Its abstract, which is all that is
quoted of it here, compares a Transformer with a CIF model on three public data sets and one of
12 000 hours: each has "respective advantages that are consistent with their synchronous mode".
Which advantages, it does not say: what `verdict` expects is our reading of the two modes.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from cifviz.audio.waveform import Waveform
from cifviz.errors import DataError, require
from cifviz.formats import read_json
from cifviz.metrics import token_errors
from experiments.measure import Spoken
from experiments.model_card import spread
from experiments.studies.robustness_sets import (
    IN_DOMAIN,
    LONGER,
    NOISE_GAP,
    REPEATED,
    TRUNCATED,
)

CLOSE = 2.0
"""Points of token error rate within which two systems are close."""
BREAKS = 10.0
"""Points of token error rate over a system's own in domain from which on it breaks."""

SOURCE = (
    "Dong et al. (2020), arXiv:2005.10113, compared a Transformer with a CIF model. Of its results "
    "only what the abstract says is taken as known: both have advantages that are consistent with "
    "their synchronous mode. The conditions and what is expected of them are this project's."
)
"""What is the paper's and what is not."""

COMPARISON = "synchrony/digits.json"
"""Where it lies in a folder of results."""
ERRORS = ("deletions", "insertions", "substitutions")
_NEEDED = {IN_DOMAIN, REPEATED, NOISE_GAP, TRUNCATED, *LONGER.values()}
"""Conditions that `verdict` reads."""

Result = Mapping[str, Any]
"""One run of a system: "system", "seed", and under "conditions" what was measured in each."""
Range = tuple[float, float]


class Heard(Protocol):
    """What was recognised in one utterance."""

    @property
    def tokens(self) -> Sequence[str]:
        """In the order in which they were said."""


class Transcriber(Protocol):
    """A recogniser of any kind, `CIFRecognizer` among them."""

    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> Sequence[Heard]:
        """What is heard in each waveform."""


def measure_conditions(
    model: Transcriber, conditions: Mapping[str, Sequence[Spoken]]
) -> dict[str, dict[str, float]]:
    """What a recogniser makes of each set, and how long it takes, one utterance at a time.

    Parameters
    ----------
    model : Transcriber
        In evaluation mode.
    conditions : mapping of str to sequence of Spoken
        At least one word in each set, and sound in each utterance.

    Returns
    -------
    dict of str to dict
        For each set ``utterances``; ``tokens`` said; ``token_error_rate``, ``(D + I + S) / tokens``
        with its counts ``deletions``, ``insertions``, ``substitutions``; ``length_ratio``, tokens
        heard per token said; ``seconds_per_utterance`` and ``real_time_factor`` (seconds per second
        of sound), medians over utterances, the first one heard once before; ``threads`` of torch.
        Times are for comparing systems that were measured in one go on an idle machine.

    Raises
    ------
    CIFError
        If a set has no word or an utterance no sound.
    """
    return {name: _measure(model, name, utterances) for name, utterances in conditions.items()}


def _measure(model: Transcriber, name: str, utterances: Sequence[Spoken]) -> dict[str, float]:
    said = [[word.token for word in spoken.words] for spoken in utterances]
    durations = [spoken.waveform.duration for spoken in utterances]
    require(any(said), f"expected at least one word in {name!r}, got none")
    require(all(durations), f"expected sound in each utterance of {name!r}, got one without")
    model.transcribe_batch([utterances[0].waveform])
    heard, seconds = [], []
    for spoken in utterances:
        began = time.perf_counter()
        (one,) = model.transcribe_batch([spoken.waveform])
        seconds.append(time.perf_counter() - began)
        heard.append(list(one.tokens))
    errors = token_errors(said, heard)
    factors = [taken / lasted for taken, lasted in zip(seconds, durations, strict=True)]
    return {
        "utterances": len(utterances),
        "tokens": errors.tokens,
        "token_error_rate": errors.rate,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "substitutions": errors.substitutions,
        "length_ratio": sum(map(len, heard)) / errors.tokens,
        "seconds_per_utterance": statistics.median(seconds),
        "real_time_factor": statistics.median(factors),
        "threads": torch.get_num_threads(),
    }


def read_comparison(folder: Path) -> list[Result]:
    """The published comparison in a folder of results: one item a run.

    Raises
    ------
    DataError
        If there is none.
    """
    path = folder / COMPARISON
    require(path.is_file(), f"expected a comparison at {path}: run `cifviz compare`", DataError)
    runs: list[Result] = read_json(path)["runs"]
    return runs


def comparison_table(results: Sequence[Result]) -> str:
    """Systems beside each other in each condition.

    Parameters
    ----------
    results : sequence of dict
        One a run: "system", "seed", and under "conditions" what `measure_conditions` returned.

    Returns
    -------
    str
        Markdown: mean ± standard deviation over seeds; errors in % of the tokens said; `SOURCE`.
    """
    lines = [
        "| condition | system | runs | token errors, % | deleted, % | inserted, % "
        "| substituted, % | tokens heard / said | ms per utterance |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for condition in dict.fromkeys(name for one in results for name in one["conditions"]):
        for system in dict.fromkeys(one["system"] for one in results):
            measured = [
                one["conditions"][condition]
                for one in results
                if one["system"] == system and condition in one["conditions"]
            ]
            if not measured:
                continue
            cells = [
                [100 * one["token_error_rate"] for one in measured],
                *([100 * one[kind] / one["tokens"] for one in measured] for kind in ERRORS),
                [one["length_ratio"] for one in measured],
                [1000 * one["seconds_per_utterance"] for one in measured],
            ]
            values = " | ".join(spread(cell) for cell in cells)
            lines.append(f"| {condition} | {system} | {len(measured)} | {values} |")
    return "\n".join([*lines, "", SOURCE])


def verdict(
    results: Sequence[Result], *, label: str = "attention", frame: str = "cif"
) -> list[str]:
    """What is expected of a label- and a frame-synchronous system, and whether it is so.

    Parameters
    ----------
    results : sequence of dict
        As `comparison_table` takes them; every condition measured for both systems.
    label, frame : str
        Names of the label- and the frame-synchronous system.

    Returns
    -------
    list of str
        A sentence for each of six expectations: "Confirmed", "Contradicted" or "Open". Each is a
        statement about a mean over seeds or the difference of two, and open where it would turn if
        each mean were off by its standard deviation. A single run has none: all is open.

        The first calls two systems close within `CLOSE` points; the second one broken that loses
        `BREAKS` points against its own in-domain rate over all longer sets. The next three compare
        what a condition adds to a system's in-domain rate, so that the better one in domain does
        not win them all; among repeated words only deletions (skipped) and insertions (looped)
        count. The last compares the time for an utterance in domain, and is open where the numbers
        of threads differ.

    Raises
    ------
    CIFError
        If a system has no run, or one lacks a condition.
    """
    runs = [[one for one in results if one["system"] == name] for name in (label, frame)]
    for name, group in zip((label, frame), runs, strict=True):
        require(len(group) > 0, f"expected runs of the system {name!r}, got none")
        for one in group:
            missing = sorted(_NEEDED - one["conditions"].keys())
            require(not missing, f"{name!r} with seed {one['seed']} lacks the conditions {missing}")
    measured = [[one["conditions"] for one in group] for group in runs]
    rates = [[_rate(one, [IN_DOMAIN]) for one in group] for group in measured]
    apart = _difference(*rates)
    longest = [[_rise(one, LONGER.values()) for one in group] for group in measured]
    taken = [
        [1000 * one[IN_DOMAIN]["seconds_per_utterance"] for one in group] for group in measured
    ]
    threads = sorted({one[IN_DOMAIN]["threads"] for group in measured for one in group})
    claims = [
        (
            _all(_above(apart, -CLOSE), _below(apart, CLOSE)),
            f"in domain {label} and {frame} are close",
            ("token error rate", rates, "%"),
        ),
        (
            _all(_above(_range(longest[0]), BREAKS), _below(_range(longest[1]), BREAKS)),
            f"beyond the trained length {label} breaks and {frame} does not",
            ("token error rate over in domain", longest, "points"),
        ),
    ]
    for claim, condition, kinds in (
        ("a word said again and again makes {} skip or loop more than {}", REPEATED, ERRORS[:2]),
        ("noise between words costs {} more than {}", NOISE_GAP, ERRORS),
        ("an end cut inside a word costs {} more than {}", TRUNCATED, ERRORS),
    ):
        rises = [[_rise(one, [condition], kinds) for one in group] for group in measured]
        what = "token error rate" if kinds == ERRORS else " and ".join(kinds)
        claims.append(
            (
                _above(_difference(*rises), 0),
                claim.format(label, frame),
                (f"{what} over in domain", rises, "points"),
            )
        )
    claims.append(
        (
            _above(_difference(*taken), 0) if len(threads) == 1 else "open",
            f"{frame} takes less time for an utterance than {label}",
            (f"torch threads {' and '.join(map(str, threads))}; in domain", taken, "ms"),
        )
    )
    return [
        f"{judgement.capitalize()}: {claim} ({what}: {label} {spread(values[0], unit)}, "
        f"{frame} {spread(values[1], unit)})."
        for judgement, claim, (what, values, unit) in claims
    ]


def _rate(
    measured: Mapping[str, Any], among: Iterable[str], kinds: Sequence[str] = ERRORS
) -> float:
    """Errors of these kinds in % of the tokens said, over several conditions together."""
    counts = [measured[name] for name in among]
    errors = sum(one[kind] for one in counts for kind in kinds)
    return 100 * errors / sum(one["tokens"] for one in counts)


def _rise(
    measured: Mapping[str, Any], among: Iterable[str], kinds: Sequence[str] = ERRORS
) -> float:
    """How much higher that rate is than in domain."""
    return _rate(measured, among, kinds) - _rate(measured, [IN_DOMAIN], kinds)


def _range(values: Sequence[float]) -> Range:
    """Mean ± standard deviation; without bounds where a single run tells no spread."""
    mean = statistics.fmean(values)
    deviation = statistics.stdev(values) if len(values) > 1 else math.inf
    return mean - deviation, mean + deviation


def _difference(first: Sequence[float], second: Sequence[float]) -> Range:
    """First − second, wherever within their ranges both lie."""
    (low, high), (least, most) = _range(first), _range(second)
    return low - most, high - least


def _above(values: Range, limit: float) -> str:
    """Whether what lies in a range is above a limit."""
    low, high = values
    return "confirmed" if low > limit else "contradicted" if high < limit else "open"


def _below(values: Range, limit: float) -> str:
    low, high = values
    return _above((-high, -low), -limit)


def _all(*judgements: str) -> str:
    """Of a claim of several parts: wrong with one of them, open until all are confirmed."""
    return next((one for one in ("contradicted", "open") if one in judgements), "confirmed")
