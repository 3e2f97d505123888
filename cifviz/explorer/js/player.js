// Plays a part of the sound, exactly from start to end, with short fades so that nothing clicks. The
// clock of the AudioContext moves the playhead.

/** @import { Sound } from "./sound.js" */

/** Seconds of a fade. */
const FADE = 0.004;

/**
 * @typedef {object} Playing
 * @property {AudioBufferSourceNode} source
 * @property {number} began On the clock of the AudioContext, seconds.
 * @property {number} start Seconds of the sound.
 * @property {number} length Seconds of the sound.
 * @property {number} rate
 * @property {boolean} isLoop
 */

export class Player {
  /**
   * @param {Sound | null} sound Null where there is none.
   * @param {(rate: number) => AudioContext} [makeContext]
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
    this.rate = 1;
    this.loop = false;
    this.onEnd = () => {};
  }

  /**
   * Play from one moment to another; what was playing stops.
   *
   * @param {number} start Seconds.
   * @param {number} end Seconds; what is longer than `sound.longest` is cut off.
   */
  async play(start, end) {
    this.stop();
    if (this.sound === null || end <= start) return;
    const call = this.calls;
    this.context ??= this.makeContext(this.sound.rate);
    const { context } = this;
    const until = Math.min(end, start + this.sound.longest);
    const { buffer, begin } = await this.sound.part(context, start, until);
    if (this.calls !== call) return; // stopped, or something else was asked for meanwhile
    await context.resume();
    if (this.calls !== call) return;
    const part = { from: start - begin, length: until - start, start };
    this.playing = this.begin(context, buffer, part);
  }

  /**
   * Start to play samples.
   *
   * @param {AudioContext} context
   * @param {AudioBuffer} buffer
   * @param {{from: number, length: number, start: number}} part Seconds: of the buffer's part, and
   *   where that is in the whole sound.
   * @returns {Playing}
   */
  begin(context, buffer, { from, length, start }) {
    // 1. The samples, through a gain.
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = buffer;
    source.playbackRate.value = this.rate;
    source.connect(gain).connect(context.destination);
    // 2. Fades, and in a loop none at its end.
    const now = context.currentTime;
    const lasting = length / this.rate;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(1, now + Math.min(FADE, lasting / 2));
    if (this.loop) {
      Object.assign(source, { loop: true, loopStart: from, loopEnd: from + length });
      source.start(now, from);
    } else {
      gain.gain.setValueAtTime(1, now + Math.max(lasting - FADE, lasting / 2));
      gain.gain.linearRampToValueAtTime(0, now + lasting);
      source.start(now, from, length);
    }
    // 3. The end.
    source.onended = () => {
      if (this.playing?.source === source) {
        this.playing = null;
        this.onEnd();
      }
    };
    return { source, began: now, start, length, rate: this.rate, isLoop: this.loop };
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
    const { began, start, length, rate, isLoop } = this.playing;
    const played = (this.context.currentTime - began) * rate;
    return start + (isLoop ? played % length : Math.min(played, length));
  }

  /** Release the sound card. */
  close() {
    this.stop();
    void this.context?.close();
    this.context = null;
  }
}
