// Where the player finds sound: in one piece that is here, or in Python, stretch by stretch.

/** Seconds that are fetched and played at once: an hour of samples is more than a page can hold. */
export const LONGEST = 120;

/**
 * Something that can be heard.
 *
 * @typedef {object} Sound
 * @property {number} longest Seconds that it gives at once.
 * @property {(context: BaseAudioContext, start: number, end: number) =>
 *   Promise<{buffer: AudioBuffer, begin: number}>} part Samples from one moment to another, and the
 *   moment at which they begin, all in seconds.
 */

/**
 * A sound file that is here.
 *
 * @param {ArrayBuffer} encoded
 * @returns {Sound}
 */
export function wholeSound(encoded) {
  let decoding = null;
  return {
    longest: Infinity,
    async part(context) {
      // A copy: decoding takes the bytes away.
      decoding ??= context.decodeAudioData(encoded.slice(0));
      return { buffer: await decoding, begin: 0 };
    },
  };
}

/**
 * Sound that Python has.
 *
 * @param {import("./kernel.js").Kernel} kernel
 * @returns {Sound}
 */
export function askedSound(kernel) {
  let last = null;
  return {
    longest: LONGEST,
    async part(context, start, end) {
      if (!(last && last.begin <= start && end <= last.end)) {
        const { buffers } = await kernel.ask({ type: "sound", start, end });
        const buffer = await context.decodeAudioData(copied(buffers[0]));
        last = { buffer, begin: start, end };
      }
      return last;
    },
  };
}

/** The bytes of a view of something that may be larger. */
export function copied(view) {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
}
