// How far the lanes agree, in numbers: each compared lane with the tokens, and all with the reference.

/** @import { Agreement } from "./agreement.js" */
/** @import { Seen, Token } from "./types.js" */

import { agreement, titleOf } from "./agreement.js";
import { brief } from "./comparelane.js";
import { element, milliseconds } from "./dom.js";
import { MOST_PLACES } from "./pairing.js";

/** What the columns hold, and how a number is written there. */
const COLUMNS = /** @type {[string, (numbers: Agreement) => string][]} */ ([
  ["matched", ({ matched }) => String(matched)],
  ["alone", ({ matched, reference, hypothesis }) => String(reference + hypothesis - 2 * matched)],
  ["≤ 20 ms, %", ({ within20ms }) => whole(100 * within20ms)],
  ["≤ 50 ms, %", ({ within50ms }) => whole(100 * within50ms)],
  ["starts, ms", ({ startMeanAbsolute }) => whole(1000 * startMeanAbsolute)],
  ["ends, ms", ({ endMeanAbsolute }) => whole(1000 * endMeanAbsolute)],
  ["median of starts, ms", ({ startMedian }) => signed(startMedian)],
  ["median of ends, ms", ({ endMedian }) => signed(endMedian)],
]);
const CAPTION =
  "Matched tokens have the same name, and alone are those of both lanes without a partner; then the share of edges " +
  "that are so near, the mean absolute differences of starts and ends, and the median ones (negative: earlier).";
const NONE = "–";

/**
 * Pairs of lanes, by what is subtracted from what; numbers are null where too many tokens would have
 * to be matched.
 *
 * @param {Pick<Seen, "shown" | "corrected" | "compare" | "matches" | "utterance" | "tier">} seen
 * @returns {{name: string, numbers: Agreement | null}[]}
 */
export function agreements(seen) {
  const { compare, matches, shown } = seen;
  const { reference } = seen.utterance;
  const title = titleOf(seen);
  const others = compare.map(({ name, tokens }, index) => ({ name, tokens, index })).filter(({ index }) => !compare[index].isOwn);
  const rows = others.map(({ name, tokens, index }) => {
    const match = matches.lanes[index];
    const numbers = match && agreement(match.base, tokens, match.pairs);
    return { name: `${brief(name)} − ${match?.title ?? title}`, numbers };
  });
  if (reference) {
    const all = [{ name: title, tokens: shown.tokens }, ...compare];
    for (const { name, tokens } of all) {
      rows.push({ name: `${brief(name)} − reference`, numbers: numbersOf(reference, tokens) });
    }
  }
  return rows;
}

/**
 * @param {readonly Token[]} reference
 * @param {readonly Token[]} tokens
 */
function numbersOf(reference, tokens) {
  return reference.length * tokens.length > MOST_PLACES ? null : agreement(reference, tokens);
}

/**
 * The numbers as a table.
 *
 * @param {HTMLElement} parent Its content is replaced.
 * @param {ReturnType<typeof agreements>} rows
 */
export function showAgreements(parent, rows) {
  const table = document.createElement("table");
  table.className = "cifviz-stacked"; // on a narrow page rows become blocks, which take these roles away
  table.setAttribute("role", "table");
  element(table, "caption").textContent = CAPTION;
  const head = element(element(table, "thead"), "tr");
  for (const text of ["lanes", ...COLUMNS.map(([title]) => title)]) {
    const cell = element(head, "th");
    cell.scope = "col";
    cell.textContent = text;
  }
  const body = element(table, "tbody");
  for (const { name, numbers } of rows) {
    const row = element(body, "tr");
    row.setAttribute("role", "row");
    const title = element(row, "th");
    title.scope = "row";
    title.dir = "auto";
    title.setAttribute("role", "rowheader");
    title.textContent = name;
    for (const [column, write] of COLUMNS) {
      const cell = element(row, "td");
      cell.setAttribute("role", "cell");
      cell.dataset.column = column;
      cell.textContent = numbers ? write(numbers) : NONE;
    }
  }
  parent.replaceChildren(table);
}

/** @param {number} value */
function whole(value) {
  return Number.isNaN(value) ? NONE : String(Math.round(value));
}

/** @param {number} seconds */
function signed(seconds) {
  return Number.isNaN(seconds) ? NONE : milliseconds(seconds).replace(" ms", "");
}
