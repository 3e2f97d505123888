// The lanes that some systems alone have: what is read of what Python sends, and what is drawn of it.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import test from "node:test";

import { Filmstrip } from "../../../cifviz/explorer/js/filmstrip.js";
import { describeMembrane, membraneOf, potentialTicks } from "../../../cifviz/explorer/js/membranelane.js";
import { Raster, describeSpikes, neuronTicks } from "../../../cifviz/explorer/js/raster.js";
import { describeWritten, stepsInView, writtenOf, writtenTicks } from "../../../cifviz/explorer/js/staircase.js";
import { TimeScale } from "../../../cifviz/explorer/js/timescale.js";

const STRIP = { top: 100, height: 80 };

/** Pixels and seconds. */
function scaleOf(width, duration, begin = 0, end = duration) {
  const scale = new TimeScale(duration);
  scale.width = width;
  scale.look(begin, end - begin);
  return scale;
}

function film(pictures, every = 1) {
  return new Filmstrip({ sheet: "", count: Math.ceil(pictures / every), columns: 10, width: 48, height: 32, every, pictures, start: 0, shift: 0.04 });
}

test("pictures stand at their times, do not overlap, and are those that were kept", () => {
  for (const [pictures, every] of [[1, 1], [25, 1], [75, 1], [1500, 3], [7, 2]]) {
    const strip = film(pictures, every);
    for (const width of [300, 1184]) {
      const scale = scaleOf(width, pictures * 0.04);
      const placed = strip.placed(scale, 78);
      assert.ok(placed.length >= 1);
      placed.forEach(({ picture, middle }, n) => {
        assert.equal(picture % every, 0);
        const seconds = scale.seconds(middle);
        const apart = Math.abs(strip.at(seconds) - picture);
        assert.ok(apart <= every + 1, `${picture} at ${seconds}`);
        if (n) assert.ok(middle - placed[n - 1].middle >= 78);
      });
    }
  }
});

test("panning shows the same pictures, and close by there is one for each frame", () => {
  const strip = film(75);
  const [one, other] = [scaleOf(600, 3, 0.5, 2), scaleOf(600, 3, 0.7, 2.2)].map((scale) =>
    strip.placed(scale, 78).map(({ picture }) => picture));
  assert.ok(one.filter((picture) => other.includes(picture)).length >= 4);
  const close = strip.placed(scaleOf(1000, 3, 1, 1.4), 78).map(({ picture }) => picture);
  assert.deepEqual(close, [25, 26, 27, 28, 29, 30, 31, 32, 33, 34]);
  assert.deepEqual([strip.at(-0.01), strip.at(0), strip.at(2.99), strip.at(3)], [null, 0, 74, null]);
});

test("spikes are read from the highest bit on", () => {
  // 2 frames of 3 neurons: 010 100
  const raster = new Raster({ values: "UA==", columns: 2, rows: 3, pooled: 1, pooledNeurons: 1, neurons: 3, start: 0, shift: 0.04 });
  const found = [0, 1].map((column) => [0, 1, 2].map((row) => Number(raster.has(column, row))));
  assert.deepEqual(found, [[0, 1, 0], [1, 0, 0]]);
  assert.equal(describeSpikes(raster, 0.05), "1 of 3 neurons");
  assert.equal(describeSpikes(raster, 0.08), "");
  assert.deepEqual(neuronTicks(STRIP, 3).map(({ label }) => label), ["0", "1", "2"]);
  assert.deepEqual(neuronTicks(STRIP, 1).map(({ label }) => label), ["0"]);
});

/** Little-endian float32 as base64. */
function floats(...values) {
  return Buffer.from(Float32Array.from(values).buffer).toString("base64");
}

test("a membrane has an axis with room for all of it, also below 0", () => {
  const parts = { threshold: floats(1, 1), spikes: Buffer.from([0, 2]).toString("base64") };
  const plain = membraneOf({ peak: floats(0.5, 1.25), potential: floats(0.5, 0.25), ...parts });
  assert.deepEqual([plain.low, plain.high, plain.fired], [0, 1.5, [1]]);
  const grid = { start: 0, shift: 0.5 };
  assert.equal(describeMembrane(plain, grid, 0.6), "1.25 of θ 1, 2 spikes");
  assert.equal(describeMembrane(plain, grid, 0.2), "0.50 of θ 1");
  assert.equal(describeMembrane(plain, grid, 1.1), "");
  const deep = membraneOf({ peak: floats(0.5, -1.4), potential: floats(0.5, -1.4), ...parts });
  const labels = potentialTicks(STRIP, deep).map(({ label }) => label);
  assert.ok(labels.includes("0") && labels[0] === `−${-deep.low}` && deep.low <= -1.4);
});

test("tokens written in one moment are one step", () => {
  const written = writtenOf({ labels: ["a", "b", "c", "d"], delays: [0.5, 1, 1, 2] });
  const whole = scaleOf(200, 2);
  assert.deepEqual(stepsInView(written, whole), [{ from: 0, to: 1, x: 50 }, { from: 1, to: 3, x: 100 }, { from: 3, to: 4, x: 200 }]);
  assert.deepEqual(stepsInView(written, scaleOf(100, 2, 0.6, 1.6)), [{ from: 1, to: 3, x: 40 }]);
  assert.equal(describeWritten(written, 2, 0.2), "0 of 4");
  // The second of four tokens in 2 s comes at 0.5 s if they come evenly, the third at 1 s.
  assert.equal(describeWritten(written, 2, 0.7), "1 of 4, a after 0.50 s, lag +0.50 s");
  assert.equal(describeWritten(written, 2, 1), "3 of 4, c after 1.00 s, lag +0.00 s");
  const labels = writtenTicks(STRIP, written).map(({ label }) => label);
  assert.ok(labels.every((label) => ["0", "1", "2", "3", "4"].includes(label)));
  assert.deepEqual([labels[0], labels.at(-1)], ["0", "4"]);
  assert.deepEqual(writtenTicks(STRIP, writtenOf({ labels: ["a"], delays: [1] })).map(({ label }) => label), ["0", "1", "2"]);
});
