// The lanes of the sound: waveform and spectrogram, from samples where they are there, or else coarse.

/** @import { Canvas2D, LogMel, Peaks, Seen, Strip, Stretch } from "./types.js" */
/** @import { Draw } from "./lanes.js" */
/** @import { Detail } from "./detail.js" */
/** @import { TimeScale } from "./timescale.js" */

import { nothing } from "./pyramid.js";

/** Pixels of a sample from which on samples are joined by lines, and have dots. */
const [LINES, DOTS] = [0.5, 6];

/**
 * The finest sound and spectrogram that Python sent of what is in view.
 *
 * @param {Stretch[]} stretches From coarse to fine.
 * @param {{begin: number, end: number}} view Seconds.
 */
export function stretchInView(stretches, { begin, end }) {
  return stretches.findLast((one) => one.start <= begin && one.end >= end) ?? stretches[0];
}

/**
 * Whether a stretch has fewer columns than the screen.
 *
 * @param {Stretch} stretch
 * @param {number} density Pixels per second.
 */
export function isCoarse({ peaks, logMel }, density) {
  return Math.min(peaks?.rate ?? Infinity, logMel ? 1 / logMel.shift : Infinity) < density;
}

/**
 * Amplitudes of what is in view: of its samples where they are there, or else as Python sent them.
 *
 * @param {Pick<Seen, "stretches" | "detail">} seen
 * @param {TimeScale} scale
 * @returns {{peaks: Peaks | null, start: number}} With the second at which they begin.
 */
export function peaksInView({ stretches, detail }, scale) {
  const { peaks, start } = stretchInView(stretches, scale);
  if (!peaks || !detail?.hasSamples(scale) || peaks.rate >= SHARP) return { peaks, start };
  const count = Math.ceil((scale.end - scale.begin) * SHARP);
  const found = { rate: SHARP, low: new Int8Array(count), high: new Int8Array(count) };
  for (let n = 0; n < count; n += 1) {
    const [first, last] = [n, n + 1].map((at) => Math.round((scale.begin + at / SHARP) * detail.sound.rate));
    const part = nothing();
    detail.widen(first, last, part);
    found.low[n] = Math.round((127 * Math.min(part.least, 0)) / detail.sound.loudest);
    found.high[n] = Math.round((127 * Math.max(part.most, 0)) / detail.sound.loudest);
  }
  return { peaks: found, start: scale.begin };
}

/** Pieces of a second in which onsets are looked for. */
const SHARP = 400;

/** @type {Draw} */
export function drawWaveform(canvas, strip, scale, { stretches, detail }, { ink }) {
  const { start, peaks } = stretchInView(stretches, scale);
  if (!peaks) return;
  canvas.fillStyle = canvas.strokeStyle = ink;
  if (!detail?.hasSamples(scale) || peaks.rate >= scale.density) drawPeaks(canvas, strip, scale, start, peaks);
  else if (scale.density / detail.sound.rate >= LINES) drawLine(canvas, strip, scale, detail);
  else drawExtremes(canvas, strip, scale, detail);
}

/**
 * Least and largest amplitude in each column, as Python sent them.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {number} start Seconds of the first.
 * @param {NonNullable<Stretch["peaks"]>} peaks
 */
function drawPeaks(canvas, strip, scale, start, { low, high, rate }) {
  const middle = strip.top + strip.height / 2;
  const tall = strip.height / 2 / 127;
  for (let x = 0; x < scale.width; x += 1) {
    const first = Math.max(Math.floor((scale.seconds(x) - start) * rate), 0);
    const last = Math.ceil((scale.seconds(x + 1) - start) * rate);
    let [least, most] = [127, -127];
    for (let at = first; at < Math.min(Math.max(last, first + 1), low.length); at += 1) {
      if (low[at] < least) least = low[at];
      if (high[at] > most) most = high[at];
    }
    if (least <= most) canvas.fillRect(x, middle - most * tall, 1, (most - least) * tall + 0.5);
  }
}

/**
 * Least and largest sample in each column, and the first of the next, so that columns join.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {Detail} detail
 */
function drawExtremes(canvas, strip, scale, detail) {
  const { rate } = detail.sound;
  const place = heights(strip, detail);
  const sample = (/** @type {number} */ x) => Math.floor(scale.seconds(x) * rate);
  for (let x = 0; x < scale.width; x += 1) {
    const found = nothing();
    detail.widen(sample(x), sample(x + 1) + 1, found);
    const { least, most } = found;
    if (least <= most) canvas.fillRect(x, place(most), 1, Math.max(place(least) - place(most), 1));
  }
}

/**
 * A line through the samples.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {Detail} detail
 */
function drawLine(canvas, strip, scale, detail) {
  const { rate, samples } = detail.sound;
  const place = heights(strip, detail);
  const first = Math.max(Math.floor(scale.begin * rate), 0);
  const values = new Float32Array(Math.min(Math.ceil(scale.end * rate) + 1, samples.length) - first);
  samples.copy(first, values);
  const x = (/** @type {number} */ n) => scale.x((first + n) / rate);
  const hasDots = scale.density / rate >= DOTS;
  canvas.lineWidth = 1.2;
  canvas.beginPath();
  values.forEach((value, n) => canvas.lineTo(x(n), place(value)));
  canvas.stroke();
  if (!hasDots) return;
  values.forEach((value, n) => canvas.fillRect(x(n) - 1.5, place(value) - 1.5, 3, 3));
}

/**
 * Height of an amplitude: that of the loudest sample is at the edge.
 *
 * @param {Strip} strip
 * @param {Detail} detail
 */
function heights({ top, height }, { sound: { loudest } }) {
  const middle = top + height / 2;
  return (/** @type {number} */ value) =>
    middle - (Math.min(Math.max(value / loudest, -1), 1) * height) / 2;
}

/** @type {Draw} */
export function drawLogMel(canvas, strip, scale, { stretches, detail }, { isDark }) {
  const { logMel } = stretchInView(stretches, scale);
  if (!logMel) return;
  const [left, right] = drawCoarse(canvas, strip, scale, logMel);
  if (detail && logMel.shift * scale.density > 1) drawTiles(canvas, strip, scale, detail);
  if (!isDark || right <= left) return;
  canvas.globalCompositeOperation = "difference"; // so that loud contrasts with the dark page
  canvas.fillStyle = "#ffffff";
  canvas.fillRect(left, strip.top, right - left, strip.height);
}

/**
 * The columns that Python sent.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {LogMel} logMel
 * @returns {[number, number]} Their ends in pixels.
 */
function drawCoarse(canvas, strip, scale, { picture, start, shift, frames, bands }) {
  const first = Math.max(Math.floor((scale.begin - start) / shift), 0);
  const last = Math.min(Math.ceil((scale.end - start) / shift), frames);
  if (last <= first) return [0, 0];
  const left = Math.round(scale.x(start + first * shift));
  const right = Math.round(scale.x(start + last * shift));
  canvas.imageSmoothingEnabled = last - first > right - left;
  canvas.drawImage(picture, first, 0, last - first, bands, left, strip.top, right - left, strip.height);
  return [left, right];
}

/**
 * The columns made of samples, as far as they are there.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {Detail} detail
 */
function drawTiles(canvas, strip, scale, detail) {
  canvas.imageSmoothingEnabled = true;
  for (const { picture, start, shift } of detail.picturesIn(scale)) {
    const left = Math.round(scale.x(start));
    const right = Math.round(scale.x(start + picture.width * shift));
    canvas.drawImage(picture, left, strip.top, right - left, strip.height);
  }
}
