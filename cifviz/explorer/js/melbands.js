// Log-mel features in steps of grey: the twin of cifviz/audio/mel.py, of `LogMel` in
// cifviz/audio/waveform.py, and of `log_mel_of` in cifviz/explorer/data.py.

/** @import { Features } from "./types.js" */

import { Fourier } from "./fourier.js";

/** 60 dB in natural logarithms of power. */
const RANGE = 6 * Math.log(10);

export class MelBands {
  /**
   * @param {Features} features
   * @param {number} rate Samples per second.
   */
  constructor({ window, bands, lowest, highest, floor, top }, rate) {
    // 1. The transform, and the Hann window in its middle.
    this.bands = bands;
    this.floor = floor;
    this.top = top;
    this.size = 2 ** Math.ceil(Math.log2(window));
    this.fourier = new Fourier(this.size);
    this.hann = new Float64Array(this.size);
    const begin = Math.floor((this.size - window) / 2);
    for (let n = 0; n < window; n += 1) {
      this.hann[begin + n] = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / window);
    }
    this.windowed = new Float64Array(this.size);
    this.power = new Float64Array(1 + this.size / 2);
    // 2. A triangle for each band, without its zeros.
    const edges = melFrequencies(bands + 2, lowest, highest);
    this.triangles = Array.from({ length: bands }, (_, band) =>
      triangle(edges[band], edges[band + 1], edges[band + 2], rate / this.size, 1 + this.size / 2),
    );
  }

  /**
   * One column: 255 is the maximum of the whole, 0 what lies 60 dB and more below it.
   *
   * @param {ArrayLike<number>} samples (size)
   * @param {Uint8Array} steps Gets them, the lowest band first.
   * @param {number} at Index of the first.
   */
  column(samples, steps, at) {
    const { hann, windowed, power, triangles, floor, top } = this;
    for (let n = 0; n < this.size; n += 1) windowed[n] = samples[n] * hann[n];
    this.fourier.power(windowed, power);
    for (let band = 0; band < this.bands; band += 1) {
      const { first, heights } = triangles[band];
      let sum = 0;
      for (let n = 0; n < heights.length; n += 1) sum += power[first + n] * heights[n];
      const share = (Math.log(Math.max(sum, floor)) - top) / RANGE + 1;
      steps[at + band] = Math.round(255 * Math.min(Math.max(share, 0), 1));
    }
  }
}

/**
 * Frequencies evenly spaced in mel (Slaney's), both ends included.
 *
 * @param {number} count
 * @param {number} lowest Hz.
 * @param {number} highest Hz.
 */
export function melFrequencies(count, lowest, highest) {
  const mel = (/** @type {number} */ hertz) =>
    hertz < 1000 ? (hertz * 3) / 200 : 15 + (27 * Math.log(hertz / 1000)) / Math.log(6.4);
  const [low, high] = [mel(lowest), mel(highest)];
  return Array.from({ length: count }, (_, n) => {
    const place = low + ((high - low) * n) / (count - 1);
    return place < 15 ? (place * 200) / 3 : 1000 * 6.4 ** ((place - 15) / 27);
  });
}

/**
 * A triangle of area 1 Hz over the frequencies of a transform.
 *
 * @param {number} low Hz.
 * @param {number} middle Hz.
 * @param {number} high Hz.
 * @param {number} step Hz from one frequency to the next.
 * @param {number} count Number of frequencies.
 */
function triangle(low, middle, high, step, count) {
  const first = Math.min(Math.max(Math.ceil(low / step), 0), count);
  const last = Math.min(Math.floor(high / step) + 1, count);
  const heights = new Float64Array(Math.max(last - first, 0));
  for (let n = 0; n < heights.length; n += 1) {
    const hertz = (first + n) * step;
    const height = Math.min((hertz - low) / (middle - low), (high - hertz) / (high - middle));
    heights[n] = (Math.max(height, 0) * 2) / (high - low);
  }
  return { first, heights };
}
