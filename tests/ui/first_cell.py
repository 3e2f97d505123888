"""How long the first checked exercise of the browser lesson takes:  python -m tests.ui.first_cell.

Seconds from the click on its button in a page just opened, with nothing kept from an earlier time.
Run it on a machine that does nothing else.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from cifviz.course.site.browser_lesson import build_browser_lesson
from tests.ui import browser

TIMES = 3


def seconds(place: str) -> float:
    """From the click to the verdict, in a browser of its own."""
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(
            executable_path=browser.executable(), args=browser.QUIET
        )
        page = program.new_context(offline=True).new_page()
        page.goto(place)
        cell = page.locator('.runs[data-name="exercise 01.1"]')
        started = time.monotonic()
        cell.get_by_role("button", name="Run").click()
        cell.locator(".ran").get_by_text("01.1").wait_for(timeout=1000 * browser.PATIENCE)
        taken = time.monotonic() - started
        program.close()
    return taken


def main() -> int:
    """Print the seconds of each time."""
    with tempfile.TemporaryDirectory(prefix="cifviz-first-cell-") as folder:
        build_browser_lesson(Path(folder) / "lesson")
        place = (Path(folder) / "lesson" / "index.html").as_uri()
        print(*(f"{seconds(place):.1f} s" for _ in range(TIMES)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
