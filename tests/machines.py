"""Runs the tests as other machines would: `make test-machines`, or ARGS="busy folder" for some.

Each setting is a run of the quick and the slow tests of its own; what only changes the arithmetic
leaves out those of the browser, which computes by itself. What a run printed is kept in
build/machines; its time and its last line are printed when it ends.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

import tasks

KEPT = tasks.ROOT / "build" / "machines"

VARIABLES = {
    "plain": {},
    "mkl-compatible": {"MKL_CBWR": "COMPATIBLE"},
    "mkl-avx2": {"MKL_CBWR": "AVX2"},
    "aten-default": {"ATEN_CPU_CAPABILITY": "default"},
    "aten-avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "two-threads": {"OMP_NUM_THREADS": "2"},
}
"""Settings that are environment variables: what MKL and PyTorch compute with. "plain" has one
thread and neither `MKL_CBWR` nor `ATEN_CPU_CAPABILITY`."""

COMPUTING = ("MKL_CBWR", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS")


@contextlib.contextmanager
def busy():
    """Keep every core busy with something else."""
    others = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield {}
    finally:
        for other in others:
            other.kill()
            other.wait()


@contextlib.contextmanager
def folder():
    """Another temporary folder, whose name has a space and a letter beyond ASCII."""
    with tempfile.TemporaryDirectory(prefix="a földer ") as place:
        yield {"TMPDIR": place, "TEMP": place, "TMP": place}


@contextlib.contextmanager
def home():
    """A home in which nothing can be written: below a file, as modes bind no administrator."""
    with tempfile.NamedTemporaryFile() as file:
        place = os.path.join(file.name, "home")
        hidden = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR")
        yield {"HOME": place, "USERPROFILE": place, **dict.fromkeys(hidden)}


PLACES = {"busy": busy, "folder": folder, "home": home}
"""Settings that last as long as a run; each yields variables, None for one that is not set."""


def main(names):
    """Run the settings with these names, all without any; 1 if one of them fails."""
    known = [*VARIABLES, *PLACES]
    unknown = set(names) - set(known)
    if unknown:
        print(f"expected some of {', '.join(known)}, got {', '.join(sorted(unknown))}")
        return 2
    KEPT.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in names or known:
        with PLACES.get(name, contextlib.nullcontext)() as changes:
            failed += run(name, changes or {})
    return int(failed > 0)


def run(name, changes):
    """Run the stages of one setting, and return how many of them failed."""
    environ = {key: value for key, value in os.environ.items() if key not in COMPUTING}
    environ["OMP_NUM_THREADS"] = "1"
    environ |= VARIABLES.get(name, {})
    for key, value in changes.items():
        if value is None:
            environ.pop(key, None)
        else:
            environ[key] = value
    failed = 0
    options = ["--ignore=tests/ui"] if name in VARIABLES else []
    for stage, command in tasks.stages(sys.executable, tasks.TESTS):
        log = KEPT / f"{name}-{stage.replace(' ', '-')}.log"
        started = time.monotonic()
        with log.open("w", encoding="utf-8") as output:
            code = subprocess.call(
                command + options,
                cwd=tasks.ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        seconds = time.monotonic() - started
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        print(f"{name:16}{stage:14}{seconds:7.0f} s   {''.join(last)}", flush=True)
        failed += code != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
