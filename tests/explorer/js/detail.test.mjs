// When samples are brought and tiles are made: never between the steps of a zoom.

import assert from "node:assert/strict";
import test from "node:test";

import { Detail } from "../../../cifviz/explorer/js/detail.js";
import { TimeScale } from "../../../cifviz/explorer/js/timescale.js";

const COARSE = { peaks: { rate: 2 }, logMel: null };

/** A detail of an hour at 100 samples a second, and the parts that it asked for. */
function followed() {
  const asked = [];
  const sound = {
    rate: 100,
    longest: 1200,
    features: null,
    samples: { has: () => false },
    load: async (from, to) => void asked.push([from, to]),
  };
  const detail = new Detail(sound, { refined: () => {}, failed: assert.fail });
  const scale = new TimeScale(3600);
  scale.width = 1000;
  return { detail, scale, asked };
}

test("a zoom brings samples only of the view at which it rests", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { detail, scale, asked } = followed();
  scale.look(1000, 400);
  for (let step = 0; step < 5; step += 1) {
    scale.zoom(0.5, 1200);
    detail.follow(scale, COARSE);
    context.mock.timers.tick(50);
  }
  assert.deepEqual(asked, []);
  context.mock.timers.tick(1000);
  assert.deepEqual(asked, [[119_375, 120_626]]);
});

test("a pan brings them at once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { detail, scale, asked } = followed();
  scale.look(1000, 10);
  detail.follow(scale, COARSE);
  context.mock.timers.tick(1000);
  scale.pan(60);
  detail.follow(scale, COARSE);
  assert.deepEqual(asked, [[100_000, 101_001], [106_000, 107_001]]);
});

test("nothing is brought for a view that the coarse picture or no sound is enough for", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { detail, scale, asked } = followed();
  for (const length of [3600, 1300, 600]) {
    scale.look(0, length);
    detail.follow(scale, COARSE);
    context.mock.timers.tick(1000);
  }
  assert.deepEqual(asked, []);
});

test("a zoom of a page that is closed brings nothing", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { detail, scale, asked } = followed();
  scale.look(1000, 10);
  detail.follow(scale, COARSE);
  detail.close();
  context.mock.timers.tick(1000);
  assert.deepEqual(asked, []);
});
