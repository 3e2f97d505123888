// Integrate-and-fire on the mass axis, of one utterance: the twin of cifviz/core/firing.py.
//
// The weights are laid end to end. Frame t owns [S_t, S_{t+1}], token i owns [iβ, (i+1)β], and what
// frame t gives to token i is the length of their overlap. Both languages run the cases of
// tests/explorer/cases.json.

import { DROP, RULES, tokensOf } from "./tail.js";

/** @import { Tail } from "./tail.js" */

/** The least mass at which anything fires. */
const SOME = 2.2250738585072014e-308;

/**
 * @typedef {object} Firing
 * @property {Float32Array} alpha Weights as used, scaled where a count was asked for or by a tail
 *   rule that scales (frames).
 * @property {Float64Array} running Sum of the weights up to and including each frame (frames).
 * @property {number} threshold β, the mass of a token.
 * @property {Float64Array} ends 0, then the mass at which each token ends (1 + fires).
 * @property {Float64Array} reach Mass at which it fires; infinite for one that ends with the
 *   weights (1 + fires).
 * @property {number} fires Number of tokens, the tail's included.
 * @property {boolean} tailFired Whether the last token is the residual, fired by the tail rule.
 * @property {number} residual Weight after the last full token.
 * @property {number} fill Factor on the weights of every token, 1 but for a rule that scales and
 *   keeps what tokens weigh.
 * @property {number} tailFill Factor on those of the tail.
 * @property {Float64Array} positions Ends of the tokens in fractional frames (fires).
 * @property {Shares | null} [shares] What each frame gave to each token, where that does not follow
 *   from the ends.
 */

/**
 * Entries frame by frame: those of frame t are `first[t]` to before `first[t + 1]`.
 *
 * @typedef {{first: Int32Array, owners: Int32Array, weights: Float32Array}} Shares
 */

/**
 * Fire one utterance.
 *
 * @param {ArrayLike<number>} weights >= 0, of each frame.
 * @param {{threshold?: number, slack?: number, tail?: Tail, count?: number | null}} settings
 *   β; δ, how far below full a token fires; the tail rule; and, if given, the number of tokens to
 *   which the weights are scaled: exactly so many come out.
 * @returns {Firing}
 */
export function fire(weights, { threshold = 1, slack = 0, tail = DROP, count = null } = {}) {
  // 1. Scale the weights, if it is known how many tokens they shall come to.
  const { scales = false, fills = true } = RULES[tail.rule];
  const given = new Float32Array(weights);
  const sum = runningSums(given).at(-1) ?? 0;
  const counted = count === null && scales;
  count = counted ? tokensOf(tail, sum, 0, threshold) : count;
  const alpha = count === null ? given : scaled(given, count * threshold);
  const running = runningSums(alpha);
  const total = running.at(-1) ?? 0;
  // 2. Which tokens fire.
  const most = count ?? Math.ceil(total / threshold);
  let full = 0;
  if (count === null) while (full < most + 1 && total >= (full + 1) * threshold - slack) full += 1;
  else full = Math.max(count - 1, 0);
  const residual = total - full * threshold;
  const number = count ?? tokensOf(tail, total, full, threshold);
  const tailFired = count === null && number > full;
  // 3. Where they end.
  const ends = new Float64Array(number + 1);
  const reach = new Float64Array(number + 1);
  for (let token = 0; token <= number; token += 1) {
    const end = token * threshold;
    const isFull = token <= full;
    ends[token] = isFull ? end : total;
    reach[token] = isFull ? end - slack : Infinity;
    if (count !== null && isFull) {
      // Weights too small to be scaled end before they should.
      ends[token] = Math.min(end, total);
      reach[token] = token ? Math.max(Math.min(end - slack, total - slack), SOME) : 0;
    }
  }
  const positions = new Float64Array(number);
  for (let token = 0; token < number; token += 1) {
    const mass = ends[token + 1];
    const at = Number.isFinite(reach[token + 1]) ? reach[token + 1] : Math.max(mass, SOME);
    positions[token] = frameAt(alpha, running, mass, at);
  }
  const fill = counted && !fills && total > 0 ? sum / total : 1;
  const tailFill = tailFired && fills ? threshold / residual : fill;
  return {
    alpha, running, threshold, ends, reach, fires: number, tailFired, residual, fill, tailFill,
    positions,
  };
}

/**
 * Weights in proportion to what they were, with this sum.
 *
 * @param {ArrayLike<number>} weights
 * @param {number} sum
 * @returns {Float32Array}
 */
export function scaled(weights, sum) {
  const alpha = new Float32Array(weights);
  let total = 0;
  for (let t = 0; t < alpha.length; t += 1) total += alpha[t];
  const factor = sum / (total + 1e-8);
  for (let t = 0; t < alpha.length; t += 1) alpha[t] *= factor;
  return alpha;
}

/**
 * Sums up to and including each weight.
 *
 * @param {ArrayLike<number>} weights
 * @returns {Float64Array}
 */
export function runningSums(weights) {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  for (let t = 0; t < weights.length; t += 1) {
    sum += weights[t];
    sums[t] = sum;
  }
  return sums;
}

/**
 * Fractional frame at which the running sum reaches a mass; the number of frames where it never
 * does.
 *
 * @param {Float32Array} alpha
 * @param {Float64Array} running
 * @param {number} mass
 * @param {number} reach The frame is the first whose sum comes to this; less than the mass where a
 *   token fires early.
 * @returns {number}
 */
export function frameAt(alpha, running, mass, reach = mass) {
  const frame = firstAtLeast(running, reach);
  if (frame === running.length) return frame;
  const before = frame ? running[frame - 1] : 0;
  const within = alpha[frame] > 0 ? (mass - before) / alpha[frame] : 0;
  return frame + Math.min(Math.max(within, 0), 1);
}

/**
 * What the frames give to one token: a row of W without its zeros at both ends.
 *
 * @param {Firing} firing
 * @param {number} token
 * @returns {{first: number, weights: Float64Array}} Weight of frame `first`, `first` + 1, …
 */
export function contributions(firing, token) {
  const { running, reach, ends } = firing;
  const first = firstAtLeast(running, reach[token]);
  const last = Math.min(firstAtLeast(running, reach[token + 1]), running.length - 1);
  const weights = new Float64Array(Math.max(last - first + 1, 0));
  const isTail = firing.tailFired && token === firing.fires - 1;
  const fill = isTail ? firing.tailFill : firing.fill;
  // What the first `tokens` tokens hold once the running sum is at `mass`.
  const given = (/** @type {number} */ tokens, /** @type {number} */ mass) => (mass >= reach[tokens] ? ends[tokens] : mass);
  const held = (/** @type {number} */ mass) => given(token + 1, mass) - given(token, mass);
  for (let t = first; t <= last; t += 1) {
    const before = t ? running[t - 1] : 0;
    weights[t - first] = (held(running[t]) - held(before)) * fill;
  }
  return { first, weights };
}

/**
 * Index of the first of the rising values that is at least `value`; their number if none is.
 *
 * @param {ArrayLike<number>} rising
 * @param {number} value
 * @returns {number}
 */
export function firstAtLeast(rising, value) {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}
