"""A Firefox, driven by marionette_driver: playwright drives only one that it brings along."""

import base64
import contextlib
import shutil
import socket
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

EXECUTABLE = shutil.which("firefox-esr") or shutil.which("firefox")

needed = pytest.mark.skipif(
    not (EXECUTABLE and find_spec("marionette_driver")),
    reason="Firefox or marionette_driver is not installed",
)
"""Marks tests that open Firefox."""


class Window:
    """A window of Firefox, asked as one of playwright is."""

    def __init__(self, driver):
        self.driver = driver

    def goto(self, address):
        self.driver.navigate(address)

    def evaluate(self, function, *given):
        """What a JavaScript function returns, run in the page itself."""
        return self.driver.execute_script(
            f"return ({function})(...arguments)", script_args=given, sandbox=None
        )

    def resize(self, width, height=900):
        self.driver.set_window_rect(width=width, height=height)

    def screenshot(self, path):
        """The whole page."""
        Path(path).write_bytes(base64.b64decode(self.driver.screenshot(full=True)))


@contextlib.contextmanager
def started(**preferences):
    """A Firefox without a network, and its window."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it uses of others
        from marionette_driver.marionette import Marionette

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = Marionette(
        port=port,
        app="fxdesktop",
        bin=EXECUTABLE,
        headless=True,
        gecko_log="-",
        startup_timeout=120,
        prefs={"media.autoplay.default": 0, "network.manage-offline-status": False, **preferences},
    )
    try:
        driver.start_session()
        yield Window(driver)
    finally:
        driver.quit()
