"""Time and memory of one call, on one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer

ROUNDS = 3


def medians(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Median time of each call in seconds, each given about `seconds` in all.

    The calls take turns, so that whatever else the machine does meets them all: their ratios are
    steadier than their times.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
            measured = timer.blocked_autorange(min_run_time=seconds / ROUNDS)
            times[name] += measured.times
    return {name: median(taken) for name, taken in times.items()}


def peak_memory(call: Callable[[], Any]) -> tuple[int, Any]:
    """Most bytes that a call held at once, beyond those held before, and what it returned."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        result = call()
    events = recorded.profiler.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak, result
