// The vertical axes of the lanes. They stand: a setting moves what is drawn, never the axis, so that
// β = 0.5 and β = 1 look different. They follow the data only when asked, see `axesFor`.

/** @import { Aligned, Axes, Strip } from "./types.js" */

import { largest } from "./columns.js";

/** @typedef {{y: number, label: string}} Tick Height on the canvas in pixels, and what stands there. */

/** Ends of axes, in powers of ten. */
const ROUND = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
/** The least end of the weights' axis, so that noise in silence looks like noise. */
const LEAST = 0.3;
/** Room above the largest weight, and above β, which moves. */
const [ABOVE_WEIGHTS, ABOVE_THRESHOLD] = [1.05, 1.75];
/** Pixels between two ticks, at least. */
const APART = 17;
/** Pixels at the top of the sum's lane for the marks of fires. */
export const MARKS = 10;

/**
 * Axes on which an alignment has room.
 *
 * @param {Pick<Aligned, "firing" | "given">} aligned
 * @returns {Axes}
 */
export function axesFor({ firing, given }) {
  const most = given.length
    ? Math.max(largest(firing.alpha, 0, given.length), largest(given, 0, given.length))
    : 0;
  return {
    weight: roundUp(ABOVE_WEIGHTS * Math.max(LEAST, most)),
    sum: roundUp(ABOVE_THRESHOLD * firing.threshold),
  };
}

/**
 * The next round number.
 *
 * @param {number} value Above 0.
 */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const found = ROUND.find((round) => round * power >= value * (1 - 1e-9)) ?? 10;
  return Number((found * power).toPrecision(6));
}

/**
 * Height of a value on an axis from 0 at the bottom of a strip.
 *
 * @param {number} value
 * @param {number} most Value at the top.
 * @param {Strip} strip
 */
export function heightOf(value, most, { top, height }) {
  return top + height - (value / most) * height;
}

/**
 * The part of the sum's lane below the marks of fires.
 *
 * @param {Strip} strip
 * @returns {Strip}
 */
export function belowMarks({ top, height }) {
  return { top: top + MARKS, height: height - MARKS };
}

/**
 * Round values from 0 to the end of an axis.
 *
 * @param {number} most Value at the top.
 * @param {Strip} strip
 * @returns {Tick[]}
 */
export function ticksUpTo(most, strip) {
  const least = (most * APART) / strip.height;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= least * 0.999);
  const size = step ?? most;
  const digits = Math.max(0, -Math.floor(Math.log10(size) + 1e-9));
  const found = [];
  for (let n = 0; n * size <= most * (1 + 1e-9); n += 1) {
    const value = n * size;
    found.push({ y: heightOf(value, most, strip), label: n ? text(value, digits) : "0" });
  }
  return found;
}

/**
 * @param {number} value
 * @param {number} digits
 */
function text(value, digits) {
  return digits <= 4 && value < 1e5 ? value.toFixed(digits) : value.toExponential(0);
}

/**
 * Ticks of a spectrogram at powers of two of 1 kHz, from the frequencies of its bands.
 *
 * @param {number[]} hertz Rising; the first band is at the bottom.
 * @param {Strip} strip
 * @returns {Tick[]}
 */
export function hertzTicks(hertz, strip) {
  /** @type {Tick[]} */
  const found = [];
  // 1 kHz first, then what lies farther from it, as there is room.
  for (const frequency of [1000, 4000, 250, 2000, 500, 8000, 125]) {
    const band = bandOf(frequency, hertz);
    if (band === null) continue;
    const y = heightOf(band + 0.5, hertz.length, strip);
    if (found.some((one) => Math.abs(one.y - y) < APART - 4)) continue;
    found.push({ y, label: frequency < 1000 ? String(frequency) : `${frequency / 1000}k` });
  }
  return found.sort((one, other) => other.y - one.y);
}

/**
 * The fractional band of a frequency; null outside of all.
 *
 * @param {number} frequency
 * @param {number[]} hertz
 */
function bandOf(frequency, hertz) {
  const above = hertz.findIndex((one) => one >= frequency);
  if (above < 0 || hertz[0] > frequency) return null;
  if (!above) return 0;
  return above - (hertz[above] - frequency) / (hertz[above] - hertz[above - 1]);
}

/**
 * The frequency at a height of the spectrogram.
 *
 * @param {number} share 0 at the bottom, 1 at the top.
 * @param {number[]} hertz
 */
export function hertzAt(share, hertz) {
  const band = Math.min(Math.max(share * hertz.length - 0.5, 0), hertz.length - 1);
  const below = Math.floor(band);
  const next = hertz[Math.min(below + 1, hertz.length - 1)];
  return hertz[below] + (band - below) * (next - hertz[below]);
}
