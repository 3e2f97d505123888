// What the controls allow.

import assert from "node:assert/strict";
import test from "node:test";

import { tailRange } from "../../../cifviz/explorer/js/controls.js";
import { LARGEST, RULES } from "../../../cifviz/explorer/js/tail.js";

test("the slider of a rule's value ends at its limits", () => {
  assert.deepEqual(tailRange([0, 0.5]), { min: 0, max: 0.5 });
  assert.deepEqual(tailRange([1, 5]), { min: 1, max: 5 });
});

test("where any weight will do it ends at one token's", () => {
  assert.deepEqual(tailRange([0, LARGEST]), { min: 0, max: 1 });
  assert.deepEqual(tailRange(RULES.above.limits), { min: 0, max: 1 });
});
