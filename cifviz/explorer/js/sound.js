// The sound of an utterance, to be played and to be drawn: pieces of a file in the page, or of Python,
// decoded when they are asked for.

/** @import { WrittenSound } from "./types.js" */
/** @import { Kernel } from "./kernel.js" */

import { Samples } from "./samples.js";

/** Rates at which every browser decodes and plays. */
const [LOWEST, HIGHEST] = [8000, 96_000];
/** Seconds that are played or drawn from samples at once: a page cannot hold an hour of them. */
const [IN_PAGE, ASKED] = [1200, 120];

export class Sound {
  /**
   * @param {WrittenSound} about
   * @param {object} from
   * @param {number} from.longest Seconds that are wanted at once, at most.
   * @param {(index: number, start: number, end: number) => Promise<ArrayBuffer>} from.bring Brings the
   *   sound file of a piece, by its index and its times in seconds.
   * @param {(encoded: ArrayBuffer, rate: number) => Promise<Float32Array>} [from.decode]
   */
  constructor({ rate, length, piece, loudest, note, features }, { longest, bring, decode = decoded }) {
    this.rate = Math.min(Math.max(rate, LOWEST), HIGHEST);
    this.loudest = loudest;
    this.note = note;
    /** Those of the spectrogram, if this sound has the rate that they are of. */
    this.features = this.rate === rate ? features : null;
    this.longest = longest;
    this.bring = bring;
    this.decode = decode;
    const times = this.rate / rate;
    /** Seconds of a piece. */
    this.lasting = piece / rate;
    this.samples = new Samples({
      rate: this.rate,
      length: Math.round(length * times),
      piece: Math.round(piece * times),
      most: Math.ceil((2 * longest) / this.lasting) + 2,
    });
    /** @type {Map<number, Promise<void>>} Pieces on their way. */
    this.coming = new Map();
    /** @type {{buffer: AudioBuffer, begin: number, end: number} | null} The part played last. */
    this.last = null;
  }

  /**
   * Bring samples, where they are not there.
   *
   * @param {number} from
   * @param {number} to The one after the last.
   */
  async load(from, to) {
    const { samples } = this;
    if (samples.has(from, to)) return;
    const missing = samples.piecesOf(from, to).filter((index) => !samples.pieces.has(index));
    await Promise.all(missing.map((index) => this.piece(index)));
  }

  /** @param {number} index */
  piece(index) {
    const coming = this.coming.get(index) ?? this.brought(index);
    this.coming.set(index, coming);
    return coming;
  }

  /** @param {number} index */
  async brought(index) {
    try {
      const start = index * this.lasting;
      const end = Math.min(start + this.lasting, this.samples.length / this.rate);
      const encoded = await this.bring(index, start, end);
      this.samples.put(index, await this.decode(encoded, this.rate));
    } finally {
      this.coming.delete(index);
    }
  }

  /**
   * What a sound card can play of a part.
   *
   * @param {BaseAudioContext} context
   * @param {number} start Seconds.
   * @param {number} end Seconds.
   * @returns {Promise<{buffer: AudioBuffer, begin: number}>} With the second at which it begins.
   */
  async part(context, start, end) {
    if (this.last && this.last.begin <= start && end <= this.last.end) return this.last;
    const { samples, rate } = this;
    const pieces = samples.piecesOf(Math.floor(start * rate), Math.ceil(end * rate));
    const from = (pieces[0] ?? 0) * samples.piece;
    const to = Math.min(from + pieces.length * samples.piece, samples.length);
    await this.load(from, to);
    const buffer = context.createBuffer(1, Math.max(to - from, 1), rate);
    samples.copy(from, buffer.getChannelData(0));
    this.last = { buffer, begin: from / rate, end: to / rate };
    return this.last;
  }
}

/**
 * The sound of a page: its pieces are in it.
 *
 * @param {WrittenSound} about
 * @param {(index: number) => ArrayBuffer} read
 */
export function filedSound(about, read) {
  return new Sound(about, { longest: IN_PAGE, bring: async (index) => read(index) });
}

/**
 * Sound that Python has.
 *
 * @param {WrittenSound} about
 * @param {Kernel} kernel
 */
export function askedSound(about, kernel) {
  const bring = async (/** @type {number} */ _, /** @type {number} */ start, /** @type {number} */ end) => {
    const { buffers } = await kernel.ask("sound", { start, end });
    const [view] = buffers;
    // It may be a part of a larger buffer, and decoding empties the one that it is given.
    return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  };
  return new Sound(about, { longest: ASKED, bring });
}

/**
 * The samples of a sound file; the mean of its channels is not needed, since they are mono.
 *
 * @param {ArrayBuffer} encoded
 * @param {number} rate
 */
async function decoded(encoded, rate) {
  const context = new OfflineAudioContext(1, 1, rate);
  return (await context.decodeAudioData(encoded)).getChannelData(0);
}
