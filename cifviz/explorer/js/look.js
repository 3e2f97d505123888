// Colours of the page around the explorer, and the look of each token: a colour that colour-blind
// readers can tell apart, and a pattern, since colour is never the only cue.

/** @import { Canvas2D, Palette, TokenFill } from "./types.js" */

import { context2d } from "./dom.js";

/** Pixels of a tile, and the width from which on it is visible. */
const [TILE, NARROW] = [8, 6];

/** @type {Record<string, (canvas: Canvas2D) => void>} */
const HATCHES = {
  "": () => {},
  "////": (c) => lines(c, [[0, 8, 8, 0]]),
  "\\\\\\\\": (c) => lines(c, [[0, 0, 8, 8]]),
  xxxx: (c) => lines(c, [[0, 8, 8, 0], [0, 0, 8, 8]]),
  "....": (c) => {
    c.beginPath();
    c.arc(4, 4, 1.2, 0, 2 * Math.PI);
    c.fill();
  },
};

/**
 * Colours for lines, labels and paper, as the page has them now.
 *
 * @param {Element} element The stage, to which the stylesheet gives each of them.
 */
export function pageColours(element) {
  const style = getComputedStyle(element);
  return {
    isDark: isDark(style.backgroundColor),
    ink: style.color,
    faint: style.borderTopColor,
    paper: style.backgroundColor,
    accent: style.outlineColor,
  };
}

/**
 * Whether a colour is nearer to black than to white.
 *
 * @param {string} colour Any colour of CSS.
 */
export function isDark(colour) {
  const drawing = context2d(new OffscreenCanvas(1, 1));
  drawing.fillStyle = colour;
  drawing.fillRect(0, 0, 1, 1);
  const [red, green, blue] = drawing.getImageData(0, 0, 1, 1).data;
  return red + green + blue < 3 * 128;
}

/**
 * Fills for tokens on a canvas.
 *
 * @param {Canvas2D} canvas
 * @param {Palette} palette
 * @returns {TokenFill}
 */
export function tokenFills(canvas, { colours, hatches }) {
  /** @type {Map<number, string | CanvasPattern>} */
  const made = new Map();
  return (index, wide) => {
    // Where no pattern is visible a plain colour is painted, which is much faster.
    if (wide < NARROW) return colours[index % colours.length];
    const look = index % (colours.length * hatches.length);
    const known = made.get(look);
    if (known) return known;
    const fill = pattern(canvas, colours[look % colours.length], hatches[look % hatches.length]);
    made.set(look, fill);
    return fill;
  };
}

/**
 * @param {Canvas2D} canvas
 * @param {string} colour
 * @param {string} hatch
 */
function pattern(canvas, colour, hatch) {
  const tile = new OffscreenCanvas(TILE, TILE);
  const drawing = context2d(tile);
  drawing.fillStyle = colour;
  drawing.fillRect(0, 0, TILE, TILE);
  drawing.strokeStyle = drawing.fillStyle = "rgba(0, 0, 0, 0.45)";
  drawing.lineWidth = 1;
  HATCHES[hatch](drawing);
  return canvas.createPattern(tile, "repeat") ?? colour;
}

/**
 * @param {Canvas2D} drawing
 * @param {[number, number, number, number][]} all Ends of each line.
 */
function lines(drawing, all) {
  drawing.beginPath();
  for (const [x, y, toX, toY] of all) {
    drawing.moveTo(x, y);
    drawing.lineTo(toX, toY);
  }
  drawing.stroke();
}
