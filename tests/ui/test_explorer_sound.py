"""What the explorer plays: voice, α as a tone and fires as clicks, at several speeds."""

from dataclasses import replace

import numpy as np
import pytest

from cifviz.explorer import to_html
from tests.ui import browser
from tests.ui.explored import slide, wait_for_sound

pytestmark = [browser.needed, pytest.mark.slow]

KEPT = """() => {
window.buffers = [];
const { start } = AudioBufferSourceNode.prototype;
AudioBufferSourceNode.prototype.start = function (when, offset, duration) {
    window.buffers.push({ rate: this.buffer.sampleRate, offset, duration,
        samples: Array.from(this.buffer.getChannelData(0)) });
    return start.call(this, when, offset, duration);
};
}"""
"""Keeps the samples that the sound card is given."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sound")


@pytest.fixture(scope="module")
def written(transcription, folder):
    return to_html(transcription, folder / "five.html")


@pytest.fixture
def opened(opening, written):
    page = opening(written)
    page.evaluate(KEPT)
    return page


def played(opened):
    """Play what is in view; what the sound card got: samples per second, and the samples."""
    opened.evaluate("() => { started.length = buffers.length = 0; }")
    opened.get_by_role("button", name="play what is in view").click()
    wait_for_sound(opened)
    (got,) = opened.evaluate("buffers")
    first = round(got["offset"] * got["rate"])
    length = got["duration"]
    count = len(got["samples"]) if length is None else round(length * got["rate"])
    return got["rate"], np.array(got["samples"])[first : first + count]


def hear(opened, wanted):
    """Press the button until it says so."""
    for _ in range(3):
        button = opened.get_by_role("button", name="hear:")
        if button.inner_text() == f"hear: {wanted}":
            return
        button.click()
    raise AssertionError(f"cannot hear {wanted}")


def fires_of(opened):
    return np.array(opened.evaluate("cifvizExplorer.playback.audible.fires"))


@pytest.mark.smoke
def test_clicks_are_where_the_fires_are_and_the_voice_stays(opened, transcription):
    rate, voice = played(opened)
    assert len(voice) == pytest.approx(rate * transcription.duration, abs=2)
    hear(opened, "CIF alone")
    _, cif = played(opened)
    hear(opened, "voice + CIF")
    _, both = played(opened)
    assert np.abs(cif).max() <= 0.951 and np.abs(both).max() <= 1
    mix = min(map(len, (voice, cif, both)))
    loudest = np.abs(transcription.waveform.samples).max()
    assert loudest < 0.6  # so that the voice stays as it is
    assert both[:mix] == pytest.approx(voice[:mix] + loudest / 1.5 * cif[:mix], abs=1e-5)
    positions = transcription.firing.fire_positions[0].numpy()
    expected = transcription.grid.start + positions * transcription.grid.shift
    assert fires_of(opened) == pytest.approx(expected, abs=1e-4)
    for place in np.floor(fires_of(opened) * rate + 0.5).astype(int):
        assert abs(cif[place]) > 0.44  # a click of 0.7 on a tone of 0.25 at most
    slide(opened, "gain on α", 0.3)
    hear(opened, "CIF alone")
    _, other = played(opened)
    assert (other != cif).any()  # of the settings as they are now


def test_speeds_keep_the_pitch_and_the_exact_part(opened, transcription):
    hear(opened, "CIF alone")
    for speed in (0.5, 0.75, 1.5):
        opened.get_by_label("speed").select_option(str(speed))
        rate, cif = played(opened)
        assert len(cif) == pytest.approx(rate * transcription.duration / speed, abs=2)
        for place in np.floor(fires_of(opened) / speed * rate + 0.5).astype(int):
            assert abs(cif[place]) > 0.44
        spectrum = np.abs(np.fft.rfft(cif))
        tone = slice(*(np.array([200, 600]) * len(cif) // rate).astype(int))
        peak = (tone.start + np.argmax(spectrum[tone])) * rate / len(cif)
        assert peak == pytest.approx(330, abs=8)
    hear(opened, "voice")
    _, voice = played(opened)
    assert len(voice) == pytest.approx(rate * transcription.duration / 1.5, abs=2)
    assert opened.evaluate("started[0].rate") == 1


def test_the_playhead_follows_the_clock_at_half_speed(opened, transcription):
    opened.get_by_label("speed").select_option("0.5")
    opened.get_by_role("button", name="loop").click()
    opened.get_by_role("button", name="play what is in view").click()
    wait_for_sound(opened)
    now, clock = opened.evaluate(
        """() => new Promise(done => { const { player } = cifvizExplorer.playback;
            setTimeout(() => done([player.now,
                player.context.currentTime - player.playing.began]), 300); })"""
    )
    assert 0 < now == pytest.approx(0.5 * clock % transcription.duration, abs=0.02)
    opened.get_by_role("button", name="stop").click()
    assert opened.evaluate("cifvizExplorer.playback.player.now") is None


def test_one_key_changes_the_sound_and_says_so(opened):
    opened.get_by_role("listbox").focus()
    modes = []
    for _ in range(3):
        opened.keyboard.press("c")
        modes.append(opened.evaluate("cifvizExplorer.playback.player.mode"))
    assert modes == ["voice + CIF", "CIF alone", "voice"]
    opened.keyboard.press("c")
    assert "a click at each fire" in opened.locator(".cifviz-live").inner_text()
    opened.keyboard.press("Enter")
    wait_for_sound(opened)
    token = opened.evaluate("cifvizExplorer.state.alignment[0]")
    length = opened.evaluate("started[0].duration")
    assert length == pytest.approx(token["end"] - token["start"], abs=1e-6)


def test_without_a_recording_the_cif_alone_is_played(opening, transcription, folder):
    silent = replace(transcription, waveform=None)
    opened = opening(to_html(silent, folder / "silent.html"))
    opened.evaluate(KEPT)
    assert opened.get_by_role("button", name="hear:").count() == 0
    rate, cif = played(opened)
    assert len(cif) == pytest.approx(rate * transcription.duration, abs=2)
    assert 0.44 < np.abs(cif).max() <= 0.951
    assert browser.broken_rules(opened) == []
