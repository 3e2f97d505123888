// Settings as a link keeps them. What comes from outside is checked: a link may say anything.

/** @import { Settings, Utterance } from "./types.js" */

import { knownTail, tailText } from "./tail.js";
import ranges from "./settings.json" with { type: "json" };

/**
 * The known settings among any values; others are left out.
 *
 * @param {Record<string, unknown>} values
 * @returns {Partial<Settings>}
 */
export function known(values) {
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, [least, most]] of Object.entries(ranges.numbers)) {
    const number = Number(values[name] ?? Number.NaN);
    if (!(number >= least && number <= most)) continue;
    found[name] = ranges.whole.includes(name) ? Math.round(number) : number;
  }
  for (const [name, words] of Object.entries(ranges.words)) {
    if (words.some((word) => word === values[name])) found[name] = values[name];
  }
  const tail = knownTail(values.tail);
  if (tail) found.tail = tail;
  if (values.weights && typeof values.weights === "object") found.weights = moved(values.weights);
  return found;
}

/**
 * The settings that an utterance lets move, among some of them.
 *
 * @param {Partial<Settings>} settings
 * @param {Pick<Utterance, "fixed" | "settings">} utterance
 * @returns {Partial<Settings>}
 */
export function movable(settings, { fixed, settings: home }) {
  const free = Object.fromEntries(
    Object.entries(settings).filter(([name]) => !fixed.includes(name)),
  );
  const isOther = settings.tail && settings.tail.rule !== home.tail.rule;
  if (fixed.includes("tail rule") && isOther) delete free.tail;
  return free;
}

/**
 * Weights of frames, by their index; frames that do not exist change nothing.
 *
 * @param {object} weights
 */
function moved(weights) {
  const [least, most] = ranges.weight;
  const found = Object.entries(weights).filter(
    ([frame, weight]) => /^\d+$/.test(frame) && Number(weight) >= least && Number(weight) <= most,
  );
  return Object.fromEntries(found.map(([frame, weight]) => [frame, Number(weight)]));
}

/**
 * Settings as the part of a link after #.
 *
 * @param {Record<string, unknown>} settings
 */
export function toLink(settings) {
  const { weights, tail, ...plain } = known(settings);
  const pairs = Object.entries(plain).map(([name, value]) => [name, String(value)]);
  if (tail) pairs.push(["tail", tailText(tail)]);
  const frames = Object.entries(weights ?? {}).map(([frame, weight]) => `${frame}:${weight}`);
  if (frames.length) pairs.push(["weights", frames.join(",")]);
  return new URLSearchParams(pairs).toString();
}

/**
 * Settings of a link.
 *
 * @param {string} text
 */
export function fromLink(text) {
  const { weights, tail, ...plain } = Object.fromEntries(
    new URLSearchParams(text.replace(/^#/, "")),
  );
  const [rule, value] = (tail ?? "").split(":");
  const frames = (weights ?? "").split(",").map((pair) => pair.split(":"));
  return known({ ...plain, tail: { rule, value }, weights: Object.fromEntries(frames) });
}
