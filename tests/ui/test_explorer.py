"""The explorer as a file, in a real browser with the network off."""

from dataclasses import replace

import pytest

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.explorer import to_html
from tests.ui import browser
from tests.ui.explored import slide, tokens_of, wait_for_sound

pytestmark = browser.needed


@pytest.fixture(scope="module")
def written(transcription, tmp_path_factory):
    """The explorer of a clip, as a file."""
    path = tmp_path_factory.mktemp("explorer") / "digits_five.html"
    return to_html(transcription, path, reference=cifviz.load_clip("digits_five").words)


@pytest.fixture(scope="module")
def window(page):
    """A window of a browser that is offline."""
    return page


@pytest.fixture
def opened(window, written):
    """The explorer, freshly opened."""
    asked = []
    window.on("request", lambda request: asked.append(request.url))
    window.goto("about:blank")
    asked.clear()
    window.goto(written.as_uri())
    window.asked = asked
    return window


@pytest.mark.smoke
def test_it_is_whole_and_small(reader_of, written):
    assert reader_of(written) == []
    without_sound = written.read_text().partition('"sound_pieces": ["')[0]
    assert len(without_sound.encode()) < 300_000


@pytest.fixture
def reader_of(window):
    return lambda path: browser.Reader(window).faults(path)


def test_it_shows_the_transcription_of_python(opened, transcription):
    shown = tokens_of(opened)
    assert [token["label"] for token in shown] == list(transcription.tokens)
    for token, (start, end) in zip(shown, transcription.alignment.spans, strict=True):
        assert token["start"] == pytest.approx(start, abs=1e-6)
        assert token["end"] == pytest.approx(end, abs=1e-6)
    assert [url for url in opened.asked if not url.startswith(("file:", "blob:", "data:"))] == []


@pytest.mark.smoke
def test_a_slider_moves_the_tokens_and_reset_brings_them_back(opened, transcription):
    before = tokens_of(opened)
    slide(opened, "threshold β", 0.5)
    cif = transcription.config.cif
    rounded = round_at_pauses(
        transcription.firing.alpha,
        transcription.firing.frame_lengths,
        pause_frames=cif.pause_frames,
        pause_weight=cif.pause_weight,
        threshold=0.5,
        tail=cif.tail,
    )
    count = int(rounded.sum() / 0.5 + 0.5)
    assert len(tokens_of(opened)) == count > len(before)
    assert opened.get_by_role("definition").nth(2).inner_text() == str(count)
    opened.get_by_role("button", name="reset").click()
    assert tokens_of(opened) == before


def test_enter_plays_the_chosen_token_and_nothing_more(opened, transcription):
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Enter")
    wait_for_sound(opened)
    (played,) = opened.evaluate("started")
    start, end = transcription.alignment.spans[1]
    assert played["offset"] == pytest.approx(start, abs=1e-6)
    assert played["duration"] == pytest.approx(end - start, abs=1e-6)


@pytest.mark.smoke
def test_a_click_on_a_token_plays_it(opened, transcription):
    place = opened.evaluate(
        """() => { const box = cifvizExplorer.picture.canvas.getBoundingClientRect();
        const { tokens } = cifvizExplorer.picture.strips;
        const token = cifvizExplorer.state.alignment[2];
        const x = cifvizExplorer.scale.x((token.start + token.end) / 2);
        const left = box.width - cifvizExplorer.scale.width;
        return [box.x + left + x, box.y + tokens.top + tokens.height / 2]; }"""
    )
    opened.mouse.click(*place)
    wait_for_sound(opened)
    assert opened.evaluate("cifvizExplorer.state.selection") == 2
    assert opened.evaluate("started[0].offset") == pytest.approx(
        transcription.alignment.spans[2][0]
    )


def test_loop_reaches_the_sound_card(opened):
    opened.get_by_role("button", name="loop").click()
    opened.get_by_role("button", name="play what is in view").click()
    wait_for_sound(opened)
    assert opened.evaluate("started[0]")["loop"] is True


def test_keys_zoom_walk_and_leave(opened):
    opened.get_by_role("listbox").focus()
    whole = opened.evaluate("cifvizExplorer.scale.end - cifvizExplorer.scale.begin")
    opened.keyboard.press("End")
    assert opened.evaluate("cifvizExplorer.selected") == 4
    opened.keyboard.press("Home")
    assert opened.evaluate("cifvizExplorer.selected") == 0
    opened.keyboard.press("+")
    closer = opened.evaluate("cifvizExplorer.scale.end - cifvizExplorer.scale.begin")
    assert closer == pytest.approx(whole / 2)
    opened.keyboard.press("Escape")
    assert opened.evaluate("document.activeElement === cifvizExplorer.root")


def test_a_weight_can_be_dragged(opened):
    opened.get_by_role("button", name="drag weights").click()
    before = opened.evaluate("cifvizExplorer.seen.aligned.sum")
    top = opened.evaluate(
        """() => { scrollTo(0, 0); const { picture } = cifvizExplorer;
        const box = picture.canvas.getBoundingClientRect(), { weights } = picture.strips;
        return [box.x + 120, box.y + weights.top + 1]; }"""
    )
    opened.mouse.click(*top)
    assert opened.evaluate("cifvizExplorer.seen.aligned.sum") > before + 0.2


@pytest.mark.smoke
def test_a_link_sets_known_settings_only(opened, written):
    opened.goto(f"{written.as_uri()}#threshold=0.5&tail=evil:1&count=-3&onload=alert(1)")
    settings = opened.evaluate("cifvizExplorer.settings")
    assert (settings["threshold"], settings["count"]) == (0.5, 5)
    assert settings["tail"]["rule"] == "above"
    assert "onload" not in settings


@pytest.mark.smoke
def test_labels_are_text(window, transcription, tmp_path):
    evil = ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "<!--", "&amp;"]
    labels = tuple([*evil, "one\u2028two"][: len(transcription.tokens)])
    reference = Alignment(
        tuple(
            TimedToken(label, *span)
            for label, span in zip(labels, transcription.alignment.spans, strict=True)
        )
    )
    path = tmp_path / "evil.html"
    title = "</title><script>alert(3)</script>"
    to_html(replace(transcription, tokens=labels), path, reference=reference, title=title)
    messages = []
    window.on("dialog", lambda dialog: (messages.append(dialog.message), dialog.dismiss()))
    window.goto(path.as_uri())
    window.evaluate("() => { cifvizExplorer.tables.tokens.box.open = true; }")
    window.wait_for_selector("td")
    assert window.evaluate(
        "[...document.querySelectorAll('tbody th')].map(c => c.textContent)"
    ) == [*labels]
    assert window.title() == title
    assert messages == []
    assert window.evaluate("document.images.length") == 0


@pytest.mark.parametrize("width", [1280, 400])
def test_a_sound_out_of_domain_is_flagged(window, reader_of, transcription, tmp_path, width):
    config = replace(transcription.config, vocabulary=("<b>zero</b>", "</script>"))
    flagged = replace(transcription, config=config, model="<i>", domain_distance=99.0)
    assert reader_of(to_html(flagged, tmp_path / "flagged.html")) == []
    window.set_viewport_size({"width": width, "height": 900})
    assert window.locator(".cifviz-model").inner_text() == flagged.summary
    note = window.get_by_role("note")
    assert note.inner_text() == f"⚠ warning: {flagged.warning}"
    box = note.bounding_box()
    assert 0 <= box["x"] < box["x"] + box["width"] <= width
    assert box["y"] + box["height"] < window.locator(".cifviz-stage").bounding_box()["y"]
    assert window.locator("main :is(b, i)").count() == 0


def test_a_sound_in_domain_is_not_flagged(opened, transcription):
    assert opened.locator(".cifviz-model").inner_text() == transcription.summary
    assert opened.get_by_role("note").count() == 0
