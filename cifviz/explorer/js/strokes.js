// Weights drawn by hand: a mouse is told of a few places, and what lies between them is a line.

/** @import { Grid } from "./types.js" */

/** @typedef {{seconds: number, weight: number}} Point */

/**
 * The weights that a movement from one point to another draws: of every frame between them.
 *
 * @param {Point} from
 * @param {Point} to
 * @param {Grid} grid
 * @param {number} frames Number of frames.
 * @returns {Record<string, number>} By the index of the frame; at least 0.
 */
export function strokeWeights(from, to, { start, shift }, frames) {
  const place = (/** @type {Point} */ point) => Math.floor((point.seconds - start) / shift);
  const [begin, end] = [place(from), place(to)];
  /** @type {Record<string, number>} */
  const found = {};
  const first = Math.max(Math.min(begin, end), 0);
  const last = Math.min(Math.max(begin, end), frames - 1);
  for (let frame = first; frame <= last; frame += 1) {
    const share = begin === end ? 1 : (frame - begin) / (end - begin);
    const weight = from.weight + share * (to.weight - from.weight);
    found[frame] = Number(Math.max(weight, 0).toFixed(4));
  }
  return found;
}
