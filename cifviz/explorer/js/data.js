// What Python sent, decoded: base64 becomes numbers, the spectrogram a picture.

/** @import { Stretch, SystemLanes, Token, Utterance, ViewData, WrittenData } from "./types.js" */
/** @import { WrittenHome, WrittenLanes, WrittenSpans, WrittenStretch } from "./types.js" */

import { bytes } from "./base64.js";
import { context2d } from "./dom.js";
import { Filmstrip } from "./filmstrip.js";
import { runningSums } from "./firing.js";
import { membraneOf } from "./membranelane.js";
import { Raster } from "./raster.js";
import { writtenOf } from "./staircase.js";

/** What a compared lane has if nothing is said of it, as in older notebooks. */
const LANE = { fires: null, intervals: null, doubts: [], isOwn: false };

/**
 * Everything about an utterance.
 *
 * @param {WrittenData} written
 * @returns {ViewData}
 */
export function decoded(written) {
  const { name, tier, whole, compare, palette, model, hertz = null } = written;
  return {
    name,
    tier,
    utterance: utteranceOf(written),
    stretches: [stretchOf(whole)],
    hertz,
    compare: compare.map((one) => ({ ...LANE, ...one, tokens: tokensOf(one.tokens) })),
    lanes: lanesOf(written.lanes ?? {}),
    palette,
    model,
    hasSound: written.sound !== null,
  };
}

/**
 * What some systems alone have; older pages have none of it.
 *
 * @param {WrittenLanes} written
 * @returns {SystemLanes}
 */
function lanesOf({ pictures, spikes, membrane, written }) {
  return {
    pictures: pictures ? new Filmstrip(pictures) : null,
    spikes: spikes ? new Raster(spikes) : null,
    membrane: membrane ? membraneOf(membrane) : null,
    written: written ? writtenOf(written) : null,
  };
}

/**
 * Weights, tokens and settings, without any picture.
 *
 * @param {WrittenData} written
 * @returns {Utterance}
 */
export function utteranceOf(written) {
  const { tokens, alpha, grid, duration, settings, pauses, edges, reference } = written;
  const { dialect, fixed, home } = written;
  const weights = new Float32Array(bytes(alpha).buffer);
  return {
    tokens,
    alpha: weights,
    grid,
    duration,
    settings,
    pauses,
    edges,
    reference: reference && tokensOf(reference),
    dialect,
    fixed,
    home: home && homeOf(home),
  };
}

/**
 * What a CIF that is not cifviz's own did.
 *
 * @param {WrittenHome} written
 * @returns {NonNullable<Utterance["home"]>}
 */
function homeOf({ alpha, ends, positions, starts, stops, shares, ...numbers }) {
  const used = new Float32Array(bytes(alpha).buffer);
  const masses = new Float64Array(bytes(ends).buffer);
  const firing = {
    ...numbers,
    alpha: used,
    running: runningSums(used),
    ends: masses,
    reach: masses, // of no use: only who computes shares reads it
    fires: masses.length - 1,
    fill: 1,
    tailFill: 1,
    positions: new Float64Array(bytes(positions).buffer),
    shares: shares && {
      first: new Int32Array(bytes(shares.first).buffer),
      owners: new Int32Array(bytes(shares.owners).buffer),
      weights: new Float32Array(bytes(shares.weights).buffer),
    },
  };
  return { firing, spans: starts.map((start, index) => [start, stops[index]]) };
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
    logMel: logMel && {
      ...logMel,
      picture: greyPicture(bytes(logMel.values), logMel.frames, logMel.bands),
    },
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
 * Tokens as they travel.
 *
 * @param {readonly Token[]} tokens
 * @returns {WrittenSpans}
 */
export function writtenSpans(tokens) {
  return {
    labels: tokens.map(({ label }) => label),
    starts: tokens.map(({ start }) => start),
    ends: tokens.map(({ end }) => end),
  };
}

/**
 * Steps of grey as a picture: dark is loud; low frequencies are below.
 *
 * @param {Uint8Array} values Columns, the lowest band of each first.
 * @param {number} columns
 * @param {number} bands
 */
export function greyPicture(values, columns, bands) {
  const wide = Math.max(columns, 1);
  const picture = new OffscreenCanvas(wide, bands);
  const drawing = context2d(picture);
  const pixels = drawing.createImageData(wide, bands);
  const colours = new Uint32Array(pixels.data.buffer);
  for (let column = 0, index = 0; column < columns; column += 1) {
    for (let band = 0; band < bands; band += 1, index += 1) {
      // Alpha, blue, green and red: the last is the first byte.
      const grey = 255 - values[index];
      colours[(bands - 1 - band) * wide + column] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
  }
  drawing.putImageData(pixels, 0, 0);
  return picture;
}
