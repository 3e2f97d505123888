// A corrected alignment: a list of tokens that a person moved, named, split and merged. Each function
// returns another list, or the very same one where nothing can be changed. In every list the times are
// whole microseconds, tokens follow each other without overlap, and none leaves the recording.

/** @import { Span, Token } from "./types.js" */
/** @typedef {"start" | "end"} Edge */
/** @typedef {{index: number, edge: Edge}} Grip An edge of a token. */

/** Seconds that a moved edge leaves of its token, and of a neighbour that gives way. */
export const SHORTEST = 0.001;
/** Letters of a label, at most; Python accepts no more. */
export const LONGEST_LABEL = 1000;

/** @type {WeakMap<readonly Token[], readonly Token[]>} */
const beginnings = new WeakMap();

/**
 * CIF's own tokens as the beginning of a correction, made once: each key of a gesture goes back to it.
 *
 * @param {readonly Token[]} own In order, never changed in place.
 * @param {number} duration Seconds of the recording that they are of.
 * @returns {readonly Token[]}
 */
export function beginningOf(own, duration) {
  const beginning = beginnings.get(own) ?? correctable(own, duration);
  beginnings.set(own, beginning);
  return beginning;
}

/**
 * Tokens with their times rounded to microseconds.
 *
 * @param {readonly Token[]} tokens In order.
 * @param {number} duration Seconds.
 * @returns {Token[]}
 */
export function correctable(tokens, duration) {
  const most = rounded(duration, Math.floor);
  const within = (/** @type {number} */ seconds) => Math.min(Math.max(rounded(seconds), 0), most);
  return tokens.map(({ label, start, end }) => ({ label, start: within(start), end: within(end) }));
}

/**
 * How far an edge can be moved. It takes the neighbour's edge along, as far as that token leaves room;
 * alone, it stops there.
 *
 * @param {readonly Token[]} tokens
 * @param {Grip} grip
 * @param {{duration: number, isAlone?: boolean}} room Of the recording, seconds.
 * @returns {[number, number]} Seconds.
 */
export function limits(tokens, { index, edge }, { duration, isAlone = false }) {
  const token = tokens[index];
  if (edge === "start") {
    const before = tokens[index - 1];
    const first = !before || isAlone ? before?.end : Math.min(before.end, before.start + SHORTEST);
    return [rounded(first ?? 0), rounded(token.end - SHORTEST)];
  }
  const after = tokens[index + 1];
  const last = !after || isAlone ? after?.start : Math.max(after.start, after.end - SHORTEST);
  return [rounded(token.start + SHORTEST), rounded(last ?? duration, Math.floor)];
}

/**
 * Move an edge, as far as there is room. An edge of a neighbour that touches it moves with it, and one
 * that it reaches is moved along; not so if it moves alone.
 *
 * @param {readonly Token[]} tokens
 * @param {Grip} grip
 * @param {number} seconds
 * @param {{duration: number, isAlone?: boolean}} room
 * @returns {readonly Token[]}
 */
export function moveEdge(tokens, { index, edge }, seconds, room) {
  const [least, most] = limits(tokens, { index, edge }, room);
  const time = Math.min(Math.max(rounded(seconds), least), most);
  // A token that is shorter than the least has no room; it can only be made longer.
  if (least > most || time === tokens[index][edge]) return tokens;
  const moved = [...tokens];
  moved[index] = { ...tokens[index], [edge]: time };
  const isStart = edge === "start";
  const beside = tokens[isStart ? index - 1 : index + 1];
  if (!beside || room.isAlone) return moved;
  const border = isStart ? beside.end : beside.start;
  const isReached = isStart ? time < border : time > border;
  if (border !== tokens[index][edge] && !isReached) return moved;
  moved[isStart ? index - 1 : index + 1] = { ...beside, [isStart ? "end" : "start"]: time };
  return moved;
}

/**
 * Give a token another label; an empty one is none, and what is too long is cut off.
 *
 * @param {readonly Token[]} tokens
 * @param {number} index
 * @param {string} label
 * @returns {readonly Token[]}
 */
export function setLabel(tokens, index, label) {
  const text = written(label);
  if (!text.trim() || text === tokens[index].label) return tokens;
  return tokens.with(index, { ...tokens[index], label: text });
}

/**
 * Cut a token in two of the same label.
 *
 * @param {readonly Token[]} tokens
 * @param {number} index
 * @param {number} seconds Where; outside of the token, its middle.
 * @returns {readonly Token[]}
 */
export function split(tokens, index, seconds) {
  const { start, end } = tokens[index];
  const isInside = seconds > start && seconds < end;
  const wanted = rounded(isInside ? seconds : (start + end) / 2);
  const [least, most] = [rounded(start + SHORTEST), rounded(end - SHORTEST)];
  if (least > most) return tokens;
  const time = Math.min(Math.max(wanted, least), most);
  const token = tokens[index];
  return tokens.toSpliced(index, 1, { ...token, end: time }, { ...token, start: time });
}

/**
 * Make one token of a token and the next: both labels with a space between them, or one where both
 * are the same, so that what was split becomes what it was.
 *
 * @param {readonly Token[]} tokens
 * @param {number} index
 * @returns {readonly Token[]}
 */
export function merge(tokens, index) {
  if (index + 1 >= tokens.length) return tokens;
  const [one, other] = [tokens[index], tokens[index + 1]];
  const label = one.label === other.label ? one.label : `${one.label} ${other.label}`;
  return tokens.toSpliced(index, 2, { label: written(label), start: one.start, end: other.end });
}

/**
 * Take a token away; its time is nobody's.
 *
 * @param {readonly Token[]} tokens
 * @param {number} index
 * @returns {readonly Token[]}
 */
export function remove(tokens, index) {
  return index < tokens.length ? tokens.toSpliced(index, 1) : tokens;
}

/**
 * Put a token into a gap.
 *
 * @param {readonly Token[]} tokens
 * @param {Span} span Cut to the gap in which its middle lies.
 * @param {string} label
 * @param {number} duration Seconds.
 * @returns {{tokens: readonly Token[], index: number | null}} Where it is; null where there is no room.
 */
export function insert(tokens, span, label, duration) {
  const middle = (span.start + span.end) / 2;
  const after = tokens.findIndex(({ end }) => end > middle);
  const index = after < 0 ? tokens.length : after;
  if (after >= 0 && tokens[after].start <= middle) return { tokens, index: null };
  const least = tokens[index - 1]?.end ?? 0;
  const most = tokens[index]?.start ?? rounded(duration, Math.floor);
  const start = Math.min(Math.max(rounded(span.start), least), most);
  const end = Math.min(Math.max(rounded(span.end), least), most);
  if (end - start < SHORTEST - 1e-9) return { tokens, index: null };
  return { tokens: tokens.toSpliced(index, 0, { label, start, end }), index };
}

/**
 * The first token that differs between two lists by more than rounding; null where they are the same.
 *
 * @param {readonly Token[]} some
 * @param {readonly Token[]} others
 */
export function firstChanged(some, others) {
  const longer = Math.max(some.length, others.length);
  for (let index = 0; index < longer; index += 1) {
    const [one, other] = [some[index], others[index]];
    if (!one || !other || one.label !== other.label) return index;
    if (Math.abs(one.start - other.start) > EXACT || Math.abs(one.end - other.end) > EXACT) return index;
  }
  return null;
}

/** Seconds that rounding to microseconds changes, at most. */
const EXACT = 6e-7;

/**
 * A label as Python and files can hold it: not too long, and without halves of letters.
 *
 * @param {string} label
 */
function written(label) {
  return label.slice(0, LONGEST_LABEL).replace(/\p{Cs}/gu, "\ufffd");
}

/**
 * Seconds in whole microseconds.
 *
 * @param {number} seconds
 * @param {(number: number) => number} [round]
 */
function rounded(seconds, round = Math.round) {
  return round(Number((seconds * 1e6).toFixed(3))) / 1e6;
}
