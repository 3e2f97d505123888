// How far corrected tokens are from those of CIF, in numbers and in words.

/** @import { Seen, Span, Token } from "./types.js" */

import { milliseconds } from "./dom.js";

/**
 * How each token differs from that of CIF that is the same one: each is the one that overlaps the
 * other most.
 *
 * @param {readonly Token[]} tokens
 * @param {readonly Token[]} own
 * @returns {(Span | null)[]} Corrected less CIF's, seconds; null without such a token.
 */
export function differences(tokens, own) {
  if (known.tokens === tokens && known.own === own) return known.found;
  const [mine, theirs] = [overlapping(tokens, own), overlapping(own, tokens)];
  const found = tokens.map(({ start, end }, index) => {
    const other = mine[index];
    if (other === null || theirs[other] !== index) return null;
    return { start: start - own[other].start, end: end - own[other].end };
  });
  known = { tokens, own, found };
  return found;
}

/**
 * The last ones: they are drawn, told and shown in a table.
 *
 * @type {{tokens: readonly Token[] | null, own: readonly Token[] | null, found: (Span | null)[]}}
 */
let known = { tokens: null, own: null, found: [] };

/**
 * For each token, the other one with which it overlaps most; null where none does.
 *
 * @param {readonly Token[]} tokens
 * @param {readonly Token[]} others
 * @returns {(number | null)[]}
 */
export function overlapping(tokens, others) {
  let first = 0;
  return tokens.map(({ start, end }) => {
    while (first < others.length && others[first].end <= start) first += 1;
    /** @type {number | null} */
    let found = null;
    let most = 0;
    for (let at = first; at < others.length && others[at].start < end; at += 1) {
      const both = Math.min(end, others[at].end) - Math.max(start, others[at].start);
      if (both > most) [found, most] = [at, both];
    }
    return found;
  });
}

/**
 * Differences of the selected token, in words; empty where nothing is corrected.
 *
 * @param {Pick<Seen, "corrected" | "aligned" | "selected">} seen
 */
export function differenceNote({ corrected, aligned, selected }) {
  if (!corrected || selected === null) return "";
  const moved = differences(corrected, aligned.tokens)[selected];
  if (!moved) return "; CIF has no such token";
  return `; start ${milliseconds(moved.start)}, end ${milliseconds(moved.end)} against CIF`;
}

/**
 * Of all tokens: how many there are, and how many edges were moved how far.
 *
 * @param {Pick<Seen, "corrected" | "aligned">} seen
 * @returns {[string, string][]} Names and values; none where nothing is corrected.
 */
export function correctionReadout({ corrected, aligned }) {
  if (!corrected) return [];
  let [edges, moved, sum] = [0, 0, 0];
  for (const one of differences(corrected, aligned.tokens)) {
    if (!one) continue;
    edges += 2;
    for (const size of [Math.abs(one.start), Math.abs(one.end)]) {
      if (size < LEAST) continue;
      moved += 1;
      sum += size;
    }
  }
  const much = moved ? `, by ${Math.round((1000 * sum) / moved)} ms on average` : "";
  return [
    ["corrected", `${corrected.length} tokens`],
    ["edges moved", `${moved} of ${edges}${much}`],
  ];
}

/** Seconds of a difference that is more than rounding. */
const LEAST = 0.0005;
