// Integrate-and-fire on the mass axis, of one utterance: the twin of cifviz/core/firing.py.
//
// The weights are laid end to end. Frame t owns [S_t, S_{t+1}], token i owns [iβ, (i+1)β], and what
// frame t gives to token i is the length of their overlap. Both languages run the cases of
// tests/explorer/cases.json.

/** The least mass at which anything fires. */
const SOME = 2.2250738585072014e-308;

/**
 * What happens to the weight left after the last full token.
 *
 * "none" drops it, "above" fires it as one more token where it is above τ, "at least" where it is τ
 * or more.
 *
 * @typedef {{rule: "none" | "above" | "at least", threshold: number}} Tail
 */

/**
 * @typedef {object} Firing
 * @property {Float32Array} alpha Weights as used, scaled where a count was asked for (frames).
 * @property {Float64Array} running Sum of the weights up to and including each frame (frames).
 * @property {number} threshold β, the mass of a token.
 * @property {Float64Array} ends 0, then the mass at which each token ends (1 + fires).
 * @property {Float64Array} reach Mass at which it fires; infinite for one that ends with the
 *   weights (1 + fires).
 * @property {number} fires Number of tokens, the tail's included.
 * @property {boolean} tailFired Whether the last token is what was left at the end.
 * @property {number} residual Weight left after the last full token.
 * @property {Float64Array} positions Ends of the tokens in fractional frames (fires).
 */

/**
 * Fire one utterance.
 *
 * @param {ArrayLike<number>} weights >= 0, of each frame.
 * @param {{threshold?: number, slack?: number, tail?: Tail | null, count?: number | null}} settings
 *   β; δ, how far below full a token fires; the tail rule; and, if given, the number of tokens to
 *   which the weights are scaled: exactly so many come out.
 * @returns {Firing}
 */
export function fire(weights, { threshold = 1, slack = 0, tail = null, count = null } = {}) {
  const alpha = count === null ? new Float32Array(weights) : scaled(weights, count * threshold);
  const running = runningSums(alpha);
  const total = running.length ? running[running.length - 1] : 0;
  const most = count ?? Math.ceil(total / threshold);
  let full = 0;
  if (count === null) while (full < most + 1 && total >= (full + 1) * threshold - slack) full += 1;
  else full = Math.max(count - 1, 0);
  const residual = total - full * threshold;
  const tailFired = count === null && fires(residual, tail);
  const number = count ?? full + Number(tailFired);
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
  return {
    alpha, running, threshold, ends, reach, fires: number, tailFired, residual, positions,
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
  const fill = isTail ? firing.threshold / firing.residual : 1;
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

/**
 * Whether the rest is worth a token.
 *
 * @param {number} residual
 * @param {Tail | null} tail
 */
function fires(residual, tail) {
  if (tail === null || tail.rule === "none" || residual <= 0) return false;
  return tail.rule === "above" ? residual > tail.threshold : residual >= tail.threshold;
}
