// What is done to the weights before they fire: the twin of cifviz/core/phrases.py and of the first
// lines of `CIF.forward`.

/**
 * Every weight times a gain, less a constant, and never below 0.
 *
 * @param {ArrayLike<number>} weights
 * @param {{gain?: number, noise?: number}} settings
 * @returns {Float32Array}
 */
export function amplified(weights, { gain = 1, noise = 0 } = {}) {
  const [factor, least] = [Math.fround(gain), Math.fround(noise)];
  return Float32Array.from(weights, (weight) =>
    Math.max(Math.fround(Math.fround(Math.fround(weight) * factor) - least), 0),
  );
}

/**
 * The mean of each weight and its neighbours to both sides; near an end, of those that exist.
 *
 * @param {ArrayLike<number>} weights
 * @param {number} reach Neighbours on each side, 0 for none.
 * @returns {Float32Array} With another sum than before only where the ends weigh something.
 */
export function smoothed(weights, reach) {
  return Float32Array.from(weights, (_, t) => {
    const first = Math.max(t - reach, 0);
    const last = Math.min(t + reach, weights.length - 1);
    let sum = 0;
    for (let near = first; near <= last; near += 1) sum += weights[near];
    return sum / (last - first + 1);
  });
}

/**
 * Weights scaled so that what lies between two pauses sums to whole tokens.
 *
 * @param {ArrayLike<number>} weights
 * @param {{pauseFrames: number, pauseWeight: number, threshold: number,
 *   tail: import("./firing.js").Tail | null}} settings A pause is so many neighbouring frames below
 *   a weight; a rest that the tail rule fires is rounded up.
 * @returns {Float32Array}
 */
export function roundedPhrases(weights, { pauseFrames, pauseWeight, threshold, tail }) {
  const alpha = Float32Array.from(weights);
  const phrases = phraseOf(alpha, pauseFrames, Math.fround(pauseWeight));
  const mass = new Float64Array(alpha.length + 1);
  alpha.forEach((weight, t) => {
    mass[phrases[t]] += weight;
  });
  const factor = mass.map((sum) => {
    const full = Math.floor(sum / threshold);
    const rest = sum - full * threshold;
    const more =
      tail !== null &&
      ((tail.rule === "above" && rest > tail.threshold) ||
        (tail.rule === "at least" && rest >= tail.threshold));
    return sum > 0 ? ((full + Number(more)) * threshold) / sum : 0;
  });
  return alpha.map((weight, t) => weight * factor[phrases[t]]);
}

/** Which phrase each frame belongs to; one begins behind every pause. */
function phraseOf(alpha, pauseFrames, pauseWeight) {
  const phrases = new Int32Array(alpha.length);
  let [phrase, quiet] = [0, 0];
  alpha.forEach((weight, t) => {
    const isQuiet = weight < pauseWeight;
    if (!isQuiet && quiet >= pauseFrames) phrase += 1;
    quiet = isQuiet ? quiet + 1 : 0;
    phrases[t] = phrase;
  });
  return phrases;
}
