// Runs the cases that CIFVIZ_CASES names: the sound of a CIF is that of Python, sample by sample.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { clickPlaces, mixed, sonify } from "../../../cifviz/explorer/js/sonify.js";

const cases = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

test("there are cases", () => assert.ok(cases.length > 0));

cases.forEach(({ audible, part, samples, places, voice, loudest, both }, index) => {
  test(`case ${index}`, () => {
    assert.deepEqual(clickPlaces(audible.fires, part).map(({ sample }) => sample), places, "places");
    const found = sonify(audible, part);
    assert.equal(found.length, samples.length, "length");
    samples.forEach((wanted, n) => {
      assert.ok(Math.abs(found[n] - wanted) < 1e-4, `sample ${n}: ${found[n]}, expected ${wanted}`);
    });
    mixed(Float32Array.from(voice), found, loudest).forEach((one, n) => {
      assert.ok(Math.abs(one - both[n]) < 1e-4, `mixed ${n}: ${one}, expected ${both[n]}`);
    });
  });
});
