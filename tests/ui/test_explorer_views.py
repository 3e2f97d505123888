"""Two views of a widget, of which one corrects tokens: a notebook without a kernel."""

import json

import pytest

from cifviz.explorer import explore
from cifviz.explorer.page import STATIC
from tests.ui import browser

pytestmark = browser.needed

OPEN = """async ([code, style, traits]) => {
    document.head.append(Object.assign(document.createElement('style'), { textContent: style }));
    class Model {
        constructor() { this.traits = traits; this.listeners = []; this.saved = 0; }
        get(name) { return this.traits[name]; }
        on(event, listener) { this.listeners.push([event, listener]); }
        off(event, listener) {
            this.listeners = this.listeners.filter(one => one[0] !== event || one[1] !== listener);
        }
        set(name, value) {
            const given = typeof name === 'string' ? { [name]: value } : name;
            for (const [key, one] of Object.entries(given)) {
                if (JSON.stringify(one) === JSON.stringify(this.traits[key])) continue;
                this.traits = { ...this.traits, [key]: structuredClone(one) };
                for (const [event, listener] of this.listeners) {
                    if (event === `change:${key}`) listener();
                }
            }
        }
        save_changes() { this.saved += 1; }
        send() {}
    }
    const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    const { default: widget } = await import(url);
    window.model = new Model();
    for (const name of ['one', 'other']) {
        const el = document.createElement('div');
        el.id = name;
        document.body.append(el);
        widget.render({ model, el });
    }
}"""
TRAITS = ("data", "settings", "selection", "placed", "edited", "listens")


@pytest.fixture
def two_views(opening, transcription, tmp_path):
    """A page in which a stand-in of a notebook's model has two views."""
    widget = explore(transcription)
    page = tmp_path / "views.html"
    page.write_text("<!DOCTYPE html><html lang='en'><title>views</title><body></body></html>")
    opened = opening(page)
    state = json.loads(json.dumps(widget.get_state(list(TRAITS))))
    code, style = ((STATIC / name).read_text("utf-8") for name in ("widget.js", "style.css"))
    opened.evaluate(OPEN, [code, style, {name: state.get(name) for name in TRAITS}])
    return opened, widget


@pytest.mark.smoke
def test_a_correction_reaches_python_and_the_other_view(two_views):
    opened, widget = two_views
    one, other = (opened.locator(f"#{name}").get_by_role("listbox") for name in ("one", "other"))
    one.focus()
    for key in ("e", "Shift+ArrowRight", "F2"):
        opened.keyboard.press(key)
    opened.keyboard.type("zwei")
    opened.keyboard.press("Enter")
    opened.wait_for_function("() => model.get('edited')?.labels[0] === 'zwei'")
    other.get_by_text("zwei").wait_for()
    widget.set_state({"edited": opened.evaluate("model.get('edited')")})
    assert widget.corrected.tokens[0].token == "zwei"
    moved = widget.corrected.tokens[0].end - widget.alignment.tokens[0].end
    assert moved == pytest.approx(0.01, abs=1e-6)
    # The other one has the same steps, and takes one back for both.
    other.focus()
    opened.keyboard.press("Control+z")
    opened.wait_for_function("() => model.get('edited')?.labels[0] !== 'zwei'")
    one.get_by_text("zwei").wait_for(state="detached")


def test_python_sets_a_correction_and_takes_it_back(two_views):
    opened, widget = two_views
    own = widget.alignment
    widget.corrected = own.shifted(0.01)
    opened.evaluate("edited => model.set('edited', edited)", widget.edited)
    assert opened.locator(".cifviz-note:visible").count() == 2
    labels = opened.evaluate("model.get('edited').labels")
    assert labels == [token.token for token in own]
    opened.locator("#one").get_by_role("button", name="undo").click()
    opened.wait_for_function("() => model.get('edited') === null")
    assert opened.locator(".cifviz-note:visible").count() == 0
    widget.set_state({"edited": None})
    assert widget.corrected is None and widget.alignment == own
