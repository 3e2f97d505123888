// The explorer in a file of its own: what it shows stands in the page as JSON.

import { bytes, decoded } from "./data.js";
import { wholeSound } from "./sound.js";
import { Explorer } from "./view.js";

const written = JSON.parse(document.getElementById("cifviz-data").textContent);
const { sound_file: file } = written;
const sound = file && wholeSound(bytes(file).buffer);
const explorer = new Explorer(document.getElementById("cifviz"), decoded(written), { sound });
explorer.set(written.begin);
if (location.hash) explorer.follow(location.hash);
addEventListener("hashchange", () => explorer.follow(location.hash));
globalThis.cifvizExplorer = explorer;
