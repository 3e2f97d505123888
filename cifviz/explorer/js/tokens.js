// The tokens for the keyboard and for screen readers: a list box of which only the selected option is
// in the page, however many tokens there are.

/** @import { Token } from "./types.js" */

import { element } from "./dom.js";

const HELP =
  "tokens: arrows choose, Enter or space plays, s and e choose an edge that arrows then move, F2 renames, a and b mark a region, plus and minus zoom, page up and page down move the view, Escape leaves; all keys are in the help";

let lists = 0;

export class TokenList {
  /**
   * @param {HTMLElement} parent
   * @param {{select: (index: number | null) => void, stop: () => void}} acts
   */
  constructor(parent, acts) {
    this.acts = acts;
    /** @type {readonly Token[]} */
    this.tokens = [];
    /** @type {number | null} */
    this.selected = null;
    /** @type {EventTarget | null} What had the focus before. */
    this.from = null;
    this.isQuiet = false;
    this.name = `cifviz-token-${(lists += 1)}`;
    this.box = element(parent, "div", "cifviz-tokens");
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "listbox");
    this.box.setAttribute("aria-orientation", "horizontal");
    this.box.setAttribute("aria-label", HELP);
    this.box.addEventListener("pointerdown", (event) => event.stopPropagation()); // no press on the picture
    this.box.addEventListener("focus", (event) => this.enter(event.relatedTarget));
    this.option = this.choose(null);
  }

  /**
   * Show these tokens, one of them selected.
   *
   * @param {readonly Token[]} tokens
   * @param {number | null} selected
   * @param {string} note What else is to be said of that one.
   */
  show(tokens, selected, note) {
    this.tokens = tokens;
    if (selected !== this.selected) this.option = this.choose(selected);
    const { option, label, times, place } = this.option;
    if (selected === null || !tokens[selected]) {
      label.textContent = "no token is selected";
      times.textContent = place.textContent = "";
      option.removeAttribute("aria-setsize");
      option.removeAttribute("aria-posinset");
      return;
    }
    const token = tokens[selected];
    label.textContent = shown(token.label);
    times.textContent = `, ${token.start.toFixed(2)} to ${token.end.toFixed(2)} seconds${note}`;
    place.textContent = ` · ${selected + 1} of ${tokens.length}`;
    option.setAttribute("aria-setsize", String(tokens.length));
    option.setAttribute("aria-posinset", String(selected + 1));
  }

  /**
   * Put a new option into the box: screen readers do not announce one that only changes.
   *
   * @param {number | null} selected
   */
  choose(selected) {
    this.selected = selected;
    const option = document.createElement("div");
    option.id = `${this.name}-${selected ?? "none"}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(selected !== null));
    const label = element(option, "bdi");
    const times = element(option, "span");
    const place = element(option, "span", "cifviz-place");
    place.setAttribute("aria-hidden", "true"); // aria-posinset has the same meaning
    this.box.replaceChildren(option);
    if (selected === null) this.box.removeAttribute("aria-activedescendant");
    else this.box.setAttribute("aria-activedescendant", option.id);
    return { option, label, times, place };
  }

  /**
   * Take the focus; without a selected token the first is selected.
   *
   * @param {EventTarget | null} from What had the focus before.
   */
  enter(from) {
    this.from = from;
    if (!this.isQuiet && this.selected === null && this.tokens.length) this.acts.select(0);
  }

  /** Take the focus, and select nothing. */
  focus() {
    const { from } = this;
    this.isQuiet = true;
    this.box.focus({ preventScroll: true });
    this.isQuiet = false;
    this.from ??= from;
  }

  /** Give the focus back to what had it, or to the explorer as a whole. */
  leave() {
    this.acts.stop();
    if (this.from instanceof HTMLElement && this.from.isConnected) {
      this.from.focus();
      return;
    }
    const root = /** @type {HTMLElement} */ (this.box.closest(".cifviz-explorer"));
    root.tabIndex = -1;
    root.focus();
  }
}

/**
 * A label; an empty one is named, since it would look like a fault.
 *
 * @param {string} label
 */
export function shown(label) {
  return label.trim() ? label : "(no label)";
}

