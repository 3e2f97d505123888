"""Runs a notebook from a fresh kernel of this interpreter, without a network."""

from __future__ import annotations

import atexit
import copy
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from cifviz.errors import CIFError, require, shown
from cifviz.notebooks.normalise import RUN
from cifviz.notebooks.notebook_parameters import read_parameters
from cifviz.notebooks.reader import (
    DEEPEST,
    NBVAL,
    is_run,
    is_too_deep,
    outputs,
    read_notebook,
    tags,
)
from cifviz.notebooks.run_inputs import ROOT, used_files
from cifviz.notebooks.run_limits import Limits, Watch, cpu_seconds
from cifviz.notebooks.sealed_kernel import COPY, NETWORK, OPENED, PROJECT, STRICT
from cifviz.notebooks.working_copy import working_copy
from cifviz.resources import write_atomically

SCRIPT = Path(__file__).with_name("sealed_kernel.py")
"""The kernel that is started."""

START_SECONDS = 180
"""Longest that a kernel may take to start."""

OTHER_KERNELS = {"ir": "R", "julia": "Julia", "bash": "Bash", "octave": "Octave", "deno": "Deno"}
"""Languages of kernels that notebooks name without the language."""


class RunError(CIFError):
    """A notebook did not run to its end."""

    def __init__(self, message: str, details: str = ""):
        super().__init__(message)
        self.details = details
        """The traceback of the cell that failed; empty where there is none."""


class SealedKernel(AsyncKernelManager):
    """Starts ``sealed_kernel.py`` in this interpreter, whatever kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start it."""
        path = os.environ.get("PYTHONPATH")
        return KernelSpec(
            argv=[sys.executable, str(SCRIPT), "-f", "{connection_file}"],
            env={
                "PYTHONPATH": os.pathsep.join([str(ROOT), *([path] if path else [])]),
                "PYTHONHASHSEED": "0",
                # The models are small: several threads, or kernels, would wait for each other.
                "OMP_NUM_THREADS": "1",
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            },
            display_name="Python 3 (ipykernel)",
            language="python",
        )


def execute(
    notebook: NotebookNode,
    *,
    parameters: Mapping[str, Any] | None = None,
    beside: Path | None = None,
    keep: Path | None = None,
    limits: Limits | None = None,
    strict: bool = True,
    network: bool = False,
) -> NotebookNode:
    """Run all cells of a notebook in order and return it with its outputs.

    A cell tagged "skip-execution" is not run, one tagged "raises-exception" may fail; so may be
    those that nbval knows by other names, see `cifviz.notebooks.reader.tags`.

    Parameters
    ----------
    notebook : NotebookNode
        It is not changed.
    parameters : mapping, optional
        Instead of the values in the cell tagged "parameters".
    beside : Path, optional
        The folder that the notebook lies in: it is run in a `working_copy` of it. Default: in an
        empty folder.
    keep : Path, optional
        Where the notebook is left if it does not run to its end, with all that came before.
    limits : Limits, optional
        Of the time that it takes. Default: those of `Limits`, 300 s for a cell.
    strict : bool
        Whether a warning fails the cell that raises it.
    network : bool
        Whether other machines can be reached; looking for one fails the cell otherwise.

    Returns
    -------
    NotebookNode
        With widget state, and in ``metadata.cifviz_run`` with ``cpu_seconds``, what the kernel and
        the processes that it started took, its start included, and ``files``, what `used_files`
        returned for it. Not normalised.

    Raises
    ------
    CIFError
        If a parameter is not one of the notebook's.
    RunError
        If the notebook is not for Python, a cell fails, a limit is exceeded, or the kernel dies.
    """
    require(not (why := why_not_run(notebook)), why, RunError)
    result = _prepared(notebook, parameters or {})
    with tempfile.TemporaryDirectory(prefix="cifviz-run-", ignore_cleanup_errors=True) as name:
        temporary = Path(name).resolve()
        folder = temporary / "run"
        folder.mkdir()
        home = folder if beside is None else working_copy(beside, folder)
        opened = temporary / "opened"
        own = {COPY: str(folder), "IPYTHONDIR": str(temporary / "ipython")}
        own |= {PROJECT: str(ROOT), OPENED: str(opened)}
        own |= {STRICT: str(int(strict)), NETWORK: str(int(network))}
        try:
            _run(result, temporary, limits or Limits(), cwd=str(home), env={**os.environ, **own})
        except RunError as error:
            kept = keep_run(result, keep) if keep is not None else None
            where = f"; the run is in {kept}" if kept else ""
            if keep is not None and kept is None:
                where = f"; the run cannot be kept in {keep.parent}"
            raise RunError(f"{error}{where}", error.details) from error
        if opened.is_file():
            paths = opened.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            result.metadata.setdefault(RUN, {})["files"] = used_files(paths)
    return result


def why_not_run(notebook: NotebookNode) -> str:
    """Why a notebook cannot be run here; empty if it can.

    >>> why_not_run(NotebookNode(metadata={"kernelspec": {"name": "ir"}}))
    "it is for a kernel of 'R', only Python is run here"
    """
    language = language_of(notebook)
    if re.fullmatch(r"i?python\d*", language.casefold()):
        return ""
    return f"it is for a kernel of {shown(language)}, only Python is run here"


def language_of(notebook: NotebookNode) -> str:
    """The language of the kernel that a notebook is for; Python if it does not say.

    >>> language_of(NotebookNode(metadata={"kernelspec": {"name": "ir", "display_name": "R 4"}}))
    'R'
    """
    spec = notebook.metadata.get("kernelspec", {})
    named = spec.get("language") or notebook.metadata.get("language_info", {}).get("name")
    kind = re.match(r"[a-z]*", str(spec.get("name", "")))
    return str(named or OTHER_KERNELS.get(kind[0] if kind else "", "python"))


def keep_run(notebook: NotebookNode, keep: Path) -> Path | None:
    """Leave a run to be looked at; an earlier run there is replaced, and nothing else.

    Returns
    -------
    Path or None
        Where it is: `keep`, or a name with a number where something else has that name. None if it
        can be written nowhere.
    """
    import nbformat

    notebook.metadata.setdefault(RUN, {})
    places = [keep, *(keep.with_stem(f"{keep.stem}-{number}") for number in range(2, 100))]
    try:
        text = nbformat.writes(notebook, ensure_ascii=True)
        keep.parent.mkdir(parents=True, exist_ok=True)
        place = next(one for one in places if not os.path.lexists(one) or _is_run(one))
        return write_atomically(
            place, lambda part: part.write_text(text, encoding="utf-8"), overwrite=True
        )
    except (OSError, CIFError, RecursionError, StopIteration):
        return None


def _is_run(path: Path) -> bool:
    try:
        return RUN in read_notebook(path).metadata
    except CIFError:
        return False


def _prepared(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """A copy with the parameters, and without what a run makes."""
    result = copy.deepcopy(notebook)
    result.metadata.pop("widgets", None)
    if parameters:
        import papermill

        _refuse_unknown(notebook, parameters)
        result = papermill.execute_notebook(
            result,
            None,
            dict(parameters),
            prepare_only=True,
            kernel_name="python3",
            language="python",
        )
    for cell in result.cells:
        if set(NBVAL) & tags(cell):
            cell.metadata["tags"] = sorted(tags(cell))  # those that nbclient knows are among them
        if is_run(cell):
            cell.execution_count = None
            cell.outputs = []
    return result


class _Progress:
    """Which cell runs, and what the kernel has taken of the processors so far."""

    def __init__(self, notebook: NotebookNode, kernel: SealedKernel, limits: Limits):
        self.notebook, self.kernel, self.cell = notebook, kernel, 0
        self.watch = Watch(limits, self.pid)

    def pid(self) -> int | None:
        return getattr(self.kernel.provisioner, "pid", None)

    def started(self, cell: NotebookNode, cell_index: int) -> None:
        self.cell = cell_index
        self.watch.cell_starts()

    def executed(self, cell: NotebookNode, cell_index: int, execute_reply: Any) -> None:
        pid = self.pid()
        if pid is not None:
            self.notebook.metadata[RUN] = {"cpu_seconds": cpu_seconds(pid)}


def _run(notebook: NotebookNode, temporary: Path, limits: Limits, **options: Any) -> None:
    """Run the cells; whatever stops that is a `RunError`.

    Files of the kernel go into a temporary folder, not into the user's home.
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    # 1. Run the cells, and name what stopped them.
    kernel = SealedKernel(connection_file=str(temporary / "kernel.json"))
    log = temporary / "kernel.log"
    progress = _Progress(notebook, kernel, limits)
    client = _client(notebook, kernel, progress)
    try:
        with log.open("wb") as printed, progress.watch.watching():
            client.execute(cleanup_kc=True, stdout=printed, stderr=printed, **options)
    except CellExecutionError as error:
        why = f"{error.ename}: {error.evalue}".partition("\n")[0][:200]
        raise RunError(f"cell {progress.cell} fails with {why}", error.traceback) from error
    except DeadKernelError as error:
        why = progress.watch.stopped or "the kernel died"
        raise RunError(f"cell {progress.cell} was cut off: {why}") from error
    except RecursionError as error:
        raise RunError(f"cell {progress.cell} shows data that are nested too deeply") from error
    except UnicodeError as error:
        raise RunError(f"cell {progress.cell} holds text that is not Unicode") from error
    except (RuntimeError, OSError) as error:
        if progress.watch.stopped:
            raise RunError(f"the run was cut off: {progress.watch.stopped}") from error
        details = log.read_text(encoding="utf-8", errors="replace")
        why = "".join(f": {line}" for line in details.splitlines()[-1:])
        raise RunError(f"the kernel did not start{why}", details) from error
    finally:
        # nbclient leaves it behind where a kernel does not start; at exit it prints an error.
        atexit.unregister(client._cleanup_kernel)
    # 2. Refuse outputs that cannot be copied or written.
    deep = [number for number, output in outputs(notebook) if is_too_deep(output)]
    require(
        not deep,
        f"cell {deep[0] if deep else ''} shows data nested more than {DEEPEST} levels deep",
        RunError,
    )


def _client(notebook: NotebookNode, kernel: SealedKernel, progress: _Progress) -> Any:
    """What sends the cells to the kernel."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    class Client(NotebookClient):
        async def _async_check_alive(self) -> None:
            # Called once a second, also after a run that failed, where it would raise again.
            if self.kc is None:
                raise DeadKernelError("it was shut down")
            await super()._async_check_alive()

    return Client(
        notebook,
        km=kernel,
        timeout=None,
        startup_timeout=START_SECONDS,
        shutdown_kernel="immediate",
        record_timing=False,
        on_cell_start=progress.started,
        on_cell_executed=progress.executed,
    )


def _refuse_unknown(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """Papermill warns of a parameter that no cell knows, and goes on."""
    known = read_parameters(notebook)
    for name in parameters:
        require(name in known, f"unknown parameter {name!r}, known: {', '.join(known)}", CIFError)
