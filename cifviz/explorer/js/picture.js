// All lanes on one canvas, with the time axis below and a small map of the whole above. What no
// setting changes has a canvas of its own behind it, the playhead one in front: each is drawn alone.

/** @import { Canvas2D, Look, Seen, Strip, Token } from "./types.js" */
/** @import { Lane } from "./lanes.js" */

import { eachSpan } from "./columns.js";
import { context2d, element } from "./dom.js";
import { shortened, widthOf, write } from "./labels.js";
import { fillOf, lanesOf } from "./lanes.js";
import { pageColours, tokenFills } from "./look.js";
import { AXIS, MAP, Overlay } from "./overlay.js";
import { stretchInView } from "./soundlanes.js";
import { FONT, spanLaneHeight } from "./spanlane.js";
import { TimeScale } from "./timescale.js";

/** Pixels between two lanes. */
const GAP = 8;
/** Pixels left of the lanes for titles and ticks; where the page is narrow, titles are above. */
const [GUTTER, NARROW_GUTTER] = [96, 46];
/** Pixels of a narrow page, of the line for the titles, and from the middle of that to its lane. */
const [NARROW, TITLES, TITLE_ABOVE] = [520, 16, 11];
const SMALL = "11px system-ui, sans-serif";
/** Pixels between two lines, and half of what a number needs. */
const [LINE, HALF_LINE] = [14, 7];

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
    this.overlay = new Overlay(this, addCanvas(parent, "cifviz-overlay"));
    this.background = new OffscreenCanvas(1, 1);
    this.map = new OffscreenCanvas(1, 1);
    /** @type {unknown[]} What the map was drawn from. */
    this.mapped = [];
    /** @type {[string, Lane][]} */
    this.lanes = [];
    /** @type {Record<string, Strip>} */
    this.strips = {};
    this.width = 0;
    this.height = 0;
    /** Pixels left of the lanes. */
    this.gutter = GUTTER;
    this.look = this.pageLook();
    /** @type {unknown[]} What decided which lanes there are. */
    this.arranged = [];
    /** @type {unknown[]} What the background was drawn from. */
    this.drawn = [];
    this.resize();
  }

  /** Give each lane its strip. */
  arrange() {
    const narrow = isNarrow(this.width);
    this.gutter = narrow ? NARROW_GUTTER : GUTTER;
    this.scale.width = this.width - this.gutter;
    this.lanes = lanesOf(this.seen);
    this.strips = {};
    const whole = new TimeScale(this.scale.duration);
    whole.width = this.scale.width;
    let top = MAP + GAP;
    for (const [name, { height, spans, isNumbered, above = 0 }] of this.lanes) {
      if (narrow) top += TITLES;
      top += above;
      const high = spans ? Math.max(height, this.heightOf(spans(this.seen), whole, isNumbered)) : height;
      this.strips[name] = { top, height: high };
      top += high + GAP;
    }
    this.height = top + AXIS;
    this.arranged = this.contents;
  }

  /**
   * Pixels of a lane of spans.
   *
   * @param {readonly Token[]} tokens
   * @param {TimeScale} whole
   * @param {boolean} [isNumbered] Whether settings may number them.
   */
  heightOf(tokens, whole, isNumbered) {
    return spanLaneHeight(context2d(this.background), tokens, whole, isNumbered);
  }

  /** Make room for names, where corrected tokens need other room than before. */
  refit() {
    const whole = new TimeScale(this.scale.duration);
    whole.width = this.scale.width;
    const { tokens: strip } = this.strips;
    const { corrected } = this.seen;
    if (!corrected || this.heightOf(corrected, whole, true) === strip.height) return;
    this.resize();
    this.draw();
    this.overlay.draw();
  }

  /** What decides which lanes there are. */
  /** @returns {unknown[]} */
  get contents() {
    const { utterance, stretches, compare, corrected, lanes } = this.seen;
    return [utterance.reference, stretches[0], compare, lanes, corrected !== null];
  }

  /** Fit the width of the page, at the resolution of the screen. */
  resize() {
    this.width = Math.max(this.parent.clientWidth, 240);
    this.arrange();
    // Whole, so that columns of pixels next to each other show no seam.
    const ratio = Math.ceil(globalThis.devicePixelRatio || 1);
    for (const canvas of [this.canvas, this.overlay.canvas, this.background]) {
      canvas.width = this.width * ratio;
      canvas.height = this.height * ratio;
      context2d(canvas).setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    for (const canvas of [this.canvas, this.overlay.canvas]) canvas.style.height = `${this.height}px`;
    this.drawn = this.mapped = []; // another size makes a canvas empty
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
    if (!isSame(this.arranged, this.contents)) this.resize();
    if (this.look.palette !== this.seen.palette) this.restyle();
    const { begin, end, width } = this.scale;
    const stretch = stretchInView(this.seen.stretches, this.scale);
    const fine = this.seen.detail?.version;
    const sheet = this.seen.lanes.pictures?.sheet;
    const now = [begin, end, width, this.look, stretch, fine, sheet, this.seen.axes, ...this.arranged];
    if (!isSame(this.drawn, now)) this.drawBackground();
    this.drawn = now;
    const canvas = context2d(this.canvas);
    canvas.drawImage(this.background, 0, 0, this.width, this.height);
    this.inLanes(canvas, "foreground");
    for (const [name, lane] of this.lanes) this.drawTicks(canvas, lane, this.strips[name]);
    canvas.save();
    canvas.translate(this.gutter, 0);
    this.drawMap(canvas);
    canvas.restore();
  }

  /** Draw what no setting changes. */
  drawBackground() {
    const canvas = context2d(this.background);
    canvas.fillStyle = this.look.paper;
    canvas.fillRect(0, 0, this.width, this.height);
    canvas.fillStyle = this.look.ink;
    for (const [name, lane] of this.lanes) {
      canvas.font = FONT;
      const { top, height } = this.strips[name];
      const narrow = this.gutter === NARROW_GUTTER;
      const wide = narrow ? this.width / 2 : this.gutter - (lane.ticks ? TICKS : GAP);
      const y = narrow ? top - (lane.above ?? 0) - TITLE_ABOVE : top + (lane.spans ? 15 : Math.min(HALF_LINE + 2, height / 2));
      write(canvas, shortened(canvas, lane.title, wide), 0, y);
      if (lane.unit) this.writeBeside(canvas, [lane.unit], lane, this.strips[name]);
    }
    canvas.save();
    canvas.translate(this.gutter, 0);
    this.drawGrid(canvas);
    this.drawAxis(canvas);
    canvas.restore();
    this.inLanes(canvas, "background");
  }

  /**
   * Write lines below the title of a lane; on a narrow page, beside it.
   *
   * @param {Canvas2D} canvas
   * @param {string[]} lines
   * @param {Lane} lane
   * @param {Strip} strip
   * @param {number} [first] Lines that are there already.
   */
  writeBeside(canvas, lines, { title, spans, above = 0 }, { top }, first = 0) {
    canvas.font = SMALL;
    canvas.fillStyle = this.look.faint;
    if (this.gutter === NARROW_GUTTER) {
      const text = lines.join(" ");
      const left = first ? this.width - widthOf(canvas, text, SMALL) - 1 : titleWidth(canvas, title, this.width / 2) + GAP;
      canvas.font = SMALL;
      write(canvas, text, left, top - above - TITLE_ABOVE);
    } else {
      const y = top + (spans ? 15 : HALF_LINE + 2);
      lines.forEach((line, n) => write(canvas, line, 0, y + (n + first + 1) * LINE));
    }
    canvas.fillStyle = this.look.ink;
  }

  /**
   * What stands at the axis of a lane, and a value there that settings move.
   *
   * @param {Canvas2D} canvas
   * @param {Lane} lane
   * @param {Strip} strip
   */
  drawTicks(canvas, { ticks, mark }, strip) {
    if (!ticks) return;
    const { ink, accent, faint } = this.look;
    const moved = mark?.(strip, this.seen);
    canvas.font = SMALL;
    for (const { y, label } of ticks(strip, this.seen)) {
      canvas.fillStyle = faint;
      canvas.fillRect(this.gutter - 4, Math.round(y) - (y > strip.top + 2 ? 1 : 0), 3, 1);
      if (moved && Math.abs(moved.y - y) < LINE) continue;
      canvas.fillStyle = ink;
      this.writeTick(canvas, label, within(y, strip));
    }
    if (!moved) return;
    canvas.fillStyle = accent;
    this.writeTick(canvas, moved.label, within(moved.y, strip));
  }

  /**
   * @param {Canvas2D} canvas
   * @param {string} label
   * @param {number} y
   */
  writeTick(canvas, label, y) {
    write(canvas, label, this.gutter - 6 - widthOf(canvas, label, SMALL), y);
  }

  /**
   * Pale lines at the ticks of time and of each axis.
   *
   * @param {Canvas2D} canvas
   */
  drawGrid(canvas) {
    const { scale } = this;
    canvas.fillStyle = this.look.faint;
    canvas.globalAlpha = 0.25;
    for (const [name, { ticks }] of this.lanes) {
      const strip = this.strips[name];
      const { top, height } = strip;
      for (const { seconds } of scale.ticks()) canvas.fillRect(Math.round(scale.x(seconds)), top, 1, height);
      for (const { y } of ticks?.(strip, this.seen) ?? []) canvas.fillRect(0, Math.round(y) - 1, scale.width, 1);
    }
    canvas.globalAlpha = 1;
  }

  /**
   * Draw one part of each lane, and nothing outside of it.
   *
   * @param {Canvas2D} canvas
   * @param {"background" | "foreground"} part
   */
  inLanes(canvas, part) {
    for (const [name, lane] of this.lanes) {
      const strip = this.strips[name];
      canvas.save();
      canvas.translate(this.gutter, 0);
      canvas.beginPath();
      const more = AROUND + (lane.above ?? 0);
      canvas.rect(0, strip.top - more, this.scale.width, strip.height + more + AROUND);
      canvas.clip();
      const hint = lane[part]?.(canvas, strip, this.scale, this.seen, this.look);
      canvas.restore();
      if (hint?.length) this.writeBeside(canvas, hint, lane, strip, lane.unit ? 1 : 0);
    }
  }

  /**
   * All tokens, on a canvas that is drawn anew only with them.
   *
   * @param {TimeScale} whole
   */
  drawWhole(whole) {
    const { width } = this.scale;
    const ratio = this.background.width / this.width;
    Object.assign(this.map, { width: width * ratio, height: MAP * ratio });
    const canvas = context2d(this.map);
    canvas.setTransform(ratio, 0, 0, ratio, 0, 0);
    canvas.strokeStyle = this.look.faint;
    canvas.lineWidth = 1;
    canvas.strokeRect(0.5, 3.5, width - 1, MAP - 7);
    const fill = fillOf(this.seen.shown, this.look);
    eachSpan(whole, this.seen.shown.tokens, (index, left, right) => {
      canvas.fillStyle = fill(index, right - left);
      canvas.fillRect(left, 5, right - left, MAP - 10);
    });
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
    const now = [this.seen.shown, look, scale.width];
    if (!isSame(this.mapped, now)) this.drawWhole(whole);
    this.mapped = now;
    canvas.drawImage(this.map, 0, 0, scale.width, MAP);
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
    canvas.font = SMALL;
    let written = -Infinity;
    for (const { seconds, label } of scale.ticks()) {
      const x = scale.x(seconds);
      canvas.fillRect(Math.min(Math.round(x), scale.width - 1), y, 1, 4);
      const text = `${label} s`;
      const half = canvas.measureText(text).width / 2;
      // At both ends labels are moved inwards, so that they are not cut.
      const left = Math.max(Math.min(x, scale.width - 1 - half) - half, 0);
      if (left < written + GAP) continue;
      write(canvas, text, left, y + 11);
      written = left + 2 * half;
    }
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
   * @returns {{lane: string | null, seconds: number, share: number, y: number}} The lane, the
   *   moment, and how far up in the lane, 0 to 1. The map is the lane "map", and its seconds are of
   *   the whole.
   */
  at(x, y) {
    const inside = x - this.gutter;
    if (y < MAP) {
      const seconds = (inside / this.scale.width) * this.scale.duration;
      return { lane: "map", seconds, share: 0, y };
    }
    const found = this.lanes.find(([name, { above = 0 }]) => {
      const { top, height } = this.strips[name];
      return y >= top - above && y < top + height;
    });
    const lane = found ? found[0] : null;
    return { lane, seconds: this.scale.seconds(inside), share: lane ? this.shareOf(lane, y) : 0, y };
  }

  /**
   * How far up in a lane a height is, 0 to 1, also of one outside of it.
   *
   * @param {string} lane
   * @param {number} y
   */
  shareOf(lane, y) {
    const { top, height } = this.strips[lane];
    return Math.min(Math.max(1 - (y - top) / height, 0), 1);
  }
}

/**
 * Whether a page is narrow; 0 is the width of one that is not shown yet.
 *
 * @param {number} width
 */
export function isNarrow(width) {
  return width > 0 && width < NARROW;
}

/** Pixels of the gutter for ticks, and by which marks may leave their lane. */
const [TICKS, AROUND] = [34, 3];

/**
 * A height at which a number is not cut by the next lane.
 *
 * @param {number} y
 * @param {Strip} strip
 */
function within(y, { top, height }) {
  return Math.min(Math.max(y, top + 3), top + height - 3);
}

/**
 * @param {Canvas2D} canvas
 * @param {string} title
 * @param {number} wide
 */
function titleWidth(canvas, title, wide) {
  canvas.font = FONT;
  return Math.min(widthOf(canvas, title, FONT), wide);
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
