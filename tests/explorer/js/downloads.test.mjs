// Alignments as text: what Python writes, byte for byte, and what it refuses.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { audacity, csv, ctm, json, srt, textgrid, webvtt } from "../../../cifviz/explorer/js/downloads.js";

const cases = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

const writers = {
  ".TextGrid": (tiers, { duration }) => textgrid(tiers, duration),
  ".csv": (tiers) => csv(tiers),
  ".json": (tiers, { duration, details }) => json(tiers, duration, details),
  ".ctm": (tiers, { name }) => ctm(first(tiers), name),
  ".srt": (tiers) => srt(first(tiers)),
  ".vtt": (tiers) => webvtt(first(tiers)),
  ".txt": (tiers) => audacity(first(tiers)),
};

function first(tiers) {
  return tiers.values().next().value;
}

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
