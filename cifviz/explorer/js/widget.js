// The explorer in a notebook: an anywidget. Settings and the chosen token are shared with Python;
// sound and finer pictures come in messages when asked for, so that no notebook grows by them.

import { decoded, tokensOf } from "./data.js";
import { Kernel } from "./kernel.js";
import { Recording } from "./recording.js";
import { askedSound, copied, wholeSound } from "./sound.js";
import { Explorer } from "./view.js";

export default {
  /** @param {{model: object, el: HTMLElement}} given */
  render({ model, el }) {
    const kernel = new Kernel(model);
    const root = document.createElement("div");
    el.append(root);
    let explorer = null;
    let data = null;
    let recording = null;

    const tell = ({ settings, selection }) => {
      model.set({ settings, selection });
      if (!explorer.isPlaced) model.set({ placed: null });
      model.save_changes();
    };
    const show = () => {
      recording?.close();
      explorer?.close();
      data = JSON.parse(model.get("data"));
      explorer = new Explorer(root, decoded(data), { kernel, changed: tell });
      recording = model.get("listens") ? new Recording(root, kernel, explorer) : null;
      follow();
      choose();
      place();
      bringSound(data.sound, kernel, explorer);
    };
    const renew = () => {
      show();
      const warning = data.model.warning && ` (warning: ${data.model.warning})`;
      explorer.say(`Heard: ${data.tokens.join(" ") || "no token"}${warning}`);
    };
    const follow = () => {
      const settings = model.get("settings");
      if (JSON.stringify(settings) !== JSON.stringify(explorer.settings)) explorer.set(settings);
    };
    const choose = () => {
      const index = model.get("selection");
      if (index !== explorer.selected) explorer.select(index);
    };
    const place = () => {
      const alignment = model.get("placed");
      if (alignment) explorer.place(tokensOf(alignment));
    };
    const listeners = {
      "change:data": renew,
      "change:settings": follow,
      "change:selection": choose,
      "change:placed": place,
    };
    show();
    for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
    return () => {
      for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
      kernel.close();
      recording?.close();
      explorer.close();
    };
  },
};

/** Let an explorer have the sound, if Python has it. */
async function bringSound(kind, kernel, explorer) {
  if (kind === "parts") explorer.hear(askedSound(kernel));
  if (kind !== "whole") return;
  try {
    const { buffers } = await kernel.ask({ type: "sound" });
    explorer.hear(wholeSound(copied(buffers[0])));
  } catch (error) {
    explorer.say(`No sound: ${error.message}`);
  }
}
