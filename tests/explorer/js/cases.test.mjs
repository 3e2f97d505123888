// Runs the cases that CIFVIZ_CASES names, a JSON file: JavaScript must give the results of Python.
// CIFVIZ_RULES may name a module that adds tail rules.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { spans } from "../../../cifviz/explorer/js/edges.js";
import { contributions, fire } from "../../../cifviz/explorer/js/firing.js";
import { DROP, ROUNDED, RULES } from "../../../cifviz/explorer/js/tail.js";
import { amplified, roundedAtPauses } from "../../../cifviz/explorer/js/weights.js";

if (process.env.CIFVIZ_RULES) await import(process.env.CIFVIZ_RULES);
const cases = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

function near(found, wanted, tolerance, what) {
  assert.equal(found.length, wanted.length, `${what}: how many`);
  wanted.forEach((value, index) => {
    const away = Math.abs(found[index] - value);
    assert.ok(away <= tolerance, `${what} ${index}: ${found[index]}, expected ${value}`);
  });
}

function edgesOf(settings = {}, cut) {
  return {
    onsetQuantile: settings.onset_quantile ?? 0.3,
    offsetQuantile: settings.offset_quantile ?? 0.7,
    onsetShift: settings.onset_shift ?? 0,
    offsetShift: settings.offset_shift ?? 0,
    cut,
  };
}

function fired(one) {
  const settings = {
    threshold: one.threshold ?? 1,
    slack: one.slack ?? 0,
    tail: one.tail ?? DROP,
    count: one.count ?? null,
  };
  let weights = amplified(one.weights, { gain: one.gain ?? 1, noise: one.noise ?? 0 });
  if (one.phrases) {
    const { pause_frames: pauseFrames, pause_weight: pauseWeight } = one.phrases;
    weights = roundedAtPauses(weights, { ...settings, pauseFrames, pauseWeight });
    if (RULES[settings.tail.rule].scales) settings.tail = ROUNDED;
  }
  return fire(weights, settings);
}

test("there are cases", () => assert.ok(cases.length > 0));

for (const one of cases) {
  test(one.name, () => {
    const firing = fired(one);
    const wanted = one.expected;
    assert.equal(firing.fires, wanted.fires, "fires");
    assert.equal(firing.tailFired, wanted.tailFired, "tail");
    near([firing.residual], [wanted.residual], 1e-6, "residual");
    near(firing.positions, wanted.positions, 1e-6, "position");
    wanted.contributions.forEach((row, token) => {
      const { first, weights } = contributions(firing, token);
      const whole = new Float64Array(row.length);
      weights.forEach((weight, offset) => {
        whole[first + offset] = weight;
      });
      near(whole, row, 1e-6, `contributions of token ${token}, frame`);
    });
    const grid = { start: one.start ?? 0, shift: one.shift ?? 0.04 };
    for (const cut of ["fires", "valleys"]) {
      const found = spans(firing, grid, edgesOf(one.edges, cut), one.duration ?? Infinity);
      near(found.flat(), wanted.spans[cut].flat(), 1e-6, `edge of ${cut}`);
    }
  });
}
