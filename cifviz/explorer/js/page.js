// The explorer in a file of its own: its data are in the page as JSON.

/** @import { WrittenPage } from "./types.js" */

import { bytes } from "./base64.js";
import { decoded, tokensOf } from "./data.js";
import { filedSound } from "./sound.js";
import { Explorer } from "./view.js";

/** @type {WrittenPage} */
const written = JSON.parse(byId("cifviz-data").textContent ?? "");
const { sound: about, sound_pieces: pieces } = written;
const sound = about && pieces && filedSound(about, (index) => bytes(pieces[index]).buffer);
const explorer = new Explorer(byId("cifviz"), decoded(written), { sound });
explorer.set(written.begin);
if (written.kept?.length) explorer.comparing.set(written.kept);
if (written.corrected) explorer.editing.take(tokensOf(written.corrected));
if (location.hash) explorer.follow(location.hash);
addEventListener("hashchange", () => explorer.follow(location.hash));
Object.assign(globalThis, { cifvizExplorer: explorer });

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}
