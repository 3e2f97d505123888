"""How much the explorer does when a slider moves: counted, since seconds are those of a machine.

How long it takes is measured by ``python -m benchmarks explorer``.
"""

import pytest

from benchmarks.explorer import explorer_of, look_at
from tests.ui import browser

pytestmark = browser.needed

COUNTED = """() => {
    window.work = { shown: 0, drawn: 0, background: 0, canvas: 0, nodes: 0 };
    const count = (place, name, what) => {
        const act = place[name];
        place[name] = function (...given) { work[what] += 1; return act.apply(this, given); };
    };
    count(cifvizExplorer, 'show', 'shown');
    count(cifvizExplorer.picture, 'draw', 'drawn');
    count(cifvizExplorer.picture, 'drawBackground', 'background');
    const methods = Object.getOwnPropertyDescriptors(CanvasRenderingContext2D.prototype);
    for (const [name, { value }] of Object.entries(methods)) {
        if (typeof value === 'function') count(CanvasRenderingContext2D.prototype, name, 'canvas');
    }
    new MutationObserver(changes => {
        for (const { addedNodes } of changes) work.nodes += addedNodes.length;
    }).observe(cifvizExplorer.root, { childList: true, subtree: true });
}"""
"""Counts alignments that are shown, pictures, what is drawn beneath them, calls of the canvas, and
nodes that come into the page."""

MOVES = 10
MOVE = """async count => {
    const input = document.querySelector('input[type=range]');
    for (const what of Object.keys(work)) work[what] = 0;
    for (let i = 0; i < count; i += 1) {
        input.value = String(0.9 + (i % 2) / 5);
        input.dispatchEvent(new Event('input', { bubbles: true }));
    }
    await Promise.resolve();  // mutations are told by now
    return work;
}"""


def work_of(opened):
    """What a movement of the slider costs, on average."""
    return {what: count / MOVES for what, count in opened.evaluate(MOVE, MOVES).items()}


@pytest.fixture(scope="module")
def minute(tmp_path_factory):
    return explorer_of(60, 500, tmp_path_factory.mktemp("minute"))


@pytest.fixture(scope="module")
def hour(tmp_path_factory):
    return explorer_of(3600, 12_000, tmp_path_factory.mktemp("hour"))


@pytest.mark.smoke
def test_a_movement_is_one_alignment_and_one_picture(opening, minute):
    opened = opening(minute, width=1200)
    opened.evaluate(COUNTED)
    work = work_of(opened)
    assert (work["shown"], work["drawn"], work["background"]) == (1, 1, 0)
    # A token is a few lines and a label in each of the lanes; the page gets no more with them.
    assert 500 < work["canvas"] < 500 * 40
    assert work["nodes"] < 60


def test_of_an_hour_no_more_is_drawn_than_what_is_in_view(opening, minute, hour):
    """Ten seconds of it cost what ten seconds of a minute cost, of 60 times as many."""
    works = []
    for path in (minute, hour):
        opened = opening(path, width=1200)
        opened.evaluate(COUNTED)
        opened.evaluate(look_at(20))
        works.append(work_of(opened))
    for work in works:
        assert (work["shown"], work["drawn"], work["background"]) == (1, 1, 0)
        assert work["nodes"] < 60
    assert works[1]["canvas"] < 1.5 * works[0]["canvas"]
