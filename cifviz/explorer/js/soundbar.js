// Buttons of the sound: play, stop, repeat, how fast, and whether the voice sounds or its CIF.

/** @import { Player } from "./player.js" */

import { button, element, toggle } from "./dom.js";
import { MODES, SPEEDS } from "./player.js";

export class SoundBar {
  /**
   * @param {HTMLElement} bar A group of buttons, hidden until there is something to hear.
   * @param {Player} player
   * @param {{play: () => void, stop: () => void, say: (text: string) => void}} acts
   */
  constructor(bar, player, acts) {
    this.bar = bar;
    this.player = player;
    this.acts = acts;
    /** @type {HTMLButtonElement | null} */
    this.hear = null;
    /** @type {HTMLButtonElement | null} */
    this.loop = null;
    bar.hidden = true;
  }

  /** Offer to play: the sound, or where there is none what the CIF does. */
  show() {
    const { bar, player, acts } = this;
    if (!bar.hidden) return;
    bar.hidden = false;
    button(bar, "play what is in view", acts.play);
    button(bar, "stop", acts.stop);
    this.loop = toggle(bar, "loop", (on) => {
      player.loop = on;
    });
    const speed = element(bar, "select");
    speed.setAttribute("aria-label", "speed");
    for (const times of SPEEDS) {
      Object.assign(element(speed, "option"), { value: String(times), textContent: `speed ${times}` });
    }
    speed.value = String(player.speed);
    speed.addEventListener("change", () => {
      player.speed = Number(speed.value);
    });
    if (player.sound) this.hear = button(bar, `hear: ${player.mode}`, () => this.next());
    else player.mode = "CIF alone";
    if (player.sound?.note) element(bar, "span", "cifviz-place").textContent = player.sound.note;
  }

  /** Play over and over from the next play on, or no longer. */
  toggleLoop() {
    if (!this.loop) return;
    this.loop.click();
    this.acts.say(this.player.loop ? "loop" : "no loop");
  }

  /** Hear the next of voice, voice with CIF, and CIF alone. */
  next() {
    const { player, hear } = this;
    if (!hear) return;
    player.mode = MODES[(MODES.indexOf(player.mode) + 1) % MODES.length];
    hear.textContent = `hear: ${player.mode}`;
    this.acts.say(player.mode === "voice" ? "the voice alone" : `${player.mode}: ${WORDS}`);
  }
}

const WORDS = "a tone as loud as α, and a click at each fire; that of the residual is lower.";
