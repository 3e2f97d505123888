// What the controls allow.

import assert from "node:assert/strict";
import test from "node:test";

import { CHOICES, SLIDERS, tailRange } from "../../../cifviz/explorer/js/controls.js";
import ranges from "../../../cifviz/explorer/js/settings.json" with { type: "json" };
import { LARGEST, RULES } from "../../../cifviz/explorer/js/tail.js";

test("every setting has a control, which allows no other values", () => {
  assert.deepEqual(Object.keys(SLIDERS).sort(), Object.keys(ranges.numbers).sort());
  for (const [name, [least, most]] of Object.entries(ranges.numbers)) {
    assert.ok(SLIDERS[name].min >= least && SLIDERS[name].max <= most, name);
  }
  const options = Object.entries(CHOICES).map(([name, choice]) => [name, choice.options]);
  assert.deepEqual(Object.fromEntries(options), ranges.words);
});

test("the slider of a rule's value ends at its limits", () => {
  assert.deepEqual(tailRange([0, 0.5]), { min: 0, max: 0.5 });
  assert.deepEqual(tailRange([1, 5]), { min: 1, max: 5 });
});

test("where any weight will do it ends at one token's", () => {
  assert.deepEqual(tailRange([0, LARGEST]), { min: 0, max: 1 });
  assert.deepEqual(tailRange(RULES.above.limits), { min: 0, max: 1 });
});
