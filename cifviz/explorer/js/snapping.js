// Places to which an edge snaps: valleys of the weights, onsets of the sound.

/** @import { Grid, Stretch } from "./types.js" */

/** Decibels by which the sound gets louder at an onset, at least. */
const RISE = 6;
/** Seconds before and after an onset that are compared, and the longest piece that shows one. */
const [AROUND, COARSEST] = [0.01, 0.01];
/** What is softer counts as so loud, in 127ths of the loudest sample: the step of the picture. */
const SOFTEST = 1;

/**
 * The middles of all frames, or runs of equal frames, that weigh less than both neighbours.
 *
 * @param {ArrayLike<number>} alpha
 * @param {Grid} grid
 * @returns {number[]} Seconds, rising.
 */
export function valleys(alpha, { start, shift }) {
  const found = [];
  for (let first = 1; first < alpha.length; first += 1) {
    let end = first + 1;
    while (end < alpha.length && alpha[end] === alpha[first]) end += 1;
    const isLower = alpha[first - 1] > alpha[first] && end < alpha.length && alpha[end] > alpha[first];
    if (isLower) found.push(start + ((first + end) / 2) * shift);
    first = end - 1;
  }
  return found;
}

/**
 * The moments at which the sound gets louder: the largest amplitude of 10 ms after is at least 6 dB
 * above that of the 10 ms before. Of moments next to each other it is the one where the difference is
 * largest, and of equal ones the last: there the loud sound begins.
 *
 * @param {NonNullable<Stretch["peaks"]>} peaks
 * @param {number} start Seconds at which they begin.
 * @returns {number[] | null} Seconds, rising; null where the pieces are too long to tell.
 */
export function onsets({ rate, low, high }, start) {
  if (rate * COARSEST < 1) return null;
  const count = low.length;
  const reach = Math.max(Math.round(AROUND * rate), 1);
  const loud = (/** @type {number} */ from, /** @type {number} */ to) => {
    let most = SOFTEST;
    for (let at = Math.max(from, 0); at < Math.min(to, count); at += 1) {
      most = Math.max(most, high[at], -low[at]);
    }
    return 20 * Math.log10(most);
  };
  const rise = (/** @type {number} */ at) => loud(at, at + reach) - loud(at - reach, at);
  const found = [];
  let [before, here] = [0, rise(1)];
  for (let at = 1; at < count; at += 1) {
    const after = at + 1 < count ? rise(at + 1) : 0;
    if (here >= RISE && here >= before && here > after) found.push(start + at / rate);
    [before, here] = [here, after];
  }
  return found;
}

/**
 * The nearest of some moments; of two as near, the earlier.
 *
 * @param {number[]} moments Rising.
 * @param {number} seconds
 * @returns {number | null} Null where there is none.
 */
export function nearest(moments, seconds) {
  let [found, closest] = [/** @type {number | null} */ (null), Infinity];
  for (const moment of moments) {
    const distance = Math.abs(moment - seconds);
    if (distance < closest) [found, closest] = [moment, distance];
  }
  return found;
}
