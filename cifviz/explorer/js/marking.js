// What a reader marks in time: a cursor and a region, by mouse, fingers and keys.

/** @import { Span } from "./types.js" */
/** @import { Explorer } from "./view.js" */

import { actsNow } from "./correcting.js";
import { tokenAt } from "./naming.js";

export class Marking {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** @type {Span | null} The part of time that was dragged, which space plays. */
    this.region = null;
    /** @type {number | null} Seconds of the last click, from which space plays. */
    this.cursor = null;
  }

  /** Forget both. */
  clear() {
    this.region = this.cursor = null;
  }

  /**
   * Index of the token at a moment.
   *
   * @param {number} seconds
   */
  tokenUnder(seconds) {
    const { tokens } = this.explorer.seen.shown;
    const index = tokens.findIndex(({ start, end }) => seconds >= start && seconds <= end);
    return index < 0 ? null : index;
  }

  /** Index of the token at the cursor, or the nearest; the first without a cursor. */
  nearestToken() {
    const { tokens } = this.explorer.seen.shown;
    if (this.cursor === null) return tokens.length ? 0 : null;
    return tokenAt({ start: this.cursor, end: this.cursor }, tokens);
  }

  /**
   * Select and play the token at a moment.
   *
   * @param {number} seconds
   */
  chooseAt(seconds) {
    const { explorer } = this;
    const index = this.tokenUnder(seconds);
    if (index === null) {
      this.placeCursor(seconds);
      return;
    }
    explorer.select(index, { isStill: true });
    explorer.tokens.focus(); // so that arrows continue from there
    explorer.playback.playToken(index);
  }

  /**
   * Put the cursor at a moment, and select the token that is there.
   *
   * @param {number} seconds
   */
  placeCursor(seconds) {
    const { explorer } = this;
    const index = this.tokenUnder(seconds);
    if (index !== null && index !== explorer.selected) explorer.select(index, { isStill: true });
    this.region = null;
    this.cursor = this.within(seconds);
    explorer.tokens.focus();
    this.draw();
  }

  /**
   * Move the cursor; without one, from the start of the selected token or of the view.
   *
   * @param {number} seconds
   */
  moveCursor(seconds) {
    const { selected, scale, seen } = this.explorer;
    const start = selected === null ? scale.begin : seen.shown.tokens[selected].start;
    this.region = null;
    this.cursor = this.within((this.cursor ?? start) + seconds);
    this.reveal(this.cursor);
    this.explorer.say(`cursor at ${this.cursor.toFixed(3)} s`);
  }

  /**
   * Mark a part of time.
   *
   * @param {Span} span Seconds.
   */
  setRegion({ start, end }) {
    this.region = { start: this.within(start), end: this.within(end) };
    this.cursor = null;
    this.draw();
  }

  /** Whether Escape has something to let go of. */
  get isHolding() {
    return Boolean(this.explorer.editing.edge ?? this.region) || this.cursor !== null;
  }

  /** Let go of the chosen edge; else of region and cursor; else leave the list of tokens. */
  letGo() {
    const { playback, editing, tokens } = this.explorer;
    playback.stop();
    if (editing.edge) editing.leaveEdge();
    else if (this.isHolding) this.clear();
    else tokens.leave();
    this.draw();
  }

  /**
   * Bring a moment into view, and show what is marked.
   *
   * @param {number | null} seconds
   */
  reveal(seconds) {
    const { scale } = this.explorer;
    const { begin, end } = scale;
    if (seconds !== null) scale.reveal(seconds, seconds);
    if (begin !== scale.begin || end !== scale.end) this.explorer.look();
    this.draw();
  }

  /** Draw region, cursor and chosen edge. */
  draw() {
    const { explorer, region, cursor } = this;
    explorer.picture.drawMarks({ region, cursor, edge: explorer.editing.place });
    actsNow(explorer.correcting, explorer);
  }

  /**
   * A moment of the recording.
   *
   * @param {number} seconds
   */
  within(seconds) {
    return Math.min(Math.max(seconds, 0), this.explorer.data.utterance.duration);
  }
}
