"""Stops a run of a notebook that takes too long, by the clock or of the processors."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from cifviz.errors import is_number, require, shown

POLL_SECONDS = 0.25
"""How often is looked at the time."""


@dataclass(frozen=True)
class Limits:
    """How long a run may take, in seconds; None: as long as it takes."""

    cell: float | None = 300.0
    """One cell, by the clock: what takes longer hangs, even on a busy machine."""
    clock: float | None = None
    """All cells and the start of the kernel, by the clock."""
    cpu: float | None = None
    """All of it and the processes that it starts, of the processors: a busy machine makes a run
    longer by the clock alone."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require(
                value is None or value == math.inf or (is_number(value) and value > 0),
                f"{name} seconds must be a number above 0, got {shown(value)}",
            )

    def exceeded(self, *, cell: float, clock: float, cpu: float) -> str:
        """Which limit is exceeded, in words; empty if none is.

        >>> Limits(cell=10).exceeded(cell=11, clock=12, cpu=1)
        'it takes longer than 10 s'
        """
        if self.cell is not None and cell > self.cell:
            return f"it takes longer than {self.cell:g} s"
        if self.clock is not None and clock > self.clock:
            return f"the run takes longer than {self.clock:g} s"
        if self.cpu is not None and cpu > self.cpu:
            return f"the run takes more than {self.cpu:g} s of CPU time"
        return ""


class Watch:
    """Looks at the time while a run goes on, and ends its processes when a limit is exceeded."""

    def __init__(self, limits: Limits, pid: Callable[[], int | None]):
        self.limits, self._pid = limits, pid
        self.stopped = ""
        """Why the run was stopped; empty if it was not."""
        self._began = time.monotonic()
        self._cell_began: float | None = None
        self._over = threading.Event()

    def cell_starts(self) -> None:
        """The time of a cell begins."""
        self._cell_began = time.monotonic()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look at the time until the end of the block."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            pid = self._pid()
            if pid is None:
                continue
            now = time.monotonic()
            self.stopped = self.limits.exceeded(
                cell=0.0 if self._cell_began is None else now - self._cell_began,
                clock=now - self._began,
                cpu=cpu_seconds(pid) if self.limits.cpu is not None else 0.0,
            )
            if self.stopped:
                end_processes(pid)
                return


def cpu_seconds(pid: int) -> float:
    """What a process and those that it started have taken of the processors; 0 if it is gone."""
    import psutil

    total = 0.0
    for one in _family(pid):
        with suppress(psutil.NoSuchProcess):  # it ended in between: its parent counts it
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def end_processes(pid: int) -> None:
    """End a process and all that it started; of this process, all that it started."""
    import psutil

    for one in reversed(_family(pid)):
        if one.pid != os.getpid():
            with suppress(psutil.NoSuchProcess):
                one.kill()


def _family(pid: int) -> list[Any]:
    """A process and all that it started; empty if it is gone."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []
