// Whole utterances at settings of the controls: the tokens that Python's `realign` finds.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { align } from "../../../cifviz/explorer/js/alignment.js";
import { utteranceOf } from "../../../cifviz/explorer/js/data.js";

const { data, cases } = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));
const utterances = data.map(utteranceOf);

test("there are cases", () => assert.ok(cases.length > 0));

for (const { utterance, settings, tokens } of cases) {
  test(JSON.stringify(settings), () => {
    const found = align(utterances[utterance], settings).tokens;
    assert.deepEqual(found.map(({ label }) => label), tokens.labels);
    for (const edge of ["start", "end"]) {
      found.forEach((token, index) => {
        const away = Math.abs(token[edge] - tokens[`${edge}s`][index]);
        assert.ok(away <= 2e-6, `${edge} of token ${index} is ${away} s away`);
      });
    }
  });
}
