// Settings of links and of notebooks: whatever they say, what comes out can be computed with.

import assert from "node:assert/strict";
import test from "node:test";

import { fromLink, known, toLink } from "../../../cifviz/explorer/js/settings.js";

test("a link brings back what it was made of", () => {
  const settings = {
    threshold: 0.5, slack: 0.01, gain: 1.5, smoothing: 2, count: 7,
    tail: { rule: "at_least", value: 0.25 }, scaling: "as given", weights: { 3: 0.25, 12: 0 },
  };
  assert.deepEqual(fromLink(`#${toLink(settings)}`), settings);
});

test("without weights a link has none", () => {
  assert.equal(toLink({ threshold: 1, weights: {} }), "threshold=1");
  assert.deepEqual(fromLink("#threshold=1"), { threshold: 1, weights: {} });
});

for (const [given, found] of [
  [{ threshold: "x", gain: Infinity, slack: -1, count: Number.NaN }, {}],
  [{ threshold: 0, gain: 1e9, tail: { rule: "<b>", value: 0.5 }, scaling: null }, {}],
  [{ smoothing: 1.6, onload: "alert(1)" }, { smoothing: 2 }],
  [{ weights: { 0: 1, length: 5, "-1": 1, "1.5": 1, 2: -1, 3: Infinity, 4: "x" } }, { weights: { 0: 1 } }],
  [{ weights: "12:0.5" }, {}],
]) {
  test(JSON.stringify(given), () => assert.deepEqual(known(given), found));
}
