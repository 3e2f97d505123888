// All lanes on one canvas, with the time axis below and a small map of the whole above; and the
// playhead on a canvas of its own, so that it moves without drawing the rest again.

import { LANES } from "./lanes.js";
import { pageColours, tokenFills } from "./look.js";

const [MAP, AXIS, TITLE, GAP] = [18, 20, 62, 6];

export class Picture {
  /**
   * @param {HTMLElement} parent
   * @param {object} seen What the lanes draw: peaks, logMel, utterance, second, palette.
   * @param {import("./timescale.js").TimeScale} scale
   */
  constructor(parent, seen, scale) {
    this.seen = seen;
    this.scale = scale;
    this.canvas = addCanvas(parent, "cifviz-picture");
    this.overlay = addCanvas(parent, "cifviz-overlay");
    this.lanes = Object.entries(LANES).filter(([, lane]) => lane.isThere(seen));
    this.strips = {};
    let top = MAP + GAP;
    for (const [name, { height }] of this.lanes) {
      this.strips[name] = { top, height };
      top += height + GAP;
    }
    this.height = top + AXIS;
    this.parent = parent;
    this.resize();
  }

  /** Fit the width of the page, at the resolution of the screen. */
  resize() {
    this.width = Math.max(this.parent.clientWidth, 240);
    this.scale.width = this.width - TITLE;
    const ratio = globalThis.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(this.height * ratio);
      canvas.style.height = `${this.height}px`;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.restyle();
  }

  /** Read the colours of the page anew. */
  restyle() {
    const canvas = this.canvas.getContext("2d");
    this.look = { ...pageColours(this.parent), fill: tokenFills(canvas, this.seen.palette) };
  }

  /** Draw everything but the playhead. */
  draw() {
    const canvas = this.canvas.getContext("2d");
    canvas.fillStyle = this.look.paper;
    canvas.fillRect(0, 0, this.width, this.height);
    this.drawTitles(canvas);
    canvas.save();
    canvas.translate(TITLE, 0);
    this.drawMap(canvas);
    canvas.beginPath();
    canvas.rect(0, MAP, this.scale.width, this.height - MAP);
    canvas.clip();
    for (const [name, lane] of this.lanes) {
      canvas.save();
      lane.draw(canvas, this.strips[name], this.scale, this.seen, this.look);
      canvas.restore();
    }
    this.drawAxis(canvas);
    canvas.restore();
  }

  drawTitles(canvas) {
    canvas.fillStyle = this.look.ink;
    canvas.font = "12px system-ui, sans-serif";
    canvas.textBaseline = "middle";
    for (const [name, { title, height }] of this.lanes) {
      const text = name === "second" ? this.seen.second.name : title;
      canvas.fillText(text, 0, this.strips[name].top + height / 2, TITLE - 4);
    }
  }

  /** The whole utterance as a bar, with its tokens and a frame around what is in view. */
  drawMap(canvas) {
    const { scale, look } = this;
    const place = (seconds) => (seconds / scale.duration) * scale.width;
    canvas.strokeStyle = look.faint;
    canvas.strokeRect(0.5, 3.5, scale.width - 1, MAP - 7);
    this.seen.aligned.tokens.forEach(({ start, end }, index) => {
      const wide = Math.max(place(end) - place(start), 0.5);
      canvas.fillStyle = look.fill(index, wide);
      canvas.fillRect(place(start), 5, wide, MAP - 10);
    });
    canvas.strokeStyle = look.accent;
    canvas.lineWidth = 2;
    canvas.strokeRect(place(scale.begin) + 1, 2, place(scale.end - scale.begin) - 2, MAP - 4);
  }

  drawAxis(canvas) {
    const y = this.height - AXIS;
    canvas.strokeStyle = canvas.fillStyle = this.look.ink;
    canvas.lineWidth = 1;
    canvas.font = "11px system-ui, sans-serif";
    canvas.textBaseline = "top";
    for (const { seconds, label } of this.scale.ticks()) {
      const x = this.scale.x(seconds);
      canvas.beginPath();
      canvas.moveTo(x, y);
      canvas.lineTo(x, y + 4);
      canvas.stroke();
      const isFirst = x < 12;
      canvas.textAlign = isFirst ? "left" : "center";
      canvas.fillText(`${label} s`, isFirst ? Math.max(x, 0) : x, y + 6);
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

function addCanvas(parent, name) {
  const canvas = document.createElement("canvas");
  canvas.className = name;
  canvas.setAttribute("aria-hidden", "true"); // the list of tokens and the table say it in words
  parent.append(canvas);
  return canvas;
}
