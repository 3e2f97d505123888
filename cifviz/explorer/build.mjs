// Bundles js into static, and keeps the digests of what was bundled and of what came out, by which a
// test without node sees whether the bundles are fresh:  npm run build

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

import { buildSync } from "esbuild";

const common = { bundle: true, minify: true, target: "es2022", logLevel: "warning" };
buildSync({ ...common, entryPoints: ["js/page.js"], format: "iife", outfile: "static/page.js" });
buildSync({ ...common, entryPoints: ["js/widget.js"], format: "esm", outfile: "static/widget.js" });
buildSync({ ...common, entryPoints: ["js/style.css"], outfile: "static/style.css" });

const digests = (folder, names) =>
  Object.fromEntries(
    names.sort().map((name) => {
      const content = readFileSync(`${folder}/${name}`);
      return [name, createHash("sha256").update(content).digest("hex")];
    }),
  );
const kept = {
  sources: digests("js", readdirSync("js")),
  bundles: digests("static", ["page.js", "style.css", "widget.js"]),
};
writeFileSync("static/digests.json", `${JSON.stringify(kept, null, 1)}\n`);
