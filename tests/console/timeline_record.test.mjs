// What a time line keeps of a talk, and what it says of a moment, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { LEVEL_STEP, RATE, Recording } from "../../server/auricle_server/gateway/console/page/recording.js";
import { Talk } from "../../server/auricle_server/gateway/console/page/talk.js";
import { fitLabels } from "../../server/auricle_server/gateway/console/page/timeline/flags.js";
import { KINDS, describeMark, describeMoment, milliseconds } from "../../server/auricle_server/gateway/console/page/timeline/marks.js";
import { TimeLineRecord, silences, thresholds } from "../../server/auricle_server/gateway/console/page/timeline/record.js";

const READY = { chunks: { first: 0.0925, step: 0.16 } };
const SILENCE = { mode: "silence", silenceMs: 500, eagerSilenceMs: 250 };

function talk(settings = { latencyMs: 160, turn: SILENCE }) {
  const recording = new Recording();
  const made = new Talk(recording, settings, () => 0);
  made.open(READY, 0);
  return made;
}

const hear = (talk, seconds, level = 0) => talk.recording.append(new Int16Array(seconds * RATE).fill(level * 32768));
const signal = (audioTime, silence, probability, voice) => ({ type: "signals", audioTime, silence, probability, voice });
const final = (audioTime, fields) => ({ type: "final", audioTime, language: "en-US", refined: false, words: [], ...fields });

test("words, marks and levels come over once and in order", () => {
  const said = talk();
  const record = new TimeLineRecord(said, LEVEL_STEP);
  hear(said, 2, 0.5);
  said.receive({ type: "speech_started", audioTime: 0.8, start: 0.4 });
  said.receive({ type: "turn_eager_end", audioTime: 1.2, probability: 0.5, speechEnd: 1, text: "Hi" });
  record.sync();
  const words = [{ text: "Hi", start: 0.4, end: 0.6, confidence: 0.7 }];
  said.receive(final(1.4, { text: "Hi", start: 0.4, end: 0.6, words }));
  said.receive({ type: "turn_end", audioTime: 1.4, probability: 1, speechEnd: 1, text: "Hi" });
  record.sync();
  record.sync();
  assert.deepEqual(record.words.map(({ text, start }) => [text, start]), [["Hi", 0.4]]);
  assert.deepEqual(
    record.marks.map(({ kind }) => kind),
    ["stream", "speech_started", "language", "turn_eager_end", "final", "turn_end"],
  );
  assert.equal(record.peaks.length, 100);
  assert.equal(record.peaks.most(0, 2), 0.5);
});

test("a mark that comes late stands at its time", () => {
  const said = talk();
  const record = new TimeLineRecord(said, LEVEL_STEP);
  said.receive({ type: "turn_end", audioTime: 2, probability: 1, speechEnd: 1.5, text: "Hi" });
  record.sync();
  said.receive({ type: "no_words", audioTime: 2.6, start: 1.2, end: 1.4 });
  record.sync();
  assert.deepEqual(record.marks.map(({ time }) => time), [0, 1.2, 2]);
});

test("interims without times of their words get some", () => {
  const said = talk();
  const record = new TimeLineRecord(said, LEVEL_STEP);
  assert.deepEqual(record.interimWords(), []);
  said.receive({ type: "interim", audioTime: 1, text: "I want", start: 0.2, end: 0.9, language: "en-US" });
  assert.deepEqual(record.interimWords().map(({ text }) => text), ["I", "want"]);
  assert.equal(record.interimWords()[0].start, 0.2);
});

test("the grid goes on from the last chunk, in steps of the present latency", () => {
  const said = talk();
  const record = new TimeLineRecord(said, LEVEL_STEP);
  assert.deepEqual(record.gridAhead(), { from: 0, first: 0.0925, step: 0.16 });
  said.receive(signal(0.2525, 0, 0));
  said.change({ latencyMs: 560, turn: SILENCE }, { latencyMs: 560 });
  assert.deepEqual(record.gridAhead(), { from: 0.2525, first: 0.2525, step: 0.56 });
});

test("a new stream of the same take does not continue the grid of the one before", () => {
  const said = talk();
  said.receive(signal(0.2525, 0, 0));
  said.open(READY, 5);
  assert.deepEqual(new TimeLineRecord(said, LEVEL_STEP).gridAhead(), { from: 5, first: 5.0925, step: 0.16 });
});

test("only signals near the view are looked at", () => {
  const said = talk();
  for (let index = 0; index < 100; index++) said.receive(signal(index, 0, 0));
  const seen = new TimeLineRecord(said, LEVEL_STEP).signals(10.5, 14.5).map(({ time }) => time);
  assert.deepEqual(seen, [10, 11, 12, 13, 14, 15]);
});

test("silence is shown from where it began to where it broke off", () => {
  const signals = [[1, 0], [1.16, 0.1], [1.32, 0.26], [1.48, 0.42], [1.64, 0], [1.8, 0.13]];
  const found = silences(signals.map(([time, silence]) => ({ time, silence })));
  const round = (value) => Math.round(value * 1000) / 1000;
  assert.deepEqual(found.map(({ start, end }) => [round(start), round(end)]), [[1.06, 1.48], [1.67, 1.8]]);
});

test("thresholds are probabilities in every mode", () => {
  assert.deepEqual(thresholds(SILENCE), { end: 1, eager: 0.5 });
  assert.deepEqual(thresholds({ mode: "silence", silenceMs: 500, eagerSilenceMs: null }), { end: 1, eager: null });
  assert.deepEqual(thresholds({ mode: "semantic", endThreshold: 0.6, eagerThreshold: 0.3 }), { end: 0.6, eager: 0.3 });
  assert.deepEqual(thresholds({ mode: "off" }), { end: null, eager: null });
  assert.deepEqual(thresholds(undefined), { end: null, eager: null });
});

test("changed thresholds hold from the moment of the change", () => {
  const said = talk();
  const record = new TimeLineRecord(said, LEVEL_STEP);
  said.settings = { latencyMs: 160, turn: { mode: "semantic", endThreshold: 0.9, eagerThreshold: null } };
  record.keepSettings(3);
  assert.deepEqual(record.settings, [{ time: 0, end: 1, eager: 0.5 }, { time: 3, end: 0.9, eager: null }]);
});

test("the longest label that fits is taken", () => {
  const measure = (text) => 10 * text.length;
  const marks = [{ x: 0, labels: ["long label", "short"] }, { x: 80, labels: ["long label", "short"] }, { x: 100, labels: ["x", "x"] }];
  assert.deepEqual(fitLabels(marks, measure, 1000), ["short", "", "x"]);
  assert.deepEqual(fitLabels([marks[0]], measure, 1000), ["long label"]);
  assert.deepEqual(fitLabels([marks[0]], measure, 60), ["short"]);
  assert.deepEqual(fitLabels([marks[0]], measure, 20), ["short"]);
});

test("every mark has a sentence", () => {
  const mark = { time: 1.5, probability: 0.5, speechEnd: 1, text: "Hi", delayMs: 87, language: "es-US", count: 2, code: "a", message: "b", refined: true, tookMs: 194, changed: { latencyMs: 560 } };
  for (const kind of Object.keys(KINDS)) {
    const { time, name, text } = describeMark({ ...mark, kind });
    assert.equal(time, "0:01.50");
    assert.ok(name && text && !/undefined|NaN|null/.test(text), `${kind}: ${text}`);
  }
  assert.equal(describeMark({ ...mark, kind: "turn_end" }).text, "The turn has ended, 0.50 s after speech ended: “Hi”");
  assert.equal(describeMark({ ...mark, kind: "final" }).text, "Final, by the second pass, 87 ms after its last sound was heard: “Hi”");
  assert.equal(describeMark({ ...mark, kind: "update" }).text, "The settings were changed: latency 560 ms.");
  assert.equal(describeMark({ ...mark, kind: "resumed" }).text, "The same stream goes on, after 194 ms: no word is lost.");
  const replayed = { ...mark, kind: "resumed", replayed: true, lostSeconds: 1.5 };
  assert.equal(describeMark(replayed).text, "A new stream has heard the sound again, after 194 ms: words of 1.50 s are lost.");
  assert.equal(describeMark({ kind: "from_a_later_page", time: 0 }).name, "from_a_later_page");
});

test("a moment is told in words", () => {
  const said = talk();
  said.receive(signal(0.2525, 0, 0.02, 0.98));
  said.receive(signal(0.4125, 0.16, undefined, undefined));
  said.receive(signal(0.5725, undefined, undefined, 0.5));
  const words = [{ text: "Hi", start: 0.1, end: 0.2, confidence: 0.734 }];
  assert.equal(describeMoment(said, words, 0.15), "0:00.15 · “Hi”, right with 73 % · voice 98 % · silence 0.00 s · turn is over 2 %");
  assert.equal(describeMoment(said, words, 0.3), "0:00.30 · silence 0.16 s");
  assert.equal(describeMoment(said, words, 0.5), "0:00.50 · voice 50 % · silence 0.00 s");
  assert.equal(describeMoment(said, words, 9), "0:09.00");
});

test("delays are milliseconds, or seconds when they are long", () => {
  assert.deepEqual([0.4, 87.2, 999.9, 1240].map(milliseconds), ["0 ms", "87 ms", "1.00 s", "1.24 s"]);
});
