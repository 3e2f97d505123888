// The tokens for the keyboard and for screen readers: a list box of which only the chosen option is
// in the page, however many tokens there are.

import { element } from "./controls.js";

let lists = 0;

export class TokenList {
  /**
   * @param {HTMLElement} parent
   * @param {{select: (index: number | null) => void, play: (index: number) => void,
   *   zoom: (factor: number) => void, stop: () => void}} acts
   */
  constructor(parent, acts) {
    this.acts = acts;
    this.tokens = [];
    this.selected = null;
    this.box = element(parent, "div", "cifviz-tokens");
    Object.assign(this.box, { tabIndex: 0 });
    this.box.setAttribute("role", "listbox");
    this.box.setAttribute(
      "aria-label",
      "tokens: arrows choose, Enter or space plays, plus and minus zoom, Escape leaves",
    );
    this.option = element(this.box, "div");
    this.option.id = `cifviz-token-${(lists += 1)}`;
    this.option.setAttribute("role", "option");
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.box.addEventListener("focus", () => {
      if (this.selected === null && this.tokens.length) this.acts.select(0);
    });
  }

  /** Show these tokens, one of them chosen. */
  show(tokens, selected) {
    this.tokens = tokens;
    this.selected = selected;
    const token = selected === null ? null : tokens[selected];
    this.option.textContent = token
      ? `${token.label}, ${token.start.toFixed(2)} to ${token.end.toFixed(2)} seconds`
      : "no token is chosen";
    this.option.setAttribute("aria-selected", String(token !== null));
    say(this.option, "aria-setsize", token && tokens.length);
    say(this.option, "aria-posinset", token && selected + 1);
    say(this.box, "aria-activedescendant", token && this.option.id);
  }

  /** Keys act only while the list has the focus, and none of them reaches the notebook. */
  press(event) {
    const last = this.tokens.length - 1;
    const here = this.selected ?? 0;
    const acts = {
      ArrowRight: () => this.acts.select(Math.min(here + 1, last)),
      ArrowLeft: () => this.acts.select(Math.max(here - 1, 0)),
      Home: () => this.acts.select(0),
      End: () => this.acts.select(last),
      Enter: () => this.acts.play(here),
      " ": () => this.acts.play(here),
      "+": () => this.acts.zoom(0.5),
      "-": () => this.acts.zoom(2),
      Escape: () => {
        this.acts.stop();
        this.box.blur();
      },
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.tokens.length || event.key === "Escape") act();
  }
}

/** Set an attribute, or take it away where there is nothing to say. */
function say(where, name, value) {
  if (value) where.setAttribute(name, String(value));
  else where.removeAttribute(name);
}
