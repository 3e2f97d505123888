// All lanes on one canvas, with the time axis below and a small map of the whole above. What no
// setting changes has a canvas of its own behind it, the playhead one in front: each is drawn alone.

/** @import { Canvas2D, Look, Seen, Strip } from "./types.js" */
/** @import { Lane } from "./lanes.js" */

import { eachSpan } from "./columns.js";
import { context2d, element } from "./dom.js";
import { shortened, write } from "./labels.js";
import { FONT, lanesOf, stretchInView } from "./lanes.js";
import { pageColours, tokenFills } from "./look.js";
import { TimeScale } from "./timescale.js";

const [MAP, AXIS, TITLE, GAP] = [18, 20, 72, 6];

export class Picture {
  /**
   * @param {HTMLElement} parent
   * @param {Seen} seen Its fields may be replaced at any time; `draw` then shows them.
   * @param {TimeScale} scale
   */
  constructor(parent, seen, scale) {
    this.seen = seen;
    this.scale = scale;
    this.parent = parent;
    this.canvas = addCanvas(parent, "cifviz-picture");
    this.overlay = addCanvas(parent, "cifviz-overlay");
    this.background = new OffscreenCanvas(1, 1);
    /** @type {[string, Lane][]} */
    this.lanes = [];
    /** @type {Record<string, Strip>} */
    this.strips = {};
    this.width = 0;
    this.height = 0;
    this.look = this.pageLook();
    /** @type {unknown[]} What decided which lanes there are. */
    this.arranged = [];
    /** @type {unknown[]} What the background was drawn from. */
    this.drawn = [];
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
  /** @returns {unknown[]} */
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
    for (const canvas of [this.canvas, this.overlay, this.background]) {
      canvas.width = this.width * ratio;
      canvas.height = this.height * ratio;
      context2d(canvas).setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    for (const canvas of [this.canvas, this.overlay]) canvas.style.height = `${this.height}px`;
    this.drawn = []; // another size makes a canvas empty
  }

  /** Read the colours of the page anew. */
  restyle() {
    this.look = this.pageLook();
  }

  /** @returns {Look} */
  pageLook() {
    const { palette } = this.seen;
    const fill = tokenFills(context2d(this.canvas), palette);
    return { ...pageColours(this.parent), palette, fill };
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
    if (!isSame(this.drawn, now)) this.drawBackground();
    this.drawn = now;
    const canvas = context2d(this.canvas);
    canvas.drawImage(this.background, 0, 0, this.width, this.height);
    this.inLanes(canvas, "foreground");
    canvas.save();
    canvas.translate(TITLE, 0);
    this.drawMap(canvas);
    canvas.restore();
  }

  /** Draw what no setting changes. */
  drawBackground() {
    const canvas = context2d(this.background);
    canvas.fillStyle = this.look.paper;
    canvas.fillRect(0, 0, this.width, this.height);
    canvas.fillStyle = this.look.ink;
    canvas.font = FONT;
    for (const [name, { title, height }] of this.lanes) {
      const text = shortened(canvas, title, TITLE - GAP);
      write(canvas, text, 0, this.strips[name].top + height / 2);
    }
    this.inLanes(canvas, "background");
    canvas.save();
    canvas.translate(TITLE, 0);
    this.drawAxis(canvas);
    canvas.restore();
  }

  /**
   * Draw one part of each lane, and nothing outside the lanes.
   *
   * @param {Canvas2D} canvas
   * @param {"background" | "foreground"} part
   */
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

  /**
   * The whole utterance as a bar, with its tokens and a frame around what is in view.
   *
   * @param {Canvas2D} canvas
   */
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
    // However short the view, its frame stays open and inside the map.
    const wide = Math.max(right - left - 2, 4);
    canvas.strokeRect(Math.min(left + 1, scale.width - wide - 1), 2, wide, MAP - 4);
  }

  /** @param {Canvas2D} canvas */
  drawAxis(canvas) {
    const { scale, look } = this;
    const y = this.height - AXIS;
    canvas.fillStyle = look.ink;
    canvas.font = "11px system-ui, sans-serif";
    canvas.textBaseline = "top";
    canvas.direction = "ltr"; // titles of lanes may have set another one
    let written = -Infinity;
    for (const { seconds, label } of scale.ticks()) {
      const x = scale.x(seconds);
      canvas.fillRect(Math.min(Math.round(x), scale.width - 1), y, 1, 4);
      const text = `${label} s`;
      const half = canvas.measureText(text).width / 2;
      // At both ends labels are moved inwards, so that they are not cut.
      const left = Math.max(Math.min(x, scale.width - 1 - half) - half, 0);
      if (left < written + GAP) continue;
      canvas.fillText(text, left, y + 6);
      written = left + 2 * half;
    }
  }

  /**
   * Draw the playhead at a moment; none for null.
   *
   * @param {number | null} seconds
   */
  drawPlayhead(seconds) {
    const canvas = context2d(this.overlay);
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
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("the browser could not make a PNG"));
      });
    });
  }

  /**
   * The lane and the moment at a point of the canvas.
   *
   * @param {number} x
   * @param {number} y
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

/**
 * Whether two lists hold the very same things.
 *
 * @param {unknown[]} some
 * @param {unknown[]} others
 */
function isSame(some, others) {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}

/**
 * @param {Element} parent
 * @param {string} className
 */
function addCanvas(parent, className) {
  const canvas = element(parent, "canvas", className);
  canvas.setAttribute("aria-hidden", "true"); // the list of tokens and the table say it in words
  return canvas;
}
