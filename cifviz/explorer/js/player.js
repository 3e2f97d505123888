// Plays a stretch of the sound, exactly from start to end, with short fades so that nothing clicks.
// One clock, that of the AudioContext, moves the playhead in all lanes.

/** Seconds of a fade. */
const FADE = 0.004;

export class Player {
  /**
   * @param {ArrayBuffer | null} encoded A sound file; null for none.
   * @param {() => AudioContext} makeContext
   */
  constructor(encoded, makeContext = () => new AudioContext()) {
    this.encoded = encoded;
    this.makeContext = makeContext;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Promise<AudioBuffer> | null} */
    this.decoding = null;
    this.playing = null;
    this.rate = 1;
    this.loop = false;
    this.onEnd = () => {};
  }

  get hasSound() {
    return this.encoded !== null;
  }

  /**
   * Play from one moment to another; what was playing stops.
   *
   * @param {number} start Seconds.
   * @param {number} end Seconds.
   */
  async play(start, end) {
    this.stop();
    if (this.encoded === null || end <= start) return;
    const ticket = {};
    this.playing = ticket;
    this.context ??= this.makeContext();
    // A copy: decoding takes the bytes away.
    this.decoding ??= this.context.decodeAudioData(this.encoded.slice(0));
    const buffer = await this.decoding;
    await this.context.resume();
    if (this.playing !== ticket) return; // stopped, or something else was asked for meanwhile
    const source = this.context.createBufferSource();
    const gain = this.context.createGain();
    source.buffer = buffer;
    source.playbackRate.value = this.rate;
    source.connect(gain).connect(this.context.destination);
    const now = this.context.currentTime;
    const length = (end - start) / this.rate;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(1, now + Math.min(FADE, length / 2));
    if (this.loop) {
      Object.assign(source, { loop: true, loopStart: start, loopEnd: end });
      source.start(now, start);
    } else {
      gain.gain.setValueAtTime(1, now + Math.max(length - FADE, length / 2));
      gain.gain.linearRampToValueAtTime(0, now + length);
      source.start(now, start, end - start);
    }
    source.onended = () => {
      if (this.playing?.source === source) {
        this.playing = null;
        this.onEnd();
      }
    };
    this.playing = { source, began: now, start, end };
  }

  /** Stop what is playing. */
  stop() {
    const { source } = this.playing ?? {};
    this.playing = null;
    source?.stop();
  }

  /** The moment that is heard now, seconds; null in silence. */
  get now() {
    if (!this.playing?.source) return null;
    const { began, start, end } = this.playing;
    const heard = (this.context.currentTime - began) * this.rate;
    return start + (this.loop ? heard % (end - start) : Math.min(heard, end - start));
  }

  /** Give the sound card back. */
  close() {
    this.stop();
    this.context?.close();
    this.context = null;
  }
}
