"""What the explorer's settings do to the tokens, and what one can take away from it."""

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.explorer import to_html
from cifviz.formats import ONE_TIER, RECORDINGS, read_alignments, write_alignments
from tests.ui import browser
from tests.ui.explored import quiet, slide, tokens_of

pytestmark = browser.needed

LABELS = ("=1+1", "\t@SUM(A1)", 'a "b", c\nd', "＝HYPERLINK(A1)", "-日本")
"""What a spreadsheet would calculate, and what a careless table would break at."""


@pytest.fixture(scope="module")
def written(transcription, clip, tmp_path_factory):
    """Explorers in files: alone, beside two other alignments, and with labels that are traps."""
    folder = tmp_path_factory.mktemp("explorer")
    later = Alignment(tuple(TimedToken("later", t.start + 0.1, t.end) for t in clip.words.tokens))
    compare = {"CTC": clip.words, "a name that is far too long for its lane": later}
    to_html(transcription, folder / "alone.html")
    to_html(transcription, folder / "beside.html", compare=compare)
    to_html(replace(transcription, tokens=LABELS), folder / "traps.html")
    return folder


@pytest.fixture
def opened(opening, written):
    return opening(written / "alone.html")


def saved(opened, kind):
    """What the browser saves: a name and bytes."""
    with opened.expect_download() as arriving:
        opened.get_by_role("button", name=f"save {kind}").click()
    return arriving.value.suggested_filename, arriving.value.path().read_bytes()


def weights(opened):
    return np.array(opened.evaluate("[...cifvizExplorer.seen.aligned.alpha]"))


def shown(opened, name):
    """A value of the readout."""
    pair = opened.locator("dl.cifviz-readout:not(.cifviz-under) > div").filter(
        has=opened.locator("dt", has_text=name)
    )
    return pair.locator("dd").inner_text()


# Settings


def test_a_gain_makes_every_weight_larger(opened, transcription):
    given = transcription.firing.alpha[0].numpy()
    opened.get_by_label("scaling").select_option("as given")
    before = len(tokens_of(opened))
    slide(opened, "gain on α", 2)
    assert weights(opened) == pytest.approx(2 * weights_as_given(opened), abs=1e-6)
    assert shown(opened, "sum of α") == f"{2 * weights_as_given(opened).sum():.3f}"
    assert len(tokens_of(opened)) == pytest.approx(2 * before, abs=1)
    assert len(given) == len(weights(opened))


def weights_as_given(opened):
    return np.array(opened.evaluate("[...cifvizExplorer.seen.aligned.given]"))


def test_smoothing_is_the_mean_of_neighbours(opened):
    slide(opened, "smoothing (frames)", 2)
    given = weights_as_given(opened)
    expected = [given[max(t - 2, 0) : t + 3].mean() for t in range(len(given))]
    assert weights(opened) == pytest.approx(np.array(expected), abs=1e-6)
    assert weights(opened).std() < given.std()


@pytest.mark.parametrize("count", [0, 1, 3, 8, 21])
def test_scaling_to_a_count_gives_that_many_tokens(opened, count):
    opened.get_by_label("scaling").select_option("count")
    slide(opened, "number of tokens", count)
    tokens = tokens_of(opened)
    assert len(tokens) == count == int(shown(opened, "tokens"))
    assert all(one["start"] < one["end"] for one in tokens)
    assert [one["start"] for one in tokens] == sorted(one["start"] for one in tokens)


def test_sliders_without_effect_are_disabled(opened):
    count = opened.get_by_role("slider", name="number of tokens")
    assert count.is_disabled()
    opened.get_by_label("scaling").select_option("count")
    assert count.is_enabled()
    opened.get_by_role("combobox", name="tail rule").select_option("drop")
    assert opened.get_by_role("slider", name="value of the tail rule").is_disabled()


# Lanes


LINES = 24
"""Pixels above a compared lane, for the lines to its edges."""


def test_other_alignments_have_a_lane_each(opening, written, clip):
    alone, beside = (opening(written / f"{name}.html") for name in ("alone", "beside"))
    other = beside.evaluate("cifvizExplorer.seen.compare")
    assert [one["name"] for one in other] == ["CTC", "a name that is far too long for its lane"]
    assert [one["label"] for one in other[0]["tokens"]] == [t.token for t in clip.words.tokens]
    assert other[1]["tokens"][0]["start"] == pytest.approx(clip.words.tokens[0].start + 0.1)
    height = "cifvizExplorer.picture.height"
    lane = "cifvizExplorer.picture.strips.tokens.height"
    more = beside.evaluate(height) - alone.evaluate(height)
    assert more == 2 * (alone.evaluate(lane) + LINES)


def test_neighbouring_tokens_differ_in_pattern(opened):
    """Without colour: how much of each token's span is darker than most of it."""
    image = picture(opened)
    top = round(opened.evaluate("cifvizExplorer.picture.strips.tokens.top"))
    left = round(opened.evaluate("cifvizExplorer.picture.width - cifvizExplorer.scale.width"))
    tiles = []
    for token in tokens_of(opened):
        x = left + round(opened.evaluate("t => cifvizExplorer.scale.x(t)", token["start"]))
        tile = image[top + 5 : top + 25, x + 3 : x + 27]
        colours, counts = np.unique(tile.reshape(-1, 3), axis=0, return_counts=True)
        light = colours[counts.argmax()].astype(int)
        tiles.append(np.abs(tile.astype(int) - light).sum(axis=2) > 40)
    assert not tiles[0].any()  # the first is plain
    assert all(tile.any() for tile in tiles[1:])
    for one, other in pairwise(tiles):
        assert (one != other).mean() > 0.03


def picture(opened):
    return np.array(Image.open(io.BytesIO(saved(opened, "PNG")[1])).convert("RGB"))


# To take away


@pytest.mark.parametrize("scale", [1, 2])
def test_the_png_is_the_whole_picture_at_the_screens_resolution(opening, written, scale):
    opened = opening(written / "alone.html", device_scale_factor=scale)
    name, content = saved(opened, "PNG")
    assert name == "alone.png"
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    wide, high = opened.evaluate("[cifvizExplorer.picture.width, cifvizExplorer.picture.height]")
    assert image.size == (round(scale * wide), round(scale * high))
    pixels = np.array(image.convert("RGB")).astype(int)
    for lane, strip in opened.evaluate("cifvizExplorer.picture.strips").items():
        top, bottom = (round(scale * y) for y in (strip["top"], strip["top"] + strip["height"]))
        drawn = (pixels[top:bottom, round(scale * 70) :].sum(axis=2) < 600).sum()
        assert drawn > 50 * scale, f"nothing stands in lane {lane}"


@pytest.mark.smoke
def test_the_json_is_that_of_the_library_with_the_settings(opening, written, tmp_path):
    opened = opening(written / "traps.html")
    slide(opened, "gain on α", 1.01)
    name, content = saved(opened, "JSON")
    assert name == "traps.json"
    path = tmp_path / name
    path.write_bytes(content)
    assert [token.token for token in read_alignments(path)["tokens"]] == [*LABELS]
    state = opened.evaluate("cifvizExplorer.state")
    kept = json.loads(content)
    assert kept["settings"] == state["settings"] and kept["settings"]["gain"] == 1.01
    times = [(token["start"], token["end"]) for token in kept["tokens"]]
    assert times == [(token["start"], token["end"]) for token in state["alignment"]]


def test_the_csv_has_every_label_and_no_formula(opening, written):
    opened = opening(written / "traps.html")
    name, content = saved(opened, "CSV")
    assert name == "traps.csv"
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
    assert head == ["tier", "token", "start", "end", "score"]
    guarded = [label if label.startswith("a") else f"'{label}" for label in LABELS]
    assert [row[1] for row in rows] == guarded
    for row, token in zip(rows, tokens_of(opened), strict=True):
        times = [float(value) for value in row[2:4]]
        assert times == pytest.approx([token["start"], token["end"]], abs=1e-6)


KINDS = ("JSON", "CSV", "TextGrid", "CTM", "SRT", "VTT", "Audacity labels")


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_is_what_the_library_writes(opening, written, tmp_path, kind):
    opened = opening(written / "beside.html")
    name, content = saved(opened, kind)
    stem, _, suffix = name.partition(".")
    assert stem == "beside"
    spans = opened.evaluate("[...cifvizExplorer.seen.compare]")
    tiers = {"tokens": alignment_of(tokens_of(opened))}
    tiers |= {one["name"]: alignment_of(one["tokens"]) for one in spans}
    one_tier = f".{suffix}" in ONE_TIER | RECORDINGS
    path = write_alignments(
        tmp_path / name,
        tiers["tokens"] if one_tier else tiers,
        opened.evaluate("cifvizExplorer.data.utterance.duration"),
        details={"settings": opened.evaluate("cifvizExplorer.settings")},
    )
    assert content == path.read_bytes()


def alignment_of(tokens):
    return Alignment(
        tuple(TimedToken(one["label"], float(one["start"]), float(one["end"])) for one in tokens)
    )


def test_what_a_format_cannot_hold_is_said(opening, written):
    opened = opening(written / "traps.html")
    opened.get_by_role("button", name="save Audacity labels").click()
    opened.get_by_role("status").get_by_text("Not saved: Audacity cannot hold").wait_for()


@pytest.mark.smoke
def test_the_link_in_the_clipboard_restores_the_settings(opened):
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    slide(opened, "threshold β", 0.7)
    slide(opened, "gain on α", 1.2)
    opened.get_by_role("button", name="copy link").click()
    opened.get_by_text("It is in the clipboard.").wait_for()
    link = opened.evaluate("navigator.clipboard.readText()")
    before = opened.evaluate("cifvizExplorer.state")
    opened.goto("about:blank")
    opened.goto(link)
    after = opened.evaluate("cifvizExplorer.state")
    assert after == before and after["settings"]["threshold"] == 0.7


def test_without_a_clipboard_the_link_is_shown(opened):
    opened.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    slide(opened, "threshold β", 0.7)
    opened.get_by_role("button", name="copy link").click()
    message = opened.get_by_role("status").get_by_text("Copy this: file://")
    message.wait_for()
    assert "threshold=0.7" in message.inner_text()


def test_the_message_of_a_copy_is_not_replaced(opened):
    """The number of tokens, which is told a little after a movement, comes first."""
    opened.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    quiet(opened)
    before = len(tokens_of(opened))
    opened.evaluate(
        "() => { cifvizExplorer.set({ threshold: 0.5 }); cifvizExplorer.copySettings(); }"
    )
    quiet(opened)
    assert len(tokens_of(opened)) > before
    assert opened.get_by_role("status").inner_text().startswith("Copy this: file://")


def test_with_a_refused_clipboard_the_link_is_shown(opened):
    opened.evaluate(
        """Object.defineProperty(navigator, 'clipboard',
        { value: { writeText: () => Promise.reject(new Error('refused')) } })"""
    )
    opened.get_by_role("button", name="copy link").click()
    opened.get_by_role("status").get_by_text("Copy this: file://").wait_for()
