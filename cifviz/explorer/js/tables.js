// The tables below the picture, which open on demand: tokens, words, and the agreement of the lanes.

/** @import { Seen } from "./types.js" */
/** @import { TimeScale } from "./timescale.js" */

import { agreements, showAgreements } from "./agreementtable.js";
import { element } from "./dom.js";
import { showTable } from "./table.js";
import { showWords } from "./wordtable.js";

export class Tables {
  /**
   * @param {HTMLElement} parent
   * @param {() => void} opened Called when one is opened or closed.
   */
  constructor(parent, opened) {
    this.agreement = addTable(parent, "agreement of the lanes", opened);
    this.words = addTable(parent, "words as a table", opened);
    this.tokens = addTable(parent, "tokens as a table", opened);
    /** @type {Seen["matches"] | null} Of which the table of the agreement tells. */
    this.told = null;
  }

  /**
   * Fill those that are open.
   *
   * @param {Seen} seen
   * @param {TimeScale} scale
   */
  show(seen, scale) {
    const { agreement, words, tokens } = this;
    if (tokens.box.open) showTable(tokens.table, seen, scale);
    const own = seen.compare.find(({ isOwn }) => isOwn);
    words.box.hidden = !own;
    if (own && words.box.open) showWords(words.table, own, scale);
    const isCompared = seen.compare.length > (own ? 1 : 0) || seen.utterance.reference;
    agreement.box.hidden = !isCompared;
    if (!isCompared || !agreement.box.open || this.told === seen.matches) return;
    showAgreements(agreement.table, agreements(seen));
    this.told = seen.matches;
  }
}

/**
 * @param {HTMLElement} parent
 * @param {string} title
 * @param {() => void} opened
 */
function addTable(parent, title, opened) {
  const box = element(parent, "details");
  element(box, "summary").textContent = title;
  const table = element(box, "div", "cifviz-table");
  box.addEventListener("toggle", opened);
  return { box, table };
}
