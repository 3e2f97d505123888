// Settings as a link keeps them. What comes from outside is checked: a link may say anything.

import ranges from "./settings.json" with { type: "json" };

/**
 * The known settings among any values; others are left out.
 *
 * @param {Record<string, unknown>} values
 * @returns {Partial<import("./alignment.js").Settings>}
 */
export function known(values) {
  const found = {};
  for (const [name, [least, most]] of Object.entries(ranges.numbers)) {
    const number = Number(values[name] ?? Number.NaN);
    if (!(number >= least && number <= most)) continue;
    found[name] = ranges.whole.includes(name) ? Math.round(number) : number;
  }
  for (const [name, words] of Object.entries(ranges.words)) {
    if (words.includes(values[name])) found[name] = values[name];
  }
  if (values.weights && typeof values.weights === "object") found.weights = moved(values.weights);
  return found;
}

/** Weights of frames, by their index; frames that do not exist move nothing. */
function moved(weights) {
  const [least, most] = ranges.weight;
  const pairs = Object.entries(weights).map(([frame, weight]) => [frame, Number(weight)]);
  return Object.fromEntries(
    pairs.filter(([frame, weight]) => /^\d+$/.test(frame) && weight >= least && weight <= most),
  );
}

/** Settings as the part of a link behind #. */
export function toLink(settings) {
  const { weights, ...plain } = known(settings);
  const pairs = Object.entries(plain).map(([name, value]) => [name, String(value)]);
  const frames = Object.entries(weights ?? {}).map(([frame, weight]) => `${frame}:${weight}`);
  if (frames.length) pairs.push(["weights", frames.join(",")]);
  return new URLSearchParams(pairs).toString();
}

/** Settings of a link. */
export function fromLink(text) {
  const { weights, ...plain } = Object.fromEntries(new URLSearchParams(text.replace(/^#/, "")));
  const frames = (weights ?? "").split(",").map((pair) => pair.split(":"));
  return known({ ...plain, weights: Object.fromEntries(frames) });
}
