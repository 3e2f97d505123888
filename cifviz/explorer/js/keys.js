// What keys do, with the words of the help: a list of keys for the list of tokens, and one for the whole
// explorer.

/** @import { Explorer } from "./view.js" */
/** @typedef {Record<string, (explorer: Explorer) => void>} Acts */
/** @typedef {{keys: string, does: string, on: Acts}} KeyRow */

/** Seconds by which an edge moves; with Shift, that is also the step of the cursor. */
const [STEP, LEAP] = [0.001, 0.01];

/**
 * While the list of tokens has the focus.
 *
 * @type {KeyRow[]}
 */
export const LIST_KEYS = [
  {
    keys: "→ ←",
    does: "next and previous token; if an edge is chosen, move it by 1 ms",
    on: {
      ArrowRight: (explorer) => sideways(explorer, 1),
      ArrowLeft: (explorer) => sideways(explorer, -1),
    },
  },
  {
    keys: "Shift and → ←",
    does: "move the chosen edge by 10 ms; without one, the cursor",
    on: {
      "Shift+ArrowRight": (explorer) => far(explorer, LEAP),
      "Shift+ArrowLeft": (explorer) => far(explorer, -LEAP),
    },
  },
  {
    keys: "Alt and → ←",
    does: "move the chosen edge alone: a neighbour that touches it stays. With Shift by 10 ms",
    on: {
      "Alt+ArrowRight": ({ editing }) => editing.nudge(STEP, true),
      "Alt+ArrowLeft": ({ editing }) => editing.nudge(-STEP, true),
      "Alt+Shift+ArrowRight": ({ editing }) => editing.nudge(LEAP, true),
      "Alt+Shift+ArrowLeft": ({ editing }) => editing.nudge(-LEAP, true),
    },
  },
  {
    keys: "↓ ↑",
    does: "next and previous token; a chosen edge becomes the same edge of that token",
    on: {
      ArrowDown: (explorer) => step(explorer, 1),
      ArrowUp: (explorer) => step(explorer, -1),
    },
  },
  {
    keys: "Home End",
    does: "first and last token",
    on: {
      Home: (explorer) => explorer.select(0),
      End: (explorer) => explorer.select(Infinity),
    },
  },
  { keys: "Enter", does: "play the selected token", on: { Enter: ({ playback, selected }) => playback.playToken(selected ?? 0) } },
  {
    keys: "s, e",
    does: "choose the start, the end of the selected token",
    on: { s: ({ editing }) => editing.chooseEdge("start"), e: ({ editing }) => editing.chooseEdge("end") },
  },
  {
    keys: "v, o",
    does: "snap the chosen edge to the nearest valley of α, to the nearest onset of the sound",
    on: { v: ({ editing }) => editing.snapToValley(), o: ({ editing }) => editing.snapToOnset() },
  },
  { keys: "F2", does: "rename: Enter ends it, Esc gives it up", on: { F2: ({ editing }) => editing.rename() } },
  {
    keys: "x, m, n",
    does: "split at the cursor (or in the middle); merge with the next; new token at the region or the cursor",
    on: {
      x: ({ editing }) => editing.split(),
      m: ({ editing }) => editing.merge(),
      n: ({ editing }) => editing.add(),
    },
  },
  {
    keys: "Del",
    does: "delete the token",
    on: { Delete: ({ editing }) => editing.remove(), Backspace: ({ editing }) => editing.remove() },
  },
  {
    keys: "a, b",
    does: "start, end of a region at the cursor, which space plays; without a cursor, at the selected token",
    on: {
      a: ({ marking }) => marking.setRegionEdge("start"),
      b: ({ marking }) => marking.setRegionEdge("end"),
    },
  },
  { keys: "l", does: "loop: play over and over, or once", on: { l: ({ soundBar }) => soundBar.toggleLoop() } },
  { keys: "c", does: "hear the voice, the voice and its CIF, or the CIF alone", on: { c: ({ soundBar }) => soundBar.next() } },
  {
    keys: "+ −",
    does: "zoom in and out",
    on: { "+": (explorer) => explorer.zoom(0.5), "-": (explorer) => explorer.zoom(2) },
  },
  {
    keys: "Page Up, Page Down",
    does: "move the view",
    on: { PageDown: (explorer) => explorer.pan(0.5), PageUp: (explorer) => explorer.pan(-0.5) },
  },
  {
    keys: "Esc",
    does: "let go of the edge, then of region and cursor; then stop, and leave the tokens",
    on: { Escape: ({ marking }) => marking.letGo() },
  },
];

/**
 * Anywhere in the explorer but in a text field.
 *
 * @type {KeyRow[]}
 */
export const ALL_KEYS = [
  {
    keys: "space",
    does: "play the region, or from the cursor, or the selected token; stop",
    on: { " ": ({ playback }) => playback.playOrStop() },
  },
  { keys: "Ctrl and Z", does: "undo", on: { "Ctrl+z": ({ editing }) => editing.undo() } },
  {
    keys: "Ctrl and Y, Ctrl, Shift and Z",
    does: "redo",
    on: { "Ctrl+y": ({ editing }) => editing.redo(), "Ctrl+Shift+z": ({ editing }) => editing.redo() },
  },
];

/** @param {KeyRow[]} rows */
function actsOf(rows) {
  /** @type {Acts} */
  const acts = {};
  for (const { on } of rows) Object.assign(acts, on);
  return acts;
}
const [LIST, ALL] = [actsOf(LIST_KEYS), actsOf(ALL_KEYS)];

/** What takes letters, and what a space presses. */
const TEXT = 'input:is([type="text"], [type="search"], [type="number"]), textarea, [contenteditable]';
const PRESSED = `${TEXT}, button, select, summary, a, label, input:not([type="range"])`;
/** Commands of text fields. */
const OF_TEXT = ["Ctrl+a", "Ctrl+c", "Ctrl+v", "Ctrl+x", "Ctrl+y", "Ctrl+z", "Ctrl+Shift+z", "Escape"];

/**
 * What a key does where it was pressed.
 *
 * @param {KeyboardEvent} event
 * @param {Explorer} explorer
 * @returns {((explorer: Explorer) => void) | null}
 */
export function actOf(event, explorer) {
  const { target } = event;
  if (!(target instanceof Element) || target === explorer.root) return null;
  const name = nameOf(event);
  if (target === explorer.tokens.box && name in LIST) return LIST[name];
  if (!(name in ALL) || target.matches(name === " " ? PRESSED : TEXT)) return null;
  return ALL[name];
}

/**
 * Whether a key with Ctrl, Alt or Cmd, or Escape, is for the explorer and not for its notebook.
 *
 * @param {KeyboardEvent} event
 * @param {Explorer} explorer
 */
export function isTaken(event, explorer) {
  const isText = event.target instanceof Element && event.target.matches(TEXT);
  if (isText) return OF_TEXT.includes(nameOf(event));
  return actOf(event, explorer) !== null && (event.key !== "Escape" || explorer.marking.isHolding);
}

/**
 * Listen to the keys of an explorer.
 *
 * @param {HTMLElement} root
 * @param {Explorer} explorer
 */
export function listenToKeys(root, explorer) {
  root.addEventListener("keydown", (event) => {
    const act = actOf(event, explorer);
    if (!act || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    act(explorer);
  });
}

/**
 * A key with what is held down; Cmd is as good as Ctrl, and letters are small.
 *
 * @param {KeyboardEvent} event
 */
function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const isLetter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  const isCommand = ctrlKey || metaKey;
  // Which signs need Shift is a matter of the keyboard.
  const hasShift = shiftKey && (key.length > 1 || (isLetter && isCommand));
  const held = `${isCommand ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${hasShift ? "Shift+" : ""}`;
  return held + (isLetter ? key.toLowerCase() : key);
}

/**
 * Another token; a chosen edge is then the same one of that token.
 *
 * @param {Explorer} explorer
 * @param {number} by
 */
function step(explorer, by) {
  const { editing, selected } = explorer;
  const { edge } = editing;
  const index = selected === null ? explorer.marking.nearestToken() : Math.max(selected + by, 0);
  if (index === null) return;
  if (edge) editing.choose({ index, edge });
  else explorer.select(index);
}

/**
 * @param {Explorer} explorer
 * @param {number} by
 */
function sideways(explorer, by) {
  if (explorer.editing.edge) explorer.editing.nudge(by * STEP, false);
  else step(explorer, by);
}

/**
 * @param {Explorer} explorer
 * @param {number} seconds
 */
function far(explorer, seconds) {
  if (explorer.editing.edge) explorer.editing.nudge(seconds, false);
  else explorer.marking.moveCursor(seconds);
}
