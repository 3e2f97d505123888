// What stands in which pixel. Where several frames or spans fall into one, the column of pixels is
// drawn and not they: so an hour costs no more than a minute.

/**
 * Frames in view, one by one, or, where they are narrower than a pixel, those of each column.
 *
 * @param {import("./timescale.js").TimeScale} scale
 * @param {{start: number, shift: number}} grid Clock of the frames, seconds.
 * @param {number} frames How many there are.
 * @param {(from: number, to: number, left: number, right: number) => void} visit Told the first
 *   frame and the one behind the last, and where they begin and end in whole pixels.
 */
export function eachStep(scale, { start, shift }, frames, visit) {
  const first = Math.max(Math.floor((scale.begin - start) / shift), 0);
  const last = Math.min(Math.ceil((scale.end - start) / shift), frames);
  const edge = (frame) => Math.round(scale.x(start + frame * shift));
  if (shift * scale.density >= 1) {
    for (let t = first; t < last; t += 1) visit(t, t + 1, edge(t), edge(t + 1));
    return;
  }
  let from = first;
  for (let x = Math.max(Math.floor(scale.x(start)), 0); x < scale.width && from < last; x += 1) {
    const to = Math.min(Math.ceil((scale.seconds(x + 1) - start) / shift), last);
    if (to > from) visit(from, to, x, x + 1);
    from = Math.max(from, to);
  }
}

/** The largest of the values from one index to before another. */
export function largest(values, from, to) {
  let most = values[from];
  for (let t = from + 1; t < to; t += 1) if (values[t] > most) most = values[t];
  return most;
}

/**
 * Spans in view, one by one; of those narrower than a pixel only the widest in each.
 *
 * @param {import("./timescale.js").TimeScale} scale
 * @param {Array<{start: number, end: number}>} spans
 * @param {(index: number, left: number, right: number) => void} visit Told which, and where it
 *   begins and ends in pixels.
 */
export function eachSpan(scale, spans, visit) {
  let [column, widest, most] = [-1, -1, 0];
  const tell = () => {
    if (widest >= 0) visit(widest, column, column + 1);
    [widest, most] = [-1, 0];
  };
  for (let index = 0; index < spans.length; index += 1) {
    const { start, end } = spans[index];
    if (end < scale.begin || start > scale.end) continue;
    const [left, right] = [scale.x(start), scale.x(end)];
    const wide = right - left;
    const here = Math.floor((left + right) / 2);
    if (here !== column || wide >= 1) tell();
    column = here;
    if (wide >= 1) visit(index, left, right);
    else if (wide >= most) [widest, most] = [index, wide];
  }
  tell();
}

/**
 * Stretches in pixels, with those that touch made one, and without those too short to be seen.
 *
 * @param {number} count How many there are.
 * @param {(index: number) => [number, number]} read Ends of a stretch, in either order.
 * @param {number} width Of what is in view.
 * @param {(left: number, right: number) => void} visit
 */
export function eachRun(count, read, width, visit) {
  let [left, right] = [0, -Infinity];
  for (let index = 0; index < count; index += 1) {
    const [one, other] = read(index);
    const [from, to] = [Math.max(Math.min(one, other), 0), Math.min(Math.max(one, other), width)];
    if (to - from < LEAST) continue;
    if (from > right + LEAST || to < left - LEAST) {
      if (right > left) visit(left, right);
      [left, right] = [from, to];
    } else {
      [left, right] = [Math.min(left, from), Math.max(right, to)];
    }
  }
  if (right > left) visit(left, right);
}

/** Pixels below which nothing is seen. */
const LEAST = 0.5;
