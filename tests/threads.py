"""Two threads, one of which stands in the middle of something while the other begins: no clocks."""

import threading

from cifviz import locks
from cifviz.course import live_figures
from cifviz.explorer import widget

LONG = 120
"""Seconds after which a test has failed; none of them waits for so long if all is well."""


class Watched:
    """A lock that says when somebody has to wait for it."""

    def __init__(self):
        self.lock, self.awaited = threading.RLock(), threading.Event()

    def __enter__(self):
        if not self.lock.acquire(blocking=False):
            self.awaited.set()
            self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


def watched(monkeypatch):
    """The lock of the library, watched."""
    lock = Watched()
    for module in (live_figures, locks, widget):
        monkeypatch.setattr(module, "DISPLAY", lock, raising=False)
    monkeypatch.setattr(widget.Explorer, "lock", lock, raising=False)
    return lock


class Halfway:
    """A function that waits at its end until it may go on, the first time that it is called."""

    def __init__(self, function):
        self.function = function
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, *args, **kwargs):
        result = self.function(*args, **kwargs)
        if not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(LONG)
        return result


def at_once(lock, halfway, first, second):
    """Begin with the second while the first stands halfway; end both."""

    def done():
        second()
        lock.awaited.set()  # it had not to wait

    threads = [threading.Thread(target=first), threading.Thread(target=done)]
    threads[0].start()
    assert halfway.reached.wait(LONG)
    threads[1].start()
    assert lock.awaited.wait(LONG)
    halfway.go_on.set()
    for thread in threads:
        thread.join()
