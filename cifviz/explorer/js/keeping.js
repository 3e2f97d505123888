// A button that keeps the present settings as a lane, and one for each kept lane that removes it.

import { button, element } from "./dom.js";

export class Keeping {
  /**
   * @param {HTMLElement} parent
   * @param {{keep: () => void, remove: (index: number) => void}} acts
   */
  constructor(parent, acts) {
    this.acts = acts;
    this.keep = button(parent, "keep as lane", acts.keep);
    this.list = element(parent, "span", "cifviz-kept");
    /** @type {string[]} */
    this.names = [];
  }

  /**
   * Offer to remove these.
   *
   * @param {string[]} names
   */
  show(names) {
    if (names.join("\n") === this.names.join("\n")) return;
    this.names = names;
    const hadFocus = this.list.contains(document.activeElement);
    this.list.replaceChildren();
    names.forEach((name, index) => button(this.list, `remove ${name}`, () => this.acts.remove(index)));
    if (hadFocus) this.keep.focus();
  }
}
