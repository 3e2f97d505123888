// Alignments as text: what Python writes, byte for byte, and what it refuses.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { writers } from "./writers.mjs";

const cases = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

test("there are cases", () => assert.ok(cases.length > 0));

for (const [index, one] of cases.entries()) {
  const tiers = new Map(one.tiers);
  for (const [suffix, expected] of Object.entries(one.expected)) {
    test(`case ${index} ${suffix}`, () => {
      const write = () => writers[suffix](tiers, one);
      if (expected === null) assert.throws(write, Error);
      else assert.equal(write(), expected);
    });
  }
}
