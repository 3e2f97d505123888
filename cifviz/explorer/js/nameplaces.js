// Where the names of spans stand: inside where there is room, or else below with a line to the span,
// side by side or upright. What has no place at all is counted. No drawing.

/** @typedef {{left: number, right: number, wide: number}} Box Pixels in view, and of the name. */
/**
 * A name: inside its box, in a row below or upright below; `left` is the left end of its place.
 *
 * @typedef {{box: number, kind: "inside" | "row" | "upright", left: number, wide: number}} Name
 */

/** Pixels between a name and the edge of its box, and between two names in a row. */
export const [MARGIN, BETWEEN] = [3, 8];
/** Pixels from one upright name to the next. */
export const PITCH = 11;
/** Pixels of a line from a span to a name below. */
export const LEADER = 8;
/** Heights below the boxes: for a row of names, and the most for upright ones. */
export const [ROW, TALLEST] = [LEADER + 18, LEADER + 62];
/** Pixels by which a name in a row may lie beside its span; farther ones stand upright. */
const ASIDE = 60;
/** Pixels that the box of a name needs, a letter's in any case. */
export const NARROWEST = 9;

/**
 * A place for the name of each box, in order of the boxes.
 *
 * @param {Box[]} boxes
 * @param {{width: number, below: number, first?: number | null}} room Pixels of the lane and of the
 *   place below the boxes; `first` is the box whose name is never left out.
 * @returns {{names: Name[], hidden: number}} The names that have a place, and the number of others.
 */
export function placeNames(boxes, { width, below, first = null }) {
  /** @type {Name[]} */
  const names = [];
  /** @type {number[]} */
  const others = [];
  boxes.forEach(({ left, right, wide }, box) => {
    const room = right - left;
    if (room >= NARROWEST && wide + 2 * MARGIN <= room) {
      names.push({ box, kind: "inside", left: (left + right - wide) / 2, wide });
    } else {
      others.push(box);
    }
  });
  const middle = (/** @type {number} */ box) => (boxes[box].left + boxes[box].right) / 2;
  others.sort((one, other) => middle(one) - middle(other));
  const middles = others.map(middle);
  const wides = others.map((box) => Math.min(boxes[box].wide, longest(width)));
  const row = below >= ROW ? spread(middles, wides, BETWEEN, width) : null;
  if (row && row.every((left, n) => Math.abs(left + wides[n] / 2 - middles[n]) <= ASIDE)) {
    others.forEach((box, n) => names.push({ box, kind: "row", left: row[n], wide: wides[n] }));
    return { names, hidden: 0 };
  }
  if (below < ROW) return { names, hidden: others.length };
  const some = among(others, Math.floor(width / PITCH), first);
  const lefts = spread(some.map(middle), some.map(() => PITCH), 0, width) ?? [];
  some.forEach((box, n) => {
    names.push({ box, kind: "upright", left: lefts[n], wide: Math.min(boxes[box].wide, below - LEADER - 2) });
  });
  return { names, hidden: others.length - some.length };
}

/**
 * Height that names need below their boxes while everything is in view.
 *
 * @param {Box[]} boxes
 * @param {number} width Pixels of the lane.
 * @param {number} [number] Pixels of a name that may come, if these stand upright.
 */
export function heightBelow(boxes, width, number = 0) {
  const others = boxes.filter(({ left, right, wide }) => wide + 2 * MARGIN > right - left);
  if (!others.length) return 0;
  const { names } = placeNames(boxes, { width, below: ROW });
  if (!names.some(({ kind }) => kind === "upright")) return ROW;
  const most = others.reduce((found, { wide }) => Math.max(found, wide), number);
  return Math.min(Math.max(LEADER + most + 4, ROW), TALLEST);
}

/**
 * The widest name in a row.
 *
 * @param {number} width Pixels of the lane.
 */
export function longest(width) {
  return Math.min(160, width / 2);
}

/**
 * Left ends of names in a row, as near to their middles as they can be without overlap.
 *
 * @param {number[]} middles Rising.
 * @param {number[]} wides
 * @param {number} gap
 * @param {number} width
 * @returns {number[] | null} Null where they are wider than the lane.
 */
export function spread(middles, wides, gap, width) {
  // Without widths and gaps the left ends need only rise: the least squares are the means of pools.
  let taken = 0;
  const before = wides.map((wide) => {
    const here = taken;
    taken += wide + gap;
    return here;
  });
  const spare = width - (taken - gap);
  if (wides.length && spare < 0) return null;
  /** @type {{sum: number, count: number}[]} */
  const pools = [];
  middles.forEach((middle, n) => {
    pools.push({ sum: middle - wides[n] / 2 - before[n], count: 1 });
    for (let last = pools.length - 1; last && mean(pools[last - 1]) > mean(pools[last]); last -= 1) {
      const { sum, count } = /** @type {{sum: number, count: number}} */ (pools.pop());
      pools[last - 1].sum += sum;
      pools[last - 1].count += count;
    }
  });
  const free = pools.flatMap((pool) => Array(pool.count).fill(mean(pool)));
  return free.map((left, n) => Math.min(Math.max(left, 0), spare) + before[n]);
}

/** @param {{sum: number, count: number}} pool */
function mean({ sum, count }) {
  return sum / count;
}

/**
 * At most so many of some things, evenly, and one of them in any case.
 *
 * @param {number[]} all
 * @param {number} most
 * @param {number | null} first
 */
function among(all, most, first) {
  if (all.length <= most) return all;
  const chosen = Array.from({ length: most }, (_, n) => Math.round((n * (all.length - 1)) / Math.max(most - 1, 1)));
  const wanted = first === null ? -1 : all.indexOf(first);
  if (most && wanted >= 0 && !chosen.includes(wanted)) {
    const nearest = chosen.reduce((best, at, n) =>
      Math.abs(at - wanted) < Math.abs(chosen[best] - wanted) ? n : best, 0);
    chosen[nearest] = wanted;
  }
  return chosen.map((at) => all[at]);
}
