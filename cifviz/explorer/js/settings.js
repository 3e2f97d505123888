// Settings as a link keeps them. What comes from outside is checked: a link may say anything.

const NUMBERS = {
  threshold: [0.01, 100],
  slack: [0, 100],
  tailThreshold: [0, 100],
  gain: [0.01, 100],
  smoothing: [0, 1000],
  count: [0, 100000],
};
const WORDS = {
  tailRule: ["none", "above", "at least"],
  scaling: ["as given", "phrases", "count"],
};
const WHOLE = ["smoothing", "count"];

/**
 * The known settings among any values; others are left out.
 *
 * @param {Record<string, unknown>} values
 * @returns {Partial<import("./alignment.js").Settings>}
 */
export function known(values) {
  const found = {};
  for (const [name, [least, most]] of Object.entries(NUMBERS)) {
    const number = Number(values[name] ?? Number.NaN);
    if (!(number >= least && number <= most)) continue;
    found[name] = WHOLE.includes(name) ? Math.round(number) : number;
  }
  for (const [name, words] of Object.entries(WORDS)) {
    if (words.includes(values[name])) found[name] = values[name];
  }
  return found;
}

/** Settings as the part of a link behind #. */
export function toLink(settings) {
  return new URLSearchParams(Object.entries(known(settings)).map(([k, v]) => [k, String(v)])).toString();
}

/** Settings of a link. */
export function fromLink(text) {
  return known(Object.fromEntries(new URLSearchParams(text.replace(/^#/, ""))));
}
