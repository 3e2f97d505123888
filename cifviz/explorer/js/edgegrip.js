// Where the pointer can take hold of an edge of a token.

/** @import { Token } from "./types.js" */
/** @import { Grip } from "./correction.js" */
/** @import { TimeScale } from "./timescale.js" */

/** Pixels on each side of an edge at which it is taken; of the token's width at most a third. */
const REACH = 5;
/** The same for a finger. */
const FINGER = 22;

/**
 * The edge at a moment of the lane of tokens. Of two tokens that touch, it is that of the token on
 * whose side the pointer is.
 *
 * @param {readonly Token[]} tokens
 * @param {TimeScale} scale
 * @param {number} seconds
 * @param {string} kind Of the pointer: "mouse", "pen" or "touch".
 * @returns {Grip | null}
 */
export function edgeAt(tokens, scale, seconds, kind) {
  const { begin, end, density } = scale;
  const reach = (kind === "touch" ? FINGER : REACH) / density;
  /** @type {Grip | null} */
  let found = null;
  let nearest = Infinity;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token.end < seconds - reach) continue;
    if (token.start > seconds + reach) break;
    const inside = Math.min(reach, (token.end - token.start) / 3);
    const before = index ? token.start - tokens[index - 1].end : Infinity;
    const after = index + 1 < tokens.length ? tokens[index + 1].start - token.end : Infinity;
    const [late, early] = [seconds - token.start, token.end - seconds];
    const isStart = late >= -Math.min(reach, before / 2) && late <= inside;
    const isEnd = early >= -Math.min(reach, after / 2) && early <= inside;
    if (isStart && Math.abs(late) < nearest && token.start >= begin) {
      [found, nearest] = [{ index, edge: "start" }, Math.abs(late)];
    }
    if (isEnd && Math.abs(early) < nearest && token.end <= end) {
      [found, nearest] = [{ index, edge: "end" }, Math.abs(early)];
    }
  }
  return found;
}
