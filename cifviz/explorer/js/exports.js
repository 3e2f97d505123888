// What can be saved without Python: the alignment in several formats, and the picture.

/** @import { Tiers } from "./downloads.js" */
/** @import { Seen } from "./types.js" */

import { audacity, csv, ctm, free, json, srt, textgrid, webvtt } from "./downloads.js";

/** @typedef {{name: string, content: Promise<Blob> | Blob}} SavedFile */

/**
 * Files that can be made of an explorer, by the name of their kind.
 *
 * @param {import("./view.js").Explorer} explorer
 * @returns {Record<string, () => SavedFile>}
 */
export function exportsOf(explorer) {
  const { name, utterance } = explorer.data;
  const file = (/** @type {string} */ suffix, /** @type {string} */ content, type = "text/plain") => ({
    name: `${fileName(name)}.${suffix}`,
    content: text(content, type),
  });
  const tiers = () => tiersOf(explorer.seen);
  const tokens = () => explorer.seen.shown.tokens;
  const { duration } = utterance;
  return {
    JSON: () => file("json", json(tiers(), duration, { settings: explorer.settings }), "application/json"),
    CSV: () => file("csv", csv(tiers()), "text/csv"),
    TextGrid: () => file("TextGrid", textgrid(tiers(), duration)),
    CTM: () => file("ctm", ctm(tokens(), fileName(name))),
    SRT: () => file("srt", srt(tokens())),
    VTT: () => file("vtt", webvtt(tokens()), "text/vtt"),
    "Audacity labels": () => file("txt", audacity(tokens())),
    PNG: () => ({ name: `${fileName(name)}.png`, content: explorer.picture.toBlob() }),
  };
}

/**
 * All that is shown: the words of phones, the tokens, those of CIF where a person corrected them, the
 * alignments beside them, the reference.
 *
 * @param {Pick<Seen, "aligned" | "shown" | "corrected" | "compare" | "tier"> & {utterance: Pick<Seen["utterance"], "reference">}} seen
 * @returns {Tiers}
 */
export function tiersOf({ aligned, shown, corrected, compare, tier, utterance }) {
  /** @type {Tiers} */
  const tiers = new Map();
  const before = tier === "phones" ? 1 : 0;
  for (const { name, tokens } of compare.slice(0, before)) tiers.set(name, tokens);
  tiers.set(tier, shown.tokens);
  if (corrected) {
    const taken = new Set(["reference", tier, ...compare.map(({ name }) => name)]);
    tiers.set(free("CIF", taken), aligned.tokens);
  }
  for (const { name, tokens } of compare.slice(before)) tiers.set(name, tokens);
  if (utterance.reference) tiers.set("reference", utterance.reference);
  return tiers;
}

/**
 * A name that every system takes for a file.
 *
 * @param {string} name
 */
function fileName(name) {
  return name.replace(/[\p{Cc}\p{Cs}/\\:*?"<>|]/gu, "_") || "alignment";
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
