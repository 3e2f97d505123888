// The explorer in a page: picture, controls, list of tokens, sound. It knows neither Jupyter nor
// where its data come from; `widget.js` and `page.js` bring it into a notebook and into a file.

import { align, readout } from "./alignment.js";
import { Controls, button, element } from "./controls.js";
import { exportsOf, save } from "./exports.js";
import { tallest } from "./lanes.js";
import { Picture } from "./picture.js";
import { Player } from "./player.js";
import { fromLink, known, toLink } from "./settings.js";
import { TimeScale } from "./timescale.js";
import { TokenList } from "./tokens.js";

/** Milliseconds without a movement before what is only read, the table, follows. */
const QUIET = 200;

/**
 * Show an utterance.
 *
 * @param {HTMLElement} root An empty element.
 * @param {object} data What `decoded` returned.
 * @param {{changed?: (state: object) => void, context?: () => AudioContext}} hooks Told of the
 *   settings, the alignment and the selected token whenever one of them changed.
 */
export class Explorer {
  constructor(root, data, hooks = {}) {
    this.data = data;
    this.hooks = hooks;
    this.settings = { ...data.utterance.settings };
    /** Weights of single frames that somebody dragged. */
    this.moved = new Map();
    this.selected = null;
    this.scale = new TimeScale(data.utterance.duration);
    this.player = new Player(data.sound, hooks.context);
    this.player.onEnd = () => this.picture.drawPlayhead(null);
    this.build(root);
    this.listen();
    this.compute();
    this.draw();
  }

  build(root) {
    root.classList.add("cifviz-explorer");
    this.root = root;
    const stage = element(root, "div", "cifviz-stage");
    this.seen = { ...this.data, aligned: null, selected: null };
    this.tokens = new TokenList(stage, {
      select: (index) => this.select(index),
      play: (index) => this.playToken(index),
      zoom: (factor) => this.zoom(factor),
      stop: () => this.player.stop(),
    });
    this.stage = stage;
    this.picture = new Picture(stage, this.seen, this.scale);
    this.sound = element(root, "div", "cifviz-buttons");
    const bar = element(root, "div", "cifviz-buttons");
    this.addButtons(bar);
    this.showSound();
    this.readout = element(root, "dl", "cifviz-readout");
    this.live = element(root, "p", "cifviz-live");
    this.live.setAttribute("aria-live", "polite");
    const panel = element(root, "fieldset", "cifviz-controls");
    element(panel, "legend").textContent = "settings";
    this.controls = new Controls(panel, this.settings, (settings) => this.set(settings));
    this.details = element(root, "details");
    element(this.details, "summary").textContent = "tokens as a table";
    this.details.addEventListener("toggle", () => this.tellTable());
    this.table = element(this.details, "div", "cifviz-table");
  }

  /** Offer to play, if there is anything to be heard. */
  showSound() {
    if (!this.player.hasSound || this.sound.childElementCount) return;
    button(this.sound, "play what is in view", () => this.play(this.scale.begin, this.scale.end));
    button(this.sound, "stop", () => this.stop());
    this.addToggle(this.sound, "loop", (on) => Object.assign(this.player, { loop: on }));
    this.addToggle(this.sound, "half speed", (on) => {
      this.player.rate = on ? 0.5 : 1;
    });
  }

  addButtons(bar) {
    button(bar, "zoom in", () => this.zoom(0.5));
    button(bar, "zoom out", () => this.zoom(2));
    button(bar, "see all", () => this.zoom(Infinity));
    this.addToggle(bar, "drag weights", (on) => {
      this.isDragging = on;
      this.stage.classList.toggle("cifviz-drags", on);
    });
    button(bar, "reset", () => this.reset());
    button(bar, "copy link", () => this.copyLink());
    for (const [name, make] of Object.entries(exportsOf(this))) {
      button(bar, `save ${name}`, () => save(make()));
    }
  }

  addToggle(bar, text, act) {
    const made = button(bar, text, () => {
      const on = made.getAttribute("aria-pressed") !== "true";
      made.setAttribute("aria-pressed", String(on));
      act(on);
    });
    made.setAttribute("aria-pressed", "false");
  }

  /** Move to other settings, some or all; what is not known is left out. */
  set(settings) {
    this.settings = { ...this.settings, ...known(settings) };
    this.controls.set(this.settings);
    this.compute();
    this.draw();
  }

  /** Give one frame another weight. */
  setWeight(frame, weight) {
    this.moved.set(frame, Math.max(weight, 0));
    this.compute();
    this.draw();
  }

  /** Everything as it was. */
  reset() {
    this.moved.clear();
    this.scale.all();
    this.select(null);
    this.set(this.data.utterance.settings);
  }

  /** Choose a token by its index; null for none. */
  select(index) {
    const { tokens } = this.seen.aligned;
    this.selected = index === null || !tokens.length ? null : Math.min(index, tokens.length - 1);
    this.seen.selected = this.selected;
    if (this.selected !== null) {
      const { start, end } = tokens[this.selected];
      this.scale.reveal(start, end);
    }
    this.tokens.show(tokens, this.selected);
    this.draw();
    this.tell();
  }

  compute() {
    this.seen.aligned = align(this.data.utterance, this.settings, this.moved);
    const count = this.seen.aligned.tokens.length;
    if (this.selected !== null && this.selected >= count) this.selected = count ? count - 1 : null;
    this.seen.selected = this.selected;
    this.tell();
  }

  /** Let the words follow: at once those in view, a little later the table. */
  tell() {
    const { aligned } = this.seen;
    this.tokens.show(aligned.tokens, this.selected);
    this.readout.replaceChildren();
    for (const [name, value] of readout(aligned, this.data.utterance)) {
      const pair = element(this.readout, "div");
      element(pair, "dt").textContent = name;
      element(pair, "dd").textContent = value;
    }
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.tellTable();
      this.live.textContent = `${aligned.tokens.length} tokens`;
      this.hooks.changed?.(this.state);
    }, QUIET);
  }

  /** What others may know: settings, alignment, selected token. */
  get state() {
    const { tokens } = this.seen.aligned;
    return { settings: { ...this.settings }, alignment: tokens, selection: this.selected };
  }

  tellTable() {
    if (!this.details.open) return;
    const { tokens, errors } = this.seen.aligned;
    const table = document.createElement("table");
    const head = ["token", "start s", "end s", ...(errors ? ["start off ms", "end off ms"] : [])];
    const row = element(element(table, "thead"), "tr");
    for (const text of head) {
      const cell = element(row, "th");
      cell.scope = "col";
      cell.textContent = text;
    }
    const body = element(table, "tbody");
    tokens.forEach(({ label, start, end }, index) => {
      const cells = element(body, "tr");
      const name = element(cells, "th");
      name.scope = "row";
      name.dir = "auto";
      name.textContent = label;
      const off = errors?.[index];
      const values = [start.toFixed(3), end.toFixed(3)];
      if (off) values.push((1000 * off.start).toFixed(0), (1000 * off.end).toFixed(0));
      for (const value of values) element(cells, "td").textContent = value;
    });
    this.table.replaceChildren(table);
  }

  draw() {
    this.picture.draw();
  }

  zoom(factor) {
    const { tokens } = this.seen.aligned;
    const chosen = this.selected === null ? null : tokens[this.selected];
    if (factor === Infinity) this.scale.all();
    else if (chosen) this.scale.zoom(factor, (chosen.start + chosen.end) / 2);
    else this.scale.zoom(factor);
    this.draw();
  }

  playToken(index) {
    const token = this.seen.aligned.tokens[index];
    if (token) this.play(token.start, token.end);
  }

  async play(start, end) {
    await this.player.play(start, end);
    const move = () => {
      const { now } = this.player;
      this.picture.drawPlayhead(now);
      if (now !== null) this.frame = requestAnimationFrame(move);
    };
    cancelAnimationFrame(this.frame);
    move();
  }

  stop() {
    this.player.stop();
    this.picture.drawPlayhead(null);
  }

  copyLink() {
    const link = `${location.href.split("#")[0]}#${toLink(this.settings)}`;
    const done = navigator.clipboard?.writeText(link) ?? Promise.reject(new Error("no clipboard"));
    done.then(
      () => this.say("The link is in the clipboard."),
      () => this.say(`Copy this link: ${link}`),
    );
  }

  /** Say something, to eyes and to screen readers. */
  say(text) {
    this.live.textContent = text;
  }

  /** Take over the settings of a link. */
  follow(link) {
    this.set(fromLink(link));
  }

  listen() {
    const place = (event) => {
      const box = this.picture.canvas.getBoundingClientRect();
      return this.picture.at(event.clientX - box.left, event.clientY - box.top);
    };
    this.stage.addEventListener("pointerdown", (event) => this.press(event, place));
    this.stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      if (event.shiftKey) this.scale.pan(event.deltaY / this.scale.density);
      else this.scale.zoom(event.deltaY > 0 ? 1.25 : 0.8, place(event).seconds);
      this.draw();
    }, { passive: false });
    this.observer = new ResizeObserver(() => {
      if (this.stage.clientWidth === this.picture.width) return;
      this.picture.resize();
      this.draw();
    });
    this.observer.observe(this.stage);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.restyle = () => {
      this.picture.restyle();
      this.draw();
    };
    this.scheme.addEventListener("change", this.restyle);
  }

  /** A press drags the map, a weight or the view; without a movement it chooses and plays. */
  press(event, place) {
    const began = place(event);
    if (began.lane === "map") this.centre(began.seconds);
    const from = this.scale.begin;
    const x = event.clientX;
    let isMoved = began.lane === "map";
    if (this.isDragging && began.lane === "weights") {
      isMoved = true;
      this.dragWeight(began);
    }
    const move = (next) => {
      const now = place(next);
      if (began.lane === "map") this.centre(now.seconds);
      else if (this.isDragging && began.lane === "weights") {
        if (now.lane === "weights") this.dragWeight(now);
      } else if (isMoved || Math.abs(next.clientX - x) > 4) {
        isMoved = true;
        this.scale.pan(from - (next.clientX - x) / this.scale.density - this.scale.begin);
        this.draw();
      }
    };
    const release = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", release);
      if (!isMoved) this.choose(began.seconds);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", release);
  }

  centre(seconds) {
    const length = this.scale.end - this.scale.begin;
    this.scale.look(seconds - length / 2, length);
    this.draw();
  }

  dragWeight({ seconds, share }) {
    const { start, shift } = this.data.utterance.grid;
    const frame = Math.floor((seconds - start) / shift);
    if (frame < 0 || frame >= this.data.utterance.alpha.length) return;
    this.setWeight(frame, share * tallest(this.seen.aligned));
  }

  choose(seconds) {
    const { tokens } = this.seen.aligned;
    const index = tokens.findIndex(({ start, end }) => seconds >= start && seconds <= end);
    if (index < 0) return;
    this.select(index);
    this.playToken(index);
  }

  /** Give back what the page lent: sound card, clock, listeners. */
  close() {
    clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.restyle);
    this.player.close();
    this.root.replaceChildren();
  }
}
