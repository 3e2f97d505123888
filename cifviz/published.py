"""Published results: what is in ``data/results``, and the small analyses that lessons make of it.

Each file is JSON and holds the command that made it, under "command". `python -m experiments` makes
them; here they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from cifviz.errors import DataError, require
from cifviz.formats import read_json
from cifviz.metrics.statistics import deviation, mean, spread

ERROR_KINDS = ("deletions", "insertions", "substitutions")

# --- commands ------------------------------------------------------------------------------------

PROGRAM = "python -m experiments"
FORMER_COMMANDS = {
    "cifviz train": f"{PROGRAM} train",
    "cifviz publish": f"{PROGRAM} publish",
    "cifviz results": f"{PROGRAM} table",
    "cifviz edges": f"{PROGRAM} edges",
    "cifviz compare": f"{PROGRAM} study robustness-comparison",
    "cifviz cover": f"{PROGRAM} study vocabulary-coverage",
    "cifviz tails": f"{PROGRAM} study tail-sweep",
    "cifviz sharpness": f"{PROGRAM} study token-width",
    "python -m cifviz.models.domain_study ": f"{PROGRAM} study domain-flag-",
}
"""How commands begin that earlier results hold, and how they begin now."""


def current_command(command: str) -> str:
    """A command as it is typed now, of one that a result may hold from earlier.

    >>> current_command("cifviz train digits --seed 0")
    'python -m experiments train digits --seed 0'
    """
    for former, current in FORMER_COMMANDS.items():
        if command.startswith(former):
            return current + command.removeprefix(former)
    return command


# --- runs ----------------------------------------------------------------------------------------


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Results of all published runs, in the order of their names.

    Parameters
    ----------
    folder : Path
        Such as ``cifviz.resources.resource("results")``.

    Returns
    -------
    list of dict
        See `read_result`.

    Raises
    ------
    DataError
        If there is none, or one is not the result of a run.
    """
    results = [read_result(path) for path in sorted(folder.glob("*.json"))]
    require(bool(results), f"expected results (*.json) in {folder}, found none", DataError)
    return results


def read_result(path: Path) -> dict[str, Any]:
    """The result of one run.

    Returns
    -------
    dict
        Its settings ("recipe", "variant", "seed", "leave_out", "fit", "config" …), "history"
        (losses by step), and scores of each set, such as "dev" and "test".

    Raises
    ------
    DataError
        If the file is not the result of a run.
    """
    result = read_json(path)
    needed = {"recipe", "variant", "seed", "leave_out", "fit", "recordings", "versions", "history"}
    missing = needed - set(result if isinstance(result, dict) else ())
    require(
        not missing, f"{path} is no result of `{PROGRAM} train`: no {sorted(missing)}", DataError
    )
    return dict(result)


def read_study(folder: Path, name: str) -> Any:
    """The result of a study.

    Raises
    ------
    DataError
        If it is not there; the error names the command that makes it.
    """
    path = study_path(folder, name)
    require(path.is_file(), f"expected {path}: run `{PROGRAM} study {name}`", DataError)
    return read_json(path)


def study_path(folder: Path, name: str) -> Path:
    """Where the result of a study is in a folder of results."""
    return folder / "studies" / f"{name}.json"


# --- token widths --------------------------------------------------------------------------------


class TokenWidths(TypedDict):
    """One run of a CIF that makes or learns its weights in some way, measured on the test set."""

    variant: str
    seed: int
    width: float
    """Mean over tokens of the time over which a token is spread, seconds."""
    heaviest: float
    """The largest weight of an utterance, mean over utterances."""
    shift: float
    """Of its frames, seconds."""
    alpha: list[float]
    """Its weights on the recording `WIDTH_RECORDING`."""


WIDTH_RECORDING = "digits_jackson_pauses"
"""The recording whose weights are kept; see `cifviz.load_recording`."""


def read_token_widths(folder: Path) -> list[TokenWidths]:
    """The published token widths: one item a run; errors as of `read_study`."""
    runs: list[TokenWidths] = read_study(folder, "token-width")["runs"]
    return runs


# --- tail sweep ----------------------------------------------------------------------------------

SPLITS = ("dev", "test")
THRESHOLDS = tuple(tenths / 10 for tenths in range(1, 10))
"""τ: 0.1, 0.2, … 0.9."""


class TailSweep(TypedDict):
    """Every tail rule on the strings of digits."""

    said: dict[str, list[int]]
    """Words in each utterance, by set."""
    runs: list[dict[str, Any]]
    """One item a run: "seed" and for each set "full" (tokens without any tail, of each utterance),
    "rests" (their residuals) and "rules" (errors by rule)."""


def read_tail_sweep(folder: Path) -> TailSweep:
    """The published sweep of tail rules; errors as of `read_study`."""
    sweep: TailSweep = read_study(folder, "tail-sweep")
    return sweep


def total_errors(counts: Mapping[str, float]) -> float:
    """Deletions, insertions and substitutions together.

    >>> total_errors({"deletions": 1, "insertions": 2, "substitutions": 3, "right_counts": 9})
    6
    """
    return sum(counts[kind] for kind in ERROR_KINDS)


def best_thresholds(runs: Sequence[Mapping[str, Any]], split: str) -> list[float]:
    """Every τ of the rule "above τ" with the fewest errors, of all these runs together on one set.

    >>> errors = {f"above {t:g}": {"deletions": 0, "insertions": t < 0.4} for t in THRESHOLDS}
    >>> rules = {name: {**one, "substitutions": 0} for name, one in errors.items()}
    >>> best_thresholds([{"dev": {"rules": rules}}], "dev")
    [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    """
    errors = {
        threshold: sum(total_errors(one[split]["rules"][f"above {threshold:g}"]) for one in runs)
        for threshold in THRESHOLDS
    }
    return [threshold for threshold in THRESHOLDS if errors[threshold] == min(errors.values())]


# --- robustness comparison -----------------------------------------------------------------------

IN_DOMAIN = "in domain"
REPEATED = "repeated"
NOISE_GAP = "noise gap"
SILENCE_GAP = "silence gap"
TRUNCATED = "truncated"
LONGER = {factor: f"{factor} times longer" for factor in (2, 3, 4, 5)}
"""Names of the test sets; how many strings are joined for each of the longer ones."""

CLOSE = 2.0
"""Points of token error rate within which two systems are close."""
BREAKS = 10.0
"""Points of token error rate over a system's own in domain from which on it breaks."""
COMPARED = {IN_DOMAIN, REPEATED, NOISE_GAP, TRUNCATED, *LONGER.values()}
"""Sets that `verdict` needs."""

Range = tuple[float, float]
Sets = Mapping[str, Mapping[str, float]]
"""What one run measured, by test set."""
Pair = Sequence[Sequence[Sets]]
"""That of every run of the label- and of the frame-synchronous system."""


class ComparedRun(TypedDict):
    """One run of a system on every test set."""

    system: str
    seed: int
    conditions: dict[str, dict[str, float]]
    """Counts, rates and times, by test set."""


def read_robustness_comparison(folder: Path) -> list[ComparedRun]:
    """The published robustness comparison: one item a run; errors as of `read_study`."""
    runs: list[ComparedRun] = read_study(folder, "robustness-comparison")["runs"]
    return runs


def verdict(
    results: Sequence[ComparedRun], *, label: str = "attention", frame: str = "cif"
) -> list[str]:
    """What is expected of a label- and a frame-synchronous system, and whether it is so.

    Parameters
    ----------
    results : sequence of ComparedRun
        Every set of `COMPARED` measured for both systems.
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
        what a set adds to a system's in-domain rate, so that the better one in domain does not win
        them all; among repeated words only deletions (skipped) and insertions (looped) count. The
        last compares the time for an utterance in domain, and is open where the numbers of threads
        differ.

    Raises
    ------
    CIFError
        If a system has no run, or one lacks a set.
    """
    pair = [_sets_of(results, name) for name in (label, frame)]
    claims = [
        *_claims_about_length(pair, label, frame),
        *_claims_about_sets(pair, label, frame),
        _claim_about_time(pair, label, frame),
    ]
    return [
        f"{one.judgement.capitalize()}: {one.text} ({one.measure}: "
        f"{label} {spread(one.values[0], one.unit)}, {frame} {spread(one.values[1], one.unit)})."
        for one in claims
    ]


class _Claim(NamedTuple):
    judgement: str
    text: str
    measure: str
    values: Sequence[Sequence[float]]
    """Of every run of both systems."""
    unit: str


def _claims_about_length(pair: Pair, label: str, frame: str) -> Iterator[_Claim]:
    """In domain, and beyond the trained length."""
    rates = [[_rate(one, [IN_DOMAIN]) for one in group] for group in pair]
    apart = _difference(*rates)
    close = _all(_above(apart, -CLOSE), _below(apart, CLOSE))
    text = f"in domain {label} and {frame} are close"
    yield _Claim(close, text, "token error rate", rates, "%")
    longest = [[_rise(one, LONGER.values()) for one in group] for group in pair]
    breaks = _all(_above(_range(longest[0]), BREAKS), _below(_range(longest[1]), BREAKS))
    text = f"beyond the trained length {label} breaks and {frame} does not"
    yield _Claim(breaks, text, "token error rate over in domain", longest, "points")


def _claims_about_sets(pair: Pair, label: str, frame: str) -> Iterator[_Claim]:
    """What a set adds to the in-domain rate."""
    skips_and_loops = ("deletions", "insertions")
    for text, name, kinds in (
        ("repeated words make {} skip or loop more than {}", REPEATED, skips_and_loops),
        ("noise between words costs {} more than {}", NOISE_GAP, ERROR_KINDS),
        ("an end cut inside a word costs {} more than {}", TRUNCATED, ERROR_KINDS),
    ):
        rises = [[_rise(one, [name], kinds) for one in group] for group in pair]
        measure = "token error rate" if kinds == ERROR_KINDS else " and ".join(kinds)
        judgement = _above(_difference(*rises), 0)
        text = text.format(label, frame)
        yield _Claim(judgement, text, f"{measure} over in domain", rises, "points")


def _claim_about_time(pair: Pair, label: str, frame: str) -> _Claim:
    taken = [[1000 * one[IN_DOMAIN]["seconds_per_utterance"] for one in group] for group in pair]
    threads = sorted({one[IN_DOMAIN]["threads"] for group in pair for one in group})
    judgement = _above(_difference(*taken), 0) if len(threads) == 1 else "open"
    text = f"{frame} takes less time for an utterance than {label}"
    measure = f"torch threads {' and '.join(map(str, threads))}; in domain"
    return _Claim(judgement, text, measure, taken, "ms")


def _sets_of(results: Sequence[ComparedRun], system: str) -> list[Sets]:
    """What each run of a system measured, by set."""
    group = [one for one in results if one["system"] == system]
    require(len(group) > 0, f"expected runs of the system {system!r}, got none")
    for one in group:
        missing = sorted(COMPARED - one["conditions"].keys())
        require(not missing, f"{system!r} with seed {one['seed']} lacks the sets {missing}")
    return [one["conditions"] for one in group]


def _rate(
    measured: Sets,
    among: Iterable[str],
    kinds: Sequence[str] = ERROR_KINDS,
) -> float:
    """Errors of these kinds in % of the reference tokens, over several sets together."""
    counts = [measured[name] for name in among]
    errors = sum(one[kind] for one in counts for kind in kinds)
    return 100 * errors / sum(one["tokens"] for one in counts)


def _rise(
    measured: Sets,
    among: Iterable[str],
    kinds: Sequence[str] = ERROR_KINDS,
) -> float:
    """How much higher that rate is than in domain."""
    return _rate(measured, among, kinds) - _rate(measured, [IN_DOMAIN], kinds)


def _range(values: Sequence[float]) -> Range:
    """Mean ± standard deviation; without bounds where a single run has no deviation."""
    middle, around = mean(values), deviation(values) if len(values) > 1 else float("inf")
    return middle - around, middle + around


def _difference(first: Sequence[float], second: Sequence[float]) -> Range:
    """First − second, wherever within their ranges both lie."""
    (low, high), (least, most) = _range(first), _range(second)
    return low - most, high - least


def _above(values: Range, limit: float) -> str:
    """Whether all of a range is above a limit."""
    low, high = values
    return "confirmed" if low > limit else "contradicted" if high < limit else "open"


def _below(values: Range, limit: float) -> str:
    low, high = values
    return _above((-high, -low), -limit)


def _all(*judgements: str) -> str:
    """Of a claim of several parts: wrong with one of them, open until all are confirmed."""
    return next((one for one in ("contradicted", "open") if one in judgements), "confirmed")
