// From the weights of an utterance and a few settings to tokens with times, and to their errors. No
// drawing, no sound.

import { fireByDialect } from "./dialects.js";
import { overlapping } from "./differences.js";
import { firedSpans, spans } from "./edges.js";
import { fire } from "./firing.js";
import { namesByOverlap } from "./naming.js";
import { ROUNDED, RULES } from "./tail.js";
import { amplified, roundedAtPauses, smoothed } from "./weights.js";

/** @import { Firing } from "./firing.js" */
/** @import { Aligned, Settings, Shown, Span, Token, Utterance } from "./types.js" */

/**
 * Tokens and times at these settings.
 *
 * @param {Utterance} utterance
 * @param {Settings} settings
 * @returns {Aligned}
 */
export function align(utterance, settings) {
  const given = utterance.alpha.slice();
  for (const [frame, weight] of Object.entries(settings.weights)) {
    if (frame in given) given[Number(frame)] = weight;
  }
  const alpha = smoothed(amplified(given, { gain: settings.gain }), settings.smoothing);
  const atHome = utterance.home && isHome(settings, utterance.settings) ? utterance.home : null;
  const firing = atHome?.firing ?? fired(utterance, alpha, settings);
  const times = atHome?.spans ?? timesOf(firing, utterance);
  // Of another number those have names that lie where they lay; others only the model could decode.
  const isNamed = times.length === utterance.tokens.length;
  const names = isNamed ? utterance.tokens : namesByOverlap(times, homeTokens(utterance));
  const tokens = times.map(([start, end], index) => ({ label: names[index], start, end }));
  let sum = 0;
  for (let t = 0; t < alpha.length; t += 1) sum += alpha[t];
  return { given, alpha, firing, tokens, isNamed, sum, errors: edgeErrors(tokens, utterance) };
}

/** @type {WeakMap<Utterance, Token[]>} */
const known = new WeakMap();

/**
 * The tokens at the model's own settings; none where they have no names.
 *
 * @param {Utterance} utterance
 */
function homeTokens(utterance) {
  const found = known.get(utterance) ?? [];
  if (known.has(utterance)) return found;
  known.set(utterance, found);
  const { tokens } = align(utterance, utterance.settings);
  if (tokens.length === utterance.tokens.length) found.push(...tokens);
  return found;
}

/**
 * What the rule of the utterance makes of weights, at these settings.
 *
 * @param {Utterance} utterance
 * @param {Float32Array} alpha
 * @param {Settings} settings
 * @returns {Firing}
 */
function fired({ dialect, pauses }, alpha, settings) {
  const { threshold } = settings;
  let { tail } = settings;
  if (dialect) return fireByDialect(dialect, alpha, { threshold, tail: tail.value ?? 0 });
  const slack = Math.min(settings.slack, 0.99 * threshold);
  let used = alpha;
  if (settings.scaling === "phrases") {
    used = roundedAtPauses(alpha, { ...pauses, threshold, tail });
    if (RULES[tail.rule].scales) tail = ROUNDED; // whole but for the last digits of the sum
  }
  const count = settings.scaling === "count" ? settings.count : null;
  return fire(used, { threshold, slack, tail, count });
}

/**
 * Start and end of each token, where the utterance's edges are read.
 *
 * @param {Firing} firing
 * @param {Utterance} utterance
 */
function timesOf(firing, { grid, edges, duration }) {
  return edges ? spans(firing, grid, edges, duration) : firedSpans(firing, grid, duration);
}

/**
 * Whether settings are those of the model.
 *
 * @param {Settings} settings
 * @param {Settings} home
 */
function isHome(settings, home) {
  const { tail, weights, ...plain } = settings;
  const isPlain = Object.entries(plain).every(
    ([name, value]) => home[/** @type {keyof Settings} */ (name)] === value,
  );
  const isUntouched = Object.keys(weights).length === 0;
  return isPlain && isUntouched && tail.rule === home.tail.rule && tail.value === home.tail.value;
}

/**
 * Distance of each edge from the reference, hypothesis less reference in seconds; null where there
 * is no reference, or another number of tokens.
 *
 * @param {readonly Token[]} tokens
 * @param {Utterance} utterance
 * @returns {Span[] | null}
 */
export function edgeErrors(tokens, { reference }) {
  if (!reference || reference.length !== tokens.length) return null;
  return tokens.map(({ start, end }, index) => ({
    start: start - reference[index].start,
    end: end - reference[index].end,
  }));
}

/**
 * The tokens to show: the corrected ones, where a person corrected any.
 *
 * @param {Aligned} aligned
 * @param {readonly Token[] | null} corrected
 * @param {Utterance} utterance
 * @returns {Shown}
 */
export function shownTokens(aligned, corrected, utterance) {
  if (!corrected) return { tokens: aligned.tokens, owners: null, errors: aligned.errors };
  const owners = overlapping(corrected, aligned.tokens);
  return { tokens: corrected, owners, errors: edgeErrors(corrected, utterance) };
}

/**
 * The values under the picture.
 *
 * @param {Aligned} aligned
 * @param {Pick<Shown, "errors">} shown
 * @param {Utterance} utterance
 * @returns {[string, string][]} Names and values.
 */
export function readout(aligned, { errors }, utterance) {
  const { firing } = aligned;
  /** @type {[string, string][]} */
  const found = [
    ["sum of α", aligned.sum.toFixed(3)],
    ["fires", String(firing.fires - Number(firing.tailFired))],
    ["tokens", String(firing.fires)],
    ["residual", firing.residual.toFixed(3).replace(/^-(0\.0+)$/, "$1")],
  ];
  const { reference } = utterance;
  if (reference) found.push(["reference", String(reference.length)]);
  if (reference && !errors) found.push(["count error", signed(firing.fires - reference.length)]);
  if (errors?.length) {
    found.push(["starts off by", milliseconds(errors.map(({ start }) => start))]);
    found.push(["ends off by", milliseconds(errors.map(({ end }) => end))]);
  }
  return found;
}

/**
 * Mean absolute error.
 *
 * @param {number[]} errors Seconds.
 */
function milliseconds(errors) {
  const mean = errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length;
  return `${(1000 * mean).toFixed(0)} ms`;
}

/** @param {number} number */
function signed(number) {
  return number > 0 ? `+${number}` : String(number);
}
