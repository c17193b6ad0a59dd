// A talk as files.

import assert from "node:assert/strict";
import test from "node:test";

import { toJson, toSrt, toWav } from "../../server/auricle_server/gateway/console/page/exports.js";
import { RATE, Recording } from "../../server/auricle_server/gateway/console/page/recording.js";
import { DEFAULTS } from "../../server/auricle_server/gateway/console/page/settings.js";
import { Talk } from "../../server/auricle_server/gateway/console/page/talk.js";

/** A talk of finals whose words last 0.3 s, each final a second after the one before. */
function talkOf(...texts) {
  const talk = new Talk(new Recording(), DEFAULTS);
  talk.open({ model: "demo" }, 0);
  let at = 0.5;
  for (const text of texts) {
    const words = text.split(" ").map((word) => {
      const start = at;
      at += 0.3;
      return { text: word, start, end: at, confidence: 0.95 };
    });
    talk.recording.append(Int16Array.from({ length: Math.round(0.3 * words.length * RATE) }, (_, i) => i % 1000));
    talk.receive({
      type: "final", text, start: words[0].start, end: at, language: "en-US", words, refined: false, confidence: 0.95, audioTime: at + 0.5,
    });
    at += 1;
  }
  return talk;
}

test("subtitles have numbers, times and at most two lines of 42 characters", () => {
  const srt = toSrt(talkOf("I want to fly to Amsterdam on Wednesday morning.", "I don't think so."));
  assert.equal(
    srt,
    "1\n00:00:00,500 --> 00:00:03,200\nI want to fly to Amsterdam on Wednesday\nmorning.\n\n" +
      "2\n00:00:04,200 --> 00:00:05,400\nI don't think so.\n",
  );
});

test("long segments become several cues, and no word is lost", () => {
  const text = Array.from({ length: 200 }, (_, i) => `word${i}`).join(" ");
  const srt = toSrt(talkOf(text));
  const cues = srt.trim().split("\n\n").map((cue) => cue.split("\n"));
  assert.equal(cues.flatMap((lines) => lines.slice(2)).join(" "), text);
  assert.ok(cues.length > 5);
  for (const [i, [number, times, ...lines]] of cues.entries()) {
    assert.equal(number, String(i + 1));
    assert.match(times, /^\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}$/);
    assert.ok(lines.length <= 2 && lines.every((line) => line.length <= 42), lines.join("|"));
  }
});

test("cues do not overlap, and short ones stay for a second", () => {
  const times = [...toSrt(talkOf("Yes.", "No.")).matchAll(/([\d:,]+) --> ([\d:,]+)/g)].map(([, from, to]) => [from, to]);
  assert.deepEqual(times, [["00:00:00,500", "00:00:01,500"], ["00:00:01,800", "00:00:02,800"]]);
});

test("a word that is longer than a line stands alone", () => {
  const long = "a".repeat(50);
  assert.match(toSrt(talkOf(`x ${long} y`)), new RegExp(`x\n${long}\n\n2\n.*\ny`));
});

test("minutes and hours carry over", () => {
  const talk = talkOf();
  talk.receive({ type: "final", text: "late", start: 3661.9996, end: 3662.5, language: "en-US", words: [], refined: false, audioTime: 3663 });
  assert.match(toSrt(talk), /01:01:02,000 --> 01:01:03,000\nlate/);
});

test("no words, no cues", () => assert.equal(toSrt(talkOf()), ""));

test("the JSON has words, times, settings and events", () => {
  const known = JSON.parse(toJson(talkOf("I want it.", "Yes.")));
  assert.equal(known.model, "demo");
  assert.equal(known.text, "I want it. Yes.");
  assert.equal(known.settings.turn.silenceMs, 500);
  assert.deepEqual(known.segments[0].words[1], { text: "want", start: 0.8, end: 1.1, confidence: 0.95 });
  assert.deepEqual(known.events.map((event) => event.kind), ["stream", "language"]);
});

test("the WAV has the sound, and the finals at their samples", () => {
  const talk = talkOf("I want it.", "Ça va ?");
  const chunks = riff(toWav(talk.recording, talk));
  const pcm = talk.recording.pcm();
  assert.deepEqual(new Int16Array(chunks.data.slice().buffer), pcm);
  const format = new DataView(chunks["fmt "].buffer, chunks["fmt "].byteOffset);
  assert.deepEqual([format.getUint16(0, true), format.getUint16(2, true), format.getUint32(4, true)], [1, 1, RATE]);
  const cue = new DataView(chunks["cue "].buffer, chunks["cue "].byteOffset);
  assert.equal(cue.getUint32(0, true), 2);
  assert.equal(cue.getUint32(4 + 20, true), 0.5 * RATE, "the first word begins there");
  const texts = new TextDecoder().decode(chunks.LIST_adtl);
  assert.match(texts, /I want it\.\0/);
  assert.match(texts, /Ça va \?\0/);
  assert.match(new TextDecoder().decode(chunks.LIST_INFO), /ICMT.{4}I want it\. Ça va \?\0/s);
});

/** The chunks of a RIFF file by their names, each at an even place. */
function riff(bytes) {
  const view = new DataView(bytes.buffer);
  const name = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  assert.equal(name(0), "RIFF");
  assert.equal(view.getUint32(4, true), bytes.length - 8);
  assert.equal(name(8), "WAVE");
  const chunks = {};
  for (let at = 12; at < bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const key = name(at) === "LIST" ? `LIST_${name(at + 8)}` : name(at);
    chunks[key] = bytes.subarray(at + 8, at + 8 + size);
    at += 8 + size + (size % 2);
  }
  return chunks;
}
