// What can be saved without Python: JSON, CSV and the picture.

/** @import { Token } from "./types.js" */

/** @typedef {{name: string, content: Promise<Blob> | Blob}} SavedFile */

/**
 * Files that can be made of an explorer, by the name of their kind.
 *
 * @param {import("./view.js").Explorer} explorer
 * @returns {Record<string, () => SavedFile>}
 */
export function exportsOf(explorer) {
  return {
    JSON: () => ({
      name: "alignment.json",
      content: text(JSON.stringify(explorer.state, null, 2), "application/json"),
    }),
    CSV: () => ({ name: "alignment.csv", content: text(csv(explorer.state.alignment), "text/csv") }),
    PNG: () => ({
      name: "alignment.png",
      content: explorer.picture.toBlob(),
    }),
  };
}

/** What a spreadsheet takes for the beginning of a formula, in any width. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A table with quoted labels; one that a spreadsheet would take for a formula begins with '.
 *
 * @param {Token[]} tokens
 */
export function csv(tokens) {
  const quoted = (/** @type {string} */ label) => `"${label.replace(FORMULA, "'$&").replaceAll('"', '""')}"`;
  const rows = tokens.map(({ label, start, end }) => [quoted(label), start, end].join(","));
  return ["token,start,end", ...rows, ""].join("\r\n");
}

/**
 * @param {string} content
 * @param {string} type
 */
function text(content, type) {
  return new Blob([content], { type: `${type};charset=utf-8` });
}

/**
 * Let the browser save a file.
 *
 * @param {SavedFile} file
 */
export async function save({ name, content }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
