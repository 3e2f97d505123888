// What Python wrote, as the explorer wants it: numbers out of base64, the spectrogram as a picture.

/**
 * @param {object} written What `view_data` of `cifviz.explorer.data` made, out of JSON.
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
 * What the weights say, without any picture.
 *
 * @returns {import("./alignment.js").Utterance}
 */
export function utteranceOf({ tokens, alpha, grid, duration, settings, pauses, edges, reference }) {
  const weights = new Float32Array(bytes(alpha).buffer);
  const said = reference && tokensOf(reference);
  return { tokens, alpha: weights, grid, duration, settings, pauses, edges, reference: said };
}

/** Sound and spectrogram of a part of the utterance. */
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
 * @returns {import("./alignment.js").Token[]}
 */
export function tokensOf({ labels, starts, ends }) {
  return labels.map((label, index) => ({ label, start: starts[index], end: ends[index] }));
}

/** Bytes of a base64 text. */
export function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Dark is loud; low pitches are below. */
function spectrogram({ frames, bands, values }) {
  const picture = new OffscreenCanvas(Math.max(frames, 1), bands);
  const drawing = picture.getContext("2d");
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
