// The explorer in a file of its own: what it shows stands in the page as JSON.

import { bytes, decoded } from "./data.js";
import { Explorer } from "./view.js";

const written = JSON.parse(document.getElementById("cifviz-data").textContent);
const sound = written.sound ? bytes(written.sound).buffer : null;
const explorer = new Explorer(document.getElementById("cifviz"), decoded(written, sound));
if (location.hash) explorer.follow(location.hash);
addEventListener("hashchange", () => explorer.follow(location.hash));
globalThis.cifvizExplorer = explorer;
