"""A corpus through `cifviz align --corpus`, unbroken, and killed again and again: is it the same?

Most utterances are the clips that ship, and, where ``CIFVIZ_DATA`` names them, strings of real
digits, each with a gain and a lead of its own. A damaged, an empty and a missing file are among
them, rows of one name, and a sound of two hours.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

import cifviz
from cifviz.audio.waveform import SAMPLE_RATE

PROGRAM = "from cifviz.cli import app; app()"
LONG = 2 * 3600
"""Seconds of the long sound."""
RUNS = {
    "few, 1 workers": ("few", 1),
    "few, 2 workers": ("few", 2),
    "many, 2 workers": ("many", 2),
}
"""The unbroken runs among the results: which rows, and how many workers."""


# --- The corpus ----------------------------------------------------------------------------------


def utterances() -> list[tuple[str, np.ndarray]]:
    """Text and samples of what the corpus is made of."""
    made = []
    if os.environ.get("CIFVIZ_DATA"):
        from cifviz.corpora.datasets import digit_string_waveform, digit_strings

        for split in ("train", "dev", "test"):
            for one in digit_strings(split):
                made.append((" ".join(one.words), digit_string_waveform(one)[0].samples))
    clips = [cifviz.load_clip(name) for name in cifviz.list_clips() if name.startswith("digits")]
    return made + [(clip.words.text, clip.waveform.samples) for clip in clips]


def make_corpus(folder: Path, rows: int, *, long_seconds: float = LONG, seed: int = 0) -> float:
    """Write sounds and ``corpus.jsonl`` into a folder: so many rows, and their seconds of sound."""
    rng = np.random.default_rng(seed)
    basis = utterances()
    lines: list[dict[str, Any]] = []
    seconds = 0.0
    (folder / "sounds").mkdir(parents=True)
    bad = {rows // 7: "damaged.flac", rows // 5: "empty.wav", rows // 4: "missing.wav"}
    for row in range(rows):
        text, samples = basis[row % len(basis)]
        name = f"sounds/{row:05d}.flac"
        if row in bad:
            name = bad[row]
        elif row == rows // 3 and long_seconds:
            name, text = "long.flac", ""
            seconds += _write_long(folder / name, basis, long_seconds)
        else:
            lead = np.zeros(int(rng.integers(0, 1600)), dtype=np.float32)
            changed = np.concatenate([lead, samples * np.float32(rng.uniform(0.5, 1))])
            soundfile.write(folder / name, changed, SAMPLE_RATE)
            seconds += len(changed) / SAMPLE_RATE
        number = row if row % 100 else 0  # every hundredth has the name of the first
        lines.append({"id": f"utterance {number}", "audio_filepath": name, "text": text or None})
    (folder / "damaged.flac").write_bytes(b"fLaC" + rng.bytes(5000))
    (folder / "empty.wav").touch()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "corpus.jsonl").write_text(text)
    return seconds


def _write_long(path: Path, basis: list[tuple[str, np.ndarray]], seconds: float) -> float:
    pause = np.zeros(SAMPLE_RATE // 2, dtype=np.float32)
    written = 0
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1) as file:
        while written < seconds * SAMPLE_RATE:
            for _, samples in basis[:200]:
                for part in (samples, pause):
                    file.write(part[: max(0, int(seconds * SAMPLE_RATE) - written)])
                    written += len(part)
    return seconds


# --- Runs ----------------------------------------------------------------------------------------


@dataclass
class Usage:
    """What the processes of a run took."""

    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    """Of all processes at one moment; memory that they share counts for each."""
    driver_mb: float = 0.0
    """Most of the process that was started."""
    workers_mb: list[float] = field(default_factory=list)
    """Most of each worker, the least first."""


def command(corpus: Path, out: Path, workers: int) -> list[str]:
    """The command line of a run."""
    options = ["--corpus", corpus, "--out", out, "--model", "digits", "--workers", workers]
    return [sys.executable, "-c", PROGRAM, "align", *map(str, options)]


def run(corpus: Path, out: Path, workers: int) -> Usage:
    """Run to the end, and watch it."""
    began = time.monotonic()
    process = subprocess.Popen(
        command(corpus, out, workers), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    usage = Usage()
    watch = threading.Thread(target=_watch, args=(process.pid, usage))
    watch.start()
    _, errors = process.communicate()
    watch.join()
    if process.returncode not in (0, 1):  # 1: some rows failed, as they should
        raise RuntimeError(f"a run ended with {process.returncode}: {errors.decode()}")
    usage.elapsed_s = time.monotonic() - began
    return usage


def _watch(pid: int, usage: Usage) -> None:
    """Look at a process and those that it starts, until it ends."""
    memory: dict[int, float] = {}
    taken: dict[int, float] = {}
    process = psutil.Process(pid)
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        now = 0.0
        for one in _tree(process):
            try:
                used, times = one.memory_info().rss / 2**20, one.cpu_times()
            except psutil.Error:
                continue
            now += used
            memory[one.pid] = max(memory.get(one.pid, 0.0), used)
            taken[one.pid] = times.user + times.system
        usage.peak_mb = max(usage.peak_mb, now)
        time.sleep(0.2)
    usage.cpu_s = sum(taken.values())
    usage.driver_mb = memory.pop(pid, 0.0)
    # Beside the workers there is a process of multiprocessing that looks after what they share.
    usage.workers_mb = sorted(one for one in memory.values() if one > 100)


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def run_and_kill(corpus: Path, out: Path, workers: int, after: Callable[[], float]) -> bool:
    """Start a run and kill it a while after its first row; whether it had not ended before."""
    before = _rows_done(out)
    process = subprocess.Popen(
        command(corpus, out, workers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and _rows_done(out) == before:
        time.sleep(0.2)
    try:
        process.wait(after())
        return False
    except subprocess.TimeoutExpired:
        pass
    started = _tree(psutil.Process(process.pid))[1:]
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(started, timeout=60)  # the workers end when they notice
    return True


def _rows_done(out: Path) -> int:
    """How many rows have their file."""
    return sum(1 for _ in out.glob("utterances/*/*.json"))


# --- What is the same ----------------------------------------------------------------------------


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """Each row and part that is done, and which file it is: another one would be done again."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in [*out.glob("utterances/*/*.json"), *out.glob("parts/part-*.parquet")]
    }


def contents(out: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def broken(
    corpus: Path, out: Path, *, workers: int, kills: int, pause: float, seed: int = 0
) -> dict[str, int]:
    """Kill a run so many times, at random moments, then let it end.

    Returns how often it was killed, how many rows each call found done, and how many of these it
    did again.
    """
    moments = random.Random(seed)
    killed = again = 0
    done: dict[str, tuple[int, int]] = {}
    for _ in range(kills):
        killed += run_and_kill(corpus, out, workers, lambda: moments.uniform(0, 2 * pause))
        found = finished(out)
        again += sum(found.get(name) != file for name, file in done.items())
        done = found
    at_last = len([name for name in done if name.endswith(".json")])
    run(corpus, out, workers)
    found = finished(out)
    again += sum(found.get(name) != file for name, file in done.items())
    return {"kills": killed, "rows_done_before_the_last_call": at_last, "done_again": again}


def measured(
    folder: Path, *, rows: int, kills: int, long_seconds: float = LONG
) -> Iterator[tuple[str, Any]]:
    """Each result as soon as it is known; a tenth of the rows first, on one worker and on two."""
    few, many = folder / "few", folder / "many"
    few_s, many_s = (
        make_corpus(few, rows // 10, long_seconds=0),
        make_corpus(many, rows, long_seconds=long_seconds),
    )
    yield "rows", {"few": rows // 10, "many": rows}
    yield "sound_s", {"few": round(few_s, 1), "many": round(many_s, 1)}
    small: dict[int, Usage] = {}
    for workers in (1, 2):
        out = folder / f"few-{workers}"
        small[workers] = run(few / "corpus.jsonl", out, workers)
        yield f"few, {workers} workers", _numbers(small[workers], out, few_s, workers)
    usage = run(many / "corpus.jsonl", folder / "unbroken", 2)
    yield "many, 2 workers", _numbers(usage, folder / "unbroken", many_s, 2)
    # The worker that got the long sound holds it; the other shows how memory grows with the rows.
    # (Of a trial with few rows one worker may have had nothing to do.)
    ordinary = usage.driver_mb + (usage.workers_mb[:-1] or usage.workers_mb)[-1]
    before = small[2].driver_mb + small[2].workers_mb[-1]
    yield "memory of ten times as many rows", round(ordinary / before, 3)
    found = broken(
        many / "corpus.jsonl",
        folder / "broken",
        workers=2,
        kills=kills,
        pause=0.8 * usage.elapsed_s / kills,
    )
    one, other = contents(folder / "unbroken"), contents(folder / "broken")
    yield "broken", {**found, "files": len(one), "files_that_differ": _differing(one, other)}


def _differing(one: dict[str, str], other: dict[str, str]) -> int:
    return sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())


def _numbers(usage: Usage, out: Path, seconds: float, workers: int) -> dict[str, Any]:
    files = sum(1 for path in out.rglob("*") if path.is_file())
    return {
        "elapsed_s": round(usage.elapsed_s, 1),
        "cpu_s": round(usage.cpu_s, 1),
        "× real time per core, by the clock": round(seconds / usage.elapsed_s / workers, 1),
        "× real time per core": round(seconds / usage.cpu_s, 1),
        "files": files,
        "files per second": round(files / usage.elapsed_s, 1),
        "files per second of CPU": round(files / usage.cpu_s, 1),
        "peak_mb": round(usage.peak_mb),
        "driver_mb": round(usage.driver_mb),
        "workers_mb": [round(one) for one in usage.workers_mb],
    }


# --- The page ------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> str:
    """Speed, files and memory of each unbroken run, and what the kills changed, as Markdown."""
    lines = [
        "| utterances | workers | × real time, of a core's time | by the clock, a core | files a "
        "second of a core's time | memory in all, MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (rows, workers) in RUNS.items():
        one = result[name]
        shown = [
            f"{result['rows'][rows]:,}",
            workers,
            one["× real time per core"],
            one["× real time per core, by the clock"],
            one["files per second of CPU"],
            f"{one['peak_mb']:,}",
        ]
        lines.append(f"| {' | '.join(map(str, shown))} |")
    broken = result["broken"]
    ends = (
        f"Killed {broken['kills']} times: {broken['rows_done_before_the_last_call']:,} rows were "
        f"done when the last call began, {broken['done_again']} files were made again, and of "
        f"{broken['files']:,} files {broken['files_that_differ']} differ from those of the "
        "unbroken run. Ten times as many rows take "
        f"{result['memory of ten times as many rows']:g} times the memory, but for the worker "
        "that reads the longest sound."
    )
    return "\n".join([*lines, "", ends])


def goals(result: dict[str, Any]) -> str:
    """What was asked for, what was measured, and whether that holds."""
    broken = result["broken"]
    measured = [
        ("× real time per core", min(result[name]["× real time per core"] for name in RUNS), 60),
        ("memory of ten times as many rows", -result["memory of ten times as many rows"], -1.1),
        ("rows done again", -broken["done_again"], 0),
        ("files that differ", -broken["files_that_differ"], 0),
    ]
    return "\n".join(
        f"{'holds ' if value >= bound else 'MISSED'}  {name}: {abs(value):g} "
        f"({'<=' if bound <= 0 else '>='} {abs(bound):g})"
        for name, value, bound in measured
    )
