// The lane of a simultaneous system: to the right while sound is read, up where a token is written.

/** @import { Canvas2D, Look, Strip, Written, WrittenDelays } from "./types.js" */
/** @import { Tick } from "./axes.js" */
/** @import { Draw } from "./lanes.js" */
/** @import { TimeScale } from "./timescale.js" */

import { heightOf, ticksUpTo } from "./axes.js";
import { firstAtLeast } from "./firing.js";
import { fitted, widthOf, write } from "./labels.js";
import { shown } from "./tokens.js";

const FONT = "11px system-ui, sans-serif";
/** Pixels of a line of text, of a name at most, and between a step and its name. */
const [LINE, LONGEST, ASIDE] = [12, 160, 4];

/**
 * @param {WrittenDelays} written
 * @returns {Written}
 */
export function writtenOf({ labels, delays }) {
  return { labels, delays: Float64Array.from(delays) };
}

/**
 * How far an axis for tokens goes: whole numbers only.
 *
 * @param {Written} written
 */
function most({ labels }) {
  return Math.max(labels.length, 2);
}

/**
 * Tokens that are written at the same moment, or in the same pixel.
 *
 * @param {Written} written
 * @param {TimeScale} scale
 * @returns {{from: number, to: number, x: number}[]} From the first one to before the last one; pixels.
 */
export function stepsInView({ delays }, scale) {
  const found = [];
  for (let from = firstAtLeast(delays, scale.begin); from < delays.length && delays[from] <= scale.end; ) {
    const x = Math.round(scale.x(delays[from]));
    let to = from + 1;
    while (to < delays.length && Math.round(scale.x(delays[to])) === x) to += 1;
    found.push({ from, to, x });
    from = to;
  }
  return found;
}

/** @type {Draw} */
export function drawStaircase(canvas, strip, scale, { lanes: { written }, utterance: { duration } }, look) {
  if (!written) return [];
  const { delays, labels } = written;
  const y = (/** @type {number} */ count) => Math.round(heightOf(count, most(written), belowNames(strip)));
  const steps = stepsInView(written, scale);
  const before = firstAtLeast(delays, scale.begin);
  const end = Math.max(duration, delays[delays.length - 1]);
  // 1. A system that writes as many tokens evenly over the sound.
  canvas.strokeStyle = look.faint;
  canvas.lineWidth = 1;
  canvas.setLineDash([2, 3]);
  canvas.beginPath();
  canvas.moveTo(scale.x(0), y(0));
  canvas.lineTo(scale.x(duration), y(labels.length));
  canvas.stroke();
  canvas.setLineDash([]);
  // 2. The staircase: what was written before the view, then each step.
  canvas.strokeStyle = look.ink;
  canvas.lineWidth = 1.6;
  canvas.beginPath();
  canvas.moveTo(Math.max(scale.x(0), 0), y(before));
  for (const { from, to, x } of steps) {
    canvas.lineTo(x, y(from));
    canvas.lineTo(x, y(to));
  }
  canvas.lineTo(Math.min(scale.x(end), scale.width), y(steps.at(-1)?.to ?? before));
  canvas.stroke();
  // 3. The names.
  const hidden = drawNames(canvas, written, steps, scale, look, y);
  return hidden ? [`${hidden} more:`, "zoom in"] : [];
}

/**
 * The part of the lane below the name of the last token.
 *
 * @param {Strip} strip
 * @returns {Strip}
 */
function belowNames({ top, height }) {
  return { top: top + LINE, height: height - LINE };
}

/**
 * Names beside their steps, each in a line of its own or those of a step together: left of the step and
 * above what leads to it, where no line is, or right of it and below. None covers another.
 *
 * @param {Canvas2D} canvas
 * @param {Written} written
 * @param {{from: number, to: number, x: number}[]} steps
 * @param {TimeScale} scale
 * @param {Look} look
 * @param {(count: number) => number} y Pixels of a number of tokens.
 * @returns {number} How many tokens in view have no name.
 */
function drawNames(canvas, { labels }, steps, scale, { ink, paper }, y) {
  const rise = y(0) - y(1);
  /** @type {{left: number, right: number, middle: number}[]} */
  const taken = [];
  let hidden = 0;
  canvas.font = FONT;
  /** @type {(text: string, x: number, from: number, to: number) => boolean} */
  const put = (text, x, from, to) => {
    const wide = widthOf(canvas, text, FONT);
    const isLeft = x - ASIDE - wide >= 0;
    const left = isLeft ? x - ASIDE - wide : x + ASIDE;
    const right = left + wide;
    const near = taken.filter((one) => one.left < right + ASIDE && one.right > left - ASIDE);
    const isTaken = () => near.some((one) => Math.abs(one.middle - middle) < LINE);
    let middle = isLeft ? y(from) - LINE / 2 : Math.min(y(to) + LINE / 2 + 1, y(0) - LINE / 2);
    // Along a high step there is more room.
    if (isLeft) while (isTaken() && middle - LINE >= y(to)) middle -= LINE;
    if (isTaken() || right > scale.width) return false;
    taken.push({ left, right, middle });
    canvas.fillStyle = paper;
    canvas.fillRect(left - 1, middle - LINE / 2 + 1, wide + 2, LINE - 2);
    canvas.fillStyle = ink;
    write(canvas, text, left, middle);
    return true;
  };
  for (const { from, to, x } of steps) {
    if (rise >= LINE || to - from === 1) {
      for (let n = from; n < to; n += 1) {
        const isPut = put(fitted(canvas, shown(labels[n]), LONGEST, FONT), x, n, n + 1);
        hidden += Number(!isPut);
      }
      continue;
    }
    const names = labels.slice(from, to).map(shown).join(" ");
    if (!put(fitted(canvas, names, LONGEST, FONT), x, from, to)) hidden += to - from;
  }
  return hidden;
}

/**
 * Numbers of tokens, whole ones.
 *
 * @param {Strip} strip
 * @param {Written} written
 * @returns {Tick[]}
 */
export function writtenTicks(strip, written) {
  const ticks = ticksUpTo(most(written), belowNames(strip)).map(({ y, label }) => ({ y, label: String(Number(label)) }));
  return ticks.filter(({ label }) => Number.isInteger(Number(label)));
}

/**
 * What has been written at a moment, in words.
 *
 * @param {Written} written
 * @param {number} duration Of the sound, seconds.
 * @param {number} seconds
 */
export function describeWritten({ labels, delays }, duration, seconds) {
  let count = firstAtLeast(delays, seconds);
  while (delays[count] === seconds) count += 1;
  const all = `${count} of ${labels.length}`;
  if (!count) return all;
  const [delay, even] = [delays[count - 1], ((count - 1) * duration) / labels.length];
  const name = Array.from(shown(labels[count - 1])).slice(0, 30).join("");
  const lag = `${delay < even ? "−" : "+"}${Math.abs(delay - even).toFixed(2)} s`;
  return `${all}, ${name} after ${delay.toFixed(2)} s, lag ${lag}`;
}
