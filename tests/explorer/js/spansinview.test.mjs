// Spans in view are found by bisection: all of them, and few looked at.

import assert from "node:assert/strict";
import test from "node:test";

import { eachSpan } from "../../../cifviz/explorer/js/columns.js";
import { isInOrder, namedBetween, spansInView } from "../../../cifviz/explorer/js/spansinview.js";
import { TimeScale } from "../../../cifviz/explorer/js/timescale.js";
import { random } from "./random.mjs";

const isIn = ({ start, end }, view) => start <= view.end && end >= view.begin;

function randomSpans(next, count, { isSorted }) {
  const spans = Array.from({ length: count }, () => {
    const start = Math.floor(50 * next()) / 2; // some begin at the same time
    return { label: next() < 0.2 ? " " : "x", start, end: start + 6 * next() };
  });
  return isSorted ? spans.sort((one, other) => one.start - other.start) : spans;
}

test("no span in view is left out, in order or not", () => {
  const next = random(11);
  for (let round = 0; round < 500; round += 1) {
    const isSorted = round % 3 > 0;
    const spans = randomSpans(next, Math.floor(30 * next()), { isSorted });
    const begin = Math.floor(60 * next()) / 2 - 2;
    const view = { begin, end: begin + 5 * next() };
    const [first, last] = spansInView(spans, view);
    spans.forEach((span, index) => {
      if (isIn(span, view)) assert.ok(index >= first && index < last);
    });
    if (isInOrder(spans) && first < last) {
      // Nothing before the first reaches the view, and nothing after the last begins in it.
      assert.ok(spans[first].end >= view.begin);
      assert.ok(spans[last - 1].start <= view.end);
    }
    assert.equal(namedBetween(spans, first, last), spans.slice(first, last).filter(({ label }) => label.trim()).length);
  }
});

test("no span, and views before and after all", () => {
  assert.deepEqual(spansInView([], { begin: 0, end: 1 }), [0, 0]);
  const spans = [{ label: "a", start: 1, end: 2 }];
  for (const view of [{ begin: 0, end: 0.5 }, { begin: 3, end: 4 }]) {
    const [first, last] = spansInView(spans, view);
    assert.equal(first, last);
  }
});

test("of an hour of tokens only those in view are looked at", () => {
  let looked = 0;
  const spans = Array.from({ length: 12_000 }, (_, n) => ({
    get start() {
      looked += 1;
      return n * 0.3;
    },
    end: n * 0.3 + 0.25,
    label: "w",
  }));
  const scale = Object.assign(new TimeScale(3600), { begin: 1800, end: 1810, width: 1000 });
  eachSpan(scale, spans, () => {}); // the first time all are
  looked = 0;
  let shown = 0;
  eachSpan(scale, spans, () => {
    shown += 1;
  });
  assert.ok(shown >= 33 && looked <= 40, `${shown} shown, ${looked} looked at`);
});
