// Which token of one alignment is which of another: the twin of `pair_by_label` in
// cifviz/metrics/pairing.py, with the same arithmetic, so that ties fall alike.

/** @import { Token } from "./types.js" */

/** Places of the table at most: it has one for each pair of tokens. */
export const MOST_PLACES = 16e6;

/** How the best way comes to a place of the table. */
const [UP, LEFT, PAIR] = [0, 1, 2];

/**
 * Pairs of equal labels, along fewest edits, and of these the way whose pairs (substituted ones
 * included) lie closest in time.
 *
 * @param {readonly Token[]} reference
 * @param {readonly Token[]} hypothesis
 * @returns {[number, number][]} Indices, rising on both sides.
 */
export function pairByLabel(reference, hypothesis) {
  const [rows, columns] = [reference.length, hypothesis.length];
  const largest = largestDistance(reference, hypothesis);
  // All distances together count less than one edit.
  const unit = largest > 0 ? largest * (Math.min(rows, columns) + 1) : Infinity;
  const ways = new Uint8Array(rows * columns);
  let [above, here] = [new Float64Array(columns + 1), new Float64Array(columns + 1)];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [one, other] = [reference[row], hypothesis[column]];
      const value = one.label === other.label ? 2 : 1;
      const paired = above[column] + (value - distance(one, other) / unit);
      const best = Math.max(above[column + 1], paired, here[column]);
      here[column + 1] = best;
      const way = best === here[column] ? LEFT : PAIR;
      ways[row * columns + column] = best === above[column + 1] ? UP : way;
    }
    [above, here] = [here, above];
  }
  /** @type {[number, number][]} */
  const pairs = [];
  for (let [row, column] = [rows - 1, columns - 1]; row >= 0 && column >= 0; ) {
    const way = ways[row * columns + column];
    if (way === PAIR && reference[row].label === hypothesis[column].label) pairs.push([row, column]);
    if (way !== LEFT) row -= 1;
    if (way !== UP) column -= 1;
  }
  return pairs.reverse();
}

/**
 * How far apart two tokens are, both edges added up.
 *
 * @param {Token} one
 * @param {Token} other
 */
function distance(one, other) {
  return Math.abs(one.start - other.start) + Math.abs(one.end - other.end);
}

/**
 * @param {readonly Token[]} some
 * @param {readonly Token[]} others
 */
function largestDistance(some, others) {
  let most = 0;
  for (const one of some) for (const other of others) most = Math.max(most, distance(one, other));
  return most;
}
