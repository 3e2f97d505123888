// What the explorer plays: the region, from the cursor, or a token. A line moves with the sound.

/** @import { Span } from "./types.js" */
/** @import { Explorer } from "./view.js" */

import { messageOf } from "./dom.js";
import { Player } from "./player.js";

export class Playback {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    this.player = new Player(null);
    this.player.cif = () => this.audible;
    this.player.onEnd = () => this.explorer.picture.overlay.drawPlayhead(null);
    this.frame = 0;
  }

  /**
   * What the CIF does at the present settings, as sound.
   *
   * @returns {import("./sonify.js").Audible}
   */
  get audible() {
    const { aligned, axes, utterance } = this.explorer.seen;
    const { alpha, positions, tailFired } = aligned.firing;
    const { grid } = utterance;
    const fires = Array.from(positions, (position) => grid.start + position * grid.shift);
    return { alpha, top: axes.weight, grid, fires, tailFired };
  }

  /**
   * What space plays.
   *
   * @returns {Span} Seconds.
   */
  get span() {
    const { scale, marking } = this.explorer;
    const { end, duration } = scale;
    const { region, cursor, chosen } = marking;
    if (region) return region;
    return cursor === null ? chosen : { start: cursor, end: cursor < end ? end : duration };
  }

  /** Play that; if something is played, stop. */
  playOrStop() {
    const { start, end } = this.span;
    if (this.player.now === null) void this.play(start, end);
    else this.stop();
  }

  /** Play what is in view. */
  playView() {
    const { begin, end } = this.explorer.scale;
    void this.play(begin, end);
  }

  /** @param {number} index */
  playToken(index) {
    const token = this.explorer.seen.shown.tokens[index];
    if (token) void this.play(token.start, token.end);
  }

  /**
   * @param {number} start Seconds.
   * @param {number} end Seconds.
   */
  async play(start, end) {
    try {
      await this.player.play(start, end);
    } catch (error) {
      this.explorer.say(`Cannot be played: ${messageOf(error)}`);
    }
    const move = () => {
      const { now } = this.player;
      this.explorer.picture.overlay.drawPlayhead(now);
      if (now !== null) this.frame = requestAnimationFrame(move);
    };
    cancelAnimationFrame(this.frame);
    move();
  }

  stop() {
    this.player.stop();
    this.explorer.picture.overlay.drawPlayhead(null);
  }

  /** Release the sound card. */
  close() {
    cancelAnimationFrame(this.frame);
    this.player.close();
  }
}
