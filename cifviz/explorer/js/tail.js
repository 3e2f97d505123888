// Tail rules: what happens to the weight behind the last full token. The twin of cifviz/core/tail.py,
// with the same names; a new rule is one entry here and one function there.

/**
 * A rule and its value, τ or the appended weight; null for a rule that takes none.
 *
 * @typedef {{rule: string, value: number | null}} Tail
 */

/**
 * @typedef {object} Definition
 * @property {(mass: number, threshold: number, value: number) => number | boolean} decide The number
 *   of tokens in all the mass if the rule `scales`, otherwise whether the mass, a residual, fires.
 * @property {[number, number]} [limits] Least and largest value, if it takes one.
 * @property {boolean} [scales] Whether all weights are scaled, so that no residual is left.
 * @property {boolean} [fills] Whether its tokens are scaled to β (the default), or keep the weight
 *   they have.
 */

/** Value of a rule, at most. */
export const LARGEST = 1e6;

/** @type {Record<string, Definition>} */
export const RULES = {
  drop: { decide: () => false },
  above: { limits: [0, LARGEST], decide: (residual, threshold, tau) => residual > tau },
  at_least: { limits: [0, LARGEST], decide: (residual, threshold, tau) => residual >= tau },
  appended: {
    limits: [0, LARGEST],
    fills: false,
    decide: (residual, threshold, weight) => residual + weight >= threshold,
  },
  rounded: { scales: true, decide: (mass, threshold) => halfToEven(mass / threshold) },
  dynamic: { scales: true, fills: false, decide: (mass, threshold) => Math.ceil(mass / threshold) },
};

/** @type {Tail} */
export const DROP = { rule: "drop", value: null };
/** @type {Tail} */
export const ROUNDED = { rule: "rounded", value: null };

/**
 * Number of tokens in a mass, `full` of which are full ones.
 *
 * @param {Tail} tail
 * @param {number} mass
 * @param {number} full
 * @param {number} threshold β.
 * @returns {number}
 */
export function tokensOf({ rule, value }, mass, full, threshold) {
  const { scales, decide } = RULES[rule];
  if (scales) return Number(decide(mass, threshold, value ?? 0));
  const residual = mass - full * threshold;
  return full + Number(residual > 0 && decide(residual, threshold, value ?? 0));
}

/**
 * A rule from anywhere, null if there is none such.
 *
 * @param {unknown} given
 * @returns {Tail | null}
 */
export function knownTail(given) {
  const { rule, value = null } = /** @type {{rule?: unknown, value?: unknown}} */ (given ?? {});
  if (typeof rule !== "string" || !Object.hasOwn(RULES, rule)) return null;
  const { limits } = RULES[rule];
  if (!limits) return { rule, value: null };
  const number = value === null || value === "" ? Number.NaN : Number(value);
  return number >= limits[0] && number <= limits[1] ? { rule, value: number } : null;
}

/**
 * A rule as text in a link, such as above:0.5.
 *
 * @param {Tail} tail
 */
export function tailText({ rule, value }) {
  return value === null ? rule : `${rule}:${value}`;
}

/** @param {number} number >= 0 */
function halfToEven(number) {
  const near = Math.round(number);
  return near - number === 0.5 && near % 2 ? near - 1 : near;
}
