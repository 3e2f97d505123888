// How far alignments agree: the twin of cifviz/metrics/agreement.py. No drawing.

/** @import { Seen, Token } from "./types.js" */

import { MOST_PLACES, pairByLabel } from "./pairing.js";

/** As `ROUNDING` of cifviz/metrics/statistics.py, seconds. */
const ROUNDING = 1e-9;

/**
 * Of matched tokens; seconds, NaN where nothing is matched. A difference is that of the second less
 * the first.
 *
 * @typedef {object} Agreement
 * @property {number} matched
 * @property {number} reference Tokens of the first.
 * @property {number} hypothesis Tokens of the second.
 * @property {number} within20ms Share of edges.
 * @property {number} within50ms
 * @property {number} startMeanAbsolute
 * @property {number} endMeanAbsolute
 * @property {number} startMedian
 * @property {number} endMedian
 */

/**
 * Tokens of a compared lane matched with those that settings move, or with the words.
 *
 * @typedef {object} Match
 * @property {string} title Name of the lane that it was matched with.
 * @property {readonly Token[]} base
 * @property {[number, number][]} pairs Index in the base, index in the lane.
 * @property {Map<number, number>} partners Index in the base, by index in the lane.
 */

/**
 * Match the tokens of two lanes; null of too many.
 *
 * @param {string} title
 * @param {readonly Token[]} base
 * @param {readonly Token[]} tokens
 * @returns {Match | null}
 */
function matched(title, base, tokens) {
  if (base.length * tokens.length > MOST_PLACES) return null;
  const pairs = pairByLabel(base, tokens);
  return { title, base, pairs, partners: new Map(pairs.map(([one, other]) => [other, one])) };
}

/**
 * Each compared lane, matched with the tokens or, where more of those have the same names, with the
 * words; null for the lane of the words itself, and for one of too many tokens.
 *
 * @param {Pick<Seen, "shown" | "corrected" | "compare" | "tier">} seen
 * @returns {(Match | null)[]}
 */
export function matchLanes(seen) {
  const { compare, shown } = seen;
  return compare.map(({ tokens, isOwn }) => {
    if (isOwn) return null;
    const found = matched(titleOf(seen), shown.tokens, tokens);
    const words = compare.find((one) => one.isOwn);
    const other = words && matched(words.name, words.tokens, tokens);
    return other && other.pairs.length > (found?.pairs.length ?? 0) ? other : found;
  });
}

/**
 * The reference, matched with the tokens: one by one where it has as many.
 *
 * @param {Pick<Seen, "shown" | "corrected" | "utterance" | "tier">} seen
 * @returns {Match | null}
 */
export function matchReference(seen) {
  const { reference } = seen.utterance;
  const { tokens, errors } = seen.shown;
  if (!reference) return null;
  if (!errors) return matched(titleOf(seen), tokens, reference);
  const pairs = reference.map((_, index) => /** @type {[number, number]} */ ([index, index]));
  return { title: titleOf(seen), base: tokens, pairs, partners: new Map(pairs) };
}

/**
 * What the tokens are called that others are matched with.
 *
 * @param {Pick<Seen, "corrected" | "tier">} seen
 */
export function titleOf({ corrected, tier }) {
  return corrected ? "corrected" : tier;
}

/**
 * Places in the tables of all matches: what they cost.
 *
 * @param {Pick<Seen, "shown" | "compare" | "utterance">} seen
 */
export function matchCost({ shown, compare, utterance }) {
  const reference = shown.errors ? [] : (utterance.reference ?? []); // one by one costs nothing
  const all = [...compare.map(({ tokens }) => tokens), reference];
  return all.reduce((sum, { length }) => sum + length * shown.tokens.length, 0);
}

/**
 * The numbers of two lanes.
 *
 * @param {readonly Token[]} reference
 * @param {readonly Token[]} hypothesis
 * @param {[number, number][]} [pairs]
 * @returns {Agreement}
 */
export function agreement(reference, hypothesis, pairs = pairByLabel(reference, hypothesis)) {
  const starts = pairs.map(([one, other]) => hypothesis[other].start - reference[one].start);
  const ends = pairs.map(([one, other]) => hypothesis[other].end - reference[one].end);
  return {
    matched: pairs.length,
    reference: reference.length,
    hypothesis: hypothesis.length,
    within20ms: within([...starts, ...ends], 0.02),
    within50ms: within([...starts, ...ends], 0.05),
    startMeanAbsolute: mean(starts.map(Math.abs)),
    endMeanAbsolute: mean(ends.map(Math.abs)),
    startMedian: median(starts),
    endMedian: median(ends),
  };
}

/**
 * @param {number[]} differences
 * @param {number} tolerance
 */
function within(differences, tolerance) {
  return mean(differences.map((one) => Number(Math.abs(one) <= tolerance + ROUNDING)));
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}
