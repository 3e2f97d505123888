// What to try first, in one sentence: it goes away with the first gesture and does not come back.

import { button, element } from "./dom.js";

/** Under which name a browser remembers that it was seen. */
const NAME = "cifviz-hint";

/**
 * Show the hint where it is new.
 *
 * @param {HTMLElement} parent Near the picture.
 * @param {HTMLElement} root The explorer, in which any gesture ends it.
 * @param {string[]} fixed Settings that cannot be moved.
 */
export function addHint(parent, root, fixed) {
  if (isKnown() || document.querySelector(`.${NAME}`)) return;
  const hint = element(parent, "p", NAME);
  const text = element(hint, "span");
  text.setAttribute("aria-live", "polite");
  const end = (/** @type {Event} */ event) => {
    const { target, type } = event;
    const isOwn = target instanceof Node && hint.contains(target);
    const isOnTheWay = event instanceof KeyboardEvent && ["Tab", "Shift"].includes(event.key);
    if ((isOwn && type !== "click") || isOnTheWay) return;
    for (const gesture of GESTURES) root.removeEventListener(gesture, end, true);
    remember();
    if (hint.contains(document.activeElement)) leaveFocus(root);
    // Under a mouse that is below, nothing moves up before it has left.
    const isBelow = type === "pointerup" && target instanceof Node && !parent.contains(target);
    if (isBelow) root.addEventListener("pointerleave", () => hint.remove(), { once: true });
    if (isBelow) hint.style.visibility = "hidden";
    else hint.remove();
  };
  for (const gesture of GESTURES) root.addEventListener(gesture, end, true);
  button(hint, "hide", () => {}).addEventListener("click", end);
  // Screen readers announce what changes, not what is there from the beginning.
  setTimeout(() => {
    text.textContent = sentence(fixed);
  });
}

/** Events that are a gesture; a touch by which the page scrolls is none, it has no `pointerup`. */
const GESTURES = ["pointerup", "keydown", "input"];

/** @param {string[]} fixed */
function sentence(fixed) {
  const press = matchMedia("(pointer: coarse)").matches ? "tap" : "click";
  const then = fixed.includes("threshold") ? "" : ", then move the threshold β";
  return `Try first: ${press} a token${then}.`;
}

/** @param {HTMLElement} root */
function leaveFocus(root) {
  root.tabIndex = -1;
  root.focus({ preventScroll: true });
}

/** A browser may refuse its memory to files and notebooks: then the hint comes again. */
function isKnown() {
  try {
    return localStorage.getItem(NAME) !== null;
  } catch {
    return false;
  }
}

function remember() {
  try {
    localStorage.setItem(NAME, "seen");
  } catch {
    // See above.
  }
}
