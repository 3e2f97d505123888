"""The sound of the explorer at every zoom: drawn from the samples that play, in a real browser."""

import base64

import numpy as np
import pytest

from cifviz.explorer import data, to_html
from cifviz.explorer.page import page
from tests.audio.test_opus import delay
from tests.ui import browser, layout_facts
from tests.ui.explored import wait_for_sound

pytestmark = browser.needed

READY = """() => { const { detail } = cifvizExplorer.seen;
    return !detail.isWaiting && !detail.sound.coming.size && !detail.wanted.length && !detail.job
        && detail.hasSamples(cifvizExplorer.scale); }"""
SAMPLES = """async () => { const { sound } = cifvizExplorer.seen.detail;
    await sound.load(0, sound.samples.length);
    const all = new Float32Array(sound.samples.length);
    sound.samples.copy(0, all);
    const bytes = new Uint8Array(all.buffer);
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text); }"""
LANE = """name => { const { picture } = cifvizExplorer; const { canvas, gutter } = picture;
    const { top, height } = picture.strips[name];
    const wide = canvas.width - gutter;
    const { data } = canvas.getContext('2d').getImageData(gutter, top, wide, height);
    return { wide, height, values: Array.from({ length: wide * height },
        (_, n) => data[4 * n]) }; }"""


def look(opened, begin, length):
    """Show a part, and wait until it is as fine as it gets."""
    opened.evaluate(
        "([begin, length]) => { cifvizExplorer.scale.look(begin, length); cifvizExplorer.look(); }",
        [begin, length],
    )
    opened.wait_for_function(READY)


def samples_of(opened):
    return np.frombuffer(base64.b64decode(opened.evaluate(SAMPLES)), np.float32)


def lane(opened, name):
    """How bright the pixels of a lane are (height, width)."""
    found = opened.evaluate(LANE, name)
    return np.array(found["values"]).reshape(found["height"], found["wide"])


@pytest.fixture(scope="module")
def exact(transcription, tmp_path_factory):
    return to_html(transcription, tmp_path_factory.mktemp("exact") / "page.html")


@pytest.fixture(scope="module")
def small(transcription, tmp_path_factory):
    """Compressed, in pieces of a second, as a long sound is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "LONG", 0.5)
        patch.setattr(data, "PIECE", 1)
        return to_html(transcription, tmp_path_factory.mktemp("small") / "page.html", sound="small")


@pytest.mark.smoke
def test_exact_sound_is_drawn_and_played_sample_by_sample(opening, exact, transcription):
    opened = opening(exact)
    # The sound of the clip has 16 bits, and a browser may take 32767 or 32768 for full scale.
    np.testing.assert_allclose(
        samples_of(opened), transcription.waveform.samples, atol=1.01 / 2**15
    )
    assert opened.get_by_text("compressed sound").count() == 0
    opened.get_by_role("button", name="play what is in view").click()
    wait_for_sound(opened)
    assert opened.evaluate("cifvizExplorer.playback.player.context.sampleRate") == 16000
    assert opened.evaluate("started[0].offset") == 0


def test_the_times_of_compressed_sound_do_not_shift(opening, small, transcription):
    opened = opening(small)
    given, decoded = transcription.waveform.samples, samples_of(opened)
    assert len(decoded) == len(given)
    # The whole, and each piece by itself.
    for part in (slice(None), slice(0, 16000), slice(16000, None)):
        assert abs(delay(decoded[part], given[part])) <= 1
        assert np.corrcoef(decoded[part], given[part])[0, 1] > 0.9
    assert opened.get_by_text("its times are exact, its samples not").is_visible()


def test_a_part_that_crosses_pieces_is_played_from_its_start(opening, small):
    opened = opening(small)
    opened.evaluate("void cifvizExplorer.playback.play(1.2, 1.5)")
    wait_for_sound(opened)
    (played,) = opened.evaluate("started")
    assert played["offset"] == pytest.approx(0.2)
    assert played["duration"] == pytest.approx(0.3)


def test_close_by_the_waveform_is_a_line_through_the_samples(opening, exact, transcription):
    opened = opening(exact)
    loudest = np.abs(transcription.waveform.samples).argmax()
    begin = min(max(loudest / 16000 - 0.01, 0), transcription.duration - 0.02)
    look(opened, begin, 0.02)
    shown = lane(opened, "waveform") < 190  # thin lines are grey, those of the grid are paler
    height, wide = shown.shape
    columns = [np.flatnonzero(column) for column in shown.T]
    assert all(len(one) for one in columns)
    middles = np.array([one.mean() for one in columns[2:-2]])
    # Where the line has to be: samples joined by straight lines.
    rate, peak = 16000, np.abs(transcription.waveform.samples).max()
    seconds = begin + (np.arange(2, wide - 2) + 0.5) / wide * 0.02
    samples = transcription.waveform.samples
    wanted = np.interp(seconds, np.arange(len(samples)) / rate, samples) / peak
    drawn = (height / 2 - 0.5 - middles) / (height / 2)
    assert np.abs(drawn - wanted).mean() < 0.06
    # A block of the coarse picture would be as high all along: single periods are seen.
    assert np.ptp(drawn) > 1.0
    assert max(len(one) for one in columns) < height / 2


def test_each_column_has_the_extremes_of_its_samples(opening, exact, transcription):
    opened = opening(exact)
    look(opened, 0.3, 1.0)
    shown = lane(opened, "waveform") < 100
    height, wide = shown.shape
    samples = transcription.waveform.samples
    loudest = np.abs(samples).max()
    for column in range(0, wide, 7):
        first, last = (int((0.3 + x / wide) * 16000) for x in (column, column + 1))
        part = samples[first : last + 1] / loudest
        rows = np.flatnonzero(shown[:, column])
        if np.ptp(part) * height / 2 < 3:
            continue
        assert abs(rows.min() - (height / 2 - part.max() * height / 2)) <= 1.6
        assert abs(rows.max() + 1 - (height / 2 - part.min() * height / 2)) <= 1.6


def test_close_by_the_spectrogram_has_columns_of_its_own(opening, exact):
    """Between two frames of 10 ms, which were blocks before, there are others."""
    opened = opening(exact)
    look(opened, 0.5, 0.2)
    columns = lane(opened, "logMel").T
    changes = (np.abs(np.diff(columns, axis=0)).max(axis=1) > 0).sum()
    assert changes > 5 * 20  # frames in view


def test_panning_computes_nothing_before_it_has_drawn(opening, exact):
    opened = opening(exact)
    look(opened, 0.1, 0.5)
    counts = opened.evaluate(
        """() => { const { seen, scale, picture } = cifvizExplorer;
        const { mel } = seen.detail.tiles; const { column } = mel; const { draw } = picture;
        let columns = 0, drawn = 0;
        mel.column = function (...given) { columns += 1; column.apply(this, given); };
        picture.draw = function () { drawn += 1; draw.call(this); };
        for (let n = 0; n < 10; n += 1) { scale.pan(0.1); cifvizExplorer.look(); }
        return { columns, drawn }; }"""
    )
    assert counts == {"columns": 0, "drawn": 10}
    opened.wait_for_function(READY)


def test_sound_that_cannot_be_decoded_leaves_the_coarse_picture(opening, exact, tmp_path):
    broken = tmp_path / "broken.html"
    text = exact.read_text("utf-8")
    start = text.index('"sound_pieces": ["') + len('"sound_pieces": ["')
    broken.write_text(text[:start] + "AAAA" + text[start + 400 :], "utf-8")
    opened = opening(broken)
    opened.wait_for_function("() => cifvizExplorer.live.textContent.startsWith('No finer picture')")
    assert (lane(opened, "waveform") < 100).any()


LONG = {"5 min": (300.0, 800), "1 h": (3600.0, 9000)}


@pytest.mark.parametrize("name", LONG)
def test_a_long_recording_is_readable_whole_and_close_by(opening, tmp_path, name):
    path = tmp_path / "long.html"
    made = layout_facts.made(*LONG[name], layout_facts.WORDS)
    path.write_text(page(made, title=name), "utf-8")
    opened = opening(path)
    for length in (LONG[name][0], 60, 1, 0.02):
        opened.evaluate(
            """length => { const { scale } = cifvizExplorer;
            scale.look(Math.min(200, scale.duration - length), length); cifvizExplorer.look(); }""",
            length,
        )
        facts = layout_facts.facts_of(opened)
        assert facts.overlapping == [] and facts.clipped == [] and facts.nameless == []
        assert facts.without_ticks == [] and facts.cut_titles == []
        assert (facts.hidden == 0) == (length <= 1)
