// Installs what package-lock.json names, unless that is what is installed. It runs before `check` and
// `build`; the stamp is written last, so that nothing counts as installed after a failure. Without
// the packages nothing can be checked: the exit code is the one that tasks.py calls CANNOT_RUN.

import { execSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const STAMP = "node_modules/.cifviz-lock";

const wanted = readFileSync("package-lock.json", "utf8");
const installed = existsSync(STAMP) ? readFileSync(STAMP, "utf8") : null;
if (wanted !== installed) {
  try {
    execSync("npm ci --ignore-scripts --no-audit --no-fund", { stdio: "inherit" });
  } catch {
    process.stderr.write("npm ci failed: what package-lock.json names could not be installed\n");
    process.exit(77);
  }
  writeFileSync(STAMP, wanted);
}
