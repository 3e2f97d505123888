// What is under the cursor, in words: the values of all lanes at a moment.

/** @import { Seen, Token } from "./types.js" */
/** @import { Firing } from "./firing.js" */

import { hertzAt } from "./axes.js";
import { describeEdges } from "./comparelane.js";
import { describeMembrane } from "./membranelane.js";
import { describeSpikes } from "./raster.js";
import { rangeOfSum } from "./sawtooth.js";
import { describeWritten } from "./staircase.js";
import { shown } from "./tokens.js";

/**
 * Values at a moment.
 *
 * @param {Seen} seen
 * @param {number} seconds
 * @param {number | null} share How far up in the spectrogram, 0 to 1; null elsewhere.
 * @param {string | null} lane In which the cursor is.
 * @returns {[string, string][]} Names and values, always the same names for the same utterance.
 */
export function probe(seen, seconds, share = null, lane = null) {
  const { aligned, shown: { tokens }, corrected, utterance, hertz, compare, lanes: { membrane, ...more } } = seen;
  const { firing, given } = aligned;
  const { start, shift } = utterance.grid;
  const place = (seconds - start) / shift;
  const frame = Math.floor(place);
  const isFrame = frame >= 0 && frame < given.length;
  const [sum] = rangeOfSum(firing, place, place);
  const index = tokens.findIndex((token) => seconds >= token.start && seconds <= token.end);
  /** @type {[string, string][]} */
  const found = [
    ["time", `${seconds.toFixed(3)} s`],
    ["frame", isFrame ? String(frame) : NONE],
    ["α", isFrame ? weights(firing.alpha[frame], given[frame]) : NONE],
  ];
  if (membrane) found.push(["potential", describeMembrane(membrane, utterance.grid, seconds) || NONE]);
  else found.push(["sum", isFrame ? `${sum.toFixed(2)} of β ${short(firing.threshold)}` : NONE]);
  if (hertz) found.push(["frequency", share === null ? NONE : frequency(hertzAt(share, hertz))]);
  if (more.pictures) found.push(["picture", String(more.pictures.at(seconds) ?? NONE)]);
  if (more.spikes) found.push(["spikes", describeSpikes(more.spikes, seconds) || NONE]);
  if (more.written) found.push(["written", describeWritten(more.written, utterance.duration, seconds)]);
  found.push(["token", index < 0 ? NONE : describe(tokens[index]) + (corrected ? "" : firedAt(index, firing, utterance))]);
  if (compare.length || utterance.reference) {
    found.push(["edges", describeEdges(seen, lane, seconds) || NONE]);
  }
  return found;
}

/** Values of lanes that neither the list of tokens nor a table has in words. */
const SPOKEN = ["picture", "spikes", "potential", "written"];

/**
 * A moment in words, for who moves a cursor by keys.
 *
 * @param {Seen} seen
 * @param {number} seconds
 */
export function spoken(seen, seconds) {
  const more = probe(seen, seconds).filter(([name]) => SPOKEN.includes(name));
  return [`${seconds.toFixed(3)} s`, ...more.map(([name, value]) => `${name} ${value}`)].join(", ");
}

/** Instead of a value where there is none. */
const NONE = "–";

/**
 * A token and its box.
 *
 * @param {Token} token
 */
function describe({ label, start, end }) {
  const name = Array.from(shown(label)).slice(0, LONGEST).join("");
  return `${name}, ${start.toFixed(2)} to ${end.toFixed(2)} s`;
}

/**
 * When a token of CIF fired: not where its box ends.
 *
 * @param {number} index
 * @param {Firing} firing
 * @param {Pick<Seen["utterance"], "grid">} utterance
 */
function firedAt(index, { positions, fires }, { grid }) {
  if (index >= fires) return "";
  return `, fires at ${(grid.start + positions[index] * grid.shift).toFixed(2)} s`;
}

/** Letters of a name. */
const LONGEST = 30;

/**
 * The weight that fires and, where it is another one, the weight as given.
 *
 * @param {number} used
 * @param {number} given
 */
function weights(used, given) {
  const isSame = Math.abs(used - given) < 5e-4;
  return isSame ? used.toFixed(3) : `${used.toFixed(3)}, given ${given.toFixed(3)}`;
}

/** @param {number} hertz */
function frequency(hertz) {
  return `${Math.round(hertz)} Hz`;
}

/** @param {number} number */
export function short(number) {
  return String(Number(number.toPrecision(3)));
}
