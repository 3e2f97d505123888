"""An utterance, and windows of a browser to look at it."""

import contextlib
from pathlib import Path

import pytest
import soundfile

import cifviz
from tests.ui import browser, explored, jupyter

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def clip():
    return cifviz.load_clip("digits_five")


@pytest.fixture(scope="session")
def transcription(clip):
    return cifviz.load_model("digits").transcribe(clip.waveform)


class Running:
    """What takes long to start and is shared by the tests of this folder: a browser, a Jupyter.

    It ends with the last of them: a loop of playwright that still ran would be in the way of
    whoever starts one.
    """

    def __init__(self):
        self.stack, self.started = contextlib.ExitStack(), {}

    def get(self, name, start):
        """Start it where it does not run, and return what it is."""
        if name not in self.started:
            self.started[name] = self.stack.enter_context(start())
        return self.started[name]

    def end(self):
        self.started.clear()
        self.stack.close()


RUNNING = Running()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    try:
        return (yield)
    finally:
        if nextitem is None or HERE not in nextitem.path.parents:
            RUNNING.end()


def pytest_sessionfinish():
    RUNNING.end()


@contextlib.contextmanager
def launched(folder):
    from playwright.sync_api import sync_playwright

    spoken = folder / "spoken.wav"
    waveform = cifviz.load_clip(explored.SPOKEN).waveform
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


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser whose microphone hears a clip."""
    return RUNNING.get("browser", lambda: launched(tmp_path_factory.mktemp("microphone")))


@pytest.fixture(scope="module")
def page(chromium):
    """A window that is offline."""
    with explored.window(chromium, offline=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def jupyter_server(tmp_path_factory):
    """Gives for a kind of Jupyter its folder, and where it shows a notebook by its name."""

    @contextlib.contextmanager
    def started(frontend):
        folder = tmp_path_factory.mktemp(frontend)
        with jupyter.server(frontend, folder) as address:
            yield folder, address

    return lambda frontend: RUNNING.get(frontend, lambda: started(frontend))


@pytest.fixture
def opening(chromium):
    """Opens a page in a window of its own that is offline: on a screen, or on another one."""
    with contextlib.ExitStack() as windows:

        def opened(path, *, width=1280, **screen):
            viewport = {"width": width, "height": 900}
            page = windows.enter_context(
                explored.window(chromium, offline=True, viewport=viewport, **screen)
            )
            page.goto(path.as_uri())
            return page

        yield opened
