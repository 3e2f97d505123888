"""The page of a CIF that is not cifviz's own: what it did, and what its own rule makes of moves."""

import numpy as np
import pytest

from cifviz import Transcription
from cifviz.explorer import to_html
from cifviz.explorer.settings import realign
from tests.ui import browser, explored

pytestmark = [browser.needed, pytest.mark.slow]

ALPHA = np.random.default_rng(0).gamma(0.7, 0.4, 120).clip(0, 1).astype(np.float32)
HAN = list("今天天气真不错我们一起去公园散步吧好的没问题那就这样说定了") * 4


def made(dialect, extra=0):
    fires = len(Transcription.from_alpha(ALPHA, frame_shift=0.04, dialect=dialect).labels)
    return Transcription.from_alpha(ALPHA, HAN[: fires + extra], frame_shift=0.04, dialect=dialect)


def labels(page):
    return [token["label"] for token in explored.tokens_of(page)]


@pytest.mark.smoke
@pytest.mark.parametrize("width", [1280, 400])
def test_it_shows_and_recomputes_what_that_cif_does(page, tmp_path, width):
    one = made("paraformer_v1", extra=-1)
    path = to_html(one, tmp_path / f"own{width}.html")
    page.set_viewport_size({"width": width, "height": 900})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    # 1. Every name, and the warning.
    assert labels(page) == list(one.labels)
    assert one.warning in page.locator(".cifviz-warning").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 400:
        page.get_by_text("settings", exact=True).click()
    assert "paraformer_v1" in page.locator(".cifviz-rule").inner_text()
    # 2. What its rule does not have is off.
    assert page.get_by_label("slack").is_disabled()
    assert page.get_by_label("scaling").is_disabled()
    assert page.get_by_label("threshold").is_enabled()
    # 3. Moves follow its rule.
    explored.slide(page, "gain", 1.3)
    assert len(labels(page)) == len(realign(one, {"gain": 1.3})[1])
    page.get_by_role("button", name="reset").click()
    assert labels(page) == list(one.labels)
    assert not errors


def test_a_rule_that_the_page_does_not_know_is_fixed(page, tmp_path):
    one = made("w2v_cif_bert")
    page.goto(to_html(one, tmp_path / "fixed.html").as_uri())
    assert labels(page) == list(one.tokens)
    for name in ("gain", "threshold", "smoothing"):
        assert page.get_by_label(name).is_disabled()
    assert page.get_by_role("button", name="drag weights").count() == 0
    page.evaluate("cifvizExplorer.set({ gain: 2, weights: { 3: 1.5 } })")
    assert labels(page) == list(one.tokens)


def test_where_the_source_fails_all_stays_as_it_is(page, tmp_path):
    """0.5 fires at 0.3 and borrows, 0.9 fires again: two tokens, and FunASR has room for one."""
    one = Transcription.from_alpha([0.5, 0.9], ["a"], frame_shift=0.1, dialect="funasr_cif")
    page.goto(to_html(one, tmp_path / "failing.html").as_uri())
    explored.slide(page, "threshold", 0.3)
    assert page.evaluate("cifvizExplorer.settings.threshold") == 1
    assert "the source fails on these weights" in page.locator(".cifviz-live").inner_text()
    assert labels(page) == ["a"]
