// Alignments as text files, byte for byte as the writers of cifviz.formats make them.

/** @import { Token } from "./types.js" */
/** @typedef {Map<string, readonly Token[]>} Tiers */
/** @typedef {{start: number, end: number, label: string}} Entry Times in whole units. */

const [MICRO, MILLI] = [1e6, 1e3];
/** Seconds. */
const LATEST = 1e8;
const SPACE = "<space>";
/** What Python or JavaScript takes for white space, a line feed aside. */
const BLANK =
  "\\t\\x0b\\x0c\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";
const BLANK_LINE = `^[${BLANK}]*\\n|\\n[${BLANK}]*(?:\\n|$)`;
const MARKUP = `</?(?:[bBiIuU]|[fF][oO][nN][tT])(?:[\\n${BLANK}][^<>]*)?>|\\{\\\\[^{}]*\\}`;

const UNWRITABLE = {
  TextGrid: /[\0\r\ud800-\udfff]/u,
  CTM: new RegExp(`(?! )[\\0-\\x1f\\x7f${BLANK}\\ud800-\\udfff]|${SPACE}|^$`, "u"),
  recording: new RegExp(`[\\0-\\x20\\x7f${BLANK}\\ud800-\\udfff]|^;;|^$`, "u"),
  SRT: new RegExp(`[\\0\\r\\ud800-\\udfff]|${BLANK_LINE}|-->|${MARKUP}`, "u"),
  WebVTT: new RegExp(`[\\0\\r\\ud800-\\udfff]|${BLANK_LINE}`, "u"),
  Audacity: /[\0\t\n\r\ud800-\udfff]/u,
  CSV: /[\0\ud800-\udfff]/u,
};
/** What a spreadsheet takes for the beginning of a formula, in any width. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/u;

// --- formats of several tiers --------------------------------------------------------------------

/**
 * A TextGrid of Praat in its long text format.
 *
 * @param {Tiers} tiers
 * @param {number} duration Seconds.
 */
export function textgrid(tiers, duration) {
  const end = rounded(duration, MICRO);
  if (!(end > 0 && duration <= LATEST)) throw new Error(`a TextGrid cannot last ${duration} s`);
  /** @type {{name: string, isIntervals: boolean, entries: Entry[]}[]} */
  const written = [];
  for (const [name, tokens] of tiers) {
    const { intervals, points } = split(tokens, end);
    written.push({ name, isIntervals: true, entries: withBlanks(intervals, end) });
    if (!points.size) continue;
    const taken = new Set([...tiers.keys(), ...written.map((tier) => tier.name)]);
    const entries = [...points].map(([time, label]) => ({ start: time, end: time, label }));
    written.push({ name: free(`${name} (no interval)`, taken), isIntervals: false, entries });
  }
  const span = ["xmin = 0 ", `xmax = ${decimal(end)} `];
  const head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", ...span];
  const count = ["tiers? <exists> ", `size = ${written.length} `, "item []: "];
  const lines = written.flatMap(({ name, isIntervals, entries }, index) => [
    `    item [${index + 1}]:`,
    `        class = "${isIntervals ? "IntervalTier" : "TextTier"}" `,
    `        name = ${praat(name)} `,
    ...span.map((line) => `        ${line}`),
    `        ${isIntervals ? "intervals" : "points"}: size = ${entries.length} `,
    ...entries.flatMap((entry, place) => textgridEntry(entry, place + 1, isIntervals)),
  ]);
  return [...head, ...count, ...lines, ""].join("\n");
}

/**
 * @param {Entry} entry
 * @param {number} number
 * @param {boolean} isInterval
 */
function textgridEntry({ start, end, label }, number, isInterval) {
  const space = "            ";
  if (!isInterval) {
    return [
      `        points [${number}]:`,
      `${space}number = ${decimal(start)} `,
      `${space}mark = ${praat(label)} `,
    ];
  }
  return [
    `        intervals [${number}]:`,
    `${space}xmin = ${decimal(start)} `,
    `${space}xmax = ${decimal(end)} `,
    `${space}text = ${praat(label)} `,
  ];
}

/**
 * Tokens that fit intervals, and the others by the time of their point.
 *
 * @param {readonly Token[]} tokens
 * @param {number} duration Microseconds.
 */
function split(tokens, duration) {
  /** @type {Entry[]} */
  const intervals = [];
  /** @type {Map<number, string>} */
  const points = new Map();
  for (const token of tokens) {
    const { label } = token;
    const [start, end] = [rounded(token.start, MICRO), rounded(token.end, MICRO)];
    if (label === "") throw new Error("a TextGrid cannot hold an empty label");
    if (!(start >= 0 && end <= duration)) {
      throw new Error(`${shown(label)} is outside of the ${decimal(duration)} s of sound`);
    }
    if (start < end) intervals.push({ start, end, label });
    else points.set(end, points.has(end) ? `${points.get(end)} ${label}` : label);
  }
  return { intervals, points };
}

/**
 * Intervals without gaps.
 *
 * @param {Entry[]} intervals
 * @param {number} duration Microseconds.
 */
function withBlanks(intervals, duration) {
  /** @type {Entry[]} */
  const whole = [];
  let last = 0;
  for (const entry of [...intervals, { start: duration, end: duration, label: "" }]) {
    if (last < entry.start) whole.push({ start: last, end: entry.start, label: "" });
    if (entry.start < entry.end) whole.push(entry);
    last = entry.end;
  }
  return whole;
}

/**
 * The name, or "name (2)", "name (3)" …: the first that is not taken.
 *
 * @param {string} name
 * @param {Set<string>} taken
 */
export function free(name, taken) {
  let found = name;
  for (let number = 2; taken.has(found); number += 1) found = `${name} (${number})`;
  return found;
}

/** @param {string} text */
function praat(text) {
  return `"${writable(text, "TextGrid").replaceAll('"', '""')}"`;
}

/**
 * A table of all tiers; a label that a spreadsheet would take for a formula begins with '.
 *
 * @param {Tiers} tiers
 */
export function csv(tiers) {
  const quoted = (/** @type {string} */ text) =>
    `"${FORMULA.test(writable(text, "CSV")) ? "'" : ""}${text.replaceAll('"', '""')}"`;
  const rows = ["tier,token,start,end,score"];
  for (const [name, tokens] of tiers) {
    for (const { start, end, label } of entriesOf(tokens, MICRO, "CSV")) {
      rows.push([quoted(name), quoted(label), decimal(start), decimal(end), ""].join(","));
    }
  }
  return [...rows, ""].join("\r\n");
}

/**
 * JSON: the duration, the names of the tiers, and a list for each; and what else is known.
 *
 * @param {Tiers} tiers
 * @param {number} duration Seconds.
 * @param {Record<string, unknown>} details
 */
export function json(tiers, duration, details) {
  /** @type {Map<string, unknown>} */
  const content = new Map([["schema", "cifviz-alignment-1"]]);
  const add = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (content.has(name)) throw new Error(`${shown(name)} is the name of two entries`);
    content.set(name, value);
  };
  add("duration", new Float(duration));
  add("tiers", [...tiers.keys()]);
  for (const [name, tokens] of tiers) {
    const list = tokens.map(({ label, start, end }) => ({
      token: label,
      start: new Float(start),
      end: new Float(end),
      score: null,
    }));
    add(name, list);
  }
  for (const [name, value] of Object.entries(details)) add(name, value);
  return `${jsonOf(content, "\n")}\n`;
}

/** A number that Python writes with a point or an exponent. */
class Float {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }

  toString() {
    const [digits, exponent] = this.value.toExponential().split("e");
    const power = Number(exponent);
    if (this.value && (power < -4 || power >= 16)) {
      const sign = power < 0 ? "-" : "+";
      return `${digits}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
    }
    const text = Object.is(this.value, -0) ? "-0" : String(this.value);
    return text.includes(".") ? text : `${text}.0`;
  }
}

/**
 * JSON as Python's json.dumps writes it with indent 1 and sorted keys.
 *
 * @param {unknown} value
 * @param {string} line The line end and the spaces before this value.
 * @returns {string}
 */
function jsonOf(value, line) {
  const inner = `${line} `;
  const list = (/** @type {string[]} */ items, /** @type {string} */ [open, close]) =>
    items.length ? `${open}${inner}${items.join(`,${inner}`)}${line}${close}` : `${open}${close}`;
  if (value instanceof Float) return value.toString();
  if (typeof value === "number" && !Number.isInteger(value)) return new Float(value).toString();
  if (Array.isArray(value)) return list(value.map((item) => jsonOf(item, inner)), "[]");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const pairs = [...(value instanceof Map ? value : Object.entries(value))];
  pairs.sort(([one], [other]) => byCodePoint(one, other));
  return list(pairs.map(([key, item]) => `${JSON.stringify(key)}: ${jsonOf(item, inner)}`), "{}");
}

/**
 * The order of texts in Python; JavaScript's own compares halves of surrogate pairs.
 *
 * @param {string} one
 * @param {string} other
 */
function byCodePoint(one, other) {
  const [left, right] = [one, other].map((text) => Array.from(text, (sign) => sign.codePointAt(0)));
  const place = left.findIndex((code, index) => code !== right[index]);
  if (place < 0) return left.length - right.length;
  return (left[place] ?? 0) - (right[place] ?? -1);
}

// --- formats of one tier -------------------------------------------------------------------------

/**
 * NIST's CTM.
 *
 * @param {readonly Token[]} tokens
 * @param {string} name Of the recording.
 */
export function ctm(tokens, name) {
  const recording = name.split(new RegExp(`[\\n${BLANK}]+`, "u")).filter(Boolean).join("_");
  writable(recording, "recording");
  const lines = entriesOf(tokens, MICRO, "CTM").map(({ start, end, label }) => {
    const token = writable(label, "CTM").replaceAll(" ", SPACE);
    return `${recording} 1 ${decimal(start)} ${decimal(end - start)} ${token}\n`;
  });
  return lines.join("");
}

/**
 * SubRip's SRT.
 *
 * @param {readonly Token[]} tokens
 */
export function srt(tokens) {
  const subtitles = entriesOf(tokens, MILLI, "SRT").map(
    ({ start, end, label }, index) =>
      `${index + 1}\n${timing(start, end, ",")}\n${writable(label, "SRT")}\n\n`,
  );
  return subtitles.join("");
}

/**
 * WebVTT.
 *
 * @param {readonly Token[]} tokens
 */
export function webvtt(tokens) {
  const subtitles = entriesOf(tokens, MILLI, "WebVTT").map(({ start, end, label }) => {
    const text = writable(label, "WebVTT").replaceAll("&", "&amp;");
    const escaped = text.replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `\n${timing(start, end, ".")}\n${escaped}\n`;
  });
  return ["WEBVTT\n", ...subtitles].join("");
}

/**
 * Labels of Audacity.
 *
 * @param {readonly Token[]} tokens
 */
export function audacity(tokens) {
  const lines = entriesOf(tokens, MICRO, "Audacity").map(
    ({ start, end, label }) => `${six(start)}\t${six(end)}\t${writable(label, "Audacity")}\n`,
  );
  return lines.join("");
}

/**
 * The line of times of a subtitle, of milliseconds.
 *
 * @param {number} start
 * @param {number} end
 * @param {string} point
 */
function timing(start, end, point) {
  const clock = (/** @type {number} */ time) => {
    const [seconds, minutes, hours] = [time / MILLI, time / 60e3, time / 3600e3].map(Math.floor);
    const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
    const rest = String(time % MILLI).padStart(3, "0");
    return `${two(hours)}:${two(minutes % 60)}:${two(seconds % 60)}${point}${rest}`;
  };
  return `${clock(start)} --> ${clock(Math.max(end, start + 1))}`;
}

// --- times and labels ----------------------------------------------------------------------------

/**
 * Tokens in whole units of a format.
 *
 * @param {readonly Token[]} tokens
 * @param {number} units
 * @param {string} format
 * @returns {Entry[]}
 */
function entriesOf(tokens, units, format) {
  return tokens.map(({ start, end, label }) => {
    if (!(start <= LATEST && end <= LATEST && rounded(start, units) >= 0)) {
      throw new Error(`${format} holds times from 0 to ${LATEST} s, not those of ${shown(label)}`);
    }
    return { start: rounded(start, units), end: rounded(end, units), label };
  });
}

/**
 * Seconds in whole units, rounded.
 *
 * @param {number} seconds
 * @param {number} units
 */
function rounded(seconds, units) {
  return Math.floor(seconds * units + 0.5);
}

/**
 * Microseconds in seconds, with six decimals.
 *
 * @param {number} micros
 */
function six(micros) {
  return `${Math.floor(micros / MICRO)}.${String(micros % MICRO).padStart(6, "0")}`;
}

/**
 * Microseconds in seconds, without zeros at the end.
 *
 * @param {number} micros
 */
function decimal(micros) {
  return six(micros).replace(/\.?0+$/, "");
}

/**
 * A label or a name, if a format can hold it.
 *
 * @param {string} text
 * @param {keyof typeof UNWRITABLE} format
 */
function writable(text, format) {
  if (UNWRITABLE[format].test(text)) {
    throw new Error(`${format} cannot hold ${shown(text)}; JSON holds everything`);
  }
  return text;
}

/** @param {string} text */
function shown(text) {
  return JSON.stringify(text).slice(0, 60);
}
