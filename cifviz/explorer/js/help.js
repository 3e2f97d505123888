// What the lanes show and what mouse, fingers and keys do, for whoever sees the picture for the first time.

/** @import { Edges, Seen } from "./types.js" */

import { element } from "./dom.js";
import { ALL_KEYS, LIST_KEYS } from "./keys.js";
import { lanesOf } from "./lanes.js";

/** @type {Record<string, string>} */
const LANES = {
  waveform: "the sound; 1 is its loudest sample",
  logMel: "energy in mel bands, the 60 dB below the maximum; frequencies in Hz",
  weights: "bars: the weight of each frame that fires; black line: as given; blue line: as used, where it differs",
  integrator: "the weights summed up: at β (dashed) a token fires (▼), and β is taken away; a hollow ▽ is made of the residual",
  contributions: "the weights in the colours of the tokens to which they go",
  pictures: "what the recogniser saw, each picture at its time; zooming in shows more of them",
  spikes: "a stroke for each spike of the encoder's last layer, a row for each neuron; grey where strokes have no room",
  membrane: "potential of the neuron that fires the tokens: up with the weights, down at a spike (stroke at the upper edge); dashed: its threshold θ",
  written: "to the right while sound is read, up where a token is written, with its name; dotted: as many tokens, evenly. The way between the two is the lag",
  reference: "the given times; lines lead down to its edges from those of the tokens",
};
const WORDS = "the words of the phones, which settings do not move";
const INTERVALS =
  "a bar above each edge of a word, lower for starts, upper for ends: nine in ten true edges lie in such bars; the dot is the edge as read";
const COMPARED = "other alignments, and settings that you keep with the button “keep as lane”, up to four; their fires where they have some";
const LINES =
  "from an edge of the tokens, above, to that of the same token here: its slant is the difference. " +
  "Dotted: 20 ms or less; blue: more than 20 ms; thick and orange: more than 50 ms. Tokens with the same name " +
  "are matched, those that lie closest in time; without a partner there is no line";

/** There once tokens are corrected. */
const OWN = [
  "CIF",
  "once tokens are corrected: CIF's own, which follow the settings; blue strokes lead from their edges to the corrected ones",
];

const MOUSE = [
  ["click", "in the lane of tokens: select and play a token; elsewhere: set the cursor"],
  ["drag", "select a region and play it"],
  ["drag an edge of a token", "move it, and the edge that touches it; with Alt, alone"],
  ["double click on a token", "rename it"],
  ["Shift and drag, drag in the map", "move the view"],
  ["Ctrl and wheel", "zoom around the mouse"],
  ["Shift and wheel", "move the view"],
];
const TOUCH = [
  ["tap", "in the lane of tokens: select and play a token; elsewhere: set the cursor"],
  ["one finger", "move the view to the left and right; on an edge of the selected token, move it"],
  ["two fingers", "zoom around their middle"],
  ["a finger that rests", "values under it"],
];
const SOUND = [
  ["hear: voice + CIF", "the recording, a tone as loud as α, and a click at each fire; the click of the residual is lower"],
  ["hear: CIF alone", "the same without the recording"],
  ["speed", "slower or faster, at the same pitch"],
];

/**
 * A part of the page that opens on demand.
 *
 * @param {HTMLElement} parent
 * @param {Seen} seen
 */
export function addHelp(parent, seen) {
  const details = element(parent, "details", "cifviz-help");
  element(details, "summary").textContent = "what the lanes show, mouse, touch and keys";
  const lanes = lanesOf(seen).filter(([name]) => name in LANES || name === "tokens");
  const shows = lanes.map(([name, { title }]) => [
    title,
    name === "tokens" ? boxes(seen.utterance.edges) : LANES[name],
  ]);
  shows.splice(lanes.findIndex(([name]) => name === "tokens") + 1, 0, OWN);
  const own = seen.compare.find(({ isOwn }) => isOwn);
  if (own) shows.push([own.name, WORDS]);
  if (own?.intervals) shows.push(["intervals", INTERVALS]);
  shows.push(["compared lanes", COMPARED], ["lines", LINES]);
  const keys = [["keys, in the list of tokens", wordsOf(LIST_KEYS)], ["keys, anywhere", wordsOf(ALL_KEYS)]];
  const hands = [["sound", SOUND], ["mouse", MOUSE], ["touch", TOUCH], ...keys];
  for (const [title, pairs] of [["lanes", shows], ...hands]) {
    element(details, "h2").textContent = /** @type {string} */ (title);
    const list = element(details, "dl");
    for (const [term, meaning] of pairs) {
      const row = element(list, "div");
      element(row, "dt").textContent = term;
      element(row, "dd").textContent = meaning;
    }
  }
}

/** @param {import("./keys.js").KeyRow[]} rows */
function wordsOf(rows) {
  return rows.map(({ keys, does }) => [keys, does]);
}

/**
 * Why a token's box ends where it does, and not at its fire.
 *
 * @param {Edges | null} edges
 */
export function boxes(edges) {
  const mark = "the short stroke at the upper edge is its fire";
  if (!edges) return `a box lasts from the fire before to the token's own; ${mark}`;
  const place = (/** @type {number} */ quantile, /** @type {number} */ shift) => {
    const moved = Math.round(1000 * shift);
    const note = moved ? ` (${Math.abs(moved)} ms ${moved < 0 ? "earlier" : "later"})` : "";
    return `${Number((100 * quantile).toFixed(1))} % of the token's weight has come${note}`;
  };
  const begin = place(edges.onsetQuantile, edges.onsetShift);
  const end = place(edges.offsetQuantile, edges.offsetShift);
  const cut = edges.cut === "valleys" ? "; tokens are divided at valleys of α" : "";
  return (
    `a box lasts from where ${begin} to where ${end}${cut}. ` +
    `A fire is where the sum reaches β, which is often after the word: no edge of the box; ${mark}`
  );
}
