// The lanes of the picture: each draws what is in view into a strip of the canvas.
//
// All get the same arguments, see `Draw`. What no setting changes (`background`) is drawn on a canvas
// of its own, below what settings change (`foreground`). No lane keeps state.

/** @import { Aligned, Canvas2D, Grid, Look, Seen, Span, Strip, Token, TokenFill } from "./types.js" */
/** @import { Tick } from "./axes.js" */
/** @import { Firing, Shares } from "./firing.js" */
/** @import { TimeScale } from "./timescale.js" */

import { belowMarks, heightOf, hertzTicks, ticksUpTo } from "./axes.js";
import { eachRun, eachStep, largest } from "./columns.js";
import { ABOVE, LANE, compareLane, drawDifferences, drawFires } from "./comparelane.js";
import { differences } from "./differences.js";
import { drawPictures } from "./filmstrip.js";
import { firstAtLeast } from "./firing.js";
import { drawMembrane, potentialTicks } from "./membranelane.js";
import { short } from "./probe.js";
import { drawRaster, neuronTicks } from "./raster.js";
import { drawIntegrator } from "./sawtooth.js";
import { drawLogMel, drawWaveform } from "./soundlanes.js";
import { BOXES, drawSpans } from "./spanlane.js";
import { drawStaircase, writtenTicks } from "./staircase.js";

/**
 * Draws a lane; what it returns is written beside it.
 *
 * @typedef {(canvas: Canvas2D, strip: Strip, scale: TimeScale, seen: Seen, look: Look) => string[] | void} Draw
 */

/**
 * @typedef {object} Lane
 * @property {string} title
 * @property {string} [unit]
 * @property {number} height Pixels, at least.
 * @property {(seen: Seen) => readonly Token[]} [spans] Those of a lane of spans, which is as high as their
 *   names need.
 * @property {boolean} [isNumbered] Whether settings may make other, numbered spans of these.
 * @property {number} [above] Pixels above its boxes that belong to it.
 * @property {Draw} [background] Draws what no setting changes.
 * @property {Draw} [foreground] Draws what settings change.
 * @property {(strip: Strip, seen: Seen) => Tick[]} [ticks] What stands at its axis.
 * @property {(strip: Strip, seen: Seen) => Tick} [mark] A value on the axis that settings move.
 */

const TOO_HIGH = ["above axis:", "fit axes"];

/** @type {Record<string, Lane>} */
const LANES = {
  waveform: {
    title: "sound",
    unit: "of peak",
    height: 48,
    background: drawWaveform,
    ticks: ({ top, height }) =>
      ["1", "0", "−1"].map((label, n) => ({ y: top + (n * height) / 2, label })),
  },
  logMel: {
    title: "log-mel",
    unit: "Hz",
    height: 72,
    background: drawLogMel,
    ticks: (strip, { hertz }) => (hertz ? hertzTicks(hertz, strip) : []),
  },
  pictures: {
    title: "pictures",
    height: 52,
    background: drawPictures,
  },
  spikes: {
    title: "spikes",
    unit: "neuron",
    height: 72,
    background: drawRaster,
    ticks: (strip, { lanes: { spikes } }) => (spikes ? neuronTicks(strip, spikes.numbers.neurons) : []),
  },
  weights: {
    title: "weight α",
    unit: "per frame",
    height: 64,
    foreground: drawWeights,
    ticks: (strip, { axes }) => ticksUpTo(axes.weight, strip),
  },
  integrator: {
    title: "sum of α",
    height: 84,
    foreground: drawIntegrator,
    ticks: (strip, { axes }) => ticksUpTo(axes.sum, belowMarks(strip)),
    mark: (strip, { axes, aligned }) => {
      const { threshold } = aligned.firing;
      const y = heightOf(Math.min(threshold, axes.sum), axes.sum, belowMarks(strip));
      return { y, label: `β ${short(threshold)}${threshold > axes.sum ? " ↑" : ""}` };
    },
  },
  membrane: {
    title: "potential",
    unit: "membrane",
    height: 84,
    background: drawMembrane,
    ticks: (strip, { lanes: { membrane } }) => (membrane ? potentialTicks(strip, membrane) : []),
  },
  contributions: {
    title: "shares",
    unit: "of α",
    height: 56,
    foreground: drawContributions,
    ticks: (strip, { axes }) => ticksUpTo(axes.weight, strip),
  },
  written: {
    title: "written",
    unit: "tokens",
    height: 112,
    background: drawStaircase,
    ticks: (strip, { lanes: { written } }) => (written ? writtenTicks(strip, written) : []),
  },
  tokens: {
    title: "tokens",
    height: BOXES,
    spans: ({ shown }) => shown.tokens,
    isNumbered: true,
    foreground: drawTokens,
  },
  own: {
    title: "CIF",
    height: BOXES,
    spans: ({ aligned }) => aligned.tokens,
    isNumbered: true,
    foreground: drawOwn,
  },
  reference: {
    title: "reference",
    height: BOXES,
    spans: ({ utterance }) => utterance.reference ?? [],
    above: ABOVE,
    background: drawReference,
    foreground: drawErrors,
  },
};

/**
 * The lanes for which there is something to draw, by name, from top to bottom.
 *
 * @param {Seen} seen
 * @returns {[string, Lane][]}
 */
export function lanesOf({ utterance, stretches: [whole], compare, corrected, lanes: { pictures, spikes, membrane, written } }) {
  /** @type {Record<string, boolean>} */
  const isMissing = {
    waveform: !whole.peaks,
    logMel: !whole.logMel,
    pictures: !pictures,
    spikes: !spikes,
    membrane: !membrane,
    integrator: membrane !== null, // a neuron sums up what its membrane shows
    written: !written,
    reference: !utterance.reference,
    own: !corrected,
  };
  const lanes = Object.entries(LANES).filter(([name]) => !isMissing[name]);
  if (corrected) {
    const place = lanes.findIndex(([name]) => name === "tokens");
    lanes[place] = ["tokens", { ...LANES.tokens, title: "corrected" }];
  }
  compare.forEach((one, index) => lanes.push([`${LANE}${index}`, compareLane(one, index)]));
  return lanes;
}

/**
 * Bars of the weights as used, an outline of the weights as given.
 *
 * @type {Draw}
 */
function drawWeights(canvas, strip, scale, { aligned, utterance, axes }, { ink, faint, accent }) {
  const { alpha } = aligned.firing;
  const bottom = strip.top + strip.height;
  const tall = strip.height / axes.weight;
  canvas.fillStyle = faint;
  eachStep(scale, utterance.grid, alpha.length, (from, to, left, right) => {
    const high = Math.round(largest(alpha, from, to) * tall);
    const gap = right - left > 3 ? 1 : 0;
    canvas.fillRect(left, bottom - high, right - left - gap, high);
  });
  canvas.fillStyle = ink;
  drawOutline(canvas, bottom, scale, utterance.grid, aligned.given, tall);
  canvas.fillStyle = accent;
  if (largestChange(aligned) * tall >= 0.5) drawOutline(canvas, bottom, scale, utterance.grid, alpha, tall);
  return drawAbove(canvas, strip, scale, utterance.grid, [alpha, aligned.given], axes.weight);
}

/** @type {WeakMap<Aligned, number>} */
const changes = new WeakMap();

/**
 * By how much settings changed a weight, at most.
 *
 * @param {Aligned} aligned
 */
function largestChange(aligned) {
  const found = changes.get(aligned);
  if (found !== undefined) return found;
  const { given, firing } = aligned;
  let most = 0;
  for (let t = 0; t < given.length; t += 1) {
    // The weight of a frame that a source appended is no change of a given one.
    if (given[t] > 0) most = Math.max(most, Math.abs(firing.alpha[t] - given[t]));
  }
  changes.set(aligned, most);
  return most;
}

/**
 * A stroke at the top of each frame that weighs more than the axis has room for.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {Grid} grid
 * @param {Float32Array[]} all Weights, of which one is enough.
 * @param {number} most Weight at the top.
 */
function drawAbove(canvas, strip, scale, grid, all, most) {
  let isAny = false;
  eachStep(scale, grid, all[0].length, (from, to, left, right) => {
    if (!all.some((weights) => largest(weights, from, to) > most * 1.001)) return;
    canvas.fillRect(left, strip.top, right - left, 3);
    isAny = true;
  });
  return isAny ? TOO_HIGH : [];
}

/**
 * Stairs along the tops of the weights; without risers where frames are narrower than a pixel.
 *
 * @param {Canvas2D} canvas
 * @param {number} bottom Pixels.
 * @param {TimeScale} scale
 * @param {Grid} grid
 * @param {Float32Array} weights
 * @param {number} tall Pixels of a weight of 1.
 */
function drawOutline(canvas, bottom, scale, grid, weights, tall) {
  const isWide = grid.shift * scale.density >= 1;
  /** @type {number | null} */
  let before = null;
  eachStep(scale, grid, weights.length, (from, to, left, right) => {
    const y = bottom - Math.max(Math.round(largest(weights, from, to) * tall), 1);
    canvas.fillRect(left, y, right - left, 1);
    const old = before ?? y;
    if (isWide && old !== y) canvas.fillRect(left, Math.min(y, old), 1, Math.abs(y - old) + 1);
    before = y;
  });
}

/**
 * The weights, filled with the colours of the tokens that own them; weight of no token is pale.
 *
 * @type {Draw}
 */
function drawContributions(canvas, strip, scale, { aligned, utterance, axes }, look) {
  // 1. How a piece of a frame is painted.
  const { ink, faint, fill } = look;
  const { alpha, fires, positions, shares } = aligned.firing;
  const { grid } = utterance;
  const bottom = strip.top + strip.height;
  const tall = strip.height / axes.weight;
  const frame = grid.shift * scale.density;
  /** @type {Paint} */
  const paint = (owner, left, right, high) => {
    const isToken = owner < fires;
    const wide = (positions[owner] - (owner ? positions[owner - 1] : 0)) * frame;
    canvas.fillStyle = isToken ? fill(owner, wide) : faint;
    canvas.globalAlpha = isToken ? 1 : 0.4;
    canvas.fillRect(left, bottom - high * tall, right - left, high * tall);
  };
  // 2. The pieces of each frame, or the main token of each column of pixels.
  const pieces = { scale, grid, isWide: frame >= 1, tall };
  if (shares) paintShares(aligned.firing, shares, pieces, paint);
  else paintMass(aligned.firing, pieces, paint);
  // 3. The outline.
  canvas.globalAlpha = 1;
  canvas.fillStyle = ink; // yellow on white needs an outline
  drawOutline(canvas, bottom, scale, grid, alpha, tall);
}

/**
 * Paints a piece of a frame in the colour of a token; as pale where it is none's.
 *
 * @typedef {(owner: number, left: number, right: number, weight: number) => void} Paint
 * @typedef {{scale: TimeScale, grid: Grid, isWide: boolean, tall: number}} Pieces
 */

/**
 * What each frame was recorded to give, side by side; what a token pays back is not seen.
 *
 * @param {Firing} firing
 * @param {Shares} shares
 * @param {Pieces} pieces
 * @param {Paint} paint
 */
function paintShares({ alpha, fires }, { first, owners, weights }, { scale, grid, isWide, tall }, paint) {
  eachStep(scale, grid, alpha.length, (from, to, left, right) => {
    const high = Math.round(largest(alpha, from, to) * tall) / tall;
    if (!isWide) {
      let [main, most] = [fires, 0];
      for (let at = first[from]; at < first[to]; at += 1) {
        if (weights[at] > most) [main, most] = [owners[at], weights[at]];
      }
      if (high > 0) paint(main, left, right, high);
      return;
    }
    let sum = 0;
    for (let at = first[from]; at < first[to]; at += 1) sum += Math.max(weights[at], 0);
    const whole = Math.max(sum, alpha[from]);
    let [given, x] = [0, left];
    for (let at = first[from]; at < first[to]; at += 1) {
      given += Math.max(weights[at], 0);
      const until = Math.round(left + ((right - left) * given) / whole);
      if (until > x) paint(owners[at], x, until, high);
      x = Math.max(x, until);
    }
    if (right > x) paint(fires, x, right, high);
  });
}

/**
 * The parts of the mass axis, token after token.
 *
 * @param {Firing} firing
 * @param {Pieces} pieces
 * @param {Paint} paint
 */
function paintMass({ alpha, running, ends, fires }, { scale, grid, isWide, tall }, paint) {
  let owner = -1;
  eachStep(scale, grid, alpha.length, (from, to, left, right) => {
    const [begin, end] = [from ? running[from - 1] : 0, running[to - 1]];
    const high = Math.round(largest(alpha, from, to) * tall) / tall;
    const place = (/** @type {number} */ mass) =>
      Math.round(left + ((right - left) * (mass - begin)) / (end - begin));
    if (owner < 0) owner = Math.max(Math.min(firstAbove(ends, begin) - 1, fires), 0);
    let [main, most] = [owner, 0];
    // A frame of several tokens is split into pieces side by side, each as wide as its share; a
    // column of several frames has the colour of the token with the largest share.
    for (let mass = begin; mass < end; ) {
      while (owner < fires && ends[owner + 1] <= mass) owner += 1;
      const until = owner < fires ? Math.min(ends[owner + 1], end) : end;
      if (isWide) paint(owner, place(mass), place(until), high);
      else if (until - mass > most) [main, most] = [owner, until - mass];
      mass = until;
    }
    if (most > 0) paint(main, left, right, high);
  });
}

/**
 * Corrected tokens have the colours of CIF's.
 *
 * @param {Seen["shown"]} shown
 * @param {Look} look
 * @returns {TokenFill}
 */
export function fillOf({ owners }, { fill }) {
  return owners ? (index, wide) => fill(owners[index] ?? index, wide) : fill;
}

/** @type {Draw} */
function drawTokens(canvas, strip, scale, { aligned, shown, corrected, utterance, selected }, look) {
  const { tokens } = shown;
  const hint = drawSpans(canvas, strip, scale, tokens, look, { fill: fillOf(shown, look), selected });
  if (!corrected) drawFiring(canvas, strip, scale, aligned.firing, utterance.grid, look);
  if (selected === null || !tokens[selected]) return hint;
  const { start, end } = tokens[selected];
  const left = Math.round(scale.x(start));
  const wide = Math.max(Math.round(scale.x(end)) - left, 1);
  // The paper's colour on both sides of the line: the token may have the line's colour.
  for (const { colour, thick } of [
    { colour: look.paper, thick: 7 },
    { colour: look.accent, thick: 3 },
  ]) {
    canvas.strokeStyle = colour;
    canvas.lineWidth = thick;
    canvas.strokeRect(left + 0.5, strip.top + 3.5, wide, BOXES - 6);
  }
  return hint;
}

/**
 * The tokens as CIF has them, below those that a person corrected, with a line from each edge to that.
 *
 * @type {Draw}
 */
function drawOwn(canvas, strip, scale, { aligned, corrected, utterance }, look) {
  const { tokens, firing } = aligned;
  const hint = drawSpans(canvas, strip, scale, tokens, look, { fill: look.fill });
  drawFiring(canvas, strip, scale, firing, utterance.grid, look);
  if (corrected) drawMoved(canvas, strip, scale, corrected, differences(corrected, tokens), look);
  return hint;
}

/**
 * The fires of a firing.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {Firing} firing
 * @param {Grid} grid
 * @param {Look} look
 */
function drawFiring(canvas, { top }, scale, { positions }, { start, shift }, { accent }) {
  const first = firstAtLeast(positions, (scale.begin - start) / shift);
  const seconds = (/** @type {number} */ token) => start + positions[token] * shift;
  drawFires(canvas, top, scale, positions.length, seconds, accent, first);
}

/** @type {Draw} */
function drawReference(canvas, strip, scale, { utterance }, look) {
  return drawSpans(canvas, strip, scale, utterance.reference ?? [], look);
}

/**
 * A line from each edge of the hypothesis to that of the reference.
 *
 * @type {Draw}
 */
function drawErrors(canvas, strip, scale, { matches, utterance }, look) {
  const { reference } = utterance;
  if (matches.reference && reference) drawDifferences(canvas, strip.top, scale, matches.reference, reference, look);
}

/**
 * A line from each edge to where it was before it was moved: those of starts above, of ends below.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {readonly Token[]} tokens
 * @param {(Span | null)[]} moved How far, seconds; null for a token that was not there.
 * @param {Look} look
 */
function drawMoved(canvas, strip, scale, tokens, moved, { accent }) {
  canvas.fillStyle = accent;
  for (const edge of /** @type {const} */ (["start", "end"])) {
    const y = Math.round(strip.top + BOXES * (edge === "start" ? 0.15 : 0.85)) - 1;
    /** @type {(index: number) => [number, number]} */
    const read = (index) => {
      const by = moved[index]?.[edge];
      if (!by) return NOWHERE; // as are most of an hour's
      const now = tokens[index][edge];
      return [scale.x(now - by), scale.x(now)];
    };
    eachRun(tokens.length, read, scale.width, (left, right) => {
      canvas.fillRect(left, y, right - left, 2);
    });
  }
}

/**
 * The interval of an edge that was not moved.
 *
 * @type {[number, number]}
 */
const NOWHERE = [0, 0];

/**
 * Index of the first of the rising values above a value.
 *
 * @param {Float64Array} rising
 * @param {number} value
 */
function firstAbove(rising, value) {
  let first = firstAtLeast(rising, value);
  while (rising[first] === value) first += 1;
  return first;
}
