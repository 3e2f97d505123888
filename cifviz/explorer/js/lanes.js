// The lanes of the picture, one function each: it draws what is in view into a strip of the canvas.
//
// All get the same: the canvas, the strip {top, height}, the time scale, what is to be seen, and how
// it looks. None remembers anything.

import { firstAtLeast } from "./firing.js";

/** How many times full height a weight of 1 may stand above the strip before it is cut. */
const HEADROOM = 1.1;

/**
 * Every lane by name, from top to bottom: title, height in pixels, how to draw it, and when there
 * is anything to draw.
 */
export const LANES = {
  waveform: { title: "sound", height: 44, draw: drawWaveform, isThere: ({ peaks }) => peaks },
  logMel: { title: "log-mel", height: 64, draw: drawLogMel, isThere: ({ logMel }) => logMel },
  weights: { title: "weight α", height: 64, draw: drawWeights, isThere: () => true },
  integrator: { title: "sum, β", height: 64, draw: drawIntegrator, isThere: () => true },
  contributions: { title: "shares", height: 56, draw: drawContributions, isThere: () => true },
  tokens: { title: "tokens", height: 30, draw: drawTokens, isThere: () => true },
  reference: {
    title: "said",
    height: 30,
    draw: drawReference,
    isThere: ({ utterance }) => utterance.reference,
  },
  second: { title: "second", height: 30, draw: drawSecond, isThere: ({ second }) => second },
};

function drawWaveform(canvas, strip, scale, { peaks }, { ink }) {
  canvas.fillStyle = ink;
  const { low, high, rate } = peaks;
  const middle = strip.top + strip.height / 2;
  const tall = strip.height / 2 / 127;
  for (let x = 0; x < scale.width; x += 1) {
    const first = Math.max(Math.floor(scale.seconds(x) * rate), 0);
    const last = Math.min(Math.max(Math.ceil(scale.seconds(x + 1) * rate), first + 1), low.length);
    let [least, most] = [127, -127];
    for (let at = first; at < last; at += 1) {
      least = Math.min(least, low[at]);
      most = Math.max(most, high[at]);
    }
    if (least <= most) canvas.fillRect(x, middle - most * tall, 1, (most - least) * tall + 0.5);
  }
}

function drawLogMel(canvas, strip, scale, { logMel }, { isDark }) {
  const { picture, start, shift, frames } = logMel;
  const left = scale.x(start);
  const right = scale.x(start + frames * shift);
  canvas.imageSmoothingEnabled = false;
  canvas.filter = isDark ? "invert(1)" : "none"; // loud is what stands out from the paper
  canvas.drawImage(picture, left, strip.top, right - left, strip.height);
}

/** Bars of the weights as used, an outline of the weights as given. */
function drawWeights(canvas, strip, scale, { aligned, utterance }, { ink, faint, accent }) {
  const { alpha } = aligned.firing;
  const tall = strip.height / tallest(aligned);
  canvas.fillStyle = faint;
  eachFrame(scale, utterance.grid, alpha.length, (t, x, wide) => {
    const high = Math.min(alpha[t] * tall, strip.height);
    canvas.fillRect(x, strip.top + strip.height - high, Math.max(wide - 0.5, 0.5), high);
  });
  canvas.strokeStyle = ink;
  stairs(canvas, strip, scale, utterance.grid, aligned.given, tall);
  if (aligned.firing.alpha !== aligned.alpha) {
    canvas.strokeStyle = accent;
    stairs(canvas, strip, scale, utterance.grid, alpha, tall);
  }
}

/** Height of the tallest weight: at least half a token's, so that noise looks like noise. */
export function tallest(aligned) {
  let most = 0.5;
  for (const weight of aligned.firing.alpha) most = Math.max(most, weight);
  for (const weight of aligned.given) most = Math.max(most, weight);
  return most * HEADROOM;
}

function stairs(canvas, strip, scale, grid, weights, tall) {
  canvas.lineWidth = 1;
  canvas.beginPath();
  eachFrame(scale, grid, weights.length, (t, x, wide) => {
    const y = strip.top + strip.height - Math.min(weights[t] * tall, strip.height);
    canvas.lineTo(x, y);
    canvas.lineTo(x + wide, y);
  });
  canvas.stroke();
}

/** The sawtooth: the sum climbs to β, and a fire takes β away. */
function drawIntegrator(canvas, strip, scale, { aligned, utterance }, { ink, accent }) {
  const { firing } = aligned;
  const { running, positions, threshold } = firing;
  const { start, shift } = utterance.grid;
  const tall = strip.height / (threshold * 1.25);
  const bottom = strip.top + strip.height;
  const y = (mass) => bottom - Math.max(mass, 0) * tall;
  const place = (frames) => scale.x(start + frames * shift);
  canvas.strokeStyle = ink;
  canvas.lineWidth = 1.2;
  const full = firing.fires - Number(firing.tailFired);
  let fired = firstAtLeast(positions, (scale.begin - start) / shift);
  // Each tooth is a path of its own: one for all of them would take a hundred times as long.
  canvas.beginPath();
  eachFrame(scale, utterance.grid, running.length, (t, x) => {
    canvas.lineTo(x, y((t ? running[t - 1] : 0) - fired * threshold));
    for (; fired < full && positions[fired] <= t + 1; fired += 1) {
      const at = place(positions[fired]);
      canvas.lineTo(at, y(threshold));
      canvas.lineTo(at, bottom);
      canvas.stroke();
      canvas.beginPath();
      canvas.moveTo(at, bottom);
    }
    canvas.lineTo(place(t + 1), y(running[t] - fired * threshold));
  });
  canvas.stroke();
  canvas.strokeStyle = canvas.fillStyle = accent;
  canvas.setLineDash([6, 4]);
  line(canvas, 0, y(threshold), scale.width, y(threshold));
  canvas.setLineDash([]);
  positions.forEach((position, token) => {
    const x = place(position);
    if (x < -4 || x > scale.width + 4) return;
    const isTail = firing.tailFired && token === firing.fires - 1;
    canvas.beginPath();
    canvas.moveTo(x - 4, strip.top);
    canvas.lineTo(x + 4, strip.top);
    canvas.lineTo(x, strip.top + 7);
    canvas.closePath();
    if (isTail) canvas.stroke();
    else canvas.fill();
  });
}

/** The weights once more, filled with the tokens that got them; what nobody got is pale. */
function drawContributions(canvas, strip, scale, { aligned, utterance }, { faint, fill }) {
  const { alpha, running, ends, fires } = aligned.firing;
  const tall = strip.height / tallest(aligned);
  const bottom = strip.top + strip.height;
  let owner = -1;
  let path = null;
  const paint = () => {
    if (!path) return;
    const isToken = owner < fires;
    const wide = path.right - path.left;
    canvas.fillStyle = isToken ? fill(owner, wide) : faint;
    canvas.globalAlpha = isToken ? 1 : 0.4;
    canvas.fill(path.shape);
  };
  eachFrame(scale, utterance.grid, alpha.length, (t, x, wide) => {
    const high = Math.min(alpha[t] * tall, strip.height);
    let mass = t ? running[t - 1] : 0;
    if (owner < 0) owner = Math.max(Math.min(firstAbove(ends, mass) - 1, fires), 0);
    let left = x;
    // A frame on a border stands in pieces side by side, each as wide as its share.
    while (mass < running[t]) {
      while (owner < fires && ends[owner + 1] <= mass) {
        paint();
        [owner, path] = [owner + 1, null];
      }
      const until = owner < fires ? Math.min(ends[owner + 1], running[t]) : running[t];
      const right = until === running[t] ? x + wide : left + (wide * (until - mass)) / alpha[t];
      path ??= { shape: new Path2D(), left };
      path.shape.rect(left, bottom - high, right - left, high);
      path.right = right;
      [mass, left] = [until, right];
    }
  });
  paint();
  canvas.globalAlpha = 1;
}

function drawTokens(canvas, strip, scale, { aligned, selected }, look) {
  drawSpans(canvas, strip, scale, aligned.tokens, look, { fill: look.fill, selected });
}

function drawReference(canvas, strip, scale, { aligned, utterance }, look) {
  drawSpans(canvas, strip, scale, utterance.reference, look);
  if (!aligned.errors) return;
  // From each true edge to the one that was found.
  canvas.strokeStyle = look.accent;
  canvas.lineWidth = 2;
  aligned.tokens.forEach((token, index) => {
    for (const edge of ["start", "end"]) {
      const y = strip.top + strip.height * (edge === "start" ? 0.15 : 0.85);
      line(canvas, scale.x(utterance.reference[index][edge]), y, scale.x(token[edge]), y);
    }
  });
}

function drawSecond(canvas, strip, scale, { second }, look) {
  drawSpans(canvas, strip, scale, second.tokens, look);
}

function drawSpans(canvas, strip, scale, tokens, { ink, paper, accent }, { fill, selected } = {}) {
  canvas.font = "12px system-ui, sans-serif";
  canvas.textBaseline = "middle";
  canvas.direction = "inherit";
  tokens.forEach(({ label, start, end }, index) => {
    const [left, right] = [scale.x(start), scale.x(end)];
    if (right < 0 || left > scale.width) return;
    const wide = Math.max(right - left, 1);
    const [top, high] = [strip.top + 3, strip.height - 6];
    if (fill) {
      canvas.fillStyle = fill(index, wide);
      canvas.fillRect(left, top, wide, high);
    }
    const isSelected = index === selected;
    canvas.strokeStyle = isSelected ? accent : ink;
    canvas.lineWidth = isSelected ? 3 : 1;
    canvas.strokeRect(left, top, wide, high);
    writeInside(canvas, label, left, wide, top + high / 2, { ink, paper, onColour: Boolean(fill) });
  });
}

/** A label in the middle of its span, on paper so that it can be read; left out where too long. */
function writeInside(canvas, label, left, wide, y, { ink, paper, onColour }) {
  if (wide < 9) return;
  const needed = canvas.measureText(label).width;
  if (needed > wide - 4) return;
  const x = left + (wide - needed) / 2;
  canvas.textAlign = "left";
  if (onColour) {
    canvas.fillStyle = paper;
    canvas.fillRect(x - 2, y - 8, needed + 4, 16);
  }
  canvas.fillStyle = ink;
  canvas.fillText(label, x, y);
}

/** Every frame in view: its index, its left edge and its width in pixels. */
function eachFrame(scale, { start, shift }, frames, visit) {
  const first = Math.max(Math.floor((scale.begin - start) / shift), 0);
  const last = Math.min(Math.ceil((scale.end - start) / shift), frames);
  const wide = shift * scale.density;
  for (let t = first; t < last; t += 1) visit(t, scale.x(start + t * shift), wide);
}

function line(canvas, x, y, toX, toY) {
  canvas.beginPath();
  canvas.moveTo(x, y);
  canvas.lineTo(toX, toY);
  canvas.stroke();
}

/** Index of the first of the rising values above a value. */
function firstAbove(rising, value) {
  const first = firstAtLeast(rising, value);
  const isSame = first < rising.length && rising[first] === value;
  return isSame ? rising.lastIndexOf(value) + 1 : first;
}
