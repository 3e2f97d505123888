// Lanes of compared alignments: boxes and names as of any spans, and above them how far each edge is
// from its partner, or, in the lane of the words, how far off it may be.

/** @import { Canvas2D, Compared, Interval, Look, Seen, Strip, Token } from "./types.js" */
/** @import { Match } from "./agreement.js" */
/** @import { Lane } from "./lanes.js" */
/** @import { TimeScale } from "./timescale.js" */

import { milliseconds } from "./dom.js";
import { BOXES, drawSpans } from "./spanlane.js";

/** Pixels above the boxes for lines to another lane, and for intervals. */
export const ABOVE = 16;
/** Pixels that lines leave to the strokes of the fires. */
const FIRES = 5;
/** Pixels of the end of an interval. */
const CAP = 5;

/**
 * How lines look by the difference that they show, the largest first: they differ in colour, in
 * width and in dash.
 *
 * @type {{above: number, name: string, colour: (look: Look) => string, thick: number, dash: number[]}[]}
 */
export const STEPS = [
  { above: 0.05, name: "more than 50 ms", colour: ({ isDark }) => (isDark ? "#ff9a3c" : "#b34700"), thick: 3, dash: [] },
  { above: 0.02, name: "more than 20 ms", colour: ({ accent }) => accent, thick: 2, dash: [] },
  { above: 0, name: "20 ms or less", colour: ({ faint }) => faint, thick: 1, dash: [2, 2] },
];
/** Seconds by which a difference may exceed a step in the last digits. */
const ROUNDING = 1e-9;

/**
 * A lane of a compared alignment.
 *
 * @param {Compared} compared
 * @param {number} index Among the compared ones.
 * @returns {Lane}
 */
export function compareLane({ name, tokens, fires, intervals, isOwn }, index) {
  return {
    title: name,
    height: BOXES,
    spans: () => tokens,
    above: isOwn && !intervals ? 0 : ABOVE,
    background: (canvas, strip, scale, _, look) => {
      const hint = drawSpans(canvas, strip, scale, tokens, look, { fill: fires && look.fill });
      if (fires) drawFires(canvas, strip.top, scale, fires.length, (token) => fires[token], look.accent);
      if (intervals) drawIntervals(canvas, strip, scale, tokens, intervals, look);
      return hint;
    },
    foreground: (canvas, strip, scale, { matches }, look) => {
      const match = matches.lanes[index];
      if (match) drawDifferences(canvas, strip.top, scale, match, tokens, look);
    },
  };
}

/**
 * A short stroke at each fire, at the upper edge of boxes: seldom where a token ends.
 *
 * @param {Canvas2D} canvas
 * @param {number} top Of the boxes' strip.
 * @param {TimeScale} scale
 * @param {number} count
 * @param {(token: number) => number} seconds Rising.
 * @param {string} colour
 * @param {number} [first] The first that may be in view.
 */
export function drawFires(canvas, top, scale, count, seconds, colour, first = 0) {
  canvas.fillStyle = colour;
  let drawn = -Infinity;
  for (let token = first; token < count; token += 1) {
    const x = Math.round(scale.x(seconds(token)));
    if (x > scale.width + 1) break;
    if (x > drawn && x > -2) canvas.fillRect(x - 1, top - 2, 2, 6);
    drawn = x;
  }
}

/**
 * A line from each edge of the base, at the top, to its partner's, at the boxes: its slant is the
 * difference. Where several fall into one pixel the largest difference is drawn.
 *
 * @param {Canvas2D} canvas
 * @param {number} top Of the boxes' strip.
 * @param {TimeScale} scale
 * @param {Match} match
 * @param {readonly Token[]} tokens Of the lane.
 * @param {Look} look
 */
export function drawDifferences(canvas, top, scale, { base, pairs }, tokens, look) {
  // 1. What is in view, the largest of each pixel.
  /** @type {Map<number, {step: number, from: number, to: number}>} */
  const lines = new Map();
  for (const [one, other] of pairs) {
    for (const edge of /** @type {const} */ (["start", "end"])) {
      const [begin, end] = [base[one][edge], tokens[other][edge]];
      if (Math.max(begin, end) < scale.begin || Math.min(begin, end) > scale.end) continue;
      const [from, to] = [scale.x(begin), scale.x(end)];
      const step = stepOf(end - begin);
      const place = Math.round(to);
      if (step < (lines.get(place)?.step ?? Infinity)) lines.set(place, { step, from, to });
    }
  }
  // 2. The small ones below the large ones.
  for (let step = STEPS.length - 1; step >= 0; step -= 1) {
    const { colour, thick, dash } = STEPS[step];
    canvas.strokeStyle = colour(look);
    canvas.lineWidth = thick;
    canvas.setLineDash(dash);
    canvas.beginPath();
    for (const line of lines.values()) {
      if (line.step !== step) continue;
      canvas.moveTo(line.from, top - ABOVE);
      canvas.lineTo(line.to, top - FIRES + 2);
    }
    canvas.stroke();
  }
  canvas.setLineDash([]);
}

/**
 * In which of `STEPS` a difference is.
 *
 * @param {number} seconds
 */
export function stepOf(seconds) {
  const size = Math.abs(seconds) - ROUNDING;
  const step = STEPS.findIndex(({ above }) => size > above);
  return step < 0 ? STEPS.length - 1 : step;
}

/**
 * From the earliest to the latest time of each edge: those of ends above, those of starts below, so
 * that neighbours do not hide each other. A dot is the edge itself.
 *
 * @param {Canvas2D} canvas
 * @param {Strip} strip
 * @param {TimeScale} scale
 * @param {readonly Token[]} tokens
 * @param {Interval[]} intervals
 * @param {Look} look
 */
function drawIntervals(canvas, { top }, scale, tokens, intervals, { ink }) {
  canvas.fillStyle = ink;
  tokens.forEach(({ start, end }, index) => {
    if (end < scale.begin - 1 || start > scale.end + 1) return;
    const [[earliest, latest], [soonest, last]] = intervals[index];
    for (const [low, high, edge, y] of [
      [earliest, latest, start, top - 3],
      [soonest, last, end, top - 11],
    ]) {
      const [left, right] = [Math.round(scale.x(low)), Math.round(scale.x(high))];
      canvas.fillRect(left, y, Math.max(right - left, 1), 1);
      if (right - left > 2) {
        canvas.fillRect(left, y - (CAP - 1) / 2, 1, CAP);
        canvas.fillRect(right, y - (CAP - 1) / 2, 1, CAP);
      }
      canvas.fillRect(Math.round(scale.x(edge)) - 1, y - 1, 3, 3);
    }
  });
}

/**
 * How far a token of a lane is from its partner, or the intervals of a word, in words.
 *
 * @param {Seen} seen
 * @param {string | null} lane Its name among the strips.
 * @param {number} seconds
 * @returns {string} Empty where there is nothing to say.
 */
export function describeEdges({ compare, matches, utterance }, lane, seconds) {
  const isReference = lane === "reference";
  const index = lane?.startsWith(LANE) ? Number(lane.slice(LANE.length)) : -1;
  const shown = isReference ? { name: "", tokens: utterance.reference ?? [], intervals: null } : compare[index];
  if (!shown) return "";
  const { name, tokens, intervals } = shown;
  const at = tokens.findIndex(({ start, end }) => seconds >= start && seconds <= end);
  if (at < 0) return "";
  if (intervals) {
    const [start, end] = intervals[at].map(([low, high]) => `${low.toFixed(2)} to ${high.toFixed(2)} s`);
    return `interval of the start ${start}, of the end ${end}`;
  }
  const match = isReference ? matches.reference : matches.lanes[index];
  const partner = match?.partners.get(at);
  if (!match || partner === undefined) return match ? `no partner in ${match.title}` : "";
  const [one, other] = [match.base[partner], tokens[at]];
  const [left, right] = isReference ? [one, other] : [other, one];
  const names = isReference ? `${match.title} − reference` : `${brief(name)} − ${match.title}`;
  return `${names}: start ${milliseconds(left.start - right.start)}, end ${milliseconds(left.end - right.end)}`;
}

/** Names of the strips of compared lanes begin so. */
export const LANE = "compare ";

/**
 * A name of any length, short enough for a line.
 *
 * @param {string} name
 */
export function brief(name) {
  const letters = Array.from(name.trim() || "(no name)");
  return letters.length > 24 ? `${letters.slice(0, 23).join("")}…` : letters.join("");
}
