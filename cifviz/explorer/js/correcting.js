// The buttons with which a mouse corrects tokens; keys do the same, see keys.js.

/** @import { Editing } from "./editing.js" */
/** @import { Explorer } from "./view.js" */
/** @typedef {{made: HTMLButtonElement, can: (explorer: Explorer) => boolean}[]} Buttons */

import { button, group } from "./dom.js";

/** @type {(explorer: Explorer) => boolean} */
const hasToken = ({ selected }) => selected !== null;
/** @type {(explorer: Explorer) => boolean} */
const hasEdge = ({ editing }) => editing.edge !== null;

/**
 * @type {[string, (editing: Editing) => void, (explorer: Explorer) => boolean][]}
 */
const BUTTONS = [
  ["undo", (editing) => editing.undo(), ({ editing }) => editing.history.canUndo],
  ["redo", (editing) => editing.redo(), ({ editing }) => editing.history.canRedo],
  ["split", (editing) => editing.split(), hasToken],
  ["merge with next", (editing) => editing.merge(), hasToken],
  ["rename", (editing) => editing.rename(), hasToken],
  ["delete", (editing) => editing.remove(), hasToken],
  ["new token", (editing) => editing.add(), ({ marking }) => marking.region !== null || marking.cursor !== null],
  ["snap to valley", (editing) => editing.snapToValley(), hasEdge],
  ["snap to onset", (editing) => editing.snapToOnset(), hasEdge],
  ["discard corrections", (editing) => editing.discard(), ({ seen }) => seen.corrected !== null],
];

/**
 * A group of buttons.
 *
 * @param {HTMLElement} bar
 * @param {Editing} editing
 * @returns {Buttons}
 */
export function addCorrecting(bar, editing) {
  const buttons = group(bar, "correct tokens");
  return BUTTONS.map(([name, act, can]) => ({ made: button(buttons, name, () => act(editing)), can }));
}

/**
 * Mark the buttons that have nothing to act on. They keep the focus, and say why when pressed.
 *
 * @param {Buttons} buttons
 * @param {Explorer} explorer
 */
export function actsNow(buttons, explorer) {
  for (const { made, can } of buttons) {
    const text = String(!can(explorer));
    if (made.getAttribute("aria-disabled") !== text) made.setAttribute("aria-disabled", text);
  }
}
