// Lanes of spans: boxes with names inside or, where they have no room there, below.

/** @import { Canvas2D, Look, Strip, Token, TokenFill } from "./types.js" */
/** @import { Box, Name } from "./nameplaces.js" */
/** @import { TimeScale } from "./timescale.js" */

import { eachSpan } from "./columns.js";
import { fitted, widthOf, write } from "./labels.js";
import { LEADER, NARROWEST, PITCH, heightBelow, placeNames } from "./nameplaces.js";
import { isInOrder, namedBetween, spansInView } from "./spansinview.js";

export const FONT = "12px system-ui, sans-serif";
/** Of names that stand upright: as many pixels as they are apart. */
const UPRIGHT = `${PITCH}px system-ui, sans-serif`;

/** Pixels of the boxes with their margins. */
export const BOXES = 30;
/** Pixels of the narrowest span that has an outline. */
const OUTLINED = 6;
/** Tokens at the least threshold for each at that of a model, which mostly is 1. */
const MOST_TOKENS = 5;
/** Names that are measured to find how much room they need. */
const MEASURED = 2000;
/** Pixels of a span of which enough is in view for a name, if its middle is not. */
const SEEN = 14;

/**
 * Height of a lane of spans while everything is in view.
 *
 * @param {Canvas2D} canvas
 * @param {readonly Token[]} tokens
 * @param {TimeScale} whole
 * @param {boolean} [isNumbered] Whether there may be more tokens at other settings, which are numbered.
 */
export function spanLaneHeight(canvas, tokens, whole, isNumbered = false) {
  canvas.font = FONT;
  const some = tokens.slice(0, MEASURED);
  const boxes = some.map(({ label, start, end }) => boxOf(canvas, label, whole.x(start), whole.x(end)));
  const number = isNumbered ? widthOf(canvas, String(MOST_TOKENS * tokens.length), FONT) : 0;
  return BOXES + heightBelow(boxes, whole.width, number);
}

/**
 * Boxes with names; narrow ones without an outline.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {readonly Token[]} tokens
 * @param {Look} look
 * @param {{fill?: TokenFill | null, selected?: number | null}} [more]
 * @returns {string[]} A hint, where names have no place.
 */
export function drawSpans(canvas, strip, scale, tokens, look, { fill = null, selected = null } = {}) {
  const { ink, faint } = look;
  const [top, high] = [strip.top + 3, BOXES - 6];
  canvas.font = FONT;
  canvas.strokeStyle = ink;
  canvas.lineWidth = 1;
  // 1. The boxes.
  /** @type {Box[]} */
  const boxes = [];
  /** @type {number[]} */
  const named = [];
  eachSpan(scale, tokens, (index, from, to) => {
    const left = Math.round(from);
    const wide = Math.max(Math.round(to) - left, 1);
    const isNarrow = wide < OUTLINED;
    if (fill || isNarrow) {
      canvas.fillStyle = fill ? fill(index, wide) : faint;
      canvas.fillRect(left, top, wide - (isNarrow && !fill && wide > 1 ? 1 : 0), high);
    }
    if (!isNarrow) canvas.strokeRect(left + 0.5, top + 0.5, wide, high);
    const [begin, end] = [Math.max(from, 0), Math.min(to, scale.width)];
    const { label } = tokens[index];
    if (!label.trim() || !isSeen(from, to, begin, end, scale)) return;
    boxes.push({ left: begin, right: end, wide: Infinity });
    named.push(index);
  });
  // Where more are narrow than can have a name, those stand upright, however wide: to measure
  // thousands would take long.
  const narrow = boxes.filter(({ left, right }) => right - left < NARROWEST).length;
  const isDense = narrow * PITCH > scale.width;
  boxes.forEach((box, n) => {
    if (isDense && box.right - box.left < NARROWEST) return;
    box.wide = widthOf(canvas, tokens[named[n]].label, FONT);
  });
  // 2. Their names.
  const first = selected === null ? null : named.indexOf(selected);
  const room = { width: scale.width, below: strip.height - BOXES, first };
  const { names } = placeNames(boxes, room);
  let drawn = 0;
  for (const name of names) {
    // Those that stand upright come last.
    canvas.font = name.kind === "upright" ? UPRIGHT : FONT;
    const { label } = tokens[named[name.box]];
    const text = textOf(canvas, label, name);
    if (text === "…" && label !== text) continue; // no letter of it has room
    drawName(canvas, text, name, { ...boxes[name.box], top, high }, look, Boolean(fill));
    drawn += 1;
  }
  // 3. What has none.
  const hidden = countNamed(tokens, scale) - drawn;
  return hidden > 0 ? [`${hidden} hidden:`, "zoom in"] : [];
}

/**
 * Number of spans in view that have a name.
 *
 * @param {readonly Token[]} tokens
 * @param {TimeScale} scale
 */
function countNamed(tokens, scale) {
  const { begin, end, density } = scale;
  const least = SEEN / density;
  const isNamed = (/** @type {Token} */ { label, start, end: stop }) => {
    const middle = (start + stop) / 2;
    const isIn = middle >= begin && middle <= end;
    if (stop < begin || start > end) return false;
    if (!isIn && Math.min(stop, end) - Math.max(start, begin) < least) return false;
    return label.trim() !== "";
  };
  // Those at both ends of the view one by one, and those between at once.
  const [first, last] = spansInView(tokens, scale);
  if (!isInOrder(tokens)) return tokens.filter(isNamed).length;
  let [from, to, count] = [first, last, 0];
  for (; from < to && tokens[from].start < begin; from += 1) count += Number(isNamed(tokens[from]));
  for (; from < to && tokens[to - 1].end > end; to -= 1) count += Number(isNamed(tokens[to - 1]));
  return count + namedBetween(tokens, from, to);
}

/**
 * Whether enough of a span is in view for a name.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} begin Of the part in view.
 * @param {number} end
 * @param {TimeScale} scale
 */
function isSeen(from, to, begin, end, { width }) {
  const middle = (from + to) / 2;
  return (middle >= 0 && middle <= width) || end - begin >= SEEN;
}

/**
 * @param {Canvas2D} canvas
 * @param {string} label
 * @param {number} left
 * @param {number} right
 * @returns {Box}
 */
function boxOf(canvas, label, left, right) {
  return { left, right, wide: label.trim() ? widthOf(canvas, label, FONT) : 0 };
}

/**
 * As much of a name as has room.
 *
 * @param {Canvas2D} canvas With its font.
 * @param {string} label
 * @param {Name} name
 */
function textOf(canvas, label, { kind, wide }) {
  if (kind === "inside") return label;
  return kind === "row" ? fitted(canvas, label, wide + 1, FONT) : fitted(canvas, label, wide, UPRIGHT);
}

/**
 * @param {Canvas2D} canvas
 * @param {string} text
 * @param {Name} name
 * @param {{left: number, right: number, top: number, high: number}} box
 * @param {Look} look
 * @param {boolean} onColour On a colour a name gets paper of its own.
 */
function drawName(canvas, text, { kind, left, wide }, box, { ink, faint, paper }, onColour) {
  canvas.fillStyle = ink;
  canvas.strokeStyle = faint;
  const middle = box.top + box.high / 2;
  if (kind === "inside") {
    if (onColour) {
      canvas.fillStyle = paper;
      canvas.fillRect(left - 2, middle - 8, wide + 4, 16);
      canvas.fillStyle = ink;
    }
    write(canvas, text, left, middle);
    return;
  }
  // A line from the span to its name.
  const [from, bottom] = [(box.left + box.right) / 2, box.top + box.high];
  const place = kind === "row" ? left + wide / 2 : left + PITCH / 2;
  canvas.beginPath();
  canvas.moveTo(from, bottom + 1);
  canvas.lineTo(place, bottom + LEADER);
  canvas.stroke();
  if (kind === "row") {
    write(canvas, text, left, bottom + LEADER + 9);
    return;
  }
  const long = widthOf(canvas, text, UPRIGHT);
  const isLetter = [...text].length === 1;
  if (long <= (isLetter ? PITCH : PITCH - 2)) {
    write(canvas, text, place - long / 2, bottom + LEADER + 8);
    return;
  }
  canvas.save();
  canvas.translate(place, bottom + LEADER + 1 + long);
  canvas.rotate(-Math.PI / 2);
  write(canvas, text, 0, 0);
  canvas.restore();
}
