// Sources of sound for the player: a file in the page, or Python, part by part.

/** @import { Kernel } from "./kernel.js" */

/** Seconds that are fetched and played at once: a page cannot hold an hour of samples. */
export const LONGEST = 120;

/**
 * Something that can be played.
 *
 * @typedef {object} Sound
 * @property {number} longest Seconds of the longest part.
 * @property {(context: BaseAudioContext, start: number, end: number) =>
 *   Promise<{buffer: AudioBuffer, begin: number}>} part Samples from one moment to another, and the
 *   moment at which they begin, all in seconds.
 */

/**
 * A sound file in the page.
 *
 * @param {ArrayBuffer} encoded
 * @returns {Sound}
 */
export function wholeSound(encoded) {
  /** @type {Promise<AudioBuffer> | null} */
  let decoding = null;
  return {
    longest: Infinity,
    async part(context) {
      // A copy: decoding empties the buffer that it is given.
      decoding ??= context.decodeAudioData(encoded.slice(0));
      return { buffer: await decoding, begin: 0 };
    },
  };
}

/**
 * Sound that Python has.
 *
 * @param {Kernel} kernel
 * @returns {Sound}
 */
export function askedSound(kernel) {
  /** @type {{buffer: AudioBuffer, begin: number, end: number} | null} */
  let last = null;
  return {
    longest: LONGEST,
    async part(context, start, end) {
      if (last && last.begin <= start && end <= last.end) return last;
      const { buffers } = await kernel.ask("sound", { start, end });
      const buffer = await context.decodeAudioData(copied(buffers[0]));
      const part = { buffer, begin: start, end };
      last = part;
      return part;
    },
  };
}

/**
 * The bytes of a view, which may be a part of a larger buffer.
 *
 * @param {DataView<ArrayBuffer>} view
 */
export function copied(view) {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
}
