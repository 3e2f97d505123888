// Where a mouse or a finger can take hold of an edge of a token.

/** @import { Token } from "./types.js" */
/** @import { Grip } from "./correction.js" */
/** @import { TimeScale } from "./timescale.js" */

/** Pixels on each side of an edge at which a mouse takes it, and a finger one of the selected token. */
const [REACH, FINGER] = [5, 22];

/**
 * The edge at a moment of the lane of tokens: within a few pixels, inside of a token at most a third of
 * it. Of two tokens that touch, it is that of the token on whose side the moment is.
 *
 * @param {readonly Token[]} tokens
 * @param {TimeScale} scale
 * @param {number} seconds
 * @returns {Grip | null}
 */
export function edgeAt(tokens, scale, seconds) {
  const reach = REACH / scale.density;
  /** @type {Grip | null} */
  let found = null;
  let nearest = Infinity;
  for (let index = 0; index < tokens.length; index += 1) {
    const { start, end } = tokens[index];
    if (end < seconds - reach) continue;
    if (start > seconds + reach) break;
    const before = index ? start - tokens[index - 1].end : Infinity;
    const after = index + 1 < tokens.length ? tokens[index + 1].start - end : Infinity;
    for (const { edge, inwards, gap } of [
      { edge: /** @type {const} */ ("start"), inwards: seconds - start, gap: before },
      { edge: /** @type {const} */ ("end"), inwards: end - seconds, gap: after },
    ]) {
      const isNear = inwards <= Math.min(reach, (end - start) / 3) && -inwards <= Math.min(reach, gap / 2);
      if (!isNear || Math.abs(inwards) >= nearest) continue;
      [found, nearest] = [{ index, edge }, Math.abs(inwards)];
    }
  }
  return found;
}

/**
 * The edge of the selected token that a finger at a moment of the lane takes.
 *
 * @param {readonly Token[]} tokens
 * @param {number | null} selected
 * @param {TimeScale} scale
 * @param {number} seconds
 * @returns {Grip | null}
 */
export function handleAt(tokens, selected, { density }, seconds) {
  if (selected === null || !tokens[selected]) return null;
  const { start, end } = tokens[selected];
  const [reach, inside] = [FINGER / density, Math.min(FINGER / density, (end - start) / 3)];
  if (seconds >= start - reach && seconds <= start + inside) return { index: selected, edge: "start" };
  if (seconds <= end + reach && seconds >= end - inside) return { index: selected, edge: "end" };
  return null;
}
