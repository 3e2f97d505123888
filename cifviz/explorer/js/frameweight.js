// The weight of one frame for the keyboard: two sliders do what the mouse does in the picture.

/** @import { Utterance } from "./types.js" */

import { slider } from "./controls.js";
import { element } from "./dom.js";

/** The largest weight on the slider. */
const MOST = 2;

export class FrameWeight {
  /**
   * @param {HTMLElement} parent
   * @param {Pick<Utterance, "grid" | "alpha">} utterance
   * @param {object} acts
   * @param {(frame: number, weight: number) => void} acts.set Called with a new weight.
   * @param {(start: number, end: number) => void} acts.mark Called with the seconds of the chosen
   *   frame.
   */
  constructor(parent, { grid, alpha }, acts) {
    this.grid = grid;
    this.given = alpha;
    this.acts = acts;
    this.frame = 0;
    this.box = element(parent, "div", "cifviz-frame");
    const last = Math.max(alpha.length - 1, 0);
    const frames = { label: "frame", min: 0, max: last, step: 1 };
    const weights = { label: "weight of the frame", min: 0, max: MOST, step: 0.01 };
    this.place = slider(this.box, frames, (frame) => this.choose(frame));
    this.weight = slider(this.box, weights, (weight) => this.acts.set(this.frame, weight));
    this.show(alpha);
    this.offer(false);
  }

  /**
   * Show the sliders or hide them; they stay hidden without frames.
   *
   * @param {boolean} isWanted
   */
  offer(isWanted) {
    this.box.hidden = !isWanted || !this.given.length;
  }

  /** @param {number} frame */
  choose(frame) {
    this.frame = frame;
    const start = this.grid.start + frame * this.grid.shift;
    this.acts.mark(start, start + this.grid.shift);
    this.show(this.given);
  }

  /**
   * Follow the weights as they are now.
   *
   * @param {Float32Array} given
   */
  show(given) {
    this.given = given;
    if (!given.length) return;
    const seconds = this.grid.start + this.frame * this.grid.shift;
    this.place.show(this.frame, `${seconds.toFixed(2)} s`);
    this.weight.show(given[this.frame]);
  }
}
