// Bundles js into static, and keeps the digest of what was bundled, by which a test without node
// sees whether the bundle is fresh:  npm ci && npm run build

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

import { buildSync } from "esbuild";

const common = { bundle: true, minify: true, target: "es2022", logLevel: "warning" };
buildSync({ ...common, entryPoints: ["js/page.js"], format: "iife", outfile: "static/page.js" });
buildSync({ ...common, entryPoints: ["js/widget.js"], format: "esm", outfile: "static/widget.js" });
buildSync({ ...common, entryPoints: ["js/style.css"], outfile: "static/style.css" });

const digests = readdirSync("js")
  .sort()
  .map((name) => [name, createHash("sha256").update(readFileSync(`js/${name}`)).digest("hex")]);
writeFileSync("static/sources.json", `${JSON.stringify(Object.fromEntries(digests), null, 1)}\n`);
