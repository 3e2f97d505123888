// The lanes of the picture: each draws what is in view into a strip of the canvas.
//
// All get the same arguments, see `Draw`. What no setting changes (`background`) is drawn on a canvas
// of its own, below what settings change (`foreground`). No lane keeps state.

/** @import { Canvas2D, Grid, Look, Seen, Span, Strip, Stretch, Token, TokenFill } from "./types.js" */
/** @import { Tick } from "./axes.js" */
/** @import { Firing, Shares } from "./firing.js" */
/** @import { TimeScale } from "./timescale.js" */

import { belowMarks, heightOf, hertzTicks, ticksUpTo } from "./axes.js";
import { eachRun, eachStep, largest } from "./columns.js";
import { differences } from "./differences.js";
import { firstAtLeast } from "./firing.js";
import { short } from "./probe.js";
import { drawIntegrator } from "./sawtooth.js";
import { BOXES, drawSpans } from "./spanlane.js";

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
 * @property {Draw} [background] Draws what no setting changes.
 * @property {Draw} [foreground] Draws what settings change.
 * @property {(strip: Strip, seen: Seen) => Tick[]} [ticks] What stands at its axis.
 * @property {(strip: Strip, seen: Seen) => Tick} [mark] A value on the axis that settings move.
 */

const ABOVE = ["above axis:", "fit axes"];

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
  contributions: {
    title: "shares",
    unit: "of α",
    height: 56,
    foreground: drawContributions,
    ticks: (strip, { axes }) => ticksUpTo(axes.weight, strip),
  },
  tokens: {
    title: "tokens",
    height: BOXES,
    spans: ({ shown }) => shown.tokens,
    foreground: drawTokens,
  },
  own: {
    title: "CIF",
    height: BOXES,
    spans: ({ aligned }) => aligned.tokens,
    foreground: drawOwn,
  },
  reference: {
    title: "reference",
    height: BOXES,
    spans: ({ utterance }) => utterance.reference ?? [],
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
export function lanesOf({ utterance, stretches: [whole], compare, corrected }) {
  /** @type {Record<string, boolean>} */
  const isMissing = {
    waveform: !whole.peaks,
    logMel: !whole.logMel,
    reference: !utterance.reference,
    own: !corrected,
  };
  const lanes = Object.entries(LANES).filter(([name]) => !isMissing[name]);
  if (corrected) {
    const place = lanes.findIndex(([name]) => name === "tokens");
    lanes[place] = ["tokens", { ...LANES.tokens, title: "corrected" }];
  }
  for (const [index, { name, tokens }] of compare.entries()) {
    /** @type {Draw} */
    const background = (canvas, strip, scale, _, look) =>
      drawSpans(canvas, strip, scale, tokens, look);
    const lane = { title: name, height: BOXES, spans: () => tokens, background };
    lanes.push([`compare ${index}`, lane]);
  }
  return lanes;
}

/**
 * The finest sound and spectrogram that cover what is in view.
 *
 * @param {Stretch[]} stretches From coarse to fine.
 * @param {{begin: number, end: number}} view Seconds.
 */
export function stretchInView(stretches, { begin, end }) {
  return stretches.findLast((one) => one.start <= begin && one.end >= end) ?? stretches[0];
}

/** @type {Draw} */
function drawWaveform(canvas, strip, scale, { stretches }, { ink }) {
  const { start, peaks } = stretchInView(stretches, scale);
  if (!peaks) return;
  const { low, high, rate } = peaks;
  const middle = strip.top + strip.height / 2;
  const tall = strip.height / 2 / 127;
  canvas.fillStyle = ink;
  for (let x = 0; x < scale.width; x += 1) {
    const first = Math.max(Math.floor((scale.seconds(x) - start) * rate), 0);
    const last = Math.ceil((scale.seconds(x + 1) - start) * rate);
    let [least, most] = [127, -127];
    for (let at = first; at < Math.min(Math.max(last, first + 1), low.length); at += 1) {
      if (low[at] < least) least = low[at];
      if (high[at] > most) most = high[at];
    }
    if (least <= most) canvas.fillRect(x, middle - most * tall, 1, (most - least) * tall + 0.5);
  }
}

/** @type {Draw} */
function drawLogMel(canvas, strip, scale, { stretches }, { isDark }) {
  const { logMel } = stretchInView(stretches, scale);
  if (!logMel) return;
  const { picture, start, shift, frames, bands } = logMel;
  const first = Math.max(Math.floor((scale.begin - start) / shift), 0);
  const last = Math.min(Math.ceil((scale.end - start) / shift), frames);
  if (last <= first) return;
  const left = Math.round(scale.x(start + first * shift));
  const wide = Math.round(scale.x(start + last * shift)) - left;
  canvas.imageSmoothingEnabled = last - first > wide;
  canvas.drawImage(picture, first, 0, last - first, bands, left, strip.top, wide, strip.height);
  if (!isDark) return;
  canvas.globalCompositeOperation = "difference"; // so that loud contrasts with the dark page
  canvas.fillStyle = "#ffffff";
  canvas.fillRect(left, strip.top, wide, strip.height);
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
  // The weight of a frame that a source appended is no change of a given one.
  const isSeen = (/** @type {number} */ weight, /** @type {number} */ t) =>
    aligned.given[t] > 0 && Math.abs(weight - aligned.given[t]) * tall >= 0.5;
  if (alpha.some(isSeen)) drawOutline(canvas, bottom, scale, utterance.grid, alpha, tall);
  return drawAbove(canvas, strip, scale, utterance.grid, [alpha, aligned.given], axes.weight);
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
  return isAny ? ABOVE : [];
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
  if (!corrected) drawFires(canvas, strip, scale, aligned.firing, utterance.grid, look);
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
  drawFires(canvas, strip, scale, firing, utterance.grid, look);
  if (corrected) drawMoved(canvas, strip, scale, corrected, differences(corrected, tokens), look);
  return hint;
}

/**
 * A short stroke at each fire, above the boxes: seldom where a token ends.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {Firing} firing
 * @param {Grid} grid
 * @param {Look} look
 */
function drawFires(canvas, strip, scale, { positions }, { start, shift }, { accent }) {
  canvas.fillStyle = accent;
  let drawn = -Infinity;
  const first = firstAtLeast(positions, (scale.begin - start) / shift);
  for (let token = first; token < positions.length; token += 1) {
    const x = Math.round(scale.x(start + positions[token] * shift));
    if (x > scale.width + 1) break;
    if (x > drawn) canvas.fillRect(x - 1, strip.top - 2, 2, 6);
    drawn = x;
  }
}

/** @type {Draw} */
function drawReference(canvas, strip, scale, { utterance }, look) {
  return drawSpans(canvas, strip, scale, utterance.reference ?? [], look);
}

/**
 * A line from each edge of the reference to that of the hypothesis.
 *
 * @type {Draw}
 */
function drawErrors(canvas, strip, scale, { shown }, look) {
  if (shown.errors) drawMoved(canvas, strip, scale, shown.tokens, shown.errors, look);
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
      const now = tokens[index][edge];
      return [scale.x(now - (moved[index]?.[edge] ?? 0)), scale.x(now)];
    };
    eachRun(tokens.length, read, scale.width, (left, right) => {
      canvas.fillRect(left, y, right - left, 2);
    });
  }
}

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
