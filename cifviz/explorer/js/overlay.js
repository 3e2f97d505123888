// What is drawn in front of the picture, on a canvas of its own: playhead, cursor, region, chosen edge.

/** @import { Canvas2D, Marks, Span } from "./types.js" */
/** @import { Picture } from "./picture.js" */

import { context2d } from "./dom.js";
import { BOXES } from "./spanlane.js";

/** Pixels of the map above the lanes and of the axis below them. */
export const [MAP, AXIS] = [18, 22];

export class Overlay {
  /**
   * @param {Picture} picture
   * @param {HTMLCanvasElement} canvas
   */
  constructor(picture, canvas) {
    this.picture = picture;
    this.canvas = canvas;
    /** @type {number | null} Seconds of the playhead. */
    this.playhead = null;
    /** @type {number | null} Seconds below the mouse. */
    this.hovered = null;
    /** @type {Marks} */
    this.marks = { region: null, cursor: null, edge: null };
  }

  /**
   * Draw the playhead at a moment; none for null.
   *
   * @param {number | null} seconds
   */
  drawPlayhead(seconds) {
    this.playhead = seconds;
    this.draw();
  }

  /**
   * Draw a thin line below the mouse; none for null.
   *
   * @param {number | null} seconds
   */
  drawHovered(seconds) {
    this.hovered = seconds;
    this.draw();
  }

  /**
   * Draw what the reader marked.
   *
   * @param {Marks} marks
   */
  drawMarks(marks) {
    this.marks = marks;
    this.draw();
  }

  /** Draw the lines in front of everything. */
  draw() {
    const { gutter, height, look, scale, width } = this.picture;
    const canvas = context2d(this.canvas);
    canvas.clearRect(0, 0, width, height);
    const { ink, accent } = look;
    const { region, cursor, edge } = this.marks;
    if (region) this.drawRegion(canvas, region);
    const lines = [
      { seconds: this.hovered, colour: ink, thick: 1 },
      { seconds: cursor, colour: ink, thick: 2 },
      { seconds: edge, colour: accent, thick: 2 },
      { seconds: this.playhead, colour: accent, thick: 2 },
    ];
    for (const { seconds, colour, thick } of lines) {
      if (seconds === null) continue;
      const x = gutter + Math.round(scale.x(seconds));
      if (x < gutter || x > width) continue;
      canvas.fillStyle = colour;
      canvas.fillRect(x - thick / 2, MAP, thick, height - AXIS - MAP);
    }
    if (edge !== null) this.drawHandle(canvas, edge);
  }

  /**
   * A pale area between two lines.
   *
   * @param {Canvas2D} canvas
   * @param {Span} region
   */
  drawRegion(canvas, { start, end }) {
    const { gutter, height, look, scale } = this.picture;
    const [left, right] = [start, end].map((seconds) =>
      Math.min(Math.max(Math.round(scale.x(seconds)), 0), scale.width),
    );
    if (end < scale.begin || start > scale.end) return;
    const high = height - AXIS - MAP;
    canvas.fillStyle = look.accent;
    canvas.globalAlpha = 0.25;
    canvas.fillRect(gutter + left, MAP, Math.max(right - left, 1), high);
    canvas.globalAlpha = 1;
    for (const [seconds, x] of [[start, left], [end, right]]) {
      if (seconds >= scale.begin && seconds <= scale.end) canvas.fillRect(gutter + x - 0.5, MAP, 1, high);
    }
  }

  /**
   * A handle at the chosen edge, in the lane of the tokens.
   *
   * @param {Canvas2D} canvas
   * @param {number} seconds
   */
  drawHandle(canvas, seconds) {
    const { gutter, look, scale, strips, width } = this.picture;
    const x = gutter + Math.round(scale.x(seconds));
    if (x < gutter || x > width) return;
    const { top } = strips.tokens;
    canvas.fillStyle = look.paper;
    canvas.fillRect(x - 5, top + 1, 10, BOXES - 2);
    canvas.fillStyle = look.accent;
    canvas.fillRect(x - 3, top + 3, 6, BOXES - 6);
  }
}
