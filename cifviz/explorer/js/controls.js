// Sliders and buttons, each with its name and its value in words.

import { element } from "./dom.js";

/** Settings that a slider moves: name, range, step, and what a screen reader calls it. */
const SLIDERS = {
  threshold: { label: "threshold β", min: 0.2, max: 2, step: 0.01 },
  slack: { label: "slack δ", min: 0, max: 0.5, step: 0.01 },
  tailThreshold: { label: "tail threshold τ", min: 0, max: 1, step: 0.01 },
  gain: { label: "gain on α", min: 0.2, max: 2, step: 0.01 },
  smoothing: { label: "smoothing (frames)", min: 0, max: 8, step: 1 },
  count: { label: "number of tokens", min: 0, max: 40, step: 1 },
};
const CHOICES = {
  tailRule: { label: "rest at the end", options: ["none", "above", "at least"] },
  scaling: { label: "scaling", options: ["as given", "phrases", "count"] },
};

export class Controls {
  /**
   * @param {HTMLElement} parent
   * @param {import("./alignment.js").Settings} settings
   * @param {(settings: import("./alignment.js").Settings) => void} changed Called at each input.
   */
  constructor(parent, settings, changed) {
    this.settings = { ...settings };
    this.inputs = {};
    for (const [name, choice] of Object.entries(CHOICES)) this.addChoice(parent, name, choice);
    for (const [name, slider] of Object.entries(SLIDERS)) {
      const most = name === "count" ? Math.max(slider.max, 2 * settings.count) : slider.max;
      this.addSlider(parent, name, { ...slider, max: most });
    }
    this.changed = changed;
    this.show();
  }

  /** Let the controls stand where settings say, without telling anybody. */
  set(settings) {
    this.settings = { ...this.settings, ...settings };
    this.show();
  }

  addSlider(parent, name, range) {
    const { input, show } = slider(parent, range, (value) => {
      this.settings[name] = value;
      this.tell();
    });
    this.inputs[name] = () => {
      show(this.settings[name]);
      input.disabled = this.isIdle(name);
    };
  }

  addChoice(parent, name, { label, options }) {
    const row = element(parent, "label", "cifviz-control");
    element(row, "span").textContent = label;
    const input = element(row, "select");
    for (const option of options) element(input, "option").textContent = option;
    input.addEventListener("change", () => {
      this.settings[name] = input.value;
      this.tell();
    });
    this.inputs[name] = () => {
      input.value = this.settings[name];
    };
  }

  /** Whether moving it would change nothing. */
  isIdle(name) {
    if (name === "tailThreshold") return this.settings.tailRule === "none";
    return name === "count" && this.settings.scaling !== "count";
  }

  show() {
    for (const show of Object.values(this.inputs)) show();
  }

  tell() {
    this.show();
    this.changed({ ...this.settings });
  }
}

/**
 * A slider with its name and its value in words, which may lie beyond its ends.
 *
 * @param {HTMLElement} parent
 * @param {{label: string, min: number, max: number, step: number}} range
 * @param {(value: number) => void} act Called at each input.
 * @returns {{input: HTMLInputElement, show: (value: number, words?: string) => void}}
 */
export function slider(parent, { label, ...range }, act) {
  const row = element(parent, "label", "cifviz-control");
  element(row, "span").textContent = label;
  const input = Object.assign(element(row, "input"), { type: "range", ...range });
  const said = element(row, "span", "cifviz-value");
  said.setAttribute("aria-hidden", "true"); // the slider says it itself
  input.addEventListener("input", () => act(Number(input.value)));
  const show = (value, words = String(Number(value.toFixed(3)))) => {
    input.value = String(value);
    said.textContent = words;
    input.setAttribute("aria-valuetext", words);
  };
  return { input, show };
}
