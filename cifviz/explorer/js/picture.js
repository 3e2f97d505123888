// All lanes on one canvas, with the time axis below and a small map of the whole above. What no
// setting moves is drawn apart and kept, the playhead lies above: each without drawing the rest again.

import { eachSpan } from "./columns.js";
import { shortened, write } from "./labels.js";
import { FONT, lanesOf, stretchInView } from "./lanes.js";
import { pageColours, tokenFills } from "./look.js";
import { TimeScale } from "./timescale.js";

const [MAP, AXIS, TITLE, GAP] = [18, 20, 62, 6];

/**
 * What is seen. Its fields may be replaced at any time; `draw` then shows them.
 *
 * @typedef {object} Seen
 * @property {import("./alignment.js").Utterance} utterance
 * @property {ReturnType<import("./alignment.js").align>} aligned
 * @property {number | null} selected Index of the chosen token.
 * @property {{colours: string[], hatches: string[]}} palette
 * @property {Array<{start: number, end: number, peaks: object | null, logMel: object | null}>}
 *   stretches Sound and spectrogram; the first is of the whole, later ones are finer, of a part.
 * @property {Array<{name: string, tokens: import("./alignment.js").Token[]}>} compare Other
 *   alignments.
 */

export class Picture {
  /**
   * @param {HTMLElement} parent
   * @param {Seen} seen
   * @param {import("./timescale.js").TimeScale} scale
   */
  constructor(parent, seen, scale) {
    this.seen = seen;
    this.scale = scale;
    this.parent = parent;
    this.canvas = addCanvas(parent, "cifviz-picture");
    this.overlay = addCanvas(parent, "cifviz-overlay");
    this.still = new OffscreenCanvas(1, 1);
    this.arrange();
    this.resize();
  }

  /** Give each lane its strip. */
  arrange() {
    this.lanes = lanesOf(this.seen);
    this.strips = {};
    let top = MAP + GAP;
    for (const [name, { height }] of this.lanes) {
      this.strips[name] = { top, height };
      top += height + GAP;
    }
    this.height = top + AXIS;
    this.arranged = this.contents;
  }

  /** What decides which lanes there are. */
  get contents() {
    const { utterance, stretches, compare } = this.seen;
    return [utterance.reference, stretches[0], compare];
  }

  /** Fit the width of the page, at the resolution of the screen. */
  resize() {
    this.width = Math.max(this.parent.clientWidth, 240);
    this.scale.width = this.width - TITLE;
    // Whole, so that columns of pixels next to each other show no seam.
    const ratio = Math.ceil(globalThis.devicePixelRatio || 1);
    for (const canvas of [this.canvas, this.overlay, this.still]) {
      canvas.width = this.width * ratio;
      canvas.height = this.height * ratio;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    for (const canvas of [this.canvas, this.overlay]) canvas.style.height = `${this.height}px`;
    this.restyle();
  }

  /** Read the colours of the page anew. */
  restyle() {
    const { palette } = this.seen;
    const fill = tokenFills(this.canvas.getContext("2d"), palette);
    this.look = { ...pageColours(this.parent), palette, fill };
  }

  /** Draw everything but the playhead. */
  draw() {
    if (!isSame(this.arranged, this.contents)) {
      this.arrange();
      this.resize();
    }
    if (this.look.palette !== this.seen.palette) this.restyle();
    const { begin, end, width } = this.scale;
    const stretch = stretchInView(this.seen.stretches, this.scale);
    const now = [begin, end, width, this.look, stretch, ...this.arranged];
    if (!isSame(this.drawn, now)) this.drawStill();
    this.drawn = now;
    const canvas = this.canvas.getContext("2d");
    canvas.drawImage(this.still, 0, 0, this.width, this.height);
    this.inLanes(canvas, "moving");
    canvas.save();
    canvas.translate(TITLE, 0);
    this.drawMap(canvas);
    canvas.restore();
  }

  /** Draw what stays whatever the settings. */
  drawStill() {
    const canvas = this.still.getContext("2d");
    canvas.fillStyle = this.look.paper;
    canvas.fillRect(0, 0, this.width, this.height);
    canvas.fillStyle = this.look.ink;
    canvas.font = FONT;
    for (const [name, { title, height }] of this.lanes) {
      const text = shortened(canvas, title, TITLE - GAP);
      write(canvas, text, 0, this.strips[name].top + height / 2);
    }
    this.inLanes(canvas, "still");
    canvas.save();
    canvas.translate(TITLE, 0);
    this.drawAxis(canvas);
    canvas.restore();
  }

  /** Draw one part of each lane, and nothing outside the lanes. */
  inLanes(canvas, part) {
    canvas.save();
    canvas.translate(TITLE, 0);
    canvas.beginPath();
    canvas.rect(0, MAP, this.scale.width, this.height - MAP);
    canvas.clip();
    for (const [name, lane] of this.lanes) {
      canvas.save();
      lane[part]?.(canvas, this.strips[name], this.scale, this.seen, this.look);
      canvas.restore();
    }
    canvas.restore();
  }

  /** The whole utterance as a bar, with its tokens and a frame around what is in view. */
  drawMap(canvas) {
    const { scale, look } = this;
    const whole = new TimeScale(scale.duration);
    whole.width = scale.width;
    canvas.strokeStyle = look.faint;
    canvas.lineWidth = 1;
    canvas.strokeRect(0.5, 3.5, scale.width - 1, MAP - 7);
    eachSpan(whole, this.seen.aligned.tokens, (index, left, right) => {
      canvas.fillStyle = look.fill(index, right - left);
      canvas.fillRect(left, 5, right - left, MAP - 10);
    });
    canvas.strokeStyle = look.accent;
    canvas.lineWidth = 2;
    const [left, right] = [whole.x(scale.begin), whole.x(scale.end)];
    // However short what is in view, its frame stays open, and inside the map.
    const wide = Math.max(right - left - 2, 4);
    canvas.strokeRect(Math.min(left + 1, scale.width - wide - 1), 2, wide, MAP - 4);
  }

  drawAxis(canvas) {
    const { scale, look } = this;
    const y = this.height - AXIS;
    canvas.fillStyle = look.ink;
    canvas.font = "11px system-ui, sans-serif";
    canvas.textBaseline = "top";
    canvas.direction = "ltr"; // titles of lanes may have left another one
    let written = -Infinity;
    for (const { seconds, label } of scale.ticks()) {
      const x = scale.x(seconds);
      canvas.fillRect(Math.min(Math.round(x), scale.width - 1), y, 1, 4);
      const text = `${label} s`;
      const half = canvas.measureText(text).width / 2;
      // At both ends words stand beside their tick, so that they are not cut.
      const left = Math.max(Math.min(x, scale.width - 1 - half) - half, 0);
      if (left < written + GAP) continue;
      canvas.fillText(text, left, y + 6);
      written = left + 2 * half;
    }
  }

  /** Draw the playhead at a moment; none for null. */
  drawPlayhead(seconds) {
    const canvas = this.overlay.getContext("2d");
    canvas.clearRect(0, 0, this.width, this.height);
    if (seconds === null) return;
    const x = TITLE + this.scale.x(seconds);
    if (x < TITLE) return;
    canvas.strokeStyle = this.look.accent;
    canvas.lineWidth = 2;
    canvas.beginPath();
    canvas.moveTo(x, MAP);
    canvas.lineTo(x, this.height - AXIS);
    canvas.stroke();
  }

  /**
   * The picture as a PNG, without the playhead.
   *
   * @returns {Promise<Blob>}
   */
  toBlob() {
    return new Promise((resolve) => this.canvas.toBlob(resolve));
  }

  /**
   * What lies at a point of the canvas.
   *
   * @returns {{lane: string | null, seconds: number, share: number}} The lane, the moment, and how
   *   far up in the lane, 0 to 1. The map is the lane "map", and its seconds are of the whole.
   */
  at(x, y) {
    const inside = x - TITLE;
    if (y < MAP) {
      return { lane: "map", seconds: (inside / this.scale.width) * this.scale.duration, share: 0 };
    }
    const found = this.lanes.find(([name]) => {
      const { top, height } = this.strips[name];
      return y >= top && y < top + height;
    });
    const lane = found ? found[0] : null;
    const share = lane ? 1 - (y - this.strips[lane].top) / this.strips[lane].height : 0;
    return { lane, seconds: this.scale.seconds(inside), share };
  }
}

/** Whether two lists hold the very same things. */
function isSame(some, others) {
  return Boolean(some) && some.every((one, index) => one === others[index]);
}

function addCanvas(parent, name) {
  const canvas = document.createElement("canvas");
  canvas.className = name;
  canvas.setAttribute("aria-hidden", "true"); // the list of tokens and the table say it in words
  parent.append(canvas);
  return canvas;
}
