// What Python wrote, as the explorer wants it: numbers out of base64, the spectrogram as a picture.

/**
 * @param {object} written What `cifviz.explorer.data` made, out of JSON.
 * @param {ArrayBuffer | null} sound A sound file; null for none.
 */
export function decoded(written, sound) {
  const { peaks, log_mel: logMel, second, palette, ...utterance } = written;
  return {
    utterance: { ...utterance, alpha: new Float32Array(bytes(utterance.alpha).buffer) },
    peaks: peaks && {
      rate: peaks.rate,
      low: new Int8Array(bytes(peaks.low).buffer),
      high: new Int8Array(bytes(peaks.high).buffer),
    },
    logMel: logMel && { ...logMel, picture: spectrogram(logMel) },
    second,
    palette,
    sound,
  };
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
