// Labels on a canvas: in the direction of their own script, and never wider than their place.

/** @import { Canvas2D } from "./types.js" */

/** A letter, or a mark that stands for one, has a direction; digits and signs take what is there. */
const STRONG = /[\p{L}\u200e\u200f]/u;
/** Blocks of Hebrew, Arabic, Syriac, Thaana, N'Ko and the other scripts from right to left. */
const FROM_RIGHT = /[\u200f\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * The direction of a text by its first letter that has one.
 *
 * @param {string} text
 * @returns {"ltr" | "rtl"}
 */
export function directionOf(text) {
  const first = text.match(STRONG);
  return first && FROM_RIGHT.test(first[0]) ? "rtl" : "ltr";
}

/**
 * Write a text: x is its left end, y its middle.
 *
 * @param {Canvas2D} canvas
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
export function write(canvas, text, x, y) {
  canvas.direction = directionOf(text);
  canvas.textAlign = "left"; // of the place, whatever the text's own beginning is
  canvas.textBaseline = "middle";
  canvas.fillText(text, x, y);
}

/**
 * A text, or as much of it as fits, with an ellipsis.
 *
 * @param {Pick<Canvas2D, "measureText">} canvas With the font of the text.
 * @param {string} text
 * @param {number} wide Pixels.
 */
export function shortened(canvas, text, wide) {
  if (text.length <= wide && canvas.measureText(text).width <= wide) return text;
  // What a reader takes for one letter stays whole: accents, joined emoji.
  const letters = Array.from(new Intl.Segmenter().segment(text.slice(0, wide)), (one) => one.segment);
  while (letters.length && canvas.measureText(`${letters.join("").trimEnd()}…`).width > wide) {
    letters.pop();
  }
  return `${letters.join("").trimEnd()}…`;
}

/** @type {Map<string, Map<string, number>>} */
const widths = new Map();
/** Widths that are remembered of each font. */
const REMEMBERED = 20_000;

/**
 * Pixels of a text, measured once; of a very long one, infinite.
 *
 * @param {Pick<Canvas2D, "measureText">} canvas With the font.
 * @param {string} text
 * @param {string} font To ask the canvas would take longer than to measure.
 */
export function widthOf(canvas, text, font) {
  if (text.length > LONG) return Infinity;
  let known = widths.get(font);
  if (!known || known.size >= REMEMBERED) widths.set(font, (known = new Map()));
  let width = known.get(text);
  if (width === undefined) known.set(text, (width = canvas.measureText(text).width));
  return width;
}

/** @type {Map<string, string>} */
const fits = new Map();

/**
 * A text, or as much of it as fits, found once.
 *
 * @param {Pick<Canvas2D, "measureText">} canvas With the font.
 * @param {string} text
 * @param {number} wide Pixels.
 * @param {string} font
 */
export function fitted(canvas, text, wide, font) {
  if (widthOf(canvas, text, font) <= wide) return text;
  const key = `${font} ${wide} ${text.slice(0, wide)}`;
  let fit = fits.get(key);
  if (fit === undefined) {
    if (fits.size >= REMEMBERED) fits.clear();
    fits.set(key, (fit = shortened(canvas, text, wide)));
  }
  return fit;
}

/** Letters of a text that is wider than any place. */
const LONG = 1000;
