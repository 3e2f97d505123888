// Bundles what the site and the slides run into ../static, and keeps the digests of sources and
// bundles, by which a test without node sees whether the bundles are fresh:  npm run build

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { buildSync } from "esbuild";

const SOURCES = ["browser_lesson.js", "browser_worker.js", "package-lock.json", "search.js", "site.js", "slides.css", "slides.js"];
const BUNDLES = {
  "browser_lesson.js": [],
  "browser_worker.js": [],
  "search.js": ["minisearch"],
  "site.js": [],
  "slides.css": ["reveal.js"],
  "slides.js": ["reveal.js"],
};
/** Packages in each bundle; their licences stand in it. */
const licence = (name) =>
  `/*! ${name}\n${readFileSync(`node_modules/${name}/${LICENCES[name]}`, "utf8")}*/`;
const LICENCES = { minisearch: "LICENSE.txt", "reveal.js": "LICENSE" };
const common = { bundle: true, minify: true, target: "es2022", format: "iife", logLevel: "warning" };
for (const [name, packages] of Object.entries(BUNDLES)) {
  const banner = { [name.split(".").at(-1)]: packages.map(licence).join("\n") };
  buildSync({ ...common, entryPoints: [name], outfile: `../static/${name}`, banner });
}

const digests = (folder, names) =>
  Object.fromEntries(
    names.map((name) => {
      const content = readFileSync(`${folder}/${name}`);
      return [name, createHash("sha256").update(content).digest("hex")];
    }),
  );
const kept = { sources: digests(".", SOURCES), bundles: digests("../static", Object.keys(BUNDLES)) };
writeFileSync("../static/digests.json", `${JSON.stringify(kept, null, 1)}\n`);
