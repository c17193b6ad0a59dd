// Who is refused, and what a program hears of it: a WebSocket does not show the answer to a refused upgrade.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuricleClient, ConnectionFailed, Refused, ServerFull, StreamFailed } from "../../plugins/auricle-js/auricle.js";
import { control, eventsOf, given, samplesOf, say, textOf } from "./support.mjs";

const [keyed, small] = given.URLS;
const { text } = given.CASES;
const audio = samplesOf(given.CLIP);
const KEY = given.KEY;

test("a wrong token is refused for good, and the right one is not", async () => {
  for (const options of [{}, { token: "wrong-token" }]) {
    await assert.rejects(new AuricleClient(keyed, options).stream(), (error) => {
      assert.ok(error instanceof Refused && error.permanent, String(error));
      assert.equal(error.code, "unauthorized");
      return true;
    });
    const stream = new AuricleClient(keyed, options).begin();
    await assert.rejects(eventsOf(stream, async () => undefined), Refused);
  }
  const stream = await new AuricleClient(keyed, { token: KEY }).stream({ latencyMs: 80 });
  assert.equal(textOf(await eventsOf(stream, () => say(stream, audio))), text);
});

test("a token is asked for before each attempt, and a stream is resumed with a new one", async () => {
  const asked = [];
  const getToken = async (url) => {
    asked.push(url);
    if (asked.length === 2) throw new Error("the token server is away");
    return KEY;
  };
  const client = new AuricleClient(keyed, { getToken, reconnect: { firstDelayMs: 5, maxDelayMs: 10 } });
  const stream = await client.stream({ latencyMs: 80 });
  const events = await eventsOf(stream, async () => {
    await stream.send(audio.subarray(0, 32_000));
    stream.breakConnection();
    await say(stream, audio.subarray(32_000));
  });
  assert.equal(textOf(events), text);
  assert.deepEqual(asked, [stream.url, stream.url, stream.url]);
  const errors = events.filter(({ type }) => type === "reconnecting").map(({ error }) => error.message);
  assert.match(errors[1], /no token for ws:.*: the token server is away/);
  assert.ok(events.some(({ type }) => type === "resumed"));
});

test("a full server says when to come again, and a stream that waits has its words", async () => {
  const client = new AuricleClient(small, { reconnect: { waitWhileFull: true, attempts: 0, firstDelayMs: 5, maxDelayMs: 20 } });
  const holder = await client.stream();
  await assert.rejects(client.stream(), (error) => {
    assert.ok(error instanceof ServerFull && !error.permanent, String(error));
    assert.deepEqual([error.code, error.retryAfterSeconds], ["server_full", 1]);
    return true;
  });
  // Of several servers that one is told that is only full.
  const two = new AuricleClient(["ws://127.0.0.1:9", small], { connectTimeoutMs: 3000 });
  await assert.rejects(two.stream(), ServerFull);
  const waiting = client.begin({ latencyMs: 80 });
  const events = eventsOf(waiting, () => say(waiting, audio.subarray(0)));
  await new Promise((resolve) => waiting.addEventListener("reconnecting", resolve, { once: true }));
  await holder.end();
  const heard = await events;
  const { error, delayMs } = heard.find(({ type }) => type === "reconnecting");
  assert.ok(error instanceof ServerFull && delayMs >= 1000);
  assert.equal(textOf(heard), text);
});

test("a server that accepts the second attempt serves it", async () => {
  const holder = await new AuricleClient(small).stream();
  const sockets = [];
  class Counted extends globalThis.WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      sockets.push(protocols);
      // The slot is free again before the reason is asked for.
      if (sockets.length === 1) this.addEventListener("error", () => holder.close());
    }
  }
  let stream = null;
  while (stream === null) {
    stream = await new AuricleClient(small, { WebSocket: Counted }).stream().catch((error) => {
      assert.ok(error instanceof ServerFull); // the server has not noticed yet
      return null;
    });
  }
  await stream.end();
  assert.deepEqual(sockets.slice(0, 2), [["auricle.v1"], ["auricle.v1", "auricle.refusals"]]);
});

test("no server, a server that is none of ours, and one that says nothing", async () => {
  await assert.rejects(new AuricleClient("ws://127.0.0.1:9").stream(), (error) => {
    assert.ok(error instanceof ConnectionFailed && error.reason === "unreachable" && !error.permanent);
    return /no server at ws:\/\/127\.0\.0\.1:9\/v1\/stream/.test(error.message);
  });
  await assert.rejects(new AuricleClient(given.CONTROL).stream(), (error) => error.reason === "unreachable");
  const silent = (await control("silent")).url;
  await assert.rejects(new AuricleClient(silent, { connectTimeoutMs: 300 }).stream(), (error) => {
    assert.ok(error instanceof ConnectionFailed && error.reason === "timeout", String(error));
    return /was not ready within 300 ms/.test(error.message);
  });
});

test("what a server does not offer fails the opening, with its reason", async () => {
  const client = new AuricleClient(small);
  for (const [settings, code] of [
    [{ latencyMs: 7 }, "unsupported_latency"],
    [{ language: "tlh" }, "unsupported_language"],
    [{ keyterms: ["x".repeat(300)] }, "invalid_keyterms"],
  ]) {
    await assert.rejects(client.stream(settings), (error) => {
      assert.ok(error instanceof StreamFailed && error.permanent && error.fault === "client", String(error));
      assert.equal(error.code, code);
      return true;
    });
  }
});

test("a stream without audio for long has expired, and goes on when there is some", async () => {
  const client = new AuricleClient(keyed, { token: KEY, reconnect: { firstDelayMs: 5, maxDelayMs: 10 } });
  const stream = await client.stream({ latencyMs: 80 });
  const expired = new Promise((resolve) => {
    stream.addEventListener("reconnecting", ({ detail }) => resolve(detail.error), { once: true });
  });
  const { limits } = stream.ready;
  assert.equal(limits.idleSeconds, 2);
  await new Promise((resolve) => setTimeout(resolve, 5000)); // nobody speaks, and no attempt is made
  const events = await eventsOf(stream, () => say(stream, audio));
  const error = await expired;
  assert.deepEqual([error.code, error.expired, error.permanent], ["idle_timeout", true, false]);
  assert.equal(textOf(events), text);
});
