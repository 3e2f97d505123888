// Colours of the page that the explorer stands in, and the look of each token: a colour that
// colour-blind readers tell apart, and a pattern, since colour is never the only cue.

/** Pixels of a tile, and of what is too narrow to show one. */
const [TILE, NARROW] = [8, 6];

const HATCHES = {
  "": () => {},
  "////": (c) => lines(c, [[0, 8, 8, 0]]),
  "\\\\\\\\": (c) => lines(c, [[0, 0, 8, 8]]),
  xxxx: (c) => lines(c, [[0, 8, 8, 0], [0, 0, 8, 8]]),
  "....": (c) => {
    c.beginPath();
    c.arc(4, 4, 1.2, 0, 2 * Math.PI);
    c.fill();
  },
};

/**
 * Colours for lines, words and paper, as the page has them now.
 *
 * @param {Element} element The stage: its stylesheet gives each to it.
 */
export function pageColours(element) {
  const style = getComputedStyle(element);
  return {
    isDark: isDark(style.backgroundColor),
    ink: style.color,
    faint: style.borderTopColor,
    paper: style.backgroundColor,
    accent: style.outlineColor,
  };
}

/** Whether a colour is nearer to black than to white, however it was written. */
function isDark(colour) {
  const drawing = new OffscreenCanvas(1, 1).getContext("2d");
  drawing.fillStyle = colour;
  drawing.fillRect(0, 0, 1, 1);
  const [red, green, blue] = drawing.getImageData(0, 0, 1, 1).data;
  return red + green + blue < 3 * 128;
}

/**
 * Fills for tokens on a canvas.
 *
 * @param {CanvasRenderingContext2D} canvas
 * @param {{colours: string[], hatches: string[]}} palette
 * @returns {(index: number, wide: number) => string | CanvasPattern} Of a token so many pixels wide.
 */
export function tokenFills(canvas, { colours, hatches }) {
  const made = new Map();
  return (index, wide) => {
    // Where no pattern can be seen a plain colour does, and is painted much faster.
    if (wide < NARROW) return colours[index % colours.length];
    const look = index % (colours.length * hatches.length);
    if (!made.has(look)) {
      const [colour, hatch] = [colours[look % colours.length], hatches[look % hatches.length]];
      made.set(look, pattern(canvas, colour, hatch));
    }
    return made.get(look);
  };
}

function pattern(canvas, colour, hatch) {
  const tile = new OffscreenCanvas(TILE, TILE);
  const drawing = tile.getContext("2d");
  drawing.fillStyle = colour;
  drawing.fillRect(0, 0, TILE, TILE);
  drawing.strokeStyle = drawing.fillStyle = "rgba(0, 0, 0, 0.45)";
  drawing.lineWidth = 1;
  HATCHES[hatch](drawing);
  return canvas.createPattern(tile, "repeat");
}

function lines(drawing, all) {
  drawing.beginPath();
  for (const [x, y, toX, toY] of all) {
    drawing.moveTo(x, y);
    drawing.lineTo(toX, toY);
  }
  drawing.stroke();
}
