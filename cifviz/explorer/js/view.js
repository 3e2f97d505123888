// The explorer in a page: picture, controls, list of tokens, sound. It depends neither on Jupyter nor
// on where its data come from; `widget.js` and `page.js` bring it into a notebook and into a file.

/** @import { Aligned, Seen, Settings, Span, State, Token, ViewData } from "./types.js" */
/** @import { SavedFile } from "./exports.js" */
/** @import { Kernel } from "./kernel.js" */
/** @import { Sound } from "./sound.js" */

import { align, edgeErrors, readout, shownTokens } from "./alignment.js";
import { axesFor } from "./axes.js";
import { Closer } from "./closer.js";
import { Comparing, NO_MATCHES } from "./comparing.js";
import { Controls } from "./controls.js";
import { addCorrecting } from "./correcting.js";
import { Detail } from "./detail.js";
import { correctionReadout, differenceNote } from "./differences.js";
import { button, element, group, messageOf, showPairs, toggle } from "./dom.js";
import { Editing } from "./editing.js";
import { exportsOf, save } from "./exports.js";
import { FrameWeight } from "./frameweight.js";
import { addHelp } from "./help.js";
import { addHint } from "./hint.js";
import { Keeping } from "./keeping.js";
import { keptFromLink, keptToLink } from "./kept.js";
import { isTaken, listenToKeys } from "./keys.js";
import { Marking } from "./marking.js";
import { tokenAt } from "./naming.js";
import { Picture, isNarrow } from "./picture.js";
import { Playback } from "./playback.js";
import { listenToPointer } from "./pointer.js";
import { probe } from "./probe.js";
import { fromLink, known, movable, toLink } from "./settings.js";
import { SoundBar } from "./soundbar.js";
import { stretchInView } from "./soundlanes.js";
import { dress, keepKeys, watchPage } from "./surroundings.js";
import { Tables } from "./tables.js";
import { TimeScale } from "./timescale.js";
import { TokenList } from "./tokens.js";

/** Milliseconds without a change before slow updates follow. */
const QUIET = 200;
/** A note where tokens are corrected. */
const NOTE =
  "Corrected tokens stay as they are when settings move; those of the lane CIF follow. Files hold both.";

export class Explorer {
  /**
   * Show an utterance.
   *
   * @param {HTMLElement} root An empty element.
   * @param {ViewData} data
   * @param {object} [around] What the page has.
   * @param {Sound | null} [around.sound]
   * @param {Kernel | null} [around.kernel] Python, where there is one.
   * @param {(state: State) => void} [around.changed] Called a little after settings, alignment or
   *   selection changed.
   */
  constructor(root, data, { sound = null, kernel = null, changed = () => {} } = {}) {
    // 1. The state.
    this.data = data;
    this.kernel = kernel;
    this.changed = changed;
    /** @type {Settings} */
    this.settings = { ...data.utterance.settings };
    /** @type {number | null} */
    this.selected = null;
    /** @type {Span | null} Where the selected word was when it was selected. */
    this.word = null;
    this.isDragging = false;
    /** Whether the tokens are from elsewhere. */
    this.isPlaced = false;
    /** @type {boolean | null} */
    this.isNarrow = null;
    this.scale = new TimeScale(data.utterance.duration);
    const aligned = align(data.utterance, this.settings);
    /** @type {Seen} */
    this.seen = {
      ...data,
      aligned,
      corrected: null,
      shown: shownTokens(aligned, null, data.utterance),
      axes: axesFor(aligned),
      matches: NO_MATCHES,
      selected: null,
      detail: null,
    };
    this.comparing = new Comparing(this);
    this.comparing.match();
    this.editing = new Editing(this);
    this.marking = new Marking(this);
    this.playback = new Playback(this);
    this.closer = new Closer(this);
    // 2. Timers, and the number of tokens that was announced last.
    /** @type {number | null} */
    this.later = null;
    this.rest = 0;
    /** @type {number | null} */
    this.announced = null;
    // 3. The elements, from top to bottom.
    this.root = root;
    root.classList.add("cifviz-explorer");
    dress(root);
    this.showModel(data.model);
    const view = element(root, "div", "cifviz-view");
    this.stage = element(view, "div", "cifviz-stage");
    this.tokens = this.addTokens();
    this.picture = new Picture(this.stage, this.seen, this.scale);
    this.under = element(view, "dl", "cifviz-readout cifviz-under");
    this.under.setAttribute("aria-hidden", "true"); // the list of tokens and the table say it
    this.point(null);
    addHint(view, root, data.utterance.fixed);
    const bar = element(root, "div", "cifviz-buttons");
    this.soundBar = new SoundBar(group(bar, "sound"), this.playback.player, {
      play: () => this.playback.playView(),
      stop: () => this.playback.stop(),
      say: (text) => this.say(text),
    });
    if (!data.hasSound) this.soundBar.show();
    this.keeping = this.addButtons(bar);
    this.correcting = addCorrecting(bar, this.editing);
    this.readout = element(root, "dl", "cifviz-readout");
    this.note = element(root, "p", "cifviz-note");
    this.note.textContent = NOTE;
    this.live = element(root, "p", "cifviz-live");
    this.live.setAttribute("role", "status");
    this.drawer = element(root, "details", "cifviz-drawer");
    element(this.drawer, "summary").textContent = "settings";
    const panel = element(this.drawer, "fieldset", "cifviz-controls");
    panel.setAttribute("aria-label", "settings");
    const { fixed } = data.utterance;
    this.controls = new Controls(panel, this.settings, (settings) => this.set(settings), fixed);
    if (data.model.rule) element(panel, "p", "cifviz-rule").textContent = data.model.rule;
    this.frameWeight = new FrameWeight(panel, data.utterance, {
      set: (frame, weight) => this.setWeight(frame, weight),
      mark: (start, end) => this.mark(start, end),
    });
    addHelp(root, this.seen);
    this.tables = new Tables(root, () => this.tellTables());
    this.tables.agreement.box.open = data.compare.some(({ isOwn }) => !isOwn);
    // 4. The events.
    this.freeKeys = keepKeys(root, (event) => isTaken(event, this));
    listenToKeys(root, this);
    listenToPointer(this.stage, this);
    this.unwatch = this.watch();
    this.fit();
    this.tell();
    if (sound) this.setSound(sound);
    else this.look();
    void this.loadPictures();
  }

  /** Draw the lane of pictures once they are decoded. */
  async loadPictures() {
    try {
      await this.data.lanes.pictures?.load();
      this.picture.draw();
    } catch (error) {
      this.say(`No pictures: ${messageOf(error)}`);
    }
  }

  addTokens() {
    return new TokenList(this.stage, {
      select: (index) => this.select(index),
      stop: () => this.playback.stop(),
    });
  }

  /**
   * Model, vocabulary and mean score, and a warning where the sound is out of domain.
   *
   * @param {ViewData["model"]} model
   */
  showModel({ summary, warning }) {
    element(this.root, "p", "cifviz-model").textContent = summary;
    if (!warning) return;
    const flag = element(this.root, "p", "cifviz-warning");
    flag.setAttribute("role", "note");
    flag.textContent = `\u26a0 warning: ${warning}`;
  }

  /**
   * Use this sound.
   *
   * @param {Sound} sound
   */
  setSound(sound) {
    this.playback.player.sound = sound;
    this.seen.detail = new Detail(sound, {
      refined: () => this.picture.draw(),
      failed: (error) => this.say(`No finer picture: ${messageOf(error)}`),
    });
    this.soundBar.show();
    this.look();
  }

  /** @param {HTMLElement} bar */
  addButtons(bar) {
    const view = group(bar, "view");
    button(view, "zoom in", () => this.zoom(0.5));
    button(view, "zoom out", () => this.zoom(2));
    button(view, "see all", () => this.zoom(Infinity));
    button(view, "fit axes", () => this.fitAxes(this.seen.aligned));
    const settings = group(bar, "edit");
    if (!this.data.utterance.fixed.includes("weights")) {
      toggle(settings, "drag weights", (on) => {
        this.isDragging = on;
        this.frameWeight.offer(on);
        this.stage.classList.toggle("cifviz-drags", on);
      });
    }
    button(settings, "reset", () => this.reset());
    button(settings, this.kernel ? "copy settings" : "copy link", () => this.copySettings());
    const keeping = new Keeping(group(bar, "compare"), {
      keep: () => this.comparing.keep(),
      remove: (index) => this.comparing.remove(index),
    });
    const files = group(bar, "save");
    for (const [name, make] of Object.entries(exportsOf(this))) {
      button(files, name, () => void this.save(make)).setAttribute("aria-label", `save ${name}`);
    }
    return keeping;
  }

  /**
   * Move to other settings, some or all; unknown and fixed ones are left out. Where the weights
   * cannot be fired at these settings, all stays as it is.
   *
   * @param {Record<string, unknown>} settings
   */
  set(settings) {
    const { utterance } = this.data;
    const wanted = { ...this.settings, ...movable(known(settings), utterance) };
    try {
      this.show(align(utterance, wanted), wanted);
    } catch (error) {
      this.controls.set(this.settings);
      this.say(`Not fired: ${messageOf(error)}`);
    }
  }

  /**
   * Give one frame another weight.
   *
   * @param {number} frame
   * @param {number} weight
   */
  setWeight(frame, weight) {
    this.setWeights({ [frame]: Number(Math.max(weight, 0).toFixed(4)) });
  }

  /**
   * Give some frames other weights.
   *
   * @param {Record<string, number>} weights By the index of the frame.
   */
  setWeights(weights) {
    this.set({ weights: { ...this.settings.weights, ...weights } });
  }

  /**
   * Let the axes of the lanes follow an alignment: they stand until this is asked for.
   *
   * @param {Aligned} aligned
   */
  fitAxes(aligned) {
    this.seen.axes = axesFor(aligned);
    this.picture.draw();
  }

  /**
   * Show the values at a place of the picture, where there is one.
   *
   * @param {import("./pointer.js").Place | null} place
   */
  point(place) {
    const { begin, end } = this.scale;
    const isInside = place && place.lane !== "map" && place.seconds >= begin && place.seconds <= end;
    const seconds = isInside ? place.seconds : null;
    const share = isInside && place.lane === "logMel" ? place.share : null;
    const lane = isInside ? place.lane : null;
    const pairs = probe(this.seen, seconds ?? Number.NaN, share, lane);
    showPairs(this.under, seconds === null ? pairs.map(([name]) => [name, "–"]) : pairs);
    this.picture.overlay.drawHovered(seconds);
  }

  /**
   * Show tokens from elsewhere, until the settings change.
   *
   * @param {Token[]} tokens
   */
  place(tokens) {
    const errors = edgeErrors(tokens, this.data.utterance);
    this.show({ ...this.seen.aligned, tokens, errors });
  }

  /**
   * Show an alignment everywhere.
   *
   * @param {Aligned} aligned
   * @param {Settings | null} [settings] Those that it follows from; null for one from elsewhere.
   */
  show(aligned, settings = null) {
    if (settings) {
      this.settings = settings;
      this.controls.set(settings);
    }
    this.isPlaced = !settings;
    this.frameWeight.show(aligned.given);
    this.showTokens(aligned, this.seen.corrected);
  }

  /**
   * Show other tokens.
   *
   * @param {Aligned} aligned CIF's own.
   * @param {readonly Token[] | null} corrected Those of a person, which are shown instead.
   */
  showTokens(aligned, corrected) {
    const shown = shownTokens(aligned, corrected, this.data.utterance);
    if (this.word) this.selected = tokenAt(this.word, shown.tokens);
    if (this.selected === null) this.editing.leaveEdge();
    Object.assign(this.seen, { aligned, corrected, shown, selected: this.selected });
    this.comparing.match();
    this.tell();
    this.picture.draw();
    this.marking.draw();
  }

  /**
   * Show tokens that a person corrected; null for CIF's own.
   *
   * @param {readonly Token[] | null} corrected
   * @param {number | null} [index] Of the token that is selected then; without one, that of the
   *   selected word.
   */
  correct(corrected, index = null) {
    const last = (corrected?.length ?? 0) - 1;
    if (corrected && index !== null) this.word = last < 0 ? null : corrected[Math.min(index, last)];
    if (!this.word) this.selected = null;
    this.showTokens(this.seen.aligned, corrected);
    if (corrected && index !== null && last >= 0) {
      // Where several overlap the word as much, such as tokens of no length.
      this.selected = this.seen.selected = Math.min(index, last);
    }
  }

  /** Go back to the beginning. */
  reset() {
    this.scale.all();
    this.select(null);
    this.set(this.data.utterance.settings);
    this.fitAxes(this.seen.aligned);
  }

  /**
   * Select a token by its index; null for none.
   *
   * @param {number | null} index
   * @param {{isStill?: boolean}} [how] Whether the view stays where it is: below a mouse it does.
   */
  select(index, { isStill = false } = {}) {
    const { tokens } = this.seen.shown;
    this.editing.leaveEdge();
    this.marking.clear();
    this.selected = index === null || !tokens.length ? null : Math.min(index, tokens.length - 1);
    this.seen.selected = this.selected;
    this.word = this.selected === null ? null : tokens[this.selected];
    if (this.word && !isStill) this.scale.reveal(this.word.start, this.word.end);
    this.tell();
    this.look();
  }

  /** Update the text: at once what is in view, a little later the other parts. */
  tell() {
    const { aligned, shown } = this.seen;
    this.tokens.show(shown.tokens, this.selected, differenceNote(this.seen));
    const values = readout(aligned, shown, this.data.utterance);
    showPairs(this.readout, [...values, ...correctionReadout(this.seen)]);
    this.note.hidden = !this.seen.corrected;
    this.forgetLater();
    this.later = setTimeout(() => this.tellAll(), QUIET);
  }

  tellAll() {
    this.forgetLater();
    const count = this.seen.shown.tokens.length;
    if (this.announced !== null && this.announced !== count) this.say(`${count} tokens`);
    this.announced = count;
    this.picture.refit();
    this.tellTables();
    this.changed(this.state);
  }

  forgetLater() {
    if (this.later !== null) clearTimeout(this.later);
    this.later = null;
  }

  tellTables() {
    if (!this.comparing.isMatched) {
      this.comparing.match(true);
      this.picture.draw();
    }
    this.tables.show(this.seen, this.scale);
  }

  /**
   * Settings, alignment and selection, for others.
   *
   * @returns {State}
   */
  get state() {
    const { aligned, corrected } = this.seen;
    const { settings, selected, comparing } = this;
    const { tokens } = aligned;
    return { settings: { ...settings }, alignment: tokens, corrected, selection: selected, kept: comparing.kept };
  }

  /** Draw what is in view, and a little later a finer picture of it. */
  look() {
    this.seen.detail?.follow(this.scale, stretchInView(this.seen.stretches, this.scale));
    this.picture.draw();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.tellTables();
      void this.closer.look();
    }, QUIET);
  }

  /** @param {number} factor Above 1 shows more; infinite, everything. */
  zoom(factor) {
    const { tokens } = this.seen.shown;
    const chosen = this.selected === null ? null : tokens[this.selected];
    if (factor === Infinity) this.scale.all();
    else if (chosen) this.scale.zoom(factor, (chosen.start + chosen.end) / 2);
    else this.scale.zoom(factor);
    this.look();
  }

  /**
   * Move the view.
   *
   * @param {number} views In lengths of the view.
   */
  pan(views) {
    this.scale.pan(views * (this.scale.end - this.scale.begin));
    this.look();
  }

  /**
   * Show a part, marked as the playhead marks a moment.
   *
   * @param {number} start Seconds.
   * @param {number} end Seconds.
   */
  mark(start, end) {
    this.scale.reveal(start, end);
    this.look();
    this.picture.overlay.drawPlayhead((start + end) / 2);
  }

  /**
   * Move a moment into the middle.
   *
   * @param {number} seconds
   */
  centre(seconds) {
    const length = this.scale.end - this.scale.begin;
    this.scale.look(seconds - length / 2, length);
    this.look();
  }

  /** Copy what restores the settings: a link to a page, or in a notebook a line of Python. */
  copySettings() {
    const page = location.href.split("#")[0];
    const text = this.kernel
      ? `w.settings = ${JSON.stringify(this.settings)}`
      : `${page}#${toLink(this.settings)}${keptToLink(this.comparing.kept)}`;
    const done = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    done.then(
      () => this.say("It is in the clipboard."),
      () => this.say(`Copy this: ${text}`),
    );
  }

  /** @param {() => SavedFile} make */
  async save(make) {
    try {
      await save(make());
    } catch (error) {
      this.say(`Not saved: ${messageOf(error)}`);
    }
  }

  /**
   * Show a message, which screen readers announce.
   *
   * @param {string} text
   */
  say(text) {
    this.announced = this.seen.shown.tokens.length; // or their number would soon replace this
    this.live.textContent = text;
  }

  /**
   * Move to the settings of a link.
   *
   * @param {string} link
   */
  follow(link) {
    this.set(fromLink(link));
    const kept = keptFromLink(link);
    if (kept.length) this.comparing.set(kept);
  }

  /** Arrange all for the width of the page: where that is narrow, the settings are closed at first. */
  fit() {
    const narrow = isNarrow(this.stage.clientWidth);
    if (narrow === this.isNarrow) return;
    this.isNarrow = narrow;
    this.root.classList.toggle("cifviz-narrow", narrow);
    this.drawer.open = !narrow;
  }

  /**
   * Follow the width and the colours of the page.
   *
   * @returns {() => void} Ends it.
   */
  watch() {
    const restyled = () => {
      dress(this.root);
      this.picture.restyle();
      this.picture.draw();
    };
    const resized = () => {
      this.fit();
      if (this.stage.clientWidth === this.picture.width) return;
      dress(this.root); // it may have been shown in another place
      this.picture.restyle();
      this.picture.resize();
      this.picture.draw();
    };
    return watchPage(this.stage, { resized, restyled });
  }

  /** Release what the explorer uses of the page: sound card, timers, listeners. */
  close() {
    this.editing.field?.close();
    this.forgetLater();
    clearTimeout(this.rest);
    this.unwatch();
    this.freeKeys();
    this.seen.detail?.close();
    this.data.lanes.pictures?.close();
    this.playback.close();
    this.root.replaceChildren();
  }
}
