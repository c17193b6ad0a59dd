// The record of one stream, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { KEPT_SECONDS, LEVEL_STEP, RATE, Recording } from "../../server/auricle_server/gateway/console/page/recording.js";
import { Talk } from "../../server/auricle_server/gateway/console/page/talk.js";

const silence = (seconds) => new Int16Array(Math.round(seconds * RATE));
const final = (fields) => ({ type: "final", refined: false, language: "en-US", words: [], ...fields });

function talked() {
  const recording = new Recording();
  let now = 0;
  const talk = new Talk(recording, {}, () => now);
  const seen = [];
  for (const kind of ["interim", "final", "mark", "state", "signal", "settings"]) {
    talk.addEventListener(kind, (event) => seen.push([kind, event.detail]));
  }
  return { recording, talk, seen, at: (milliseconds) => (now = milliseconds) };
}

test("a recording measures the peak of every 20 ms, however it is cut", () => {
  const recording = new Recording();
  const pcm = silence(0.06);
  pcm[10] = -16384;
  pcm[400] = 8192;
  for (let from = 0; from < pcm.length; from += 7) recording.append(pcm.subarray(from, from + 7));
  assert.equal(recording.levelCount, 0.06 / LEVEL_STEP);
  assert.deepEqual([0, 1, 2, 3, -1].map((index) => recording.level(index)), [0.5, 0.25, 0, 0, 0]);
});

test("a recording keeps levels of more sound than one buffer holds", () => {
  const recording = new Recording();
  for (let second = 0; second < 100; second++) recording.append(new Int16Array(RATE).fill(second * 100));
  assert.equal(recording.levelCount, 5000);
  assert.equal(recording.level(4999), new Float32Array([9900 / 32768])[0]);
  assert.equal(recording.level(50), new Float32Array([100 / 32768])[0]);
});

test("a recording says when a second was heard", () => {
  const recording = new Recording();
  recording.append(silence(0.5), 1000);
  recording.append(silence(0.5), 1500);
  assert.equal(recording.heardAt(0.5), 1000);
  assert.equal(recording.heardAt(0.6), 1500);
  assert.equal(recording.heardAt(1.00004), 1500, "times of the wire are rounded");
  assert.equal(recording.heardAt(1.1), null);
});

test("a file that is not played in real time has no moments", () => {
  const recording = new Recording();
  recording.append(silence(2), null);
  assert.equal(recording.heardAt(1), null);
});

test("a recording gives up its oldest sound, not its levels, after an hour", () => {
  const recording = new Recording();
  for (let minute = 0; minute <= 61; minute++) recording.append(new Int16Array(60 * RATE).fill(minute), null);
  assert.equal(recording.seconds, KEPT_SECONDS + 120);
  assert.equal(recording.keptFrom, 60, "no more than one piece beyond the hour");
  assert.equal(recording.pcm().length, (KEPT_SECONDS + 60) * RATE);
  assert.equal(recording.pcm()[0], 1);
  assert.equal(recording.levelCount, (KEPT_SECONDS + 120) / LEVEL_STEP);
});

test("times of a second stream count from where it begins in the take", () => {
  const { talk, seen } = talked();
  talk.open({ model: "demo" }, 12.5);
  talk.receive({ type: "interim", text: "one", start: 0.5, end: 1, language: "en-US", audioTime: 1.1 });
  assert.equal(talk.interim.start, 13);
  talk.receive(final({ text: "one", start: 0.5, end: 1, audioTime: 2, words: [{ text: "one", start: 0.5, end: 1, confidence: 0.9 }] }));
  assert.deepEqual(talk.segments[0].words, [{ text: "one", start: 13, end: 13.5, confidence: 0.9 }]);
  assert.equal(talk.segments[0].decided, 14.5);
  assert.equal(talk.interim, null);
  assert.deepEqual(
    seen.filter(([kind]) => kind === "mark").map(([, mark]) => [mark.kind, mark.time]),
    [["stream", 12.5], ["language", 13.5]],
  );
});

test("a final knows how long it took, after its sound and after its last word", () => {
  const { recording, talk, at } = talked();
  talk.open({}, 0);
  recording.append(silence(1), 1000);
  recording.append(silence(1), 2000);
  at(2040);
  talk.receive(final({ text: "yes", start: 0.5, end: 0.9, audioTime: 1.9 }));
  assert.equal(talk.segments[0].delayMs, 40);
  assert.equal(talk.segments[0].afterSpeechMs, 1040);
});

test("a final that says something else corrects the interim", () => {
  const { talk } = talked();
  talk.open({}, 0);
  talk.receive({ type: "interim", text: "he fell and heard", start: 0, end: 1, language: "en-US", audioTime: 1 });
  talk.receive(final({ text: "She fell and hurt her skin.", start: 0, end: 2, audioTime: 2, refined: true }));
  assert.deepEqual(
    talk.segments[0].corrections.map(({ replaced }) => replaced),
    [["he"], [], [], ["heard"], [], [], []],
  );
});

test("an empty answer to a finalize is no segment", () => {
  const { talk } = talked();
  talk.open({}, 0);
  talk.receive(final({ text: "", start: 1, end: 1, audioTime: 1 }));
  assert.deepEqual(talk.segments, []);
});

test("languages are marked where they change, and only there", () => {
  const { talk, seen } = talked();
  talk.open({}, 0);
  talk.receive({ type: "interim", text: "hm", start: 0, end: 1, language: "auto", audioTime: 1 });
  talk.receive(final({ text: "hello", start: 0, end: 1, audioTime: 1 }));
  talk.receive(
    final({ text: "yes ja", start: 1, end: 2, audioTime: 2, languages: [{ language: "en-US", start: 1 }, { language: "de-DE", start: 1.5 }] }),
  );
  talk.receive(final({ text: "gut", start: 3, end: 4, audioTime: 4, language: "de-DE" }));
  const marks = seen.filter(([kind, detail]) => kind === "mark" && detail.kind === "language");
  assert.deepEqual(marks.map(([, mark]) => [mark.language, mark.time]), [["en-US", 0], ["de-DE", 1.5]]);
});

test("turn ends carry their probability and where speech ended", () => {
  const { talk } = talked();
  talk.open({}, 10);
  talk.receive({ type: "turn_eager_end", probability: 0.6, speechEnd: 1, text: "a", audioTime: 1.3 });
  talk.receive({ type: "turn_resumed", probability: 0.2, audioTime: 1.5 });
  talk.receive({ type: "turn_end", probability: 0.9, speechEnd: 2, text: "a b", audioTime: 2.5 });
  assert.deepEqual(
    talk.marks.slice(1).map(({ kind, time, probability, speechEnd }) => [kind, time, probability, speechEnd]),
    [["turn_eager_end", 11.3, 0.6, 11], ["turn_resumed", 11.5, 0.2, undefined], ["turn_end", 12.5, 0.9, 12]],
  );
});

test("signals are kept chunk by chunk, whatever is absent", () => {
  const { talk, seen } = talked();
  talk.open({}, 2);
  talk.receive({ type: "signals", audioTime: 0.1, turnOpen: false });
  talk.receive({ type: "signals", audioTime: 0.3, turnOpen: true, silence: 0.1, probability: 0.2, voice: 0.9, complete: 0.4 });
  assert.deepEqual(talk.signals, [
    { time: 2.1, voice: null, silence: 0, turnEnd: null, complete: null },
    { time: 2.3, voice: 0.9, silence: 0.1, turnEnd: 0.2, complete: 0.4 },
  ]);
  assert.equal(seen.filter(([kind]) => kind === "signal").length, 2);
});

test("a cut and the way back are told once, however many attempts there were", () => {
  const { talk, seen, at } = talked();
  talk.open({}, 0);
  at(1000);
  talk.receive({ type: "reconnecting", audioTime: 3, attempt: 1, delayMs: 200, error: new Error("gone") });
  talk.receive({ type: "reconnecting", audioTime: 3.5, attempt: 2, delayMs: 400, error: new Error("gone") });
  assert.equal(talk.state, "interrupted");
  at(1800);
  talk.receive({ type: "resumed", audioTime: 3.8, sentSeconds: 0.8 });
  assert.equal(talk.state, "live");
  assert.deepEqual(seen.filter(([kind, mark]) => kind === "mark" && mark.kind !== "stream").map(([, mark]) => mark), [
    { kind: "cut", time: 3, message: "gone" },
    { kind: "resumed", time: 3.8, tookMs: 800, replayed: false, sentSeconds: 0.8, lostSeconds: 0 },
  ]);
  talk.receive({ type: "reconnecting", audioTime: 5, attempt: 1, delayMs: 200, error: new Error("gone") });
  talk.receive({ type: "replayed", audioTime: 6, replayedSeconds: 2.5, lostSeconds: 0.5 });
  const { replayed, sentSeconds, lostSeconds } = talk.marks.at(-1);
  assert.deepEqual([replayed, sentSeconds, lostSeconds], [true, 2.5, 0.5]);
});

test("events of a later server are ignored", () => {
  const { talk, seen } = talked();
  talk.receive({ type: "from_the_future", audioTime: 1 });
  assert.deepEqual(seen, []);
});
