// Where axes, ticks and names stand, what a quick hand draws, and which token keeps its name.

import assert from "node:assert/strict";
import test from "node:test";

import { axesFor, belowMarks, heightOf, hertzAt, hertzTicks, roundUp, ticksUpTo } from "../../../cifviz/explorer/js/axes.js";
import { fire } from "../../../cifviz/explorer/js/firing.js";
import { BETWEEN, PITCH, ROW, TALLEST, heightBelow, placeNames, spread } from "../../../cifviz/explorer/js/nameplaces.js";
import { namesByOverlap, tokenAt } from "../../../cifviz/explorer/js/naming.js";
import { probe } from "../../../cifviz/explorer/js/probe.js";
import { strokeWeights } from "../../../cifviz/explorer/js/strokes.js";
import { random } from "./random.mjs";

const STRIP = { top: 100, height: 84 };
const GRID = { start: 0, shift: 0.04 };

test("an axis ends at a round number that is not below", () => {
  assert.deepEqual([1, 1.75, 0.31, 11, 0.0009, 1.2].map(roundUp), [1, 2, 0.4, 12, 0.001, 1.2]);
});

test("β stands in proportion to its value on an axis that was made for another", () => {
  const { sum } = axesFor({ firing: fire([0.5, 0.5], { threshold: 1 }), given: new Float32Array(2) });
  assert.equal(sum, 2);
  const room = belowMarks(STRIP);
  const rise = (value) => room.top + room.height - heightOf(value, sum, room);
  assert.ok(Math.abs(rise(1.6) / rise(0.5) - 3.2) < 1e-9);
});

test("silence has an axis, and so have no frames", () => {
  assert.equal(axesFor({ firing: fire([]), given: new Float32Array(0) }).weight, 0.4);
  assert.equal(axesFor({ firing: fire([0, 0]), given: new Float32Array(2) }).weight, 0.4);
});

for (const most of [0.3, 1, 2.5, 12, 8e-4, 3e7]) {
  test(`ticks up to ${most} are apart, from 0, and inside`, () => {
    const ticks = ticksUpTo(most, STRIP);
    assert.ok(ticks.length >= 2);
    assert.equal(ticks[0].label, "0");
    ticks.forEach(({ y, label }, n) => {
      assert.ok(y >= STRIP.top - 1e-6 && y <= STRIP.top + STRIP.height);
      assert.ok(label.length <= 7, label);
      if (n) assert.ok(ticks[n - 1].y - y >= 16);
    });
    assert.equal(new Set(ticks.map(({ label }) => label)).size, ticks.length);
  });
}

test("frequencies stand at their bands", () => {
  const hertz = Array.from({ length: 40 }, (_, n) => 100 * (n + 1));
  const ticks = hertzTicks(hertz, { top: 0, height: 80 });
  const thousand = ticks.find(({ label }) => label === "1k");
  assert.ok(Math.abs(thousand.y - (80 - 9.5 * 2)) < 1e-9);
  assert.ok(Math.abs(hertzAt(1 - thousand.y / 80, hertz) - 1000) < 1e-6);
  assert.ok(!ticks.some(({ label }) => label === "8k"));
});

/** Pixels between neighbours of names below. */
function checkRow(names, width) {
  const below = names.filter(({ kind }) => kind !== "inside").sort((one, other) => one.left - other.left);
  below.forEach(({ kind, left, wide }, n) => {
    const right = kind === "row" ? left + wide : left + PITCH;
    assert.ok(left >= -1e-6 && right <= width + 1e-6);
    if (n + 1 < below.length) {
      assert.ok(below[n + 1].left - right >= (kind === "row" ? BETWEEN : 0) - 1e-6);
    }
  });
}

test("names that fit stand inside, others below, and none is left out", () => {
  const boxes = [
    { left: 0, right: 60, wide: 30 },
    { left: 61, right: 70, wide: 40 },
    { left: 71, right: 75, wide: 40 },
    { left: 150, right: 200, wide: 44 },
  ];
  const { names, hidden } = placeNames(boxes, { width: 300, below: ROW });
  assert.equal(hidden, 0);
  assert.deepEqual(names.map(({ box, kind }) => [box, kind]), [
    [0, "inside"], [3, "inside"], [1, "row"], [2, "row"],
  ]);
  checkRow(names, 300);
});

test("as many names as there is room for stand upright, and the selected one is among them", () => {
  for (const count of [10, 27, 28, 200]) {
    const boxes = Array.from({ length: count }, (_, n) => {
      const left = (n * 300) / count;
      return { left, right: left + 1, wide: 50 };
    });
    const first = Math.min(8, count - 1);
    const { names, hidden } = placeNames(boxes, { width: 300, below: TALLEST, first });
    assert.equal(names.length, Math.min(count, 27));
    assert.equal(hidden, count - names.length);
    assert.ok(names.some(({ box }) => box === first));
    assert.equal(new Set(names.map(({ box }) => box)).size, names.length);
    checkRow(names, 300);
  }
});

test("names of any boxes never overlap, and stand in the order of their boxes", () => {
  const next = random(3);
  for (let round = 0; round < 300; round += 1) {
    const width = 200 + 800 * next();
    const boxes = Array.from({ length: Math.floor(40 * next()) }, () => {
      const left = width * next();
      return { left, right: Math.min(left + 60 * next(), width), wide: 1 + 90 * next() };
    });
    const below = [0, ROW, TALLEST][round % 3];
    const { names, hidden } = placeNames(boxes, { width, below });
    assert.equal(names.length + hidden, boxes.length);
    if (below) assert.ok(hidden === 0 || boxes.length > Math.floor(width / PITCH));
    checkRow(names, width);
  }
});

test("names are as near to their spans as the others allow", () => {
  assert.deepEqual(spread([50, 54], [10, 10], 2, 200), [41, 53]);
  assert.deepEqual(spread([0, 200], [10, 10], 2, 200), [0, 190]);
  assert.deepEqual(spread([], [], 2, 200), []);
  assert.equal(spread([5, 6], [100, 101], 0, 200), null);
});

test("a lane is as high as its names need", () => {
  assert.equal(heightBelow([{ left: 0, right: 50, wide: 20 }], 100), 0);
  assert.equal(heightBelow([{ left: 0, right: 10, wide: 20 }], 100), ROW);
  const many = Array.from({ length: 9 }, (_, n) => ({ left: 11 * n, right: 11 * n + 5, wide: 40 }));
  assert.ok(heightBelow(many, 100) > ROW);
  assert.ok(heightBelow(many.map((box) => ({ ...box, wide: 4000 })), 100) <= TALLEST);
  // Upright ones leave room for a wider number, those in a row do not.
  assert.equal(heightBelow(many, 100, 40), heightBelow(many.map((box) => ({ ...box, wide: 40 })), 100));
  assert.equal(heightBelow([{ left: 0, right: 10, wide: 20 }], 100, 40), ROW);
});

test("a quick hand leaves no frame out, in both directions", () => {
  const from = { seconds: 0.02, weight: 0.1 };
  const to = { seconds: 0.34, weight: 0.5 };
  const there = strokeWeights(from, to, GRID, 100);
  assert.deepEqual(Object.keys(there), ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  assert.equal(there[4], 0.3);
  assert.deepEqual(strokeWeights(to, from, GRID, 100), there);
  assert.deepEqual(Object.keys(strokeWeights(from, to, GRID, 3)), ["0", "1", "2"]);
  assert.deepEqual(strokeWeights(to, { seconds: -9, weight: -3 }, GRID, 1), { 0: 0.3798 });
  assert.deepEqual(strokeWeights({ seconds: -9, weight: 0 }, { seconds: -8, weight: 1 }, GRID, 9), {});
});

const WORDS = ["two", "seven", "one"].map((label, n) => ({ label, start: n, end: n + 0.9 }));

test("one more token turns no other name into a number", () => {
  const spans = [[0, 0.88], [0.9, 1.3], [1.35, 1.85], [2.02, 2.9]];
  assert.deepEqual(namesByOverlap(spans, WORDS), ["two", "2", "3", "one"]);
});

test("no two spans have the name of the same token", () => {
  const next = random(1);
  for (let round = 0; round < 200; round += 1) {
    const edges = Array.from({ length: 12 }, () => 3 * next()).sort((one, other) => one - other);
    const spans = Array.from({ length: 6 }, (_, n) => [edges[2 * n], edges[2 * n + 1]]);
    const words = namesByOverlap(spans, WORDS).filter((name) => !/^\d$/.test(name));
    assert.equal(new Set(words).size, words.length);
  }
});

test("the selection stays at its word", () => {
  assert.equal(tokenAt({ start: 1.1, end: 1.8 }, WORDS), 1);
  assert.equal(tokenAt({ start: 7, end: 8 }, WORDS), 2);
  assert.equal(tokenAt({ start: 7, end: 8 }, []), null);
});

test("values under the cursor", () => {
  const firing = fire([0.5, 0.25, 0.75], { threshold: 1 });
  const given = Float32Array.of(0.5, 0.25, 0.25);
  const tokens = [{ label: "a", start: 0.01, end: 0.09 }];
  const seen = {
    aligned: { firing, given, tokens }, shown: { tokens }, corrected: null, utterance: { grid: GRID }, compare: [], lanes: {}, hertz: [100, 200],
  };
  assert.deepEqual(Object.fromEntries(probe(seen, 0.06, 0.5)), {
    time: "0.060 s",
    frame: "1",
    α: "0.250",
    sum: "0.63 of β 1",
    frequency: "150 Hz",
    token: "a, 0.01 to 0.09 s, fires at 0.09 s",
  });
  const outside = Object.fromEntries(probe(seen, 5));
  assert.deepEqual([outside.frame, outside.frequency, outside.token], ["–", "–", "–"]);
  assert.equal(Object.fromEntries(probe(seen, 0.1)).α, "0.750, given 0.250");
});
