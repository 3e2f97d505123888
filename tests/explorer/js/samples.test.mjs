// The extremes of any range of samples are exact, and pieces of a sound are one sound.

import assert from "node:assert/strict";
import test from "node:test";

import { Pyramid, nothing } from "../../../cifviz/explorer/js/pyramid.js";
import { Samples } from "../../../cifviz/explorer/js/samples.js";
import { Sound } from "../../../cifviz/explorer/js/sound.js";
import { random } from "./random.mjs";

/** The extremes, by a look at each value. */
function byLooking(values, from, to) {
  const part = [...values].slice(Math.max(from, 0), Math.max(to, 0));
  return { least: Math.min(...part), most: Math.max(...part) };
}

test("the extremes of any range are those of its values", () => {
  const next = random(5);
  for (const length of [0, 1, 31, 32, 33, 1024, 1025, 5000]) {
    const values = Float32Array.from({ length }, () => next() - 0.5);
    const pyramid = new Pyramid(values);
    for (let round = 0; round < 200; round += 1) {
      const from = Math.floor(next() * (length + 1));
      const to = from + Math.floor(next() * (length + 1 - from));
      const found = nothing();
      pyramid.widen(from, to, found);
      assert.deepEqual(found, byLooking(values, from, to));
    }
  }
});

test("few values are read of however many", () => {
  const pyramid = new Pyramid(new Float32Array(1_000_000));
  let read = 0;
  const { scan } = pyramid;
  pyramid.scan = (from, to, ...more) => {
    read += to - from;
    scan.call(pyramid, from, to, ...more);
  };
  pyramid.widen(17, 999_983, nothing());
  assert.ok(read < 300, `${read}`);
});

function pieced(values, piece, most = 100) {
  const samples = new Samples({ rate: 10, length: values.length, piece, most });
  for (const index of samples.piecesOf(0, values.length)) {
    samples.put(index, values.slice(index * piece, (index + 1) * piece));
  }
  return samples;
}

test("pieces are one sound", () => {
  const next = random(6);
  const values = Float32Array.from({ length: 1003 }, () => next() - 0.5);
  const samples = pieced(values, 100);
  for (let round = 0; round < 300; round += 1) {
    const from = Math.floor(next() * 1200) - 100;
    const to = from + Math.floor(next() * 500);
    const found = nothing();
    samples.widen(from, to, found);
    assert.deepEqual(found, byLooking(values, from, to));
    const copy = new Float32Array(to - from);
    samples.copy(from, copy);
    copy.forEach((value, n) => assert.equal(value, values[from + n] ?? 0));
  }
});

test("a piece that came too short or too long is as long as it should be", () => {
  const samples = new Samples({ rate: 10, length: 25, piece: 10, most: 9 });
  samples.put(0, Float32Array.of(1, 2));
  samples.put(2, new Float32Array(99).fill(3));
  assert.deepEqual([0, 2].map((index) => samples.pieces.get(index).values.length), [10, 5]);
  const copy = new Float32Array(25);
  samples.copy(0, copy);
  assert.equal(copy.reduce((sum, value) => sum + value, 0), 1 + 2 + 5 * 3);
});

test("the pieces that were not used for the longest time make room", () => {
  const samples = pieced(new Float32Array(50), 10, 3);
  assert.deepEqual([...samples.pieces.keys()], [2, 3, 4]);
  assert.ok(samples.has(20, 30));
  samples.put(0, new Float32Array(10));
  assert.deepEqual([...samples.pieces.keys()], [4, 2, 0]);
  assert.ok(!samples.has(0, 20));
  assert.ok(samples.has(-100, 0) && samples.has(50, 99));
});

const ABOUT = { rate: 16_000, length: 50_000, piece: 16_000, loudest: 1, note: "", features: null };

/** A sound of which the pieces are their own numbers; what was brought is kept. */
function counted(about) {
  const brought = [];
  const sound = new Sound(about, {
    longest: 2,
    bring: async (index, start, end) => {
      brought.push([index, start, end]);
      return new ArrayBuffer(index + 1);
    },
    decode: async (encoded) => new Float32Array(99_999).fill(encoded.byteLength),
  });
  return { sound, brought };
}

test("a piece is brought once, when it is asked for", async () => {
  const { sound, brought } = counted(ABOUT);
  await Promise.all([sound.load(15_990, 16_010), sound.load(16_000, 16_001)]);
  await sound.load(0, 100);
  assert.deepEqual(brought, [[0, 0, 1], [1, 1, 2]]);
  await sound.load(48_000, 60_000);
  assert.deepEqual(brought.at(-1), [3, 3, 3.125]);
});

test("a part that is played begins with its first piece", async () => {
  const { sound } = counted(ABOUT);
  const context = {
    createBuffer: (channels, length, rate) => {
      const values = new Float32Array(length);
      return { channels, length, rate, getChannelData: () => values };
    },
  };
  const { buffer, begin } = await sound.part(context, 1.5, 2.25);
  assert.deepEqual([begin, buffer.length, buffer.rate], [1, 32_000, 16_000]);
  assert.deepEqual([0, 15_999, 16_000].map((n) => buffer.getChannelData()[n]), [2, 2, 3]);
  assert.equal((await sound.part(context, 1, 2)).buffer, buffer);
});

test("a rate that no browser plays is replaced by one that all do", async () => {
  const features = { hop: 1 };
  const slow = counted({ ...ABOUT, rate: 4000, length: 6000, piece: 4000, features }).sound;
  assert.deepEqual([slow.rate, slow.samples.length, slow.samples.piece], [8000, 12_000, 8000]);
  assert.equal(slow.features, null); // they are of another rate
});

test("what could not be brought is asked for again", async () => {
  let calls = 0;
  const bring = async () => {
    calls += 1;
    if (calls === 1) throw new Error("no answer");
    return new ArrayBuffer(1);
  };
  const sound = new Sound(ABOUT, { longest: 2, bring, decode: async () => new Float32Array(9) });
  await assert.rejects(sound.load(0, 1), /no answer/);
  await sound.load(0, 1);
  assert.equal(calls, 2);
});
