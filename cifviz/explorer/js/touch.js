// Fingers on the picture: one moves the view, two zoom, a tap selects and plays a token, and one that
// rests shows the values under it. Up and down, the page scrolls as everywhere.

/** @import { Explorer } from "./view.js" */
/** @import { PlaceOf } from "./pointer.js" */

/** Pixels by which a finger that rests may move. */
const TREMOR = 8;
/** Milliseconds from which on a finger rests. */
const LONG = 500;
/** Pixels beside a token that a tap may miss it by. */
const BESIDE = 16;

/** @typedef {"idle" | "press" | "pan" | "map" | "pinch" | "rest"} Gesture */

/**
 * Listen to fingers.
 *
 * @param {HTMLElement} stage Holds the picture.
 * @param {Explorer} explorer
 * @param {PlaceOf} place
 * @param {(event: {clientX: number, clientY: number}) => boolean} isTaken Whether a press there takes
 *   hold of something, which is no gesture of the fingers.
 */
export function listenToTouch(stage, explorer, place, isTaken) {
  const fingers = new Fingers(stage, explorer, place);
  const isOurs = (/** @type {PointerEvent} */ event) => event.pointerType === "touch";
  stage.addEventListener("pointerdown", (event) => {
    if (isOurs(event) && (fingers.at.size || !isTaken(event))) fingers.down(event);
  });
  stage.addEventListener("pointermove", (event) => fingers.move(event));
  stage.addEventListener("pointerup", (event) => fingers.up(event));
  stage.addEventListener("pointercancel", (event) => fingers.lose(event));
  // What is prevented here is that the browser scrolls, by which a gesture would end.
  stage.addEventListener("touchstart", (event) => {
    if (event.touches.length > 1 || isTaken(event.touches[0])) prevent(event);
  }, { passive: false });
  stage.addEventListener("touchmove", (event) => {
    if (fingers.gesture === "pinch" || fingers.gesture === "rest") prevent(event);
  }, { passive: false });
  stage.addEventListener("contextmenu", (event) => {
    if (fingers.at.size) event.preventDefault();
  });
}

/** @param {TouchEvent} event */
function prevent(event) {
  if (event.cancelable) event.preventDefault();
}

class Fingers {
  /**
   * @param {HTMLElement} stage
   * @param {Explorer} explorer
   * @param {PlaceOf} place
   */
  constructor(stage, explorer, place) {
    this.stage = stage;
    this.explorer = explorer;
    this.place = place;
    /** @type {Map<number, PointerEvent>} Where each finger was last, by its number. */
    this.at = new Map();
    /** @type {Gesture} */
    this.gesture = "idle";
    this.timer = 0;
    /** Of a pinch: the view when it began, the moment between the fingers, and their distance. */
    this.pinched = { length: 1, seconds: 0, apart: 1 };
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.stage.setPointerCapture(event.pointerId);
    this.at.set(event.pointerId, event);
    clearTimeout(this.timer);
    if (this.at.size === 1) {
      this.gesture = "press";
      this.timer = setTimeout(() => this.rest(event), LONG);
    } else if (this.at.size === 2) {
      this.explorer.point(null);
      this.beginPinch();
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    const last = this.at.get(event.pointerId);
    if (!last) return;
    if (this.gesture === "press") {
      if (Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < TREMOR) return;
      clearTimeout(this.timer);
      this.gesture = this.place(last).lane === "map" ? "map" : "pan";
    }
    this.at.set(event.pointerId, event);
    const { scale } = this.explorer;
    if (this.gesture === "map") this.explorer.centre(this.place(event).seconds);
    if (this.gesture === "rest") this.explorer.point(this.place(event));
    if (this.gesture === "pinch") this.pinch();
    if (this.gesture === "pan") {
      scale.pan((last.clientX - event.clientX) / scale.density);
      this.explorer.look();
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.at.has(event.pointerId)) return;
    if (this.gesture === "press") this.tap(event);
    this.lose(event);
  }

  /**
   * A finger is gone, or the browser scrolls with it.
   *
   * @param {PointerEvent} event
   */
  lose(event) {
    if (!this.at.delete(event.pointerId)) return;
    clearTimeout(this.timer);
    if (!this.at.size) this.gesture = "idle";
    else if (this.at.size === 1) this.gesture = "pan"; // the finger that stays moves on
    else this.beginPinch();
  }

  /** @param {PointerEvent} event */
  tap(event) {
    const { lane, seconds } = this.place(event);
    if (lane === "map") {
      this.explorer.centre(seconds);
      return;
    }
    if (lane !== "tokens") {
      this.explorer.marking.placeCursor(seconds);
      return;
    }
    const { seen, scale } = this.explorer;
    const near = seen.shown.tokens
      .map(({ start, end }) => ({ start, end, off: Math.max(start - seconds, seconds - end, 0) }))
      .filter(({ off }) => off * scale.density <= BESIDE)
      .sort((one, other) => one.off - other.off);
    if (near.length) this.explorer.marking.chooseAt((near[0].start + near[0].end) / 2);
  }

  /**
   * Show the values under a finger; they stay when it leaves, so that they can be read.
   *
   * @param {PointerEvent} event
   */
  rest(event) {
    this.gesture = "rest";
    this.explorer.point(this.place(event));
  }

  beginPinch() {
    this.gesture = "pinch";
    const { scale } = this.explorer;
    const { middle, apart } = this.spread();
    this.pinched = { length: scale.end - scale.begin, seconds: this.place(middle).seconds, apart };
  }

  /** Zoom so that the moment between the fingers stays between them. */
  pinch() {
    const { scale } = this.explorer;
    const { middle, apart } = this.spread();
    const { length, seconds, apart: before } = this.pinched;
    scale.zoom((length * before) / apart / (scale.end - scale.begin));
    scale.pan(seconds - this.place(middle).seconds);
    this.explorer.look();
  }

  /** The middle of the first two fingers, and how far they are apart. */
  spread() {
    const [one, other] = this.at.values();
    const middle = {
      clientX: (one.clientX + other.clientX) / 2,
      clientY: this.explorer.picture.canvas.getBoundingClientRect().bottom, // below the map
    };
    const apart = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    return { middle, apart: Math.max(apart, 1) };
  }
}
