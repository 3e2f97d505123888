// Settings kept as lanes: the tokens that they gave stand below while the controls move on. The twin
// of cifviz/explorer/kept.py.

/** @import { Compared, Settings, Utterance } from "./types.js" */

import { align } from "./alignment.js";
import { fromLink, known, movable, toLink } from "./settings.js";

/** Lanes that are compared at most, given and kept ones together. */
export const MOST = 4;

/** @typedef {Partial<Settings>} Kept The settings that differ from those of the model. */

/**
 * The settings that differ from those of the model; a number of tokens only where it is used.
 *
 * @param {Settings} settings
 * @param {Settings} home
 * @returns {Kept}
 */
export function differing(settings, home) {
  const isOther = (/** @type {[string, unknown]} */ [name, value]) =>
    (name !== "count" || settings.scaling === "count") &&
    JSON.stringify(value) !== JSON.stringify(home[/** @type {keyof Settings} */ (name)]);
  return Object.fromEntries(Object.entries(settings).filter(isOther));
}

/**
 * Settings from outside that can be kept; null of what none are.
 *
 * @param {unknown} given
 * @param {Utterance} utterance
 * @returns {Kept | null}
 */
export function checkedKept(given, utterance) {
  if (!given || typeof given !== "object") return null;
  const settings = movable(known(/** @type {Record<string, unknown>} */ (given)), utterance);
  return differing({ ...utterance.settings, ...settings }, utterance.settings);
}

/**
 * What a lane of kept settings is called: all that differs from the model, in a few words.
 *
 * @param {Kept} kept
 * @param {Settings} home
 */
export function keptName({ threshold, slack, tail, scaling, count, gain, smoothing, weights }, home) {
  const words = [];
  if (threshold !== undefined) words.push(`β ${short(threshold)}`);
  if (slack !== undefined) words.push(`δ ${short(slack)}`);
  if (tail) words.push(tail.value === null ? tail.rule : `${tail.rule.replace("_", " ")} ${short(tail.value)}`);
  if (scaling) words.push(scaling === "count" ? `count ${count ?? home.count}` : scaling);
  if (gain !== undefined) words.push(`gain ${short(gain)}`);
  if (smoothing !== undefined) words.push(`smoothing ${smoothing}`);
  const drawn = Object.keys(weights ?? {}).length;
  if (drawn) words.push(`${drawn} ${drawn === 1 ? "weight" : "weights"} drawn`);
  return words.join(", ") || "as the model";
}

/**
 * The lanes of kept settings, with names that nothing else has.
 *
 * @param {Kept[]} kept
 * @param {Utterance} utterance
 * @param {string[]} taken Names of the other lanes.
 * @returns {Compared[]}
 */
export function keptLanes(kept, utterance, taken) {
  const names = [...taken];
  return kept.map((settings) => {
    const { tokens, firing } = align(utterance, { ...utterance.settings, ...settings });
    const { start, shift } = utterance.grid;
    names.push(unlike(keptName(settings, utterance.settings), names));
    return {
      name: names[names.length - 1],
      tokens,
      fires: Array.from(firing.positions, (position) => start + position * shift),
      intervals: null,
      doubts: [],
      isOwn: false,
    };
  });
}

/**
 * A name, with a number where others have it.
 *
 * @param {string} name
 * @param {string[]} taken
 */
function unlike(name, taken) {
  let [found, number] = [name, 1];
  while (taken.includes(found)) found = `${name} (${(number += 1)})`;
  return found;
}

/** @param {number} number */
function short(number) {
  return String(Number(number.toFixed(6)));
}

/**
 * Kept settings as parts of a link.
 *
 * @param {Kept[]} kept
 */
export function keptToLink(kept) {
  return kept.map((one) => `&lane=${encodeURIComponent(toLink(one))}`).join("");
}

/**
 * The kept settings of a link.
 *
 * @param {string} text
 * @returns {Kept[]}
 */
export function keptFromLink(text) {
  return new URLSearchParams(text.replace(/^#/, "")).getAll("lane").map(fromLink);
}
