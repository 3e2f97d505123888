"""`make lab` opens a JupyterLab that shows the first notebook."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import tasks

PATIENCE = 240
"""Seconds after which JupyterLab has not come up, on a machine that does much else."""

TOKEN = secrets.token_hex(16)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab started as `tasks.py lab` starts it."""
    folder = tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--no-browser",
        "--allow-root",  # in a container the tests may run as root
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
    ]
    # Nobody's own Jupyter settings.
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            tasks.lab_command(sys.executable, options),
            cwd=tasks.ROOT,
            env={**os.environ, **places},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(address):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not come up:\n{log.read_text()}")
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def answers(address):
    try:
        return fetch(f"{address}/api")[0] == 200
    except OSError:  # nobody listens yet
        return False


def fetch(address, token=TOKEN):
    request = urllib.request.Request(address, headers={"Authorization": f"token {token}"})
    # Straight to this machine, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE) as answer:
        return answer.status, answer.read().decode()


def test_the_first_notebook_opens(lab):
    status, page = fetch(f"{lab}/lab/tree/{tasks.FIRST_NOTEBOOK}")
    assert status == 200
    assert "jupyter-config-data" in page and "JupyterLab" in page


def test_its_cells_are_served(lab):
    status, body = fetch(f"{lab}/api/contents/{tasks.FIRST_NOTEBOOK}")
    notebook = json.loads(body)
    assert status == 200
    assert notebook["type"] == "notebook"
    assert notebook["content"]["cells"][0]["cell_type"] == "markdown"


def test_the_library_can_be_read_beside_it(lab):
    # As a file: Jupytext would offer any Python file as a notebook too.
    _, body = fetch(f"{lab}/api/contents/cifviz/core/reference.py?type=file")
    assert "def integrate_and_fire" in json.loads(body)["content"]


def test_a_kernel_for_it_is_there(lab):
    _, body = fetch(f"{lab}/api/kernelspecs")
    assert "python3" in json.loads(body)["kernelspecs"]


def test_strangers_are_not_served(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetch(f"{lab}/api/contents/README.md", token="guess")
