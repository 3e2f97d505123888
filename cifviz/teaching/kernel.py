"""The kernel that lessons are built and tested in: warnings are errors, and there is no network.

Run as a script, ``python cifviz/teaching/kernel.py -f CONNECTION_FILE``: it imports nothing of the
library, so that what the library says when it is imported is an error in a lesson, too.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

LOCAL = {"localhost", "127.0.0.1", "::1", ""}
"""Hosts that may be spoken to: this machine."""

CLOSED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
"""Audit events of Python that mean: somebody wants to reach a host."""


class NetworkBlocked(RuntimeError):
    """A lesson asked for a host. Deliberately no OSError: those are caught and worked around."""


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
    if name is not None and name not in LOCAL:
        raise NetworkBlocked(f"a lesson needs no network, but this asks for {name}")


def main() -> None:
    """Start the kernel; what it imports for itself may warn, what a lesson does may not."""
    del sys.path[0]  # the folder of this script
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize([*sys.argv[1:], "--log-level=CRITICAL"])
    warnings.simplefilter("error")
    # What the kernel says about itself is no business of a lesson.
    warnings.filterwarnings("ignore", module=r"(ipykernel|jupyter_client|traitlets|tornado|zmq)\b")
    sys.addaudithook(refuse_network)
    app.start()


if __name__ == "__main__":
    main()
