// Lanes that are compared: settings that are kept as lanes, and which token of a lane is which.

/** @import { Kept } from "./kept.js" */
/** @import { Seen } from "./types.js" */
/** @import { Explorer } from "./view.js" */

import { matchCost, matchLanes, matchReference } from "./agreement.js";
import { messageOf } from "./dom.js";
import { MOST, checkedKept, differing, keptLanes } from "./kept.js";

/** Pairs of tokens that are matched at each movement of a slider; more are matched after it. */
const QUICK = 40_000;

/** @type {Seen["matches"]} */
export const NO_MATCHES = { lanes: [], reference: null };

export class Comparing {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    /** @type {Kept[]} Settings that are lanes. */
    this.kept = [];
    this.isMatched = false;
  }

  /**
   * Match the lanes with the tokens: at once where that is quick, else a little later.
   *
   * @param {boolean} [isLater]
   */
  match(isLater = false) {
    const { seen } = this.explorer;
    const isNow = isLater || matchCost(seen) <= QUICK;
    seen.matches = {
      lanes: isNow ? matchLanes(seen) : seen.compare.map(() => null),
      reference: isNow || seen.shown.errors ? matchReference(seen) : null,
    };
    this.isMatched = isNow;
  }

  /** Keep the tokens at the present settings as a lane. */
  keep() {
    const { settings, data } = this.explorer;
    const kept = differing(settings, data.utterance.settings);
    const same = this.kept.some((one) => JSON.stringify(one) === JSON.stringify(kept));
    if (same) this.explorer.say("These settings are a lane already.");
    else this.set([...this.kept, kept]);
  }

  /** @param {number} index Of kept settings whose lane goes. */
  remove(index) {
    this.set(this.kept.filter((_, place) => place !== index));
  }

  /**
   * Show other kept settings as lanes, as many as there is room for.
   *
   * @param {unknown[]} kept Settings, some or all; what none are is left out.
   */
  set(kept) {
    const { data, seen, tables, keeping, picture } = this.explorer;
    const { utterance, compare } = data;
    const room = Math.max(MOST - compare.filter(({ isOwn }) => !isOwn).length, 0);
    const wanted = kept.map((one) => checkedKept(one, utterance)).filter((one) => one !== null);
    if (wanted.length > room) this.explorer.say(`At most ${MOST} lanes can be compared: remove one first.`);
    const taken = compare.map(({ name }) => name);
    try {
      const lanes = keptLanes(wanted.slice(0, room), utterance, taken);
      this.kept = wanted.slice(0, room);
      seen.compare = [...compare, ...lanes];
      keeping.show(lanes.map(({ name }) => name));
    } catch (error) {
      this.explorer.say(`Not kept: ${messageOf(error)}`);
    }
    if (this.kept.length) tables.agreement.box.open = true;
    this.match();
    this.explorer.tell();
    picture.draw();
  }
}
