// The spectrogram of samples is that of Python, at its own frames and coarser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { Fourier } from "../../../cifviz/explorer/js/fourier.js";
import { melFrequencies } from "../../../cifviz/explorer/js/melbands.js";
import { COLUMNS, MelTiles } from "../../../cifviz/explorer/js/meltiles.js";
import { Samples } from "../../../cifviz/explorer/js/samples.js";

const CASES = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

for (const { numbers, power } of CASES.powers) {
  test(`the power spectrum of ${numbers.length} numbers is numpy's`, () => {
    const found = new Float64Array(power.length);
    const fourier = new Fourier(numbers.length);
    for (const round of [0, 1]) {
      fourier.power(numbers, found);
      found.forEach((value, k) => {
        const allowed = 1e-9 * (1 + Math.max(...power));
        assert.ok(Math.abs(value - power[k]) < allowed, `round ${round}, frequency ${k}`);
      });
    }
  });
}

test("mel frequencies are Python's", () => {
  const { count, lowest, highest, hertz } = CASES.mel;
  melFrequencies(count, lowest, highest).forEach((value, n) => {
    assert.ok(Math.abs(value - hertz[n]) < 1e-6 * hertz[n]);
  });
});

function tilesOf({ samples, rate, features }) {
  const kept = new Samples({ rate, length: samples.length, piece: 3000, most: 100 });
  for (const index of kept.piecesOf(0, samples.length)) {
    kept.put(index, Float32Array.from(samples.slice(index * 3000, (index + 1) * 3000)));
  }
  return new MelTiles(kept, features);
}

/** All columns of a level, one tile after the other. */
function columnsOf(tiles, level) {
  const places = tiles.placesIn(level, 0, 1e9);
  let steps = 0;
  const found = [];
  for (const place of places) {
    for (const making = tiles.make(place); !making.next().done; ) steps += 1;
    const values = tiles.get(place);
    assert.ok(values.length <= COLUMNS * tiles.mel.bands);
    found.push(...values);
  }
  return { values: found, steps };
}

for (const one of CASES.sounds) {
  for (const [level, expected] of Object.entries(one.levels)) {
    test(`${one.name}, level ${level}: every step of grey is Python's, or the one beside it`, () => {
      const tiles = tilesOf(one);
      const { values } = columnsOf(tiles, Number(level));
      assert.equal(values.length, expected.length);
      assert.equal(values.length, tiles.columns(Number(level)) * tiles.mel.bands);
      let others = 0;
      values.forEach((value, at) => {
        assert.ok(Math.abs(value - expected[at]) <= 1, `${at}: ${value} for ${expected[at]}`);
        others += Number(value !== expected[at]);
      });
      assert.ok(others <= 0.02 * values.length, `${others} of ${values.length}`);
    });
  }
}

test("between frames lie columns of their own, and every frame is among them or between two", () => {
  const [one] = CASES.sounds;
  const tiles = tilesOf(one);
  const fine = columnsOf(tiles, -1).values;
  assert.equal(fine.length, 2 * tiles.frames * tiles.mel.bands);
  const whole = columnsOf(tiles, 0).values;
  // A frame lies between the two columns of its halves: on the average it is what they are.
  const { bands } = tiles.mel;
  let [difference, size] = [0, 0];
  whole.forEach((value, at) => {
    const [frame, band] = [Math.floor(at / bands), at % bands];
    const halves = (fine[2 * frame * bands + band] + fine[(2 * frame + 1) * bands + band]) / 2;
    difference += Math.abs(halves - value);
    size += 255;
  });
  assert.ok(difference / size < 0.03, `${difference / size}`);
});

test("columns are one to two pixels wide, and never closer than a few samples", () => {
  const tiles = tilesOf(CASES.sounds[0]);
  for (const density of [0.3, 1, 7, 99, 100, 101, 640, 2000]) {
    const wide = tiles.shift(tiles.levelFor(density)) * density;
    assert.ok(wide >= 1 - 1e-6 && wide < 2, `${density}: ${wide}`);
  }
  assert.equal(tiles.levelFor(1e9), tiles.finest);
  assert.ok(tiles.hop * 2 ** tiles.finest >= 4);
});

test("a tile is made in small steps, once", () => {
  const tiles = tilesOf(CASES.sounds[0]);
  const { column } = tiles.mel;
  let columns = 0;
  tiles.mel.column = (...given) => {
    columns += 1;
    column.apply(tiles.mel, given);
  };
  let most = 0;
  for (let before = 0, making = tiles.make({ level: 1, index: 0 }); !making.next().done; before = columns) {
    most = Math.max(most, columns - before);
  }
  assert.ok(most <= 16, `${most}`);
  const [all] = [columns];
  for (const level of [1, 0]) assert.ok(tiles.make({ level, index: 0 }).next().done);
  assert.equal(columns, all);
});
