// Start and end of each token: the twin of cifviz/core/valley_segmentation.py and
// cifviz/alignment/timed_tokens.py.

/** @import { Edges, Grid } from "./types.js" */
/** @import { Firing } from "./firing.js" */

import { firstAtLeast, frameAt } from "./firing.js";

/** Tokens by which a cut may lie beside its fire. */
const BAND = 1.5;

/** From this many places on, blocks of them are tried first. */
const WIDE = 64;

/**
 * The places at which each token may end, by the number of the token (1 + fires): one range each.
 *
 * @typedef {{first: Int32Array, last: Int32Array}} Places
 */

/**
 * A range of places in blocks: places in each, and the least cost in each.
 *
 * @typedef {{size: number, least: number[]}} Blocks
 */

/**
 * Start and end of each token, in order and without overlap.
 *
 * @param {Firing} firing
 * @param {Grid} grid
 * @param {Edges} edges
 * @param {number} duration Seconds; times are clipped to it.
 * @returns {[number, number][]} Seconds.
 */
export function spans(firing, grid, edges, duration = Infinity) {
  const ends = edges.cut === "valleys" ? segmentEnds(firing) : firing.ends.subarray(1);
  const read = (/** @type {number} */ mass, /** @type {number} */ moved) => {
    const frame = frameAt(firing.alpha, firing.running, mass);
    return Math.min(Math.max(grid.start + frame * grid.shift + moved, 0), duration);
  };
  const flat = new Float64Array(2 * ends.length);
  for (let token = 0; token < ends.length; token += 1) {
    const begin = token ? ends[token - 1] : 0;
    const mass = ends[token] - begin;
    const onset = read(begin + mass * edges.onsetQuantile, edges.onsetShift);
    const offset = read(begin + mass * edges.offsetQuantile, edges.offsetShift);
    flat[2 * token] = onset;
    flat[2 * token + 1] = Math.max(onset, offset);
  }
  // Where two tokens overlap, both edges become their mean. Then no edge is before the one before.
  for (let onset = 2; onset < flat.length; onset += 2) {
    const middle = (flat[onset - 1] + flat[onset]) / 2;
    if (flat[onset - 1] > flat[onset]) flat[onset - 1] = flat[onset] = middle;
  }
  for (let edge = 1; edge < flat.length; edge += 1) flat[edge] = Math.max(flat[edge], flat[edge - 1]);
  return Array.from(ends, (_, token) => [flat[2 * token], flat[2 * token + 1]]);
}

/**
 * Each token from the fire before to its own.
 *
 * @param {Firing} firing
 * @param {Grid} grid
 * @param {number} duration Seconds; times are clipped to it.
 * @returns {[number, number][]} Seconds.
 */
export function firedSpans({ positions }, { start, shift }, duration) {
  const seconds = (/** @type {number} */ frame) =>
    Math.min(Math.max(start + frame * shift, 0), duration);
  return Array.from(positions, (position, token) => [
    seconds(token ? positions[token - 1] : 0),
    seconds(position),
  ]);
}

/**
 * Ends of the tokens on the mass axis, each in a valley of the weights.
 *
 * Of all ways to cut between frames the one that minimises Σ (m_i − 1)² + Σ low / max α, where m_i
 * is a token's mass once all weights are scaled to the number of tokens, and low the smaller weight
 * beside a cut.
 *
 * @param {Firing} firing
 * @returns {Float64Array} (fires)
 */
export function segmentEnds({ alpha, running, fires }) {
  const frames = alpha.length;
  const total = frames ? running[frames - 1] : 0;
  if (!fires || !total) return new Float64Array(fires).fill(total);
  const masses = new Float64Array(frames + 1);
  for (let place = 1; place <= frames; place += 1) {
    masses[place] = (running[place - 1] * fires) / total;
  }
  const cuts = cheapestCuts(masses, depths(alpha), placesNear(masses, fires));
  const ends = new Float64Array(fires);
  for (let token = 0; token < fires; token += 1) {
    ends[token] = cuts[token] ? running[cuts[token] - 1] : 0;
  }
  return ends;
}

/**
 * The cost of a cut at each place between frames: the smaller weight beside it, 0 at both ends.
 *
 * @param {Float32Array} alpha
 */
function depths(alpha) {
  let largest = 0;
  for (let t = 0; t < alpha.length; t += 1) largest = Math.max(largest, alpha[t]);
  const found = new Float64Array(alpha.length + 1);
  for (let place = 1; place < alpha.length; place += 1) {
    found[place] = Math.min(alpha[place - 1], alpha[place]) / largest;
  }
  return found;
}

/**
 * The places between frames at which each token may end: those whose mass is near its number, the
 * nearest one if none is. Token 0 ends at the first place, the last token at the last.
 *
 * @param {Float64Array} masses Mass before each place, in tokens.
 * @param {number} fires
 * @returns {Places}
 */
function placesNear(masses, fires) {
  const [first, last] = [new Int32Array(fires + 1), new Int32Array(fires + 1)];
  let [from, behind] = [0, 0];
  for (let token = 1; token < fires; token += 1) {
    while (masses[from] < token - BAND) from += 1;
    while (masses[behind] <= token + BAND) behind += 1;
    [first[token], last[token]] = [from, behind - 1];
    if (from < behind) continue;
    // A frame that weighs several tokens jumps over the whole band.
    const isBefore = token - masses[from - 1] <= masses[from] - token;
    first[token] = last[token] = isBefore ? firstAtLeast(masses, masses[from - 1]) : from;
  }
  first[fires] = last[fires] = masses.length - 1;
  return { first, last };
}

/**
 * The cheapest places at which tokens 1, 2, … end; of equally cheap ones the first.
 *
 * @param {Float64Array} masses
 * @param {Float64Array} depth Cost of a cut at each place.
 * @param {Places} places
 * @returns {Int32Array} (fires)
 */
function cheapestCuts(masses, depth, { first, last }) {
  const fires = first.length - 1;
  // 1. Room for the choices: for each place of each token, the place where the token before ends.
  const offset = new Int32Array(fires + 2);
  for (let token = 0; token <= fires; token += 1) {
    offset[token + 1] = offset[token] + last[token] - first[token] + 1;
  }
  const ways = new Int32Array(offset[fires + 1]);
  // 2. Token by token, the cheapest place before each place.
  let [costs, next] = [new Float64Array(masses.length), new Float64Array(masses.length)];
  for (let token = 1; token <= fires; token += 1) {
    const [begin, end] = [first[token - 1], last[token - 1]];
    const blocks = end - begin > WIDE ? blocksOf(costs, begin, end) : null;
    let way = begin;
    for (let place = first[token]; place <= last[token]; place += 1) {
      const to = Math.min(end, place);
      if (blocks) way = cheapestOfBlocks(costs, masses, place, begin, to, blocks, way);
      else way = cheapest(costs, masses, place, begin, to);
      next[place] = cost(costs, masses, place, way) + depth[place];
      ways[offset[token] + place - first[token]] = way;
    }
    [costs, next] = [next, costs];
  }
  // 3. Back from the last token along the choices.
  const cuts = new Int32Array(fires);
  let place = last[fires];
  for (let token = fires; token > 0; token -= 1) {
    cuts[token - 1] = place;
    place = ways[offset[token] + place - first[token]];
  }
  return cuts;
}

/**
 * The cost of one token that ends at `place` while the one before it ends at `before`.
 *
 * @param {Float64Array} costs Least cost of all tokens up to each place.
 * @param {Float64Array} masses
 * @param {number} place
 * @param {number} before
 */
function cost(costs, masses, place, before) {
  const mass = masses[place] - masses[before] - 1;
  return mass * mass + costs[before];
}

/**
 * The first of the cheapest places in a range at which the token before may end.
 *
 * @param {Float64Array} costs
 * @param {Float64Array} masses
 * @param {number} place Where the token ends.
 * @param {number} from
 * @param {number} to
 */
function cheapest(costs, masses, place, from, to) {
  let [lowest, way] = [Infinity, from];
  for (let before = from; before <= to; before += 1) {
    const here = cost(costs, masses, place, before);
    if (here < lowest) [lowest, way] = [here, before];
  }
  return way;
}

/**
 * Like `cheapest`, but blocks of places in which none can be cheaper are skipped.
 *
 * @param {Float64Array} costs
 * @param {Float64Array} masses
 * @param {number} place
 * @param {number} from
 * @param {number} to
 * @param {Blocks} blocks
 * @param {number} guess A place of the range, best a cheap one.
 */
function cheapestOfBlocks(costs, masses, place, from, to, { size, least }, guess) {
  let [lowest, way] = [cost(costs, masses, place, guess), guess];
  for (let block = 0, begin = from; begin <= to; block += 1, begin += size) {
    const end = Math.min(begin + size - 1, to);
    // Along a block the mass falls, so the least error is at one of its ends or between them.
    const most = masses[place] - masses[begin] - 1;
    const fewest = masses[place] - masses[end] - 1;
    const wrong = fewest > 0 ? fewest : Math.min(most, 0);
    if (wrong * wrong + least[block] > lowest) continue;
    const best = cheapest(costs, masses, place, begin, end);
    const here = cost(costs, masses, place, best);
    if (here < lowest || (here === lowest && best < way)) [lowest, way] = [here, best];
  }
  return way;
}

/**
 * A range of places in blocks.
 *
 * @param {Float64Array} costs
 * @param {number} from
 * @param {number} to
 * @returns {Blocks}
 */
function blocksOf(costs, from, to) {
  const size = Math.ceil(Math.sqrt(to - from + 1));
  const least = [];
  for (let begin = from; begin <= to; begin += size) {
    let lowest = Infinity;
    for (let at = begin; at < begin + size && at <= to; at += 1) lowest = Math.min(lowest, costs[at]);
    least.push(lowest);
  }
  return { size, least };
}
