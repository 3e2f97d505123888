// Sliders and buttons, each with its name and its value in words.

/** @import { Settings } from "./types.js" */
/** @typedef {{label: string, min: number, max: number, step: number}} Range */
/** @typedef {{label: string, options: string[]}} Choice */
/** @typedef {"threshold" | "slack" | "gain" | "smoothing" | "count"} Numbers */
/** @typedef {"scaling"} Words */

import { element } from "./dom.js";
import { LARGEST, RULES } from "./tail.js";

/**
 * Settings of sliders: name, label, range and step.
 *
 * @type {Record<Numbers, Range>}
 */
export const SLIDERS = {
  threshold: { label: "threshold β", min: 0.2, max: 2, step: 0.01 },
  slack: { label: "slack δ", min: 0, max: 0.5, step: 0.01 },
  gain: { label: "gain on α", min: 0.2, max: 2, step: 0.01 },
  smoothing: { label: "smoothing (frames)", min: 0, max: 8, step: 1 },
  count: { label: "number of tokens", min: 0, max: 40, step: 1 },
};
const TAIL = { label: "value of the tail rule", step: 0.01 };
/** @type {Record<Words, Choice>} */
export const CHOICES = {
  scaling: { label: "scaling", options: ["as given", "phrases", "count"] },
};

export class Controls {
  /**
   * @param {HTMLElement} parent
   * @param {Settings} settings
   * @param {(settings: Settings) => void} changed Called at each input.
   * @param {string[]} [fixed] Settings that cannot be moved; "tail rule" is the rule alone.
   */
  constructor(parent, settings, changed, fixed = []) {
    this.settings = { ...settings };
    this.fixed = fixed;
    /** @type {Record<string, () => void>} */
    this.inputs = {};
    for (const name of keysOf(CHOICES)) this.addChoice(parent, name, CHOICES[name]);
    for (const name of keysOf(SLIDERS)) {
      const range = SLIDERS[name];
      const most = name === "count" ? Math.max(range.max, 2 * settings.count) : range.max;
      this.addSlider(parent, name, { ...range, max: most });
    }
    this.addTail(parent);
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
    const input = choice(parent, label, options, (value) => {
      Object.assign(this.settings, { [name]: value });
      this.tell();
    });
    this.inputs[name] = () => {
      input.value = this.settings[name];
      input.disabled = this.fixed.includes(name);
    };
  }

  /**
   * The tail rule and its value, which stays when a rule without one is chosen for a while.
   *
   * @param {HTMLElement} parent
   */
  addTail(parent) {
    let value = this.settings.tail.value ?? 0.5;
    const set = (/** @type {string} */ rule) => {
      const { limits } = RULES[rule];
      this.settings.tail = { rule, value: limits ? within(value, limits) : null };
      this.tell();
    };
    const input = choice(parent, "tail rule", Object.keys(RULES), set);
    const { input: knob, show } = slider(parent, { ...TAIL, ...tailRange([0, LARGEST]) }, (moved) => {
      value = moved;
      set(this.settings.tail.rule);
    });
    this.inputs.tail = () => {
      const { tail } = this.settings;
      const { limits } = RULES[tail.rule];
      value = tail.value ?? value;
      input.value = tail.rule;
      if (limits) Object.assign(knob, tailRange(limits)); // before the value, which it limits
      show(value);
      input.disabled = this.fixed.includes("tail") || this.fixed.includes("tail rule");
      knob.disabled = !limits || this.fixed.includes("tail");
    };
  }

  /**
   * Whether it cannot be moved, or moving it would change nothing.
   *
   * @param {Numbers} name
   */
  isIdle(name) {
    return this.fixed.includes(name) || (name === "count" && this.settings.scaling !== "count");
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
 * Ends of the slider of a rule's value: its limits, or the first token's worth of weight where any
 * weight will do.
 *
 * @param {[number, number]} limits
 */
export function tailRange([min, most]) {
  return { min, max: most < LARGEST ? most : min + 1 };
}

/**
 * @param {number} value
 * @param {[number, number]} limits
 */
function within(value, [least, most]) {
  return Math.min(Math.max(value, least), most);
}

/**
 * A list to choose from, with its name.
 *
 * @param {HTMLElement} parent
 * @param {string} label
 * @param {string[]} options
 * @param {(option: string) => void} act Called when another one is chosen.
 */
function choice(parent, label, options, act) {
  const row = element(parent, "label", "cifviz-control");
  element(row, "span").textContent = label;
  const input = element(row, "select");
  for (const option of options) {
    Object.assign(element(input, "option"), { value: option, textContent: option.replace("_", " ") });
  }
  input.addEventListener("change", () => act(input.value));
  return input;
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
