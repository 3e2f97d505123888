// α as sound and fires as clicks: the twin of cifviz/audio/sonification.py. No sound card.

/** @import { Grid } from "./types.js" */

/** Hz of the tone, of the click of a fire, and of one that the residual makes. */
const [TONE, CLICK, LAST_CLICK] = [330, 2000, 1000];
/** Amplitudes of the tone at the largest weight, and of a click: together below 1. */
const [TONE_LEVEL, CLICK_LEVEL] = [0.25, 0.7];
/** Seconds in which a click decays by a factor of e, and in which it is over. */
const [DECAY, LASTING] = [0.0015, 0.012];
/** Amplitudes of the loudest voice and of the CIF in a mix: together 1. Softer voices stay as they are. */
const [VOICE, CIF] = [0.6, 0.4];
/** Amplitude that a voice counts as, at least: silence has no loudness. */
const SOFTEST = 0.05;

/**
 * What a CIF does, as sound.
 *
 * @typedef {object} Audible
 * @property {ArrayLike<number>} alpha Weights of the frames, as they fire.
 * @property {number} top The weight at which the tone is loudest; larger ones are no louder.
 * @property {Grid} grid
 * @property {number[]} fires Seconds, rising.
 * @property {boolean} tailFired Whether the last fire is made of the residual: its click is lower.
 */

/**
 * A soft tone as loud as the weights, and a click at each fire.
 *
 * @param {Audible} cif
 * @param {{start: number, end: number, rate: number, speed?: number}} part Seconds, samples per
 *   second, and how many times as fast: the tone stays as high.
 * @returns {Float32Array} From -0.95 to 0.95.
 */
export function sonify({ alpha, top, grid, fires, tailFired }, { start, end, rate, speed = 1 }) {
  const count = samplesOf(end - start, rate, speed);
  const sound = new Float32Array(count);
  const level = (/** @type {number} */ frame) =>
    frame < 0 || frame >= alpha.length ? 0 : Math.min(Math.max(alpha[frame] / top, 0), 1);
  // 1. The tone, its level a line from the middle of each frame to that of the next.
  const audible = top > 0 ? count : 0;
  for (let n = 0; n < audible; n += 1) {
    const place = (start + (n * speed) / rate - grid.start) / grid.shift - 0.5;
    const frame = Math.floor(place);
    const [one, other] = [level(frame), level(frame + 1)];
    if (one || other) sound[n] = TONE_LEVEL * (one + (other - one) * (place - frame)) * Math.sin((2 * Math.PI * TONE * n) / rate);
  }
  // 2. The clicks; one that begins ends the one before, so that they never add up.
  const lasting = Math.round(LASTING * rate);
  const places = clickPlaces(fires, { start, end, rate, speed });
  places.forEach(({ sample, fire }, index) => {
    const until = Math.min(sample + lasting, places[index + 1]?.sample ?? count, count);
    const pitch = tailFired && fire === fires.length - 1 ? LAST_CLICK : CLICK;
    for (let n = sample; n < until; n += 1) {
      const passed = (n - sample) / rate;
      sound[n] += CLICK_LEVEL * Math.exp(-passed / DECAY) * Math.cos(2 * Math.PI * pitch * passed);
    }
  });
  return sound;
}

/**
 * The first sample of each click: the one nearest to its fire.
 *
 * @param {number[]} fires Seconds, rising.
 * @param {{start: number, end: number, rate: number, speed?: number}} part As of `sonify`.
 * @returns {{sample: number, fire: number}[]} With the index of the fire.
 */
export function clickPlaces(fires, { start, end, rate, speed = 1 }) {
  const count = samplesOf(end - start, rate, speed);
  return fires
    .map((seconds, fire) => ({ sample: samplesOf(seconds - start, rate, speed), fire }))
    .filter(({ sample }) => sample >= 0 && sample < count);
}

/**
 * Number of samples in some seconds; a half is rounded up.
 *
 * @param {number} seconds
 * @param {number} rate
 * @param {number} speed
 */
function samplesOf(seconds, rate, speed) {
  return Math.floor((seconds * rate) / speed + 0.5);
}

/**
 * The voice with the CIF below it, as soft as the voice is; one of them alone where the other is not
 * there.
 *
 * @param {Float32Array | null} voice
 * @param {Float32Array | null} cif
 * @param {number} [loudest] The largest amplitude of the whole recording.
 * @returns {Float32Array} From -1 to 1.
 */
export function mixed(voice, cif, loudest = 1) {
  if (!voice || !cif) return voice ?? cif ?? new Float32Array(0);
  const most = Math.max(loudest, SOFTEST);
  const gain = Math.min(1, VOICE / most);
  const below = (gain * most * CIF) / VOICE;
  return cif.map((sample, n) => gain * (voice[n] ?? 0) + below * sample);
}
