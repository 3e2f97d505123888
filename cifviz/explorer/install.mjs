// Installs what package-lock.json names, unless that is what is installed. It runs before `check` and
// `build`; the stamp is written last, so that nothing counts as installed after a failure.

import { execSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const STAMP = "node_modules/.cifviz-lock";

const wanted = readFileSync("package-lock.json", "utf8");
const installed = existsSync(STAMP) ? readFileSync(STAMP, "utf8") : null;
if (wanted !== installed) {
  execSync("npm ci --ignore-scripts --no-audit --no-fund", { stdio: "inherit" });
  writeFileSync(STAMP, wanted);
}
