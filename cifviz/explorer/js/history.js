// States that can be gone back to, one for each gesture: a whole drag, or all movements of an edge by
// keys until something else is chosen.

/** @template State */
export class History {
  /** @param {State} first */
  constructor(first) {
    this.states = [first];
    this.at = 0;
    /** @type {unknown} The gesture that made the present state; null for one that is over. */
    this.gesture = null;
  }

  get now() {
    return this.states[this.at];
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.states.length - 1;
  }

  /**
   * Go to a new state. What was undone before is gone.
   *
   * @param {State} state
   * @param {unknown} [gesture] A state of the same gesture as the present one replaces it.
   */
  push(state, gesture = null) {
    const isSame = gesture !== null && gesture === this.gesture;
    if (!isSame) this.at += 1;
    this.states.splice(this.at, Infinity, state);
    this.gesture = gesture;
    if (this.states.length > MOST) this.at -= this.states.splice(0, this.states.length - MOST).length;
  }

  /**
   * The state before a gesture: what it does is counted from there, however it came to where it is.
   *
   * @param {unknown} gesture
   */
  before(gesture) {
    return gesture !== null && gesture === this.gesture ? this.states[this.at - 1] : this.now;
  }

  /** End the gesture. */
  seal() {
    this.gesture = null;
  }

  /** @returns {State} */
  undo() {
    this.seal();
    this.at = Math.max(this.at - 1, 0);
    return this.now;
  }

  /**
   * Undo the last step for good.
   *
   * @returns {State}
   */
  drop() {
    const state = this.undo();
    this.states.splice(this.at + 1);
    return state;
  }

  /** @returns {State} */
  redo() {
    this.seal();
    this.at = Math.min(this.at + 1, this.states.length - 1);
    return this.now;
  }
}

/** States that are kept: a list of an hour has 12,000 places. */
const MOST = 300;
