// The tokens as a table, for screen readers and for exact numbers.

/** @import { Seen, Span, Token } from "./types.js" */
/** @import { TimeScale } from "./timescale.js" */

import { differences } from "./differences.js";
import { element } from "./dom.js";
import { shown } from "./tokens.js";

/** Rows at most; of more tokens those in view are shown. */
const MOST = 500;

/**
 * Rows of tokens with their times, where there is a reference their errors, and where they are
 * corrected their differences from CIF's own.
 *
 * @param {HTMLElement} parent Its content is replaced.
 * @param {Pick<Seen, "shown" | "corrected" | "aligned">} seen
 * @param {TimeScale} scale
 */
export function showTable(parent, { shown: { tokens, errors }, corrected, aligned }, scale) {
  const moved = corrected && differences(corrected, aligned.tokens);
  const table = document.createElement("table");
  const rows = inView(tokens, scale);
  const part = rows.length < tokens.length ? `${rows.length} in view of ` : "";
  element(table, "caption").textContent = `${part}${tokens.length} tokens, times in seconds`;
  const off = errors ? ["start off by, ms", "end off by, ms"] : [];
  if (moved) off.push("start against CIF, ms", "end against CIF, ms");
  const head = element(element(table, "thead"), "tr");
  for (const text of ["token", "start", "end", ...off]) {
    const cell = element(head, "th");
    cell.scope = "col";
    cell.textContent = text;
  }
  const body = element(table, "tbody");
  for (const index of rows) {
    const pairs = [...(errors ? [errors[index]] : []), ...(moved ? [moved[index]] : [])];
    addRow(body, tokens[index], pairs);
  }
  parent.replaceChildren(table);
}

/**
 * @param {HTMLTableSectionElement} body
 * @param {Token} token
 * @param {(Span | null)[]} pairs Differences of its edges, seconds; null where there are none.
 */
function addRow(body, { label, start, end }, pairs) {
  const row = element(body, "tr");
  const name = element(row, "th");
  name.scope = "row";
  name.dir = "auto";
  name.textContent = shown(label);
  const values = [start.toFixed(3), end.toFixed(3)];
  for (const pair of pairs) {
    values.push(pair ? milliseconds(pair.start) : "–", pair ? milliseconds(pair.end) : "–");
  }
  for (const value of values) element(row, "td").textContent = value;
}

/**
 * Whole milliseconds, never -0.
 *
 * @param {number} seconds
 */
function milliseconds(seconds) {
  return String(Math.round(1000 * seconds) || 0);
}

/**
 * Indices of all tokens, or, if there are more than `MOST`, of the first in view.
 *
 * @param {readonly Token[]} tokens
 * @param {TimeScale} scale
 */
function inView(tokens, { begin, end }) {
  const all = [...tokens.keys()];
  if (all.length <= MOST) return all;
  return all.filter((index) => tokens[index].end >= begin && tokens[index].start <= end).slice(0, MOST);
}
