// Speech slower or faster at the same pitch: WSOLA of W. Verhelst and M. Roelands, "An overlap-add
// technique based on waveform similarity (WSOLA) for high quality time-scale modification of speech",
// ICASSP 1993. A browser does it for media elements alone, which can play no exact part.

/** Seconds of a step of the output, of which a window has two, and by which it may be displaced. */
const [STEP, REACH] = [0.02, 0.01];
/** Of the samples compared, and of the places tried at first, so many a second. */
const SPARSE = 4000;

/**
 * A sound at another speed.
 *
 * @param {Float32Array} samples
 * @param {number} rate Samples per second.
 * @param {number} speed Above 1 is faster.
 * @returns {Float32Array} `samples.length / speed` samples, no louder.
 */
export function stretched(samples, rate, speed) {
  if (speed === 1) return samples;
  const [step, reach] = [Math.round(STEP * rate), Math.round(REACH * rate)];
  const sizes = { step, reach, sparse: Math.max(Math.round(rate / SPARSE), 1) };
  // 1. Silence around it, so that no window leaves it.
  const before = step + reach;
  const padded = new Float32Array(before + samples.length + 4 * step + reach);
  padded.set(samples, before);
  // 2. Windows from half of one before the first sample on: two always add up to 1.
  const made = new Float32Array(Math.floor(samples.length / speed + 0.5));
  let natural = before - step;
  for (let at = -step; at < made.length; at += step) {
    const near = before + Math.round(at * speed);
    const from = at < 0 ? natural : likest(padded, natural, near, sizes);
    for (let n = Math.max(-at, 0); n < Math.min(2 * step, made.length - at); n += 1) {
      made[at + n] += (0.5 - 0.5 * Math.cos((Math.PI * (n + 0.5)) / step)) * padded[from + n];
    }
    natural = from + step; // what would follow if nothing were skipped or repeated
  }
  return made;
}

/**
 * The place near another one at which the sound is most like at a third.
 *
 * @param {Float32Array} samples
 * @param {number} like
 * @param {number} near
 * @param {{step: number, reach: number, sparse: number}} sizes Samples.
 */
function likest(samples, like, near, { step, reach, sparse }) {
  const likeness = (/** @type {number} */ from) => {
    let [product, energy] = [0, 1e-9];
    for (let n = 0; n < 2 * step; n += sparse) {
      product += samples[like + n] * samples[from + n];
      energy += samples[from + n] ** 2;
    }
    return product / Math.sqrt(energy);
  };
  let [best, most] = [near, likeness(near)];
  const attempt = (/** @type {number} */ from) => {
    const here = Math.abs(from - near) > reach ? -Infinity : likeness(from);
    if (here > most) [best, most] = [from, here];
  };
  for (let away = sparse; away <= reach; away += sparse) [near - away, near + away].forEach(attempt);
  const coarse = best;
  for (let away = 1; away < sparse; away += 1) [coarse - away, coarse + away].forEach(attempt);
  return best;
}
