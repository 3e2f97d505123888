"""An utterance, and windows of a browser to look at it."""

import contextlib

import pytest
import soundfile

import cifviz
from tests.ui import browser, explored, jupyter


@pytest.fixture(scope="session")
def clip():
    return cifviz.load_clip("digits_five")


@pytest.fixture(scope="session")
def heard(clip):
    return cifviz.load_model("digits").transcribe(clip.waveform)


SPOKEN = "digits_three"
"""The clip that the microphone hears."""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser that all tests share, and whose microphone hears a clip."""
    from playwright.sync_api import sync_playwright

    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    waveform = cifviz.load_clip(SPOKEN).waveform
    soundfile.write(spoken, waveform.samples, waveform.sample_rate)
    devices = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}%noloop",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=browser.executable(), args=[*browser.QUIET, *devices]
        )
        yield started
        started.close()


@contextlib.contextmanager
def window(chromium, **screen):
    """A window of the browser with a memory of its own, which waits for what it is asked for."""
    with chromium.new_context(**screen) as context:
        context.set_default_timeout(1000 * browser.PATIENCE)
        context.add_init_script(explored.WATCHED)
        yield context.new_page()


@pytest.fixture(scope="module")
def page(chromium):
    """A window that is offline."""
    with window(chromium, offline=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def jupyter_servers(tmp_path_factory):
    """Starts each kind of Jupyter when it is asked for first, and ends it after the last test."""
    with contextlib.ExitStack() as running:
        started = {}

        def server(frontend):
            if frontend not in started:
                folder = tmp_path_factory.mktemp(frontend)
                address = running.enter_context(jupyter.server(frontend, folder))
                started[frontend] = folder, address
            return started[frontend]

        yield server


@pytest.fixture
def opening(chromium):
    """Opens a page in a window of its own that is offline: on a screen, or on another one."""
    with contextlib.ExitStack() as windows:

        def opened(path, *, width=1280, **screen):
            viewport = {"width": width, "height": 900}
            page = windows.enter_context(
                window(chromium, offline=True, viewport=viewport, **screen)
            )
            page.goto(path.as_uri())
            return page

        yield opened
