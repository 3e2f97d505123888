// The lane of spikes: a row for each neuron, a stroke in each frame in which it spikes. Where frames are
// narrow, a picture of all of them is scaled, so that many spikes look grey and few pale.

/** @import { WrittenSpikes, Strip } from "./types.js" */
/** @import { Tick } from "./axes.js" */
/** @import { Draw } from "./lanes.js" */

import { bytes } from "./base64.js";
import { context2d } from "./dom.js";

/** Pixels of a frame, and of a row, from which on each spike is a stroke of its own. */
const [WIDE, HIGH] = [3, 2];
/** Pixels of a stroke, and its share of a row. */
const [STROKE, OF_ROW] = [2, 0.8];

export class Raster {
  /** @param {WrittenSpikes} written */
  constructor({ values, ...numbers }) {
    this.numbers = numbers;
    this.bits = bytes(values);
    /** @type {Map<string, OffscreenCanvas>} Pictures of all spikes, by colour. */
    this.pictures = new Map();
  }

  /**
   * Whether a neuron spikes in a column.
   *
   * @param {number} column
   * @param {number} row
   */
  has(column, row) {
    const place = column * this.numbers.rows + row;
    return ((this.bits[place >> 3] >> (7 - (place & 7))) & 1) === 1;
  }

  /**
   * Number of rows that spike at a moment; null outside of all frames.
   *
   * @param {number} seconds
   */
  countAt(seconds) {
    const { start, shift, columns, rows } = this.numbers;
    const column = Math.floor((seconds - start) / shift);
    if (!(column >= 0 && column < columns)) return null;
    let count = 0;
    for (let row = 0; row < rows; row += 1) count += Number(this.has(column, row));
    return count;
  }

  /**
   * All spikes as a picture, a pixel each; neuron 0 is below.
   *
   * @param {string} colour
   */
  picture(colour) {
    const known = this.pictures.get(colour);
    if (known) return known;
    const { columns, rows } = this.numbers;
    const picture = new OffscreenCanvas(columns, rows);
    const canvas = context2d(picture);
    canvas.fillStyle = colour;
    for (let column = 0; column < columns; column += 1) {
      for (let row = 0; row < rows; row += 1) {
        if (this.has(column, row)) canvas.fillRect(column, rows - 1 - row, 1, 1);
      }
    }
    this.pictures.set(colour, picture);
    return picture;
  }
}

/** @type {Draw} */
export function drawRaster(canvas, strip, scale, { lanes: { spikes } }, { ink }) {
  if (!spikes) return;
  const { start, shift, columns, rows } = spikes.numbers;
  const first = Math.max(Math.floor((scale.begin - start) / shift), 0);
  const last = Math.min(Math.ceil((scale.end - start) / shift), columns);
  if (last <= first) return;
  const [wide, high] = [shift * scale.density, strip.height / rows];
  if (wide < WIDE || high < HIGH) {
    const [left, right] = [first, last].map((column) => scale.x(start + column * shift));
    canvas.imageSmoothingEnabled = wide < 1 || high < 1;
    canvas.imageSmoothingQuality = "high";
    canvas.drawImage(spikes.picture(ink), first, 0, last - first, rows, left, strip.top, right - left, strip.height);
    return;
  }
  canvas.fillStyle = ink;
  for (let column = first; column < last; column += 1) {
    const x = Math.round(scale.x(start + (column + 0.5) * shift)) - STROKE / 2;
    for (let row = 0; row < rows; row += 1) {
      if (!spikes.has(column, row)) continue;
      const y = strip.top + strip.height - (row + 0.5 + OF_ROW / 2) * high;
      canvas.fillRect(x, y, STROKE, OF_ROW * high);
    }
  }
}

/**
 * How many neurons spike at a moment, in words; empty outside of all frames.
 *
 * @param {Raster} raster
 * @param {number} seconds
 */
export function describeSpikes(raster, seconds) {
  const count = raster.countAt(seconds);
  if (count === null) return "";
  const { rows, pooledNeurons } = raster.numbers;
  return `${count} of ${rows} ${pooledNeurons > 1 ? `groups of ${pooledNeurons} neurons` : "neurons"}`;
}

/**
 * The first and the last neuron, and one between.
 *
 * @param {Strip} strip
 * @param {WrittenSpikes["neurons"]} neurons
 * @returns {Tick[]}
 */
export function neuronTicks({ top, height }, neurons) {
  const [last, half] = [neurons - 1, Math.floor(neurons / 2)];
  const numbers = last < 2 ? [0, last] : [0, half, last];
  return [...new Set(numbers)].map((number) => ({
    y: top + height - ((number + 0.5) * height) / neurons,
    label: String(number),
  }));
}
