// Any sound file that the browser can decode, as a WAV file of one channel, which Python can read.

/** Samples per second: the usual rate of speech recognisers. */
const RATE = 16000;
const HEADER = 44;

/**
 * @param {ArrayBuffer} encoded A sound file of any kind that this browser knows.
 * @returns {Promise<ArrayBuffer>}
 */
export async function wavFile(encoded) {
  const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(encoded);
  const mixing = new OfflineAudioContext(1, Math.max(Math.ceil(decoded.duration * RATE), 1), RATE);
  const source = mixing.createBufferSource();
  source.buffer = decoded;
  source.connect(mixing.destination);
  source.start();
  return written((await mixing.startRendering()).getChannelData(0));
}

/**
 * Samples in [-1, 1] as 16 bits each.
 *
 * @param {Float32Array} samples
 */
export function written(samples) {
  const file = new DataView(new ArrayBuffer(HEADER + 2 * samples.length));
  const put = (/** @type {number} */ at, /** @type {string} */ letters) => {
    for (const [i, letter] of [...letters].entries()) file.setUint8(at + i, letter.charCodeAt(0));
  };
  put(0, "RIFF");
  file.setUint32(4, HEADER - 8 + 2 * samples.length, true);
  put(8, "WAVEfmt ");
  file.setUint32(16, 16, true); // bytes of what describes the samples
  file.setUint16(20, 1, true); // plain numbers
  file.setUint16(22, 1, true); // channels
  file.setUint32(24, RATE, true);
  file.setUint32(28, 2 * RATE, true); // bytes in a second
  file.setUint16(32, 2, true); // bytes of a sample of all channels
  file.setUint16(34, 16, true); // bits
  put(36, "data");
  file.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, index) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    file.setInt16(HEADER + 2 * index, Math.round(32767 * clipped), true);
  });
  return file.buffer;
}
