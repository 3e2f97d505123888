"""A real Jupyter, its notebooks opened in a real browser."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request

import tasks
from tests.ui.browser import PATIENCE

FRONTENDS = {
    "lab": ("jupyterlab", "LabApp", "/lab/tree/{}?reset"),
    "notebook": ("notebook", "JupyterNotebookApp", "/notebooks/{}"),
}
"""Module to run, its class that lends us the page's insides, and where it shows a notebook."""

READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return Boolean(panel?.sessionContext?.isReady && panel.content?.widgets?.length);
}"""


@contextlib.contextmanager
def server(frontend, folder):
    """JupyterLab or Notebook 7 in a folder, with the settings of the course.

    Yields the address of a notebook by its name.
    """
    module, app, place = FRONTENDS[frontend]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = folder / ".jupyter"
    settings = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        f"--{app}.expose_app_in_browser=True",
    ]
    kinds = ("CONFIG", "DATA", "RUNTIME")
    places = [f"JUPYTER_{kind}_DIR" for kind in kinds]
    places += ["JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR"]
    with (folder / "jupyter.log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", module, *settings],
            cwd=folder,
            env=tasks.lab_environment(os.environ | {name: str(home / name) for name in places}),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/status", running, folder / "jupyter.log")
        yield lambda name: address + place.format(name)
    finally:
        running.terminate()
        running.wait(timeout=PATIENCE)


def wait_for(address, running, log):
    """Until somebody answers."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        assert running.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=PATIENCE):
            return
        time.sleep(0.1)
    raise AssertionError(f"no answer in {PATIENCE} s:\n{log.read_text()}")


class OpenNotebook:
    """A notebook in a page of a browser.

    Parameters
    ----------
    page : playwright.sync_api.Page
    address : str
        Where Jupyter shows it.
    """

    def __init__(self, page, address):
        self.page = page
        self.faults, self.outside, self.dialogs = [], [], []
        page.on("console", self._log)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)
        page.on("dialog", self._dialog)
        self.address = address
        self.open()

    def _log(self, message):
        if message.type == "error":
            self.faults.append(message.text)

    def _asked(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:")):
            self.outside.append(request.url)

    def _dialog(self, dialog):
        """Yes, leave a page that is not saved; everything else should not have come."""
        if dialog.type != "beforeunload":
            self.dialogs.append(dialog.message)
        dialog.accept()

    def open(self):
        """Open it, or open it again."""
        self.page.goto(self.address, wait_until="commit")
        self.page.wait_for_function(READY)

    def write(self, index, code):
        """Put code into a cell."""
        self.page.evaluate(
            """([index, code]) => window.jupyterapp.shell.currentWidget.content.widgets[index]
                .model.sharedModel.setSource(code)""",
            [index, code],
        )

    def restart(self):
        """Restart the kernel, and wait until it is there."""
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )

    def command(self, name):
        """Do what a menu would."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def run(self, index):
        """Run a cell, wait for its end, and return what it printed."""
        self.page.evaluate(
            """async index => {
                const panel = window.jupyterapp.shell.currentWidget;
                panel.content.activeCellIndex = index;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )
        return self.printed(index)

    def printed(self, index):
        """What a cell printed."""
        outputs = self.page.evaluate(
            """index => window.jupyterapp.shell.currentWidget.content.widgets[index]
                .model.outputs.toJSON()""",
            index,
        )
        failed = [one for one in outputs if one["output_type"] == "error"]
        assert not failed, "\n".join(failed[0]["traceback"])
        return "".join(one["text"] for one in outputs if one["output_type"] == "stream")

    def save(self):
        """Save the notebook to its file."""
        self.command("docmanager:save")


def write_notebook(path, *cells):
    """A notebook of code cells for the Python that runs the tests."""
    from nbformat import v4, write

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = [v4.new_code_cell(cell) for cell in cells]
    write(v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)
