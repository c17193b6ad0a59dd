// What a lane of the demo's page shows of its stream, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { LaneState, delayText, spoken, utteranceAt } from "../../server/auricle_server/demo/page/lane_state.js";

const UTTERANCES = [
  { text: "Book a table.", voice: "ann", begins: 0.4, speech_end: 2.4, until: 4.6 },
  { text: "I don't think so.", voice: "bob", begins: 4.6, speech_end: 6, until: 8.2 },
];
const interim = (text, at) => ({ kind: "interim", text, at });
const final = (text, at) => ({ kind: "final", text, at });
const turnEnd = (at) => ({ kind: "turn end", text: "", at });
const rounded = ({ final, turn }) => [final, turn].map((each) => (each === null ? null : Math.round(each * 100) / 100));

test("a moment belongs to one utterance, after the last one too", () => {
  assert.deepEqual([0, 4.59, 4.6, 8.2, 99].map((at) => utteranceAt(UTTERANCES, at)), [0, 0, 1, 1, 1]);
});

test("words grow and become final, and delays count from the end of speech", () => {
  const lane = new LaneState(UTTERANCES);
  lane.receive(interim("Book", 1));
  assert.deepEqual([lane.text, lane.final, rounded(lane.delays)], ["Book", false, [null, null]]);
  lane.receive(interim("Book a table", 2));
  lane.receive(final("Book a table.", 2.9));
  lane.receive(turnEnd(2.95));
  assert.deepEqual([lane.text, lane.final, rounded(lane.delays)], ["Book a table.", true, [0.5, 0.55]]);
  assert.deepEqual(lane.interims, [1, 2]);
});

test("a speaker who goes on takes the turn end back", () => {
  const lane = new LaneState(UTTERANCES);
  lane.receive(final("Book", 1.2));
  lane.receive(turnEnd(1.2));
  lane.receive(interim("a table", 1.6));
  assert.deepEqual([lane.text, lane.final, lane.turnAt], ["a table", false, null]);
});

test("the next utterance begins with an empty lane, whoever tells of it first", () => {
  const lane = new LaneState(UTTERANCES);
  lane.receive(final("Book a table.", 2.9));
  assert.equal(lane.move(4.5), false);
  assert.equal(lane.move(4.7), true);
  assert.deepEqual([lane.number, lane.text, lane.finalAt], [1, "", null]);
  const other = new LaneState(UTTERANCES);
  other.receive(interim("I", 5));
  assert.deepEqual([other.number, other.text, other.move(5)], [1, "I", false]);
});

test("a clock that is told late does not go back", () => {
  const lane = new LaneState(UTTERANCES);
  lane.receive(interim("I", 5));
  assert.equal(lane.move(4), false);
  assert.equal(lane.number, 1);
});

test("places lie between the beginning of an utterance and the next one", () => {
  const lane = new LaneState(UTTERANCES);
  assert.deepEqual([0, 0.4, 2.5, 4.6, 9].map((at) => Math.round(100 * lane.place(at))), [0, 0, 50, 100, 100]);
});

test("a final without words keeps those that are shown", () => {
  const lane = new LaneState(UTTERANCES);
  lane.receive(interim("Book", 1));
  lane.receive(final("", 2.9));
  assert.deepEqual([lane.text, lane.final], ["Book", true]);
});

test("words are said one after another", () => {
  assert.deepEqual(spoken(UTTERANCES[0], 0), ["", "Book a table."]);
  assert.deepEqual(spoken(UTTERANCES[0], 1.1), ["Book", "a table."]);
  assert.deepEqual(spoken(UTTERANCES[0], 3), ["Book a table.", ""]);
});

test("delays have a sign", () => {
  assert.deepEqual([0.531, -0.2].map(delayText), ["+0.53 s", "−0.20 s"]);
});
