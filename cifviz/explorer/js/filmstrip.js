// The lane of pictures: as many as find room side by side, each at its time. They come as one PNG, which
// the browser decodes, and are drawn as they are on a dark page, too.

/** @import { WrittenPictures } from "./types.js" */
/** @import { Draw } from "./lanes.js" */
/** @import { TimeScale } from "./timescale.js" */

import { bytes } from "./base64.js";

/** Pixels between two pictures, and of the last digits, in pictures. */
const [GAP, ROUNDING] = [2, 1e-6];

export class Filmstrip {
  /** @param {WrittenPictures} written */
  constructor({ sheet, ...numbers }) {
    this.numbers = numbers;
    this.written = sheet;
    /** @type {ImageBitmap | null} Null until it is decoded. */
    this.sheet = null;
  }

  /**
   * Decode the pictures.
   *
   * @throws {Error} If it is no picture, or one of another size than is stated.
   */
  async load() {
    if (this.sheet) return;
    const { count, columns, width, height } = this.numbers;
    const sheet = await createImageBitmap(new Blob([bytes(this.written)], { type: "image/png" }));
    const rows = Math.ceil(count / columns);
    if (sheet.width !== columns * width || sheet.height !== rows * height) {
      throw new Error(`expected pictures on ${columns * width} × ${rows * height} pixels, got ${sheet.width} × ${sheet.height}`);
    }
    this.sheet = sheet;
  }

  /** Release the decoded pictures. */
  close() {
    this.sheet?.close();
    this.sheet = null;
  }

  /**
   * Index of the picture at a moment; null where there is none.
   *
   * @param {number} seconds
   */
  at(seconds) {
    const { start, shift, pictures } = this.numbers;
    const index = Math.floor((seconds - start) / shift);
    return index >= 0 && index < pictures ? index : null;
  }

  /**
   * Which pictures are drawn: each stands for a whole number of them, and the same ones are drawn wherever
   * the view begins.
   *
   * @param {TimeScale} scale
   * @param {number} wide Pixels of a picture.
   * @returns {{picture: number, middle: number}[]} Their indices, and the pixels at which they stand.
   */
  placed(scale, wide) {
    const { start, shift, pictures, every } = this.numbers;
    const step = Math.max(1, Math.ceil((wide + GAP) / (shift * scale.density) - ROUNDING));
    const first = Math.max(Math.floor((scale.begin - start) / shift / step), 0);
    const found = [];
    for (let from = first * step; from < pictures && start + from * shift < scale.end; from += step) {
      const to = Math.min(from + step, pictures);
      if (from && (to - from) * shift * scale.density < wide) break; // the last few have no room
      const picture = Math.floor((from + to - 1) / 2 / every) * every;
      found.push({ picture, middle: scale.x(start + (shift * (from + to)) / 2) });
    }
    return found;
  }
}

/** @type {Draw} */
export function drawPictures(canvas, strip, scale, { lanes: { pictures } }, look) {
  if (!pictures?.sheet) return;
  const { width, height, columns, every } = pictures.numbers;
  const wide = Math.round((strip.height * width) / height);
  canvas.imageSmoothingEnabled = strip.height < height;
  canvas.strokeStyle = look.faint;
  canvas.lineWidth = 1;
  for (const { picture, middle } of pictures.placed(scale, wide)) {
    const place = picture / every;
    const [x, y] = [(place % columns) * width, Math.floor(place / columns) * height];
    const left = Math.round(middle - wide / 2);
    canvas.drawImage(pictures.sheet, x, y, width, height, left, strip.top, wide, strip.height);
    canvas.strokeRect(left + 0.5, strip.top + 0.5, wide - 1, strip.height - 1);
  }
}
