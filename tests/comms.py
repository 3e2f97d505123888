"""A browser as Python sees it: messages that come through a comm, and those that go out."""

import json


class FakeComm:
    """Takes what can be sent as Jupyter sends it, and hands a browser's messages to a widget."""

    comm_id = "0"

    def __init__(self):
        self.sent = []

    def on_msg(self, callback):
        self.callback = callback

    def send(self, data, buffers=None):
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
        self.sent.append(data)

    def close(self):
        pass


def connected(widget):
    """Let a widget talk to a browser."""
    widget.comm = FakeComm()
    return widget


def update(widget, state):
    """A view changes its model's state; what is sent back."""
    return deliver(widget, {"method": "update", "state": state})


def ask(widget, content, buffers=()):
    """A view asks something; what is sent back."""
    return deliver(widget, {"method": "custom", "content": content}, list(buffers))


def deliver(widget, data, buffers=()):
    widget.comm.sent.clear()
    widget.comm.callback({"content": {"data": data}, "buffers": list(buffers)})
    return widget.comm.sent


def states(sent):
    """What the views were told to show, in the end."""
    told = {}
    for message in sent:
        if message["method"] in ("update", "echo_update"):
            told |= message["state"]
    return told


def errors(sent):
    """What was complained about."""
    return [one["content"]["error"] for one in sent if "error" in one.get("content", {})]


def deep(depth=100_000):
    """Lists in lists."""
    nested = []
    for _ in range(depth):
        nested = [nested]
    return nested


STRANGE = {
    "nothing": None,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "huge": 1e308,
    "more than a float": 10**400,
    "more digits than Python reads": 10**5000,
    "negative": -1,
    "true": True,
    "text": "1",
    "a lone surrogate": "\ud800",
    "a list": [1],
    "a mapping": {"a": 1},
    "bytes": memoryview(b"1"),
}
"""Values that no setting has; what is deep comes from `deep`, which pytest could not print."""
