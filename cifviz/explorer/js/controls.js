// Sliders and buttons, each with its name and its value in words.

/** @import { Settings } from "./types.js" */
/** @typedef {{label: string, min: number, max: number, step: number}} Range */
/** @typedef {{label: string, options: string[]}} Choice */
/** @typedef {"threshold" | "slack" | "tailThreshold" | "gain" | "smoothing" | "count"} Numbers */
/** @typedef {"tailRule" | "scaling"} Words */

import { element } from "./dom.js";

/**
 * Settings of sliders: name, label, range and step.
 *
 * @type {Record<Numbers, Range>}
 */
const SLIDERS = {
  threshold: { label: "threshold β", min: 0.2, max: 2, step: 0.01 },
  slack: { label: "slack δ", min: 0, max: 0.5, step: 0.01 },
  tailThreshold: { label: "tail threshold τ", min: 0, max: 1, step: 0.01 },
  gain: { label: "gain on α", min: 0.2, max: 2, step: 0.01 },
  smoothing: { label: "smoothing (frames)", min: 0, max: 8, step: 1 },
  count: { label: "number of tokens", min: 0, max: 40, step: 1 },
};
/** @type {Record<Words, Choice>} */
const CHOICES = {
  tailRule: { label: "rest at the end", options: ["none", "above", "at least"] },
  scaling: { label: "scaling", options: ["as given", "phrases", "count"] },
};

export class Controls {
  /**
   * @param {HTMLElement} parent
   * @param {Settings} settings
   * @param {(settings: Settings) => void} changed Called at each input.
   */
  constructor(parent, settings, changed) {
    this.settings = { ...settings };
    /** @type {Record<string, () => void>} */
    this.inputs = {};
    for (const name of keysOf(CHOICES)) this.addChoice(parent, name, CHOICES[name]);
    for (const name of keysOf(SLIDERS)) {
      const range = SLIDERS[name];
      const most = name === "count" ? Math.max(range.max, 2 * settings.count) : range.max;
      this.addSlider(parent, name, { ...range, max: most });
    }
    this.changed = changed;
    this.show();
  }

  /**
   * Move the controls, without a call of `changed`.
   *
   * @param {Partial<Settings>} settings
   */
  set(settings) {
    this.settings = { ...this.settings, ...settings };
    this.show();
  }

  /**
   * @param {HTMLElement} parent
   * @param {Numbers} name
   * @param {Range} range
   */
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

  /**
   * @param {HTMLElement} parent
   * @param {Words} name
   * @param {Choice} choice
   */
  addChoice(parent, name, { label, options }) {
    const row = element(parent, "label", "cifviz-control");
    element(row, "span").textContent = label;
    const input = element(row, "select");
    for (const option of options) element(input, "option").textContent = option;
    input.addEventListener("change", () => {
      Object.assign(this.settings, { [name]: input.value });
      this.tell();
    });
    this.inputs[name] = () => {
      input.value = this.settings[name];
    };
  }

  /**
   * Whether moving it would change nothing.
   *
   * @param {Numbers} name
   */
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
 * @param {Range} range
 * @param {(value: number) => void} act Called at each input.
 * @returns {{input: HTMLInputElement, show: (value: number, words?: string) => void}}
 */
export function slider(parent, { label, ...range }, act) {
  const row = element(parent, "label", "cifviz-control");
  element(row, "span").textContent = label;
  const input = Object.assign(element(row, "input"), { type: "range", ...range });
  const output = element(row, "span", "cifviz-value");
  output.setAttribute("aria-hidden", "true"); // aria-valuetext has the same words
  input.addEventListener("input", () => act(Number(input.value)));
  const show = (/** @type {number} */ value, words = String(Number(value.toFixed(3)))) => {
    input.value = String(value);
    output.textContent = words;
    input.setAttribute("aria-valuetext", words);
  };
  return { input, show };
}

/**
 * @template {string} Name
 * @param {Record<Name, unknown>} named
 */
function keysOf(named) {
  return /** @type {Name[]} */ (Object.keys(named));
}
