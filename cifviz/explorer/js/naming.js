// Which token of other settings is which word: the twin of `named_by_overlap` in settings.py.

/** @import { Span, Token } from "./types.js" */

/** Two spans are the same word from this share of what they cover together. */
const SAME = 2 / 3;

/**
 * Names of spans: that of the token with which a span shares more than two thirds of what both cover,
 * or the span's number. No two spans get the name of the same token.
 *
 * @param {[number, number][]} spans Rising.
 * @param {Token[]} tokens Rising, with their names.
 * @returns {string[]}
 */
export function namesByOverlap(spans, tokens) {
  let first = 0;
  return spans.map(([start, end], index) => {
    while (first < tokens.length && tokens[first].end <= start) first += 1;
    for (let at = first; at < tokens.length && tokens[at].start < end; at += 1) {
      const token = tokens[at];
      const both = Math.min(end, token.end) - Math.max(start, token.start);
      const either = Math.max(end, token.end) - Math.min(start, token.start);
      if (both > SAME * either) return token.label;
    }
    return String(index + 1);
  });
}

/**
 * The token that lies where a span was: the one that overlaps it most, or else the nearest.
 *
 * @param {Span} span
 * @param {readonly Token[]} tokens
 * @returns {number | null} Null without tokens.
 */
export function tokenAt({ start, end }, tokens) {
  /** @type {number | null} */
  let found = null;
  let most = -Infinity;
  tokens.forEach((token, index) => {
    const both = Math.min(end, token.end) - Math.max(start, token.start);
    if (both > most) [found, most] = [index, both];
  });
  return found;
}
