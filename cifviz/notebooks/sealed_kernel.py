"""The kernel that notebooks are run in: without a network, and warnings are errors, unless asked.

Files that are linked into the folder of a run cannot be changed through the links. The kernel lists
the files of this project that a run reads.

Run as a script, ``python cifviz/notebooks/sealed_kernel.py -f CONNECTION_FILE``: it imports
nothing of the library, so that a warning which the library raises at import is an error, too.
"""

from __future__ import annotations

import os
import socket
import sys
import warnings
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from typing import Any

COPY = "CIFVIZ_RUN"
"""Environment variable: the folder that a run may write to, links in it excepted."""
PROJECT, OPENED = "CIFVIZ_PROJECT", "CIFVIZ_OPENED"
"""Environment variables: a folder, and the file in which the kernel lists what it reads of it."""

STRICT, NETWORK = "CIFVIZ_STRICT", "CIFVIZ_NETWORK"
"""Environment variables: "1" makes warnings errors, and opens the network."""

CLOSED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
"""Audit events of Python that are raised when a host is to be reached."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
"""Flags with which a file is opened to be changed."""
CHANGES = {"os.chmod": 1, "os.chown": 1, "os.truncate": 1, "os.utime": 1}
"""Audit events of a change to the file that a path leads to; how many paths they name."""
MOVES = {
    "os.link": 2,
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "shutil.rmtree": 1,
}
"""Audit events of a name that is added to a folder or removed; how many paths they name."""


class NetworkBlocked(RuntimeError):
    """A notebook asked for a host. No OSError, which libraries catch and work around."""


def refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook that raises when a host other than this machine is asked for.

    Raises
    ------
    NetworkBlocked
        Where it is.
    """
    if event not in CLOSED:
        return
    host = arguments[-1] if event in ("socket.connect", "socket.sendto") else arguments[0]
    if isinstance(host, tuple):
        host = host[0]
    elif event in ("socket.connect", "socket.sendto"):
        return  # a path: a socket inside this machine
    name = host.decode() if isinstance(host, bytes) else host
    if name and not _is_here(name):
        raise NetworkBlocked(f"a notebook runs without a network, but this asks for {name}")


def _is_here(name: str) -> bool:
    """Whether a host is this machine, by a name or an address of its own."""
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        own = socket.gethostname().casefold()
        return name.casefold() in ("localhost", own, own.partition(".")[0])
    return address.is_loopback or address.is_unspecified or str(address) in _own_addresses()


@cache
def _own_addresses() -> frozenset[str]:
    from psutil import net_if_addrs

    return frozenset(
        address.address.partition("%")[0] for every in net_if_addrs().values() for address in every
    )


def refuse_changes(copy: str) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that raises when Python changes a file through a link in a folder.

    Parameters
    ----------
    copy : str
        The folder. A name in it may come and go; a file outside of it that is reached by a path
        that begins in it may not.
    """
    copy = os.path.realpath(copy)

    def inside(path: str) -> bool:
        return path == copy or path.startswith(copy + os.sep)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            paths = arguments[:1] if arguments[2] & WRITING else ()
        else:
            paths = arguments[: CHANGES.get(event) or MOVES.get(event, 0)]
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                given = os.path.abspath(os.fsdecode(path))
                folder, name = os.path.split(given)
                real = os.path.join(os.path.realpath(folder), name)
                real = real if event in MOVES else os.path.realpath(given)
                if inside(given) and not inside(real):
                    raise PermissionError(
                        f"{os.path.relpath(given)} is not in the copy of the folder that this "
                        "run may change"
                    )

    return refuse


def list_opened(project: str, report: str) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that lists the files of a folder that are opened for reading.

    Parameters
    ----------
    project : str
        The folder.
    report : str
        The file to write: one absolute path a line, each once in each process.
    """
    project = os.path.realpath(project) + os.sep
    seen: set[str] = set()
    file = os.open(report, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        given = os.fsdecode(arguments[0])
        if given in seen or (arguments[2] or 0) & WRITING:
            return
        seen.add(given)
        path = os.path.realpath(given)
        if path.startswith(project):
            os.write(file, f"{path}\n".encode(errors="surrogateescape"))

    return note


def main() -> None:
    """Start the kernel; a warning of its own imports is no error."""
    del sys.path[0]  # the folder of this script
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize([*sys.argv[1:], "--log-level=CRITICAL"])
    if os.environ[STRICT] == "1":
        make_warnings_errors()
    if os.environ[NETWORK] != "1":
        sys.addaudithook(refuse_network)
    sys.addaudithook(refuse_changes(os.environ[COPY]))
    sys.addaudithook(list_opened(os.environ[PROJECT], os.environ[OPENED]))
    app.start()


def make_warnings_errors() -> None:
    """Let whatever Python shows by default raise. A ResourceWarning could stop nothing anyway."""
    warnings.simplefilter("error")
    for category in (
        DeprecationWarning,
        ImportWarning,
        PendingDeprecationWarning,
        ResourceWarning,
    ):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("error", category=DeprecationWarning, module="__main__")
    # Warnings about the kernel itself are not caused by the notebook.
    warnings.filterwarnings(
        "ignore", module=r"(IPython|ipykernel|jupyter_client|traitlets|tornado|zmq)\b"
    )


if __name__ == "__main__":
    main()
