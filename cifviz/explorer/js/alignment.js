// From the weights of an utterance and a few settings to tokens with their times, and to how good
// those are. No drawing, no sound.

import { spans } from "./edges.js";
import { fire } from "./firing.js";
import { amplified, roundedPhrases, smoothed } from "./weights.js";

/**
 * @typedef {object} Settings
 * @property {number} threshold β.
 * @property {number} slack δ.
 * @property {"none" | "above" | "at least"} tailRule
 * @property {number} tailThreshold τ.
 * @property {"as given" | "phrases" | "count"} scaling Whether the weights are scaled: not at all,
 *   to whole tokens between pauses, or to `count`.
 * @property {number} count Tokens asked for.
 * @property {number} gain The weights are multiplied by it.
 * @property {number} smoothing Neighbours on each side over which weights are averaged.
 * @property {Record<string, number>} weights Of single frames that somebody set by hand.
 */

/**
 * @typedef {object} Token
 * @property {string} label
 * @property {number} start Seconds.
 * @property {number} end Seconds.
 */

/**
 * @typedef {object} Utterance
 * @property {string[]} tokens What was heard.
 * @property {Float32Array} alpha Weights as given.
 * @property {{start: number, shift: number}} grid Clock of the frames, seconds.
 * @property {number} duration Seconds.
 * @property {Settings} settings Those of the model.
 * @property {{pauseFrames: number, pauseWeight: number}} pauses What a pause is.
 * @property {import("./edges.js").Edges} edges Where edges are read.
 * @property {Token[] | null} reference When each token was really said.
 */

/**
 * Tokens and times at these settings.
 *
 * @param {Utterance} utterance
 * @param {Settings} settings
 */
export function align(utterance, settings) {
  const given = utterance.alpha.slice();
  for (const [frame, weight] of Object.entries(settings.weights)) {
    if (frame in given) given[frame] = weight;
  }
  const alpha = smoothed(amplified(given, { gain: settings.gain }), settings.smoothing);
  const tail = { rule: settings.tailRule, threshold: settings.tailThreshold };
  const { threshold } = settings;
  const slack = Math.min(settings.slack, 0.99 * threshold);
  let used = alpha;
  if (settings.scaling === "phrases") {
    used = roundedPhrases(alpha, { ...utterance.pauses, threshold, tail });
  }
  const count = settings.scaling === "count" ? settings.count : null;
  const firing = fire(used, { threshold, slack, tail, count });
  const times = spans(firing, utterance.grid, utterance.edges, utterance.duration);
  // Other settings give other tokens, which only the model could name: they are numbered.
  const isNamed = times.length === utterance.tokens.length;
  const tokens = times.map(([start, end], index) => ({
    label: isNamed ? utterance.tokens[index] : String(index + 1),
    start,
    end,
  }));
  let sum = 0;
  for (let t = 0; t < alpha.length; t += 1) sum += alpha[t];
  return { given, alpha, firing, tokens, isNamed, sum, errors: edgeErrors(tokens, utterance) };
}

/**
 * Distance of each edge from the reference, hypothesis less reference in seconds; null where there
 * is no reference, or another number of tokens.
 *
 * @param {Token[]} tokens
 * @param {Utterance} utterance
 * @returns {Array<{start: number, end: number}> | null}
 */
export function edgeErrors(tokens, { reference }) {
  if (!reference || reference.length !== tokens.length) return null;
  return tokens.map(({ start, end }, index) => ({
    start: start - reference[index].start,
    end: end - reference[index].end,
  }));
}

/**
 * What stands in words under the picture.
 *
 * @param {ReturnType<typeof align>} aligned
 * @param {Utterance} utterance
 * @returns {Array<[string, string]>} Names and values.
 */
export function readout(aligned, utterance) {
  const { firing, errors } = aligned;
  const found = [
    ["sum of α", aligned.sum.toFixed(3)],
    ["fires", String(firing.fires - Number(firing.tailFired))],
    ["tokens", String(firing.fires)],
    ["left at the end", firing.residual.toFixed(3).replace(/^-(0\.0+)$/, "$1")],
  ];
  const { reference } = utterance;
  if (reference) found.push(["said", String(reference.length)]);
  if (reference && !errors) found.push(["too many", signed(firing.fires - reference.length)]);
  if (errors?.length) {
    found.push(["starts off by", milliseconds(errors.map(({ start }) => start))]);
    found.push(["ends off by", milliseconds(errors.map(({ end }) => end))]);
  }
  return found;
}

function milliseconds(errors) {
  const mean = errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length;
  return `${(1000 * mean).toFixed(0)} ms`;
}

function signed(number) {
  return number > 0 ? `+${number}` : String(number);
}
