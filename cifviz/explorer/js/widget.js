// The explorer in a notebook: an anywidget. Settings and the selected token are shared with Python;
// sound and finer pictures come in messages on demand, so that they are not stored in a notebook.

/** @import { State, WidgetModel, WrittenData } from "./types.js" */

import { decoded, tokensOf, writtenSpans } from "./data.js";
import { messageOf } from "./dom.js";
import { Kernel } from "./kernel.js";
import { Recording } from "./recording.js";
import { askedSound } from "./sound.js";
import { Explorer } from "./view.js";

export default {
  /** @param {{model: WidgetModel, el: HTMLElement}} given */
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};

/** One view of the widget: an explorer that follows the model, and that the model follows. */
class View {
  /**
   * @param {WidgetModel} model
   * @param {HTMLElement} parent
   */
  constructor(model, parent) {
    this.model = model;
    this.kernel = new Kernel(model);
    this.root = document.createElement("div");
    parent.append(this.root);
    this.data = this.readData();
    this.explorer = this.show();
    this.recording = this.record();
    /** @type {[`change:${"data" | "settings" | "selection" | "placed" | "edited" | "kept"}`, () => void][]} */
    this.listeners = [
      ["change:data", () => this.renew()],
      ["change:settings", () => this.follow()],
      ["change:selection", () => this.select()],
      ["change:placed", () => this.place()],
      ["change:kept", () => this.keep()],
      ["change:edited", () => this.correct()],
    ];
    this.update();
    for (const [event, listener] of this.listeners) model.on(event, listener);
  }

  /** @returns {WrittenData} */
  readData() {
    return JSON.parse(this.model.get("data"));
  }

  show() {
    const changed = (/** @type {State} */ state) => this.tell(state);
    return new Explorer(this.root, decoded(this.data), { kernel: this.kernel, changed });
  }

  record() {
    const { model, root, kernel, explorer } = this;
    return model.get("listens") ? new Recording(root, kernel, explorer) : null;
  }

  /** Bring the explorer to where the model is. */
  update() {
    this.follow();
    this.place();
    this.keep();
    this.correct();
    this.select();
    void bringSound(this.data.sound, this.kernel, this.explorer);
  }

  /**
   * Bring the model to where the explorer is.
   *
   * @param {State} state
   */
  tell({ settings, corrected, selection, kept }) {
    // One by one: marimo's model takes no several at once.
    this.model.set("settings", settings);
    this.model.set("edited", corrected && writtenSpans(corrected));
    this.model.set("selection", selection);
    this.model.set("kept", kept);
    if (!this.explorer.isPlaced) this.model.set("placed", null);
    this.model.save_changes();
  }

  /** Show another utterance. */
  renew() {
    this.recording?.close();
    this.explorer.close();
    this.data = this.readData();
    this.explorer = this.show();
    this.recording = this.record();
    this.update();
    const { tokens, model } = this.data;
    const warning = model.warning && ` (warning: ${model.warning})`;
    this.explorer.say(`Transcription: ${tokens.join(" ") || "no token"}${warning}`);
  }

  follow() {
    const settings = this.model.get("settings");
    if (JSON.stringify(settings) === JSON.stringify(this.explorer.settings)) return;
    this.explorer.set(settings);
    // The explorer would stay at the same word and tell the model so, over what Python selects next.
    this.select();
  }

  select() {
    const index = this.model.get("selection");
    if (index !== this.explorer.selected) this.explorer.select(index);
  }

  place() {
    const alignment = this.model.get("placed");
    if (alignment) this.explorer.place(tokensOf(alignment));
  }

  keep() {
    const kept = this.model.get("kept") ?? []; // older notebooks have none
    if (JSON.stringify(kept) !== JSON.stringify(this.explorer.comparing.kept)) this.explorer.comparing.set(kept);
  }

  correct() {
    const edited = this.model.get("edited");
    this.explorer.editing.take(edited && tokensOf(edited));
  }

  close() {
    for (const [event, listener] of this.listeners) this.model.off(event, listener);
    this.kernel.close();
    this.recording?.close();
    this.explorer.close();
  }
}

/**
 * Let an explorer have the sound, if Python has it: all of it at once where it is one piece, so that
 * it is there when the kernel no longer is.
 *
 * @param {WrittenData["sound"]} about
 * @param {Kernel} kernel
 * @param {Explorer} explorer
 */
async function bringSound(about, kernel, explorer) {
  if (!about) return;
  const sound = askedSound(about, kernel);
  try {
    if (about.length <= about.piece) await sound.load(0, sound.samples.length);
    explorer.setSound(sound);
  } catch (error) {
    explorer.say(`No sound: ${messageOf(error)}`);
  }
}
