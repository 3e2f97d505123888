// What a reader marks in time: a cursor and a region, by mouse, fingers and keys.

/** @import { Edge } from "./correction.js" */
/** @import { Span } from "./types.js" */
/** @import { Explorer } from "./view.js" */

import { actsNow } from "./correcting.js";
import { tokenAt } from "./naming.js";
import { spoken } from "./probe.js";

export class Marking {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** @type {Span | null} The part of time that space plays. */
    this.region = null;
    /** @type {number | null} Seconds; without a region space plays from here. */
    this.cursor = null;
    /** Whether the values below the picture are those of the cursor. */
    this.isProbed = false;
  }

  /** Forget both. */
  clear() {
    this.region = this.cursor = null;
    if (this.isProbed) this.explorer.point(null);
    this.isProbed = false;
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
   * Move the cursor; without one, from the start of the region, of the selected token or of the view. The
   * region stays, so that its ends can be set.
   *
   * @param {number} seconds
   */
  moveCursor(seconds) {
    this.cursor = this.within((this.cursor ?? (this.region ?? this.chosen).start) + seconds);
    this.reveal(this.cursor);
    this.explorer.point({ lane: null, seconds: this.cursor, share: 0, y: 0 });
    this.isProbed = true;
    this.explorer.say(`cursor at ${spoken(this.explorer.seen, this.cursor)}`);
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

  /**
   * Let the region start or end at the cursor; without one, where the selected token or the view does. Its other
   * end stays; one that is not there or is passed becomes that of the view.
   *
   * @param {Edge} edge
   */
  setRegionEdge(edge) {
    const { scale, data } = this.explorer;
    const at = this.cursor ?? this.chosen[edge];
    const isStart = edge === "start";
    const others = isStart ? [this.region?.end, scale.end, data.utterance.duration] : [this.region?.start, scale.begin, 0];
    const other = others.find((one) => one !== undefined && (isStart ? one > at : one < at));
    if (other === undefined) {
      this.explorer.say(`No region ${isStart ? "starts at the end" : "ends at the start"} of the recording.`);
      return;
    }
    this.region = isStart ? { start: at, end: other } : { start: other, end: at };
    this.draw();
    const { start, end } = this.region;
    this.explorer.say(`region from ${start.toFixed(3)} to ${end.toFixed(3)} s`);
  }

  /**
   * The selected token, or what is in view.
   *
   * @returns {Span}
   */
  get chosen() {
    const { scale, selected, seen } = this.explorer;
    return selected === null ? { start: scale.begin, end: scale.end } : seen.shown.tokens[selected];
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
    explorer.picture.overlay.drawMarks({ region, cursor, edge: explorer.editing.place });
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
