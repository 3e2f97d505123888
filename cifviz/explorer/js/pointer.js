// The mouse on the picture: a press drags the map, a weight or the view; without a movement it selects
// a token and plays it. What a finger does is in touch.js, unless it takes hold of something.

/** @import { Explorer } from "./view.js" */

import { strokeWeights } from "./strokes.js";
import { listenToTouch } from "./touch.js";

/** @typedef {{lane: string | null, seconds: number, share: number, y: number}} Place See `Picture.at`. */
/** @typedef {(event: {clientX: number, clientY: number}) => Place} PlaceOf */

/**
 * What a press does while the pointer moves, and when it is released.
 *
 * @typedef {{move: (now: Place, x: number, passed: Place[]) => void, end: () => void}} Drag
 *
 * `passed` are the places on the way to the present one, that included.
 */

/** Pixels of a movement that is still a click. */
const TREMOR = 4;

/**
 * Listen to the mouse.
 *
 * @param {HTMLElement} stage Holds the picture.
 * @param {Explorer} explorer
 */
export function listenToPointer(stage, explorer) {
  /** @type {PlaceOf} */
  const place = (event) => {
    const box = explorer.picture.canvas.getBoundingClientRect();
    return explorer.picture.at(event.clientX - box.left, event.clientY - box.top);
  };
  const isFinger = (/** @type {PointerEvent} */ event) => event.pointerType === "touch";
  stage.addEventListener("pointerdown", (event) => {
    if (!isFinger(event) || takesHold(place(event), explorer)) press(event, place, explorer);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!isFinger(event)) explorer.point(place(event));
  });
  stage.addEventListener("pointerleave", (event) => {
    if (!isFinger(event)) explorer.point(null);
  });
  listenToTouch(stage, explorer, place, (event) => takesHold(place(event), explorer));
  stage.addEventListener("wheel", (event) => {
    // The wheel alone scrolls the page.
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    const { scale } = explorer;
    const steps = event.deltaY || event.deltaX; // with Shift some systems turn it sideways
    if (event.shiftKey) scale.pan(steps / scale.density);
    else scale.zoom(steps > 0 ? 1.25 : 0.8, place(event).seconds);
    explorer.look();
  }, { passive: false });
}

/**
 * Whether a press takes hold of something there, instead of moving the view.
 *
 * @param {Place} place
 * @param {Explorer} explorer
 */
function takesHold({ lane }, { isDragging }) {
  return isDragging && lane === "weights";
}

/**
 * @param {PointerEvent} event
 * @param {PlaceOf} place
 * @param {Explorer} explorer
 */
function press(event, place, explorer) {
  if (event.button !== 0) return;
  const began = place(event);
  if (began.lane === null && began.seconds < explorer.scale.begin) return;
  const act = dragged(began, event.clientX, explorer);
  act.move(began, event.clientX, [began]);
  const move = (/** @type {PointerEvent} */ next) => {
    const passed = next.getCoalescedEvents?.().map(place) ?? [];
    act.move(place(next), next.clientX, [...passed, place(next)]);
  };
  const release = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", release);
    removeEventListener("pointercancel", release);
    act.end();
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", release);
  addEventListener("pointercancel", release);
}

/**
 * What a press at a place does.
 *
 * @param {Place} began
 * @param {number} x Pixels of the page.
 * @param {Explorer} explorer
 * @returns {Drag}
 */
function dragged(began, x, explorer) {
  const nothing = () => {};
  if (began.lane === "map") {
    return { move: ({ seconds }) => explorer.centre(seconds), end: nothing };
  }
  if (takesHold(began, explorer)) {
    let last = began;
    /** @type {Drag["move"]} */
    const move = (_now, _x, passed) => {
      drawWeights(last, passed, explorer);
      last = passed[passed.length - 1];
    };
    return { move, end: nothing };
  }
  const { scale } = explorer;
  const from = scale.begin;
  let isMoved = false;
  return {
    move: (_, now) => {
      isMoved ||= Math.abs(now - x) > TREMOR;
      if (!isMoved) return;
      scale.pan(from - (now - x) / scale.density - scale.begin);
      explorer.look();
    },
    end: () => {
      if (!isMoved) explorer.chooseAt(began.seconds);
    },
  };
}

/**
 * Draw weights along a movement, also where it leaves the lane.
 *
 * @param {Place} from
 * @param {Place[]} passed
 * @param {Explorer} explorer
 */
function drawWeights(from, passed, explorer) {
  const { data, seen, picture } = explorer;
  const { grid, alpha } = data.utterance;
  const point = (/** @type {Place} */ { seconds, y }) => ({
    seconds,
    weight: picture.shareOf("weights", y) * seen.axes.weight,
  });
  /** @type {Record<string, number>} */
  const drawn = {};
  let last = point(from);
  for (const place of passed) {
    const next = point(place);
    Object.assign(drawn, strokeWeights(last, next, grid, alpha.length));
    last = next;
  }
  explorer.setWeights(drawn);
}
