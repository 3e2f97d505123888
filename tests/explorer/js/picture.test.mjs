// What stands in which pixel, and which words fit beside it.

import assert from "node:assert/strict";
import test from "node:test";

import { eachRun, eachSpan, eachStep, largest } from "../../../cifviz/explorer/js/columns.js";
import { fire } from "../../../cifviz/explorer/js/firing.js";
import { directionOf, fitted, shortened } from "../../../cifviz/explorer/js/labels.js";
import { rangeOfSum } from "../../../cifviz/explorer/js/sawtooth.js";
import { TimeScale } from "../../../cifviz/explorer/js/timescale.js";
import { random } from "./random.mjs";

function scaleOf({ duration, begin = 0, end = duration, width }) {
  return Object.assign(new TimeScale(duration), { begin, end, width });
}

function visited(each, ...given) {
  const found = [];
  each(...given, (...told) => found.push(told));
  return found;
}

for (const [name, frames, view] of [
  ["an hour in a narrow window", 90_000, { duration: 3600, width: 300 }],
  ["a minute in a window nearly as wide as its frames", 1500, { duration: 60, width: 1138 }],
  ["ten seconds of an hour", 90_000, { duration: 3600, begin: 1800, end: 1810, width: 1138 }],
  ["a view between two frames", 1500, { duration: 60, begin: 10.01, end: 40.03, width: 500 }],
]) {
  test(`${name}: each frame in view is shown once, and its pixels are no other's`, () => {
    const scale = scaleOf(view);
    const steps = visited(eachStep, scale, { start: 0, shift: 0.04 }, frames);
    assert.ok(steps.length <= Math.max(scale.width, 2 + (scale.end - scale.begin) / 0.04));
    assert.ok(steps[0][0] <= scale.begin / 0.04 + 1e-6);
    assert.ok(steps.at(-1)[1] >= scale.end / 0.04 - 1e-6);
    steps.forEach(([from, to, left, right], index) => {
      assert.ok(to > from && right > left);
      if (index) assert.deepEqual([from, left], [steps[index - 1][1], steps[index - 1][3]]);
      assert.ok(Math.abs(left - scale.x(from * 0.04)) <= 1);
    });
  });
}

test("frames that begin behind the picture's begin, and end before its end", () => {
  const scale = scaleOf({ duration: 10, width: 50 });
  const steps = visited(eachStep, scale, { start: 2, shift: 0.01 }, 300);
  assert.deepEqual([steps[0][0], steps[0][2]], [0, 10]);
  assert.deepEqual([steps.at(-1)[1], steps.at(-1)[3]], [300, 25]);
});

test("no frame is shown where there is none", () => {
  const scale = scaleOf({ duration: 10, width: 50 });
  assert.deepEqual(visited(eachStep, scale, { start: 0, shift: 0.04 }, 0), []);
});

test("a column of many frames shows its largest weight, by a pyramid", () => {
  const weights = Float32Array.from({ length: 5000 }, (_, t) => ((t * 7919) % 5000) / 5000);
  for (const [from, to] of [[0, 5000], [13, 4987], [100, 149], [1000, 1100]]) {
    assert.equal(largest(weights, from, to), Math.max(...weights.subarray(from, to)));
  }
});

test("a column shows its largest weight", () => {
  assert.equal(largest([9, 1, 3, 2, 9], 1, 4), 3);
});

test("of spans narrower than a pixel each pixel shows the widest, of others all are shown", () => {
  const scale = scaleOf({ duration: 10, width: 10 });
  const spans = [[0.1, 0.2], [0.3, 0.8], [0.85, 0.9], [2, 4.5], [4.6, 4.7], [20, 30]];
  const found = visited(eachSpan, scale, spans.map(([start, end]) => ({ start, end })));
  assert.deepEqual(found, [[1, 0, 1], [3, 2, 4.5], [4, 4, 5]]);
});

test("an hour of tokens takes no more than one bar in each pixel", () => {
  const spans = Array.from({ length: 12_000 }, (_, n) => ({ start: n * 0.3, end: n * 0.3 + 0.25 }));
  const scale = scaleOf({ duration: 3600, width: 1138 });
  const columns = visited(eachSpan, scale, spans).map(([, left]) => left);
  assert.equal(columns.length, 1138);
  assert.equal(new Set(columns).size, 1138);
});

test("stretches that touch are one, those too short to be seen are none", () => {
  const stretches = [[1, 3], [4, 2.5], [5, 5.2], [8, 20], [30, 40]];
  const found = visited(eachRun, stretches.length, (index) => stretches[index], 10);
  assert.deepEqual(found, [[1, 4], [8, 10]]);
});

test("the sum in a column of pixels is what it goes through there", () => {
  const next = random(7);
  const weights = Float32Array.from({ length: 200 }, () => next() ** 3);
  const firing = fire(weights, { tail: { rule: "above", value: 0.25 } });
  const full = firing.fires - Number(firing.tailFired);
  const sumAt = (frame) => {
    const whole = Math.floor(frame);
    const before = (whole ? firing.running[whole - 1] : 0) + (frame - whole) * (weights[whole] ?? 0);
    const fired = firing.positions.subarray(0, full).filter((place) => place < frame).length;
    return before - fired;
  };
  for (let from = 0; from + 2.7 <= 200; from += 2.7) {
    const sums = Array.from({ length: 2000 }, (_, step) => sumAt(from + (step * 2.7) / 1999));
    const [least, most] = rangeOfSum(firing, from, from + 2.7);
    assert.ok(Math.abs(least - Math.min(...sums)) < 2e-3, `least from ${from}`);
    assert.ok(Math.abs(most - Math.max(...sums)) < 2e-3, `most from ${from}`);
  }
});

test("a label runs in the direction of its first letter", () => {
  for (const text of ["two", "12", "", "ˈtʰɛ̃ː", "七八", "12 two שתיים", "🙂", "\u200eשתיים"]) {
    assert.equal(directionOf(text), "ltr", text);
  }
  for (const text of ["שתיים", "مرحبا", "(1) שתיים", "١ اثنان two", "\u200f12", "𞤀𞤣"]) {
    assert.equal(directionOf(text), "rtl", text);
  }
});

test("a name that does not fit is cut between letters, and ends with an ellipsis", () => {
  const canvas = { measureText: (text) => ({ width: 10 * text.length }) };
  assert.equal(shortened(canvas, "CTC", 56), "CTC");
  assert.equal(shortened(canvas, "CTC of a large model", 56), "CTC…");
  assert.equal(shortened(canvas, "CTC-large", 56), "CTC-…");
  assert.equal(shortened(canvas, "ne\u0301e\u0301e\u0301e\u0301", 56), "ne\u0301…");
  assert.equal(shortened(canvas, "x".repeat(1e6), 56), "xxxx…");
  assert.equal(shortened(canvas, "", 56), "");
});

test("what fits of a name is found once for each font and place", () => {
  let asked = 0;
  const canvas = { measureText: (text) => ({ width: (asked += 1) && 10 * text.length }) };
  for (const [wide, fit] of [[56, "reco…"], [200, "recogniser"], [36, "re…"]]) {
    assert.equal(fitted(canvas, "recogniser", wide, "a font"), fit);
    const before = asked;
    assert.equal(fitted(canvas, "recogniser", wide, "a font"), fit);
    assert.equal(asked, before);
  }
  const narrow = { measureText: (text) => ({ width: 2 * text.length }) };
  assert.equal(fitted(narrow, "recogniser", 36, "another font"), "recogniser");
});
