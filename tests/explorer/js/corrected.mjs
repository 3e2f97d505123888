// Corrects tokens at random and writes them in every format: node corrected.mjs GIVEN.json

import { readFileSync } from "node:fs";

import {
  correctable, insert, merge, moveEdge, remove, setLabel, split,
} from "../../../cifviz/explorer/js/correction.js";
import { tiersOf } from "../../../cifviz/explorer/js/exports.js";
import { random } from "./random.mjs";
import { writers } from "./writers.mjs";

const DETAILS = {
  settings: { threshold: 1, gain: 0.85, tiny: 1e-7, z: {}, "🙂": [], "\uffff": 0 },
};

function corrected({ tokens, duration, seed }) {
  const draw = random(seed);
  let list = correctable(tokens, duration);
  for (let n = 0; n < 20; n += 1) {
    const index = Math.floor(draw() * list.length);
    const seconds = draw() * duration;
    const kind = list.length ? Math.floor(draw() * 8) : 7;
    const grip = { index, edge: draw() < 0.5 ? "start" : "end" };
    if (kind < 4) list = moveEdge(list, grip, seconds, { duration, isAlone: draw() < 0.3 });
    else if (kind === 4) list = split(list, index, seconds);
    else if (kind === 5) list = draw() < 0.6 ? merge(list, index) : remove(list, index);
    else if (kind === 6) list = setLabel(list, index, `label ${n}`);
    else list = insert(list, { start: seconds, end: seconds + 0.1 }, "new", duration).tokens;
  }
  return list;
}

const made = JSON.parse(readFileSync(process.argv[2], "utf8")).map((given) => {
  const tokens = corrected(given);
  const seen = {
    aligned: { tokens: given.tokens },
    shown: { tokens },
    corrected: tokens,
    compare: given.compare,
    tier: "tokens",
    utterance: { reference: null },
  };
  const tiers = tiersOf(seen);
  const texts = Object.entries(writers).map(([suffix, write]) => {
    try {
      return [suffix, write(tiers, { duration: given.duration, details: DETAILS, name: "talk" })];
    } catch {
      return [suffix, null];
    }
  });
  return { tiers: [...tiers], texts: Object.fromEntries(texts) };
});
process.stdout.write(JSON.stringify(made));
