// Sound: places and levels of clicks and tone, the mix, other speeds at the same pitch.

import assert from "node:assert/strict";
import test from "node:test";

import { clickPlaces, mixed, sonify } from "../../../cifviz/explorer/js/sonify.js";
import { stretched } from "../../../cifviz/explorer/js/stretch.js";
import { random } from "./random.mjs";

const GRID = { start: 0, shift: 0.04 };
const cifOf = (more) => ({ alpha: [0, 0, 0, 0], top: 1, grid: GRID, fires: [], tailFired: false, ...more });
const largest = (samples) => samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
const loudness = (samples) => Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);

test("clicks begin at the sample nearest to their fires, of the part alone", () => {
  const fires = [0.0499, 0.1, 0.15003, 0.2];
  const part = { start: 0.1, end: 0.2, rate: 8000 };
  assert.deepEqual(clickPlaces(fires, part), [{ sample: 0, fire: 1 }, { sample: 400, fire: 2 }]);
  assert.deepEqual(clickPlaces(fires, { ...part, speed: 0.5 }).map(({ sample }) => sample), [0, 800]);
  const sound = sonify(cifOf({ fires }), part);
  assert.equal(sound.length, 800);
  assert.ok(Math.abs(sound[0] - 0.7) < 1e-6 && Math.abs(sound[400] - 0.7) < 1e-6);
  assert.equal(largest(sound.subarray(100, 400)), 0); // over after 12 ms, and nothing before the next
});

const crossings = (sound) => sound.filter((one, n) => n && one < 0 !== sound[n - 1] < 0).length;

test("the click of the residual has half the pitch", () => {
  const part = { start: 0, end: 0.012, rate: 48_000 };
  const [usual, last] = [false, true].map((tailFired) => crossings(sonify(cifOf({ fires: [0], tailFired }), part)));
  assert.ok(Math.abs(usual / last - 2) < 0.2);
});

test("the tone is as loud as the weights, and stays as high at any speed", () => {
  const rate = 16_000;
  const alpha = Array(50).fill(0).map((_, n) => (n < 25 ? 0.25 : 0.5));
  for (const speed of [0.5, 1, 1.5]) {
    const sound = sonify(cifOf({ alpha }), { start: 0, end: 2, rate, speed });
    assert.equal(sound.length, Math.round((2 * rate) / speed));
    const part = (from, to) => sound.subarray((from * rate) / speed, (to * rate) / speed);
    assert.ok(Math.abs(loudness(part(1.2, 1.8)) / loudness(part(0.2, 0.8)) - 2) < 0.02);
    const steady = part(0.2, 0.8);
    assert.ok(Math.abs((crossings(steady) * rate) / steady.length / 2 - 330) < 3);
  }
});

test("nothing is clipped, whatever the weights are", () => {
  const next = random(5);
  for (let round = 0; round < 50; round += 1) {
    const alpha = Array.from({ length: 20 }, () => 3 * next() - 0.5);
    const fires = Array.from({ length: 30 }, () => next() * 0.8).sort((one, other) => one - other);
    const cif = sonify(cifOf({ alpha, fires }), { start: 0, end: 0.8, rate: 8000 });
    assert.ok(largest(cif) <= 0.951);
    const voice = Float32Array.from(cif, () => (next() > 0.5 ? 1 : -1));
    const both = mixed(voice, cif);
    assert.ok(largest(both) <= 1);
    assert.ok(loudness(both.map((one, n) => one - 0.6 * voice[n])) < 0.5 * loudness(voice)); // the voice is louder
  }
});

test("no frame, no fire, no length and no weight make silence", () => {
  for (const one of [cifOf({ alpha: [] }), cifOf({ top: 0 }), cifOf({})]) {
    assert.equal(largest(sonify(one, { start: 0, end: 0.2, rate: 8000 })), 0);
  }
  assert.equal(sonify(cifOf({ fires: [0.1] }), { start: 0.1, end: 0.1, rate: 8000 }).length, 0);
  assert.equal(mixed(null, null).length, 0);
});

/** Of a periodic sound, Hz: the distance at which it is most like itself. */
function pitchOf(samples, rate) {
  let [best, most] = [0, -Infinity];
  const like = (lag) => {
    let sum = 0;
    for (let n = 0; n + lag < samples.length; n += 1) sum += samples[n] * samples[n + lag];
    return sum / (samples.length - lag);
  };
  for (let lag = Math.round(rate / 700); lag < rate / 60; lag += 1) {
    const here = like(lag);
    if (here > most * 1.001) [best, most] = [lag, here];
  }
  return rate / best;
}

/** A voice-like sound: harmonics of a pitch, louder and softer. */
function voiceOf(hertz, seconds, rate) {
  return Float32Array.from({ length: seconds * rate }, (_, n) => {
    const t = n / rate;
    const wave = [1, 2, 3, 4].reduce((sum, times) => sum + Math.sin(2 * Math.PI * hertz * times * t) / times, 0);
    return 0.3 * wave * (0.6 + 0.4 * Math.sin(2 * Math.PI * 3 * t));
  });
}

for (const rate of [8000, 16_000, 44_100]) {
  for (const speed of [0.5, 0.75, 1.5]) {
    test(`at ${speed} times the speed and ${rate} Hz a voice has its pitch, its length and its place`, () => {
      const voice = voiceOf(120, 1.5, rate);
      const slow = stretched(voice, rate, speed);
      assert.equal(slow.length, Math.round(voice.length / speed));
      assert.ok(largest(slow) <= largest(voice) * 1.0001);
      const middle = slow.subarray(0.3 * slow.length, 0.7 * slow.length);
      assert.ok(Math.abs(pitchOf(middle, rate) / 120 - 1) < 0.02, `pitch ${pitchOf(middle, rate)}`);
      assert.ok(Math.abs(loudness(slow) / loudness(voice) - 1) < 0.1);
    });
  }
}

test("a click stays within 10 ms of its place", () => {
  const rate = 16_000;
  const clicks = new Float32Array(rate);
  for (const at of [0.2, 0.5, 0.8]) clicks[at * rate] = 1;
  const slow = stretched(clicks, rate, 0.5);
  const found = [...slow.keys()].filter((n) => slow[n] > 0.3).map((n) => n / rate);
  for (const at of [0.4, 1, 1.6]) assert.ok(found.some((one) => Math.abs(one - at) < 0.021), `${found} near ${at}`);
});

test("no speed, no sound, and silence change nothing", () => {
  const voice = voiceOf(100, 0.1, 8000);
  assert.equal(stretched(voice, 8000, 1), voice);
  assert.equal(stretched(new Float32Array(0), 8000, 0.5).length, 0);
  assert.equal(largest(stretched(new Float32Array(900), 8000, 0.75)), 0);
  assert.equal(stretched(Float32Array.of(1), 8000, 0.5).length, 2);
});
