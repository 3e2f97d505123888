// What Python sent, decoded: base64 becomes numbers, the spectrogram a picture.

/** @import { Stretch, Token, Utterance, ViewData, WrittenData } from "./types.js" */
/** @import { WrittenSpans, WrittenStretch } from "./types.js" */

import { context2d } from "./dom.js";

/**
 * Everything about an utterance.
 *
 * @param {WrittenData} written
 * @returns {ViewData}
 */
export function decoded(written) {
  const { whole, compare, palette, model } = written;
  return {
    utterance: utteranceOf(written),
    stretches: [stretchOf(whole)],
    compare: compare.map(({ name, tokens }) => ({ name, tokens: tokensOf(tokens) })),
    palette,
    model,
  };
}

/**
 * Weights, tokens and settings, without any picture.
 *
 * @param {WrittenData} written
 * @returns {Utterance}
 */
export function utteranceOf({ tokens, alpha, grid, duration, settings, pauses, edges, reference }) {
  const weights = new Float32Array(bytes(alpha).buffer);
  const times = reference && tokensOf(reference);
  return { tokens, alpha: weights, grid, duration, settings, pauses, edges, reference: times };
}

/**
 * Sound and spectrogram of a part of the utterance.
 *
 * @param {WrittenStretch} written
 * @returns {Stretch}
 */
export function stretchOf({ start, end, peaks, log_mel: logMel, isFinest }) {
  return {
    start,
    end,
    isFinest,
    peaks: peaks && {
      ...peaks,
      low: new Int8Array(bytes(peaks.low).buffer),
      high: new Int8Array(bytes(peaks.high).buffer),
    },
    logMel: { ...logMel, picture: spectrogram(logMel) },
  };
}

/**
 * @param {WrittenSpans} written
 * @returns {Token[]}
 */
export function tokensOf({ labels, starts, ends }) {
  return labels.map((label, index) => ({ label, start: starts[index], end: ends[index] }));
}

/**
 * Bytes of a base64 text.
 *
 * @param {string} text
 */
export function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * Dark is loud; low frequencies are below.
 *
 * @param {WrittenStretch["log_mel"]} written
 */
function spectrogram({ frames, bands, values }) {
  const picture = new OffscreenCanvas(Math.max(frames, 1), bands);
  const drawing = context2d(picture);
  const pixels = drawing.createImageData(Math.max(frames, 1), bands);
  bytes(values).forEach((value, index) => {
    const [frame, band] = [Math.floor(index / bands), index % bands];
    const at = 4 * ((bands - 1 - band) * frames + frame);
    pixels.data.fill(255 - value, at, at + 3);
    pixels.data[at + 3] = 255;
  });
  drawing.putImageData(pixels, 0, 0);
  return picture;
}
