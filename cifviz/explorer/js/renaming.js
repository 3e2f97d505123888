// The field in which a label is written: over its token. What is written is text, never markup.

/** @import { Explorer } from "./view.js" */

import { LONGEST_LABEL } from "./correction.js";
import { element } from "./dom.js";
import { BOXES } from "./spanlane.js";

/** Pixels of the field. */
const [NARROWEST, WIDEST] = [90, 260];

export class RenameField {
  /**
   * @param {Explorer} explorer
   * @param {number} index Of the token.
   * @param {string} label The present one.
   * @param {(text: string | null) => void} done Called once, with the text; null if it is given up.
   */
  constructor({ stage, picture, scale, seen }, index, label, done) {
    this.isOver = false;
    this.done = done;
    this.input = element(stage, "input", "cifviz-rename");
    const { input } = this;
    Object.assign(input, { type: "text", value: label, maxLength: LONGEST_LABEL, dir: "auto", spellcheck: false });
    input.setAttribute("aria-label", `label of token ${index + 1}`);
    const { start, end } = seen.shown.tokens[index];
    const wide = Math.min(Math.max(scale.x(end) - scale.x(start) + 2, NARROWEST), WIDEST, picture.width);
    const left = picture.gutter + scale.x(start) - 1;
    const { top } = picture.strips.tokens;
    input.style.left = `${Math.max(Math.min(left, picture.width - wide), 0)}px`;
    input.style.top = `${picture.canvas.offsetTop + top}px`;
    input.style.width = `${wide}px`;
    input.style.height = `${BOXES}px`;
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("blur", () => this.end(input.value));
    for (const kind of ["pointerdown", "pointermove", "dblclick"]) {
      input.addEventListener(kind, (event) => event.stopPropagation()); // no press on the picture
    }
    input.focus({ preventScroll: true });
    input.select();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.isComposing) return; // Enter then ends a word of a script that is composed
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.end(event.key === "Enter" ? this.input.value : null);
  }

  /** @param {string | null} text */
  end(text) {
    if (this.isOver) return;
    this.isOver = true;
    this.input.remove();
    this.done(text);
  }

  close() {
    this.end(null);
  }
}
