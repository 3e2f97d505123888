// The search for the cheapest cuts against one that tries every pair of places: the same choices,
// ties included, also where tokens are so long that places are looked at in blocks.

import assert from "node:assert/strict";
import test from "node:test";

import { segmentEnds } from "../../../cifviz/explorer/js/edges.js";
import { fire } from "../../../cifviz/explorer/js/firing.js";
import { random } from "./random.mjs";

/** `segmentEnds`, one pair after the other. */
function slowEnds({ alpha, running, fires }) {
  const frames = alpha.length;
  const total = running[frames - 1];
  const sum = (place) => (place ? running[place - 1] : 0);
  const mass = (place) => (sum(place) * fires) / total;
  const most = Math.max(...alpha);
  const depth = (place) =>
    place && place < frames ? Math.min(alpha[place - 1], alpha[place]) / most : 0;
  const all = Array.from({ length: frames + 1 }, (_, place) => place);
  let choices = [{ place: 0, cost: 0, before: null }];
  for (let token = 1; token <= fires; token += 1) {
    let near = all.filter((place) => Math.abs(mass(place) - token) <= 1.5);
    if (!near.length) {
      const away = all.map((place) => Math.abs(mass(place) - token));
      near = [away.indexOf(Math.min(...away))];
    }
    if (token === fires) near = [frames];
    choices = near.map((place) => {
      let best = { cost: Infinity, before: choices[0] };
      for (const before of choices) {
        const wrong = mass(place) - mass(before.place) - 1;
        const cost = wrong * wrong + before.cost;
        if (before.place <= place && cost < best.cost) best = { cost, before };
      }
      return { place, cost: best.cost + depth(place), before: best.before };
    });
  }
  const ends = [];
  for (let cut = choices[0]; cut.before; cut = cut.before) ends.unshift(sum(cut.place));
  return ends;
}

const SHAPES = {
  "of any size": (next) => next() ** 2,
  "in steps, with many ties": (next) => Math.round(next() * 4) / 16,
  "with silences": (next, t) => (t % 40 < 25 ? 0 : next()),
  "all alike": () => 0.125,
};

for (const [shape, weight] of Object.entries(SHAPES)) {
  for (const [frames, count] of [[400, 3], [400, 9], [300, 60], [90, 250]]) {
    test(`weights ${shape}: ${count} tokens in ${frames} frames`, () => {
      const next = random(frames + count);
      const alpha = Float32Array.from({ length: frames }, (_, t) => weight(next, t));
      const firing = fire(alpha, { count });
      assert.deepEqual([...segmentEnds(firing)], slowEnds(firing));
    });
  }
}
