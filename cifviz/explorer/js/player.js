// Plays a stretch of the sound, exactly from start to end, with short fades so that nothing clicks.
// One clock, that of the AudioContext, moves the playhead in all lanes.

/** Seconds of a fade. */
const FADE = 0.004;

export class Player {
  /**
   * @param {import("./sound.js").Sound | null} sound Null where there is none.
   * @param {() => AudioContext} [makeContext]
   */
  constructor(sound, makeContext = () => new AudioContext()) {
    this.sound = sound;
    this.makeContext = makeContext;
    /** @type {AudioContext | null} */
    this.context = null;
    this.playing = null;
    this.rate = 1;
    this.loop = false;
    this.onEnd = () => {};
  }

  /**
   * Play from one moment to another; what was playing stops.
   *
   * @param {number} start Seconds.
   * @param {number} end Seconds; later than the sound gives at once is cut off.
   */
  async play(start, end) {
    this.stop();
    if (this.sound === null || end <= start) return;
    const ticket = {};
    this.playing = ticket;
    this.context ??= this.makeContext();
    const until = Math.min(end, start + this.sound.longest);
    const { buffer, begin } = await this.sound.part(this.context, start, until);
    await this.context?.resume();
    if (this.playing !== ticket) return; // stopped, or something else was asked for meanwhile
    this.playing = this.begin(buffer, { from: start - begin, length: until - start, start });
  }

  /** Let the samples be heard from now on. */
  begin(buffer, { from, length, start }) {
    const source = this.context.createBufferSource();
    const gain = this.context.createGain();
    source.buffer = buffer;
    source.playbackRate.value = this.rate;
    source.connect(gain).connect(this.context.destination);
    const now = this.context.currentTime;
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
    const { source } = this.playing ?? {};
    this.playing = null;
    source?.stop();
  }

  /** The moment that is heard now, seconds; null in silence. */
  get now() {
    if (!this.playing?.source) return null;
    const { began, start, length, rate, isLoop } = this.playing;
    const heard = (this.context.currentTime - began) * rate;
    return start + (isLoop ? heard % length : Math.min(heard, length));
  }

  /** Give the sound card back. */
  close() {
    this.stop();
    this.context?.close();
    this.context = null;
  }
}
