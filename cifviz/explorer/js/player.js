// Plays a part of the sound, of what its CIF does, or of both, exactly from start to end, with short
// fades so that nothing clicks. The clock of the AudioContext moves the playhead.

/** @import { Audible } from "./sonify.js" */
/** @import { Sound } from "./sound.js" */

import { mixed, sonify } from "./sonify.js";
import { stretched } from "./stretch.js";

/** Seconds of a fade. */
const FADE = 0.004;
/** Seconds that are made for the sound card at once: of the CIF, or at another speed. */
const MADE = 120;

/** What can be played: the recording, what its CIF does, or both. */
export const MODES = /** @type {const} */ (["voice", "voice + CIF", "CIF alone"]);
/** How many times as fast. */
export const SPEEDS = [0.5, 0.75, 1, 1.5];

/**
 * @typedef {object} Playing
 * @property {AudioBufferSourceNode} source
 * @property {number} began On the clock of the AudioContext, seconds.
 * @property {number} start Seconds of the sound.
 * @property {number} length Seconds of the sound.
 * @property {number} speed
 * @property {boolean} isLoop
 */

export class Player {
  /**
   * @param {Sound | null} sound Null where there is none.
   * @param {(rate: number | undefined) => AudioContext} [makeContext]
   */
  constructor(sound, makeContext = (sampleRate) => new AudioContext({ sampleRate })) {
    this.sound = sound;
    this.makeContext = makeContext;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Playing | null} */
    this.playing = null;
    /** Which call of `play` is the last: sound arrives later, and may no longer be wanted. */
    this.calls = 0;
    this.speed = 1;
    /** @type {typeof MODES[number]} */
    this.mode = "voice";
    /** @type {() => Audible | null} What the CIF does now. */
    this.cif = () => null;
    this.loop = false;
    this.onEnd = () => {};
  }

  /**
   * Play from one moment to another; what was playing stops.
   *
   * @param {number} start Seconds.
   * @param {number} end Seconds; what is longer than can be played at once is cut off.
   */
  async play(start, end) {
    this.stop();
    const { speed } = this;
    const cif = this.mode === "voice" ? null : this.cif();
    const sound = this.mode === "CIF alone" ? null : this.sound;
    if ((!sound && !cif) || end <= start) return;
    // 1. What is there of it.
    const call = this.calls;
    this.context ??= this.makeContext(this.sound?.rate);
    const { context } = this;
    const isMade = cif !== null || speed !== 1;
    const until = Math.min(end, start + (sound?.longest ?? MADE), start + (isMade ? MADE : Infinity));
    const part = sound && (await sound.part(context, start, until));
    if (this.calls !== call) return; // stopped, or something else was asked for meanwhile
    await context.resume();
    if (this.calls !== call) return;
    // 2. The sound as it is, or one that is made of it.
    const length = until - start;
    if (part && !isMade) {
      this.playing = this.begin(context, part.buffer, { from: start - part.begin, lasting: length, start, length });
      return;
    }
    const rate = context.sampleRate;
    const voice = part && stretched(samplesOf(part.buffer, start - part.begin, length), rate, speed);
    const samples = mixed(voice, cif && sonify(cif, { start, end: until, rate, speed }), sound?.loudest);
    const buffer = context.createBuffer(1, Math.max(samples.length, 1), rate);
    buffer.getChannelData(0).set(samples);
    this.playing = this.begin(context, buffer, { from: 0, lasting: length / speed, start, length });
  }

  /**
   * Start to play samples.
   *
   * @param {AudioContext} context
   * @param {AudioBuffer} buffer
   * @param {{from: number, lasting: number, start: number, length: number}} part Seconds: of the
   *   buffer's part, and where that is in the whole sound.
   * @returns {Playing}
   */
  begin(context, buffer, { from, lasting, start, length }) {
    // 1. The samples, through a gain.
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = buffer;
    source.connect(gain).connect(context.destination);
    // 2. Fades, and in a loop none at its end.
    const now = context.currentTime;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(1, now + Math.min(FADE, lasting / 2));
    if (this.loop) {
      Object.assign(source, { loop: true, loopStart: from, loopEnd: from + lasting });
      source.start(now, from);
    } else {
      gain.gain.setValueAtTime(1, now + Math.max(lasting - FADE, lasting / 2));
      gain.gain.linearRampToValueAtTime(0, now + lasting);
      source.start(now, from, lasting);
    }
    // 3. The end.
    source.onended = () => {
      if (this.playing?.source === source) {
        this.playing = null;
        this.onEnd();
      }
    };
    return { source, began: now, start, length, speed: this.speed, isLoop: this.loop };
  }

  /** Stop what is playing. */
  stop() {
    this.calls += 1;
    this.playing?.source.stop();
    this.playing = null;
  }

  /** The moment that is played now, seconds; null in silence. */
  get now() {
    if (!this.playing || !this.context) return null;
    const { began, start, length, speed, isLoop } = this.playing;
    const played = (this.context.currentTime - began) * speed;
    return start + (isLoop ? played % length : Math.min(played, length));
  }

  /** Release the sound card. */
  close() {
    this.stop();
    void this.context?.close();
    this.context = null;
  }
}

/**
 * Samples of a part of a buffer.
 *
 * @param {AudioBuffer} buffer
 * @param {number} from Seconds.
 * @param {number} length Seconds.
 */
function samplesOf(buffer, from, length) {
  const first = Math.round(from * buffer.sampleRate);
  return buffer.getChannelData(0).subarray(first, first + Math.round(length * buffer.sampleRate));
}
