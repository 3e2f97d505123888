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
        Where the notebook is left if a cell fails, with the error in it.

    Returns
    -------
    NotebookNode
        With widget state; not normalised.

    Raises
    ------
    CIFError
        If a parameter is not one of the notebook's.
    papermill.exceptions.PapermillExecutionError
        If a cell fails: warnings and looking for the network count as failures.
    """
    import papermill
    from nbformat import from_dict

    _refuse_unknown(notebook, parameters or {})
    with tempfile.TemporaryDirectory(prefix="cifviz-lesson-") as folder:
        if keep is not None:
            keep.parent.mkdir(parents=True, exist_ok=True)
        executed = papermill.execute_notebook(
            from_dict(notebook),
            str(keep) if keep else None,
            dict(parameters or {}),
            kernel_name="python3",
            language="python",
            kernel_manager_class=SealedKernel,
            progress_bar=False,
            request_save_on_cell_execute=False,
            start_timeout=START_SECONDS,
            execution_timeout=CELL_SECONDS,
            cwd=folder,
        )
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
