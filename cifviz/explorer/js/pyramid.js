// The least and the largest of any range of values, exactly, without a look at each of them: a
// pyramid holds those of blocks, of blocks of blocks, and so on.

/** Values of a block. */
const BLOCK = 32;

/** @typedef {{least: number, most: number}} Extremes */

/** Extremes of nothing. */
export function nothing() {
  return { least: Infinity, most: -Infinity };
}

export class Pyramid {
  /** @param {Float32Array} values */
  constructor(values) {
    /** From the values themselves to few blocks. */
    this.levels = [{ low: values, high: values }];
    for (let last = this.levels[0]; last.low.length > BLOCK; last = this.levels[this.levels.length - 1]) {
      this.levels.push({ low: blocks(last.low, Math.min), high: blocks(last.high, Math.max) });
    }
  }

  /**
   * Widen extremes by the values from index `from` to before index `to`.
   *
   * @param {number} from
   * @param {number} to
   * @param {Extremes} found
   * @param {number} [level]
   */
  widen(from, to, found, level = 0) {
    const [first, last] = [Math.ceil(from / BLOCK), Math.floor(to / BLOCK)];
    if (first >= last || level + 1 >= this.levels.length) {
      this.scan(from, to, found, level);
      return;
    }
    this.scan(from, first * BLOCK, found, level);
    this.widen(first, last, found, level + 1);
    this.scan(last * BLOCK, to, found, level);
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {Extremes} found
   * @param {number} level
   */
  scan(from, to, found, level) {
    const { low, high } = this.levels[level];
    for (let at = from; at < to; at += 1) {
      if (low[at] < found.least) found.least = low[at];
      if (high[at] > found.most) found.most = high[at];
    }
  }
}

/** @type {WeakMap<Float32Array, Pyramid>} */
const pyramids = new WeakMap();

/**
 * The pyramid of values that never change in place, made once.
 *
 * @param {Float32Array} values
 */
export function pyramidOf(values) {
  const pyramid = pyramids.get(values) ?? new Pyramid(values);
  pyramids.set(values, pyramid);
  return pyramid;
}

/**
 * @param {Float32Array} values
 * @param {(one: number, other: number) => number} better
 */
function blocks(values, better) {
  const found = new Float32Array(Math.ceil(values.length / BLOCK));
  for (let block = 0; block < found.length; block += 1) {
    let best = values[block * BLOCK];
    const end = Math.min((block + 1) * BLOCK, values.length);
    for (let at = block * BLOCK + 1; at < end; at += 1) best = better(best, values[at]);
    found[block] = best;
  }
  return found;
}
