"""What tests ask of an explorer that is open in a browser."""

import contextlib

from tests.ui import browser

SPOKEN = "digits_three"
"""The clip that the microphone hears."""

WATCHED = """
window.started = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset, duration) {
    window.started.push({ offset, duration, rate: this.playbackRate.value, loop: this.loop });
    return start.call(this, when, offset, duration);
};
"""
"""Keeps what is asked of the sound card."""


@contextlib.contextmanager
def window(chromium, **screen):
    """A window of the browser with a memory of its own, which waits for what it is asked for."""
    with chromium.new_context(**screen) as context:
        context.set_default_timeout(1000 * browser.PATIENCE)
        context.add_init_script(WATCHED)
        yield context.new_page()


def tokens_of(opened):
    return opened.evaluate("cifvizExplorer.state.alignment")


def wait_for_sound(opened):
    """Decoding takes a moment."""
    opened.wait_for_function("() => started.length")


def slide(opened, name, value):
    """Move a slider as a mouse would."""
    slider = opened.get_by_label(name)
    slider.evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
        str(value),
    )


def quiet(opened):
    """Wait until what need not follow at once has followed."""
    opened.evaluate(
        """() => new Promise(done => {
            const { changed } = cifvizExplorer;
            cifvizExplorer.changed = state => {
                cifvizExplorer.changed = changed;
                changed(state);
                done();
            };
            cifvizExplorer.tell();
        })"""
    )
