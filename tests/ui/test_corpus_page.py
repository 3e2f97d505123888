"""The page of an aligned corpus, in a browser without a network."""

import shutil
from types import SimpleNamespace

import pytest

from cifviz.corpus_alignment.corpus_page import MOST_TOKENS, write_page
from cifviz.resources import resource
from tests.ui import browser

pytestmark = browser.needed

CLIP = "sound of a clip #1.flac"


def corpus_row(number, **fields):
    """A row as it is read from a part: three words, or what is given instead."""
    words = [("three", 0.25, 0.5, 0.99), ("one", 0.6, 0.9, 0.3), ("<b>", None, None, None)]
    tokens = [dict(zip(("token", "start", "end", "score"), word, strict=True)) for word in words]
    return {
        **{"row": number, "id": f"utterance {number}", "same_id": 1, "status": "transcribed"},
        **{"reason": "", "duration": 1.5, "text": None, "score": 0.8, "lowest": 0.3},
        **{"errors": None, "reference_tokens": None, "file": "utterances/0/a.json"},
        **{"offset": 0.0, "tokens": tokens, **fields},
    }


def failed(number, **fields):
    nothing = {"score": None, "lowest": None, "tokens": None, "duration": 0.0}
    return corpus_row(number, status="failed", reason="no such audio file", **nothing, **fields)


def written(folder, rows, path):
    """The page of some rows, all of one sound."""
    names = ("aligned", "transcribed", "empty", "failed")
    aligned = SimpleNamespace(
        folder=folder,
        description={"model": "digits", "code": "cifviz 0.1.0 (abc), torch"},
        statuses={name: sum(row["status"] == name for row in rows) for name in names},
        rows=lambda: iter(rows),
    )
    return write_page(aligned, [path] * len(rows), cuts=False)


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(resource("clips") / "digits_three.flac", tmp_path / CLIP)
    return out


def ids(page):
    return page.locator("article h2").all_inner_texts()


@pytest.mark.smoke
def test_the_page_is_accessible_on_a_screen_and_on_a_phone_and_asks_for_nothing(page, folder):
    rows = [
        corpus_row(0, text="three one", errors=1, reference_tokens=2, same_id=2),
        corpus_row(1, status="empty", tokens=[], lowest=None, score=None, reason="nothing"),
        failed(2, id="x" * 300),
        corpus_row(3, id="שלום 七", reason="<script>alert(1)</script>"),
    ]
    path = written(folder, rows, str(folder.parent / CLIP))
    assert browser.Reader(page).faults(path) == []
    assert page.locator("article").count() == 4
    assert "<script>alert" not in path.read_text("utf-8").split("corpus-rows")[1].split("]}")[0]


def test_the_worst_come_first_and_filters_choose(opening, folder):
    rows = [
        corpus_row(0, lowest=0.9),
        corpus_row(1, lowest=0.2, text="find me"),
        corpus_row(2, lowest=0.4, errors=3, reference_tokens=3),
        failed(3),
        corpus_row(4, status="empty", tokens=[], lowest=None, score=None, duration=9.0),
    ]
    page = opening(written(folder, rows, str(folder.parent / CLIP)))
    names = [f"utterance {number}" for number in (3, 4, 1, 2, 0)]
    assert ids(page) == names
    page.get_by_label("Order").select_option("row")
    assert ids(page) == [f"utterance {number}" for number in range(5)]
    page.get_by_label("Order").select_option("errors")
    assert ids(page)[0] == "utterance 2"
    page.get_by_label("Order").select_option("worst")
    page.get_by_label("failed").uncheck()
    assert ids(page) == names[1:]
    page.get_by_label("Text, name or reason").fill("FIND me")
    assert ids(page) == ["utterance 1"]
    page.get_by_label("Text, name or reason").fill("")
    page.locator("#bound").fill("0.5")
    assert ids(page) == ["utterance 1", "utterance 2"]
    assert page.locator("#shown").inner_text() == "1–2 of 2 utterances"
    page.get_by_label("Text, name or reason").fill("is nowhere")
    assert page.locator("#shown").inner_text() == "0 utterances"


def test_a_click_plays_a_word_from_its_start_to_its_end(opening, folder):
    row = corpus_row(0, offset=0.05)
    page = opening(written(folder, [row], str(folder.parent / CLIP)))
    page.evaluate(
        "() => { window.times = []; const watch = () => { if (playing)"
        " times.push(sound.currentTime); requestAnimationFrame(watch); }; watch(); }"
    )
    page.get_by_role("button", name="one", exact=True).click()
    page.wait_for_function("() => times.length > 3 && !playing")
    first, last = page.evaluate("[Math.min(...times), Math.max(...times)]")
    assert 0.6 < first < 0.95 and last > 0.75
    assert page.evaluate("sound.paused")
    assert page.get_by_role("button", name="<b>").is_disabled()
    assert page.locator("#message").inner_text() == ""


def test_a_sound_that_is_not_there_is_said(opening, folder):
    page = opening(written(folder, [corpus_row(0)], str(folder / "gone.flac")))
    page.get_by_role("button", name="one", exact=True).click()
    page.wait_for_function("() => document.getElementById('message').textContent")
    assert "cannot play the sound of utterance 0" in page.locator("#message").inner_text()


def test_ten_thousand_utterances_are_shown_by_the_page(opening, folder):
    """What is in the document does not grow with the corpus, whatever is filtered."""
    rows = [corpus_row(number, lowest=(number * 7919 % 10_000) / 10_000) for number in range(9_999)]
    long = [{"token": "la", "start": 0.0, "end": 0.1, "score": 1.0}] * (MOST_TOKENS + 5)
    rows.append(corpus_row(9_999, lowest=0.0, tokens=long))
    page = opening(written(folder, rows, str(folder.parent / CLIP)))
    assert page.locator("article").count() == 50
    assert page.locator("#shown").inner_text() == "1–50 of 10000 utterances"
    assert "and 5 more in the file" in page.locator("article").nth(1).inner_text()
    page.get_by_role("button", name="Next").click()
    assert page.locator("#shown").inner_text() == "51–100 of 10000 utterances"
    page.get_by_label("Text, name or reason").fill("utterance 123")
    assert page.locator("#shown").inner_text() == "1–11 of 11 utterances"
    assert page.locator("article").count() == 11
