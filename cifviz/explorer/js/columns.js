// Which frames and spans fall into which pixel. Where several fall into one, one column of pixels is
// drawn for all of them, so that an hour costs no more than a minute.

/** @import { Grid, Span } from "./types.js" */
/** @import { TimeScale } from "./timescale.js" */

import { nothing, pyramidOf } from "./pyramid.js";
import { spansInView } from "./spansinview.js";

/** Values from which on a pyramid is quicker than a look at each. */
const MANY = 48;

/**
 * Frames in view, one by one, or, where they are narrower than a pixel, those of each column.
 *
 * @param {TimeScale} scale
 * @param {Grid} grid Clock of the frames.
 * @param {number} frames Number of frames.
 * @param {(from: number, to: number, left: number, right: number) => void} visit Called with
 *   the first frame and the one after the last, and with their left and right ends in whole pixels.
 */
export function eachStep(scale, { start, shift }, frames, visit) {
  const first = Math.max(Math.floor((scale.begin - start) / shift), 0);
  const last = Math.min(Math.ceil((scale.end - start) / shift), frames);
  const edge = (/** @type {number} */ frame) => Math.round(scale.x(start + frame * shift));
  if (shift * scale.density >= 1) {
    for (let t = first; t < last; t += 1) visit(t, t + 1, edge(t), edge(t + 1));
    return;
  }
  let from = first;
  for (let x = Math.max(Math.floor(scale.x(start)), 0); x < scale.width && from < last; x += 1) {
    const to = Math.min(Math.ceil((scale.seconds(x + 1) - start) / shift), last);
    if (to > from) visit(from, to, x, x + 1);
    from = Math.max(from, to);
  }
}

/**
 * The largest of the values from index `from` to before index `to`.
 *
 * @param {ArrayLike<number>} values
 * @param {number} from
 * @param {number} to
 */
export function largest(values, from, to) {
  if (to - from > MANY && values instanceof Float32Array) {
    const found = nothing();
    pyramidOf(values).widen(from, to, found);
    return found.most;
  }
  let most = values[from];
  for (let t = from + 1; t < to; t += 1) if (values[t] > most) most = values[t];
  return most;
}

/**
 * Spans in view, one by one; of those narrower than a pixel only the widest in each.
 *
 * @param {TimeScale} scale
 * @param {readonly Span[]} spans
 * @param {(index: number, left: number, right: number) => void} visit Called with its index
 *   and its left and right ends in pixels.
 */
export function eachSpan(scale, spans, visit) {
  let [column, widest, most] = [-1, -1, 0];
  const tell = () => {
    if (widest >= 0) visit(widest, column, column + 1);
    [widest, most] = [-1, 0];
  };
  const [first, last] = spansInView(spans, scale);
  for (let index = first; index < last; index += 1) {
    const { start, end } = spans[index];
    if (end < scale.begin || start > scale.end) continue;
    const [left, right] = [scale.x(start), scale.x(end)];
    const wide = right - left;
    const here = Math.floor((left + right) / 2);
    if (here !== column || wide >= 1) tell();
    column = here;
    if (wide >= 1) visit(index, left, right);
    else if (wide >= most) [widest, most] = [index, wide];
  }
  tell();
}

/**
 * Intervals in pixels: those that touch are merged, those too short to be seen are left out.
 *
 * @param {number} count Number of intervals.
 * @param {(index: number) => [number, number]} read Ends of an interval, in either order.
 * @param {number} width Pixels in view.
 * @param {(left: number, right: number) => void} visit
 */
export function eachRun(count, read, width, visit) {
  let [left, right] = [0, -Infinity];
  for (let index = 0; index < count; index += 1) {
    const [one, other] = read(index);
    const [from, to] = [Math.max(Math.min(one, other), 0), Math.min(Math.max(one, other), width)];
    if (to - from < LEAST) continue;
    if (from > right + LEAST || to < left - LEAST) {
      if (right > left) visit(left, right);
      [left, right] = [from, to];
    } else {
      [left, right] = [Math.min(left, from), Math.max(right, to)];
    }
  }
  if (right > left) visit(left, right);
}

/** Pixels of the shortest visible interval. */
const LEAST = 0.5;
