// Runs the cases that CIFVIZ_CASES names: lanes of kept settings have the names and tokens of Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { utteranceOf } from "../../../cifviz/explorer/js/data.js";
import { checkedKept, differing, keptFromLink, keptLanes, keptName, keptToLink } from "../../../cifviz/explorer/js/kept.js";

const { data, cases } = JSON.parse(readFileSync(process.env.CIFVIZ_CASES, "utf8"));
const utterances = data.map(utteranceOf);

test("there are cases", () => assert.ok(cases.length > 0));

cases.forEach(({ utterance: index, settings, kept, name, tokens }, number) => {
  test(`case ${number}: ${name}`, () => {
    const utterance = utterances[index];
    const home = utterance.settings;
    const found = checkedKept(settings, utterance);
    assert.deepEqual(found, kept);
    assert.deepEqual(differing({ ...home, ...settings }, home), kept);
    assert.equal(keptName(found, home), name);
    const [lane, other] = keptLanes([found, found], utterance, ["words"]);
    assert.deepEqual([lane.name, other.name], [name, `${name} (2)`]);
    assert.deepEqual(lane.tokens.map(({ label }) => label), tokens.labels);
    lane.tokens.forEach(({ start, end }, token) => {
      assert.ok(Math.abs(start - tokens.starts[token]) < 2e-4, `start of ${token}`);
      assert.ok(Math.abs(end - tokens.ends[token]) < 2e-4, `end of ${token}`);
    });
    assert.equal(lane.fires.length, lane.tokens.length);
    assert.deepEqual(keptFromLink(`#threshold=1${keptToLink([found])}`).map((one) => checkedKept(one, utterance)), [found]);
  });
});

test("what no settings are is not kept, and names of others are not used twice", () => {
  const [utterance] = utterances;
  for (const hostile of [null, 7, "x", undefined]) assert.equal(checkedKept(hostile, utterance), null);
  const evil = JSON.parse('{ "threshold": "<b>", "constructor": 1, "__proto__": { "gain": 2 } }');
  assert.deepEqual(checkedKept(evil, utterance), {});
  assert.deepEqual(keptFromLink("#lane=threshold%3Devil&lane=&x=1").map((one) => checkedKept(one, utterance)), [{}, {}]);
  const [lane] = keptLanes([{}], utterance, ["as the model"]);
  assert.equal(lane.name, "as the model (2)");
});
