"""Lanes that are compared: matched tokens, lines, numbers, kept settings, intervals of words."""

import re
from dataclasses import replace

import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.explorer import to_html
from cifviz.explorer.settings import realign
from cifviz.metrics import agreement
from cifviz.systems.doubtful_words import DOUBTS, PRESENCE
from cifviz.systems.transcription import INTERVALS
from tests.ui import browser, layout_facts
from tests.ui.explored import quiet, slide
from tests.ui.test_explorer_lanes import PLACE

pytestmark = [browser.needed, pytest.mark.slow]

LABELS = ("<img src=x onerror=alert(1)>", "__proto__")
HALF = {"threshold": 0.5, "scaling": "as given"}

ROWS = """() => Object.fromEntries(
    [...cifvizExplorer.tables.agreement.table.querySelectorAll('tbody tr')].map(row =>
        [row.querySelector('th').textContent,
         [...row.querySelectorAll('td')].map(cell => cell.textContent)]))"""
NAMES = "cifvizExplorer.seen.compare.map(one => one.name)"
LINES = """name => {
    const { picture } = cifvizExplorer;
    const strip = picture.strips[name], unit = picture.canvas.width / picture.width;
    const drawing = picture.canvas.getContext('2d');
    const { look } = picture;
    const colours = { large: look.isDark ? '#ff9a3c' : '#b34700', middle: look.accent };
    const found = {};
    for (const [kind, colour] of Object.entries(colours)) {
        const probe = new OffscreenCanvas(1, 1).getContext('2d');
        probe.fillStyle = colour;
        probe.fillRect(0, 0, 1, 1);
        const wanted = probe.getImageData(0, 0, 1, 1).data;
        const { data } = drawing.getImageData(picture.gutter * unit, (strip.top - 15) * unit,
            picture.scale.width * unit, 8 * unit);
        let count = 0;
        for (let at = 0; at < data.length; at += 4)
            if ([0, 1, 2].every(n => Math.abs(data[at + n] - wanted[n]) < 24)) count += 1;
        found[kind] = count;
    }
    return found;
}"""
"""Pixels of the lines above a lane, by their colour."""


def moved(alignment, *seconds):
    """Each token later by so much."""
    return Alignment(
        tuple(
            replace(t, start=t.start + by, end=t.end + by)
            for t, by in zip(alignment, seconds, strict=True)
        )
    )


@pytest.fixture(scope="module")
def ctc(transcription):
    """One token 10 ms late, one 30, one 25, one missing, one of another name."""
    tokens = moved(transcription.alignment, 0.010, 0.030, 0.025, 0.015, 0.01).tokens
    return Alignment((*tokens[:3], replace(tokens[4], token=LABELS[0])))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def written(transcription, ctc, clip, folder):
    compare = {"CTC": ctc, "CIF": transcription}
    return to_html(transcription, folder / "two.html", reference=clip.words, compare=compare)


@pytest.fixture
def opened(opening, written):
    return opening(written)


def cells(found):
    """As the table writes them."""

    def whole(value):
        return "–" if value != value else str(round(value))

    def signed(value):
        text = str(abs(round(1000 * value)))
        return text if text == "0" else f"{'+' if value > 0 else '−'}{text}"

    return [
        str(found.matched),
        str(found.reference + found.hypothesis - 2 * found.matched),
        whole(100 * found.within_20ms),
        whole(100 * found.within_50ms),
        whole(1000 * found.start_mean_absolute),
        whole(1000 * found.end_mean_absolute),
        signed(found.start_median),
        signed(found.end_median),
    ]


@pytest.mark.smoke
def test_the_table_has_the_numbers_of_python_and_follows_the_settings(
    opened, transcription, ctc, clip
):
    quiet(opened)
    own = transcription.alignment
    assert opened.evaluate(ROWS) == {
        "CTC − tokens": cells(agreement(own, ctc)),
        "CIF − tokens": cells(agreement(own, own)),
        "tokens − reference": cells(agreement(clip.words, own)),
        "CTC − reference": cells(agreement(clip.words, ctc)),
        "CIF − reference": cells(agreement(clip.words, own)),
    }
    slide(opened, "smoothing (frames)", 4)
    quiet(opened)
    smooth = realign(transcription, {"smoothing": 4})[1]
    rows = opened.evaluate(ROWS)
    assert rows["CTC − tokens"] == cells(agreement(smooth, ctc))
    assert rows["CTC − reference"] == cells(agreement(clip.words, ctc))
    assert rows["tokens − reference"] != cells(agreement(clip.words, own))


def test_lines_show_differences_in_steps(opening, transcription, folder):
    own = transcription.alignment
    compare = {
        "same": own,
        "30 ms": moved(own, *[0.030] * 5),
        "60 ms": moved(own, *[0.060] * 5),
        "other names": Alignment(tuple(replace(t, token="x") for t in own)),
    }
    opened = opening(to_html(transcription, folder / "steps.html", compare=compare))
    same, middle, large, none = (opened.evaluate(LINES, f"compare {n}") for n in range(4))
    assert same == none == {"large": 0, "middle": 0}
    assert middle["middle"] > 50 and middle["large"] == 0
    assert large["large"] > 100 and large["middle"] == 0


def test_numbers_under_the_cursor(opened):
    values = opened.locator(".cifviz-under")
    second, last = (
        opened.evaluate(
            "n => { const { tokens } = cifvizExplorer.seen.compare[0];"
            "return (tokens[n].start + tokens[n].end) / 2; }",
            n,
        )
        for n in (1, 3)
    )
    for share in (0.5, 1.2):  # on the box, and on the lines above it
        opened.mouse.move(*opened.evaluate(PLACE, ["compare 0", second, share]))
        assert "CTC − tokens: start +30 ms, end +30 ms" in values.inner_text()
    opened.mouse.move(*opened.evaluate(PLACE, ["compare 0", last, 0.5]))
    assert "no partner in tokens" in values.inner_text()
    opened.mouse.move(*opened.evaluate(PLACE, ["reference", second, 0.5]))
    assert re.search(r"tokens − reference: start [+−]?\d+ ms", values.inner_text())


@pytest.mark.smoke
def test_settings_become_lanes_that_can_be_removed(opened, transcription):
    half = realign(transcription, HALF)[1]
    opened.get_by_label("scaling").select_option("as given")
    slide(opened, "threshold β", 0.5)
    keep = opened.get_by_role("button", name="keep as lane")
    keep.click()
    keep.click()
    assert opened.locator(".cifviz-live").inner_text() == "These settings are a lane already."
    opened.get_by_role("button", name="reset").click()
    keep.click()
    assert opened.evaluate(NAMES) == ["CTC", "CIF", "β 0.5, as given", "as the model"]
    kept = opened.evaluate("cifvizExplorer.seen.compare[2].tokens")
    assert [one["label"] for one in kept] == [token.token for token in half]
    slide(opened, "gain on α", 1.5)
    keep.click()
    assert "At most 4 lanes" in opened.locator(".cifviz-live").inner_text()
    assert len(opened.evaluate(NAMES)) == 4
    assert layout_facts.facts_of(opened).overlapping == []
    assert browser.broken_rules(opened) == []
    opened.get_by_role("button", name="remove β 0.5, as given").click()
    assert opened.evaluate(NAMES) == ["CTC", "CIF", "as the model"]
    assert opened.evaluate("document.activeElement.textContent") == "keep as lane"


def test_kept_settings_travel_in_links_and_pages(opening, transcription, folder):
    path = to_html(transcription, folder / "kept.html", kept=[HALF], settings={"gain": 1.5})
    opened = opening(path)
    assert opened.evaluate(NAMES) == ["β 0.5, as given"]
    assert opened.evaluate("cifvizExplorer.settings.gain") == 1.5
    link = opened.evaluate(
        """() => new Promise(done => {
            Object.defineProperty(navigator, 'clipboard',
                { value: { writeText: text => { done(text); return Promise.resolve(); } } });
            cifvizExplorer.copySettings(); })"""
    )
    plain = to_html(transcription, folder / "plain.html")
    opened.goto(f"{plain.as_uri()}#{link.partition('#')[2]}&lane=threshold%3Devil")
    assert opened.evaluate(NAMES) == ["β 0.5, as given", "as the model"]
    assert opened.evaluate("cifvizExplorer.settings.gain") == 1.5


def test_hostile_names_are_text(opening, transcription, folder):
    names = dict.fromkeys([*LABELS, "</script><b>", "W" * 3000], transcription.alignment)
    opened = opening(to_html(transcription, folder / "evil.html", compare=names), width=400)
    quiet(opened)
    assert opened.evaluate("document.images.length") == 0
    assert f"{LABELS[1]} − tokens" in opened.evaluate(ROWS)
    assert opened.evaluate(browser.SIDEWAYS) == []
    assert layout_facts.facts_of(opened).overlapping == []


@pytest.mark.parametrize("width", [1280, 400, 320])
def test_four_lanes_at_every_width(opening, transcription, ctc, clip, folder, width):
    path = folder / "four.html"
    compare = {"CTC": ctc, "CIF": transcription, "true": clip.words}
    to_html(transcription, path, reference=clip.words, compare=compare, kept=[HALF], overwrite=True)
    opened = opening(path, width=width, color_scheme="dark" if width == 400 else "light")
    quiet(opened)
    facts = layout_facts.facts_of(opened)
    assert facts.overlapping == [] and facts.clipped == [] and facts.nameless == []
    assert opened.evaluate(browser.SIDEWAYS) == []
    assert browser.broken_rules(opened) == []


@pytest.fixture(scope="module")
def spoken(transcription):
    """Words of phones with intervals; the place of one is doubtful."""
    own = transcription.alignment.tokens
    words = Alignment(
        (
            TimedToken("two", own[0].start, own[1].end),
            TimedToken("?", None, None),
            TimedToken("<b>", own[2].start, own[4].end),
        )
    )
    edges = [[[0.1, 0.3], [0.7, 0.9]], [[float("nan")] * 2] * 2, [[0.75, 0.85], [1.5, 1.75]]]
    extras = {
        INTERVALS: torch.tensor(edges, dtype=torch.float64),
        PRESENCE: (0.9, 0.1, 0.2),
        DOUBTS: ((), ("in silence",), ()),
    }
    return replace(transcription, words=words, extras=extras)


def test_intervals_stand_above_the_words_and_doubts_in_the_table(opening, spoken, folder):
    opened = opening(to_html(spoken, folder / "words.html", compare={"CTC": spoken.words}))
    opened.evaluate("() => { cifvizExplorer.tables.words.box.open = true; }")
    opened.wait_for_selector(".cifviz-doubts li")
    doubts = opened.locator(".cifviz-doubts li").all_inner_texts()
    assert doubts == ["?: untimed, presence 0.10, in silence", "<b>: presence 0.20"]
    rows = opened.locator("tbody tr", has_text="<b>").first.locator("td").all_inner_texts()
    assert rows[1:3] == ["0.750", "0.850"] and rows[4:] == ["1.500", "1.750"]
    opened.mouse.move(*opened.evaluate(PLACE, ["compare 0", 0.3, 0.5]))
    text = opened.locator(".cifviz-under").inner_text()
    assert "interval of the start 0.10 to 0.30 s, of the end 0.70 to 0.90 s" in text
    drawn = opened.evaluate(
        """() => { const { picture } = cifvizExplorer, strip = picture.strips['compare 0'];
            const unit = picture.canvas.width / picture.width;
            const { data } = picture.canvas.getContext('2d').getImageData(
                (picture.gutter + picture.scale.x(0.2)) * unit, (strip.top - 3) * unit, 1, 1);
            return data[0]; }"""
    )
    assert drawn < 100  # ink, in the light
    assert "CTC − words" in opened.evaluate(ROWS)
    assert browser.broken_rules(opened) == []


def test_without_intervals_there_is_no_bar_and_no_column(opening, spoken, folder):
    plain = replace(spoken, extras={})
    opened = opening(to_html(plain, folder / "no.html"))
    opened.evaluate("() => { cifvizExplorer.tables.words.box.open = true; }")
    opened.wait_for_selector("tbody td")
    assert opened.locator(".cifviz-table thead th").all_inner_texts()[:3] == [
        "word",
        "start",
        "end",
    ]
    assert opened.locator(".cifviz-doubts li").all_inner_texts() == ["?: untimed"]
    assert "interval" not in opened.locator(".cifviz-help").text_content()
