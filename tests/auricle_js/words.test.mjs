// Words and settings on a real server, against what the Python client hears of the same audio.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuricleClient, InvalidOption, toPcm16 } from "../../plugins/auricle-js/auricle.js";
import { eventsOf, given, samplesOf, say, spoken, textOf } from "./support.mjs";

const client = new AuricleClient(given.URL);
const audio = samplesOf(given.CLIP);

async function heard(settings, pieces = audio, piece = 320) {
  const stream = await client.stream(settings);
  return eventsOf(stream, () => say(stream, pieces, piece));
}

for (const [name, { settings, events }] of Object.entries(given.HEARD)) {
  test(`words, times and turns equal those of the Python client: ${name}`, async () => {
    assert.deepEqual(spoken(await heard(settings)), events);
  });
}

test("pieces of any length and any type give the same words", async () => {
  const { events } = given.HEARD.default;
  const floats = Float32Array.from(audio, (sample) => sample / 32767);
  assert.deepEqual(toPcm16(floats), audio);
  assert.deepEqual(spoken(await heard({}, floats, 1111)), events);
  assert.deepEqual(spoken(await heard({}, new Uint8Array(audio.buffer), 9_998)), events);
  const stream = await client.stream();
  const whole = await eventsOf(stream, async () => {
    await stream.send(audio.buffer);
    await stream.end();
  });
  assert.deepEqual(spoken(whole), events);
});

test("events come to listeners as they come to an iteration, numbered without gaps", async () => {
  const stream = await client.stream({ interimWords: true });
  const listened = [];
  for (const type of ["interim", "final", "turn_end", "speech_started"]) {
    stream.addEventListener(type, ({ detail }) => listened.push(detail));
  }
  const closed = new Promise((resolve) => stream.addEventListener("closed", ({ detail }) => resolve(detail)));
  await say(stream, audio); // nobody iterates yet
  assert.deepEqual(await closed, { type: "closed", error: null });
  assert.equal(await stream.finished, null);
  assert.deepEqual(listened.map(({ seq }) => seq), listened.map((_, index) => index + 1));
  const kept = [];
  for await (const event of stream) kept.push(event);
  assert.deepEqual(spoken(kept), spoken(listened));
  const interim = listened.find(({ type }) => type === "interim");
  assert.ok(interim.words.length > 0 && interim.words[0].confidence > 0);
});

test("a finalize is answered by its final, in order, and again while the first one waits", async () => {
  const stream = await client.stream({ turn: { mode: "off" } });
  const whole = eventsOf(stream, async () => {
    await stream.send(audio.subarray(0, audio.length / 2));
    const [first, second] = await Promise.all([stream.finalize(), stream.finalize("mine")]);
    assert.deepEqual([first.finalizeId, second.finalizeId, second.text], ["f1", "mine", ""]);
    assert.ok(first.text.length > 0 && first.words.length > 0);
    await stream.send(audio.subarray(audio.length / 2));
    const asked = stream.finalize("twice");
    await assert.rejects(stream.finalize("twice"), /finalize "twice" has not been answered yet/);
    await assert.rejects(stream.finalize("x".repeat(129)), InvalidOption);
    await asked;
    await stream.end();
  });
  const finals = (await whole).filter(({ type }) => type === "final");
  assert.deepEqual(finals.map(({ finalizeId }) => finalizeId), ["f1", "mine", "twice"]);
});

test("settings of a stream that runs", async () => {
  const stream = await client.stream({ latencyMs: 80, keyterms: ["Brookfield", "Tamsin"], signals: true });
  assert.equal(stream.ready.latencyMs, 80);
  assert.ok(stream.ready.latenciesMs.includes(160) && stream.ready.languages.includes("en-US"));
  const events = await eventsOf(stream, async () => {
    await stream.send(audio.subarray(0, 16_000));
    await stream.update({ latencyMs: 160, turn: { mode: "semantic", eagerThreshold: 0.4 }, keyterms: [] });
    await stream.update({ latencyMs: 7, language: "tlh", refine: null });
    await stream.update({ textFormat: { replace: [{ search: "she", replacement: "He" }] } });
    await say(stream, audio.subarray(16_000));
  });
  const count = events.filter(({ type }) => type === "keyterms_in_force").map(({ count }) => count);
  assert.deepEqual(count, [2, 0]);
  // Each setting that is refused is refused by itself, and the stream goes on.
  const refused = events.filter(({ type }) => type === "error").map(({ code, fatal }) => [code, fatal]);
  assert.deepEqual(refused, [["unsupported_latency", false], ["unsupported_language", false]]);
  assert.ok(textOf(events).includes("He fell"));
  const signals = events.filter(({ type }) => type === "signals");
  assert.ok(signals.length > 10 && signals.some(({ turnOpen }) => turnOpen));
  assert.deepEqual(signals.map(({ audioTime }) => audioTime), signals.map(({ audioTime }) => audioTime).toSorted((a, b) => a - b));
});

test("audio of a telephone", async () => {
  const stream = await client.stream({ encoding: "mulaw", sampleRate: 8000 });
  assert.deepEqual([stream.encoding, stream.sampleRate], ["mulaw", 8000]);
  await assert.rejects(stream.send(audio), /audio: expected bytes of mulaw as a Uint8Array/);
  await stream.send(new Uint8Array(4000).fill(0xff));
  assert.equal(stream.audioSeconds, 0.5);
  const final = await stream.finalize();
  assert.equal(final.audioTime, 0.5);
  await stream.end();
});

test("after the end nothing more is taken, and a second end is none", async () => {
  const stream = await client.stream();
  assert.ok(stream.isOpen && stream.connected && stream.url.endsWith("/v1/stream"));
  await assert.rejects(stream.send(new Uint8Array(3)), /3 bytes are no whole number of 2-byte samples/);
  await assert.rejects(stream.send([1, 2]), InvalidOption);
  await stream.end();
  await stream.end();
  assert.ok(!stream.isOpen && !stream.connected);
  await assert.rejects(stream.send(audio), /after_end: the stream has ended/);
  await assert.rejects(stream.finalize(), /after_end/);
  await assert.rejects(stream.update({}), /after_end/);
  await assert.rejects(stream.reopen(), /only a stream that has failed can be reopened/);
  assert.throws(() => stream.sendNow(audio), /after_end/);
});

test("a stream that is closed ends its iteration, and whoever waits for an answer", async () => {
  const stream = await client.stream();
  await stream.send(audio);
  const answer = stream.finalize();
  const reading = eventsOf(stream, async () => undefined);
  stream.close();
  stream.close();
  await reading;
  await assert.rejects(answer, /after_end: the stream has been closed/);
  assert.equal(await stream.finished, null);
});
