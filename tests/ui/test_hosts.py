"""The explorer in hosts of anywidgets other than Jupyter: what it asks of them is the contract.

The contract is that of https://anywidget.dev: a host gives a model with `get`, `set`,
`save_changes`, `on`, `off` and `send`, and an element, which may be in a shadow tree. marimo itself
is asked where it is installed, Firefox where it is installed with marionette_driver.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec

import pytest

import cifviz
from cifviz.explorer import to_html
from cifviz.explorer.page import STATIC
from tests.ui import browser, firefox, layout_facts

pytestmark = browser.needed

HOST = """<!DOCTYPE html><html lang="en"><title>host</title><body class="vscode-dark"
style="--vscode-editor-background: #1e1e1e"><div id="host"></div><script type="module">
const given = {GIVEN};
class Model {
    state = new Map(Object.entries(given));
    changed = new Map();
    listeners = [];
    sent = [];
    saved = [];
    get(name) {
        if (!this.state.has(name)) throw new Error(`no trait ${name}`);
        return this.state.get(name);
    }
    set(name, value) {
        if (arguments.length !== 2 || !this.state.has(name)) throw new Error(`set ${name}`);
        this.state.set(name, value);
        this.changed.set(name, value);
    }
    save_changes() {
        this.saved.push(Object.fromEntries(this.changed));
        this.changed.clear();
    }
    on(event, listener) { this.listeners.push([event, listener]); }
    off(event, listener) {
        this.listeners = this.listeners.filter(([e, l]) => e !== event || l !== listener);
    }
    send(content, callbacks, buffers) { this.sent.push(content); }
    tell(name, value) {
        this.state.set(name, value);
        for (const [event, listener] of this.listeners) if (event === `change:${name}`) listener();
    }
}
const source = new Blob([given.source], { type: "text/javascript" });
const { default: widget } = await import(URL.createObjectURL(source));
const tree = document.getElementById("host").attachShadow({ mode: "open" });
tree.append(Object.assign(document.createElement("style"), { textContent: given.style }));
const el = tree.appendChild(document.createElement("div"));
window.model = new Model();
window.close = await widget.render({ model, el });
window.ready = true;
</script></body></html>"""


def host_page(widget, folder):
    """A page that does for a widget what a host does, and nothing more."""
    state = {name: widget.get_state()[name] for name in widget.keys if not name.startswith("_")}
    given = {
        **{name: value for name, value in state.items() if not hasattr(value, "model_id")},
        "source": (STATIC / "widget.js").read_text("utf-8"),
        "style": (STATIC / "style.css").read_text("utf-8"),
    }
    path = folder / "host.html"
    written = json.dumps(given).replace("<", "\\u003c")
    path.write_text(HOST.replace("{GIVEN}", written), "utf-8")
    return path


@pytest.mark.smoke
def test_it_needs_no_more_than_the_contract(opening, transcription, clip, tmp_path):
    widget = cifviz.explore(transcription, reference=clip.words)
    opened = opening(host_page(widget, tmp_path), color_scheme="light")
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.wait_for_function("() => window.ready")
    # 1. It shows, dark as the editor around it is.
    root = opened.locator(".cifviz-explorer")
    assert root.get_attribute("data-theme") == "dark"
    colour = "one => getComputedStyle(one).backgroundColor"
    assert root.evaluate(colour) == "rgb(30, 30, 30)"
    # 2. What is moved here is told to Python, and what Python sets is shown.
    opened.get_by_label("threshold β").focus()
    opened.keyboard.press("ArrowLeft")
    opened.wait_for_function("() => model.saved.some(one => one.settings.threshold === 0.99)")
    opened.evaluate("() => model.tell('selection', 2)")
    assert "3 of 5" in opened.get_by_role("listbox").inner_text()
    # 3. Closed, it leaves nothing behind.
    opened.evaluate("() => window.close()")
    assert opened.evaluate("() => model.listeners.length") == 0 and root.inner_html() == ""
    assert errors == []


NOTEBOOK = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    import cifviz
    clip = cifviz.load_clip("digits_five")
    transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    w = mo.ui.anywidget(cifviz.explore(transcription, reference=clip.words))
    w
    return mo, w

@app.cell
def _(mo, w):
    mo.md(f"threshold {w.settings['threshold']:.2f}, selected {w.selection}")
    return

if __name__ == "__main__":
    app.run()
"""


@pytest.fixture
def marimo_address(tmp_path):
    """Where marimo runs a notebook with an explorer."""
    (tmp_path / "notebook.py").write_text(NOTEBOOK, "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "run", "notebook.py", "--headless", "--no-token"]
    environment = {**os.environ, "MARIMO_SKIP_UPDATE_CHECK": "1"}
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        browser.wait_until(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(browser.PATIENCE)


def _listens(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not find_spec("marimo"), reason="marimo is not installed")
def test_marimo_shows_it_and_follows_it(chromium, marimo_address):
    from tests.ui.explored import wait_for_sound, window

    with window(chromium) as opened:
        asked = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(marimo_address)
        opened.get_by_text("threshold 1.00, selected None").wait_for()
        opened.get_by_label("threshold β").focus()
        opened.keyboard.press("ArrowLeft")
        opened.get_by_text("threshold 0.99, selected None").wait_for()
        opened.get_by_role("button", name="play what is in view").wait_for()  # its sound is here
        opened.get_by_role("listbox").focus()
        opened.keyboard.press("Enter")
        wait_for_sound(opened)
        opened.get_by_text("selected 0").wait_for()
        local = (marimo_address, "ws://", "data:", "blob:")
        assert [url for url in asked if not url.startswith(local)] == []


COLOURS = """() => {
    const { picture } = cifvizExplorer, { top, height } = picture.strips.tokens;
    const { data } = picture.canvas.getContext('2d').getImageData(
        picture.gutter, Math.round(top), picture.canvas.width - picture.gutter, Math.round(height));
    return new Set(new Uint32Array(data.buffer)).size;
}"""


@firefox.needed
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_firefox_shows_it_as_chromium_does(transcription, clip, tmp_path):
    path = to_html(transcription, tmp_path / "page.html", reference=clip.words)
    with firefox.started(**{"ui.systemUsesDarkTheme": 1}) as opened:
        for width in (1280, 500):
            # 1. Nothing is cut, nothing lies upon another, and it is as dark as its page.
            opened.resize(width)
            opened.goto(path.as_uri())
            facts = layout_facts.facts_of(opened)
            assert not (facts.overlapping or facts.clipped or facts.nameless)
            assert not (facts.without_ticks or facts.cut_titles)
            assert opened.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
            assert opened.evaluate("() => cifvizExplorer.picture.look.isDark")
            assert opened.evaluate(COLOURS) > 10
            # 2. A setting moves the tokens.
            labels = "() => cifvizExplorer.state.alignment.map(one => one.label)"
            assert tuple(opened.evaluate(labels)) == transcription.tokens
            fires = "() => cifvizExplorer.seen.aligned.firing.fires"
            before = opened.evaluate(fires)
            opened.evaluate("() => cifvizExplorer.set({ threshold: 0.5, scaling: 'as given' })")
            assert opened.evaluate(fires) > before
