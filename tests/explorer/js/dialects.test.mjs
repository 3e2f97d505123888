// Runs the cases that CIFVIZ_CASES names, a JSON file: the dialects of JavaScript must give the results
// of Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { DIALECTS, fireByDialect } from "../../../cifviz/explorer/js/dialects.js";
import ranges from "../../../cifviz/explorer/js/settings.json" with { type: "json" };

const cases = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

function near(found, wanted, what) {
  assert.equal(found.length, wanted.length, `${what}: how many`);
  wanted.forEach((value, index) => {
    const away = Math.abs(found[index] - value);
    assert.ok(away <= 1e-4, `${what} ${index}: ${found[index]}, expected ${value}`);
  });
}

/** Entries as [frame, token, weight], in the order of frames, then tokens. */
function entries({ first, owners, weights }) {
  const found = [];
  for (let frame = 0; frame + 1 < first.length; frame += 1) {
    for (let at = first[frame]; at < first[frame + 1]; at += 1) {
      found.push([frame, owners[at], weights[at]]);
    }
  }
  return found.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
}

test("there are cases, and a dialect for each name", () => {
  assert.ok(cases.length > 0);
  assert.deepEqual(Object.keys(DIALECTS).sort(), ranges.dialects.toSorted());
});

for (const { name, weights, dialect, threshold, tail, expected, fails } of cases) {
  test(name, () => {
    const run = () => fireByDialect(dialect, Float32Array.from(weights), { threshold, tail });
    if (fails) {
      assert.throws(run, /the source fails on these weights/);
      return;
    }
    const firing = run();
    assert.equal(firing.fires, expected.fires, "fires");
    assert.equal(firing.tailFired, expected.tailFired, "tail");
    near(firing.alpha, expected.alpha, "alpha");
    near([firing.threshold], [expected.threshold], "threshold");
    near([firing.residual], [expected.residual], "residual");
    near(firing.ends, expected.ends, "end");
    near(firing.positions, expected.positions, "position");
    const shares = entries(firing.shares);
    near(shares.flat(), expected.shares.flat(), "shares");
  });
}
