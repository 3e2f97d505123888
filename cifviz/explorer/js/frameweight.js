// The weight of one frame for the keyboard: what a mouse drags in the picture, two sliders move.

import { slider } from "./controls.js";
import { element } from "./dom.js";

/** The most that the slider gives to a frame. */
const MOST = 2;

export class FrameWeight {
  /**
   * @param {HTMLElement} parent
   * @param {{grid: {start: number, shift: number}, alpha: Float32Array}} utterance
   * @param {{set: (frame: number, weight: number) => void, mark: (start: number, end: number) => void}}
   *   acts Told of a weight, and of the seconds of the frame that is meant.
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

  /** Offer it, or not: there may be no frame. */
  offer(isWanted) {
    this.box.hidden = !isWanted || !this.given.length;
  }

  choose(frame) {
    this.frame = frame;
    const start = this.grid.start + frame * this.grid.shift;
    this.acts.mark(start, start + this.grid.shift);
    this.show(this.given);
  }

  /** Follow the weights as they are now. */
  show(given) {
    this.given = given;
    if (!given.length) return;
    const seconds = this.grid.start + this.frame * this.grid.shift;
    this.place.show(this.frame, `${seconds.toFixed(2)} s`);
    this.weight.show(given[this.frame]);
  }
}
