// Mouse and pen on the picture. What a press does is decided by the first of `GESTURES` that takes it:
// move the map, draw weights, move an edge, move the view, select a region. Without a movement a press
// is a click. A finger comes here only where it takes hold of something; the rest is in touch.js.

/** @import { Explorer } from "./view.js" */

import { edgeAt, handleAt } from "./edgegrip.js";
import { strokeWeights } from "./strokes.js";
import { listenToTouch } from "./touch.js";

/** @typedef {{lane: string | null, seconds: number, share: number, y: number}} Place See `Picture.at`. */
/** @typedef {(event: {clientX: number, clientY: number}) => Place} PlaceOf */

/**
 * A press: where, at which pixel of the page, with what ("mouse", "pen", "touch"), and what is held.
 *
 * @typedef {{began: Place, x: number, kind: string, shift: boolean, alt: boolean}} Press
 */

/**
 * What a press does while the pointer moves, and when it is released or, if something else takes the
 * pointer, cancelled.
 *
 * @typedef {{move: (now: Place, x: number, passed: Place[]) => void, end: (isCancelled: boolean) => void}} Drag
 *
 * `passed` are the places on the way to the present one, that included.
 */

/** @typedef {(press: Press, explorer: Explorer) => Drag | null} Gesture */

/** Pixels of a movement that is still a click; of an edge, that is still none. */
const [TREMOR, STEADY] = [4, 2];

/**
 * What presses can do; the first that is not null takes a press.
 *
 * @type {Gesture[]}
 */
export const GESTURES = [moveMap, drawWeights, moveEdge, moveView, selectRegion];

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
    if (isFinger(event)) return;
    const here = place(event);
    explorer.point(here);
    if (!event.buttons) stage.style.cursor = cursorAt(here, explorer);
  });
  stage.addEventListener("pointerleave", (event) => {
    if (!isFinger(event)) explorer.point(null);
  });
  listenToTouch(stage, explorer, place, (event) => takesHold(place(event), explorer));
  stage.addEventListener("dblclick", (event) => {
    const { lane, seconds } = place(event);
    const index = lane === "tokens" ? explorer.marking.tokenUnder(seconds) : null;
    if (index === null) return;
    explorer.select(index, { isStill: true });
    explorer.editing.rename();
  });
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
 * The shape of the mouse at a place: what a press there would do.
 *
 * @param {Place} place
 * @param {Explorer} explorer
 */
function cursorAt({ lane, seconds }, { seen, scale, isDragging }) {
  if (lane === "map") return "grab";
  if (lane === "weights" && isDragging) return "crosshair";
  if (lane !== "tokens") return "";
  return edgeAt(seen.shown.tokens, scale, seconds) ? "ew-resize" : "pointer";
}

/**
 * Whether a finger takes hold of something: a weight, or an edge of the selected token. Of any edge,
 * whoever scrolls the page would move some by accident.
 *
 * @param {Place} place
 * @param {Explorer} explorer
 */
function takesHold({ lane, seconds }, { isDragging, seen, scale }) {
  if (lane === "weights") return isDragging;
  return lane === "tokens" && handleAt(seen.shown.tokens, seen.selected, scale, seconds) !== null;
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
  const { clientX: x, pointerType: kind, shiftKey: shift, altKey: alt } = event;
  const act = dragged({ began, x, kind, shift, alt }, explorer);
  if (!act) return;
  event.preventDefault(); // no text is selected, and the focus stays
  act.move(began, x, [began]);
  const move = (/** @type {PointerEvent} */ next) => {
    if (next.pointerId !== event.pointerId) return;
    const passed = next.getCoalescedEvents?.().map(place) ?? [];
    act.move(place(next), next.clientX, [...passed, place(next)]);
  };
  const release = (/** @type {PointerEvent} */ last) => {
    if (last.pointerId !== event.pointerId) return;
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", release);
    removeEventListener("pointercancel", release);
    act.end(last.type === "pointercancel");
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", release);
  addEventListener("pointercancel", release);
}

/** @type {Gesture} */
function dragged(given, explorer) {
  for (const gesture of GESTURES) {
    const act = gesture(given, explorer);
    if (act) return act;
  }
  return null;
}

/** @type {Gesture} */
function moveMap({ began }, explorer) {
  if (began.lane !== "map") return null;
  return { move: ({ seconds }) => explorer.centre(seconds), end: () => {} };
}

/** @type {Gesture} */
function drawWeights({ began }, explorer) {
  if (!explorer.isDragging || began.lane !== "weights") return null;
  let last = began;
  return {
    move: (_now, _x, passed) => {
      strokeTo(last, passed, explorer);
      last = passed[passed.length - 1];
    },
    end: () => {},
  };
}

/** @type {Gesture} */
function moveEdge({ began, x, kind, alt }, explorer) {
  if (began.lane !== "tokens") return null;
  const { seen, scale, editing } = explorer;
  const { tokens } = seen.shown;
  const isFinger = kind === "touch";
  const grip = isFinger
    ? handleAt(tokens, seen.selected, scale, began.seconds)
    : edgeAt(tokens, scale, began.seconds);
  if (!grip) return null;
  const from = tokens[grip.index][grip.edge];
  const gesture = {};
  let isMoved = false;
  return {
    move: (_, now) => {
      if (!isMoved && Math.abs(now - x) <= STEADY) return;
      if (!isMoved) editing.choose(grip, { isStill: true });
      isMoved = true;
      editing.move(grip, from + (now - x) / scale.density, { isAlone: alt, gesture });
    },
    end: (isCancelled) => {
      if (isCancelled) editing.cancel(gesture);
      else if (isMoved) editing.sayEdge();
      else editing.choose(grip, { isStill: true });
      editing.history.seal();
      explorer.tokens.focus(); // so that arrows move it further
    },
  };
}

/** @type {Gesture} */
function moveView({ began, x, shift }, explorer) {
  if (!shift) return null;
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
    end: (isCancelled) => {
      if (!isMoved && !isCancelled) click(began, explorer);
    },
  };
}

/** @type {Gesture} */
function selectRegion({ began, x }, explorer) {
  let isMoved = false;
  return {
    move: ({ seconds }, now) => {
      isMoved ||= Math.abs(now - x) > TREMOR;
      if (!isMoved) return;
      const span = { start: Math.min(began.seconds, seconds), end: Math.max(began.seconds, seconds) };
      explorer.marking.setRegion(span);
    },
    end: (isCancelled) => {
      if (!isMoved && !isCancelled) click(began, explorer);
      if (!isMoved || isCancelled || !explorer.marking.region) return;
      explorer.tokens.focus();
      const { start, end } = explorer.marking.region;
      void explorer.playback.play(start, end);
    },
  };
}

/**
 * A click in the lane of tokens selects and plays one; elsewhere it sets the cursor.
 *
 * @param {Place} place
 * @param {Explorer} explorer
 */
function click({ lane, seconds }, explorer) {
  if (lane === "tokens") explorer.marking.chooseAt(seconds);
  else explorer.marking.placeCursor(seconds);
}

/**
 * Draw weights along a movement, also where it leaves the lane.
 *
 * @param {Place} from
 * @param {Place[]} passed
 * @param {Explorer} explorer
 */
function strokeTo(from, passed, explorer) {
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
