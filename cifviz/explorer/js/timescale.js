// The part of time in view, and the place of a moment in the picture. Time runs from left to right
// in every language.

/** The shortest view, seconds. */
const SHORTEST = 0.02;

export class TimeScale {
  /** @param {number} duration Seconds of the whole. */
  constructor(duration) {
    this.duration = Math.max(duration, SHORTEST);
    this.begin = 0;
    this.end = this.duration;
    this.width = 1;
  }

  /**
   * Place of a moment, in pixels.
   *
   * @param {number} seconds
   */
  x(seconds) {
    return ((seconds - this.begin) / (this.end - this.begin)) * this.width;
  }

  /**
   * Moment at a place.
   *
   * @param {number} x Pixels.
   */
  seconds(x) {
    return this.begin + (x / this.width) * (this.end - this.begin);
  }

  /** Pixels per second. */
  get density() {
    return this.width / (this.end - this.begin);
  }

  /**
   * Make the view longer or shorter by a factor; one moment stays where it is.
   *
   * @param {number} factor Above 1 shows more.
   * @param {number} around Seconds.
   */
  zoom(factor, around = (this.begin + this.end) / 2) {
    const old = this.end - this.begin;
    const length = Math.min(Math.max(old * factor, SHORTEST), this.duration);
    this.look(around - ((around - this.begin) / old) * length, length);
  }

  /**
   * Move the view.
   *
   * @param {number} seconds
   */
  pan(seconds) {
    this.look(this.begin + seconds, this.end - this.begin);
  }

  /**
   * Move the view so that it shows a part.
   *
   * @param {number} start Seconds.
   * @param {number} end Seconds.
   */
  reveal(start, end) {
    const length = this.end - this.begin;
    if (end - start > length || start < this.begin) this.look(start, length);
    else if (end > this.end) this.look(end - length, length);
  }

  /** Show everything. */
  all() {
    this.look(0, this.duration);
  }

  /**
   * Show a part, moved so that it lies inside the whole.
   *
   * @param {number} begin Seconds.
   * @param {number} length Seconds.
   */
  look(begin, length) {
    this.begin = Math.min(Math.max(begin, 0), this.duration - length);
    this.end = this.begin + length;
  }

  /**
   * Round moments in view.
   *
   * @param {number} [apart] Pixels between two, at least.
   */
  ticks(apart = 70) {
    const least = apart / this.density;
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5].map((times) => times * power).find((size) => size >= least) ?? 10 * power;
    const found = [];
    for (let n = Math.ceil(this.begin / step); n * step <= this.end + 1e-9; n += 1) {
      found.push(n * step);
    }
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return found.map((seconds) => ({ seconds, label: seconds.toFixed(digits) }));
  }
}
