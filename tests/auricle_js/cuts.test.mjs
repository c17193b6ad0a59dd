// Cut connections: no word is lost, doubled or changed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuricleClient, ConnectionFailed } from "../../plugins/auricle-js/auricle.js";
import { control, eventsOf, given, samplesOf, sleep, spoken, textOf } from "./support.mjs";

const EAGER = { attempts: 1000, firstDelayMs: 5, maxDelayMs: 20, replaySeconds: 600 };
const { SPEED, wanted } = given.CASES;
const audio = samplesOf(given.CLIP);
const [direct, first] = given.URLS;

/** Says the conversation at many times the speed of speech, and asks for finals where they are wanted. */
async function talk(stream, asks) {
  const began = performance.now();
  const waiting = asks ? [...wanted] : [];
  for (let at = 0; at < audio.length; at += 320) {
    await stream.send(audio.subarray(at, at + 320));
    while (waiting.length > 0 && waiting[0] <= at + 320) stream.finalize(String(waiting.shift()));
    await sleep(began + at / 16 / SPEED - performance.now());
  }
  await stream.end();
}

async function conversed(url, settings, asks) {
  const stream = await new AuricleClient(url, { reconnect: EAGER }).stream(settings);
  return eventsOf(stream, () => talk(stream, asks));
}

for (const [name, settings, asks] of [
  ["asked for", { latencyMs: 160, turn: { mode: "off" } }, true],
  ["at ends of turns", { latencyMs: 80, turn: { silenceMs: 400, eagerSilenceMs: 200 } }, false],
]) {
  test(`cuts at random moments change nothing: finals ${name}`, async () => {
    const whole = await conversed(direct, settings, asks);
    await control("cut_at_random");
    const cut = await conversed(first, settings, asks);
    assert.equal(await control("cuts_left"), 0);
    assert.ok(cut.filter(({ type }) => type === "resumed").length >= 5);
    assert.ok(!cut.some(({ type }) => type === "replayed"));
    assert.deepEqual(spoken(cut), spoken(whole));
    const numbers = cut.map(({ seq }) => seq).filter((seq) => seq !== undefined);
    // Of interims that wait for a slow reader only the newest is sent, so numbers may be missing, but none comes twice.
    assert.ok(numbers.every((seq, index) => index === 0 || seq > numbers[index - 1]), String(numbers));
  });
}

test("a plug that is pulled by the caller is resumed, with every settings that was made", async () => {
  const client = new AuricleClient(direct, { reconnect: EAGER });
  const settings = { latencyMs: 80, turn: { mode: "off" } };
  const stream = await client.stream(settings);
  const { session } = stream.ready;
  const events = await eventsOf(stream, async () => {
    for (let at = 0; at < audio.length; at += 16_000) {
      await stream.send(audio.subarray(at, at + 16_000));
      if (at % 64_000 === 16_000) {
        if (at === 16_000) await stream.update({ language: "en" });
        stream.breakConnection();
        assert.ok(stream.isOpen);
      }
      await sleep(20);
    }
    const final = await stream.finalize();
    assert.equal(final.audioTime, audio.length / 16_000);
    await stream.end();
  });
  assert.equal(stream.ready.session, session);
  const connection = events.filter(({ type }) => ["reconnecting", "resumed", "replayed"].includes(type));
  assert.ok(connection.some(({ type }) => type === "resumed"));
  assert.ok(connection.every(({ type }) => type !== "replayed"));
  const { error, attempt, delayMs } = connection[0];
  assert.ok(error instanceof ConnectionFailed && error.reason === "lost" && attempt === 1 && delayMs <= 20);
  const whole = await client.stream(settings);
  const unbroken = await eventsOf(whole, async () => {
    await whole.send(audio);
    await whole.finalize();
    await whole.end();
  });
  assert.equal(textOf(events), textOf(unbroken));
});
