// The tokens as a table, for screen readers and for all who like numbers.

import { element } from "./dom.js";
import { shown } from "./tokens.js";

/** Rows that a page bears; of more tokens those in view are shown. */
const MOST = 500;

/**
 * Rows of tokens with their times and, where there is a reference, how far off they are.
 *
 * @param {HTMLElement} parent What it replaces the content of.
 * @param {{tokens: import("./alignment.js").Token[],
 *   errors: Array<{start: number, end: number}> | null}} aligned
 * @param {import("./timescale.js").TimeScale} scale
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

/** Whole ones; none is -0. */
function milliseconds(seconds) {
  return String(Math.round(1000 * seconds));
}

/** Indices of all tokens, or, of too many, of the first in view. */
function inView(tokens, { begin, end }) {
  const all = [...tokens.keys()];
  if (all.length <= MOST) return all;
  return all.filter((index) => tokens[index].end >= begin && tokens[index].start <= end).slice(0, MOST);
}
