"""Runs a notebook from a fresh kernel of this very interpreter, closed off from the world."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from cifviz.errors import CIFError, require

ROOT = Path(__file__).resolve().parents[2]
"""What must be on the path for the kernel to import the same cifviz."""

SCRIPT = Path(__file__).with_name("kernel.py")
"""The kernel that is started."""

CELL_SECONDS = 120
"""Longest that one cell may take."""
START_SECONDS = 180
"""Longest that a kernel may take to start."""


class RunError(CIFError):
    """A notebook did not run to its end."""

    def __init__(self, message: str, details: str = ""):
        super().__init__(message)
        self.details = details
        """The traceback of the cell that failed; empty where there is none."""


class SealedKernel(AsyncKernelManager):
    """Starts ``kernel.py`` in this interpreter, whatever kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start it."""
        path = os.environ.get("PYTHONPATH")
        return KernelSpec(
            argv=[sys.executable, str(SCRIPT), "-f", "{connection_file}"],
            env={
                "PYTHONPATH": os.pathsep.join([str(ROOT), *([path] if path else [])]),
                "PYTHONHASHSEED": "0",
                # The models are small: several threads wait for each other, and so do two kernels.
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
    keep: Path | None = None,
) -> NotebookNode:
    """Run all cells of a notebook in order, in a folder of its own, and return it with its outputs.

    Parameters
    ----------
    notebook : NotebookNode
        It is not changed.
    parameters : mapping, optional
        Instead of the values in the cell tagged "parameters".
    keep : Path, optional
        Where the notebook is left if a cell fails or hangs, with all that came before.

    Returns
    -------
    NotebookNode
        With widget state; not normalised.

    Raises
    ------
    CIFError
        If a parameter is not one of the notebook's.
    RunError
        If a cell fails or takes longer than `CELL_SECONDS`, or the kernel dies. Warnings and
        looking for the network count as failures.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbformat import from_dict
    from papermill.exceptions import PapermillExecutionError

    _refuse_unknown(notebook, parameters or {})
    where = f"; the run is in {keep}" if keep else ""
    with tempfile.TemporaryDirectory(prefix="cifviz-lesson-") as folder:
        if keep is not None:
            keep.parent.mkdir(parents=True, exist_ok=True)
        try:
            executed = papermill.execute_notebook(
                from_dict(notebook),
                str(keep) if keep else None,
                dict(parameters or {}),
                kernel_name="python3",
                language="python",
                kernel_manager_class=SealedKernel,
                progress_bar=False,
                request_save_on_cell_execute=keep
                is not None,  # or nothing is left of a hanging run
                start_timeout=START_SECONDS,
                execution_timeout=CELL_SECONDS,
                cwd=folder,
            )
        except PapermillExecutionError as error:
            why = f"{error.ename}: {error.evalue}".partition("\n")[0]
            raise RunError(
                f"cell {error.cell_index} fails with {why}{where}", str(error)
            ) from error
        except (CellTimeoutError, DeadKernelError) as error:
            why = str(error).strip().partition("\n")[0]
            raise RunError(f"the run was cut off: {why}{where}") from error
    if keep is not None:
        keep.unlink(missing_ok=True)
    return executed


def _refuse_unknown(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """Papermill warns of a parameter that no cell knows, and goes on."""
    if not parameters:
        return
    from cifviz.teaching.sources import read_parameters

    known = read_parameters(notebook)
    for name in parameters:
        require(name in known, f"unknown parameter {name!r}, known: {', '.join(known)}", CIFError)
