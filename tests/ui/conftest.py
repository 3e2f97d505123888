"""An utterance, and windows of a browser to look at it."""

import pytest

import cifviz
from tests.ui import browser, explored


@pytest.fixture(scope="session")
def clip():
    return cifviz.load_clip("digits_five")


@pytest.fixture(scope="session")
def heard(clip):
    return cifviz.load_model("digits").transcribe(clip.waveform)


@pytest.fixture(scope="module")
def chromium():
    """A browser that a module's tests share."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser.executable(), args=browser.QUIET)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page(chromium):
    """A window that is offline."""
    return chromium.new_context(offline=True).new_page()


@pytest.fixture
def opening(chromium):
    """Opens a page in a window of its own that is offline: on a screen, or on another one."""
    contexts = []

    def opened(path, *, width=1280, **screen):
        context = chromium.new_context(
            offline=True, viewport={"width": width, "height": 900}, **screen
        )
        context.add_init_script(explored.WATCHED)
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
