// Runs the cases that CIFVIZ_CASES names: pairs of tokens, and numbers of agreement, are those of Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { agreement, matchLanes, matchReference } from "../../../cifviz/explorer/js/agreement.js";
import { agreements } from "../../../cifviz/explorer/js/agreementtable.js";
import { brief, describeEdges, stepOf } from "../../../cifviz/explorer/js/comparelane.js";
import { tokensOf } from "../../../cifviz/explorer/js/data.js";
import { pairByLabel } from "../../../cifviz/explorer/js/pairing.js";

const cases = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));

test("there are cases", () => assert.ok(cases.length > 0));

for (const one of cases) {
  test(one.name, () => {
    const [reference, hypothesis] = [tokensOf(one.reference), tokensOf(one.hypothesis)];
    assert.deepEqual(pairByLabel(reference, hypothesis), one.pairs, "pairs");
    const found = agreement(reference, hypothesis);
    for (const [name, wanted] of Object.entries(one.agreement)) {
      const value = found[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())];
      if (wanted === null) assert.ok(Number.isNaN(value), `${name}: ${value}, expected NaN`);
      else assert.ok(Math.abs(value - wanted) < 1e-9, `${name}: ${value}, expected ${wanted}`);
    }
  });
}

const token = (label, start, end) => ({ label, start, end });
const plain = { fires: null, intervals: null, doubts: [], isOwn: false };
const TOKENS = [token("t", 0, 0.1), token("uː", 0.1, 0.3)];
const WORDS = { ...plain, name: "words", tokens: [token("two", 0, 0.3)], isOwn: true, intervals: [[[0, 0.02], [0.25, 0.4]]] };
const CTC = { ...plain, name: "CTC", tokens: [token("two", 0.03, 0.24)] };
const OTHER = { ...plain, name: "other", tokens: [token("t", 0, 0.1), token("a", 0.1, 0.3)] };

function seenOf(compare, reference = null) {
  const seen = { shown: { tokens: TOKENS, errors: null }, corrected: null, compare, tier: "phones", utterance: { reference } };
  return { ...seen, matches: { lanes: matchLanes(seen), reference: matchReference(seen) } };
}

test("a lane is matched with the tokens, or with the words where it has more of those", () => {
  const [own, ctc, other] = seenOf([WORDS, CTC, OTHER]).matches.lanes;
  assert.equal(own, null);
  assert.deepEqual([ctc.title, ctc.pairs], ["words", [[0, 0]]]);
  assert.deepEqual([other.title, other.pairs], ["phones", [[0, 0]]]);
});

test("a reference of as many tokens is matched one by one, any other by label", () => {
  const reference = [token("x", 0, 0.1), token("uː", 0.1, 0.3)];
  const seen = seenOf([], reference);
  assert.deepEqual(seen.matches.reference.pairs, [[1, 1]]);
  seen.shown.errors = [token("", 0, 0), token("", 0, 0)];
  assert.deepEqual(matchReference(seen).pairs, [[0, 0], [1, 1]]);
});

test("the numbers under the cursor say what is less what", () => {
  const seen = seenOf([WORDS, CTC, OTHER], [token("t", 0.01, 0.09)]);
  assert.equal(describeEdges(seen, "compare 1", 0.1), "CTC − words: start +30 ms, end −60 ms");
  assert.equal(describeEdges(seen, "compare 2", 0.2), "no partner in phones");
  assert.equal(describeEdges(seen, "compare 0", 0.2), "interval of the start 0.00 to 0.02 s, of the end 0.25 to 0.40 s");
  assert.equal(describeEdges(seen, "reference", 0.05), "phones − reference: start −10 ms, end +10 ms");
  assert.equal(describeEdges(seen, "tokens", 0.05), "");
  assert.equal(describeEdges(seen, null, Number.NaN), "");
  assert.equal(describeEdges(seen, "compare 9", 0.05), "");
});

test("a table row for each lane, and for each with the reference", () => {
  const names = agreements(seenOf([WORDS, CTC], [token("t", 0, 0.1)])).map(({ name }) => name);
  assert.deepEqual(names, ["CTC − words", "phones − reference", "words − reference", "CTC − reference"]);
});

test("differences come in three steps, each inclusive", () => {
  assert.deepEqual([0, -0.02, 1.02 - 1, 0.0201, -0.05, 0.0501, -3].map(stepOf), [2, 2, 2, 1, 1, 0, 0]);
});

test("names of any length and none are short", () => {
  assert.deepEqual([" ", "CTC", "🙂".repeat(30)].map(brief), ["(no name)", "CTC", `${"🙂".repeat(23)}…`]);
});
