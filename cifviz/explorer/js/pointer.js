// Mouse and touch on the picture: a press drags the map, a weight or the view; without a movement it
// selects a token and plays it.

/** @import { Explorer } from "./view.js" */

import { tallest } from "./lanes.js";

/** @typedef {{lane: string | null, seconds: number, share: number}} Place See `Picture.at`. */
/** @typedef {(event: MouseEvent) => Place} PlaceOf */

/**
 * What a press does while the pointer moves, and when it is released.
 *
 * @typedef {{move: (now: Place, x: number) => void, end: () => void}} Drag
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
  stage.addEventListener("pointerdown", (event) => press(event, place, explorer));
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
 * @param {PointerEvent} event
 * @param {PlaceOf} place
 * @param {Explorer} explorer
 */
function press(event, place, explorer) {
  if (event.button !== 0) return;
  const began = place(event);
  if (began.lane === null && began.seconds < explorer.scale.begin) return;
  const act = dragged(began, event.clientX, explorer);
  act.move(began, event.clientX);
  const move = (/** @type {PointerEvent} */ next) => act.move(place(next), next.clientX);
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
  if (explorer.isDragging && began.lane === "weights") {
    const move = (/** @type {Place} */ now) => {
      if (now.lane === "weights") dragWeight(now, explorer);
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
 * @param {Place} now
 * @param {Explorer} explorer
 */
function dragWeight({ seconds, share }, explorer) {
  const { grid, alpha } = explorer.data.utterance;
  const frame = Math.floor((seconds - grid.start) / grid.shift);
  if (frame < 0 || frame >= alpha.length) return;
  explorer.setWeight(frame, share * tallest(explorer.seen.aligned));
}
