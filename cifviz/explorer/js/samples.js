// Samples of a sound, of which only some pieces are there: those in view, and those seen last.

/** @import { Extremes } from "./pyramid.js" */

import { Pyramid } from "./pyramid.js";

export class Samples {
  /**
   * @param {object} about
   * @param {number} about.rate Samples per second.
   * @param {number} about.length Samples of the whole.
   * @param {number} about.piece Samples of each piece but the last.
   * @param {number} about.most Pieces that are kept.
   */
  constructor({ rate, length, piece, most }) {
    this.rate = rate;
    this.length = length;
    this.piece = piece;
    this.most = most;
    /** @type {Map<number, {values: Float32Array, pyramid: Pyramid}>} The last used is the last. */
    this.pieces = new Map();
  }

  /**
   * Indices of the pieces in which samples lie.
   *
   * @param {number} from
   * @param {number} to The sample after the last.
   */
  piecesOf(from, to) {
    const first = Math.floor(Math.max(from, 0) / this.piece);
    const last = Math.ceil(Math.min(to, this.length) / this.piece);
    return Array.from({ length: Math.max(last - first, 0) }, (_, n) => first + n);
  }

  /**
   * Keep a piece; the ones that were not used for the longest time make room.
   *
   * @param {number} index
   * @param {Float32Array} values Zeros follow where they are fewer than a piece has.
   */
  put(index, values) {
    const length = Math.min(this.piece, this.length - index * this.piece);
    const whole = values.length === length ? values : new Float32Array(length);
    if (whole !== values) whole.set(values.subarray(0, length));
    this.pieces.set(index, { values: whole, pyramid: new Pyramid(whole) });
    for (const old of this.pieces.keys()) {
      if (this.pieces.size <= this.most) return;
      this.pieces.delete(old);
    }
  }

  /**
   * Whether samples are there; if so, they are the last that make room.
   *
   * @param {number} from
   * @param {number} to
   */
  has(from, to) {
    const wanted = this.piecesOf(from, to);
    if (!wanted.every((index) => this.pieces.has(index))) return false;
    for (const index of wanted) {
      const piece = this.pieces.get(index);
      this.pieces.delete(index);
      if (piece) this.pieces.set(index, piece);
    }
    return true;
  }

  /**
   * Widen extremes by samples, as far as they are there.
   *
   * @param {number} from
   * @param {number} to
   * @param {Extremes} found
   */
  widen(from, to, found) {
    for (const index of this.piecesOf(from, to)) {
      const piece = this.pieces.get(index);
      const begin = index * this.piece;
      if (!piece) continue;
      const last = Math.min(to - begin, piece.values.length);
      piece.pyramid.widen(Math.max(from - begin, 0), last, found);
    }
  }

  /**
   * Copy samples; zeros where there are none.
   *
   * @param {number} from Index of the first, which may be before the sound.
   * @param {Float32Array} into
   */
  copy(from, into) {
    into.fill(0);
    for (const index of this.piecesOf(from, from + into.length)) {
      const values = this.pieces.get(index)?.values;
      if (!values) continue;
      const begin = index * this.piece;
      const [first, last] = [Math.max(from - begin, 0), from + into.length - begin];
      into.set(values.subarray(first, last), begin + first - from);
    }
  }
}
