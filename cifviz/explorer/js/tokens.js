// The tokens for the keyboard and for screen readers: a list box of which only the chosen option is
// in the page, however many tokens there are.

import { element } from "./dom.js";

const HELP =
  "tokens: arrows choose, Enter or space plays, plus and minus zoom, page up and page down move the view, Escape leaves";

let lists = 0;

export class TokenList {
  /**
   * @param {HTMLElement} parent
   * @param {{select: (index: number | null) => void, play: (index: number) => void,
   *   zoom: (factor: number) => void, pan: (views: number) => void, stop: () => void}} acts
   */
  constructor(parent, acts) {
    this.acts = acts;
    this.tokens = [];
    this.selected = null;
    this.name = `cifviz-token-${(lists += 1)}`;
    this.box = element(parent, "div", "cifviz-tokens");
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "listbox");
    this.box.setAttribute("aria-orientation", "horizontal");
    this.box.setAttribute("aria-label", HELP);
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.box.addEventListener("pointerdown", (event) => event.stopPropagation()); // no press on the picture
    this.box.addEventListener("focus", (event) => this.enter(event.relatedTarget));
    this.choose(null);
  }

  /** Show these tokens, one of them chosen. */
  show(tokens, selected) {
    this.tokens = tokens;
    if (selected !== this.selected) this.choose(selected);
    const token = tokens[selected];
    this.label.textContent = token ? shown(token.label) : "no token is chosen";
    this.times.textContent = token
      ? `, ${token.start.toFixed(2)} to ${token.end.toFixed(2)} seconds`
      : "";
    this.place.textContent = token ? ` · ${selected + 1} of ${tokens.length}` : "";
    say(this.option, "aria-setsize", token && tokens.length);
    say(this.option, "aria-posinset", token && selected + 1);
  }

  /** Another token is another option: a screen reader is silent about one that only changes. */
  choose(selected) {
    this.selected = selected;
    const option = document.createElement("div");
    option.id = `${this.name}-${selected ?? "none"}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(selected !== null));
    this.label = element(option, "bdi");
    this.times = element(option, "span");
    this.place = element(option, "span", "cifviz-place");
    this.place.setAttribute("aria-hidden", "true"); // aria-posinset says it
    this.option = option;
    this.box.replaceChildren(option);
    say(this.box, "aria-activedescendant", selected !== null && option.id);
  }

  /** The focus came from somewhere; without a chosen token the first is. */
  enter(from) {
    this.from = from;
    if (this.selected === null && this.tokens.length) this.acts.select(0);
  }

  /** Give the focus back to what had it, or to the explorer as a whole. */
  leave() {
    this.acts.stop();
    const root = this.box.closest(".cifviz-explorer");
    root.tabIndex = -1;
    (this.from?.isConnected ? this.from : root).focus();
  }

  /** Keys act only while the list has the focus, and none of them reaches the notebook. */
  press(event) {
    const last = this.tokens.length - 1;
    const here = this.selected ?? 0;
    const next = () => this.acts.select(Math.min(here + 1, last));
    const previous = () => this.acts.select(Math.max(here - 1, 0));
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
    const views = {
      "+": () => this.acts.zoom(0.5),
      "-": () => this.acts.zoom(2),
      PageDown: () => this.acts.pan(0.5),
      PageUp: () => this.acts.pan(-0.5),
      Escape: () => this.leave(),
    };
    const act = acts[event.key] ?? views[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.tokens.length || event.key in views) act();
  }
}

/** A label in words; one that shows nothing would be taken for a fault. */
export function shown(label) {
  return label.trim() ? label : "(no label)";
}

/** Set an attribute, or take it away where there is nothing to say. */
function say(where, name, value) {
  if (value) where.setAttribute(name, String(value));
  else where.removeAttribute(name);
}
