// What a person does to the tokens of an explorer: choose an edge, move it, split, merge, name, undo.
// Keys, mouse and buttons all come here. What was done is announced.

/** @import { Edge, Grip } from "./correction.js" */
/** @import { Token } from "./types.js" */
/** @import { Explorer } from "./view.js" */

import { beginningOf, correctable, firstChanged, insert, limits, merge, moveEdge, remove, setLabel, split } from "./correction.js";
import { differences } from "./differences.js";
import { milliseconds } from "./dom.js";
import { History } from "./history.js";
import { peaksInView } from "./soundlanes.js";
import { RenameField } from "./renaming.js";
import { nearest, onsets, valleys } from "./snapping.js";
import { shown } from "./tokens.js";

/** The label of a new token until it has one of its own. */
const UNNAMED = "?";
/** Seconds by which an edge snaps, at most. */
const SNAP = 0.1;
/** Seconds of a token that is added at the cursor, on each side. */
const AROUND = 0.05;

export class Editing {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** @type {History<readonly Token[] | null>} Null where nothing is corrected. */
    this.history = new History(/** @type {readonly Token[] | null} */ (null));
    /** @type {Edge | null} The chosen edge of the selected token. */
    this.edge = null;
    /** @type {RenameField | null} While a label is being written. */
    this.field = null;
  }

  /** The tokens that are corrected, or would be. */
  get tokens() {
    return this.before(null);
  }

  /**
   * The tokens before a gesture.
   *
   * @param {unknown} gesture
   */
  before(gesture) {
    const { data, seen } = this.explorer;
    return this.history.before(gesture) ?? beginningOf(seen.aligned.tokens, data.utterance.duration);
  }

  /**
   * The edge that keys move.
   *
   * @returns {Grip | null}
   */
  get grip() {
    const { selected } = this.explorer;
    return selected === null || !this.edge ? null : { index: selected, edge: this.edge };
  }

  /** Seconds of that edge. */
  get place() {
    const { grip } = this;
    return grip ? this.explorer.seen.shown.tokens[grip.index][grip.edge] : null;
  }

  // --- edges ---------------------------------------------------------------------------------------

  /**
   * Choose an edge, which keys then move.
   *
   * @param {Grip} grip
   * @param {{isStill?: boolean}} [how] Whether the view stays where it is.
   */
  choose({ index, edge }, { isStill = false } = {}) {
    this.explorer.select(index, { isStill });
    if (this.explorer.selected === null) return;
    this.edge = edge;
    if (isStill) this.explorer.marking.draw();
    else this.explorer.marking.reveal(this.place);
    this.sayEdge();
  }

  /**
   * Choose an edge of the selected token.
   *
   * @param {Edge} edge
   */
  chooseEdge(edge) {
    const index = this.selectedToken();
    if (index !== null) this.choose({ index, edge });
  }

  /** No edge is chosen any more; its gesture is over. */
  leaveEdge() {
    this.edge = null;
    this.history.seal();
  }

  /**
   * Move an edge.
   *
   * @param {Grip} grip
   * @param {number} seconds
   * @param {{isAlone?: boolean, gesture?: unknown}} [how]
   */
  move(grip, seconds, { isAlone = false, gesture = null } = {}) {
    const { duration } = this.explorer.data.utterance;
    this.apply((tokens) => moveEdge(tokens, grip, seconds, { duration, isAlone }), grip.index, gesture);
  }

  /**
   * Move the chosen edge by keys. All such movements of an edge are one step, until something else is
   * chosen or done or it is moved alone.
   *
   * @param {number} seconds
   * @param {boolean} isAlone Whether a neighbour that touches it stays.
   */
  nudge(seconds, isAlone) {
    const { grip, place } = this;
    if (!grip || place === null) return;
    this.move(grip, place + seconds, { isAlone, gesture: `${grip.edge} of ${grip.index}, ${isAlone}` });
    this.explorer.marking.reveal(this.place);
    this.sayEdge();
  }

  /** Move the chosen edge to the nearest valley of the weights. */
  snapToValley() {
    const { data, seen } = this.explorer;
    this.snap(valleys(seen.aligned.alpha, data.utterance.grid), "valley of α");
  }

  /** Move the chosen edge to the nearest onset of the sound. */
  snapToOnset() {
    const { seen, scale } = this.explorer;
    const { peaks, start } = peaksInView(seen, scale);
    const found = peaks && onsets(peaks, start);
    if (found) this.snap(found, "onset");
    else this.explorer.say(peaks ? "Zoom in: the sound in view is too coarse." : "There is no sound.");
  }

  /**
   * @param {number[]} moments
   * @param {string} kind
   */
  snap(moments, kind) {
    const { grip, place, tokens } = this;
    if (!grip || place === null) {
      this.explorer.say("Choose an edge first: press s or e, or click on an edge.");
      return;
    }
    const moment = nearest(moments, place);
    if (moment === null) {
      this.explorer.say(`There is no ${kind}.`);
      return;
    }
    const { duration } = this.explorer.data.utterance;
    const [least, most] = limits(tokens, grip, { duration });
    if (Math.abs(moment - place) > SNAP) {
      this.explorer.say(`The nearest ${kind}, at ${moment.toFixed(3)} s, is more than 100 ms away.`);
      return;
    }
    if (moment < least || moment > most) {
      this.explorer.say(`The nearest ${kind}, at ${moment.toFixed(3)} s, is beyond the next token.`);
      return;
    }
    this.history.seal();
    this.move(grip, moment);
    this.explorer.marking.reveal(this.place);
    this.sayEdge();
  }

  /** Announce the chosen edge. */
  sayEdge() {
    const { grip, place } = this;
    if (!grip || place === null) return;
    const { label } = this.explorer.seen.shown.tokens[grip.index];
    const moved = this.difference(grip.index)?.[grip.edge];
    const beside = moved ? `, ${milliseconds(moved)} against CIF` : "";
    this.explorer.say(`${grip.edge} of ${short(label)}: ${place.toFixed(3)} s${beside}`);
  }

  /**
   * How much a token differs from CIF's own.
   *
   * @param {number} index
   */
  difference(index) {
    const { corrected, aligned } = this.explorer.seen;
    return corrected ? differences(corrected, aligned.tokens)[index] : null;
  }

  // --- tokens --------------------------------------------------------------------------------------

  /** Cut the selected token at the cursor, or where that is elsewhere in its middle. */
  split() {
    const index = this.selectedToken();
    if (index === null) return;
    const at = this.explorer.marking.cursor ?? Number.NaN;
    const { label } = this.tokens[index];
    if (!this.apply((tokens) => split(tokens, index, at), index)) {
      this.explorer.say(`${short(label)} is too short to split.`);
      return;
    }
    this.choose({ index, edge: "end" });
    this.explorer.say(`Split: ${short(label)} twice, at ${this.place?.toFixed(3)} s`);
  }

  /** Make one token of the selected one and the next. */
  merge() {
    const index = this.selectedToken();
    if (index === null) return;
    if (this.apply((tokens) => merge(tokens, index), index)) {
      this.explorer.say(`Merged: ${short(this.tokens[index].label)}`);
    } else this.explorer.say("There is no next token.");
  }

  /** Take the selected token away. */
  remove() {
    const index = this.selectedToken();
    if (index === null) return;
    const { label } = this.tokens[index];
    this.leaveEdge();
    this.apply((tokens) => remove(tokens, index), index);
    this.explorer.say(`Deleted: ${short(label)}`);
  }

  /** Put a token where the region or the cursor is, and let it be named. */
  add() {
    const { marking, data } = this.explorer;
    const { region, cursor } = marking;
    const span = region ?? (cursor === null ? null : { start: cursor - AROUND, end: cursor + AROUND });
    if (!span) {
      this.explorer.say("Select a region, or click where no token is.");
      return;
    }
    const { tokens, index } = insert(this.tokens, span, UNNAMED, data.utterance.duration);
    if (index === null) {
      this.explorer.say("A token is there already.");
      return;
    }
    this.apply(() => tokens, index);
    this.explorer.select(index);
    this.rename();
  }

  /** Open a field for the label of the selected token. */
  rename() {
    const index = this.selectedToken();
    if (index === null) return;
    const { label } = this.tokens[index];
    this.explorer.playback.stop();
    this.field?.close();
    this.field = new RenameField(this.explorer, index, label, (text) => {
      this.field = null;
      if (text !== null) this.name(index, text);
      this.explorer.tokens.focus();
    });
  }

  /**
   * @param {number} index
   * @param {string} text
   */
  name(index, text) {
    this.history.seal();
    if (!text.trim()) this.explorer.say("A token needs a label; to take it away, delete it.");
    else if (this.apply((tokens) => setLabel(tokens, index, text), index)) {
      this.explorer.say(`Label: ${short(this.tokens[index].label)}`);
    }
  }

  /** The selected token, or a message that there is none. */
  selectedToken() {
    const { selected } = this.explorer;
    if (selected === null) this.explorer.say("Select a token first.");
    return selected;
  }

  // --- history -------------------------------------------------------------------------------------

  /**
   * Change the tokens.
   *
   * @param {(tokens: readonly Token[]) => readonly Token[]} change
   * @param {number | null} index Of the token that is selected then.
   * @param {unknown} [gesture]
   * @returns {boolean} Whether anything changed.
   */
  apply(change, index, gesture = null) {
    const before = this.before(gesture);
    const after = change(before);
    const isOngoing = gesture !== null && gesture === this.history.gesture;
    if (after === before && !isOngoing) return false; // a gesture may come back to where it began
    this.history.push(after, gesture);
    this.explorer.correct(after, index);
    return true;
  }

  undo() {
    if (this.history.canUndo) this.goTo(this.history.undo(), "Undone");
    else this.explorer.say("There is nothing to undo.");
  }

  redo() {
    if (this.history.canRedo) this.goTo(this.history.redo(), "Done again");
    else this.explorer.say("There is nothing to redo.");
  }

  /** Go back to CIF's own tokens, in one step that can be undone. */
  discard() {
    if (!this.history.now) {
      this.explorer.say("Nothing is corrected.");
      return;
    }
    this.history.push(null);
    this.goTo(null, "Corrections discarded");
  }

  /**
   * Take back what a gesture did so far.
   *
   * @param {unknown} gesture
   */
  cancel(gesture) {
    if (this.history.gesture === gesture) this.goTo(this.history.drop(), "Cancelled");
  }

  /**
   * Take over tokens from elsewhere, as a step.
   *
   * @param {readonly Token[] | null} tokens Null for CIF's own.
   */
  take(tokens) {
    const given = tokens && correctable(tokens, this.explorer.data.utterance.duration);
    const { now } = this.history;
    if (given === now || (given && now && firstChanged(given, now) === null)) return;
    this.field?.close();
    this.history.push(given);
    this.explorer.correct(given);
  }

  /**
   * Show a state, with the token selected that differs from before.
   *
   * @param {readonly Token[] | null} state
   * @param {string} what
   */
  goTo(state, what) {
    const { explorer } = this;
    const before = explorer.seen.shown.tokens;
    explorer.correct(state);
    const after = explorer.seen.shown.tokens;
    const index = firstChanged(before, after);
    if (index !== null && after.length) {
      const { edge } = this;
      const at = Math.min(index, after.length - 1);
      explorer.select(at);
      this.edge = edge;
      explorer.marking.draw();
    }
    const selected = explorer.selected === null ? "" : `: ${this.describe(explorer.selected)}`;
    explorer.say(`${what}${selected}`);
  }

  /** @param {number} index */
  describe(index) {
    const { label, start, end } = this.explorer.seen.shown.tokens[index];
    return `${short(label)}, ${start.toFixed(3)} to ${end.toFixed(3)} s`;
  }
}

/** @param {string} label */
function short(label) {
  return Array.from(shown(label)).slice(0, LONGEST).join("");
}

/** Letters of a label that are announced. */
const LONGEST = 40;
