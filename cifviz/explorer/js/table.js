// The tokens as a table, for screen readers and for exact numbers.

/** @import { Aligned, Span, Token } from "./types.js" */
/** @import { TimeScale } from "./timescale.js" */

import { element } from "./dom.js";
import { shown } from "./tokens.js";

/** Rows at most; of more tokens those in view are shown. */
const MOST = 500;

/**
 * Rows of tokens with their times and, where there is a reference, their errors.
 *
 * @param {HTMLElement} parent Its content is replaced.
 * @param {Pick<Aligned, "tokens" | "errors">} aligned
 * @param {TimeScale} scale
 */
export function showTable(parent, { tokens, errors }, scale) {
  const table = document.createElement("table");
  const rows = inView(tokens, scale);
  const part = rows.length < tokens.length ? `${rows.length} in view of ` : "";
  element(table, "caption").textContent = `${part}${tokens.length} tokens, times in seconds`;
  const off = errors ? ["start off by, ms", "end off by, ms"] : [];
  const head = element(element(table, "thead"), "tr");
  for (const text of ["token", "start", "end", ...off]) {
    const cell = element(head, "th");
    cell.scope = "col";
    cell.textContent = text;
  }
  const body = element(table, "tbody");
  for (const index of rows) addRow(body, tokens[index], errors?.[index]);
  parent.replaceChildren(table);
}

/**
 * @param {HTMLTableSectionElement} body
 * @param {Token} token
 * @param {Span | undefined} error
 */
function addRow(body, { label, start, end }, error) {
  const row = element(body, "tr");
  const name = element(row, "th");
  name.scope = "row";
  name.dir = "auto";
  name.textContent = shown(label);
  const values = [start.toFixed(3), end.toFixed(3)];
  if (error) values.push(milliseconds(error.start), milliseconds(error.end));
  for (const value of values) element(row, "td").textContent = value;
}

/**
 * Whole milliseconds, never -0.
 *
 * @param {number} seconds
 */
function milliseconds(seconds) {
  return String(Math.round(1000 * seconds));
}

/**
 * Indices of all tokens, or, if there are more than `MOST`, of the first in view.
 *
 * @param {Token[]} tokens
 * @param {TimeScale} scale
 */
function inView(tokens, { begin, end }) {
  const all = [...tokens.keys()];
  if (all.length <= MOST) return all;
  return all.filter((index) => tokens[index].end >= begin && tokens[index].start <= end).slice(0, MOST);
}
