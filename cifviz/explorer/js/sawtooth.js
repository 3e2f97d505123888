// The sawtooth: the sum of the weights climbs to β, and a fire takes β away.

/** @import { Canvas2D } from "./types.js" */
/** @import { Firing } from "./firing.js" */
/** @import { Draw } from "./lanes.js" */
/** @import { TimeScale } from "./timescale.js" */

import { belowMarks, heightOf } from "./axes.js";
import { firstAtLeast } from "./firing.js";

/** Pixels of a tooth below which columns of pixels replace lines, which are slower. */
const NARROW = 8;
/** Half the width of a mark above a fire, and its height. */
const [HALF, TALL] = [4, 7];

/**
 * @typedef {object} Teeth
 * @property {Firing} firing
 * @property {number} first Index of the first token whose fire is in view.
 * @property {number} last Index after the last one.
 * @property {(frame: number) => number} place Pixels of a fractional frame.
 * @property {(seconds: number) => number} frameOf Fractional frame of a moment.
 */

/**
 * The sum of the weights as a sawtooth, β as a dashed line, and a mark above each fire.
 *
 * @type {Draw}
 */
export function drawIntegrator(canvas, strip, scale, { aligned, utterance, axes }, { ink, accent }) {
  const { firing } = aligned;
  const { start, shift } = utterance.grid;
  const frameOf = (/** @type {number} */ seconds) => (seconds - start) / shift;
  const place = (/** @type {number} */ frame) => scale.x(start + frame * shift);
  // Marks just outside the view may be half visible.
  const first = firstAtLeast(firing.positions, frameOf(scale.seconds(-HALF)));
  const last = firstAtLeast(firing.positions, frameOf(scale.seconds(scale.width + HALF)));
  const teeth = { firing, first, last, place, frameOf };
  const isDense = (last - first) * NARROW > scale.width;
  const room = belowMarks(strip);
  const y = (/** @type {number} */ mass) => heightOf(clamp(mass, axes.sum), axes.sum, room);
  canvas.fillStyle = canvas.strokeStyle = ink;
  if (isDense || shift * scale.density < 1) fillTeeth(canvas, scale, teeth, y);
  else strokeTeeth(canvas, scale, teeth, y);
  canvas.fillStyle = canvas.strokeStyle = accent;
  canvas.lineWidth = 1;
  canvas.setLineDash([6, 4]);
  canvas.beginPath();
  canvas.moveTo(0, Math.round(y(firing.threshold)) + 0.5);
  canvas.lineTo(scale.width, Math.round(y(firing.threshold)) + 0.5);
  canvas.stroke();
  canvas.setLineDash([]);
  drawMarks(canvas, strip.top, teeth, isDense);
}

/**
 * @param {number} mass
 * @param {number} most
 */
function clamp(mass, most) {
  return Math.min(Math.max(mass, 0), most);
}

/**
 * The range of the sum between two fractional frames, less what fired before.
 *
 * @param {Firing} firing
 * @param {number} from
 * @param {number} to
 * @returns {[number, number]} The least and the largest sum.
 */
export function rangeOfSum(firing, from, to) {
  const full = firing.fires - Number(firing.tailFired);
  const before = Math.min(firstAtLeast(firing.positions, from), full);
  const after = Math.min(firstAtLeast(firing.positions, to), full);
  const begin = massAt(firing, from) - before * firing.threshold;
  const end = massAt(firing, to) - after * firing.threshold;
  if (before === after) return [begin, end];
  return [Math.min(end, 0), Math.max(begin, firing.threshold)];
}

/**
 * Sum of the weights before a fractional frame.
 *
 * @param {Firing} firing
 * @param {number} frame
 */
function massAt({ alpha, running }, frame) {
  if (frame <= 0 || !alpha.length) return 0;
  const whole = Math.min(Math.floor(frame), alpha.length);
  const within = whole < alpha.length ? (frame - whole) * alpha[whole] : 0;
  return (whole ? running[whole - 1] : 0) + within;
}

/**
 * In each column of pixels the range of the sum there.
 *
 * @param {Canvas2D} canvas
 * @param {TimeScale} scale
 * @param {Teeth} teeth
 * @param {(mass: number) => number} y Pixels of a sum.
 */
function fillTeeth(canvas, scale, { firing, place, frameOf }, y) {
  const begin = Math.max(Math.floor(place(0)), 0);
  const end = Math.min(Math.ceil(place(firing.alpha.length)), scale.width);
  for (let x = begin; x < end; x += 1) {
    const [least, most] = rangeOfSum(firing, frameOf(scale.seconds(x)), frameOf(scale.seconds(x + 1)));
    const top = Math.round(y(most));
    canvas.fillRect(x, top, 1, Math.max(Math.round(y(least)) - top, 1));
  }
}

/**
 * The sum as lines.
 *
 * @param {Canvas2D} canvas
 * @param {TimeScale} scale
 * @param {Teeth} teeth
 * @param {(mass: number) => number} y Pixels of a sum.
 */
function strokeTeeth(canvas, scale, { firing, place, frameOf }, y) {
  const { running, positions, threshold } = firing;
  const full = firing.fires - Number(firing.tailFired);
  const begin = Math.max(Math.floor(frameOf(scale.begin)), 0);
  const end = Math.min(Math.ceil(frameOf(scale.end)), running.length);
  canvas.lineWidth = 1.2;
  let fired = Math.min(firstAtLeast(positions, begin), full);
  // Each tooth is a path of its own: one for all of them would take a hundred times as long.
  canvas.beginPath();
  for (let t = begin; t < end; t += 1) {
    canvas.lineTo(place(t), y((t ? running[t - 1] : 0) - fired * threshold));
    for (; fired < full && positions[fired] <= t + 1; fired += 1) {
      const at = place(positions[fired]);
      canvas.lineTo(at, y(threshold));
      canvas.lineTo(at, y(0));
      canvas.stroke();
      canvas.beginPath();
      canvas.moveTo(at, y(0));
    }
    canvas.lineTo(place(t + 1), y(running[t] - fired * threshold));
  }
  canvas.stroke();
}

/**
 * A mark above each fire, hollow for the tail's; thin ones where they would overlap.
 *
 * @param {Canvas2D} canvas
 * @param {number} top Pixels.
 * @param {Teeth} teeth
 * @param {boolean} isDense
 */
function drawMarks(canvas, top, { firing, first, last, place }, isDense) {
  let drawn = -Infinity;
  for (let token = first; token < last; token += 1) {
    const x = place(firing.positions[token]);
    if (isDense) {
      const column = Math.floor(x);
      if (column > drawn) canvas.fillRect(column, top, 1, TALL);
      drawn = column;
      continue;
    }
    canvas.beginPath();
    canvas.moveTo(x - HALF, top);
    canvas.lineTo(x + HALF, top);
    canvas.lineTo(x, top + TALL);
    canvas.closePath();
    if (firing.tailFired && token === firing.fires - 1) canvas.stroke();
    else canvas.fill();
  }
}
