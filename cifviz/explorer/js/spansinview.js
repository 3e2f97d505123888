// Which of many spans are in view, found by bisection: what is out of view costs nothing.

/** @import { Span, Token } from "./types.js" */

import { firstAtLeast } from "./firing.js";

/**
 * @typedef {object} Order
 * @property {Float64Array} starts
 * @property {Float64Array} reach The latest end up to and including each span.
 * @property {boolean} isSorted Whether no span starts before the one before it.
 */

/** @type {WeakMap<readonly Span[], Order>} */
const orders = new WeakMap();

/** @type {WeakMap<readonly Token[], Int32Array>} */
const counts = new WeakMap();

/**
 * Index of the first span that may be in view, and the one after the last.
 *
 * @param {readonly Span[]} spans Never changed in place.
 * @param {{begin: number, end: number}} view Seconds.
 * @returns {[number, number]}
 */
export function spansInView(spans, { begin, end }) {
  const { starts, reach, isSorted } = orderOf(spans);
  if (!isSorted) return [0, spans.length];
  let last = firstAtLeast(starts, end);
  while (last < starts.length && starts[last] === end) last += 1;
  return [Math.min(firstAtLeast(reach, begin), last), last];
}

/**
 * Whether no span starts before the one before it.
 *
 * @param {readonly Span[]} spans Never changed in place.
 */
export function isInOrder(spans) {
  return orderOf(spans).isSorted;
}

/**
 * Number of spans with a name among those from one index to before another.
 *
 * @param {readonly Token[]} tokens Never changed in place.
 * @param {number} from
 * @param {number} to
 */
export function namedBetween(tokens, from, to) {
  let before = counts.get(tokens);
  if (!before) {
    before = new Int32Array(tokens.length + 1);
    for (let index = 0; index < tokens.length; index += 1) {
      before[index + 1] = before[index] + Number(tokens[index].label.trim() !== "");
    }
    counts.set(tokens, before);
  }
  return before[to] - before[from];
}

/** @param {readonly Span[]} spans */
function orderOf(spans) {
  const known = orders.get(spans);
  if (known) return known;
  const order = {
    starts: new Float64Array(spans.length),
    reach: new Float64Array(spans.length),
    isSorted: true,
  };
  let [latest, before] = [-Infinity, -Infinity];
  spans.forEach(({ start, end }, index) => {
    order.starts[index] = start;
    order.isSorted &&= start >= before;
    latest = Math.max(latest, end);
    order.reach[index] = latest;
    before = start;
  });
  orders.set(spans, order);
  return order;
}
