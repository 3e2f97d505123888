// The tokens for the keyboard and for screen readers: a list box of which only the selected option is
// in the page, however many tokens there are.

/** @import { Token } from "./types.js" */

import { element } from "./dom.js";

const HELP =
  "tokens: arrows choose, Enter or space plays, plus and minus zoom, page up and page down move the view, c changes what is heard, Escape leaves";

let lists = 0;

export class TokenList {
  /**
   * @param {HTMLElement} parent
   * @param {{select: (index: number | null) => void, play: (index: number) => void,
   *   zoom: (factor: number) => void, pan: (views: number) => void, stop: () => void, hear: () => void}} acts
   */
  constructor(parent, acts) {
    this.acts = acts;
    /** @type {Token[]} */
    this.tokens = [];
    /** @type {number | null} */
    this.selected = null;
    /** @type {EventTarget | null} What had the focus before. */
    this.from = null;
    this.name = `cifviz-token-${(lists += 1)}`;
    this.box = element(parent, "div", "cifviz-tokens");
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "listbox");
    this.box.setAttribute("aria-orientation", "horizontal");
    this.box.setAttribute("aria-label", HELP);
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.box.addEventListener("pointerdown", (event) => event.stopPropagation()); // no press on the picture
    this.box.addEventListener("focus", (event) => this.enter(event.relatedTarget));
    this.option = this.choose(null);
  }

  /**
   * Show these tokens, one of them selected.
   *
   * @param {Token[]} tokens
   * @param {number | null} selected
   */
  show(tokens, selected) {
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
    times.textContent = `, ${token.start.toFixed(2)} to ${token.end.toFixed(2)} seconds`;
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
    if (this.selected === null && this.tokens.length) this.acts.select(0);
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

  /**
   * Keys act only while the list has the focus, and none of them reaches the notebook.
   *
   * @param {KeyboardEvent} event
   */
  press(event) {
    const last = this.tokens.length - 1;
    const here = this.selected ?? 0;
    const next = () => this.acts.select(Math.min(here + 1, last));
    const previous = () => this.acts.select(Math.max(here - 1, 0));
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowRight: next,
      ArrowDown: next,
      ArrowLeft: previous,
      ArrowUp: previous,
      Home: () => this.acts.select(0),
      End: () => this.acts.select(last),
      Enter: () => this.acts.play(here),
      " ": () => this.acts.play(here),
    };
    /** @type {Record<string, () => void>} */
    const views = {
      "+": () => this.acts.zoom(0.5),
      "-": () => this.acts.zoom(2),
      PageDown: () => this.acts.pan(0.5),
      PageUp: () => this.acts.pan(-0.5),
      c: () => this.acts.hear(),
      Escape: () => this.leave(),
    };
    const act = acts[event.key] ?? views[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.tokens.length || event.key in views) act();
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

