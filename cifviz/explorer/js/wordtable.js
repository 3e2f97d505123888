// The words of phones as a table: their times, the intervals of their edges, and first those whose
// place is doubtful.

/** @import { Compared, Span } from "./types.js" */

import { element } from "./dom.js";
import { shown } from "./tokens.js";

/** Rows at most; of more words those in view are shown. */
const MOST = 500;

/**
 * Words with times and intervals; above them the doubtful ones, the worst first.
 *
 * @param {HTMLElement} parent Its content is replaced.
 * @param {Compared} words
 * @param {{begin: number, end: number}} view Seconds.
 */
export function showWords(parent, { tokens, intervals, doubts }, { begin, end }) {
  parent.replaceChildren();
  if (doubts.length) {
    element(parent, "p").textContent = "Doubtful, the worst first:";
    const list = element(parent, "ol", "cifviz-doubts");
    for (const { word, reasons } of doubts.slice(0, MOST)) {
      const row = element(list, "li");
      element(row, "bdi").textContent = shown(word);
      element(row, "span").textContent = `: ${reasons.join(", ")}`;
    }
  }
  const isSeen = (/** @type {Span} */ token) =>
    tokens.length <= MOST || (token.end >= begin && token.start <= end);
  const rows = [...tokens.keys()].filter((index) => isSeen(tokens[index])).slice(0, MOST);
  const table = element(parent, "table");
  const part = rows.length < tokens.length ? `${rows.length} in view of ` : "";
  const kind = intervals ? "; from … to: nine in ten true edges lie there" : "";
  element(table, "caption").textContent = `${part}${tokens.length} words, times in seconds${kind}`;
  const more = (/** @type {string} */ edge) => (intervals ? [edge, "from", "to"] : [edge]);
  const head = element(element(table, "thead"), "tr");
  for (const text of ["word", ...more("start"), ...more("end")]) {
    const cell = element(head, "th");
    cell.scope = "col";
    cell.textContent = text;
  }
  const body = element(table, "tbody");
  for (const index of rows) {
    const row = element(body, "tr");
    const name = element(row, "th");
    name.scope = "row";
    name.dir = "auto";
    name.textContent = shown(tokens[index].label);
    const [onset, offset] = intervals?.[index] ?? [[], []];
    const values = [tokens[index].start, ...onset, tokens[index].end, ...offset];
    for (const value of values) element(row, "td").textContent = value.toFixed(3);
  }
}
