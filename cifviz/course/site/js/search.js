// Finds sections of the lessons. sections.js, which is made with the pages, holds what is searched.

import MiniSearch from "minisearch";

/** @type {{id: number, place: string, lesson: string, heading: string, text: string}[]} */
const sections = globalThis.cifvizSections.map(([place, lesson, heading, text], id) => ({
  id,
  place,
  lesson,
  heading,
  text,
}));
const index = new MiniSearch({
  fields: ["heading", "text", "lesson"],
  searchOptions: {
    boost: { heading: 4, lesson: 2 },
    combineWith: "AND",
    fuzzy: (term) => (term.length > 5 ? 0.15 : false),
    prefix: (term) => term.length > 2,
  },
});
index.addAll(sections);
const AROUND = 70; // characters of text before and after what was found

/** The sections that have all words of a question, the best first. @param {string} wanted */
globalThis.cifvizFind = (wanted) =>
  index.search(wanted).map(({ id, terms }) => ({ ...sections[id], parts: excerpt(sections[id].text, terms) }));

/** A piece of the text: what was found is every second part. @param {string} text @param {string[]} terms */
function excerpt(text, terms) {
  const escaped = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const places = new RegExp(`(?<![\\p{L}\\p{N}])(${escaped.join("|")})(?![\\p{L}\\p{N}])`, "iu");
  const at = text.search(places);
  if (at < 0) return [text.slice(0, 2 * AROUND)];
  const start = Math.max(0, at - AROUND);
  const piece = text.slice(start, at + AROUND);
  const parts = piece.split(new RegExp(places.source, "giu"));
  parts[0] = (start ? "… " : "") + parts[0];
  return [...parts.slice(0, -1), `${parts.at(-1)} …`];
}
