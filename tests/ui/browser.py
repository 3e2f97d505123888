"""What a browser finds wrong with a page of ours."""

import shutil
import time

import pytest

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
QUIET = """
    --disable-gpu --disable-background-networking --disable-component-update --disable-sync
    --no-first-run
""".split()

PATIENCE = 120
"""Seconds after which something has not happened, on a machine that does much else. Tests wait for
what they want to see, and never for so long."""

SCREEN = (1280, "light")
PHONE = (400, "dark")
"""Width in pixels, and colours."""

PICTURES = """() => [...document.images]
    .filter(one => !one.alt.trim() || !one.complete || !one.naturalWidth)
    .map(one => `a picture without words or without a picture: ${one.alt}`)"""

SOUNDS = """() => Promise.all([...document.querySelectorAll('audio')].map(async one => {
    const over = one.error || one.networkState === one.NETWORK_NO_SOURCE;
    if (one.readyState < 1 && !over) await new Promise(done => {
        for (const event of ['loadedmetadata', 'error']) one.addEventListener(event, done);
        one.querySelectorAll('source').forEach(source => source.addEventListener('error', done));
        one.preload = 'metadata';
        setTimeout(done, 60000);
    });
    const name = one.getAttribute('aria-label') || '';
    return one.duration > 0 && name.trim() ? '' : `a sound without a name or a length: ${name}`;
})).then(found => found.filter(Boolean))"""

SIDEWAYS = """() => document.documentElement.scrollWidth > window.innerWidth + 1
    ? [`wider than the window: ${document.documentElement.scrollWidth}`] : []"""


def executable():
    """A Chromium that is on this machine, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def wait_until(condition):
    """Until something that cannot be asked in a page holds; what it returned."""
    last = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < last, f"did not happen in {PATIENCE} s"
        time.sleep(0.05)
    return found


needed = pytest.mark.skipif(
    not executable(), reason=f"none of these is installed: {', '.join(BROWSERS)}"
)
"""Marks tests that open a browser."""


def broken_rules(page):
    """What axe finds serious or critical in a page as it stands, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    return [
        f"axe: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


class Reader:
    """Opens pages in a browser that has no network, on a screen and on a phone at night.

    Parameters
    ----------
    page : playwright.sync_api.Page
        Of a context that is offline.
    """

    def __init__(self, page):
        self.page = page
        self.events = []
        page.on("console", lambda message: self.events.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.events.append(f"error: {error}"))
        page.on("requestfailed", lambda request: self.events.append(f"failed: {request.url[:80]}"))
        page.on("request", self._asked)

    def _asked(self, request):
        if not request.url.startswith(("file:", "data:")):
            self.events.append(f"asked for: {request.url}")

    def faults(self, path, *looks):
        """What is wrong with a page, one line each; axe examines it in each of the looks."""
        self.events.clear()
        self._look(SCREEN)
        self.page.goto(path.as_uri())
        found = [*self.page.evaluate(PICTURES), *self.page.evaluate(SOUNDS)]
        self._look(PHONE)
        found += self.page.evaluate(SIDEWAYS)
        for look in looks or (SCREEN, PHONE):
            self._look(look)
            found += broken_rules(self.page)
        return [*self.events, *found]

    def _look(self, look):
        width, scheme = look
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
