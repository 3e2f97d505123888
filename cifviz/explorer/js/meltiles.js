// The spectrogram of samples in tiles, as fine as the view: level 0 has the frames of the features, a
// level above the larger of two columns each, a level below twice as many columns.

/** @import { Features } from "./types.js" */
/** @import { Samples } from "./samples.js" */

import { MelBands } from "./melbands.js";

/** Columns of a tile. */
export const COLUMNS = 128;
/** Samples from one column to the next, at least. */
const CLOSEST = 4;
/** Tiles that are kept: those of half an hour, and of the levels above. */
const KEPT = 4000;
/** Columns that are made before others may have their turn. */
const AT_ONCE = 8;

/** @typedef {{level: number, index: number}} Place */

export class MelTiles {
  /**
   * @param {Samples} samples
   * @param {Features} features
   */
  constructor(samples, features) {
    this.samples = samples;
    this.hop = features.hop;
    this.mel = new MelBands(features, samples.rate);
    this.frames = Math.ceil(samples.length / this.hop);
    /** Samples before a frame that its transform sees. */
    this.before = Math.floor((this.mel.size - this.hop) / 2);
    this.frame = new Float32Array(this.mel.size);
    /** @type {Map<string, Uint8Array>} Columns of each tile; the last made is the last. */
    this.made = new Map();
    this.columnsOfTile = COLUMNS;
    this.finest = -Math.max(Math.floor(Math.log2(this.hop / CLOSEST)), 0);
  }

  /**
   * The level whose columns are one to two pixels wide, or as near as there is one.
   *
   * @param {number} density Pixels per second.
   */
  levelFor(density) {
    const wide = (this.hop / this.samples.rate) * density;
    return Math.max(Math.ceil(-Math.log2(wide) - 1e-9), this.finest);
  }

  /**
   * Seconds of a column.
   *
   * @param {number} level
   */
  shift(level) {
    return (this.hop * 2 ** level) / this.samples.rate;
  }

  /**
   * The tiles that touch a part of time.
   *
   * @param {number} level
   * @param {number} begin Seconds.
   * @param {number} end Seconds.
   * @returns {Place[]}
   */
  placesIn(level, begin, end) {
    const wide = COLUMNS * this.shift(level);
    const count = Math.ceil(this.columns(level) / COLUMNS);
    const first = Math.max(Math.floor(begin / wide), 0);
    const last = Math.min(Math.ceil(end / wide), count);
    return Array.from({ length: Math.max(last - first, 0) }, (_, n) => ({ level, index: first + n }));
  }

  /**
   * Number of columns of a level.
   *
   * @param {number} level
   */
  columns(level) {
    return Math.ceil(this.frames / 2 ** level);
  }

  /**
   * The samples that a tile needs.
   *
   * @param {Place} place
   * @returns {[number, number]} Of the first, and after the last.
   */
  needs({ level, index }) {
    const wide = COLUMNS * this.hop * 2 ** level;
    return [Math.floor(index * wide) - this.mel.size, Math.ceil((index + 1) * wide) + this.mel.size];
  }

  /**
   * The columns of a tile, the lowest band of each first; undefined if it is not made.
   *
   * @param {Place} place
   */
  get({ level, index }) {
    return this.made.get(`${level} ${index}`);
  }

  /**
   * Make a tile in small steps.
   *
   * @param {Place} place
   * @returns {Generator<void, void>}
   */
  *make(place) {
    if (this.get(place)) return;
    if (place.level <= 0) yield* this.transformed(place);
    else yield* this.pooled(place);
    for (const old of this.made.keys()) {
      if (this.made.size <= KEPT) return;
      this.made.delete(old);
    }
  }

  /**
   * Columns of a level up to 0: each a transform.
   *
   * @param {Place} place
   * @returns {Generator<void, void>}
   */
  *transformed({ level, index }) {
    const { mel, frame, samples, before, hop } = this;
    const step = hop * 2 ** level;
    const count = Math.min(COLUMNS, this.columns(level) - index * COLUMNS);
    const steps = new Uint8Array(count * mel.bands);
    for (let n = 0; n < count; n += 1) {
      if (n && n % AT_ONCE === 0) yield;
      // A column stands in the middle of its time, as a frame does.
      const first = (index * COLUMNS + n + 0.5) * step - hop / 2 - before;
      samples.copy(Math.round(first), frame);
      mel.column(frame, steps, n * mel.bands);
    }
    this.made.set(`${level} ${index}`, steps);
  }

  /**
   * Columns of a level above 0: the larger of two of the level below.
   *
   * @param {Place} place
   * @returns {Generator<void, void>}
   */
  *pooled({ level, index }) {
    const { bands } = this.mel;
    const count = Math.min(COLUMNS, this.columns(level) - index * COLUMNS);
    const steps = new Uint8Array(count * bands);
    for (const half of [0, 1]) {
      const below = { level: level - 1, index: 2 * index + half };
      if (below.index * COLUMNS >= this.columns(below.level)) break;
      if (!this.get(below)) yield* this.make(below);
      const values = this.get(below) ?? new Uint8Array(0);
      for (let at = 0; at < values.length; at += 1) {
        const column = Math.floor((half * COLUMNS + Math.floor(at / bands)) / 2);
        const into = column * bands + (at % bands);
        if (values[at] > steps[into]) steps[into] = values[at];
      }
    }
    this.made.set(`${level} ${index}`, steps);
  }
}
