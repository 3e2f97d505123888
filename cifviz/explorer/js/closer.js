// Finer pictures that Python makes of what is in view, where there is one and samples make none.

/** @import { Explorer } from "./view.js" */

import { stretchOf } from "./data.js";
import { messageOf } from "./dom.js";
import { isCoarse, stretchInView } from "./soundlanes.js";

/** Finer pictures of parts that are kept. */
const KEPT = 8;

export class Closer {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    this.isAsking = false;
  }

  /** Ask for a finer picture where it would show more. */
  async look() {
    const { kernel, scale, seen, picture } = this.explorer;
    const { begin, end, density } = scale;
    const { stretches, detail } = seen;
    const coarse = stretchInView(stretches, scale);
    if (!kernel || coarse.isFinest || !isCoarse(coarse, density) || this.isAsking) return;
    if (detail?.covers(scale, coarse)) return;
    this.isAsking = true;
    const around = end - begin;
    try {
      const wanted = { start: begin - around, end: end + around };
      const { message } = await kernel.ask("stretch", wanted);
      seen.stretches = [stretches[0], ...stretches.slice(1).slice(-KEPT), stretchOf(message)];
      // The finest last: the last one that covers the view is drawn.
      seen.stretches.sort((one, other) => other.end - other.start - one.end + one.start);
      picture.draw();
    } catch (error) {
      this.explorer.say(`No finer picture: ${messageOf(error)}`);
    }
    this.isAsking = false;
  }
}
