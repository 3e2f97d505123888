// CIF as other code bases run it, in their order of operations and in float32: the twin of
// cifviz/core/dialects and, for `recorded`, of cifviz/core/interop/recorded_firing.py. Their docstrings
// say what is particular about each; tests hold both languages to the same results.

/** @import { Firing, Shares } from "./firing.js" */
/** @import { Dialect } from "./types.js" */

import { runningSums } from "./firing.js";

/** Sums of others are this far from ours at most, in tokens. */
const ROUNDING = 1e-3;
/** Contributions below it are rounding, in tokens. */
const NOISE = 1e-5;

/**
 * What the frames gave to one token: not more than one entry for a frame, in their order.
 *
 * @typedef {{frames: number[], weights: number[]}} Row
 */

/**
 * @typedef {object} Made
 * @property {Row[]} rows Of the tokens that fired.
 * @property {Float32Array} alpha Weights as used.
 * @property {number} [charge] What a token takes, 1 if it is left out.
 */

/**
 * @typedef {object} Numbers
 * @property {number} threshold
 * @property {number} tail
 * @property {number} real Frames before the padding.
 * @property {boolean} cuts Whether the sum of the weights limits the number of tokens.
 */

/** @type {Record<string, (alpha: Float32Array, numbers: Numbers) => Made>} */
export const DIALECTS = {
  cif_pytorch: cifPytorch,
  torch_cif: torchCif,
  funasr_cif: loop,
  funasr_cif_v1: runningSum,
  paraformer_v1: (alpha, numbers) => paraformer(alpha, numbers, loop),
  paraformer_v2: (alpha, numbers) => paraformer(alpha, numbers, runningSum),
};

/**
 * Fire one utterance by a dialect.
 *
 * @param {Dialect} dialect
 * @param {Float32Array} weights
 * @param {{threshold: number, tail: number}} settings Of the dialect.
 * @returns {Firing}
 */
export function fireByDialect({ name, realFrames, padding, cuts }, weights, { threshold, tail }) {
  const real = Math.min(realFrames ?? weights.length, weights.length);
  const padded = new Float32Array(real + padding);
  padded.set(weights.subarray(0, real));
  const made = DIALECTS[name](padded, { threshold, tail, real, cuts });
  const behind = made.alpha.subarray(real).some((weight) => weight !== 0);
  // As long as the weights given, and with an appended frame that weighs something.
  const frames = Math.max(weights.length, behind ? real + 1 : 0, lastFrame(made.rows) + 1);
  const alpha = new Float32Array(frames);
  alpha.set(made.alpha.subarray(0, frames));
  const charged = made.charge ?? 1;
  return recorded(made.rows, alpha, { charged, slack: charged - threshold });
}

/**
 * A firing made of what each frame gave to each token.
 *
 * @param {Row[]} rows
 * @param {Float32Array} alpha Weights as used.
 * @param {{charged: number, slack: number}} numbers What a token takes, and how far below it fires.
 * @returns {Firing}
 */
function recorded(rows, alpha, { charged, slack }) {
  const fires = rows.length;
  const running = runningSums(alpha);
  const total = running.at(-1) ?? 0;
  const taken = new Float64Array(alpha.length);
  const ends = new Float64Array(fires + 1);
  const reach = new Float64Array(fires + 1);
  const positions = new Float64Array(fires);
  let [tailFired, full] = [false, 0];
  rows.forEach(({ frames, weights }, token) => {
    // 1. The last frame that gave to it, and what this and earlier tokens took there.
    const mass = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    let last = -1;
    frames.forEach((frame, index) => {
      taken[frame] += weights[index];
      if (Math.abs(weights[index]) > NOISE * mass) last = frame;
    });
    const isPutOff = last >= 0 && taken[last] < -ROUNDING * mass;
    const isInside = last >= 0 && alpha[last] > 0 && !isPutOff;
    const share = isInside ? Math.min(Math.max(taken[last] / alpha[last], 0), 1) : 1;
    positions[token] = Math.max(last + share, token ? positions[token - 1] : 0);
    // 2. Where it ends on the mass axis.
    const end = (token + 1) * charged;
    const isTail = token === fires - 1 && last >= 0 && end > total + slack + ROUNDING * charged;
    const before = last > 0 ? running[last - 1] : 0;
    const after = last >= 0 ? running[last] : 0;
    const wasFull = end < before - ROUNDING * charged; // full before it fired
    const own = wasFull ? after : end;
    ends[token + 1] = isTail || last < 0 ? total : own;
    reach[token + 1] = isTail || last < 0 ? Infinity : (before + after) / 2;
    tailFired = isTail;
    full += Number(last >= 0 && !isTail);
  });
  const residual = total - full * charged;
  const tailFill = tailFired ? charged / residual : 1;
  const shares = sharesOf(rows, alpha.length);
  return {
    alpha, running, threshold: charged, ends, reach, fires, tailFired, residual, fill: 1, tailFill,
    positions, shares,
  };
}

/**
 * The entries of the rows, frame by frame.
 *
 * @param {Row[]} rows
 * @param {number} frames
 * @returns {Shares}
 */
function sharesOf(rows, frames) {
  /** @type {[number, number][][]} */
  const entries = Array.from({ length: frames }, () => []);
  rows.forEach((row, token) => {
    row.frames.forEach((frame, index) => {
      const weight = row.weights[index];
      if (Math.abs(weight) > NOISE) entries[frame]?.push([token, weight]);
    });
  });
  const first = new Int32Array(frames + 1);
  entries.forEach((one, frame) => {
    first[frame + 1] = first[frame] + one.length;
  });
  const all = entries.flat();
  return {
    first,
    owners: Int32Array.from(all, ([token]) => token),
    weights: Float32Array.from(all, ([, weight]) => weight),
  };
}

/**
 * The last frame that gave to any token, −1 if none did.
 *
 * @param {Row[]} rows
 */
function lastFrame(rows) {
  let last = -1;
  for (const { frames, weights } of rows) {
    const mass = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    const at = weights.findLastIndex((weight) => Math.abs(weight) > NOISE * mass);
    if (at >= 0) last = Math.max(last, frames[at]);
  }
  return last;
}

/**
 * Rows to which weights can be added, whether tokens are full in the end or not.
 *
 * @param {Row[]} rows
 * @param {number} token
 * @param {number} frame
 * @param {number} weight
 */
function give(rows, token, frame, weight) {
  while (rows.length <= token) rows.push({ frames: [], weights: [] });
  const { frames, weights } = rows[token];
  if (frames.at(-1) === frame) weights.push(Math.fround((weights.pop() ?? 0) + weight));
  else {
    frames.push(frame);
    weights.push(weight);
  }
}

/**
 * Fire where the integrator reaches the threshold, take 1, once in a frame at most.
 *
 * @param {Float32Array} alpha
 * @param {number} threshold
 * @param {(reached: number, carried: number) => number} afterFire The integrator after a fire.
 */
function oneFirePerFrame(alpha, threshold, afterFire) {
  const reach = Math.fround(threshold);
  /** @type {Row[]} */
  const rows = [];
  const [left, counts] = [new Float32Array(alpha.length), new Int32Array(alpha.length)];
  let [level, fires] = [0, 0];
  alpha.forEach((weight, frame) => {
    const reached = Math.fround(level + weight);
    const fired = reached >= reach;
    const taken = fired ? Math.fround(1 - level) : weight;
    const carried = Math.fround(weight - taken);
    give(rows, fires, frame, taken);
    if (fired) {
      fires += 1;
      give(rows, fires, frame, carried);
    }
    level = fired ? Math.fround(afterFire(reached, carried)) : reached;
    left[frame] = level;
    counts[frame] = fires;
  });
  return { rows, left, counts, fires };
}

/**
 * FunASR's `cif`.
 *
 * @param {Float32Array} alpha
 * @param {Numbers} numbers
 * @returns {Made}
 */
function loop(alpha, { threshold, cuts }) {
  const { rows, fires } = oneFirePerFrame(alpha, threshold, (reached) => reached - 1);
  return { rows: counted(rows, fires, alpha, cuts), alpha };
}

/**
 * FunASR's `cif_v1`.
 *
 * @param {Float32Array} alpha
 * @param {Numbers} numbers
 * @returns {Made}
 */
function runningSum(alpha, { cuts }) {
  /** @type {Row[]} */
  const rows = [];
  let [sum, before, fires] = [0, 0, 0];
  alpha.forEach((weight, frame) => {
    sum += weight;
    const mass = Math.fround(sum);
    const whole = Math.floor(mass);
    const fired = whole > before;
    const peak = Math.fround(Math.fround(Number(fired) + mass) - whole);
    const carried = fired ? Math.fround(peak - Math.floor(peak)) : 0;
    give(rows, fires, frame, Math.fround(weight - carried));
    if (fired) {
      fires += 1;
      give(rows, fires, frame, carried);
    }
    before = whole;
  });
  return { rows: counted(rows, fires, alpha, cuts), alpha };
}

/**
 * The rows that fired, if the source has room for them: as many as the rounded sum of the weights.
 *
 * @param {Row[]} rows
 * @param {number} fires
 * @param {Float32Array} alpha
 * @param {boolean} cuts
 */
function counted(rows, fires, alpha, cuts) {
  const sum = sumOf(alpha);
  const near = Math.round(sum);
  const room = near - sum === 0.5 && near % 2 ? near - 1 : near;
  if (cuts && fires > room) {
    throw new Error(`the source fails on these weights: ${fires} tokens fire, and it has rows for ${room}`);
  }
  return rows.slice(0, fires);
}

/**
 * A tail weight behind the real frames; then fired, and cut to the whole part of the sum.
 *
 * @param {Float32Array} alpha
 * @param {Numbers} numbers
 * @param {(alpha: Float32Array, numbers: Numbers) => Made} fire
 * @returns {Made}
 */
function paraformer(alpha, numbers, fire) {
  const { tail, real, cuts } = numbers;
  if (tail === 0) return fire(alpha, numbers);
  const prepared = new Float32Array(alpha.length + 1);
  prepared.set(alpha);
  prepared[real] += tail;
  const { rows } = fire(prepared, numbers);
  const kept = cuts ? rows.slice(0, Math.floor(sumOf(prepared))) : rows;
  return { rows: kept, alpha: prepared };
}

/**
 * CIF-PyTorch, whose tail fires in the first padded frame, if there is one.
 *
 * @param {Float32Array} alpha
 * @param {Numbers} numbers
 * @returns {Made}
 */
function cifPytorch(alpha, { threshold, tail, real }) {
  const seen = alpha.subarray(0, real + 1);
  const { rows, left, counts } = oneFirePerFrame(seen, threshold, (_, carried) => carried);
  const fires = real ? counts[real - 1] : 0;
  const kept = rows.slice(0, fires);
  if (alpha.length > real && left[real] > Math.fround(tail)) {
    const { frames, weights } = rows[counts[real]] ?? { frames: [], weights: [] };
    const full = Math.fround(left[real] + 1e-10);
    kept.push({ frames, weights: weights.map((weight) => Math.fround(weight / full)) });
  }
  return { rows: kept, alpha };
}

/**
 * torch_cif: a frame may fire several times, and a token takes the threshold.
 *
 * @param {Float32Array} alpha
 * @param {Numbers} numbers
 * @returns {Made}
 */
function torchCif(alpha, { threshold, tail }) {
  const fires = Math.floor(Math.fround(sumOf(alpha) / threshold));
  /** @type {Row[]} */
  const rows = [];
  let [sum, left] = [0, 0];
  alpha.forEach((weight, frame) => {
    sum += weight;
    const mass = Math.fround(sum);
    const right = Math.min(Math.floor(Math.fround(mass / threshold)), fires);
    const between = Math.max(right - left - 1, 0);
    const opens = right > left ? Math.fround(mass - Math.fround(right * threshold)) : 0;
    const leaves = Math.fround(Math.fround(weight - opens) - Math.fround(between * threshold));
    give(rows, left, frame, leaves);
    for (let token = left + 1; token < right; token += 1) give(rows, token, frame, threshold);
    if (right > left) give(rows, right, frame, opens);
    left = right;
  });
  const kept = rows.slice(0, fires);
  const { frames, weights } = rows[fires] ?? { frames: [], weights: [] };
  const residual = weights.reduce((total, weight) => total + weight, 0);
  if (residual >= Math.fround(tail)) {
    const factor = residual > 0 ? threshold / residual : 1;
    kept.push({ frames, weights: weights.map((weight) => Math.fround(weight * factor)) });
  }
  return { rows: kept, alpha, charge: threshold };
}

/** @param {Float32Array} alpha */
function sumOf(alpha) {
  return Math.fround(alpha.reduce((sum, weight) => sum + weight, 0));
}
