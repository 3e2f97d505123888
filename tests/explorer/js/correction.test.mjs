// Corrections by hand: what each does, and what holds after any number of them.

import assert from "node:assert/strict";
import test from "node:test";

import {
  LONGEST_LABEL, SHORTEST, beginningOf, correctable, firstChanged, insert, limits, merge, moveEdge, remove, setLabel,
  split,
} from "../../../cifviz/explorer/js/correction.js";
import { differences } from "../../../cifviz/explorer/js/differences.js";
import { History } from "../../../cifviz/explorer/js/history.js";
import { nearest, onsets, valleys } from "../../../cifviz/explorer/js/snapping.js";
import { random } from "./random.mjs";

const tokens = [
  { label: "one", start: 0.1, end: 0.4 },
  { label: "two", start: 0.4, end: 0.8 },
  { label: "three", start: 0.9, end: 1 },
];
const room = { duration: 1.2 };
const spans = (list) => list.map(({ start, end }) => [start, end]);

test("edges that touch move together, and alone if asked to", () => {
  const both = [[0.1, 0.5], [0.5, 0.8], [0.9, 1]];
  assert.deepEqual(spans(moveEdge(tokens, { index: 0, edge: "end" }, 0.5, room)), both);
  assert.deepEqual(spans(moveEdge(tokens, { index: 1, edge: "start" }, 0.5, room)), both);
  const alone = moveEdge(tokens, { index: 1, edge: "start" }, 0.5, { ...room, isAlone: true });
  assert.deepEqual(spans(alone), [[0.1, 0.4], [0.5, 0.8], [0.9, 1]]);
  const wall = moveEdge(tokens, { index: 0, edge: "end" }, 0.5, { ...room, isAlone: true });
  assert.equal(wall, tokens);
});

test("an edge that is reached moves along, but not for one that moves alone", () => {
  const grip = { index: 1, edge: "end" };
  assert.deepEqual(spans(moveEdge(tokens, grip, 0.95, room)), [[0.1, 0.4], [0.4, 0.95], [0.95, 1]]);
  assert.deepEqual(spans(moveEdge(tokens, grip, 0.85, room)), [[0.1, 0.4], [0.4, 0.85], [0.9, 1]]);
  const alone = moveEdge(tokens, grip, 0.95, { ...room, isAlone: true });
  assert.deepEqual(spans(alone), [[0.1, 0.4], [0.4, 0.9], [0.9, 1]]);
});

test("an edge leaves a millisecond of both tokens, and stays in the recording", () => {
  assert.deepEqual(limits(tokens, { index: 0, edge: "end" }, room), [0.101, 0.799]);
  assert.deepEqual(limits(tokens, { index: 1, edge: "end" }, room), [0.401, 0.999]);
  assert.deepEqual(limits(tokens, { index: 1, edge: "end" }, { ...room, isAlone: true }), [0.401, 0.9]);
  assert.deepEqual(limits(tokens, { index: 2, edge: "end" }, room), [0.901, 1.2]);
  assert.deepEqual(limits(tokens, { index: 0, edge: "start" }, room), [0, 0.399]);
  assert.equal(moveEdge(tokens, { index: 2, edge: "end" }, 7, room)[2].end, 1.2);
  assert.deepEqual(spans(moveEdge(tokens, { index: 2, edge: "start" }, 0, room)).slice(1), [[0.4, 0.401], [0.401, 1]]);
});

test("what does not change is the very same list", () => {
  assert.equal(moveEdge(tokens, { index: 0, edge: "end" }, 0.4000001, room), tokens);
  assert.equal(setLabel(tokens, 0, "one"), tokens);
  assert.equal(setLabel(tokens, 0, " \t"), tokens);
  assert.equal(merge(tokens, 2), tokens);
  assert.equal(remove(tokens, 3), tokens);
  assert.equal(split([{ label: "a", start: 1, end: 1.001 }], 0, 1).length, 1);
});

test("a token of no length can only be made longer", () => {
  const short = [{ label: "a", start: 0.5, end: 0.5 }];
  assert.deepEqual(spans(moveEdge(short, { index: 0, edge: "end" }, 0.6, room)), [[0.5, 0.6]]);
  assert.deepEqual(spans(moveEdge(short, { index: 0, edge: "start" }, 0.6, room)), [[0.499, 0.5]]);
});

test("labels are text: cut to a length, without halves of letters", () => {
  assert.equal(setLabel(tokens, 1, "<b>zwei</b>")[1].label, "<b>zwei</b>");
  assert.equal(setLabel(tokens, 1, "a\ud800b")[1].label, "a\ufffdb");
  const long = setLabel(tokens, 1, `${"a".repeat(LONGEST_LABEL - 1)}🙂`)[1].label;
  assert.equal(long, `${"a".repeat(LONGEST_LABEL - 1)}\ufffd`);
});

test("split at a moment, or in the middle; merged again it is what it was", () => {
  const cut = split(tokens, 1, 0.5);
  assert.deepEqual(cut.map(({ label }) => label), ["one", "two", "two", "three"]);
  assert.deepEqual(spans(cut).slice(1, 3), [[0.4, 0.5], [0.5, 0.8]]);
  assert.deepEqual(spans(split(tokens, 1, 0))[1], [0.4, 0.6]);
  assert.deepEqual(merge(cut, 1), tokens);
  assert.deepEqual(merge(tokens, 1)[1], { label: "two three", start: 0.4, end: 1 });
});

test("a token is put into a gap, never over another", () => {
  const { tokens: more, index } = insert(tokens, { start: 0.7, end: 1 }, "new", 1.2);
  assert.deepEqual([index, spans(more)[2]], [2, [0.8, 0.9]]);
  assert.equal(insert(tokens, { start: 0.5, end: 0.6 }, "new", 1.2).index, null);
  assert.deepEqual(insert([], { start: -1, end: 9 }, "new", 1.2).tokens, [{ label: "new", start: 0, end: 1.2 }]);
});

test("differences are those of the tokens that overlap each other most", () => {
  const corrected = split(moveEdge(tokens, { index: 0, edge: "start" }, 0.112, room), 1, 0.7);
  const found = differences(corrected, tokens).map((one) => one && [one.start.toFixed(3), one.end.toFixed(3)]);
  assert.deepEqual(found, [["0.012", "0.000"], ["0.000", "-0.100"], null, ["0.000", "0.000"]]);
  assert.equal(firstChanged(corrected, tokens), 0);
  assert.equal(firstChanged(tokens, tokens.slice(0, 2)), 2);
  assert.equal(firstChanged(tokens, [...tokens]), null);
});

test("valleys are the middles of what weighs less than both sides", () => {
  const alpha = [0, 0.5, 0.1, 0.6, 0.2, 0.2, 0.7, 0.7, 0];
  const found = valleys(alpha, { start: 0, shift: 0.1 });
  assert.deepEqual(found.map((one) => one.toFixed(2)), ["0.25", "0.50"]);
  assert.deepEqual(valleys([], { start: 0, shift: 0.1 }), []);
  assert.deepEqual(valleys([1, 1], { start: 0, shift: 0.1 }), []);
});

test("onsets are where 10 ms after are 6 dB above 10 ms before, and most", () => {
  // Pieces of 5 ms: from 2 to 64 at piece 4, that is at 20 ms; softer ends are no onset.
  const high = new Int8Array([2, 2, 2, 2, 64, 64, 64, 64, 2, 2, 2, 2]);
  const low = high.map((value) => -value);
  assert.deepEqual(onsets({ rate: 200, low, high }, 1), [1.02]);
  const little = new Int8Array([40, 40, 40, 40, 79, 79, 79, 79]); // 5.9 dB
  assert.deepEqual(onsets({ rate: 200, low: little, high: little }, 0), []);
  assert.equal(onsets({ rate: 50, low, high }, 0), null);
});

test("the nearest moment, the earlier of two", () => {
  assert.equal(nearest([1, 2, 3], 1.5), 1);
  assert.equal(nearest([1, 2, 3], 2.6), 3);
  assert.equal(nearest([], 1.5), null);
});

test("a gesture is one step, and what was undone is gone after another one", () => {
  const history = new History("a");
  const drag = {};
  history.push("b", drag);
  history.push("c", drag);
  history.push("d", {});
  assert.equal(history.undo(), "c");
  assert.equal(history.undo(), "a");
  assert.equal(history.undo(), "a");
  assert.deepEqual([history.redo(), history.redo(), history.redo()], ["c", "d", "d"]);
  history.undo();
  history.push("e", drag);
  assert.ok(!history.canRedo);
  history.seal();
  assert.equal(history.before(drag), "e");
  history.push("f", drag);
  assert.equal(history.before(drag), "e");
  assert.equal(history.drop(), "e");
  assert.ok(!history.canRedo);
});

/** A change at random. */
function changed(list, draw, duration) {
  const index = Math.floor(draw() * list.length);
  const place = draw() * duration * 1.2 - 0.1 * duration;
  const kind = list.length ? Math.floor(draw() * 7) : 6;
  if (kind <= 2) {
    const grip = { index, edge: draw() < 0.5 ? "start" : "end" };
    return moveEdge(list, grip, place, { duration, isAlone: draw() < 0.3 });
  }
  if (kind === 3) return split(list, index, place);
  if (kind === 4) return draw() < 0.5 ? merge(list, index) : remove(list, index);
  if (kind === 5) return setLabel(list, index, ["", "a", "\ud800", "b c"][Math.floor(draw() * 4)]);
  return insert(list, { start: place, end: place + draw() }, "new", duration).tokens;
}

test("after any changes tokens are in order and in the recording, and undone they are as before", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const draw = random(seed);
    const duration = 0.1 + 5 * draw();
    let time = 0;
    const drawn = Array.from({ length: Math.floor(8 * draw()) }, (_, index) => {
      const start = time + (draw() < 0.4 ? 0 : (draw() * duration) / 12);
      time = start + (draw() < 0.1 ? 0 : (draw() * duration) / 12);
      return { label: String(index), start, end: time };
    });
    const first = correctable(drawn, duration);
    const history = new History(first);
    for (let n = 0; n < 60; n += 1) {
      const before = history.now;
      const kept = JSON.stringify(before);
      const after = changed(before, draw, duration);
      assert.equal(JSON.stringify(before), kept, "a list is never changed in place");
      checkOrder(after, duration);
      if (after !== before) history.push(after, draw() < 0.3 ? Math.floor(2 * draw()) : null);
    }
    const last = history.now;
    while (history.canUndo) history.undo();
    assert.equal(history.now, first);
    while (history.canRedo) history.redo();
    assert.equal(history.now, last);
  }
});

function checkOrder(list, duration) {
  let last = 0;
  for (const { label, start, end } of list) {
    assert.ok(label && !/\p{Cs}/u.test(label));
    assert.ok(start >= last && end >= start && end <= duration, `${start} ${end} in ${duration}`);
    for (const time of [start, end]) assert.equal(time, Math.round(time * 1e6) / 1e6);
    last = end;
  }
}

test("no movement makes a token shorter than a millisecond", () => {
  const draw = random(7);
  let list = tokens;
  for (let n = 0; n < 500; n += 1) {
    const grip = { index: Math.floor(3 * draw()), edge: draw() < 0.5 ? "start" : "end" };
    list = moveEdge(list, grip, 1.2 * draw(), room);
    for (const { start, end } of list) assert.ok(end - start >= SHORTEST - 1e-9);
  }
});

test("the beginning of a correction is CIF's tokens in microseconds, made once", () => {
  const own = [{ label: "a", start: 0.10000004, end: 0.3 }, { label: "b", start: 0.3, end: 0.90000049 }];
  const beginning = beginningOf(own, 0.9);
  assert.deepEqual(beginning, [{ label: "a", start: 0.1, end: 0.3 }, { label: "b", start: 0.3, end: 0.9 }]);
  assert.deepEqual(beginning, correctable(own, 0.9));
  assert.equal(beginningOf(own, 0.9), beginning);
  assert.notEqual(beginningOf([...own], 0.9), beginning);
});
