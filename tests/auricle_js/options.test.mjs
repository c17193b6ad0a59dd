// What needs no server: options, settings, samples, and the module's own shape.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as auricle from "../../plugins/auricle-js/auricle.js";

const { AuricleClient, AuricleError, InvalidOption, Microphone, Resampler, Stream, toPcm16 } = auricle;
const url = "ws://127.0.0.1:9";

function refuses(attempt, option, problem = "") {
  assert.throws(attempt, (error) => {
    assert.ok(error instanceof InvalidOption && error instanceof TypeError, String(error));
    assert.equal(error.option, option);
    assert.ok(error.message.startsWith(`${option}: `) && error.message.includes(problem), error.message);
    return true;
  });
}

test("addresses", () => {
  for (const good of ["ws://h:1", "wss://h", "http://h:8765/", "https://h/x/v1/stream", "ws://[::1]:8765?a=b"]) {
    assert.ok(new AuricleClient(good));
  }
  for (const bad of ["", " ws://h", "ws://h\n", "h:8765", "ftp://h", "ws://", "ws://u:p@h", "/v1/stream", 7, {}]) {
    refuses(() => new AuricleClient([bad]), "url");
  }
  refuses(() => new AuricleClient([]), "url", "at least one");
  assert.ok(new AuricleClient()); // ws://127.0.0.1:8765 outside of pages
  assert.ok(new AuricleClient(null, {}));
});

test("options of a client", () => {
  for (const [options, option, problem] of [
    [{ apiKey: "x" }, "apiKey", "unknown; expected token"],
    [{ token: "a b" }, "token", "letters, digits"],
    [{ token: "" }, "token"],
    [{ token: "a", getToken: () => "b" }, "token", "leave one out"],
    [{ getToken: "x" }, "getToken", "a function"],
    [{ connectTimeoutMs: 0 }, "connectTimeoutMs"],
    [{ answerTimeoutMs: "5" }, "answerTimeoutMs", 'got "5"'],
    [{ packetMs: NaN }, "packetMs"],
    [{ sendBufferSeconds: -1 }, "sendBufferSeconds"],
    [{ reconnect: 5 }, "reconnect", "an object"],
    [{ reconnect: { attempts: 1.5 } }, "reconnect.attempts", "a whole number"],
    [{ reconnect: { jitter: 2 } }, "reconnect.jitter", "from 0 to 1"],
    [{ reconnect: { maxDelay: 2 } }, "reconnect.maxDelay", "unknown"],
    [{ WebSocket: null, toString: 1 }, "toString", "unknown"],
  ]) {
    refuses(() => new AuricleClient(url, options), option, problem);
  }
  refuses(() => new AuricleClient(url, null), "options");
  assert.ok(new AuricleClient(url, { answerTimeoutMs: null, token: undefined, reconnect: { waitWhileFull: true } }));
});

test("without a WebSocket of its own a program is told what to do", () => {
  const own = globalThis.WebSocket;
  globalThis.WebSocket = undefined;
  try {
    refuses(() => new AuricleClient(url), "WebSocket", "before version 22");
    assert.ok(new AuricleClient(url, { WebSocket: own }));
  } finally {
    globalThis.WebSocket = own;
  }
});

test("settings of a stream", () => {
  const client = new AuricleClient(url, { reconnect: { attempts: 0 } });
  for (const [settings, option, problem] of [
    [{ latency_ms: 80 }, "latency_ms", "unknown; expected latencyMs"],
    [{ latencyMs: "80" }, "latencyMs"],
    [{ latencyMs: 80, offline: true }, "latencyMs", "largest"],
    [{ language: 7 }, "language", "a string"],
    [{ language: "\ud800" }, "language"],
    [{ keyterms: "one" }, "keyterms", "a list"],
    [{ keyterms: ["one", 2] }, "keyterms[1]", "a string"],
    [{ encoding: "opus" }, "encoding", "pcm_s16le, mulaw, alaw"],
    [{ sampleRate: 96_000 }, "sampleRate", "8000 to 48000"],
    [{ words: 1 }, "words", "true or false"],
    [{ refine: true }, "refine", "off, on, auto"],
    [{ turn: [] }, "turn", "an object"],
    [{ turn: { mode: "vad" } }, "turn.mode"],
    [{ turn: { silenceMs: 79 } }, "turn.silenceMs", "from 80 to 10000"],
    [{ turn: { silenceMs: 300, eagerSilenceMs: 300 } }, "turn.eagerSilenceMs", "less than silenceMs"],
    [{ turn: { eagerSilenceMs: 500 } }, "turn.eagerSilenceMs", "less than silenceMs"],
    [{ turn: { endThreshold: 0 } }, "turn.endThreshold"],
    [{ turn: { eagerThreshold: 0.75 } }, "turn.eagerThreshold", "less than endThreshold"],
    [{ turn: { minSilenceMs: 3000 } }, "turn.minSilenceMs", "at most maxSilenceMs"],
    [{ turn: { maxTurnSeconds: 0.5 } }, "turn.maxTurnSeconds"],
    [{ turn: { silence: 500 } }, "turn.silence", "unknown"],
    [{ textFormat: { numbers: "digits" } }, "textFormat.numbers"],
    [{ textFormat: { replace: [{ search: " " }] } }, "textFormat.replace[0].search", "an empty one"],
    [{ textFormat: { replace: [{ replacement: "x" }] } }, "textFormat.replace[0].search"],
    [{ textFormat: { replace: Array(201).fill({ search: "a" }) } }, "textFormat.replace", "at most 200"],
    ["fast", "", "an object"],
  ]) {
    refuses(() => client.begin(settings), option, problem);
  }
  client.begin({ latencyMs: undefined, turn: { eagerSilenceMs: null }, keyterms: new Set(["a"]), language: null }).close();
});

test("errors are one tree, and carry their names", () => {
  const errors = Object.entries(auricle).filter(([name, kind]) => kind.prototype instanceof Error && name !== "InvalidOption");
  assert.equal(errors.length, 10 - 1);
  for (const [name, kind] of errors) assert.ok(name === "AuricleError" || kind.prototype instanceof AuricleError, name);
  assert.throws(() => new Stream(), /AuricleClient.stream/);
  assert.throws(() => new Microphone(), /Microphone.open/);
});

test("a microphone outside of browsers", async () => {
  await assert.rejects(Microphone.open(), (error) => error.name === "MicrophoneError" && error.reason === "unsupported");
  await assert.rejects(Microphone.devices(), (error) => error.reason === "unsupported");
  await assert.rejects(Microphone.open({ rate: 8000 }), (error) => error instanceof InvalidOption && error.option === "rate");
  await assert.rejects(Microphone.open({ frameMs: 1 }), InvalidOption);
});

test("floats become samples", () => {
  const given = Float32Array.of(0, 1, -1, 0.5, 2, -2, NaN, Infinity, 1 / 32767);
  assert.deepEqual([...toPcm16(given)], [0, 32767, -32767, 16384, 32767, -32767, 0, 32767, 1]);
});

function sine(hertz, rate, seconds) {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate));
}

function resampled(samples, from, to, piece) {
  const resampler = new Resampler(from, to);
  const parts = [];
  for (let at = 0; at < samples.length; at += piece) parts.push(...resampler.process(samples.subarray(at, at + piece)));
  return [...parts, ...resampler.flush()];
}

for (const [from, to] of [[48_000, 16_000], [44_100, 16_000], [8_000, 16_000], [16_000, 16_000], [22_050, 16_001], [96_000, 8_000]]) {
  test(`${from} Hz become ${to} Hz: tones stay, in time and level, and what is too high is gone`, () => {
    const hertz = 0.2 * Math.min(from, to);
    const out = resampled(sine(hertz, from, 0.5), from, to, 128);
    assert.equal(out.length, Math.ceil((Math.round(from * 0.5) * to) / from - 1e-9));
    const wanted = sine(hertz, to, 0.5);
    let worst = 0;
    for (let at = Math.round(to * 0.05); at < to * 0.45; at += 1) worst = Math.max(worst, Math.abs(out[at] - wanted[at]));
    assert.ok(worst < 2e-3, `off by ${worst}`);
    if (from > to) {
      const folded = resampled(sine(0.6 * to, from, 0.5), from, to, 128).slice(Math.round(to * 0.05), Math.round(to * 0.45));
      assert.ok(Math.max(...folded.map(Math.abs)) < 2e-3, `${Math.max(...folded.map(Math.abs))}`);
    }
  });
}

test("a resampler gives the same samples, however its input is cut", () => {
  const samples = sine(440, 44_100, 0.2).map((sample) => sample * 0.7 + 0.1);
  const whole = resampled(samples, 44_100, 16_000, samples.length);
  for (const piece of [1, 7, 128, 1000]) assert.deepEqual(resampled(samples, 44_100, 16_000, piece), whole);
  for (const rates of [[0, 16_000], [16_000, NaN], [-1, 1], [1, Infinity]]) assert.throws(() => new Resampler(...rates), RangeError);
});
