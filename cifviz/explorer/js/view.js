// The explorer in a page: picture, controls, list of tokens, sound. It knows neither Jupyter nor
// where its data come from; `widget.js` and `page.js` bring it into a notebook and into a file.

import { align, edgeErrors, readout } from "./alignment.js";
import { Controls } from "./controls.js";
import { stretchOf } from "./data.js";
import { button, element, showPairs, toggle } from "./dom.js";
import { exportsOf, save } from "./exports.js";
import { FrameWeight } from "./frameweight.js";
import { Picture } from "./picture.js";
import { Player } from "./player.js";
import { listenToPointer } from "./pointer.js";
import { fromLink, known, toLink } from "./settings.js";
import { keepKeys, watchPage } from "./surroundings.js";
import { showTable } from "./table.js";
import { TimeScale } from "./timescale.js";
import { TokenList } from "./tokens.js";

/** Milliseconds without a movement before what need not follow at once does. */
const QUIET = 200;
/** Finer pictures of a part that are kept. */
const KEPT = 8;

/**
 * Show an utterance.
 *
 * @param {HTMLElement} root An empty element.
 * @param {object} data What `decoded` returned.
 * @param {object} [around] What the page has.
 * @param {import("./sound.js").Sound | null} [around.sound]
 * @param {import("./kernel.js").Kernel | null} [around.kernel] Python, where there is one.
 * @param {(state: object) => void} [around.changed] Told of the settings, the alignment and the
 *   chosen token a little after one of them changed.
 */
export class Explorer {
  constructor(root, data, { sound = null, kernel = null, changed = () => {} } = {}) {
    this.data = data;
    this.kernel = kernel;
    this.changed = changed;
    this.settings = { ...data.utterance.settings };
    this.selected = null;
    this.isDragging = false;
    /** Whether the tokens are from elsewhere. */
    this.isPlaced = false;
    this.scale = new TimeScale(data.utterance.duration);
    this.player = new Player(sound);
    this.player.onEnd = () => this.picture.drawPlayhead(null);
    this.seen = { ...data, aligned: align(data.utterance, this.settings), selected: null };
    this.build(root);
    this.watch();
    this.tell();
    this.look();
  }

  build(root) {
    root.classList.add("cifviz-explorer");
    this.root = root;
    this.freeKeys = keepKeys(root);
    this.showModel(this.data.model);
    this.stage = element(root, "div", "cifviz-stage");
    this.tokens = new TokenList(this.stage, {
      select: (index) => this.select(index),
      play: (index) => this.playToken(index),
      zoom: (factor) => this.zoom(factor),
      pan: (views) => this.pan(views),
      stop: () => this.stop(),
    });
    this.picture = new Picture(this.stage, this.seen, this.scale);
    listenToPointer(this.stage, this);
    this.soundBar = element(root, "div", "cifviz-buttons");
    this.showSound();
    this.addButtons(element(root, "div", "cifviz-buttons"));
    this.readout = element(root, "dl", "cifviz-readout");
    this.live = element(root, "p", "cifviz-live");
    this.live.setAttribute("role", "status");
    const panel = element(root, "fieldset", "cifviz-controls");
    element(panel, "legend").textContent = "settings";
    this.controls = new Controls(panel, this.settings, (settings) => this.set(settings));
    this.frameWeight = new FrameWeight(panel, this.data.utterance, {
      set: (frame, weight) => this.setWeight(frame, weight),
      mark: (start, end) => this.mark(start, end),
    });
    this.details = element(root, "details");
    element(this.details, "summary").textContent = "tokens as a table";
    this.details.addEventListener("toggle", () => this.tellTable());
    this.table = element(this.details, "div", "cifviz-table");
  }

  /** Model, vocabulary and mean score, and a warning where the sound is out of domain. */
  showModel({ summary, warning }) {
    element(this.root, "p", "cifviz-model").textContent = summary;
    if (!warning) return;
    const flag = element(this.root, "p", "cifviz-warning");
    flag.setAttribute("role", "note");
    flag.textContent = `\u26a0 warning: ${warning}`;
  }

  /** Let this be heard. */
  hear(sound) {
    this.player.sound = sound;
    this.showSound();
  }

  /** Offer to play, if there is anything to be heard. */
  showSound() {
    if (!this.player.sound || this.soundBar.childElementCount) return;
    const bar = this.soundBar;
    button(bar, "play what is in view", () => this.play(this.scale.begin, this.scale.end));
    button(bar, "stop", () => this.stop());
    toggle(bar, "loop", (on) => {
      this.player.loop = on;
    });
    toggle(bar, "half speed", (on) => {
      this.player.rate = on ? 0.5 : 1;
    });
  }

  addButtons(bar) {
    button(bar, "zoom in", () => this.zoom(0.5));
    button(bar, "zoom out", () => this.zoom(2));
    button(bar, "see all", () => this.zoom(Infinity));
    toggle(bar, "drag weights", (on) => {
      this.isDragging = on;
      this.frameWeight.offer(on);
      this.stage.classList.toggle("cifviz-drags", on);
    });
    button(bar, "reset", () => this.reset());
    button(bar, this.kernel ? "copy settings" : "copy link", () => this.copySettings());
    for (const [name, make] of Object.entries(exportsOf(this))) {
      button(bar, `save ${name}`, () => save(make()));
    }
    if (this.kernel) button(bar, "save TextGrid", () => this.saveTextGrid());
  }

  /** Move to other settings, some or all; what is not known is left out. */
  set(settings) {
    this.settings = { ...this.settings, ...known(settings) };
    this.controls.set(this.settings);
    this.isPlaced = false;
    this.show(align(this.data.utterance, this.settings));
  }

  /** Give one frame another weight. */
  setWeight(frame, weight) {
    const moved = Number(Math.max(weight, 0).toFixed(4));
    this.set({ weights: { ...this.settings.weights, [frame]: moved } });
  }

  /** Show tokens from elsewhere, until the settings move. */
  place(tokens) {
    const errors = edgeErrors(tokens, this.data.utterance);
    this.isPlaced = true;
    this.show({ ...this.seen.aligned, tokens, errors });
  }

  /** Let everything follow an alignment. */
  show(aligned) {
    const count = aligned.tokens.length;
    if (this.selected !== null && this.selected >= count) this.selected = count ? count - 1 : null;
    Object.assign(this.seen, { aligned, selected: this.selected });
    this.frameWeight.show(aligned.given);
    this.tell();
    this.picture.draw();
  }

  /** Everything as it was. */
  reset() {
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
    this.tell();
    this.look();
  }

  /** Choose and play what lies at a moment. */
  chooseAt(seconds) {
    const { tokens } = this.seen.aligned;
    const index = tokens.findIndex(({ start, end }) => seconds >= start && seconds <= end);
    if (index < 0) return;
    this.select(index);
    this.tokens.box.focus({ preventScroll: true }); // so that arrows go on from there
    this.playToken(index);
  }

  /** Let the words follow: at once those in view, a little later the others. */
  tell() {
    const { aligned } = this.seen;
    this.tokens.show(aligned.tokens, this.selected);
    showPairs(this.readout, readout(aligned, this.data.utterance));
    clearTimeout(this.later);
    this.later = setTimeout(() => this.tellAll(), QUIET);
  }

  tellAll() {
    clearTimeout(this.later);
    this.later = null;
    const count = this.seen.aligned.tokens.length;
    if (this.told !== undefined && this.told !== count) this.say(`${count} tokens`);
    this.told = count;
    this.tellTable();
    this.changed(this.state);
  }

  tellTable() {
    if (this.details.open) showTable(this.table, this.seen.aligned, this.scale);
  }

  /** What others may know: settings, alignment, chosen token. */
  get state() {
    const { tokens } = this.seen.aligned;
    return { settings: { ...this.settings }, alignment: tokens, selection: this.selected };
  }

  /** Draw what is in view, and a little later more closely. */
  look() {
    this.picture.draw();
    clearTimeout(this.closer);
    this.closer = setTimeout(() => {
      this.tellTable();
      this.lookCloser();
    }, QUIET);
  }

  /** Ask for a finer picture where one can be seen. */
  async lookCloser() {
    const { begin, end, density } = this.scale;
    const { stretches } = this.seen;
    const best = stretches.findLast((one) => one.start <= begin && one.end >= end) ?? stretches[0];
    const { isFinest, peaks, logMel } = best;
    const columns = Math.min(peaks?.rate ?? Infinity, 1 / logMel.shift);
    if (!this.kernel || isFinest || columns > density || this.isLooking) return;
    this.isLooking = true;
    const around = end - begin;
    try {
      const question = { type: "stretch", start: begin - around, end: end + around };
      const { message } = await this.kernel.ask(question);
      this.seen.stretches = [stretches[0], ...stretches.slice(1).slice(-KEPT), stretchOf(message)];
      // The finest last: it is the last that covers the view which is drawn.
      this.seen.stretches.sort((one, other) => other.end - other.start - one.end + one.start);
      this.picture.draw();
    } catch (error) {
      this.say(`No finer picture: ${error.message}`);
    }
    this.isLooking = false;
  }

  zoom(factor) {
    const { tokens } = this.seen.aligned;
    const chosen = this.selected === null ? null : tokens[this.selected];
    if (factor === Infinity) this.scale.all();
    else if (chosen) this.scale.zoom(factor, (chosen.start + chosen.end) / 2);
    else this.scale.zoom(factor);
    this.look();
  }

  /** Move the view by so many of its lengths. */
  pan(views) {
    this.scale.pan(views * (this.scale.end - this.scale.begin));
    this.look();
  }

  /** Let a stretch be seen, marked where the playhead would stand. */
  mark(start, end) {
    this.scale.reveal(start, end);
    this.look();
    this.picture.drawPlayhead((start + end) / 2);
  }

  /** Bring a moment into the middle. */
  centre(seconds) {
    const length = this.scale.end - this.scale.begin;
    this.scale.look(seconds - length / 2, length);
    this.look();
  }

  playToken(index) {
    const token = this.seen.aligned.tokens[index];
    if (token) this.play(token.start, token.end);
  }

  async play(start, end) {
    try {
      await this.player.play(start, end);
    } catch (error) {
      this.say(`Cannot be played: ${error.message}`);
    }
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

  /** What restores the settings: a link to a page, or in a notebook what Python is given. */
  copySettings() {
    const page = location.href.split("#")[0];
    const text = this.kernel
      ? `w.settings = ${JSON.stringify(this.settings)}`
      : `${page}#${toLink(this.settings)}`;
    const done = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    done.then(
      () => this.say("It is in the clipboard."),
      () => this.say(`Copy this: ${text}`),
    );
  }

  async saveTextGrid() {
    // With the settings in view: those that Python was told of may still be on their way.
    const settings = this.isPlaced ? null : this.settings;
    try {
      const { message } = await this.kernel.ask({ type: "textgrid", settings });
      save({ name: "alignment.TextGrid", content: new Blob([message.text]) });
    } catch (error) {
      this.say(`No TextGrid: ${error.message}`);
    }
  }

  /** Say something, to eyes and to screen readers. */
  say(text) {
    if (this.later) this.tellAll(); // or its count of tokens would soon take the place of this
    this.live.textContent = text;
  }

  /** Take over the settings of a link. */
  follow(link) {
    this.set(fromLink(link));
  }

  /** Follow the width and the colours of the page. */
  watch() {
    const resized = () => {
      if (this.stage.clientWidth === this.picture.width) return;
      this.picture.resize();
      this.picture.draw();
    };
    const restyled = () => {
      this.picture.restyle();
      this.picture.draw();
    };
    this.unwatch = watchPage(this.stage, { resized, restyled });
  }

  /** Give back what the page lent: sound card, clock, listeners. */
  close() {
    clearTimeout(this.later);
    clearTimeout(this.closer);
    cancelAnimationFrame(this.frame);
    this.unwatch();
    this.freeKeys();
    this.player.close();
    this.root.replaceChildren();
  }
}
