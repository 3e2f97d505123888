// The sound in view from its samples: waveform and spectrogram as fine as the screen. The coarse
// picture is drawn until they are there, and panning never waits: what is missing is brought and
// computed in slices between which the page can do other things.

/** @import { Stretch } from "./types.js" */
/** @import { Extremes } from "./pyramid.js" */
/** @import { Place } from "./meltiles.js" */
/** @import { Sound } from "./sound.js" */
/** @import { TimeScale } from "./timescale.js" */

import { greyPicture } from "./data.js";
import { MelTiles } from "./meltiles.js";
import { isCoarse } from "./soundlanes.js";

/** Milliseconds of a slice, and between two pictures of work that goes on. */
const [SLICE, BETWEEN] = [6, 250];
/** Milliseconds without a zoom before work begins: each step of a zoom wants other tiles. */
const REST = 100;
/** Pictures of tiles that are kept. */
const KEPT = 64;

export class Detail {
  /**
   * @param {Sound} sound
   * @param {{refined: () => void, failed: (error: unknown) => void}} acts Called when there is more
   *   to draw, and where samples cannot be had.
   */
  constructor(sound, acts) {
    this.sound = sound;
    this.acts = acts;
    const { features } = sound;
    this.tiles = features && new MelTiles(sound.samples, features);
    /** Counts what became ready. */
    this.version = 0;
    /** @type {Place[]} Tiles in view that are not made. */
    this.wanted = [];
    /** @type {Generator<void, void> | null} The one at work. */
    this.job = null;
    /** @type {Map<string, OffscreenCanvas>} */
    this.pictures = new Map();
    this.calls = 0;
    this.timer = 0;
    /** Pixels per second of the view before. */
    this.density = 0;
    /** Whether a zoom has to rest before more is prepared. */
    this.isWaiting = false;
    this.told = 0;
    this.isClosed = false;
  }

  /**
   * Whether samples make all of the sound that is in view.
   *
   * @param {{begin: number, end: number}} view Seconds.
   * @param {Pick<Stretch, "logMel">} coarse
   */
  covers(view, { logMel }) {
    return this.reaches(view) && (!logMel || this.tiles !== null);
  }

  /**
   * Whether the samples in view can be had at once.
   *
   * @param {{begin: number, end: number}} view Seconds.
   */
  reaches({ begin, end }) {
    return end - begin <= this.sound.longest;
  }

  /**
   * Prepare what is in view, if the coarse picture is coarser than the screen: at once, or after a zoom
   * once the view rests.
   *
   * @param {TimeScale} scale
   * @param {Stretch} coarse
   */
  follow(scale, coarse) {
    this.calls += 1;
    this.wanted = [];
    this.isWaiting = false;
    clearTimeout(this.timer);
    const isZoomed = scale.density !== this.density;
    this.density = scale.density;
    if (!this.reaches(scale) || !isCoarse(coarse, scale.density)) return;
    if (!isZoomed) {
      this.prepare(scale, coarse);
      return;
    }
    this.isWaiting = true;
    this.timer = setTimeout(() => this.prepare(scale, coarse), REST);
  }

  /**
   * Bring the samples in view, and make the tiles that are missing.
   *
   * @param {TimeScale} scale
   * @param {Stretch} coarse
   */
  prepare(scale, coarse) {
    this.isWaiting = false;
    const places = coarse.logMel ? this.placesIn(scale) : [];
    const [from, to] = this.needs(scale, places);
    const call = this.calls;
    const begin = () => {
      if (call !== this.calls || this.isClosed) return;
      this.wanted = places.filter((place) => !this.tiles?.get(place));
      if (this.wanted.length) this.timer = setTimeout(() => this.work(), 0);
    };
    if (this.sound.samples.has(from, to)) {
      begin();
      return;
    }
    this.sound.load(from, to).then(
      () => {
        this.refine();
        begin();
      },
      (error) => {
        if (!this.isClosed) this.acts.failed(error);
      },
    );
  }

  /**
   * Tiles in view, the middle first.
   *
   * @param {TimeScale} scale
   */
  placesIn({ begin, end, density }) {
    if (!this.tiles) return [];
    const places = this.tiles.placesIn(this.tiles.levelFor(density), begin, end);
    const middle = places.length ? (places[0].index + places[places.length - 1].index) / 2 : 0;
    return places.sort((one, other) => Math.abs(one.index - middle) - Math.abs(other.index - middle));
  }

  /**
   * The samples in view, and those of tiles.
   *
   * @param {TimeScale} scale
   * @param {Place[]} places
   * @returns {[number, number]}
   */
  needs(scale, places) {
    let [from, to] = this.inView(scale);
    for (const place of places) {
      const [first, last] = this.tiles?.needs(place) ?? [from, to];
      [from, to] = [Math.min(from, first), Math.max(to, last)];
    }
    return [from, to];
  }

  /**
   * @param {{begin: number, end: number}} view Seconds.
   * @returns {[number, number]}
   */
  inView({ begin, end }) {
    const { rate } = this.sound;
    return [Math.floor(begin * rate), Math.ceil(end * rate) + 1];
  }

  /** Make wanted tiles, a slice of the time. */
  work() {
    const until = performance.now() + SLICE;
    while (performance.now() < until) {
      if (!this.job) {
        const next = this.wanted.shift();
        if (!next) {
          this.refine();
          return;
        }
        this.job = this.tiles?.make(next) ?? null;
      }
      if (this.job?.next().done) this.job = null;
    }
    if (performance.now() > this.told + BETWEEN) this.refine();
    this.timer = setTimeout(() => this.work(), 0);
  }

  /** There is more to draw. */
  refine() {
    this.version += 1;
    this.told = performance.now();
    if (!this.isClosed) this.acts.refined();
  }

  /**
   * Whether the samples in view are there.
   *
   * @param {TimeScale} scale
   */
  hasSamples(scale) {
    return this.reaches(scale) && this.sound.samples.has(...this.inView(scale));
  }

  /**
   * Widen extremes by samples.
   *
   * @param {number} from
   * @param {number} to
   * @param {Extremes} found
   */
  widen(from, to, found) {
    this.sound.samples.widen(from, to, found);
  }

  /**
   * Pictures of the spectrogram in view that are there, with their times.
   *
   * @param {TimeScale} scale
   * @returns {{picture: OffscreenCanvas, start: number, shift: number}[]}
   */
  picturesIn(scale) {
    const { tiles } = this;
    if (!tiles || !this.reaches(scale)) return [];
    return this.placesIn(scale).flatMap((place) => {
      const picture = this.pictureOf(place);
      if (!picture) return [];
      const shift = tiles.shift(place.level);
      return [{ picture, start: place.index * tiles.columnsOfTile * shift, shift }];
    });
  }

  /** @param {Place} place */
  pictureOf(place) {
    const values = this.tiles?.get(place);
    if (!values || !this.tiles) return null;
    const key = `${place.level} ${place.index}`;
    const { bands } = this.tiles.mel;
    const picture = this.pictures.get(key) ?? greyPicture(values, values.length / bands, bands);
    this.pictures.delete(key);
    this.pictures.set(key, picture);
    for (const old of this.pictures.keys()) {
      if (this.pictures.size <= KEPT) break;
      this.pictures.delete(old);
    }
    return picture;
  }

  close() {
    this.isClosed = true;
    this.wanted = [];
    clearTimeout(this.timer);
  }
}
