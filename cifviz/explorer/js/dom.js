// Elements of a page. Their content is text, never markup.

/** @import { Canvas2D } from "./types.js" */

/**
 * Add an element to another one.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Element} parent
 * @param {Name} name
 * @param {string} [className]
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(parent, name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  parent.append(made);
  return made;
}

/**
 * A button with a text, and what it does.
 *
 * @param {Element} parent
 * @param {string} text
 * @param {() => void} act
 */
export function button(parent, text, act) {
  const made = element(parent, "button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

/**
 * Buttons that belong together, with a name above them.
 *
 * @param {Element} parent
 * @param {string} name
 */
export function group(parent, name) {
  const made = element(parent, "div", "cifviz-group");
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", name);
  const caption = element(made, "span", "cifviz-caption");
  caption.textContent = name;
  caption.setAttribute("aria-hidden", "true"); // the group has this name
  return made;
}

/**
 * A button that stays pressed until it is pressed again.
 *
 * @param {Element} parent
 * @param {string} text
 * @param {(on: boolean) => void} act
 */
export function toggle(parent, text, act) {
  const made = button(parent, text, () => {
    const on = made.getAttribute("aria-pressed") !== "true";
    made.setAttribute("aria-pressed", String(on));
    act(on);
  });
  made.setAttribute("aria-pressed", "false");
  return made;
}

/**
 * Show names and values in a list; elements that are there already are used again.
 *
 * @param {HTMLDListElement} list
 * @param {[string, string][]} pairs
 */
export function showPairs(list, pairs) {
  while (list.childElementCount > pairs.length) list.lastElementChild?.remove();
  pairs.forEach(([name, value], index) => {
    const pair = list.children[index] ?? emptyPair(list);
    const [term, detail] = pair.children;
    if (term.textContent !== name) term.textContent = name;
    if (detail.textContent !== value) detail.textContent = value;
  });
}

/** @param {HTMLDListElement} list */
function emptyPair(list) {
  const pair = element(list, "div");
  element(pair, "dt");
  element(pair, "dd");
  return pair;
}

/**
 * The context that draws on a canvas.
 *
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas
 * @returns {Canvas2D}
 */
export function context2d(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser gives no 2D canvas");
  return context;
}

/**
 * The message of whatever was thrown.
 *
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A difference with its sign.
 *
 * @param {number} seconds
 */
export function milliseconds(seconds) {
  const rounded = Math.round(1000 * seconds);
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded)} ms`;
}
