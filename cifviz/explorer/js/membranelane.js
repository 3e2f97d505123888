// The lane of a membrane: the potential rises to its peak in a frame and drops at a spike.

/** @import { Membrane, Seen, Strip, WrittenMembrane } from "./types.js" */
/** @import { Tick } from "./axes.js" */
/** @import { Draw } from "./lanes.js" */

import { roundUp, ticksUpTo } from "./axes.js";
import { bytes } from "./base64.js";
import { eachStep } from "./columns.js";
import { drawFires } from "./comparelane.js";

/** Room above the highest value and below the lowest one. */
const ROOM = 1.05;
/** Pixels below 0 that need a number of their own. */
const APART = 17;

/**
 * @param {WrittenMembrane} written
 * @returns {Membrane}
 */
export function membraneOf({ peak, potential, threshold, spikes }) {
  const floats = (/** @type {string} */ text) => new Float32Array(bytes(text).buffer);
  const [peaks, potentials, thresholds] = [peak, potential, threshold].map(floats);
  let [low, high] = [0, 0];
  for (let t = 0; t < peaks.length; t += 1) {
    low = Math.min(low, peaks[t], potentials[t]);
    high = Math.max(high, peaks[t], potentials[t], thresholds[t]);
  }
  const counts = bytes(spikes);
  return {
    peak: peaks,
    potential: potentials,
    threshold: thresholds,
    spikes: counts,
    fired: [...counts.keys()].filter((t) => counts[t]),
    low: low < 0 ? -roundUp(-low * ROOM) : 0,
    high: roundUp(Math.max(high, 1e-3) * ROOM),
  };
}

/**
 * Height of a potential.
 *
 * @param {Membrane} membrane
 * @param {Strip} strip
 */
function heights({ low, high }, { top, height }) {
  return (/** @type {number} */ value) => top + (height * (high - value)) / (high - low);
}

/** @type {Draw} */
export function drawMembrane(canvas, strip, scale, { lanes: { membrane }, utterance: { grid } }, look) {
  if (!membrane?.peak.length) return;
  const { peak, potential, threshold, fired } = membrane;
  const y = heights(membrane, strip);
  const before = (/** @type {number} */ t) => (t ? potential[t - 1] : 0);
  // 1. The potential: lines, or where frames are narrower than a pixel its range.
  canvas.fillStyle = canvas.strokeStyle = look.ink;
  canvas.lineWidth = 1.2;
  canvas.beginPath();
  eachStep(scale, grid, peak.length, (from, to, left, right) => {
    if (to - from === 1 && right > left) {
      canvas.moveTo(left, y(before(from)));
      canvas.lineTo(right, y(peak[from]));
      canvas.lineTo(right, y(potential[from]));
      return;
    }
    let [least, most] = [Infinity, -Infinity];
    for (let t = from; t < to; t += 1) {
      least = Math.min(least, before(t), potential[t]);
      most = Math.max(most, peak[t]);
    }
    canvas.fillRect(left, y(most), Math.max(right - left, 1), Math.max(y(least) - y(most), 1));
  });
  canvas.stroke();
  // 2. The threshold, and the spikes.
  canvas.strokeStyle = look.accent;
  canvas.lineWidth = 1;
  canvas.setLineDash([6, 4]);
  canvas.beginPath();
  eachStep(scale, grid, threshold.length, (from, to, left, right) => {
    canvas.lineTo(left, y(threshold[from]));
    canvas.lineTo(right, y(threshold[to - 1]));
  });
  canvas.stroke();
  canvas.setLineDash([]);
  const seconds = (/** @type {number} */ n) => grid.start + (fired[n] + 1) * grid.shift;
  drawFires(canvas, strip.top, scale, fired.length, seconds, look.accent);
}

/**
 * Numbers at the axis: from 0 up, and the lowest one.
 *
 * @param {Strip} strip
 * @param {Membrane} membrane
 * @returns {Tick[]}
 */
export function potentialTicks(strip, membrane) {
  const zero = heights(membrane, strip)(0);
  const ticks = ticksUpTo(membrane.high, { top: strip.top, height: zero - strip.top });
  const bottom = strip.top + strip.height;
  if (bottom - zero >= APART) ticks.unshift({ y: bottom, label: String(membrane.low).replace("-", "−") });
  return ticks;
}

/**
 * What a membrane does at a moment, in words; empty outside of its frames.
 *
 * @param {Membrane} membrane
 * @param {Seen["utterance"]["grid"]} grid
 * @param {number} seconds
 */
export function describeMembrane({ peak, threshold, spikes }, { start, shift }, seconds) {
  const t = Math.floor((seconds - start) / shift);
  if (!(t >= 0 && t < peak.length)) return "";
  const fires = spikes[t] ? `, ${spikes[t] > 1 ? `${spikes[t]} spikes` : "a spike"}` : "";
  return `${peak[t].toFixed(2)} of θ ${Number(threshold[t].toPrecision(3))}${fires}`;
}
