// When each token was said: the twin of cifviz/core/segments.py and cifviz/speech/alignment.py.

import { firstAtLeast, frameAt } from "./firing.js";

/** Tokens by which a cut may lie beside its fire. */
const BAND = 1.5;

/**
 * Where a token's edges are read.
 *
 * @typedef {object} Edges
 * @property {number} onsetQuantile Share of the token's mass before its onset.
 * @property {number} offsetQuantile Share of the token's mass before its offset.
 * @property {number} onsetShift Seconds added to onsets.
 * @property {number} offsetShift Seconds added to offsets.
 * @property {"valleys" | "fires"} cut Where one token's mass ends and the next one's begins.
 */

/**
 * Start and end of each token, in order and without overlap.
 *
 * @param {import("./firing.js").Firing} firing
 * @param {{start: number, shift: number}} grid Frame t covers start + t · shift to
 *   start + (t + 1) · shift, seconds.
 * @param {Edges} edges
 * @param {number} duration Seconds; times are clipped to it.
 * @returns {Array<[number, number]>} Seconds.
 */
export function spans(firing, grid, edges, duration = Infinity) {
  const ends = edges.cut === "valleys" ? segmentEnds(firing) : firing.ends.slice(1);
  const clip = (seconds) => Math.min(Math.max(seconds, 0), duration);
  const at = (mass) => grid.start + frameAt(firing.alpha, firing.running, mass) * grid.shift;
  const read = Array.from(ends, (end, token) => {
    const begin = token ? ends[token - 1] : 0;
    const onset = clip(at(begin + (end - begin) * edges.onsetQuantile) + edges.onsetShift);
    const offset = clip(at(begin + (end - begin) * edges.offsetQuantile) + edges.offsetShift);
    return [onset, Math.max(onset, offset)];
  });
  // Where two overlap, both edges become their mean; and nothing begins before what was before it.
  const flat = read.flat();
  for (let token = 1; token < read.length; token += 1) {
    const [offset, onset] = [read[token - 1][1], read[token][0]];
    if (offset > onset) flat[2 * token - 1] = flat[2 * token] = (offset + onset) / 2;
  }
  for (let edge = 1; edge < flat.length; edge += 1) flat[edge] = Math.max(flat[edge], flat[edge - 1]);
  return read.map((_, token) => [flat[2 * token], flat[2 * token + 1]]);
}

/**
 * Ends of the tokens on the mass axis, each in a valley of the weights.
 *
 * Of all ways to cut between frames the one that minimises Σ (m_i − 1)² + Σ low / max α, where m_i
 * is a token's mass once all weights are scaled to the number of tokens, and low the smaller weight
 * beside a cut.
 *
 * @param {import("./firing.js").Firing} firing
 * @returns {Float64Array} (fires)
 */
export function segmentEnds(firing) {
  const { alpha, running, fires } = firing;
  const frames = alpha.length;
  const total = frames ? running[frames - 1] : 0;
  if (!fires || !total) return new Float64Array(fires).fill(total);
  const largest = alpha.reduce((most, weight) => Math.max(most, weight), 0);
  const sumBefore = (place) => (place ? running[place - 1] : 0);
  const mass = (place) => (sumBefore(place) * fires) / total;
  const depth = (place) =>
    place === 0 || place === frames ? 0 : Math.min(alpha[place - 1], alpha[place]) / largest;

  const masses = Float64Array.from({ length: frames + 1 }, (_, place) => mass(place));
  let choices = [{ place: 0, cost: 0, before: null }];
  for (let token = 1; token < fires; token += 1) {
    choices = placesNear(masses, token).map((place) => {
      const { cost, before } = cheapest(choices, place, masses);
      return { place, cost: cost + depth(place), before };
    });
  }
  const ends = new Float64Array(fires);
  ends[fires - 1] = total;
  let cut = cheapest(choices, frames, masses).before;
  for (let token = fires - 2; token >= 0; token -= 1) {
    ends[token] = sumBefore(cut.place);
    cut = cut.before;
  }
  return ends;
}

/** Places between frames whose mass is near a whole number of tokens; the nearest if none is. */
function placesNear(masses, token) {
  const near = [];
  const first = firstAtLeast(masses, token - BAND);
  for (let place = first; masses[place] <= token + BAND; place += 1) near.push(place);
  if (near.length) return near;
  // A frame that weighs several tokens jumps over the whole band.
  const isBefore = token - masses[first - 1] <= masses[first] - token;
  return [isBefore ? firstAtLeast(masses, masses[first - 1]) : first];
}

/** The cheapest way to let a token end at a place: its cost, and the cut before it. */
function cheapest(choices, place, masses) {
  let best = { cost: Infinity, before: choices[0] };
  for (const before of choices) {
    if (before.place > place) continue;
    const cost = (masses[place] - masses[before.place] - 1) ** 2 + before.cost;
    if (cost < best.cost) best = { cost, before };
  }
  return best;
}
