// Servers that are lost, come late, give no answer or take no audio.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuricleClient, Backpressure, ConnectionFailed } from "../../plugins/auricle-js/auricle.js";
import { control, eventsOf, given, samplesOf, say, sleep, textOf } from "./support.mjs";

const EAGER = { attempts: 1000, firstDelayMs: 5, maxDelayMs: 20, replaySeconds: 600 };
const audio = samplesOf(given.CLIP);
const { text } = given.CASES;
const [first, second] = given.URLS;

test("a server that is lost is replaced by another, which hears again what had no final", async () => {
  const stream = await new AuricleClient([first, second], { reconnect: EAGER }).stream({ latencyMs: 80, words: true });
  const address = stream.url;
  const events = await eventsOf(stream, async () => {
    await stream.send(audio.subarray(0, 40_000));
    await sleep(300);
    await control("lose_first");
    await say(stream, audio.subarray(40_000));
  });
  await control("find_first");
  assert.notEqual(stream.url, address);
  const replayed = events.filter(({ type }) => type === "replayed");
  assert.equal(replayed.length, 1);
  assert.equal(replayed[0].lostSeconds, 0);
  assert.ok(replayed[0].replayedSeconds > 0 && replayed[0].url === stream.url);
  assert.equal(textOf(events), text);
  // Times are those of the audio given to `send`, on whatever server.
  const times = events.filter(({ type }) => type === "final").flatMap((final) => final.words.map(({ start }) => start));
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
  assert.ok(times.at(-1) > 2.5 && times.at(-1) < audio.length / 16_000);
  assert.equal(stream.audioSeconds, audio.length / 16_000);
});

test("a stream that begins without a server is connected later, and has all its words", async () => {
  await control("lose_first");
  const stream = new AuricleClient(first, { reconnect: EAGER, sendBufferSeconds: 60 }).begin({ latencyMs: 80 });
  assert.deepEqual([stream.ready, stream.url, stream.isOpen], [null, null, true]);
  const events = await eventsOf(stream, async () => {
    for (let at = 0; at < audio.length; at += 320) stream.sendNow(audio.subarray(at, at + 320));
    const ending = stream.end();
    await sleep(200);
    await control("find_first");
    await ending;
  }).catch(async (error) => {
    await control("find_first");
    throw error;
  });
  const kinds = new Set(events.map(({ type }) => type));
  assert.ok(kinds.has("reconnecting"));
  const connected = events.find(({ type }) => type === "connected");
  assert.deepEqual([connected.bufferedSeconds, connected.lostSeconds], [audio.length / 16_000, 0]);
  assert.equal(textOf(events), text);
});

test("a stream that gives up says why, and can be reopened without a loss", async () => {
  const stream = await new AuricleClient(first, { reconnect: { ...EAGER, attempts: 2 } }).stream({ turn: { mode: "off" } });
  await stream.send(audio.subarray(0, 30_000));
  await control("lose_first");
  const closed = new Promise((resolve) => stream.addEventListener("closed", ({ detail }) => resolve(detail)));
  const asked = stream.finalize("asked");
  await assert.rejects(eventsOf(stream, async () => undefined), (error) => error.reason === "unreachable");
  await assert.rejects(asked, ConnectionFailed);
  const failure = await stream.finished;
  assert.equal((await closed).error, failure);
  assert.equal(failure.permanent, false);
  await assert.rejects(stream.send(audio), (error) => error === failure);
  await assert.rejects(stream.reopen(), ConnectionFailed);
  await control("find_first");
  await stream.reopen();
  const events = await eventsOf(stream, async () => {
    await stream.send(audio.subarray(30_000));
    await stream.end();
  });
  assert.ok(["resumed", "replayed"].includes(events[0].type));
  assert.ok(events.some(({ finalizeId }) => finalizeId === "asked"));
  assert.equal(textOf(events), text);
});

test("a server that owes an answer and is silent is given up, and the stream resumed", async () => {
  const stream = await new AuricleClient(first, { reconnect: EAGER, answerTimeoutMs: 1500 }).stream({ turn: { mode: "off" } });
  const events = await eventsOf(stream, async () => {
    await stream.send(audio);
    await control("stall_first");
    const final = await stream.finalize();
    assert.equal(final.text, text);
    await stream.end();
  });
  const { error } = events.find(({ type }) => type === "reconnecting");
  assert.deepEqual([error.name, error.reason], ["ConnectionFailed", "timeout"]);
  assert.ok(events.some(({ type }) => type === "resumed"));
});

test("a network that takes no audio holds back who can wait, and tells who cannot", async () => {
  const client = new AuricleClient(first, { reconnect: { ...EAGER, attempts: 0 }, answerTimeoutMs: null });
  const stream = await client.stream({ sampleRate: 48_000 });
  await control("stall_first_up");
  const second = new Int16Array(48_000);
  // The kernel's buffers take some megabytes before the network is felt.
  let refused = null;
  for (let seconds = 0; refused === null && seconds < 2000; seconds += 1) {
    try {
      stream.sendNow(second);
      await sleep(1);
    } catch (error) {
      refused = error;
    }
  }
  assert.ok(refused instanceof Backpressure && !refused.permanent);
  assert.ok(refused.unsentSeconds >= 2 && refused.unsentSeconds < 3.5, String(refused));
  const given = stream.audioSeconds;
  let taken = false;
  const sending = stream.send(second).then(() => (taken = true));
  await sleep(200);
  assert.ok(!taken && stream.isOpen && stream.audioSeconds === given);
  await control("go_on_first");
  await sending;
  stream.close();
  await control("lose_first"); // the close frame would wait for all that audio
});

test("an iteration that reads nothing holds the audio back, and reads all in the end", async () => {
  const stream = await new AuricleClient(second).stream({ latencyMs: 80, turn: { mode: "off" } });
  const iterator = stream[Symbol.asyncIterator]();
  const finals = await Promise.all(Array.from({ length: 1030 }, () => stream.finalize()));
  await stream.send(audio.subarray(0, 24_000));
  await sleep(100);
  assert.ok(stream.unsentSeconds >= 1.5, `${stream.unsentSeconds}`);
  for (const final of finals) assert.deepEqual((await iterator.next()).value, final);
  while (stream.unsentSeconds >= 1) await sleep(20); // all that is left is in the socket's own buffer
  // What an iteration itself waits for is sent all the same.
  for (let count = 0; count < 1030; count += 1) stream.finalize();
  await Promise.race([stream.finalize(), stream.finished]);
  await stream.end();
});
