// Changes of the weights before they fire: the twin of cifviz/core/pause_rounding.py and of the first
// lines of `CIF.forward`.

import { tokensOf } from "./tail.js";

/** @import { Tail } from "./tail.js" */

/**
 * Every weight times a gain, less a constant, and never below 0.
 *
 * @param {ArrayLike<number>} weights
 * @param {{gain?: number, noise?: number}} settings
 * @returns {Float32Array}
 */
export function amplified(weights, { gain = 1, noise = 0 } = {}) {
  const [factor, least] = [Math.fround(gain), Math.fround(noise)];
  const louder = new Float32Array(weights);
  for (let t = 0; t < louder.length; t += 1) {
    louder[t] = Math.max(Math.fround(louder[t] * factor) - least, 0);
  }
  return louder;
}

/**
 * The mean of each weight and its neighbours to both sides; near an end, of those that exist.
 *
 * @param {ArrayLike<number>} weights
 * @param {number} reach Neighbours on each side, 0 for none.
 * @returns {Float32Array} With another sum than before only where the ends weigh something.
 */
export function smoothed(weights, reach) {
  const means = new Float32Array(weights.length);
  for (let t = 0; t < means.length; t += 1) {
    const first = Math.max(t - reach, 0);
    const last = Math.min(t + reach, means.length - 1);
    let sum = 0;
    for (let near = first; near <= last; near += 1) sum += weights[near];
    means[t] = sum / (last - first + 1);
  }
  return means;
}

/**
 * Weights scaled so that each part between two pauses sums to whole tokens.
 *
 * @param {ArrayLike<number>} weights
 * @param {{pauseFrames: number, pauseWeight: number, threshold: number,
 *   tail: Tail}} settings A pause is so many neighbouring frames below a weight; the tail rule says
 *   how many tokens a part is.
 * @returns {Float32Array}
 */
export function roundedAtPauses(weights, { pauseFrames, pauseWeight, threshold, tail }) {
  const alpha = new Float32Array(weights);
  const parts = partOf(alpha, pauseFrames, Math.fround(pauseWeight));
  const mass = new Float64Array(alpha.length + 1);
  for (let t = 0; t < alpha.length; t += 1) mass[parts[t]] += alpha[t];
  const factor = mass.map((sum) => {
    const tokens = tokensOf(tail, sum, Math.floor(sum / threshold), threshold);
    return sum > 0 ? (tokens * threshold) / sum : 0;
  });
  for (let t = 0; t < alpha.length; t += 1) alpha[t] *= factor[parts[t]];
  return alpha;
}

/**
 * The index of the part between pauses to which each frame belongs.
 *
 * @param {Float32Array} alpha
 * @param {number} pauseFrames
 * @param {number} pauseWeight
 */
function partOf(alpha, pauseFrames, pauseWeight) {
  const parts = new Int32Array(alpha.length);
  let [part, quiet] = [0, 0];
  for (let t = 0; t < alpha.length; t += 1) {
    const isQuiet = alpha[t] < pauseWeight;
    if (!isQuiet && quiet >= pauseFrames) part += 1;
    quiet = isQuiet ? quiet + 1 : 0;
    parts[t] = part;
  }
  return parts;
}
